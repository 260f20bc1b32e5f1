//! Audit rules: as augenrules puts them together for the next start, and as the kernel has them now.
//!
//! augenrules reads `/etc/audit/rules.d/*.rules` in the order of `ls -v` and puts `-D` first and `-e` last. A watch (`-w`) is
//! a rule on `path` or `dir` with `perm`; the kernel takes the first rule of a list that matches. `-A` puts a rule before
//! those that are there, `-d`, `-W` and `-D` take rules away, and a line that auditctl cannot read ends the loading
//! (auditctl(8)).

use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::cmp::Ordering;
use std::collections::BTreeSet;

pub const RULES_D: &str = "/etc/audit/rules.d";
pub const RULES: &str = "/etc/audit/audit.rules";

/// A condition: a field, how it is compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// As `auid`, `path`, `perm`.
    pub name: String,
    /// As `=`, `!=`, `>=`.
    pub op: &'static str,
    /// In one spelling: `unset` for -1, `b64` for the machine's own names of it.
    pub value: String,
}

/// A rule, a watch among them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `always` or `never`.
    pub action: String,
    /// `exit`, `task`, `exclude`, ...
    pub list: String,
    /// Names; none is all.
    pub syscalls: BTreeSet<String>,
    /// Conditions, without the key.
    pub fields: Vec<Field>,
    /// The last key.
    pub key: Option<String>,
    /// As written.
    pub text: String,
    /// Where.
    pub at: At,
}

/// What a line says.
enum Parsed {
    Rule(Rule),
    /// One that comes before those that are there.
    First(Rule),
    /// One that is taken away.
    Without(Rule),
    /// All are taken away, or those with a key.
    WithoutAll(Option<String>),
    Enabled(String),
    /// What cannot be read ends nothing from here on.
    Lenient,
    /// Nothing that auditctl knows.
    Unknown,
    Other,
}

/// What the next start loads.
#[derive(Debug)]
pub struct Stored {
    /// In the order in which the kernel gets them.
    pub rules: Vec<Rule>,
    /// The last `-e`.
    pub enabled: Option<(String, At)>,
    /// Where they are from, for evidence.
    pub from: At,
    /// The line at which auditctl stops.
    pub stopped: Option<At>,
    lenient: bool,
}

/// What the kernel has.
#[derive(Debug)]
pub struct Loaded(pub Vec<Rule>);

impl Reader for Stored {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut files: Vec<String> = Vec::new();
        if with_augenrules(machine)? {
            files = machine.names(RULES_D)?.into_iter().filter(|name| name.ends_with(".rules")).collect();
            files.sort_by(|a, b| version(a, b));
            files = files.into_iter().map(|name| format!("{RULES_D}/{name}")).collect();
        }
        let from = At::file(if files.is_empty() { RULES } else { RULES_D });
        if files.is_empty() {
            files.push(RULES.into());
        }
        let joined = &*from.file == RULES_D;
        let mut stored = Self::new(from);
        for file in files {
            stored.file(machine, &file, joined)?;
        }
        Ok(stored)
    }
}

impl Stored {
    fn new(from: At) -> Self {
        Self { rules: Vec::new(), enabled: None, from, stopped: None, lenient: false }
    }

    /// One file of rules by itself.
    pub fn of_file(machine: &Machine<'_>, file: &str) -> Result<Self, Unseen> {
        let mut stored = Self::new(At::file(file));
        stored.file(machine, file, false)?;
        Ok(stored)
    }

    /// What is joined by augenrules has its bare `-D` first, and its `-e` last, wherever they stand.
    fn file(&mut self, machine: &Machine<'_>, file: &str, joined: bool) -> Result<(), Unseen> {
        let Some(text) = machine.text(file)? else { return Ok(()) };
        for (at, line) in text.lines() {
            let parsed = parse(line, &at);
            if let (Parsed::Enabled(value), true) = (&parsed, joined || self.stopped.is_none()) {
                self.enabled = Some((value.clone(), at.clone()));
            }
            if self.stopped.is_some() {
                continue;
            }
            match parsed {
                Parsed::Rule(rule) => self.rules.push(rule),
                Parsed::First(rule) => self.rules.insert(0, rule),
                Parsed::Without(gone) => self.rules.retain(|rule| rule.canonical() != gone.canonical()),
                Parsed::WithoutAll(None) if joined => {}
                Parsed::WithoutAll(key) => self.rules.retain(|rule| key.is_some() && rule.key != key),
                Parsed::Lenient => self.lenient = true,
                Parsed::Unknown if !self.lenient => self.stopped = Some(at),
                Parsed::Enabled(_) | Parsed::Unknown | Parsed::Other => {}
            }
        }
        Ok(())
    }
}

