//! Rules of nftables: tables, chains with their hooks and policies, and the rules in them.
//!
//! What the next start loads is /etc/nftables.conf (Red Hat: /etc/sysconfig/nftables.conf) with what it includes; `nft list
//! ruleset` prints the same language.

use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

/// A chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Its table, as `inet filter`.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `input`, `forward`, `output`; empty for one that only others jump to.
    pub hook: String,
    /// `accept` where none is written.
    pub policy: String,
    /// Its rules, with where they stand.
    pub rules: Vec<(At, String)>,
    /// Where it begins.
    pub at: At,
}

/// A ruleset.
#[derive(Clone, Debug, Default)]
pub struct Nft {
    /// Tables, with where they begin.
    pub tables: Vec<(At, String)>,
    /// Chains in their order.
    pub chains: Vec<Chain>,
}

const MAIN: &[&str] = &["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];
const DEEPEST: usize = 16;

/// What the next start loads, and its main file.
pub fn stored(machine: &Machine<'_>) -> Result<(Nft, At), Unseen> {
    for main in MAIN {
        if machine.exists(main)? {
            let mut lines = Vec::new();
            gather(machine, main, 0, &mut lines)?;
            return Ok((parse(lines), At::file(main)));
        }
    }
    Ok((Nft::default(), At::file(MAIN[0])))
}

/// What the kernel has.
pub fn loaded(machine: &Machine<'_>) -> Result<(Nft, At), Unseen> {
    const ASKED: &str = "nft list ruleset";
    let output = machine.ask(&["nft", "list", "ruleset"])?;
    if !output.ok() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Unseen::new(ASKED, said));
    }
    let text = Text::new(ASKED, output.text().as_bytes());
    Ok((parse(text.lines().map(|(at, line)| (at, line.to_owned())).collect()), At::file(ASKED)))
}

fn gather(machine: &Machine<'_>, file: &str, depth: usize, lines: &mut Vec<(At, String)>) -> Result<(), Unseen> {
    if depth > DEEPEST {
        return Err(Unseen::new(file, "is included too deep: nft refuses it"));
    }
    let Some(text) = machine.text(file)? else { return Ok(()) };
    for (at, line) in text.joined(false) {
        let Some(pattern) = line.trim().strip_prefix("include ").map(|name| name.trim().trim_matches(['"', '\'']))
        else {
            lines.push((at, line));
            continue;
        };
        let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/{pattern}") };
        let Some((directory, glob)) = pattern.rsplit_once('/') else { continue };
        for name in machine.names(directory)?.into_iter().filter(|name| fits(glob, name)) {
            gather(machine, &format!("{directory}/{name}"), depth + 1, lines)?;
        }
    }
    Ok(())
}

/// Statements, parted at braces, semicolons and ends of lines; sets within rules have braces of their own.
fn statements(lines: Vec<(At, String)>) -> Vec<(At, String)> {
    let mut all = Vec::new();
    for (at, line) in lines {
        let line = line.split('#').next().unwrap_or_default().trim().to_owned();
        let block = ["table", "chain", "set", "map"].iter().any(|word| line.starts_with(&format!("{word} ")));
        let mut rest = line.as_str();
        if block && let Some((head, body)) = line.split_once('{') {
            all.push((at.clone(), format!("{} {{", head.trim())));
            rest = body;
        }
        for part in rest.split(';') {
            let part = part.trim();
            let opened = part.matches('{').count();
            match part.strip_suffix('}').filter(|_| part.matches('}').count() > opened) {
                Some(body) => all.extend([body.trim().to_owned(), "}".to_owned()].map(|text| (at.clone(), text))),
                None => all.push((at.clone(), part.to_owned())),
            }
        }
    }
    all.retain(|(_, text)| !text.is_empty());
    all
}

