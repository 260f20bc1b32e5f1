//! The ways through a stack of PAM: which lines are met, and whose answer decides.
//!
//! A stack is gone through as libpam goes (`_pam_dispatch_aux`): what is required and fails leaves a bad impression that
//! nothing takes back, what is sufficient ends it while the impression is not bad, and a stack of which nobody said
//! anything has failed. Modules may answer anything, but for `pam_permit` and `pam_deny`.

use super::pam::Line;
use crate::validate::verdict::Unseen;

/// Where a module's result leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// To the next line, as if nothing had been.
    Next,
    /// To the next line; the stack has failed.
    Bad,
    /// Out of the stack.
    End,
    /// Over so many lines.
    Skip(usize),
}

/// Where a line may lead.
pub(super) fn outcomes(line: &Line) -> Vec<After> {
    let (success, failures) = actions(&line.control);
    match line.module.as_str() {
        "pam_permit.so" => vec![after(success)],
        "pam_deny.so" => failures.into_iter().map(after).collect(),
        _ => failures.into_iter().chain([success]).map(after).collect(),
    }
}

fn after(action: &str) -> After {
    match action {
        "ok" | "ignore" | "reset" => After::Next,
        "done" | "die" => After::End,
        other => other.parse().map_or(After::Bad, After::Skip),
    }
}

/// What a control does on success, and on everything else.
pub(super) fn actions(control: &str) -> (&str, Vec<&str>) {
    match control {
        "required" => ("ok", vec!["bad"]),
        "requisite" => ("ok", vec!["die"]),
        "sufficient" => ("done", vec!["ignore"]),
        "optional" => ("ok", vec!["ignore"]),
        other => {
            let pairs = other.trim_matches(['[', ']']).split_whitespace().filter_map(|pair| pair.split_once('='));
            let pairs: Vec<(&str, &str)> = pairs.collect();
            let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, action)| *action);
            let default = value("default").unwrap_or("bad");
            let others = pairs.iter().filter(|(key, _)| !matches!(*key, "success" | "default" | "new_authtok_reqd"));
            let failures = others.map(|(_, action)| *action).chain([default]).collect();
            (value("success").unwrap_or(default), failures)
        }
    }
}

/// Lines that some result of those before them leads to.
pub fn reached(lines: &[Line]) -> Vec<&Line> {
    let mut reached = vec![false; lines.len()];
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        if at >= lines.len() || std::mem::replace(&mut reached[at], true) {
            continue;
        }
        next.extend(outcomes(&lines[at]).into_iter().map(|after| follow(lines, at, after)));
    }
    lines.iter().zip(reached).filter(|(_, reached)| *reached).map(|(line, _)| line).collect()
}

fn follow(lines: &[Line], at: usize, after: After) -> usize {
    let depth = lines[at].depth;
    let outside = |from: usize| (from..lines.len()).find(|one| lines[*one].depth < depth).unwrap_or(lines.len());
    match after {
        After::Next | After::Bad => at + 1,
        // The end of a substack is not that of the stack.
        After::End => outside(at),
        After::Skip(count) => {
            // A substack counts as one line.
            let counts = |one: &usize| {
                let own = lines[*one].depth;
                own == depth || own == depth + 1 && lines[*one - 1].depth <= depth
            };
            let end = outside(at);
            (at + 1..end).filter(counts).nth(count).unwrap_or(end)
        }
    }
}

/// As many modules as are tried in all their answers.
const MOST: usize = 12;

/// Whether the stack succeeds where these modules answer so.
fn succeeds(lines: &[Line], worked: impl Fn(usize) -> bool) -> bool {
    let (mut at, mut impression) = (0, None);
    while let Some(line) = lines.get(at) {
        let (success, failures) = actions(&line.control);
        // Of several words for failures the last is that for the rest of them.
        let action = if worked(at) { success } else { failures.last().copied().unwrap_or("bad") };
        match action {
            "ok" | "done" if impression != Some(false) => impression = Some(worked(at)),
            "bad" | "die" => impression = Some(false),
            "reset" => impression = None,
            _ => {}
        }
        let goes_on = action == "done" && impression == Some(false);
        at = if goes_on { at + 1 } else { follow(lines, at, after(action)) };
    }
    impression == Some(true)
}

/// Every way in which the modules of a stack may answer, those that are given answering so.
fn ways(lines: &[Line], given: &[(usize, bool)]) -> Result<Vec<Vec<bool>>, Unseen> {
    let fixed = |at: usize| match lines[at].module.as_str() {
        "pam_permit.so" => Some(true),
        "pam_deny.so" => Some(false),
        _ => given.iter().find(|(one, _)| *one == at).map(|(_, worked)| *worked),
    };
    let free: Vec<usize> = (0..lines.len()).filter(|at| fixed(*at).is_none()).collect();
    let one = |bits: u32| -> Vec<bool> {
        let free = |at: usize| free.iter().position(|one| *one == at).is_some_and(|bit| bits >> bit & 1 == 1);
        (0..lines.len()).map(|at| fixed(at).unwrap_or_else(|| free(at))).collect()
    };
    match free.get(MOST) {
        None => Ok((0..1_u32 << free.len()).map(one).collect()),
        Some(at) => {
            let why = format!("asks more than {MOST} modules: what each of them decides was not tried");
            Err(Unseen::new(lines[*at].at.to_string(), why))
        }
    }
}