impl Reader for Loaded {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let output = machine.ask(&["auditctl", "-l"])?;
        if !output.ok() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Unseen::new("auditctl -l", said));
        }
        let at = At::file("auditctl -l");
        let rule = |line: &str| match parse(line, &at) {
            Parsed::Rule(rule) => Some(rule),
            _ => None,
        };
        Ok(Self(output.text().lines().filter_map(rule).collect()))
    }
}

/// Whether the unit that loads rules has augenrules put them together, as all distributions have it.
fn with_augenrules(machine: &Machine<'_>) -> Result<bool, Unseen> {
    let mut loads = None;
    for unit in ["audit-rules.service", "auditd.service"] {
        for directory in ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"] {
            let Some(text) = machine.text(&format!("{directory}/{unit}"))? else { continue };
            let has =
                |word: &str| text.lines().any(|(_, line)| line.trim_start().starts_with("Exec") && line.contains(word));
            if has("augenrules") {
                return Ok(true);
            }
            loads = loads.or(has("auditctl -R").then_some(false));
            break;
        }
    }
    Ok(loads.unwrap_or(true))
}

/// Options that add no rule: of the daemon's and the kernel's state.
const STATE: &[&str] = &[
    "-b",
    "-f",
    "-r",
    "-s",
    "-q",
    "-t",
    "-m",
    "-v",
    "-l",
    "--backlog_wait_time",
    "--loginuid-immutable",
    "--reset-lost",
];

fn parse(line: &str, at: &At) -> Parsed {
    let line = line.trim();
    let mut words = line.split_whitespace();
    let mut rule = Rule {
        action: String::new(),
        list: String::new(),
        syscalls: BTreeSet::new(),
        fields: Vec::new(),
        key: None,
        text: line.to_owned(),
        at: at.clone(),
    };
    if line.is_empty() || line.starts_with('#') {
        return Parsed::Other;
    }
    let mut shape: fn(Rule) -> Parsed = Parsed::Rule;
    while let Some(option) = words.next() {
        let mut value = || words.next().unwrap_or_default().trim_matches(['"', '\'']);
        match option {
            "-e" => return Parsed::Enabled(value().to_owned()),
            "-i" | "-c" => return Parsed::Lenient,
            "-D" => {
                let key = if value() == "-k" { Some(value().to_owned()) } else { None };
                return Parsed::WithoutAll(key);
            }
            "-a" | "-A" | "-d" => {
                shape = match option {
                    "-A" => Parsed::First,
                    "-d" => Parsed::Without,
                    _ => shape,
                };
                for word in value().split(',') {
                    let part = if matches!(word, "always" | "never") { &mut rule.action } else { &mut rule.list };
                    word.clone_into(part);
                }
            }
            "-w" | "-W" => {
                if option == "-W" {
                    shape = Parsed::Without;
                }
                (rule.action, rule.list) = ("always".into(), "exit".into());
                rule.fields.push(Field { name: "watch".into(), op: "=", value: bare(value()) });
            }
            "-p" => rule.fields.push(Field { name: "perm".into(), op: "=", value: value().to_owned() }),
            "-S" => rule.syscalls.extend(value().split(',').filter(|name| *name != "all").map(str::to_owned)),
            "-k" => rule.key = Some(value().to_owned()),
            "-F" | "-C" => {
                let text = value();
                match text.strip_prefix("key=") {
                    Some(key) => rule.key = Some(key.trim_matches(['"', '\'']).to_owned()),
                    None => rule.fields.extend(field(text)),
                }
            }
            other if STATE.iter().any(|known| other == *known || other.starts_with(&format!("{known}="))) => {
                return Parsed::Other;
            }
            _ => return Parsed::Unknown,
        }
    }
    if rule.action.is_empty() { Parsed::Other } else { shape(rule) }
}

/// A path without the slash that may end a directory's; /var/run is a link to /run.
pub fn bare(path: &str) -> String {
    let path = if path.starts_with("/var/run/") { &path["/var".len()..] } else { path };
    if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
}

