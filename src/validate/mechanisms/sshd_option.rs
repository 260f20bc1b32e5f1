//! `sshd_option`: an option of sshd as it takes effect, for every connection.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::sshd::Sshd;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// An option, and what it has to be.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshdOption {
    /// As sshd_config(5) writes it.
    name: String,
    /// What it has to be; words in either case. `MaxStartups` is bounded with `start:rate:full` by `at_most_parts`.
    #[serde(default)]
    value: Option<Wanted>,
    /// Numbers parted by colons, each at most as large.
    #[serde(default)]
    at_most_parts: Option<String>,
    /// Whether the option has to be set at all, to anything.
    #[serde(default)]
    set: bool,
}

impl Mechanism for SshdOption {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let sshd = match machine.reader::<Sshd>() {
            Ok(sshd) if !sshd.installed => return Finding::not_applicable("there is no sshd"),
            Ok(sshd) => sshd,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let wanted = self.expects();
        let (value, at) = sshd.value(&self.name).unwrap_or_else(|| (String::new(), sshd.main.clone()));
        let shown = |value: &str| match value {
            "" => format!("{} is not set", self.name),
            value => format!("{} {value}", self.name),
        };
        let holds = self.accepts(&value);
        finding.fact(Aspect::Stored, holds, &at, shown(&value), &wanted);
        finding.fact(Aspect::Reboot, holds, &at, shown(&value), &wanted);
        for setting in sshd.matched(&self.name) {
            let within = setting.within.as_deref().unwrap_or_default();
            let found = format!("{} within Match {within}", shown(&setting.value));
            finding.fact(Aspect::Stored, self.accepts(&setting.value), &setting.at, found, &wanted);
        }
        if machine.running() {
            self.live(machine, &mut finding);
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/ssh/sshd_config, what it includes, and the daemon's command line".into(), "sshd -T".into()]
    }

    fn expects(&self) -> String {
        match (&self.value, &self.at_most_parts) {
            (Some(value), _) => format!("{} {value}", self.name),
            (None, Some(parts)) => format!("{} {parts} or stricter", self.name),
            (None, None) => format!("{} is set", self.name),
        }
    }
}

impl SshdOption {
    fn accepts(&self, value: &str) -> bool {
        let value = match self.name.to_ascii_lowercase().as_str() {
            "logingracetime" | "clientaliveinterval" => seconds(value).map_or(value.to_owned(), |s| s.to_string()),
            _ => value.to_owned(),
        };
        // A list of whom to let in that everybody is on is none.
        let everybody = |word: &str| word.chars().all(|letter| matches!(letter, '*' | '?' | '@'));
        let admits = self.name.to_ascii_lowercase().starts_with("allow");
        let says_nothing = value.is_empty() || admits && value.split_whitespace().any(everybody);
        let set = !self.set || !says_nothing;
        let bounded = self.at_most_parts.as_ref().is_none_or(|most| parts_at_most(&value, most));
        set && bounded && self.value.as_ref().is_none_or(|wanted| wanted.accepts(&value, true))
    }

    /// What the daemon's own parser makes of the same files. Where it cannot run (no host key yet) it says nothing.
    fn live(&self, machine: &Machine<'_>, finding: &mut Finding) {
        let at = At::file("sshd -T");
        match machine.reader::<Dump>() {
            Ok(dump) => {
                let name = self.name.to_ascii_lowercase();
                let lines = dump.0.iter().filter(|(option, _)| *option == name);
                let value = lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
                let found = format!("{} {value}", self.name);
                finding.fact(Aspect::Live, self.accepts(&value), &at, found, self.expects());
            }
            Err(unseen) => finding.show(Aspect::Live, &at, unseen.why),
        }
    }
}

/// `90`, `2m`, `1h30m`: seconds, as sshd_config(5) has times.
fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut number) = (0_u64, String::new());
    for letter in text.chars() {
        let unit = match letter.to_ascii_lowercase() {
            digit if digit.is_ascii_digit() => {
                number.push(digit);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total += std::mem::take(&mut number).parse::<u64>().ok()?.checked_mul(unit)?;
    }
    if number.is_empty() { Some(total) } else { total.checked_add(number.parse().ok()?) }
}

/// `10:30:60` is at most `10:30:60`; the second number, a rate, may be larger, which refuses more.
fn parts_at_most(value: &str, most: &str) -> bool {
    let parts = |text: &str| text.split(':').map(str::parse::<u32>).collect::<Result<Vec<_>, _>>();
    let (Ok(value), Ok(most)) = (parts(value), parts(most)) else { return false };
    match (&value[..], &most[..]) {
        // A single number refuses every connection beyond it.
        ([only], [start, ..]) => only <= start,
        ([start, rate, full], [most_start, least_rate, most_full]) => {
            start <= most_start && rate >= least_rate && full <= most_full
        }
        _ => false,
    }
}

/// What `sshd -T` prints. OpenSSH 10.4 prints names in mixed case.
struct Dump(Vec<(String, String)>);

impl crate::validate::machine::Reader for Dump {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let output = machine.ask(&["sshd", "-T"])?;
        if !output.ok() {
            let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            return Err(Unseen::new("sshd -T", said));
        }
        let text = output.text();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(Self(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_triples_are_read_as_sshd_reads_them() {
        assert_eq!(
            (seconds("2m"), seconds("1h30"), seconds("60"), seconds("x")),
            (Some(120), Some(3630), Some(60), None)
        );
        for (value, right) in [("10:30:60", true), ("10:30:100", false), ("11:30:60", false), ("5", true), ("x", false)]
        {
            assert_eq!(parts_at_most(value, "10:30:60"), right, "{value}");
        }
    }
}
