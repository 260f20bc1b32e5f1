//! `aide`: which attributes of a path AIDE watches, and whether its database is there.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What AIDE has to watch.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aide {
    /// Each of them.
    #[serde(default)]
    paths: Vec<String>,
    /// As aide.conf(5) names them; groups are resolved.
    #[serde(default)]
    attributes: Vec<String>,
    /// Whether the database that it compares with has to be there.
    #[serde(default)]
    database: bool,
}

const MAIN: [&str; 2] = ["/etc/aide/aide.conf", "/etc/aide.conf"];

/// A rule: a pattern from the start of a path, and what is watched; none is watched where a rule is turned round.
struct Rule {
    /// A regular expression. Of the many that a distribution brings few are about a path that is asked for, so that it is
    /// understood only then.
    pattern: String,
    /// What a path has to begin with, for the pattern to be about it.
    prefix: String,
    text: String,
    watched: Option<BTreeSet<String>>,
    exact: bool,
    at: At,
}

#[derive(Default)]
struct Told {
    groups: BTreeMap<String, BTreeSet<String>>,
    variables: BTreeMap<String, String>,
    rules: Vec<Rule>,
    database: Option<(String, At)>,
    /// Of each `@@if` that is open, whether it holds; none where only the machine itself could tell.
    conditions: Vec<Option<bool>>,
}

impl Mechanism for Aide {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![MAIN.join(" or "), "/etc/aide/aide.conf.d".into()]
    }

    fn expects(&self) -> String {
        let watched = format!("{} of {}", self.attributes.join("+"), self.paths.join(", "));
        let database = self.database.then(|| "the database is there".to_owned());
        let watched = (!self.paths.is_empty()).then_some(watched);
        watched.into_iter().chain(database).collect::<Vec<_>>().join("; ")
    }
}

impl Aide {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut told = Told::default();
        let mut main = None;
        for file in MAIN {
            if machine.exists(file)? {
                told.file(machine, file, 0)?;
                main = Some(At::file(file));
                break;
            }
        }
        let mut finding = Finding::new();
        let Some(main) = main else {
            finding.fact(
                Aspect::Stored,
                false,
                &At::file(MAIN[0]),
                "there is no configuration of AIDE",
                self.expects(),
            );
            return Ok(finding);
        };
        for path in &self.paths {
            let path = &real(machine, path)?;
            let (holds, at, found) = told.judged(path, &self.attributes, &main)?;
            finding.fact(Aspect::Stored, holds, &at, found, format!("{path} {}", self.attributes.join("+")));
        }
        if self.database {
            let (file, at) = told.database.clone().unwrap_or_else(|| ("/var/lib/aide/aide.db".into(), main));
            let stat = machine.stat(&file, true)?;
            let holds = stat.is_some_and(|stat| stat.size > 0);
            let found = format!("{file} is {}", if holds { "there" } else { "not there, or empty" });
            finding.fact(Aspect::Stored, holds, &at, found, "the database is there");
        }
        Ok(finding)
    }
}

impl Told {
    fn file(&mut self, machine: &Machine<'_>, file: &str, depth: usize) -> Result<(), Unseen> {
        if depth > 16 {
            return Err(Unseen::new(file, "is included too deep"));
        }
        let Some(text) = machine.text(file)? else { return Ok(()) };
        for (at, line) in text.lines() {
            let line = self.expanded(line.trim());
            let parts = words(&line);
            let words: Vec<&str> = parts.iter().map(String::as_str).collect();
            match words[..] {
                [first, ..] if first.starts_with('#') => {}
                [first, ref rest @ ..] if self.condition(machine, first, rest)? => {}
                // What may not count at all leaves nothing in; what it leaves out is out.
                [first, ..] if !self.counts(first.starts_with(['!', '-'])) => {}
                ["@@define", name, value] => drop(self.variables.insert(name.to_owned(), value.to_owned())),
                ["@@include", other] => self.file(machine, other, depth + 1)?,
                ["@@include" | "@@x_include", directory, ..] => {
                    for name in machine.names(directory)? {
                        self.file(machine, &format!("{directory}/{name}"), depth + 1)?;
                    }
                }
                [first, ..] if first.starts_with(['/', '!', '=', '-']) => self.rule(&words, at),
                [first, ..] if first.starts_with("@@") => {}
                _ => self.group(&line, at),
            }
        }
        Ok(())
    }

    /// Whether a line opens, turns or closes a condition (aide.conf(5), macro lines), which is then done.
    fn condition(&mut self, machine: &Machine<'_>, word: &str, rest: &[&str]) -> Result<bool, Unseen> {
        let name = rest.first().copied().unwrap_or_default();
        let defined = |told: &Self, name: &str| Some(told.variables.contains_key(name));
        let opened = match word {
            "@@ifdef" => defined(self, name),
            "@@ifndef" => defined(self, name).map(|is| !is),
            "@@ifhost" | "@@ifnhost" => None,
            "@@if" => {
                let (negated, rest) = match rest {
                    ["not", rest @ ..] => (true, rest),
                    rest => (false, rest),
                };
                let is = match rest {
                    ["defined", name] => defined(self, name),
                    ["exists", path] => Some(machine.exists(path)?),
                    _ => None,
                };
                is.map(|is| is != negated)
            }
            "@@else" => {
                if let Some(last) = self.conditions.last_mut() {
                    *last = last.map(|is| !is);
                }
                return Ok(true);
            }
            "@@endif" => {
                self.conditions.pop();
                return Ok(true);
            }
            "@@undef" => {
                if self.counts(false) {
                    self.variables.remove(name);
                }
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.conditions.push(opened);
        Ok(true)
    }

    fn counts(&self, doubtful: bool) -> bool {
        self.conditions.iter().all(|is| is.unwrap_or(doubtful))
    }

    fn expanded(&self, line: &str) -> String {
        self.variables.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("@@{{{name}}}"), value))
    }

