//! A report for a terminal: what failed or could not be looked at, with the evidence, and the numbers.

use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::{Aspect, Evidence, State, Verdict};
use std::fmt::Write;

/// Writes it.
pub fn write(report: &Report) -> String {
    let mut text = format!("{} ({}), {}\n\n", report.title, report.profile, report.subject.system.name);
    let worth = |result: &&Judgement| matches!(result.verdict, Verdict::Fail | Verdict::CouldNotLook { .. });
    for result in report.results.iter().filter(worth) {
        one(&mut text, result);
    }
    let counts = &report.summary;
    let _ = writeln!(
        text,
        "{} pass, {} fail, {} not applicable, {} could not be looked at, {} waived ({:.2} s)",
        counts.pass, counts.fail, counts.not_applicable, counts.could_not_look, counts.waived, report.seconds
    );
    if let Some(drift) = &report.drift {
        let lists =
            [("regressed", &drift.regressed), ("fixed", &drift.fixed), ("new", &drift.new), ("gone", &drift.gone)];
        for (name, ids) in lists.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let _ = writeln!(text, "{name} since {}: {}", drift.since, ids.join(", "));
        }
    }
    text
}

fn one(text: &mut String, result: &Judgement) {
    let _ = writeln!(text, "{:<14} {} {}", result.standing(), result.id, result.title);
    for evidence in result.evidence.iter().filter(|one| matches!(one.state, State::Broken | State::NotLooked)) {
        let _ = writeln!(text, "    {}", sentence(evidence));
    }
    if let (Some(reason), true) = (result.verdict.reason(), result.evidence.is_empty()) {
        let _ = writeln!(text, "    {reason}");
    }
    if let Some(waiver) = &result.waiver {
        let until = if waiver.expired { "was waived until" } else { "waived until" };
        let _ = writeln!(text, "    {until} {} by {}: {}", waiver.expires, waiver.owner, waiver.reason);
    }
    for fix in &result.fixed_by {
        let _ = writeln!(text, "    fixed by the task `{}` ({})", fix.task, fix.variable);
    }
    text.push('\n');
}

/// One piece of evidence in a line.
pub fn sentence(evidence: &Evidence) -> String {
    let aspect = match evidence.aspect {
        Aspect::Stored => "stored",
        Aspect::Live => "live",
        Aspect::Reboot => "after a reboot",
    };
    let line = evidence.line.map(|line| format!(":{line}")).unwrap_or_default();
    let expected = match (evidence.state, evidence.expected.as_str()) {
        (State::Broken, expected) if !expected.is_empty() => format!("; expected {expected}"),
        _ => String::new(),
    };
    format!("{aspect}: {}{line}: {}{expected}", evidence.read, evidence.found)
}
