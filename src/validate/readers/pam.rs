//! PAM's stacks as libpam assembles them: `@include`, `include`, `substack`, and what each control makes of a result.
//!
//! A service's file is in /etc/pam.d, else in /usr/lib/pam.d (pam.conf(5)). A comment ends a line, a backslash goes on
//! with the next. A line that no result of those before it leads to is never asked, and one whose result changes nothing
//! decides nothing: both stand in the file and protect nobody.

use crate::validate::machine::Machine;
use crate::validate::text::{At, Text, fits};
use crate::validate::verdict::Unseen;
use std::collections::BTreeSet;

/// As deep as files are followed; libpam stops at 32.
const DEEPEST: usize = 32;
const DIRECTORIES: &[&str] = &["/etc/pam.d", "/usr/lib/pam.d"];

/// Where a module's result leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// To the next line, as if nothing had been.
    Next,
    /// To the next line; the stack has failed.
    Bad,
    /// Out of the stack.
    End,
    /// Over so many lines.
    Skip(usize),
}

/// A line of a stack.
#[derive(Clone, Debug)]
pub struct Line {
    /// `auth`, `account`, `password` or `session`.
    pub kind: String,
    /// As written.
    pub control: String,
    /// The module's file, without its directory.
    pub module: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where it stands.
    pub at: At,
    depth: usize,
}

impl Line {
    /// For evidence.
    pub fn shown(&self) -> String {
        let arguments = self.arguments.join(" ");
        format!("{} {} {} {arguments}", self.kind, self.control, self.module).trim_end().to_owned()
    }

    /// Whether an argument fits a pattern; `a|b` is either.
    pub fn has(&self, patterns: &str) -> bool {
        self.arguments.iter().any(|argument| patterns.split('|').any(|pattern| fits(pattern, argument)))
    }

    /// The value of an argument, the last of its name; a bare word has an empty one.
    pub fn argument(&self, name: &str) -> Option<&str> {
        let named = |argument: &'_ String| argument == name || argument.split('=').next() == Some(name);
        let last = self.arguments.iter().rev().find(|argument| named(argument))?;
        Some(last.split_once('=').map_or("", |(_, value)| value))
    }

    /// Whether its result changes anything.
    pub fn matters(&self) -> bool {
        self.outcomes().iter().any(|after| *after != After::Next)
    }

    /// Whether its failure makes the stack fail.
    pub fn denies(&self) -> bool {
        let (_, failures) = actions(&self.control);
        failures.iter().any(|action| matches!(*action, "bad" | "die"))
    }

    fn outcomes(&self) -> Vec<After> {
        let (success, failures) = actions(&self.control);
        let after = |action: &str| match action {
            "ok" | "ignore" | "reset" => After::Next,
            "done" | "die" => After::End,
            other => other.parse().map_or(After::Bad, After::Skip),
        };
        match self.module.as_str() {
            "pam_permit.so" => vec![after(success)],
            "pam_deny.so" => failures.into_iter().map(after).collect(),
            _ => failures.into_iter().chain([success]).map(after).collect(),
        }
    }
}

/// What a control does on success, and on everything else.
fn actions(control: &str) -> (&str, Vec<&str>) {
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

/// The stack of one kind in a service's file; `None` where there is no such file.
pub fn stack(machine: &Machine<'_>, service: &str, kind: &str) -> Result<Option<Vec<Line>>, Unseen> {
    let mut lines = Vec::new();
    let there = gather(machine, service, Some(kind), (0, 0), &mut lines)?;
    Ok(there.then_some(lines))
}

/// Every line of every service's file that names a module, once.
pub fn lines_of(machine: &Machine<'_>, module: &str) -> Result<Vec<Line>, Unseen> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for directory in DIRECTORIES {
        for name in machine.names(directory)? {
            if !seen.insert(name.clone()) || machine.stat(&format!("{directory}/{name}"), true)?.is_none() {
                continue;
            }
            let Some(text) = machine.text(&format!("{directory}/{name}"))? else { continue };
            all.extend(parse(&text).into_iter().filter(|line| line.module == module));
        }
    }
    Ok(all)
}