/// A condition as it is written.
pub fn field(text: &str) -> Option<Field> {
    const OPS: &[&str] = &["!=", ">=", "<=", "&=", "=", ">", "<", "&"];
    let at = text.find(['!', '>', '<', '&', '='])?;
    let op = OPS.iter().find(|op| text[at..].starts_with(**op))?;
    let (name, value) = (&text[..at], &text[at + op.len()..]);
    let ids =
        |word: &str| matches!(word, "uid" | "euid" | "suid" | "fsuid" | "gid" | "egid" | "sgid" | "fsgid" | "auid");
    let (name, value) = if ids(value) && value < name { (value, name) } else { (name, value) };
    let value = match (name, value.trim_matches(['"', '\''])) {
        ("auid" | "uid" | "euid" | "ses", "-1" | "4294967295") => "unset".to_owned(),
        ("arch", "x86_64" | "aarch64" | "ppc64le" | "s390x") => "b64".to_owned(),
        ("arch", "i386" | "i686" | "arm" | "armv7l") => "b32".to_owned(),
        ("exit", value) => value.trim_start_matches('-').to_owned(),
        ("path" | "dir", value) => bare(value),
        (_, value) => value.to_owned(),
    };
    let name = if name == "loginuid" { "auid" } else { name };
    Some(Field { name: name.to_owned(), op, value })
}

impl Rule {
    /// The value of a field that is compared for being equal.
    pub fn equal(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name && field.op == "=").map(|field| field.value.as_str())
    }

    /// The same for two rules that say the same in different forms.
    pub fn canonical(&self) -> String {
        let field = |field: &Field| {
            let name = if matches!(field.name.as_str(), "path" | "dir") { "watch" } else { &field.name };
            let mut letters: Vec<char> = field.value.chars().collect();
            if name == "perm" {
                letters.sort_unstable();
            }
            format!("{name}{}{}", field.op, letters.into_iter().collect::<String>())
        };
        let mut fields: Vec<String> = self.fields.iter().map(field).collect();
        fields.sort();
        let syscalls = self.syscalls.iter().cloned().collect::<Vec<_>>().join(",");
        format!("{},{} {syscalls} {}", self.action, self.list, fields.join(" "))
    }
}

/// The order of `ls -v`: runs of digits by their number.
fn version(a: &str, b: &str) -> Ordering {
    let run = |text: &str| text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (mut left, mut right) = (a, b);
    loop {
        let (Some(one), Some(other)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len()).then_with(|| a.cmp(b));
        };
        let (first, second) = (run(left), run(right));
        if first > 0 && second > 0 {
            let number = |text: &str| text.parse::<u128>().unwrap_or(u128::MAX);
            match number(&left[..first]).cmp(&number(&right[..second])) {
                Ordering::Equal => (left, right) = (&left[first..], &right[second..]),
                unequal => return unequal,
            }
        } else if one == other {
            (left, right) = (&left[one.len_utf8()..], &right[other.len_utf8()..]);
        } else {
            return one.cmp(&other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(line: &str) -> String {
        match parse(line, &At::file("/f")) {
            Parsed::Rule(rule) | Parsed::Without(rule) => rule.canonical(),
            _ => panic!("{line} is no rule"),
        }
    }

    #[test]
    fn forms_of_one_rule_are_the_same() {
        for (one, other) in [
            ("-w /etc/sudoers.d/ -p wa -k scope", "-a always,exit -S all -F dir=/etc/sudoers.d -F perm=aw -F key=x"),
            ("-a exit,always -F arch=x86_64 -S b -S a", "-a always,exit -F arch=b64 -S a,b -k q"),
            ("-a always,exit -C uid!=euid -F auid!=-1", "-a always,exit -C euid!=uid -F auid!=unset"),
            ("-a always,exit -S open -F exit=-EACCES", "-a always,exit -S open -F exit=EACCES"),
        ] {
            assert_eq!(canonical(one), canonical(other));
        }
        assert_ne!(canonical("-w /a -p wa"), canonical("-w /a -p w"));
        assert_eq!(canonical("-W /a -p wa -k x"), canonical("-w /a -p aw"));
        assert!(matches!(parse("# -w /a -p wa", &At::file("/f")), Parsed::Other));
        assert!(matches!(parse("--backlog_wait_time 60000", &At::file("/f")), Parsed::Other));
        assert!(matches!(parse("w /a -p wa", &At::file("/f")), Parsed::Unknown));
    }

    #[test]
    fn files_are_in_the_order_of_numbers() {
        let mut names = ["100-b.rules", "30-a.rules", "99-finalize.rules", "a.rules"];
        names.sort_by(|a, b| version(a, b));
        assert_eq!(names, ["30-a.rules", "99-finalize.rules", "100-b.rules", "a.rules"]);
    }
}
