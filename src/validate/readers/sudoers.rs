//! sudo's policy: what it includes, its `Defaults`, and the tags of its rules.
//!
//! `@include` and `#include` name a file, `@includedir` and `#includedir` a directory of which files with a dot or a `~`
//! at the end are passed over; relative names are beside the file that names them, and `%h` in one is the host's name. A
//! comment ends with its line, whatever that ends with. Of Defaults with the same scope the last wins (sudoers(5)). The
//! policy is another file where sudo.conf(5) says so.

use crate::host::Kind;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

pub const SUDOERS: &str = "/etc/sudoers";
/// As deep as sudo follows includes.
const DEEPEST: usize = 128;

/// One setting of a `Defaults` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Default {
    /// Whom it is for: empty for everybody, else as written, as `:bob` or `!/usr/bin/less`.
    pub scope: String,
    /// Its name, without the exclamation mark.
    pub name: String,
    /// Whether it is turned off.
    pub off: bool,
    /// Its value; a flag has none.
    pub value: Option<String>,
    /// Where.
    pub at: At,
}

/// The policy.
#[derive(Debug)]
pub struct Sudoers {
    /// In the order in which they are read.
    pub defaults: Vec<Default>,
    /// Every rule for users, as written.
    pub rules: Vec<(At, String)>,
    /// Whether there is a sudo at all.
    pub installed: bool,
}

impl Reader for Sudoers {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut sudoers = Self { defaults: Vec::new(), rules: Vec::new(), installed: false };
        if let Some((at, line)) = elsewhere(machine)? {
            return Err(Unseen::new(at.to_string(), format!("takes the policy from another place: {line}")));
        }
        let main = machine.exists(SUDOERS)?;
        sudoers.installed = main || machine.exists("/usr/bin/sudo")?;
        if main {
            sudoers.file(machine, SUDOERS, 0)?;
        }
        Ok(sudoers)
    }
}

/// A plugin of sudo that is given another file.
fn elsewhere(machine: &Machine<'_>) -> Result<Option<(At, String)>, Unseen> {
    let Some(text) = machine.text("/etc/sudo.conf")? else { return Ok(None) };
    let other = |line: &str| {
        let mut words = line.split_whitespace();
        let file =
            words.clone().any(|word| word.starts_with("sudoers_file=") && word != format!("sudoers_file={SUDOERS}"));
        words.next() == Some("Plugin") && file
    };
    Ok(text.lines().find(|(_, line)| other(line)).map(|(at, line)| (at, line.trim().to_owned())))
}

impl Sudoers {
    /// The settings of a name that count: the last of each scope.
    pub fn last(&self, name: &str) -> Vec<&Default> {
        let mut found: Vec<&Default> = Vec::new();
        for one in self.defaults.iter().filter(|one| one.name == name) {
            found.retain(|other| other.scope != one.scope);
            found.push(one);
        }
        found
    }

    fn file(&mut self, machine: &Machine<'_>, file: &str, depth: usize) -> Result<(), Unseen> {
        if depth > DEEPEST {
            return Err(Unseen::new(file, "is included too deep: sudo refuses its policy"));
        }
        let Some(text) = machine.text(file)? else { return Ok(()) };
        for (at, line) in joined(&text) {
            let line = line.trim();
            let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let beside = || {
                let name = rest.trim().trim_matches('"').replace("\\ ", " ");
                let base = file.rsplit_once('/').map_or("", |(base, _)| base);
                if name.starts_with('/') { name } else { format!("{base}/{name}") }
            };
            let includes = ["@include", "#include", "@includedir", "#includedir"].contains(&word);
            if includes && rest.contains("%h") {
                return Err(Unseen::new(at.to_string(), "includes what the host's name decides"));
            }
            match word {
                "@include" | "#include" => self.file(machine, &beside(), depth + 1)?,
                "@includedir" | "#includedir" => {
                    let directory = beside();
                    for name in machine.names(&directory)? {
                        let file = format!("{directory}/{name}");
                        let passed = name.contains('.') || name.ends_with('~');
                        if !passed && machine.stat(&file, true)?.is_none_or(|stat| stat.kind != Kind::Directory) {
                            self.file(machine, &file, depth + 1)?;
                        }
                    }
                }
                _ => self.line(&at, &uncommented(line)),
            }
        }
        Ok(())
    }

    fn line(&mut self, at: &At, line: &str) {
        const ALIASES: &[&str] = &["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias"];
        let sets = |rest: &&str| rest.starts_with([' ', '\t', ':', '@', '!', '>']);
        if let Some(rest) = line.strip_prefix("Defaults").filter(sets) {
            let (scope, settings) = scoped(rest);
            for setting in parted(settings) {
                self.defaults.extend(self::default(&scope, &setting, at));
            }
        } else if line.split_whitespace().next().is_some_and(|word| !ALIASES.contains(&word)) {
            self.rules.push((at.clone(), line.to_owned()));
        }
    }
}

