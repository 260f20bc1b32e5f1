//! `crypto_policy`: the system's policy for cryptography, as it is set and as it is applied.

use super::Mechanism;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// The policy's name, or one of its options.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CryptoPolicy {
    /// What the name before the first colon has to be.
    #[serde(default)]
    policy: Option<Wanted>,
    /// As `mac`, or `cipher@SSH` for one protocol, which is the plain one where nothing is said of that.
    #[serde(default)]
    option: Option<String>,
    /// Patterns of what the option's list may not hold.
    #[serde(default)]
    lacks: Vec<String>,
    /// What the option has to be.
    #[serde(default)]
    value: Option<Wanted>,
}

const CONFIG: &str = "/etc/crypto-policies/config";
const STATE: &str = "/etc/crypto-policies/state/current";
const APPLIED: &str = "/etc/crypto-policies/state/CURRENT.pol";
/// What speaks SSH, as scopes name it.
const SSH: &[&str] = &["SSH", "openssh", "openssh-server", "openssh-client", "libssh"];

impl Mechanism for CryptoPolicy {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [CONFIG, STATE, APPLIED].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        let policy = self.policy.as_ref().map(|policy| format!("policy {policy}"));
        let option = self.option.as_ref().map(|option| match &self.value {
            Some(value) => format!("{option} = {value}"),
            None => format!("{option} without {}", self.lacks.join(", ")),
        });
        policy.into_iter().chain(option).collect::<Vec<_>>().join(", ")
    }
}

impl CryptoPolicy {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let (set, at) = word(machine, CONFIG)?;
        let (applied, applied_at) = word(machine, STATE)?;
        // What is set and not applied is not in force.
        let found = format!("{applied} is applied, {set} is set");
        finding.fact(Aspect::Stored, set == applied, &applied_at, found, format!("{set} is applied"));
        if let Some(wanted) = &self.policy {
            let name = set.split(':').next().unwrap_or_default();
            finding.fact(Aspect::Stored, wanted.accepts(name, true), &at, set.clone(), self.expects());
        }
        if let Some(option) = &self.option {
            let text = machine.text(APPLIED)?.ok_or_else(|| Unseen::new(APPLIED, "is not there"))?;
            let pairs: Vec<(At, &str, &str)> = text
                .lines()
                .filter(|(_, line)| !line.trim_start().starts_with('#'))
                .filter_map(|(at, line)| line.split_once('=').map(|(key, value)| (at, key.trim(), value.trim())))
                .collect();
            let (plain, scope) = option.split_once('@').unwrap_or((option, ""));
            let scoped = |key: &str| {
                let Some((name, of)) = key.split_once('@') else { return false };
                let same = of.eq_ignore_ascii_case(scope) || scope == "SSH" && SSH.contains(&of);
                name == plain && !scope.is_empty() && same
            };
            let mut own: Vec<&(At, &str, &str)> = pairs.iter().filter(|(_, key, _)| scoped(key)).collect();
            if own.is_empty() {
                own.extend(pairs.iter().rev().find(|(_, key, _)| *key == plain));
            }
            if own.is_empty() {
                return Err(Unseen::new(APPLIED, format!("does not say {option}")));
            }
            for (at, key, value) in own {
                let bad = |word: &str| self.lacks.iter().any(|pattern| fits(pattern, word));
                let clean = !value.split_whitespace().any(bad);
                let right = self.value.as_ref().is_none_or(|wanted| wanted.accepts(value, true));
                finding.fact(Aspect::Stored, clean && right, at, format!("{key} = {value}"), self.expects());
            }
        }
        Ok(finding)
    }
}

/// The one word of a file.
fn word(machine: &Machine<'_>, file: &str) -> Result<(String, At), Unseen> {
    let text = machine.text(file)?.ok_or_else(|| Unseen::new(file, "is not there"))?;
    let mut lines = text.lines().map(|(at, line)| (line.split('#').next().unwrap_or_default().trim().to_owned(), at));
    lines.find(|(line, _)| !line.is_empty()).ok_or_else(|| Unseen::new(file, "names no policy"))
}
