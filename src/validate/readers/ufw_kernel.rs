//! ufw's rules as the kernel has them: chains of iptables, of each family that ufw keeps.
//!
//! `ufw status` reads the policies that it shows from ufw's own files, so that it calls a firewall closed which somebody
//! opened with `iptables -P`. The chains themselves are asked, by the program that ufw loads them with.

use super::iptables::{Family, Iptables, loaded};
use super::ufw::{Ufw, covers, inward};
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// One family's rules.
#[derive(Debug)]
pub struct Kept {
    /// What its chains' names begin with.
    prefix: &'static str,
    /// The program that was asked.
    pub at: At,
    rules: Iptables,
}

/// Both families, or the one, where ufw is not to keep IPv6 or the kernel has none.
pub fn kernel(machine: &Machine<'_>, ufw: &Ufw) -> Result<Vec<Kept>, Unseen> {
    let six = ufw.value("IPV6").is_some_and(|(value, _)| value.eq_ignore_ascii_case("yes"));
    let six = six && machine.exists("/proc/sys/net/ipv6")?;
    let families = [(Family::Ipv4, "ufw"), (Family::Ipv6, "ufw6")].into_iter().take(1 + usize::from(six));
    let one = |(family, prefix)| loaded(machine, family).map(|(rules, at)| Kept { prefix, at, rules });
    families.map(one).collect()
}

impl Kept {
    /// Where the kernel's own chain leads to ufw's, and that to the rules that the site has; none where ufw is off.
    pub fn active(&self) -> Option<&At> {
        let before = format!("{}-before-input", self.prefix);
        self.rules.rule(&before, &[&format!("-j {}-user-input", self.prefix)])?;
        self.rules.rule("INPUT", &[&format!("-j {before}")])
    }

    /// A rule by which everything comes in or through, whatever the policies.
    pub fn opened(&self) -> Option<&(At, String)> {
        self.rules.opened(inward)
    }

    /// The policy of a chain of the kernel's own.
    pub fn policy(&self, chain: &str) -> Option<&(At, String)> {
        self.rules.policies.get(chain)
    }

    /// Whether this is the family of `::1`.
    pub fn six(&self) -> bool {
        self.prefix == "ufw6"
    }

    /// The first rule of one of these chains (`user-input`, `before-output`) that has all these parts.
    pub fn rule(&self, chains: &[&str], parts: &[&str]) -> Option<&At> {
        chains.iter().find_map(|chain| self.rules.rule(&format!("{}-{chain}", self.prefix), parts))
    }

    /// The rule of the site that speaks of a port that others reach, as `22/tcp`.
    pub fn rule_for(&self, port: &str) -> Option<&At> {
        let (number, protocol) = port.split_once('/')?;
        let number: u16 = number.parse().ok()?;
        let chain = format!("{}-user-input", self.prefix);
        let speaks = |rule: &str| {
            let words: Vec<&str> = rule.split_whitespace().collect();
            let after = |option: &str| words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1));
            let ports = after("--dport").or_else(|| after("--dports"));
            words.get(1) == Some(&chain.as_str())
                && after("-p").is_none_or(|have| *have == protocol)
                && ports.is_some_and(|ports| covers(ports, number))
        };
        self.rules.rules.iter().find(|(_, rule)| speaks(rule)).map(|(at, _)| at)
    }
}
