//! A report as one page that needs nothing else: the outcome in a sentence, what is to be done, then every control with
//! its evidence.

use super::terminal::sentence;
use crate::validate::report::{Judgement, Report};
use crate::validate::verdict::{Evidence, State};
use quick_xml::escape::escape;
use std::collections::BTreeMap;
use std::fmt::Write;

/// As much evidence of one control as the page shows, and as many letters of a piece of it.
const PIECES: usize = 12;
const LETTERS: usize = 300;

/// What controls come to, in the order in which a reader cares, each with its words.
const STANDINGS: [(&str, &str); 5] = [
    ("fail", "failed"),
    ("could-not-look", "could not be looked at"),
    ("waived", "waived"),
    ("pass", "passed"),
    ("not-applicable", "not applicable"),
];

/// What the bars show, from the left: all but what does not apply.
const BARS: &[(&str, &str)] = STANDINGS.split_at(4).0;

/// Writes it.
pub fn write(report: &Report) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = writeln!(page, "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>", escape(&report.title), STYLE);
    head(&mut page, report);
    areas(&mut page, report);
    for (standing, words) in STANDINGS {
        let these: Vec<&Judgement> = report.results.iter().filter(|one| one.standing() == standing).collect();
        if !these.is_empty() {
            let open = matches!(standing, "fail" | "could-not-look" | "waived");
            list(&mut page, standing, words, &these, open);
        }
    }
    if !report.without.is_empty() {
        page.push_str("<h2>Left out by the profile</h2>\n<ul>\n");
        for (id, reason) in &report.without {
            let _ = writeln!(page, "<li><b>{}</b> {}</li>", escape(id), escape(reason));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn head(page: &mut String, report: &Report) {
    let counts = &report.summary;
    let judged = counts.pass + counts.fail + counts.could_not_look + counts.waived;
    let (class, outcome) = match (counts.fail, counts.could_not_look) {
        (0, 0) => ("good", "Passed".to_owned()),
        (0, blind) => ("doubt", format!("Not decided: {blind} controls could not be looked at")),
        (1, _) => ("bad", "Not passed: 1 control failed".to_owned()),
        (fail, _) => ("bad", format!("Not passed: {fail} controls failed")),
    };
    let _ = writeln!(page, "<header class=\"{class}\">\n<h1>{outcome}</h1>");
    let _ = writeln!(page, "<p>{} of {judged} controls that apply passed.</p>\n</header>", counts.pass);
    page.push_str("<table class=\"facts\">\n");
    let subject = &report.subject;
    let what = if subject.running { "running system" } else { "image" };
    for (name, value) in [
        ("Benchmark", report.title.clone()),
        ("Source", report.benchmarks.join("; ")),
        ("System", format!("{}, {what} at {}", subject.system.name, subject.root)),
        (
            "Judged",
            format!(
                "{} in {:.1} s, by muster {}",
                report.started.round(jiff::Unit::Second).unwrap_or(report.started),
                report.seconds,
                report.muster
            ),
        ),
    ] {
        let _ = writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", escape(&value));
    }
    page.push_str("</table>\n");
    if let Some(drift) = &report.drift {
        let _ = writeln!(page, "<h2>Since {}</h2>\n<ul>", drift.since);
        let lists =
            [("Regressed", &drift.regressed), ("Fixed", &drift.fixed), ("New", &drift.new), ("Gone", &drift.gone)];
        for (name, ids) in lists {
            let ids = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            let _ = writeln!(page, "<li><b>{name}:</b> {}</li>", escape(&ids));
        }
        page.push_str("</ul>\n");
    }
}

/// A bar for each area.
fn areas(page: &mut String, report: &Report) {
    let mut areas: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for result in &report.results {
        *areas.entry(&result.area).or_default().entry(result.standing()).or_default() += 1;
    }
    page.push_str("<h2>By area</h2>\n<p class=\"legend\">");
    for (standing, words) in BARS {
        let _ = write!(page, "<span><i class=\"{standing}\"></i>{words}</span>");
    }
    page.push_str("<span>Numbers count controls; what does not apply is left out.</span></p>\n");
    page.push_str("<table class=\"areas\">\n");
    for (area, counts) in areas {
        let _ = write!(page, "<tr><th>{}</th><td><div class=\"bar\">", escape(area));
        for (standing, words) in BARS {
            if let Some(count) = counts.get(standing) {
                let _ = write!(
                    page,
                    "<i class=\"{standing}\" style=\"flex:{count}\" title=\"{count} {words}\">{count}</i>"
                );
            }
        }
        page.push_str("</div></td></tr>\n");
    }
    page.push_str("</table>\n");
}

fn list(page: &mut String, standing: &str, words: &str, these: &[&Judgement], open: bool) {
    let _ = writeln!(page, "<h2>{} {words}</h2>", these.len());
    for result in these {
        let _ = writeln!(
            page,
            "<details class=\"{standing}\"{}><summary><b>{}</b> {}<span>level {}, {}</span></summary>",
            if open { " open" } else { "" },
            escape(&result.id),
            escape(&result.title),
            result.level,
            escape(&result.area)
        );
        if let Some(waiver) = &result.waiver {
            let until = if waiver.expired { "Was waived until" } else { "Waived until" };
            let (owner, reason) = (escape(&waiver.owner), escape(&waiver.reason));
            let _ = writeln!(page, "<p>{until} {} by {owner}: {reason}</p>", waiver.expires);
        }
        if let Some(reason) = result.verdict.reason() {
            let _ = writeln!(page, "<p>{}</p>", escape(reason));
        }
        evidence(page, result, open);
        for fix in &result.fixed_by {
            let (task, variable) = (escape(&fix.task), escape(&fix.variable));
            let _ = writeln!(
                page,
                "<p class=\"fix\">Fixed by the task <q>{task}</q>; variable <code>{variable}</code></p>"
            );
        }
        page.push_str("</details>\n");
    }
}

/// Where something is wrong, what is wrong is what is shown.
fn evidence(page: &mut String, result: &Judgement, wrong: bool) {
    let worth = |one: &&Evidence| !wrong || matches!(one.state, State::Broken | State::NotLooked);
    let pieces: Vec<&Evidence> = result.evidence.iter().filter(worth).collect();
    if pieces.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for piece in pieces.iter().take(PIECES) {
        let text = sentence(piece);
        let cut = text.char_indices().nth(LETTERS).map_or(text.len(), |(at, _)| at);
        let more = if cut < text.len() { "\u{2026}" } else { "" };
        let _ = writeln!(page, "<li>{}{more}</li>", escape(&text[..cut]));
    }
    if pieces.len() > PIECES {
        let _ = writeln!(page, "<li>and {} more</li>", pieces.len() - PIECES);
    }
    page.push_str("</ul>\n");
}

const STYLE: &str = "\
:root{--bad:#b3261e;--doubt:#8a6100;--good:#1b6e3c;--quiet:#5f6368;--line:#dadce0;color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1.5rem;color:#202124;background:#fff}
header{border-left:.5rem solid;padding:.2rem 1rem;margin-bottom:1rem}
header h1{margin:0;font-size:1.7rem}header p{margin:.2rem 0}
.good{border-color:var(--good)}.doubt{border-color:var(--doubt)}.bad{border-color:var(--bad)}
h2{font-size:1.15rem;margin:2rem 0 .6rem}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;padding:.2rem 1rem .2rem 0;white-space:nowrap;vertical-align:top}
.areas th{width:9rem}td{padding:.2rem 0}
.bar{display:flex;border-radius:.3rem;overflow:hidden;max-width:40rem}
.bar i{font:600 .8rem/1.4rem system-ui;color:#fff;text-align:center;min-width:1.4rem}
.legend{margin:.3rem 0;font-size:.9rem;color:var(--quiet)}.legend span{display:inline-block;margin-right:1.2rem}
.legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.35rem;vertical-align:-.05rem}
i.pass{background:var(--good)}i.fail{background:var(--bad)}i.could-not-look{background:var(--doubt)}i.waived{background:var(--quiet)}
details{border:1px solid var(--line);border-left:.35rem solid var(--line);border-radius:.3rem;margin:.35rem 0;padding:.35rem .8rem}
details.fail{border-left-color:var(--bad)}details.could-not-look{border-left-color:var(--doubt)}
details.waived{border-left-color:var(--quiet)}details.pass{border-left-color:var(--good)}
summary{cursor:pointer}summary span{color:var(--quiet);font-size:.85rem;margin-left:.6rem;white-space:nowrap}
details ul{margin:.4rem 0;padding-left:1.2rem;font:.85rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
details p{margin:.3rem 0}.fix{color:var(--quiet);font-size:.9rem}
@media print{details{break-inside:avoid}i{print-color-adjust:exact}}
";
