//! A report as a textfile for Prometheus' node exporter.

use crate::validate::report::Report;
use std::fmt::Write;

/// Writes it.
pub fn write(report: &Report) -> String {
    let profile = escaped(&report.profile);
    let counts = &report.summary;
    let mut text = String::new();
    let _ = writeln!(text, "# HELP muster_validate_controls Controls by what they came to.");
    let _ = writeln!(text, "# TYPE muster_validate_controls gauge");
    for (verdict, count) in [
        ("pass", counts.pass),
        ("fail", counts.fail),
        ("not-applicable", counts.not_applicable),
        ("could-not-look", counts.could_not_look),
        ("waived", counts.waived),
    ] {
        let _ = writeln!(text, "muster_validate_controls{{profile=\"{profile}\",verdict=\"{verdict}\"}} {count}");
    }
    let _ = writeln!(text, "# HELP muster_validate_control Whether a control passed: 1, or 0 where it did not.");
    let _ = writeln!(text, "# TYPE muster_validate_control gauge");
    for result in report.results.iter().filter(|result| result.verdict.name() != "not-applicable") {
        let (id, verdict) = (escaped(&result.id), result.standing());
        let passed = u8::from(verdict == "pass");
        let _ = writeln!(
            text,
            "muster_validate_control{{profile=\"{profile}\",control=\"{id}\",verdict=\"{verdict}\"}} {passed}"
        );
    }
    for (name, help, value) in [
        ("last_run_timestamp_seconds", "When the machine was judged.", report.started.as_second().to_string()),
        ("duration_seconds", "How long that took.", format!("{:.3}", report.seconds)),
    ] {
        let _ = writeln!(text, "# HELP muster_validate_{name} {help}\n# TYPE muster_validate_{name} gauge");
        let _ = writeln!(text, "muster_validate_{name}{{profile=\"{profile}\"}} {value}");
    }
    text
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