/// Whom a line of Defaults is for, and its settings. Blanks may stand behind the sign and around the commas of a list.
fn scoped(rest: &str) -> (String, &str) {
    if !rest.starts_with([':', '@', '!', '>']) {
        return (String::new(), rest);
    }
    let (mut end, mut quoted, mut goes_on) = (rest.len(), false, true);
    for (at, letter) in rest.char_indices().skip(1) {
        quoted ^= letter == '"';
        if letter.is_whitespace() && !quoted {
            let next = rest[at..].trim_start();
            if !goes_on && !next.starts_with(',') {
                end = at;
                break;
            }
        } else {
            goes_on = letter == ',' || letter == '!' && goes_on;
        }
    }
    (rest[..end].split_whitespace().collect(), &rest[end..])
}

/// Lines joined where one ends in a backslash. A comment goes on nowhere, and ends what goes on before it.
fn joined(text: &Text) -> Vec<(At, String)> {
    let mut joined: Vec<(At, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines() {
        let comment = uncommented(line).len() < line.trim_end().len();
        let (body, goes_on) = match line.trim_end().strip_suffix('\\').filter(|_| !comment) {
            Some(body) => (body, true),
            None => (line, false),
        };
        match joined.last_mut() {
            Some((_, whole)) if open => whole.push_str(&uncommented(body)),
            _ => joined.push((at, body.to_owned())),
        }
        open = goes_on;
    }
    joined
}

fn default(scope: &str, setting: &str, at: &At) -> Option<Default> {
    let setting = setting.trim();
    let (name, value) = match setting.split_once('=') {
        Some((name, value)) => (name.trim_end_matches(['+', '-', ' ', '\t']), Some(value.trim())),
        None => (setting, None),
    };
    let bare = name.trim_start_matches(['!', ' ']);
    let off = name.chars().filter(|letter| *letter == '!').count() % 2 == 1;
    let value = value.map(|value| value.trim_matches('"').to_owned());
    (!bare.is_empty()).then(|| Default { scope: scope.to_owned(), name: bare.to_owned(), off, value, at: at.clone() })
}

/// Settings are parted by commas outside quotes.
fn parted(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        match letter {
            ',' if !quoted && !escaped => parts.push(String::new()),
            _ => {
                quoted ^= letter == '"';
                if let Some(part) = parts.last_mut() {
                    part.push(letter);
                }
            }
        }
        escaped = letter == '\\' && !escaped;
    }
    parts
}

/// A number sign starts a comment, but not before digits, where it is a user's number, nor within quotes.
fn uncommented(line: &str) -> String {
    let mut quoted = false;
    let letters: Vec<char> = line.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        quoted ^= *letter == '"';
        let number = letters.get(at + 1).is_some_and(|next| next.is_ascii_digit() || *next == '-');
        let escaped = at > 0 && letters[at - 1] == '\\';
        if *letter == '#' && !quoted && !escaped && !number {
            return letters[..at].iter().collect::<String>().trim_end().to_owned();
        }
    }
    line.to_owned()
}

/// Whether a rule carries a tag, as `NOPASSWD:`; a name that only contains it is another thing.
pub fn tagged(rule: &str, tag: &str) -> bool {
    rule.match_indices(tag).any(|(at, _)| {
        let before = rule[..at].chars().next_back();
        let after = rule[at + tag.len()..].trim_start();
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_') && after.starts_with(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_tags_are_read_as_sudo_reads_them() {
        let mut sudoers = Sudoers { defaults: Vec::new(), rules: Vec::new(), installed: true };
        let at = At::file("/f");
        for line in [
            "Defaults use_pty, !lecture, logfile=\"/var/log/a,b.log\"",
            "Defaults:bob !use_pty # why",
            "Defaults\ttimestamp_timeout = 5",
            "#1000 ALL=(ALL) NOPASSWD : ALL",
            "Cmnd_Alias NOPASSWD_TOOLS = /bin/true",
        ] {
            sudoers.line(&at, &uncommented(line));
        }
        let shown: Vec<String> = sudoers
            .defaults
            .iter()
            .map(|d| format!("{}{}{}={:?}", d.scope, if d.off { "!" } else { "" }, d.name, d.value))
            .collect();
        let want = [
            "use_pty=None",
            "!lecture=None",
            "logfile=Some(\"/var/log/a,b.log\")",
            ":bob!use_pty=None",
            "timestamp_timeout=Some(\"5\")",
        ];
        assert_eq!(shown, want);
        assert!(sudoers.rules.len() == 1 && tagged(&sudoers.rules[0].1, "NOPASSWD"));
        assert!(!tagged("bob ALL = NOPASSWD_TOOLS", "NOPASSWD"));
    }
}
