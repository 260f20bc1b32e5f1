//! Reports in the forms that others read. One file each, one row each.

mod terminal;

use super::report::Report;

/// A form of report.
#[derive(Clone, Copy)]
pub struct Form {
    /// As the command line names it.
    pub name: &'static str,
    /// Who reads it.
    pub summary: &'static str,
    /// Writes it.
    pub write: fn(&Report) -> String,
}

/// Every form.
pub const FORMS: &[Form] = &[
    Form { name: "json", summary: "muster's own schema, with all the evidence", write: json },
    Form { name: "text", summary: "a terminal: failures with their evidence", write: terminal::write },
];

fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
