//! Who must have signed: all, any, or so many of them; each signature counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Ways of counting that are tried before giving up.
const STEPS: usize = 100_000;

/// Who must have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// One signer of the policy.
    Signer(String),
    /// So many of these.
    Threshold(usize, Vec<Quorum>),
}

impl Quorum {
    /// Every signer that is named.
    pub fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Signer(name) => BTreeSet::from([name.as_str()]),
            Self::Threshold(_, members) => members.iter().flat_map(Self::names).collect(),
        }
    }

    /// Which signers count, where each actor (a key, an identity) is used for one signer only. `signed` has the actors
    /// that signed as each signer. `Ok(None)` is not enough; `Err` is undecided.
    pub(super) fn met(&self, signed: &BTreeMap<String, Vec<String>>) -> Result<Option<Vec<(String, String)>>, ()> {
        let mut search = Search { signed, used: Vec::new(), steps: STEPS };
        let met = search.run(&[Goal { quorum: self, members: 0, wanted: None }]);
        match (met, search.steps) {
            (true, _) => Ok(Some(search.used)),
            (false, 0) => Err(()),
            (false, _) => Ok(None),
        }
    }
}

/// What is still to be met: a quorum, from this member on, with so many wanted.
#[derive(Clone, Copy)]
struct Goal<'q> {
    quorum: &'q Quorum,
    members: usize,
    wanted: Option<usize>,
}

struct Search<'s> {
    signed: &'s BTreeMap<String, Vec<String>>,
    used: Vec<(String, String)>,
    steps: usize,
}

impl Search<'_> {
    /// Meets every goal, the last first; what did not lead on is taken back.
    fn run(&mut self, goals: &[Goal<'_>]) -> bool {
        let Some((goal, rest)) = goals.split_last() else { return true };
        let Some(steps) = self.steps.checked_sub(1) else { return false };
        self.steps = steps;
        match goal.quorum {
            Quorum::Signer(name) => self.signer(name, rest),
            Quorum::Threshold(count, members) => {
                let wanted = goal.wanted.unwrap_or(*count);
                if wanted == 0 {
                    return self.run(rest);
                }
                let Some(member) = members.get(goal.members) else { return false };
                if members.len() - goal.members < wanted {
                    return false;
                }
                let next = |wanted| Goal { members: goal.members + 1, wanted: Some(wanted), ..*goal };
                let first = Goal { quorum: member, members: 0, wanted: None };
                let with: Vec<Goal<'_>> = rest.iter().copied().chain([next(wanted - 1), first]).collect();
                let without: Vec<Goal<'_>> = rest.iter().copied().chain([next(wanted)]).collect();
                self.run(&with) || self.run(&without)
            }
        }
    }

    fn signer(&mut self, name: &str, rest: &[Goal<'_>]) -> bool {
        let signed = self.signed;
        for actor in signed.get(name).into_iter().flatten() {
            if self.used.iter().any(|(_, used)| used == actor) {
                continue;
            }
            self.used.push((name.to_owned(), actor.clone()));
            if self.run(rest) {
                return true;
            }
            self.used.pop();
        }
        false
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |members: &[Self], word: &str| {
            let members: Vec<String> = members
                .iter()
                .map(|member| match member {
                    Self::Signer(name) => name.clone(),
                    Self::Threshold(..) => format!("({member})"),
                })
                .collect();
            members.join(word)
        };
        match self {
            Self::Signer(name) => f.write_str(name),
            Self::Threshold(count, members) if *count == members.len() => f.write_str(&joined(members, " and ")),
            Self::Threshold(1, members) => f.write_str(&joined(members, " or ")),
            Self::Threshold(count, members) => write!(f, "{count} of {}", joined(members, ", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: usize, names: &[&str]) -> Quorum {
        Quorum::Threshold(count, names.iter().map(|name| Quorum::Signer((*name).to_owned())).collect())
    }

    fn signed(rows: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let row = |(name, actors): &(&str, &[&str])| {
            ((*name).to_owned(), actors.iter().map(|actor| (*actor).to_owned()).collect())
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn one_actor_counts_for_one_signer() {
        let both = of(2, &["exact", "pattern"]);
        assert_eq!(both.met(&signed(&[("exact", &["ci"]), ("pattern", &["ci"])])), Ok(None));
        assert!(both.met(&signed(&[("exact", &["ci"]), ("pattern", &["ci", "other"])])).expect("decided").is_some());
        // The first that fits is not always the one to take.
        assert!(both.met(&signed(&[("exact", &["ci", "other"]), ("pattern", &["ci"])])).expect("decided").is_some());
    }

    #[test]
    fn all_any_and_thresholds() {
        let have = signed(&[("a", &["1"]), ("b", &["2"])]);
        for (quorum, met) in [
            (of(2, &["a", "b"]), true),
            (of(3, &["a", "b", "c"]), false),
            (of(1, &["c", "b"]), true),
            (of(2, &["a", "c", "b"]), true),
            (Quorum::Threshold(2, vec![of(1, &["a", "c"]), of(1, &["b", "c"])]), true),
            (Quorum::Threshold(2, vec![of(1, &["a"]), of(1, &["a"])]), false),
        ] {
            assert_eq!(quorum.met(&have).expect("decided").is_some(), met, "{quorum}");
        }
        assert_eq!(of(2, &["a", "b"]).to_string(), "a and b");
        assert_eq!(of(2, &["a", "b", "c"]).to_string(), "2 of a, b, c");
    }
}
