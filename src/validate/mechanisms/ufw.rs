//! `ufw`: what Ubuntu's firewall is told, and whether it is on.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::sockets::listeners;
use crate::validate::readers::ufw::Ufw as Told;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A question to ufw.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ufw {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum What {
    /// It is on.
    Active,
    /// The machine reaches itself, and nobody else pretends to be it.
    Loopback,
    /// What the machine may reach is stated.
    Outbound,
    /// Every port that others reach has a rule.
    Listening,
    /// What no rule names is not let in or through.
    Defaults,
}

const CONF: &str = "/etc/ufw/ufw.conf";
const DEFAULTS: &str = "/etc/default/ufw";
const RULES: &str = "/etc/ufw/user.rules";

impl Mechanism for Ufw {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [CONF, DEFAULTS, RULES, "/etc/ufw/user6.rules", "/etc/ufw/before.rules", "ufw status verbose"]
            .map(str::to_owned)
            .to_vec()
    }

    fn expects(&self) -> String {
        match self.what {
            What::Active => "ufw is on, now and after the next start",
            What::Loopback => "lo is let in and out, and 127.0.0.0/8 and ::1 from elsewhere are not",
            What::Outbound => "a policy for what goes out",
            What::Listening => "a rule for every port that others reach",
            What::Defaults => "incoming and routed are denied, and a policy for what goes out",
        }
        .into()
    }
}

impl Ufw {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let ufw = machine.reader::<Told>()?;
        let mut finding = Finding::new();
        let policy = |name: &str, allowed: &[&str], finding: &mut Finding| {
            let (value, at) = match ufw.value(name) {
                Some((value, at)) => (value, at.clone()),
                None => ("not set", At::file(DEFAULTS)),
            };
            let holds = allowed.iter().any(|word| word.eq_ignore_ascii_case(value));
            finding.fact(
                Aspect::Stored,
                holds,
                &at,
                format!("{name}={value}"),
                format!("{name}={}", allowed.join(" or ")),
            );
        };
        match self.what {
            What::Active => {
                let (value, at) = ufw.value("ENABLED").map_or(("not set", At::file(CONF)), |(v, at)| (v, at.clone()));
                let (holds, found) = (value.eq_ignore_ascii_case("yes"), format!("ENABLED={value}"));
                finding.fact(Aspect::Stored, holds, &at, found.clone(), "ENABLED=yes");
                finding.fact(Aspect::Reboot, holds, &at, found, "ENABLED=yes");
            }
            What::Loopback => loopback(&ufw, &mut finding),
            What::Outbound => {
                policy("DEFAULT_OUTPUT_POLICY", &["DROP", "REJECT", "ACCEPT"], &mut finding);
                for tuple in ufw.tuples.iter().filter(|tuple| tuple.direction.starts_with("out")) {
                    finding.show(Aspect::Stored, &tuple.at, format!("{} {}", tuple.action, tuple.ports));
                }
            }
            What::Defaults => {
                policy("DEFAULT_INPUT_POLICY", &["DROP", "REJECT"], &mut finding);
                policy("DEFAULT_FORWARD_POLICY", &["DROP", "REJECT"], &mut finding);
                policy("DEFAULT_OUTPUT_POLICY", &["DROP", "REJECT", "ACCEPT"], &mut finding);
            }
            What::Listening => self.listening(machine, &ufw, &mut finding)?,
        }
        if machine.running() {
            match status(machine) {
                Ok(lines) => self.live(&lines, &mut finding),
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        Ok(finding)
    }

    /// On an image those of the site's list; on a running system those that listen.
    fn listening(&self, machine: &Machine<'_>, ufw: &Told, finding: &mut Finding) -> Result<(), Unseen> {
        let (aspect, ports) = if machine.running() {
            let open = listeners(machine)?.into_iter().filter(|one| !one.loopback);
            (Aspect::Live, open.map(|one| one.name()).collect())
        } else {
            let none = || Unseen::new("the profile's site", "does not say which ports may listen");
            (Aspect::Stored, machine.site().ports.clone().ok_or_else(none)?)
        };
        for port in &ports {
            match ufw.rule_for(port) {
                Some(rule) => finding.fact(aspect, true, &rule.at, format!("{} {}", rule.action, rule.ports), port),
                None => finding.fact(aspect, false, &At::file(RULES), format!("no rule for {port}"), self.expects()),
            }
        }
        if ports.is_empty() {
            finding.fact(aspect, true, &At::file(RULES), "others reach no port", self.expects());
        }
        Ok(())
    }

    /// Rules in the files of a firewall that is off protect nobody.
    fn live(&self, lines: &[String], finding: &mut Finding) {
        let at = At::file("ufw status verbose");
        let active = lines.iter().any(|line| line == "Status: active");
        let found = if active { "Status: active" } else { "Status: inactive" };
        finding.fact(Aspect::Live, active, &at, found, "Status: active");
        if self.what == What::Defaults {
            let line = lines.iter().find(|line| line.starts_with("Default:")).map_or("", String::as_str);
            let denies = |which: &str| {
                ["deny", "reject", "disabled"].iter().any(|word| line.contains(&format!("{word} ({which})")))
            };
            finding.fact(Aspect::Live, denies("incoming") && denies("routed"), &at, line, self.expects());
        }
    }
}

fn status(machine: &Machine<'_>) -> Result<Vec<String>, Unseen> {
    let output = machine.ask(&["ufw", "status", "verbose"])?;
    if !output.ok() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Unseen::new("ufw status verbose", said));
    }
    Ok(output.text().lines().map(|line| line.trim().to_owned()).collect())
}

/// ufw's own before.rules let the loopback through, as a rule of the site does.
fn loopback(ufw: &Told, finding: &mut Finding) {
    let before = |chain: &str, option: &str| {
        let found = ufw.before.iter().find(|(_, line)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            line.starts_with(&format!("-A {chain} "))
                && line.contains(&format!("{option} lo "))
                && words.ends_with(&["-j", "ACCEPT"])
        });
        found.map(|(at, _)| at.clone())
    };
    let rule = |allow: bool, direction: &str, source: &[&str]| {
        let found = ufw.tuples.iter().find(|tuple| {
            let action = tuple.action.trim_end_matches("_log").trim_end_matches("_log-all");
            let right = if allow { action == "allow" } else { matches!(action, "deny" | "reject") };
            right && tuple.direction == direction && (source.is_empty() || source.contains(&tuple.source.as_str()))
        });
        found.map(|tuple| tuple.at.clone())
    };
    let demands = [
        ("lo is let in", rule(true, "in_lo", &[]).or_else(|| before("ufw-before-input", "-i"))),
        ("lo is let out", rule(true, "out_lo", &[]).or_else(|| before("ufw-before-output", "-o"))),
        ("127.0.0.0/8 from elsewhere is denied", rule(false, "in", &["127.0.0.0/8"])),
        ("::1 from elsewhere is denied", rule(false, "in", &["::1", "::1/128"])),
    ];
    for (what, at) in demands {
        let found = if at.is_some() { what.to_owned() } else { format!("no rule by which {what}") };
        finding.fact(Aspect::Stored, at.is_some(), &at.unwrap_or_else(|| At::file(RULES)), found, what);
    }
}