fn parse(lines: Vec<(At, String)>) -> Nft {
    let mut nft = Nft::default();
    let mut open: Vec<String> = Vec::new();
    for (at, text) in statements(lines) {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["flush", "ruleset"] => nft = Nft::default(),
            ["delete" | "destroy", "table", ref name @ ..] if open.is_empty() => {
                let name = name.join(" ");
                nft.tables.retain(|(_, table)| *table != name);
                nft.chains.retain(|chain| chain.table != name);
            }
            // One rule by itself; its position does not matter to what is asked here.
            ["add" | "insert", "rule", family, table, name, ref rule @ ..] if open.is_empty() => {
                let of = format!("{family} {table}");
                if let Some(chain) = nft.chains.iter_mut().find(|chain| chain.table == of && chain.name == name) {
                    chain.rules.push((at, rule.join(" ")));
                }
            }
            ["table", .., "{"] => {
                let name = words[1..words.len() - 1].join(" ");
                nft.tables.push((at, name.clone()));
                open.push(name);
            }
            ["chain", name, "{"] => {
                let table = open.first().cloned().unwrap_or_default();
                let (name, hook, policy) = (name.to_owned(), String::new(), "accept".to_owned());
                nft.chains.push(Chain { table, name: name.clone(), hook, policy, rules: Vec::new(), at });
                open.push(format!("chain {name}"));
            }
            [.., "{"] if open.len() == 1 => open.push(text.clone()),
            ["}"] => drop(open.pop()),
            _ if open.last().is_some_and(|block| block.starts_with("chain ")) => {
                let Some(chain) = nft.chains.last_mut() else { continue };
                match words[..] {
                    ["type", ..] => {
                        let hook = words.iter().position(|word| *word == "hook").and_then(|at| words.get(at + 1));
                        chain.hook = hook.map_or(String::new(), |hook| (*hook).to_owned());
                    }
                    ["policy", policy] => policy.clone_into(&mut chain.policy),
                    _ => chain.rules.push((at, text.clone())),
                }
            }
            _ => {}
        }
    }
    nft
}

impl Chain {
    /// Whether the packets of a family of addresses come to it.
    pub fn sees(&self, six: bool) -> bool {
        let family = self.table.split(' ').next().unwrap_or_default();
        // A table without a family is of IPv4.
        matches!((family, six), ("inet", _) | ("ip6", true)) || !six && (family == "ip" || !self.table.contains(' '))
    }

    /// A rule that accepts whatever comes.
    pub fn opened(&self) -> Option<&(At, String)> {
        let open = |rule: &str| {
            let mut words = rule.split_whitespace().peekable();
            if words.next_if_eq(&"counter").is_some() && words.next_if_eq(&"packets").is_some() {
                words.nth(2);
            }
            words.next() == Some("accept")
        };
        self.rules.iter().find(|(_, rule)| open(rule))
    }

    /// Whether it drops what none of its rules names.
    pub fn drops(&self) -> bool {
        self.policy == "drop" && self.opened().is_none()
    }
}

impl Nft {
    /// Chains of filters that the kernel itself asks, by their hook.
    pub fn base(&self, hook: &str) -> impl Iterator<Item = &Chain> {
        self.chains.iter().filter(move |chain| chain.hook == hook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_have_hooks_policies_and_rules() {
        let text = "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0; \
                    policy drop;\n  iif lo accept # x\n  tcp dport { 22, 80 } accept\n }\n chain out { type filter hook \
                    output priority 0; }\n}\n";
        let lines = Text::new("/f", text.as_bytes()).lines().map(|(at, line)| (at, line.to_owned())).collect();
        let nft = parse(lines);
        let shown: Vec<String> = nft
            .chains
            .iter()
            .map(|c| format!("{} {} {} {} {}", c.table, c.name, c.hook, c.policy, c.rules.len()))
            .collect();
        assert_eq!(shown, ["inet filter input input drop 2", "inet filter out output accept 0"]);
        assert_eq!(nft.chains[0].rules[1].1, "tcp dport { 22, 80 } accept");
    }
}
