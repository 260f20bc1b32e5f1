//! Reports in the forms that others read. One file each, one row each.

mod html;
mod junit;
mod oscal;
mod prometheus;
mod sarif;
mod terminal;
mod xccdf;

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
    Form { name: "html", summary: "one page for people, with nothing else to load", write: html::write },
    Form { name: "json", summary: "muster's own schema, with all the evidence", write: json },
    Form { name: "junit", summary: "JUnit XML", write: junit::write },
    Form { name: "oscal", summary: "OSCAL assessment results 1.1.2", write: oscal::write },
    Form { name: "prometheus", summary: "a textfile for the node exporter", write: prometheus::write },
    Form { name: "sarif", summary: "SARIF 2.1.0", write: sarif::write },
    Form { name: "text", summary: "a terminal: failures with their evidence", write: terminal::write },
    Form { name: "xccdf", summary: "an XCCDF 1.2 TestResult", write: xccdf::write },
];

fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}
