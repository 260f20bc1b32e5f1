//! What a control comes to, and the evidence for it.

use super::text::At;
use serde::{Deserialize, Serialize};

/// One control's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every fact that could be asked for holds.
    Pass,
    /// At least one fact does not hold.
    Fail,
    /// The control has nothing to say about this machine.
    NotApplicable {
        /// Why it has not.
        reason: String,
    },
    /// What had to be read could not be. This is never a pass.
    CouldNotLook {
        /// What could not be read, and why.
        reason: String,
    },
}

impl Verdict {
    /// The name that reports carry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotApplicable { .. } => "not-applicable",
            Self::CouldNotLook { .. } => "could-not-look",
        }
    }

    /// Why there is no pass or fail.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::NotApplicable { reason } | Self::CouldNotLook { reason } => Some(reason),
            Self::Pass | Self::Fail => None,
        }
    }
}

/// Which of a control's three facts a piece of evidence speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// What the files say.
    Stored,
    /// What the running system says.
    Live,
    /// What the next start will make of it.
    Reboot,
}

/// How a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As expected.
    Holds,
    /// Not as expected.
    Broken,
    /// It could not be looked at.
    NotLooked,
    /// Shown for the reader; decides nothing.
    Shown,
}

/// One thing that was read: where, what was there, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which fact.
    pub aspect: Aspect,
    /// How it stands.
    pub state: State,
    /// The file, or the program that was asked.
    pub read: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What was there; where it could not be looked at, why not.
    pub found: String,
    /// What was expected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
}

/// Why something could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{read}: {why}")]
pub struct Unseen {
    /// The file, or the program that was to be asked.
    pub read: String,
    /// Why not.
    pub why: String,
}

impl Unseen {
    /// What could not be read, and why.
    pub fn new(read: impl Into<String>, why: impl Into<String>) -> Self {
        Self { read: read.into(), why: why.into() }
    }
}

/// What a mechanism found out: evidence of any number of facts, or that it has nothing to judge.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    evidence: Vec<Evidence>,
    not_applicable: Option<String>,
}

impl Finding {
    /// Nothing was looked at yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// There is nothing to judge on this machine.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self { not_applicable: Some(reason.into()), ..Self::default() }
    }

    /// A fact could not be looked at, and no other was.
    pub fn unseen(aspect: Aspect, unseen: &Unseen) -> Self {
        let mut finding = Self::new();
        finding.could_not_look(aspect, unseen);
        finding
    }

    /// A fact holds or does not.
    pub fn fact(
        &mut self,
        aspect: Aspect,
        holds: bool,
        at: &At,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let state = if holds { State::Holds } else { State::Broken };
        let (found, expected) = (found.into(), expected.into());
        self.evidence.push(Evidence { aspect, state, read: at.file.to_string(), line: at.line, found, expected });
    }

    /// Something worth seeing that decides nothing.
    pub fn show(&mut self, aspect: Aspect, at: &At, found: impl Into<String>) {
        let (read, found) = (at.file.to_string(), found.into());
        let expected = String::new();
        self.evidence.push(Evidence { aspect, state: State::Shown, read, line: at.line, found, expected });
    }

    /// A fact could not be looked at.
    pub fn could_not_look(&mut self, aspect: Aspect, unseen: &Unseen) {
        let (read, found) = (unseen.read.clone(), unseen.why.clone());
        let expected = String::new();
        self.evidence.push(Evidence { aspect, state: State::NotLooked, read, line: None, found, expected });
    }

    /// The verdict, and the evidence. On an image nobody looks for a running system: there the other facts decide.
    pub fn decide(self, running: bool) -> (Verdict, Vec<Evidence>) {
        if let Some(reason) = self.not_applicable {
            return (Verdict::NotApplicable { reason }, self.evidence);
        }
        let verdict = self.verdict(running);
        (verdict, self.evidence)
    }

    fn verdict(&self, running: bool) -> Verdict {
        let of = |state: State| self.evidence.iter().filter(move |one| one.state == state);
        if of(State::Broken).next().is_some() {
            return Verdict::Fail;
        }
        let holds = of(State::Holds).next().is_some();
        let blind = of(State::NotLooked).find(|one| running || one.aspect != Aspect::Live || !holds);
        match blind {
            Some(one) => Verdict::CouldNotLook { reason: format!("{}: {}", one.read, one.found) },
            None if holds => Verdict::Pass,
            None => Verdict::CouldNotLook { reason: "nothing was found to judge by".into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(states: &[(Aspect, Option<bool>)]) -> Finding {
        let mut finding = Finding::new();
        for (aspect, holds) in states {
            match holds {
                Some(holds) => finding.fact(*aspect, *holds, &At::file("/f"), "a", "b"),
                None => finding.could_not_look(*aspect, &Unseen::new("/f", "denied")),
            }
        }
        finding
    }

    #[test]
    fn what_was_not_seen_never_passes() {
        use Aspect::{Live, Reboot, Stored};
        for (facts, running, name) in [
            (&[(Stored, Some(true)), (Live, Some(true))][..], true, "pass"),
            (&[(Stored, Some(true)), (Live, None)], true, "could-not-look"),
            (&[(Stored, Some(true)), (Live, None)], false, "pass"),
            (&[(Live, None)], false, "could-not-look"),
            (&[(Stored, None), (Reboot, Some(true))], false, "could-not-look"),
            (&[(Stored, None), (Live, Some(false))], true, "fail"),
            (&[], true, "could-not-look"),
        ] {
            assert_eq!(finding(facts).decide(running).0.name(), name, "{facts:?}");
        }
    }
}
