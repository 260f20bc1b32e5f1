//! ufw's own files: whether it is on, its policies, and the rules that it keeps as tuples in comments.
//!
//! A rule of `user.rules` is a line `### tuple ### ACTION PROTOCOL PORT DESTINATION PORT SOURCE ... DIRECTION`; what follows it is
//! made of it. The last value of a shell variable wins.

use super::iptables::opens;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;
use std::collections::BTreeMap;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// `allow`, `limit`, `deny`, `reject`, each perhaps with `_log`.
    pub action: String,
    /// `tcp`, `udp` or `any`.
    pub protocol: String,
    /// One, several, a range, or `any`.
    pub ports: String,
    /// Where from.
    pub source: String,
    /// `in`, `out`, `in_lo`, ...
    pub direction: String,
    /// Where.
    pub at: At,
}

/// What ufw was told.
#[derive(Debug)]
pub struct Ufw {
    values: BTreeMap<String, (String, At)>,
    /// Rules of both families.
    pub tuples: Vec<Tuple>,
    /// Lines of before.rules and before6.rules that add a rule.
    pub before: Vec<(At, String)>,
    /// Lines of all its files by which everything comes in or through, whatever its policies.
    pub opened: Vec<(At, String)>,
}

impl Reader for Ufw {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut ufw = Self { values: BTreeMap::new(), tuples: Vec::new(), before: Vec::new(), opened: Vec::new() };
        for file in ["/etc/default/ufw", "/etc/ufw/ufw.conf"] {
            for (at, line) in machine.text(file)?.iter().flat_map(|text| text.lines()) {
                if let Some((name, value)) = line.trim().split_once('=').filter(|_| !line.trim().starts_with('#')) {
                    let value = value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
                    ufw.values.insert(name.to_owned(), (value.to_owned(), at));
                }
            }
        }
        for base in ["/etc/ufw", "/lib/ufw", "/usr/lib/ufw"] {
            for name in ["user.rules", "user6.rules"] {
                if let Some(text) = machine.text(&format!("{base}/{name}"))? {
                    ufw.tuples.extend(tuples(&text));
                }
            }
            for name in ["before.rules", "before6.rules"] {
                let text = machine.text(&format!("{base}/{name}"))?;
                let lines = text.iter().flat_map(|text| text.lines()).filter(|(_, line)| line.starts_with("-A "));
                ufw.before.extend(lines.map(|(at, line)| (at, line.trim().to_owned())));
            }
            for name in ["before.rules", "before6.rules", "user.rules", "user6.rules", "after.rules", "after6.rules"] {
                let text = machine.text(&format!("{base}/{name}"))?;
                let adds = |line: &str| line.starts_with("-A ") || line.starts_with("-I ");
                let open = |line: &str| adds(line) && line.split_whitespace().nth(1).is_some_and(inward) && opens(line);
                let lines = text.iter().flat_map(|text| text.lines()).filter(|(_, line)| open(line));
                ufw.opened.extend(lines.map(|(at, line)| (at, line.trim().to_owned())));
            }
        }
        Ok(ufw)
    }
}

/// Whether a chain is asked about what comes in or goes through.
pub(super) fn inward(chain: &str) -> bool {
    matches!(chain, "INPUT" | "FORWARD")
        || chain.starts_with("ufw") && (chain.ends_with("-input") || chain.ends_with("-forward"))
}

fn tuples(text: &Text) -> impl Iterator<Item = Tuple> {
    text.lines().filter_map(|(at, line)| {
        let words: Vec<&str> = line.strip_prefix("### tuple ### ")?.split_whitespace().collect();
        let [action, protocol, ports, _, _, source, rest @ ..] = &words[..] else { return None };
        let rest: Vec<&&str> = rest.iter().filter(|word| !word.starts_with("comment=")).collect();
        let direction = rest.last().map_or("in", |word| **word);
        let [action, protocol, ports, source] = [action, protocol, ports, source].map(|word| (*word).to_owned());
        Some(Tuple { action, protocol, ports, source, direction: direction.to_owned(), at })
    })
}

impl Ufw {
    /// A variable of its two files.
    pub fn value(&self, name: &str) -> Option<(&str, &At)> {
        self.values.get(name).map(|(value, at)| (value.as_str(), at))
    }

    /// The rule that speaks of a port that others reach, as `22/tcp`.
    pub fn rule_for(&self, port: &str) -> Option<&Tuple> {
        let (number, protocol) = port.split_once('/')?;
        let number: u16 = number.parse().ok()?;
        self.tuples.iter().find(|tuple| {
            let same = tuple.protocol == protocol || tuple.protocol == "any";
            same && tuple.direction.starts_with("in") && covers(&tuple.ports, number)
        })
    }
}

pub(super) fn covers(ports: &str, number: u16) -> bool {
    ports.split(',').any(|part| match part.split_once(':') {
        Some((from, to)) => {
            let (from, to) = (from.parse::<u16>(), to.parse::<u16>());
            from.is_ok_and(|from| from <= number) && to.is_ok_and(|to| number <= to)
        }
        None => part.parse() == Ok(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_their_tuples() {
        let text = "### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=73736\n### tuple ### allow any any 0.0.0.0/0 any \
                    127.0.0.0/8 in_lo\n# ### tuple ### allow tcp 1 0.0.0.0/0 any 0.0.0.0/0 in\n";
        let tuples: Vec<Tuple> = tuples(&Text::new("/f", text.as_bytes())).collect();
        let shown: Vec<String> = tuples.iter().map(|t| format!("{} {} {}", t.action, t.ports, t.direction)).collect();
        assert_eq!(shown, ["limit 22 in", "allow any in_lo"]);
        assert!(covers("80,1000:2000", 1500) && !covers("80,1000:2000", 81));
    }
}
