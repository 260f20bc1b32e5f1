//! PAM's stacks as libpam assembles them: `@include`, `include`, `substack`, and what each control makes of a result.
//!
//! A service's file is in /etc/pam.d, else in /usr/lib/pam.d (pam.conf(5)). A comment ends a line, a backslash goes on
//! with the next. A line that no result of those before it leads to is never asked, and one whose result changes nothing
//! decides nothing: both stand in the file and protect nobody.

use super::glob;
use super::pam_walk::{After, actions, outcomes};
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;
use std::collections::BTreeSet;

/// As deep as files are followed; libpam stops at 32.
const DEEPEST: usize = 32;
const DIRECTORIES: &[&str] = &["/etc/pam.d", "/usr/lib/pam.d"];

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
    pub(super) depth: usize,
    /// Whether it is passed over where its module is missing.
    forgiving: bool,
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
        outcomes(self).iter().any(|after| *after != After::Next)
    }

    /// Whether its failure makes the stack fail.
    pub fn denies(&self) -> bool {
        let (_, failures) = actions(&self.control);
        failures.iter().any(|action| matches!(*action, "bad" | "die"))
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
            _ if line.forgiving && !installed(machine, &line.module)? => {}
            _ => lines.push(Line { depth, ..line }),
        }
    }
    Ok(true)
}

pub(super) fn parse(text: &Text) -> Vec<Line> {
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
        return Some(Line {
            control: kind.clone(),
            kind,
            module: words.next()?,
            arguments: Vec::new(),
            at,
            depth: 0,
            forgiving: false,
        });
    }
    // A module that is missing is passed over where a minus stands.
    let forgiving = kind.starts_with('-');
    let kind = kind.trim_start_matches('-').to_ascii_lowercase();
    let control = words.next()?;
    // Only keywords are the same in either case.
    let control = if control.starts_with('[') { control } else { control.to_ascii_lowercase() };
    let named = words.next()?;
    let included = matches!(control.as_str(), "include" | "substack");
    let module = if included { named } else { of_system(named) };
    // Brackets hold the blanks of an argument together, and are no part of it (pam.conf(5)).
    let bare = |word: String| match word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.replace("\\]", "]"),
        None => word,
    };
    Some(Line { kind, control, module, arguments: words.map(bare).collect(), at, depth: 0, forgiving })
}

/// A module's name, where its file is in a directory of the system's modules; any other file is another module.
fn of_system(named: String) -> String {
    match named.rsplit_once('/') {
        Some((directory, file)) if directory.ends_with("/security") && !directory.contains("..") => {
            let system = ["/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"];
            if system.iter().any(|base| directory.starts_with(base)) { file.to_owned() } else { named }
        }
        _ => named,
    }
}

/// Whether the file of a module is there.
fn installed(machine: &Machine<'_>, module: &str) -> Result<bool, Unseen> {
    if module.starts_with('/') {
        return machine.exists(module);
    }
    for pattern in
        ["/lib/security", "/usr/lib/security", "/usr/lib64/security", "/lib/*/security", "/usr/lib/*/security"]
    {
        for directory in glob(machine, pattern)? {
            if machine.exists(&format!("{directory}/{module}"))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
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

    #[test]
    fn lines_are_read_as_libpam_reads_them() {
        let text = "# auth required pam_a.so\n-auth [success=1 default=ignore] /lib/security/pam_b.so x [a b] # c \\\n\
                    AUTH Required \\\n pam_c.so nullok\n@include common-auth\n";
        let shown: Vec<String> = parse(&Text::new("/f", text.as_bytes())).iter().map(Line::shown).collect();
        let want = [
            "auth [success=1 default=ignore] pam_b.so x a b",
            "auth required pam_c.so nullok",
            "@include @include common-auth",
        ];
        assert_eq!(shown, want);
    }
}
