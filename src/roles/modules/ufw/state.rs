//! What the firewall is: its status as `ufw` tells it, its rules and policies as they lie on disk.

use super::{Eyes, Failed};

/// Where ufw keeps rules, now and formerly.
const RULES: &[&str] = &[
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// The firewall at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The output of `ufw status verbose`.
    pub status: String,
    /// The lines that stand for rules.
    pub tuples: Vec<String>,
}

impl State {
    /// Looks.
    pub fn read(eyes: &Eyes<'_>, ufw: &str) -> Result<Self, Failed> {
        let mut question = eyes.command([ufw, "status", "verbose"]);
        question.environment.push(("LANG".into(), "C".into()));
        let output = eyes.query(&question)?;
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failed::new(if error.is_empty() { output.text() } else { error }));
        }
        let mut all = Vec::new();
        for path in RULES {
            all.extend(tuples(&eyes.text(path)?));
        }
        Ok(Self { status: output.text(), tuples: all })
    }

    /// Whether it is on.
    pub fn is_active(&self) -> bool {
        // "active" alone is within "inactive".
        self.status.contains(" active")
    }

    /// Whether a level of logging would be another one; where it is off it does not tell, and counts as another.
    pub fn logging_differs(&self, wanted: &str) -> bool {
        let Some(line) = self.status.lines().find_map(|line| line.strip_prefix("Logging: ")) else { return true };
        let is_on = line.starts_with("on");
        let level = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(level, _)| level);
        match wanted {
            "off" => is_on,
            "on" => !is_on,
            _ => !is_on || level != Some(wanted),
        }
    }
}

/// The lines of a rules file, or of a dry run, that stand for rules.
pub fn tuples(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter(|line| line.starts_with("### tuple")).map(str::to_owned)
}

/// The default policy for a direction, as `allow`, `deny` or `reject`.
pub fn policy(eyes: &Eyes<'_>, direction: &str) -> Result<Option<String>, Failed> {
    let name = match direction {
        "outgoing" => "DEFAULT_OUTPUT_POLICY",
        "routed" => "DEFAULT_FORWARD_POLICY",
        _ => "DEFAULT_INPUT_POLICY",
    };
    Ok(match setting(&eyes.text("/etc/default/ufw")?, name).as_deref() {
        Some("ACCEPT") => Some("allow".into()),
        Some("DROP") => Some("deny".into()),
        Some("REJECT") => Some("reject".into()),
        _ => None,
    })
}

/// Whether rules are kept for IPv6 as well.
pub fn has_ipv6(eyes: &Eyes<'_>) -> Result<bool, Failed> {
    Ok(setting(&eyes.text("/etc/default/ufw")?, "IPV6").is_some_and(|value| value.eq_ignore_ascii_case("yes")))
}

fn setting(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}
