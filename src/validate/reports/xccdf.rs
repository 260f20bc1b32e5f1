//! A report as an XCCDF 1.2 `TestResult` (NISTIR 7275r4).

use super::terminal::sentence;
use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::{State, Verdict};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

type Xml = Writer<Vec<u8>>;

/// Writes it.
pub fn write(report: &Report) -> String {
    let mut xml = Writer::new_with_indent(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec(), b' ', 2);
    // Nothing that is written into memory fails.
    let _ = document(&mut xml, report);
    let mut text = String::from_utf8_lossy(&xml.into_inner()).into_owned();
    text.push('\n');
    text
}

fn document(xml: &mut Xml, report: &Report) -> io::Result<()> {
    let took = jiff::SignedDuration::try_from_secs_f64(report.seconds).unwrap_or_default();
    let (start, end) = (report.started.to_string(), report.started.saturating_add(took).unwrap_or(report.started));
    let (id, end) = (format!("xccdf_muster_testresult_{}", report.profile), end.to_string());
    let attributes = [
        ("xmlns", "http://checklists.nist.gov/xccdf/1.2"),
        ("id", id.as_str()),
        ("start-time", start.as_str()),
        ("end-time", end.as_str()),
        ("version", report.muster.as_str()),
        ("test-system", "cpe:/a:muster:muster"),
    ];
    xml.create_element("TestResult").with_attributes(attributes).write_inner_content(|xml| {
        let benchmark = format!("urn:muster:profile:{}", report.profile);
        xml.create_element("benchmark").with_attribute(("href", benchmark.as_str())).write_empty()?;
        text(xml, "title", &report.title)?;
        let profile = format!("xccdf_muster_profile_{}", report.profile);
        xml.create_element("profile").with_attribute(("idref", profile.as_str())).write_empty()?;
        text(xml, "target", &report.subject.root)?;
        for result in &report.results {
            rule(xml, result, &start)?;
        }
        let counts = &report.summary;
        let judged = counts.pass + counts.fail + counts.could_not_look + counts.waived;
        #[expect(clippy::cast_precision_loss, reason = "there are hundreds of controls")]
        let score = 100.0 * counts.pass as f64 / judged.max(1) as f64;
        let attributes = [("system", "urn:xccdf:scoring:flat-unweighted"), ("maximum", "100")];
        let score = format!("{score:.2}");
        xml.create_element("score").with_attributes(attributes).write_text_content(BytesText::new(&score))?;
        Ok(())
    })?;
    Ok(())
}

fn rule(xml: &mut Xml, result: &Judgement, time: &str) -> io::Result<()> {
    let name = format!("xccdf_muster_rule_{}", result.id);
    let verdict = match result.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::NotApplicable { .. } => "notapplicable",
        // "error" is what could not be completed, for want of permission for one.
        Verdict::CouldNotLook { .. } => "error",
    };
    let attributes = [("idref", name.as_str()), ("time", time), ("severity", "unknown")];
    xml.create_element("rule-result").with_attributes(attributes).write_inner_content(|xml| {
        text(xml, "result", verdict)?;
        if let Some(waiver) = &result.waiver {
            let until = if waiver.expired { "was waived until" } else { "waived until" };
            message(xml, &format!("{until} {} by {}: {}", waiver.expires, waiver.owner, waiver.reason))?;
        }
        if let Some(reason) = result.verdict.reason() {
            message(xml, reason)?;
        }
        for evidence in result.evidence.iter().filter(|one| one.state != State::Shown) {
            message(xml, &sentence(evidence))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn message(xml: &mut Xml, what: &str) -> io::Result<()> {
    let element = xml.create_element("message").with_attribute(("severity", "info"));
    element.write_text_content(BytesText::new(&clean(what)))?;
    Ok(())
}

fn text(xml: &mut Xml, name: &str, what: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&clean(what)))?;
    Ok(())
}

/// XML 1.0 has no way to write most control characters.
fn clean(what: &str) -> String {
    what.chars()
        .map(|letter| if letter.is_control() && !"\t\n".contains(letter) { '\u{fffd}' } else { letter })
        .collect()
}
