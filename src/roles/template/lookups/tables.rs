//! Lookups in files of tables: `csvfile`, `ini`.

use super::{Lookup, Options, Outcome, files, lost};
use crate::roles::load::parse_pairs;
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::template::error::TemplateError;
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;

pub(super) static LOOKUPS: &[Lookup] = &[
    Lookup { name: "csvfile", options: &["col", "default", "delimiter", "file", "encoding", "keycol"], run: csvfile },
    Lookup {
        name: "ini",
        options: &[
            "type",
            "file",
            "section",
            "re",
            "encoding",
            "default",
            "case_sensitive",
            "allow_no_value",
            "allow_none",
            "interpolation",
        ],
        run: ini,
    },
];

/// An option, which the term itself may set as `name=value`.
struct Asked<'o> {
    key: String,
    inline: Vec<(String, String)>,
    options: &'o Options,
}

impl<'o> Asked<'o> {
    fn new(term: &Value, options: &'o Options) -> Result<Self, TemplateError> {
        let text = python::text(term);
        let pairs = parse_pairs(&text, false).map_err(|error| TemplateError::failed(error.to_string()))?;
        let key = pairs.rest.split_whitespace().next().map(str::to_owned);
        let key = key.ok_or_else(|| TemplateError::failed("Search key is required but was not found"))?;
        // Without options in it a term may have spaces.
        let key = if pairs.pairs.is_empty() { text.trim().to_owned() } else { key };
        Ok(Self { key, inline: pairs.pairs, options })
    }

    fn text(&self, name: &str) -> Option<String> {
        let inline = self.inline.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone());
        inline.or_else(|| self.options.text(name))
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        match self.inline.iter().find(|(have, _)| have == name) {
            Some((_, value)) => matches!(value.to_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y" | "t"),
            None => self.options.flag(name, default),
        }
    }

    fn column(&self, name: &str, default: usize) -> Result<usize, TemplateError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| TemplateError::failed(format!("csvfile: `{name}` is no column's number")))
    }
}

fn csvfile(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    if terms.is_empty() {
        return Err(TemplateError::failed("Search key is required but was not found"));
    }
    let mut out = Vec::new();
    for term in &terms {
        let asked = Asked::new(term, options)?;
        let name = asked.text("file").unwrap_or_else(|| "ansible.csv".into());
        let text = files::text(run, &name)?;
        let delimiter = match asked.text("delimiter").as_deref() {
            None | Some("TAB") => '\t',
            Some(other) => other.chars().next().unwrap_or('\t'),
        };
        let (column, key_column) = (asked.column("col", 1)?, asked.column("keycol", 0)?);
        let mut rows = rows(&text, delimiter).into_iter().filter(|row| row.iter().any(|field| !field.is_empty()));
        match rows.find(|row| row.get(key_column) == Some(&asked.key)) {
            Some(row) => {
                let field = row.get(column).ok_or_else(|| lost(format!("csvfile: {name} has no column {column}")))?;
                out.push(Value::str(field.as_str()));
            }
            None => out.extend(asked.text("default").map(Value::str)),
        }
    }
    Ok(out)
}

/// Rows of comma-separated values in Excel's dialect.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            _ if quoted => field.push(c),
            _ if c == delimiter => row.push(std::mem::take(&mut field)),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(c),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

