//! Rules of iptables: what is restored at the next start, and what `iptables -S` prints.

use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// iptables
    Ipv4,
    /// ip6tables
    Ipv6,
}

/// The filter table.
#[derive(Clone, Debug, Default)]
pub struct Iptables {
    /// Policies of its chains.
    pub policies: BTreeMap<String, (At, String)>,
    /// Rules as `-A CHAIN ...`.
    pub rules: Vec<(At, String)>,
}

/// What the next start restores: Debian's file, or Red Hat's.
pub fn stored(machine: &Machine<'_>, family: Family) -> Result<(Iptables, At), Unseen> {
    let files = match family {
        Family::Ipv4 => ["/etc/iptables/rules.v4", "/etc/sysconfig/iptables"],
        Family::Ipv6 => ["/etc/iptables/rules.v6", "/etc/sysconfig/ip6tables"],
    };
    for file in files {
        if let Some(text) = machine.text(file)? {
            return Ok((parse(&text), text.whole()));
        }
    }
    Ok((Iptables::default(), At::file(files[0])))
}

/// What the kernel has.
pub fn loaded(machine: &Machine<'_>, family: Family) -> Result<(Iptables, At), Unseen> {
    let program = match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    };
    let asked = format!("{program} -S");
    let output = machine.ask(&[program, "-S"])?;
    if !output.ok() {
        return Err(Unseen::new(asked, String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = Text::new(&asked, output.text().as_bytes());
    Ok((parse(&text), text.whole()))
}

fn parse(text: &Text) -> Iptables {
    let mut read = Iptables::default();
    let mut filter = true;
    for (at, line) in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [table] if table.starts_with('*') => filter = table == "*filter",
            _ if !filter => {}
            ["-P", chain, policy] => drop(read.policies.insert(chain.to_owned(), (at, policy.to_owned()))),
            [chain, policy, ..] if chain.starts_with(':') && policy != "-" => {
                read.policies.insert(chain[1..].to_owned(), (at, policy.to_owned()));
            }
            ["-A", ..] => read.rules.push((at, words.join(" "))),
            _ => {}
        }
    }
    read
}

/// Whether a rule lets in whatever comes: it accepts, and what it names is everything.
pub fn opens(rule: &str) -> bool {
    let words: Vec<&str> = rule.split_whitespace().collect();
    let mut rest = words.get(2..).unwrap_or_default();
    while let [first, after @ ..] = rest {
        rest = match (*first, after) {
            ("-j" | "-g", [target, ..]) => return *target == "ACCEPT",
            ("-s" | "-d", ["0.0.0.0/0" | "::/0", after @ ..])
            | ("-p", ["all", after @ ..])
            | ("-c", [_, _, after @ ..]) => after,
            ("-m", ["comment", "--comment", after @ ..]) => comment(after),
            // Whatever is new is everything that is not known yet.
            ("-m", ["conntrack", "--ctstate", states, after @ ..]) if states.contains("NEW") => after,
            ("-m", ["state", "--state", states, after @ ..]) if states.contains("NEW") => after,
            _ => return false,
        };
    }
    false
}

/// What stands behind a comment, which may have blanks within quotes.
fn comment<'a, 'w>(words: &'a [&'w str]) -> &'a [&'w str] {
    let quoted = words.first().is_some_and(|word| word.starts_with('"') && !(word.len() > 1 && word.ends_with('"')));
    let end = if quoted { words.iter().skip(1).position(|word| word.ends_with('"')).map_or(0, |at| at + 1) } else { 0 };
    words.get(end + 1..).unwrap_or_default()
}

impl Iptables {
    /// A rule of chains by which everything comes in or through, whatever the policy.
    pub fn opened(&self, of: impl Fn(&str) -> bool) -> Option<&(At, String)> {
        self.rules.iter().find(|(_, rule)| rule.split(' ').nth(1).is_some_and(&of) && opens(rule))
    }

    /// The first rule of a chain that has all of these in it.
    pub fn rule(&self, chain: &str, parts: &[&str]) -> Option<&At> {
        let has = |rule: &str| {
            let rule = format!("{rule} ");
            rule.starts_with(&format!("-A {chain} ")) && parts.iter().all(|part| rule.contains(&format!(" {part} ")))
        };
        self.rules.iter().find(|(_, rule)| has(rule)).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_other_tables_are_not() {
        let saved = "*nat\n:INPUT ACCEPT [0:0]\n*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
        let read = parse(&Text::new("/f", saved.as_bytes()));
        assert_eq!((read.policies["INPUT"].1.as_str(), read.rules.len()), ("DROP", 1));
        assert!(read.rule("INPUT", &["-i lo", "-j ACCEPT"]).is_some());
        assert_eq!(parse(&Text::new("/f", b"-P INPUT DROP\n")).policies["INPUT"].1, "DROP");
    }
}
