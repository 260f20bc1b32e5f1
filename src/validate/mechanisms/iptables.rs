//! `iptables`: rules of iptables and ip6tables, restored at the next start and in the kernel.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::iptables::{Family, Iptables as Rules, loaded, stored};
use crate::validate::readers::sockets::listeners;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A question to iptables.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Iptables {
    /// Which.
    what: What,
    /// Which of the two.
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum What {
    /// What no rule names is dropped.
    Drop,
    /// The machine reaches itself, and nobody else pretends to be it.
    Loopback,
    /// What belongs to a known connection is let in and out.
    Established,
    /// Every port that others reach has a rule.
    Listening,
}

impl Mechanism for Iptables {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let mut finding = Finding::new();
        let ports = match self.ports(machine) {
            Ok(ports) => ports,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        match stored(machine, self.family) {
            Ok((rules, at)) => self.rules(Aspect::Stored, &rules, &at, &ports, &mut finding),
            Err(unseen) => finding.could_not_look(Aspect::Stored, &unseen),
        }
        if machine.running() {
            match loaded(machine, self.family) {
                Ok((rules, at)) => self.rules(Aspect::Live, &rules, &at, &ports, &mut finding),
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        ["/etc/iptables/rules.v4 and rules.v6, or those of /etc/sysconfig", "iptables -S", "ip6tables -S"]
            .map(str::to_owned)
            .to_vec()
    }

    fn expects(&self) -> String {
        match self.what {
            What::Drop => "INPUT, FORWARD and OUTPUT drop what no rule names",
            What::Loopback => "lo is accepted, and the machine's own addresses from elsewhere are dropped",
            What::Established => "what belongs to a known connection is accepted",
            What::Listening => "a rule for every port that others reach",
        }
        .into()
    }
}

impl Iptables {
    fn ports(&self, machine: &Machine<'_>) -> Result<Vec<String>, Unseen> {
        if self.what != What::Listening {
            return Ok(Vec::new());
        }
        if machine.running() {
            return Ok(listeners(machine)?.iter().filter(|one| !one.loopback).map(|one| one.name()).collect());
        }
        let none = || Unseen::new("the profile's site", "does not say which ports may listen");
        machine.site().ports.clone().ok_or_else(none)
    }

    fn rules(&self, aspect: Aspect, rules: &Rules, whole: &At, ports: &[String], finding: &mut Finding) {
        let own = if self.family == Family::Ipv4 { "-s 127.0.0.0/8" } else { "-s ::1/128" };
        let mut say = |at: Option<&At>, what: &str| {
            let found = if at.is_some() { what.to_owned() } else { format!("no rule by which {what}") };
            finding.fact(aspect, at.is_some(), at.unwrap_or(whole), found, self.expects());
        };
        match self.what {
            What::Drop => {
                for chain in ["INPUT", "FORWARD", "OUTPUT"] {
                    let policy = rules.policies.get(chain);
                    let at = policy.filter(|(_, policy)| policy == "DROP" || policy == "REJECT").map(|(at, _)| at);
                    say(at, &format!("{chain} drops"));
                }
                if let Some((at, rule)) = rules.opened(|chain| matches!(chain, "INPUT" | "FORWARD")) {
                    finding.fact(aspect, false, at, format!("everything is let in: {rule}"), self.expects());
                }
            }
            What::Loopback => {
                say(rules.rule("INPUT", &["-i lo", "-j ACCEPT"]), "lo is let in");
                say(rules.rule("OUTPUT", &["-o lo", "-j ACCEPT"]), "lo is let out");
                say(rules.rule("INPUT", &[own, "-j DROP"]), "the machine's own addresses from elsewhere are dropped");
            }
            What::Established => {
                for chain in ["INPUT", "OUTPUT"] {
                    let known = rules.rules.iter().find(|(_, rule)| {
                        rule.starts_with(&format!("-A {chain} "))
                            && rule.contains("ESTABLISHED")
                            && rule.ends_with("-j ACCEPT")
                    });
                    say(known.map(|(at, _)| at), &format!("{chain} accepts known connections"));
                }
            }
            What::Listening => {
                for port in ports {
                    let (number, protocol) = port.split_once('/').unwrap_or((port.as_str(), "tcp"));
                    let at = rules.rule("INPUT", &[&format!("-p {protocol}"), &format!("--dport {number}")]);
                    say(at, &format!("{port} is decided"));
                }
                if ports.is_empty() {
                    finding.fact(aspect, true, whole, "others reach no port", self.expects());
                }
            }
        }
    }
}
