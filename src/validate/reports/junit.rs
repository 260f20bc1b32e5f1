//! A report as JUnit XML: a suite for each area. What could not be looked at is an error; what is waived or does not
//! apply is skipped with its reason, and never a success.

use super::terminal::sentence;
use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::{State, Verdict};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::time::Duration;

/// Writes it.
pub fn write(report: &Report) -> String {
    let mut junit = quick_junit::Report::new(report.title.as_str());
    junit.set_time(Duration::try_from_secs_f64(report.seconds).unwrap_or_default());
    let mut suites: BTreeMap<&str, Vec<&Judgement>> = BTreeMap::new();
    for result in &report.results {
        suites.entry(&result.area).or_default().push(result);
    }
    for (area, results) in suites {
        let mut suite = TestSuite::new(area);
        for result in results {
            let mut case = TestCase::new(format!("{} {}", result.id, result.title), status(result));
            case.set_classname(format!("{}.{area}", report.profile));
            suite.add_test_case(case);
        }
        junit.add_test_suite(suite);
    }
    of_the_schema(junit.to_string().unwrap_or_default())
}

/// Jenkins' schema (junit-10.xsd) counts what is skipped in each suite, and has no such count for all of them.
fn of_the_schema(mut text: String) -> String {
    let from = text.find("<testsuites ").unwrap_or_default();
    let until = text[from..].find('>').map_or(from, |at| from + at);
    if let Some(at) = text[from..until].find(" skipped=\"").map(|at| from + at)
        && let Some(end) = text[at + 10..until].find('"').map(|end| at + 10 + end + 1)
    {
        text.replace_range(at..end, "");
    }
    text
}

fn status(result: &Judgement) -> TestCaseStatus {
    let skipped = |reason: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(reason);
        status
    };
    if let Some(waiver) = result.waiver.as_ref().filter(|waiver| !waiver.expired) {
        return skipped(format!("waived until {} by {}: {}", waiver.expires, waiver.owner, waiver.reason));
    }
    let kind = match &result.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::NotApplicable { reason } => return skipped(format!("not applicable: {reason}")),
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::CouldNotLook { .. } => NonSuccessKind::Error,
    };
    let shown = result.evidence.iter().filter(|one| matches!(one.state, State::Broken | State::NotLooked));
    let lines: Vec<String> = shown.map(sentence).collect();
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(result.verdict.name());
    status
        .set_message(lines.first().cloned().or_else(|| result.verdict.reason().map(str::to_owned)).unwrap_or_default());
    status.set_description(lines.join("\n"));
    status
}