/// Whether a line's answer alone may turn the stack's, or nobody comes through it anyway.
pub fn decides(lines: &[Line], at: usize) -> Result<bool, Unseen> {
    let ways = ways(lines, &[(at, true)])?;
    let (mut turns, mut open) = (false, false);
    for way in &ways {
        let (with, without) = (succeeds(lines, |one| way[one]), succeeds(lines, |one| one != at && way[one]));
        turns |= with != without;
        open |= with || without;
    }
    Ok(turns || !open)
}

/// Whether nobody comes through where a line's module says no, but those whom the others let in by themselves.
pub fn bars(lines: &[Line], at: usize, others: &[&str]) -> Result<bool, Unseen> {
    let other = |one: &usize| others.contains(&lines[*one].module.as_str());
    let given: Vec<(usize, bool)> = (0..lines.len()).filter(other).chain([at]).map(|one| (one, false)).collect();
    Ok(!ways(lines, &given)?.iter().any(|way| succeeds(lines, |one| way[one])))
}

#[cfg(test)]
mod tests {
    use super::super::pam::parse;
    use super::*;
    use crate::validate::text::Text;

    fn lines(text: &str) -> Vec<Line> {
        parse(&Text::new("/f", text.as_bytes()))
    }

    fn reached_modules(text: &str) -> Vec<String> {
        reached(&lines(text)).into_iter().map(|line| line.module.clone()).collect()
    }

    #[test]
    fn what_nothing_leads_to_is_not_asked() {
        for (text, want) in [
            ("auth sufficient pam_permit.so\nauth required pam_b.so\n", &["pam_permit.so"][..]),
            (
                "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_b.so\n",
                &["pam_unix.so", "pam_deny.so", "pam_b.so"],
            ),
            ("auth requisite pam_deny.so\nauth required pam_b.so\n", &["pam_deny.so"]),
            ("auth [default=1] pam_a.so\nauth required pam_b.so\nauth required pam_c.so\n", &["pam_a.so", "pam_c.so"]),
        ] {
            assert_eq!(reached_modules(text), want, "{text}");
        }
    }

    #[test]
    fn an_answer_decides_or_does_not() {
        const DENY: &str = "auth requisite pam_deny.so\nauth required pam_permit.so\n";
        for (text, at, decides, bars) in [
            ("auth required pam_a.so\nauth required pam_b.so\n".to_owned(), 0, true, true),
            ("auth optional pam_a.so\nauth required pam_b.so\n".to_owned(), 0, false, false),
            // What is asked after somebody is in.
            ("auth sufficient pam_b.so\nauth required pam_a.so\n".to_owned(), 1, true, false),
            (format!("auth [success=1 default=ignore] pam_a.so\n{DENY}"), 0, true, true),
            (
                format!("auth [success=2 default=ignore] pam_a.so\nauth [success=1 default=ignore] pam_b.so\n{DENY}"),
                0,
                true,
                false,
            ),
            // A jump over what matters to nobody.
            (
                "auth [success=1 default=ignore] pam_a.so\nauth optional pam_c.so\nauth required pam_b.so\n".to_owned(),
                0,
                false,
                false,
            ),
            ("auth required pam_a.so\nauth sufficient pam_b.so\nauth required pam_deny.so\n".to_owned(), 0, true, true),
            ("auth [default=ok] pam_a.so\nauth required pam_permit.so\n".to_owned(), 0, true, true),
        ] {
            let lines = lines(&text);
            let found = (super::decides(&lines, at), super::bars(&lines, at, &[]));
            assert_eq!(found, (Ok(decides), Ok(bars)), "{text}");
        }
        let su = lines("auth sufficient pam_rootok.so\nauth required pam_wheel.so\nauth required pam_unix.so\n");
        assert_eq!((super::bars(&su, 1, &["pam_rootok.so"]), super::bars(&su, 1, &[])), (Ok(true), Ok(false)));
    }

    #[test]
    fn a_stack_of_too_many_modules_is_not_taken_for_a_good_one() {
        let lines = lines(&"auth optional pam_a.so\n".repeat(MOST + 2));
        let refused = [super::decides(&lines, 0), super::bars(&lines, 0, &[])];
        assert!(refused.iter().all(|found| found.as_ref().is_err_and(|unseen| unseen.why.contains("was not tried"))));
    }
}
