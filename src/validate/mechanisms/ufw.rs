//! `ufw`: what Ubuntu's firewall is told, and whether it is on.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::sockets::listeners;
use crate::validate::readers::ufw::Ufw as Told;
use crate::validate::readers::ufw_kernel::{Kept, kernel};
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
        [
            CONF,
            DEFAULTS,
            RULES,
            "/etc/ufw/user6.rules",
            "/etc/ufw/before.rules",
            "/etc/ufw/after.rules",
            "iptables -S",
            "ip6tables -S",
        ]
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
                for (at, rule) in &ufw.opened {
                    finding.fact(Aspect::Stored, false, at, format!("everything is let in: {rule}"), self.expects());
                }
            }
            What::Listening => self.listening(machine, &ufw, &mut finding)?,
        }
        if machine.running() {
            match kernel(machine, &ufw) {
                Ok(families) => self.live(machine, &families, &mut finding)?,
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        Ok(finding)
    }

    /// On an image those of the site's list; on a running system those that listen.
    fn listening(&self, machine: &Machine<'_>, ufw: &Told, finding: &mut Finding) -> Result<(), Unseen> {
        let (aspect, ports) = if machine.running() {
            (Aspect::Live, reached(machine)?.into_iter().map(|(port, _)| port).collect())
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
    fn live(&self, machine: &Machine<'_>, families: &[Kept], finding: &mut Finding) -> Result<(), Unseen> {
        for kept in families {
            let (holds, at) = (kept.active().is_some(), kept.active().unwrap_or(&kept.at));
            let found = if holds { "what comes in is led to ufw's rules" } else { "no packet is led to ufw's rules" };
            finding.fact(Aspect::Live, holds, at, found, "what comes in is led to ufw's rules");
            match self.what {
                What::Active | What::Listening => {}
                What::Defaults => {
                    ["INPUT", "FORWARD"].iter().for_each(|chain| dropped(kept, chain, finding));
                    if let Some((at, rule)) = kept.opened() {
                        finding.fact(Aspect::Live, false, at, format!("everything is let in: {rule}"), self.expects());
                    }
                }
                What::Loopback => own_addresses(kept, finding),
                What::Outbound => {
                    if let Some((at, policy)) = kept.policy("OUTPUT") {
                        finding.show(Aspect::Live, at, format!("OUTPUT {policy}"));
                    }
                }
            }
        }
        if self.what == What::Listening {
            for (port, six) in reached(machine)? {
                // Of a family that ufw does not keep the other's rules are the best that there is.
                let kept = families.iter().find(|kept| kept.six() == six).or(families.first());
                let rule = kept.and_then(|kept| kept.rule_for(&port));
                let at = rule.or(kept.map(|kept| &kept.at)).cloned().unwrap_or_else(|| At::file(RULES));
                let found = if rule.is_some() { format!("a rule for {port}") } else { format!("no rule for {port}") };
                finding.fact(Aspect::Live, rule.is_some(), &at, found, self.expects());
            }
        }
        Ok(())
    }
}

/// Ports of this machine that others reach, and whether that is by IPv6.
fn reached(machine: &Machine<'_>) -> Result<Vec<(String, bool)>, Unseen> {
    let open = listeners(machine)?.into_iter().filter(|one| !one.loopback);
    Ok(open.map(|one| (one.name(), one.at.file.ends_with('6'))).collect())
}

/// `reject` is a rule of ufw's before a policy that drops.
fn dropped(kept: &Kept, chain: &str, finding: &mut Finding) {
    let none = (kept.at.clone(), "without a policy".to_owned());
    let (at, policy) = kept.policy(chain).unwrap_or(&none);
    finding.fact(Aspect::Live, policy == "DROP", at, format!("{chain} {policy}"), format!("{chain} DROP"));
}

/// The loopback's rules in the kernel: from ufw's own chains or the site's.
fn own_addresses(kept: &Kept, finding: &mut Finding) {
    let (source, name) = if kept.six() { ("-s ::1/128", "::1") } else { ("-s 127.0.0.0/8", "127.0.0.0/8") };
    let turned = |verdict| kept.rule(&["user-input"], &[source, verdict]);
    for (at, what) in [
        (kept.rule(&["user-input", "before-input"], &["-i lo", "-j ACCEPT"]), "lo is let in".to_owned()),
        (kept.rule(&["user-output", "before-output"], &["-o lo", "-j ACCEPT"]), "lo is let out".to_owned()),
        (turned("-j DROP").or_else(|| turned("-j REJECT")), format!("{name} from elsewhere is denied")),
    ] {
        let found = if at.is_some() { what.clone() } else { format!("no rule by which {what}") };
        finding.fact(Aspect::Live, at.is_some(), at.unwrap_or(&kept.at), found, what);
    }
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