/// Lines that some result of those before them leads to.
pub fn reached(lines: &[Line]) -> Vec<&Line> {
    let mut reached = vec![false; lines.len()];
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        if at >= lines.len() || std::mem::replace(&mut reached[at], true) {
            continue;
        }
        next.extend(lines[at].outcomes().into_iter().map(|after| follow(lines, at, after)));
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

fn gather(
    machine: &Machine<'_>,
    service: &str,
    kind: Option<&str>,
    (level, depth): (usize, usize),
    lines: &mut Vec<Line>,
) -> Result<bool, Unseen> {
    if level > DEEPEST {
        return Err(Unseen::new(format!("/etc/pam.d/{service}"), "is included too deep: PAM refuses the stack"));
    }
    let mut found = None;
    for directory in if service.starts_with('/') { &[""][..] } else { DIRECTORIES } {
        let path = if directory.is_empty() { service.to_owned() } else { format!("{directory}/{service}") };
        found = machine.text(&path)?;
        if found.is_some() {
            break;
        }
    }
    let Some(text) = found else { return Ok(false) };
    for line in parse(&text) {
        let all = line.kind == "@include";
        if !all && kind.is_some_and(|kind| kind != line.kind) {
            continue;
        }
        let depth = if line.control == "substack" { depth + 1 } else { depth };
        match line.control.as_str() {
            "@include" | "include" | "substack" => {
                let of = if all { kind.map(str::to_owned) } else { Some(line.kind.clone()) };
                if !gather(machine, &line.module, of.as_deref(), (level + 1, depth), lines)? {
                    return Err(Unseen::new(&*line.at.file, format!("includes {}, which is not there", line.module)));
                }
            }
            _ => lines.push(Line { depth, ..line }),
        }
    }
    Ok(true)
}

fn parse(text: &Text) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<(At, String)> = None;
    for (at, line) in text.lines() {
        let (body, comment) = line.split_once('#').map_or((line, false), |(body, _)| (body, true));
        let (body, goes_on) = match body.trim_end().strip_suffix('\\') {
            Some(body) if !comment => (body, true),
            _ => (body, false),
        };
        let (at, mut whole) = open.take().unwrap_or((at, String::new()));
        whole.push_str(body);
        whole.push(' ');
        if goes_on {
            open = Some((at, whole));
        } else {
            lines.extend(of_words(words(&whole), at));
        }
    }
    lines.extend(open.and_then(|(at, whole)| of_words(words(&whole), at)));
    lines
}

fn of_words(words: Vec<String>, at: At) -> Option<Line> {
    let mut words = words.into_iter();
    let kind = words.next()?;
    if kind == "@include" {
        return Some(Line { control: kind.clone(), kind, module: words.next()?, arguments: Vec::new(), at, depth: 0 });
    }
    let kind = kind.trim_start_matches('-').to_ascii_lowercase();
    let control = words.next()?;
    // Only keywords are the same in either case.
    let control = if control.starts_with('[') { control } else { control.to_ascii_lowercase() };
    let named = words.next()?;
    let included = matches!(control.as_str(), "include" | "substack");
    let module = if included { named } else { named.rsplit('/').next().unwrap_or_default().to_owned() };
    Some(Line { kind, control, module, arguments: words.collect(), at, depth: 0 })
}

/// Words as libpam has them: brackets hold blanks together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut bracket = false;
    for letter in line.chars() {
        match letter {
            ' ' | '\t' if !bracket => words.push(String::new()),
            _ => {
                bracket = (bracket || letter == '[') && letter != ']';
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached_modules(text: &str) -> Vec<String> {
        let lines = parse(&Text::new("/f", text.as_bytes()));
        reached(&lines).into_iter().map(|line| line.module.clone()).collect()
    }

    #[test]
    fn lines_are_read_as_libpam_reads_them() {
        let text = "# auth required pam_a.so\n-auth [success=1 default=ignore] /lib/security/pam_b.so x [a b] # c \\\n\
                    AUTH Required \\\n pam_c.so nullok\n@include common-auth\n";
        let shown: Vec<String> = parse(&Text::new("/f", text.as_bytes())).iter().map(Line::shown).collect();
        let want = [
            "auth [success=1 default=ignore] pam_b.so x [a b]",
            "auth required pam_c.so nullok",
            "@include @include common-auth",
        ];
        assert_eq!(shown, want);
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
}
