//! From text to [`Program`], by minijinja's parser: the one file that knows its (unstable) syntax tree.
//!
//! The tree is evaluated here and not by minijinja's machine because Ansible's rules do not fit into it: undefined that
//! is strict and yet chains, values templated lazily when read, unknown values, secrets that taint what they touch.

use super::error::{TemplateError, TemplateTrouble};
use super::lower::Lower;
use super::place::Source;
use super::plus;
use super::syntax::{Program, Stmt};
use crate::roles::modules::RenderOptions;
use minijinja::machinery::ast;
use minijinja::syntax::SyntaxConfig;
use std::borrow::Cow;

/// Longer texts are refused: spans count lines and columns in 16 bits, and no role has such a one.
const LONGEST: usize = 16 << 20;

/// A text of a YAML document.
pub(super) fn template(source: Source) -> Result<Program, TemplateError> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build();
    statements(source, syntax.unwrap_or_default(), ("{%", "%}"), true)
}

/// A template file.
pub(super) fn file(source: Source, options: &RenderOptions) -> Result<Program, TemplateError> {
    let pair = |(start, end): &(String, String)| (start.clone(), end.clone());
    let (block, variable, comment) = (pair(&options.block), pair(&options.variable), pair(&options.comment));
    let mut syntax = SyntaxConfig::builder();
    if let Some(prefix) = &options.line_statement {
        syntax.line_statement_prefix(prefix.clone());
    }
    if let Some(prefix) = &options.line_comment {
        syntax.line_comment_prefix(prefix.clone());
    }
    let syntax = syntax
        .block_delimiters(block.0.clone(), block.1.clone())
        .variable_delimiters(variable.0, variable.1)
        .comment_delimiters(comment.0, comment.1)
        .trim_blocks(options.trim_blocks)
        .lstrip_blocks(options.lstrip_blocks)
        .keep_trailing_newline(true)
        .build()
        .map_err(|error| syntax_error(&source, &error))?;
    statements(source, syntax, (&block.0, &block.1), false)
}

/// An expression without delimiters. It parses as the only thing between them, so nothing can follow it.
pub(super) fn expression(source: Source) -> Result<Program, TemplateError> {
    bounded(&source)?;
    let read = |text: &str, pluses: &[u32]| {
        let parsed = minijinja::machinery::parse_expr(text)?;
        Ok(vec![Stmt::Emit(Lower { text, pluses, raw_strings: false }.node(&parsed))])
    };
    let body = plus::tolerant(&source.text, read).map_err(|error| syntax_error(&source, &error))?;
    Ok(Program { source, body })
}

fn statements(source: Source, syntax: SyntaxConfig, marks: (&str, &str), yaml: bool) -> Result<Program, TemplateError> {
    bounded(&source)?;
    let text = raws(&source.text, marks);
    let read = |text: &str, pluses: &[u32]| match minijinja::machinery::parse(text, "template", syntax.clone())? {
        ast::Stmt::Template(parsed) => Ok(Lower { text, pluses, raw_strings: yaml }.body(&parsed.children)),
        _ => Ok(Vec::new()),
    };
    let body = plus::tolerant(&text, read).map_err(|error| syntax_error(&source, &error))?;
    Ok(Program { source, body })
}

/// Jinja's `trim_blocks` leaves the newline after `{% raw %}`, minijinja's takes it: the tag then asks for it to stay.
fn raws<'t>(text: &'t str, (open, close): (&str, &str)) -> Cow<'t, str> {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = text[at..].find(open) {
        at += found + open.len();
        let Some(after) = tag(&text[at..], "raw") else { continue };
        let end = text.len() - after.len();
        if let Some(body) = after.strip_prefix(close)
            && body.starts_with(['\n', '\r'])
        {
            out.push_str(&text[copied..end]);
            out.push('+');
            copied = end;
        }
        at = end;
        while let Some(found) = text[at..].find(open) {
            at += found + open.len();
            if tag(&text[at..], "endraw").is_some() {
                break;
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// What follows a tag's name, where it is this one.
fn tag<'t>(inside: &'t str, name: &str) -> Option<&'t str> {
    let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside).trim_ascii_start();
    Some(inside.strip_prefix(name)?.trim_ascii_start())
}

fn bounded(source: &Source) -> Result<(), TemplateError> {
    if source.text.len() > LONGEST {
        return Err(TemplateError::new(TemplateTrouble::Syntax, "the template is longer than 16 MiB"));
    }
    Ok(())
}

fn syntax_error(source: &Source, error: &minijinja::Error) -> TemplateError {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let offset = error.range().map_or(0, |range| range.start);
    let mut out = TemplateError::new(TemplateTrouble::Syntax, format!("template does not parse: {what}"));
    if what.contains('`') && source.text.trim_start().starts_with("{{") && !source.text.contains("}}") {
        out = out.with_hint("`{{` is not closed");
    }
    out.at(&source.place(u32::try_from(offset).unwrap_or(0)))
}
