//! The first line of a template file, where it says how the file is to be read.

use super::error::{TemplateError, TemplateTrouble};
use crate::roles::modules::RenderOptions;

const MARK: &str = "#jinja2:";

/// Ansible's defaults: a block's own newline goes, indentation stays.
pub(in crate::roles) fn plain_options() -> RenderOptions {
    let pair = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    RenderOptions {
        trim_blocks: true,
        lstrip_blocks: false,
        newline_sequence: "\n".into(),
        variable: pair("{{", "}}"),
        block: pair("{%", "%}"),
        comment: pair("{#", "#}"),
        line_statement: None,
        line_comment: None,
        destination: std::path::PathBuf::new(),
    }
}

/// A value of the line, as `ast.literal_eval` reads it.
enum Literal {
    Truth(bool),
    Text(String),
}

/// `#jinja2: trim_blocks:False, lstrip_blocks: True` on the first line overrides what the task says.
pub(super) fn header<'t>(text: &'t str, options: &RenderOptions) -> Result<(&'t str, RenderOptions), TemplateError> {
    let mut options = options.clone();
    let Some(rest) = text.strip_prefix(MARK) else { return Ok((text, options)) };
    // To the original such a line fails the task, which may be rescued, and is no fault of the tree.
    let wrong = |message: String| TemplateError::new(TemplateTrouble::Failed, message);
    let Some((line, body)) = rest.split_once('\n') else {
        return Err(wrong(format!("Missing newline after '{MARK}' override.")));
    };
    for pair in line.trim_end_matches('\r').split(',') {
        if pair.trim().is_empty() {
            return Err(wrong(format!("Empty '{MARK}' override pair not allowed.")));
        }
        let (key, value) = pair
            .split_once(':')
            .ok_or_else(|| wrong(format!("Missing key-value separator `:` in '{MARK}' override pair '{pair}'.")))?;
        let key = key.trim();
        let literal = literal(value.trim())
            .ok_or_else(|| wrong(format!("the value of `{key}` in the '{MARK}' line is no literal: {value}")))?;
        set(&mut options, key, literal).map_err(wrong)?;
    }
    Ok((body, options))
}

fn set(options: &mut RenderOptions, key: &str, literal: Literal) -> Result<(), String> {
    let place = match key {
        "trim_blocks" | "lstrip_blocks" | "keep_trailing_newline" => {
            let Literal::Truth(truth) = literal else {
                return Err(format!("`{key}` in the '{MARK}' line takes True or False"));
            };
            match key {
                "trim_blocks" => options.trim_blocks = truth,
                "lstrip_blocks" => options.lstrip_blocks = truth,
                // The last line end is put back in any case.
                _ => {}
            }
            return Ok(());
        }
        "newline_sequence" => &mut options.newline_sequence,
        "variable_start_string" => &mut options.variable.0,
        "variable_end_string" => &mut options.variable.1,
        "block_start_string" => &mut options.block.0,
        "block_end_string" => &mut options.block.1,
        "comment_start_string" => &mut options.comment.0,
        "comment_end_string" => &mut options.comment.1,
        "line_statement_prefix" => options.line_statement.get_or_insert_default(),
        "line_comment_prefix" => options.line_comment.get_or_insert_default(),
        _ => return Err(format!("Invalid '{MARK}' override key '{key}'.")),
    };
    let Literal::Text(text) = literal else { return Err(format!("`{key}` in the '{MARK}' line takes a text")) };
    *place = text;
    Ok(())
}

fn literal(written: &str) -> Option<Literal> {
    match written {
        "True" | "true" => return Some(Literal::Truth(true)),
        "False" | "false" => return Some(Literal::Truth(false)),
        _ => {}
    }
    let quote = written.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inside = written.strip_prefix(quote)?.strip_suffix(quote)?;
    let (mut out, mut chars) = (String::new(), inside.chars());
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return None,
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                other @ ('\\' | '\'' | '"') => out.push(other),
                other => out.extend(['\\', other]),
            },
            c => out.push(c),
        }
    }
    Some(Literal::Text(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_as_python_reads_it() {
        let read = |line: &str| header(line, &plain_options()).map(|(body, options)| (body.to_owned(), options));
        let (body, options) =
            read("#jinja2: line_statement_prefix:\":\", newline_sequence: '\\r\\n'\nx").expect("good");
        assert_eq!((body.as_str(), options.line_statement.as_deref()), ("x", Some(":")));
        assert_eq!(options.newline_sequence, "\r\n");
        for (line, why) in [
            ("#jinja2: lstrip_blocks=True\n", "Missing key-value separator `:`"),
            ("#jinja2: lstrip_blocks:True,\n", "Empty '#jinja2:'"),
            ("#jinja2: nonsense:True\n", "Invalid '#jinja2:' override key 'nonsense'."),
            ("#jinja2: trim_blocks:'no'\n", "takes True or False"),
            ("#jinja2: block_start_string:[[\n", "is no literal"),
            ("#jinja2: trim_blocks:True", "Missing newline"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.message.contains(why), "{line}: {}", error.message);
        }
    }
}
