//! Judging: a control's tree of checks over a machine, to one verdict with all the evidence.

use super::control::{Check, Control};
use super::machine::Machine;
use super::verdict::{Evidence, State, Verdict};

/// One control, judged.
#[derive(Debug)]
pub struct Judged {
    /// The result.
    pub verdict: Verdict,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

/// Judges a control.
pub fn judge(control: &Control, machine: &Machine<'_>, distribution: &str) -> Judged {
    if let Some(reason) = control.except.get(distribution) {
        return nothing(Verdict::NotApplicable { reason: reason.clone() });
    }
    if let Some(when) = &control.when {
        let condition = check(when, machine);
        match condition.verdict {
            Verdict::Pass => {}
            Verdict::Fail | Verdict::NotApplicable { .. } => {
                let reason = control.otherwise.clone().unwrap_or_else(|| "its condition does not hold here".into());
                let shown = |one| Evidence { state: State::Shown, ..one };
                let evidence = condition.evidence.into_iter().map(shown).collect();
                return Judged { verdict: Verdict::NotApplicable { reason }, evidence };
            }
            Verdict::CouldNotLook { .. } => return condition,
        }
    }
    check(&control.check, machine)
}

fn nothing(verdict: Verdict) -> Judged {
    Judged { verdict, evidence: Vec::new() }
}

fn check(check: &Check, machine: &Machine<'_>) -> Judged {
    match check {
        Check::Leaf(mechanism) => {
            let (verdict, evidence) = mechanism.judge(machine).decide(machine.running());
            Judged { verdict, evidence }
        }
        Check::All(these) => all(these.iter().map(|one| self::check(one, machine)).collect()),
        Check::Any(these) => any(these.iter().map(|one| self::check(one, machine)).collect()),
        Check::Not(other) => not(self::check(other, machine)),
    }
}

/// The worst of them: a failure, else what could not be looked at, else a pass. What does not apply is passed over.
fn all(judged: Vec<Judged>) -> Judged {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::CouldNotLook { .. } => 1,
        Verdict::Pass => 2,
        Verdict::NotApplicable { .. } => 3,
    };
    gather(judged, rank, false)
}

/// The best of them: a pass; without one, what could not be looked at might have been one.
fn any(judged: Vec<Judged>) -> Judged {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::CouldNotLook { .. } => 1,
        Verdict::Fail => 2,
        Verdict::NotApplicable { .. } => 3,
    };
    gather(judged, rank, true)
}

/// Of alternatives, only those that came to the verdict are shown; the others' evidence would contradict it.
fn gather(judged: Vec<Judged>, rank: impl Fn(&Verdict) -> u8, alternatives: bool) -> Judged {
    let verdict = judged.iter().map(|one| &one.verdict).min_by_key(|verdict| rank(verdict)).cloned();
    let verdict = verdict.unwrap_or(Verdict::CouldNotLook { reason: "nothing was looked at".into() });
    let shown = |one: &Judged| !alternatives || rank(&one.verdict) == rank(&verdict);
    let evidence = judged.into_iter().filter(shown).flat_map(|one| one.evidence).collect();
    Judged { verdict, evidence }
}

fn not(judged: Judged) -> Judged {
    let verdict = match judged.verdict {
        Verdict::Pass => Verdict::Fail,
        Verdict::Fail => Verdict::Pass,
        other => other,
    };
    let turned = |one: Evidence| {
        let (state, expected) = match one.state {
            State::Holds => (State::Broken, format!("not {}", one.expected)),
            State::Broken => (State::Holds, format!("not {}", one.expected)),
            other => (other, one.expected),
        };
        Evidence { state, expected, ..one }
    };
    Judged { verdict, evidence: judged.evidence.into_iter().map(turned).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_checks_come_to_one_verdict() {
        let blind = || Verdict::CouldNotLook { reason: "r".into() };
        let na = || Verdict::NotApplicable { reason: "r".into() };
        let of = |verdicts: &[Verdict]| verdicts.iter().cloned().map(nothing).collect::<Vec<_>>();
        for (verdicts, every, one) in [
            (&[Verdict::Pass, Verdict::Fail][..], "fail", "pass"),
            (&[Verdict::Pass, blind()], "could-not-look", "pass"),
            (&[Verdict::Fail, blind()], "fail", "could-not-look"),
            (&[na(), Verdict::Pass], "pass", "pass"),
            (&[na(), na()], "not-applicable", "not-applicable"),
        ] {
            assert_eq!(all(of(verdicts)).verdict.name(), every, "all {verdicts:?}");
            assert_eq!(any(of(verdicts)).verdict.name(), one, "any {verdicts:?}");
        }
        assert_eq!(not(nothing(blind())).verdict.name(), "could-not-look");
        assert_eq!(not(nothing(Verdict::Fail)).verdict.name(), "pass");
    }
}