fn ini(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let mut out = Vec::new();
    for term in &terms {
        let asked = Asked::new(term, options)?;
        let name = asked.text("file").unwrap_or_else(|| "ansible.ini".into());
        let mut text = files::text(run, &name)?;
        let mut section = asked.text("section").unwrap_or_else(|| "global".into());
        if asked.text("type").as_deref() == Some("properties") {
            section = "java_properties".into();
            text = format!("[java_properties]\n{text}");
        }
        let bare = asked.flag("allow_no_value", false) || asked.flag("allow_none", false);
        let parsed = Ini::parse(&text, asked.flag("case_sensitive", false), bare)
            .map_err(|problem| lost(format!("ini: {name}: {problem}")))?;
        let members = parsed.section(&section);
        let members = members.ok_or_else(|| lost(format!("No section '{section}' in '{name}'.")))?;
        let finished = |value: &str| -> Result<Value, TemplateError> {
            let text = if asked.flag("interpolation", true) { filled(value, &members, 0)? } else { value.to_owned() };
            Ok(Value::str(text))
        };
        if asked.flag("re", false) {
            let failed = |error: crate::roles::pattern::PatternError| TemplateError::failed(error.to_string());
            let pattern = Pattern::new(&asked.key, Flags::default()).map_err(failed)?;
            for (key, value) in &members {
                if pattern.is_match_at_start(key).map_err(failed)? {
                    out.push(finished(value)?);
                }
            }
            continue;
        }
        let key = if asked.flag("case_sensitive", false) { asked.key.clone() } else { asked.key.to_lowercase() };
        match members.iter().find(|(have, _)| *have == key) {
            Some((_, value)) => out.push(finished(value)?),
            None => out.push(Value::str(asked.text("default").unwrap_or_default())),
        }
    }
    Ok(out)
}

/// A file as Python's `configparser` reads it.
#[derive(Default)]
struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    fn parse(text: &str, case_sensitive: bool, bare: bool) -> Result<Self, String> {
        let mut ini = Self::default();
        let mut continued = false;
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.starts_with(['#', ';']) {
                continue;
            }
            if trimmed.is_empty() {
                continue;
            }
            let indented = line.starts_with([' ', '\t']);
            if indented && continued {
                if let Some((_, value)) = ini.sections.last_mut().and_then(|(_, members)| members.last_mut()) {
                    value.push('\n');
                    value.push_str(trimmed);
                }
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
                if ini.sections.iter().all(|(have, _)| have != name) {
                    ini.sections.push((name.to_owned(), Vec::new()));
                }
                let at = ini.sections.iter().position(|(have, _)| have == name).unwrap_or(0);
                let section = ini.sections.remove(at);
                ini.sections.push(section);
                continued = false;
                continue;
            }
            let (key, value) = match trimmed.find(['=', ':']) {
                Some(at) => (trimmed[..at].trim(), trimmed[at + 1..].trim()),
                None if bare => (trimmed, ""),
                None => return Err(format!("line {} has neither `=` nor `:`", number + 1)),
            };
            let key = if case_sensitive { key.to_owned() } else { key.to_lowercase() };
            let Some((_, members)) = ini.sections.last_mut() else {
                return Err(format!("line {} stands before the first section", number + 1));
            };
            if members.iter().any(|(have, _)| *have == key) {
                return Err(format!("duplicate option `{key}`"));
            }
            members.push((key, value.to_owned()));
            continued = true;
        }
        Ok(ini)
    }

    /// The members of `DEFAULT`, those of a section laid over them.
    fn section(&self, name: &str) -> Option<Vec<(String, String)>> {
        let find = |name: &str| self.sections.iter().find(|(have, _)| have == name).map(|(_, members)| members);
        let own = find(name)?;
        let mut members = find("DEFAULT").cloned().unwrap_or_default();
        for (key, value) in own {
            match members.iter_mut().find(|(have, _)| have == key) {
                Some(member) => member.1.clone_from(value),
                None => members.push((key.clone(), value.clone())),
            }
        }
        Some(members)
    }
}

/// `%(name)s` is another member, `%%` a percent sign.
fn filled(value: &str, members: &[(String, String)], depth: usize) -> Result<String, TemplateError> {
    if depth > 10 {
        return Err(TemplateError::failed("ini: values refer to each other without an end"));
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|text| text.split_once(")s")) {
            let found = members.iter().find(|(have, _)| *have == name.to_lowercase() || have == name);
            let (_, found) = found.ok_or_else(|| TemplateError::failed(format!("ini: there is no value `{name}`")))?;
            out.push_str(&filled(found, members, depth + 1)?);
            rest = after;
        } else {
            return Err(TemplateError::failed(format!("ini: '%' must be followed by '%' or '(', found: '%{after}'")));
        }
    }
    out.push_str(rest);
    Ok(out)
}
