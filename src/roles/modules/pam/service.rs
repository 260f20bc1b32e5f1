//! A PAM service's file as `pamd` edits it: rules, and lines that are none.

use fancy_regex::Regex;
use std::sync::LazyLock;

/// What a rule may be for.
pub const TYPES: &[&str] = &["account", "-account", "auth", "-auth", "password", "-password", "session", "-session"];

const CONTROLS: &[&str] = &["required", "requisite", "sufficient", "optional", "include", "substack", "definitive"];
const VALUES: &[&str] = &[
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
    "default",
];
const ACTIONS: &[&str] = &["ignore", "bad", "die", "ok", "done", "reset"];

static RULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(-?(?:auth|account|session|password))\s+(\[.*\]|\S*)\s+(\S*)\s*(.*)\s*").expect("it is one")
});

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `auth`, `-session`, ...
    pub kind: String,
    /// `required`, `[success=1 default=ignore]`, ...
    pub control: String,
    /// The module.
    pub path: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A rule.
    Rule(Rule),
    /// A comment, or nothing.
    Remark(String),
    /// `@include`.
    Include(String),
}

/// A service.
pub struct Service(pub Vec<Line>);

/// A control as it is written: blanks around `=` go.
fn control(written: &str) -> String {
    if !written.starts_with('[') {
        return written.to_owned();
    }
    format!("[{}]", written.replace(" = ", "=").replace(['[', ']'], ""))
}

/// Arguments one by one; what stands in brackets is one.
pub fn arguments(texts: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for text in texts {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let bracket = rest.starts_with('[').then(|| rest.rfind(']')).flatten().map(|end| end + 1);
            let end = bracket.or_else(|| rest.find(char::is_whitespace)).unwrap_or(rest.len());
            all.push(rest[..end].to_owned());
            rest = rest[end..].trim_start();
        }
    }
    all
}

impl Rule {
    /// One from its parts.
    pub fn new(kind: &str, written: &str, path: &str, args: Vec<String>) -> Self {
        Self { kind: kind.to_owned(), control: control(written), path: path.to_owned(), args }
    }

    fn read(line: &str) -> Option<Self> {
        let found = RULE.captures(line).ok().flatten()?;
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
        Some(Self::new(part(1), part(2), part(3), arguments(&[part(4).to_owned()])))
    }

    /// As it stands in the file.
    pub fn text(&self) -> String {
        let args: String = self.args.iter().map(|arg| format!(" {arg}")).collect();
        format!("{: <11}{} {}{args}", self.kind, self.control, self.path)
    }

    fn judge(&self) -> Result<(), String> {
        let wrong = |what: &str, which: &str| Err(format!("{what}, {which}, is not valid in rule {}", self.text()));
        if !TYPES.contains(&self.kind.as_str()) {
            return wrong("Rule type", &self.kind);
        }
        let Some(inner) = self.control.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return if CONTROLS.contains(&self.control.as_str()) {
                Ok(())
            } else {
                wrong("Rule control", &self.control)
            };
        };
        for pair in inner.split(' ') {
            let (value, action) = pair.split_once('=').unwrap_or((pair, ""));
            if !VALUES.contains(&value) {
                return wrong("Rule control value", value);
            }
            if !ACTIONS.contains(&action) && action.parse::<u64>().is_err() {
                return wrong("Rule control action", action);
            }
        }
        Ok(())
    }
}

impl Service {
    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, String> {
        let line = |line: &str| {
            let start = line.trim_start();
            if start.is_empty() || start.starts_with('#') {
                return Ok(Line::Remark(line.to_owned()));
            }
            if start.starts_with("@include") {
                return Ok(Line::Include(line.to_owned()));
            }
            Rule::read(line).map(Line::Rule).ok_or_else(|| format!("Rule is not valid {line}"))
        };
        text.lines().map(line).collect::<Result<_, _>>().map(Self)
    }

    /// The places of the rules that are meant.
    pub fn find(&self, kind: &str, control: &str, path: &str) -> Vec<usize> {
        let is = |line: &Line| matches!(line, Line::Rule(rule) if rule.is(kind, control, path));
        self.0.iter().enumerate().filter(|(_, line)| is(line)).map(|(at, _)| at).collect()
    }

    /// Whether every line may stand.
    pub fn judge(&self) -> Result<(), String> {
        self.0.iter().try_for_each(|line| match line {
            Line::Rule(rule) => rule.judge(),
            Line::Remark(text) | Line::Include(text) if text.trim().is_empty() || text.starts_with(['#', '@']) => {
                Ok(())
            }
            Line::Remark(text) | Line::Include(text) => Err(format!("Rule is not valid {text}")),
        })
    }

    /// The file's text, with the mark that it was edited as its second line.
    pub fn text(&self, moment: &str) -> String {
        const MARK: &str = "# Updated by Ansible";
        let mut lines: Vec<String> = self
            .0
            .iter()
            .map(|line| match line {
                Line::Rule(rule) => rule.text(),
                Line::Remark(text) | Line::Include(text) => text.clone(),
            })
            .collect();
        let mark = format!("{MARK} - {moment}");
        if lines.len() <= 1 {
            lines.insert(0, String::new());
            lines.insert(1, mark);
        } else if lines[1].starts_with(MARK) {
            lines[1] = mark;
        } else {
            lines.insert(1, mark);
        }
        lines.join("\n") + "\n"
    }
}

impl Rule {
    /// Whether it is the one meant.
    pub fn is(&self, kind: &str, control: &str, path: &str) -> bool {
        self.kind == kind && self.control == control && self.path == path
    }
}