    fn rule(&mut self, words: &[&str], at: At) {
        let (mark, text) = match words[0].chars().next() {
            Some(mark @ ('!' | '=' | '-')) => (mark, &words[0][1..]),
            _ => ('/', words[0]),
        };
        let exact = mark == '=';
        let pattern = if exact { format!("^{text}$") } else { format!("^{text}") };
        let literal = text.split(['\\', '.', '[', '(', '*', '+', '?', '{', '|', '$']).next().unwrap_or_default();
        // What may be repeated or left out is no part of what is certain.
        let prefix = if literal == text {
            text.to_owned()
        } else {
            literal[..literal.rfind('/').map_or(0, |at| at + 1)].to_owned()
        };
        let prefix = if text.contains('|') && !text.contains('(') { String::new() } else { prefix };
        // `PATH [TYPES] ATTRIBUTES`; a rule that is turned round has types alone.
        let watched = match mark {
            '!' | '-' => None,
            _ => Some(self.attributes(words.last().filter(|_| words.len() > 1).copied().unwrap_or_default())),
        };
        let types = if watched.is_some() && words.len() < 3 { None } else { words.get(1) };
        if types.is_none_or(|types| types.split(',').any(|kind| kind == "f")) {
            self.rules.push(Rule { pattern, prefix, text: words.join(" "), watched, exact, at });
        }
    }

    fn group(&mut self, line: &str, at: At) {
        let Some((name, value)) = line.split_once('=') else { return };
        let (name, value) = (name.trim(), value.trim());
        if matches!(name, "database" | "database_in") {
            self.database = value.strip_prefix("file:").map(|file| (file.to_owned(), at));
        } else {
            let attributes = self.attributes(value);
            self.groups.insert(name.to_owned(), attributes);
        }
    }

    /// `R+sha512-md5`: names in order, groups among them.
    fn attributes(&self, expression: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let expression: String = expression.split_whitespace().collect();
        let mut rest = expression.as_str();
        let mut take = false;
        while !rest.is_empty() {
            let end = rest.find(['+', '-']).unwrap_or(rest.len());
            for name in self.named(&rest[..end]) {
                if take {
                    all.remove(&name)
                } else {
                    all.insert(name)
                };
            }
            take = rest[end..].starts_with('-');
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        all
    }

    fn named(&self, name: &str) -> BTreeSet<String> {
        if let Some(group) = self.groups.get(name) {
            return group.clone();
        }
        const EXTRA: &str = "acl selinux xattrs e2fsattrs caps";
        let own = match name {
            "R" => format!("p ftype i l n u g s m c sha256 {EXTRA}"),
            "L" => format!("p ftype i l n u g {EXTRA}"),
            ">" => format!("p ftype l u g i n s growing {EXTRA}"),
            "H" => "md5 sha1 sha256 sha512 rmd160 sha512_256 sha3_256 sha3_512".to_owned(),
            "X" => EXTRA.to_owned(),
            other => other.to_owned(),
        };
        own.split_whitespace().map(str::to_owned).collect()
    }

    /// A path that is left out is left out, whatever else is said of it; else the rule that says most of it counts.
    fn judged(&self, path: &str, wanted: &[String], main: &At) -> Result<(bool, At, String), Unseen> {
        let mut matching: Vec<&Rule> = Vec::new();
        for rule in self.rules.iter().filter(|rule| path.starts_with(&rule.prefix)) {
            let unseen = |error: fancy_regex::Error| Unseen::new(&*rule.at.file, format!("{}: {error}", rule.text));
            let pattern = fancy_regex::Regex::new(&rule.pattern).map_err(unseen)?;
            if pattern.is_match(path).map_err(unseen)? {
                matching.push(rule);
            }
        }
        if let Some(rule) = matching.iter().find(|rule| rule.watched.is_none()) {
            return Ok((false, rule.at.clone(), format!("{path} is left out: {}", rule.text)));
        }
        let length = |rule: &&&Rule| (rule.exact, rule.text.split_whitespace().next().map_or(0, str::len));
        let Some(rule) = matching.iter().rev().max_by_key(length) else {
            return Ok((false, main.clone(), format!("no rule is about {path}")));
        };
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|name| !rule.watched.as_ref().is_some_and(|watched| watched.contains(*name)))
            .map(String::as_str)
            .collect();
        let found = if missing.is_empty() {
            rule.text.clone()
        } else {
            format!("{}: without {}", rule.text, missing.join(", "))
        };
        Ok((missing.is_empty(), rule.at.clone(), found))
    }
}

/// The words of a line. A blank, an at sign and a backslash are each written with a backslash before them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = letter == '\\' && letters.peek().is_some_and(|next| matches!(next, ' ' | '@' | '\\'));
        match words.last_mut() {
            Some(word) if escaped => word.extend(letters.next()),
            Some(word) if !letter.is_whitespace() => word.push(letter),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A path as AIDE meets it, which follows no link: /sbin may be one to /usr/sbin.
fn real(machine: &Machine<'_>, path: &str) -> Result<String, Unseen> {
    let Some((top, rest)) = path.trim_start_matches('/').split_once('/') else { return Ok(path.to_owned()) };
    let target = machine.link(&format!("/{top}"))?;
    Ok(target.map_or(path.to_owned(), |target| format!("/{}/{rest}", target.trim_matches('/'))))
}
