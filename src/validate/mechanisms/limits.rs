//! `limits`: a limit of pam_limits that holds for everybody.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::drop_ins;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// A hard limit.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// As `core`.
    item: String,
    /// What it has to be; `unlimited` is no number.
    value: Wanted,
}

const MAIN: &str = "/etc/security/limits.conf";

/// A line that sets a hard limit.
struct Line {
    domain: String,
    value: String,
    at: At,
}

impl Mechanism for Limits {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        match self.lines(machine) {
            Ok(lines) => self.judged(&lines),
            Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
        }
    }

    fn reads(&self) -> Vec<String> {
        vec![MAIN.into(), "/etc/security/limits.d/*.conf".into()]
    }

    fn expects(&self) -> String {
        format!("* hard {} {}", self.item, self.value)
    }
}

impl Limits {
    /// The file first, then the directory in order of name: of one domain the last line wins (limits.conf(5)).
    fn lines(&self, machine: &Machine<'_>) -> Result<Vec<Line>, Unseen> {
        let mut lines = Vec::new();
        let files = drop_ins(machine, &["/etc/security/limits.d"], ".conf")?;
        for file in std::iter::once(MAIN.to_owned()).chain(files) {
            let Some(text) = machine.text(&file)? else { continue };
            for (at, line) in text.lines() {
                let line = line.split('#').next().unwrap_or_default();
                let words: Vec<&str> = line.split_whitespace().collect();
                if let [domain, "hard" | "-", item, value] = words[..]
                    && item == self.item
                {
                    lines.push(Line { domain: domain.to_owned(), value: value.to_owned(), at });
                }
            }
        }
        Ok(lines)
    }

    fn judged(&self, lines: &[Line]) -> Finding {
        let mut finding = Finding::new();
        let mut last: Vec<&Line> = Vec::new();
        for line in lines {
            last.retain(|other| other.domain != line.domain);
            last.push(line);
        }
        if !last.iter().any(|line| line.domain == "*") {
            let found = format!("no hard limit of {} for everybody", self.item);
            finding.fact(Aspect::Stored, false, &At::file(MAIN), found, self.expects());
        }
        // A user's or a group's own limit comes before everybody's.
        for line in last {
            let found = format!("{} hard {} {}", line.domain, self.item, line.value);
            finding.fact(Aspect::Stored, self.value.accepts(&line.value, false), &line.at, found, self.expects());
        }
        finding
    }
}
