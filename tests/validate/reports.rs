//! Every form of report over the same small machine, and what waivers and an older report make of it.

use muster::host::{Attributes, Change, FileWrite, Host, Overlay, Void};
use muster::validate::profile::Shelf;
use muster::validate::report::Report;
use muster::validate::reports::FORMS;
use muster::validate::{Machine, Subject, System, drift, validate, waivers};
use serde_json::Value;

/// One control of each verdict, and what a form has to escape.
fn report(root_login: &str) -> Report {
    let mut host = Overlay::new(Void::new());
    for path in ["/etc", "/etc/ssh", "/var", "/var/lib", "/var/lib/dpkg"] {
        let change = Change::MakeDirectory { path: path.into(), attributes: Attributes::default() };
        host.apply(&change).expect("directory");
    }
    for (path, text) in [
        ("/etc/ssh/sshd_config", format!("PermitRootLogin {root_login}\n")),
        ("/var/lib/dpkg/status", "Package: sudo\nStatus: install ok installed\nVersion: 1\n".into()),
    ] {
        host.apply(&Change::Write(FileWrite::new(path, text))).expect("file");
    }
    let scratch = tempfile::tempdir().expect("scratch");
    let file = scratch.path().join("p.yaml");
    let text = "\
profile: sample
title: A <sample> & its 'quotes'
controls:
- {id: '1', level: 1, area: ssh, title: No <root>, check: {sshd_option: {name: PermitRootLogin, value: 'no'}},
   fixed_by: {task: Set sshd's options, variable: hardening_ssh}}
- {id: '2', level: 1, area: sudo, title: sudo & co, check: {package_present: sudo}}
- {id: '3', level: 2, area: services, title: No autofs, check: {service_off: autofs}}
- {id: '4', level: 2, area: desktop, title: A banner, when: {package_present: gdm3}, otherwise: there is no \"gdm3\",
   check: {package_absent: x}}
";
    #[expect(clippy::disallowed_methods, reason = "a test sets its stage")]
    std::fs::write(&file, text).expect("write");
    let shelf = Shelf::embedded().expect("embedded");
    let profile = shelf.load(&file.display().to_string()).expect("profile");
    let system = System { id: "debian".into(), version: "12".into(), name: "Debian <12>".into() };
    let subject = Subject { root: "/mnt/image".into(), running: false, system };
    validate(&Machine::new(&host, false, profile.site.clone()), &profile, subject)
}

fn waived(report: &mut Report, expires: &str, today: &str) -> Vec<String> {
    let scratch = tempfile::tempdir().expect("scratch");
    let file = scratch.path().join("w.yaml");
    let text = format!(
        "- {{control: '1', owner: o&o, reason: <because>, scope: {{profiles: [sam*]}}, expires: {expires}}}\n\
         - {{control: '2', owner: o, reason: r, scope: {{profiles: [sample]}}, expires: {expires}}}\n\
         - {{control: '1', owner: o, reason: r, scope: {{systems: [rhel*]}}, expires: {expires}}}\n"
    );
    #[expect(clippy::disallowed_methods, reason = "a test sets its stage")]
    std::fs::write(&file, text).expect("write");
    let list = waivers::read(&file).expect("waivers");
    waivers::apply(report, &list, today.parse().expect("date"))
}

#[test]
fn a_waiver_excuses_until_its_last_day_and_is_never_a_pass() {
    let mut held = report("yes");
    let warnings = waived(&mut held, "2026-06-30", "2026-06-30");
    let counts = held.summary;
    assert_eq!((counts.pass, counts.fail, counts.waived, counts.expired), (1, 0, 1, 0));
    assert_eq!((held.results[0].standing(), held.results[0].verdict.name()), ("waived", "fail"));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("comes to pass") && warnings[1].contains("scope"), "{warnings:?}");
    let mut late = report("yes");
    waived(&mut late, "2026-06-30", "2026-07-01");
    assert_eq!((late.summary.fail, late.summary.waived, late.summary.expired), (1, 0, 1));
}

#[test]
fn drift_tells_what_became_of_each_control() {
    let (bad, good) = (report("yes"), report("no"));
    let regressed = drift::compare(&bad, &good).expect("same profile");
    assert_eq!((regressed.regressed, regressed.fixed), (vec!["1".to_owned()], vec![]));
    let mut less = good;
    less.results.retain(|result| result.id != "2");
    let other = drift::compare(&less, &bad).expect("same profile");
    assert_eq!((other.fixed, other.gone, other.new), (vec!["1".to_owned()], vec!["2".to_owned()], vec![]));
    less.profile = "another".into();
    assert!(drift::compare(&less, &bad).is_err());
    let json: Report = serde_json::from_str(&form("json", &bad)).expect("its own report is read again");
    assert_eq!(json.results, bad.results);
}

fn form(name: &str, report: &Report) -> String {
    let form = FORMS.iter().find(|form| form.name == name).expect(name);
    (form.write)(report)
}

#[test]
fn every_form_says_what_came_out() {
    let mut report = report("yes");
    let verdicts: Vec<&str> = report.results.iter().map(|result| result.verdict.name()).collect();
    assert_eq!(verdicts, ["fail", "pass", "could-not-look", "not-applicable"]);
    let sarif: Value = serde_json::from_str(&form("sarif", &report)).expect("sarif");
    let kinds: Vec<&Value> =
        sarif["runs"][0]["results"].as_array().expect("results").iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["fail", "pass", "open", "notApplicable"]);
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&Value::from("etc/ssh/sshd_config"), &Value::from(1),)
    );
    let oscal: Value = serde_json::from_str(&form("oscal", &report)).expect("oscal");
    let findings = oscal["assessment-results"]["results"][0]["findings"].as_array().expect("findings").len();
    assert_eq!(findings, 3, "what does not apply is no finding");
    let junit = form("junit", &report);
    assert!(junit.contains("failures=\"1\"") && junit.contains("errors=\"1\""), "{junit}");
    let xccdf = form("xccdf", &report);
    for result in ["fail", "pass", "error", "notapplicable"] {
        assert_eq!(xccdf.matches(&format!("<result>{result}</result>")).count(), 1, "{result}: {xccdf}");
    }
    let prometheus = form("prometheus", &report);
    assert!(prometheus.contains("muster_validate_controls{profile=\"sample\",verdict=\"could-not-look\"} 1\n"));
    for name in ["html", "junit", "xccdf"] {
        let text = form(name, &report);
        assert!(!text.contains("<sample>") && !text.contains("<root>"), "{name} is not escaped: {text}");
    }
    let page = form("html", &report);
    assert!(page.contains("Not passed: 1 control failed") && !page.contains("http") && page.len() < 1 << 20, "{page}");
    let (legend, bars) = page.split_once("<table class=\"areas\">").expect("bars");
    for (class, words) in [("fail", "failed"), ("could-not-look", "could not be looked at"), ("pass", "passed")] {
        assert!(legend.contains(&format!("<i class=\"{class}\"></i>{words}")), "no legend of {class}: {legend}");
        assert!(bars.contains(&format!("<i class=\"{class}\" style")), "no bar of {class}: {bars}");
    }
    let text = form("text", &report);
    assert!(text.contains("/etc/ssh/sshd_config:1") && text.contains("Set sshd's options"), "{text}");
    waived(&mut report, "2026-06-30", "2026-06-30");
    for name in ["html", "oscal", "prometheus", "text", "xccdf", "junit"] {
        assert!(form(name, &report).to_lowercase().contains("waived"), "{name} hides a waiver");
    }
    assert!(form("sarif", &report).contains("\"accepted\""));
}
