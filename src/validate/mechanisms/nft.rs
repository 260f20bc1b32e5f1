//! `nft`: rules of nftables, in the file that the next start loads and in the kernel.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::iptables;
use crate::validate::readers::nft::{Chain, Nft as Rules, loaded, stored};
use crate::validate::readers::sysctl::Sysctl;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A question to nftables.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nft {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// iptables has no rules beside them.
    NoIptables,
    /// There is a table.
    Table,
    /// input, forward and output are asked.
    BaseChains,
    /// The machine reaches itself, and nobody else pretends to be it.
    Loopback,
    /// What belongs to a known connection is let in.
    Established,
    /// What no rule names is dropped.
    Drop,
    /// The file that the next start loads has the base chains.
    Persisted,
}

const HOOKS: [&str; 3] = ["input", "forward", "output"];

impl Mechanism for Nft {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let mut finding = Finding::new();
        if self.what == What::NoIptables {
            for family in [iptables::Family::Ipv4, iptables::Family::Ipv6] {
                self.without(Aspect::Stored, iptables::stored(machine, family), &mut finding);
                if machine.running() {
                    self.without(Aspect::Live, iptables::loaded(machine, family), &mut finding);
                }
            }
            return finding;
        }
        let six = with_ipv6(machine);
        match stored(machine) {
            Ok((rules, at)) => self.rules(Aspect::Stored, &rules, &at, six, &mut finding),
            Err(unseen) => finding.could_not_look(Aspect::Stored, &unseen),
        }
        if machine.running() && self.what != What::Persisted {
            match loaded(machine) {
                Ok((rules, at)) => self.rules(Aspect::Live, &rules, &at, six, &mut finding),
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        ["/etc/nftables.conf, or /etc/sysconfig/nftables.conf", "nft list ruleset"].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        match self.what {
            What::NoIptables => "iptables has no rules",
            What::Table => "a table",
            What::BaseChains | What::Persisted => "chains on the hooks input, forward and output",
            What::Loopback => "lo is accepted, and 127.0.0.0/8 and ::1 from elsewhere are dropped",
            What::Established => "what belongs to a known connection is accepted",
            What::Drop => "the policy drop on input, forward and output",
        }
        .into()
    }
}

impl Nft {
    fn without(&self, aspect: Aspect, rules: Result<(iptables::Iptables, At), Unseen>, finding: &mut Finding) {
        match rules {
            Ok((rules, at)) => match rules.rules.first() {
                Some((at, rule)) => finding.fact(aspect, false, at, rule.clone(), self.expects()),
                None => finding.fact(aspect, true, &at, "no rules", self.expects()),
            },
            // Without iptables there are no rules of it.
            Err(unseen) => finding.show(aspect, &At::file(&unseen.read), unseen.why),
        }
    }

    fn rules(&self, aspect: Aspect, rules: &Rules, whole: &At, six: bool, finding: &mut Finding) {
        let mut say = |holds, at: &At, found: String| finding.fact(aspect, holds, at, found, self.expects());
        match self.what {
            What::NoIptables => {}
            What::Table => match rules.tables.first() {
                Some((at, table)) => say(true, at, format!("table {table}")),
                None => say(false, whole, "no table".into()),
            },
            What::BaseChains | What::Persisted | What::Drop => {
                let families = if self.what == What::Drop && six { &[false, true][..] } else { &[false] };
                for (hook, six) in HOOKS.iter().flat_map(|hook| families.iter().map(move |six| (*hook, *six))) {
                    let of = if six { "IPv6" } else { "IPv4" };
                    let chains: Vec<&Chain> = rules.base(hook).filter(|chain| chain.sees(six)).collect();
                    if chains.is_empty() {
                        say(false, whole, format!("no chain on the hook {hook} sees {of}"));
                    }
                    // One that drops is enough: the kernel asks all of them.
                    let drops = chains.iter().find(|chain| chain.drops());
                    if let Some(chain) = drops.or(chains.first()) {
                        let holds = self.what != What::Drop || drops.is_some();
                        let opened = chain.opened().filter(|_| !holds);
                        let (at, rule) =
                            opened.map_or((&chain.at, ""), |(at, _)| (at, ", and a rule accepts everything"));
                        say(holds, at, format!("{} {} on {hook}: {}{rule}", chain.table, chain.name, chain.policy));
                    }
                }
            }
            What::Loopback => {
                let has = |words: &[&str]| find(rules, |rule| words.iter().all(|word| rule.contains(word)));
                let demands = [
                    ("lo is accepted", has(&["lo", "accept"]).filter(|_| lo(rules))),
                    ("127.0.0.0/8 from elsewhere is dropped", has(&["ip saddr 127.0.0.0/8", "drop"])),
                    ("::1 from elsewhere is dropped", has(&["ip6 saddr ::1", "drop"])),
                ];
                for (what, at) in demands {
                    let found = if at.is_some() { what.to_owned() } else { format!("no rule by which {what}") };
                    say(at.is_some(), at.as_ref().unwrap_or(whole), found);
                }
            }
            What::Established => {
                let at = find(rules, |rule| {
                    rule.contains("ct state") && rule.contains("established") && rule.contains("accept")
                });
                let found = if at.is_some() { "accepted" } else { "no rule for known connections" };
                say(at.is_some(), at.as_ref().unwrap_or(whole), found.into());
            }
        }
    }
}

/// Whether packets of IPv6 may come: where that is off nobody has to drop them.
fn with_ipv6(machine: &Machine<'_>) -> bool {
    let gone = machine.running()
        && machine.exists("/proc/sys/net/ipv4").unwrap_or(false)
        && !machine.exists("/proc/sys/net/ipv6").unwrap_or(true);
    let off = machine.reader::<Sysctl>().is_ok_and(|stored| {
        let value = stored.value("net.ipv6.conf.all.disable_ipv6");
        value.is_some_and(|(value, _)| value == "1")
    });
    !gone && !off
}

fn find(rules: &Rules, fits: impl Fn(&str) -> bool) -> Option<At> {
    let mut all = rules.chains.iter().flat_map(|chain| &chain.rules);
    all.find(|(_, rule)| fits(rule)).map(|(at, _)| at.clone())
}

fn lo(rules: &Rules) -> bool {
    find(rules, |rule| {
        let rule = rule.replace('"', "");
        ["iif lo ", "iifname lo "].iter().any(|start| rule.starts_with(start)) && rule.ends_with("accept")
    })
    .is_some()
}
