//! sshd's configuration as sshd takes it: `Include` where it stands, the first value wins, `Match` over the rest.
//!
//! Blocks of `Match` are read when a connection comes in, and what they set then replaces what is set outside, wherever
//! that stands. An included file's `Match` ends with the file (servconf.c). Options on the daemon's command line come
//! before every file.

use super::glob;
use super::sshd_command;
use super::sshd_defaults::{canonical, default};
use crate::fnmatch::fits;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

const MAIN: &str = "/etc/ssh/sshd_config";
/// As deep as sshd follows `Include`.
const DEEPEST: usize = 16;
/// Options of which every line counts.
const MANY: &[&str] = &[
    "acceptenv",
    "allowgroups",
    "allowusers",
    "denygroups",
    "denyusers",
    "hostkey",
    "listenaddress",
    "port",
    "setenv",
    "subsystem",
    "hostcertificate",
    "permitlisten",
    "permitopen",
];

/// A line that sets an option.
#[derive(Clone, Debug)]
pub struct Setting {
    name: String,
    /// As written, quotes taken off, words joined by a blank.
    pub value: String,
    /// Where.
    pub at: At,
    /// The conditions of the `Match` that it stands under.
    pub within: Option<String>,
}

/// sshd's configuration.
#[derive(Debug)]
pub struct Sshd {
    settings: Vec<Setting>,
    /// Whether there is an sshd at all.
    pub installed: bool,
    /// The main file.
    pub main: At,
}

impl Reader for Sshd {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut sshd = Self { settings: Vec::new(), installed: false, main: At::file(MAIN) };
        for line in sshd_command::lines(machine)? {
            let mut words = words(&line.text).into_iter();
            if let Some(name) = words.next() {
                let value = words.collect::<Vec<String>>().join(" ");
                sshd.set(&name, value, &line.at, line.unit.as_deref());
            }
        }
        let main = machine.exists(MAIN)?;
        sshd.installed = main || machine.exists("/usr/sbin/sshd")?;
        if main {
            sshd.file(machine, MAIN, None, 0)?;
        }
        Ok(sshd)
    }
}

impl Sshd {
    fn file(&mut self, machine: &Machine<'_>, file: &str, outer: Option<&str>, depth: usize) -> Result<(), Unseen> {
        if depth > DEEPEST {
            return Err(Unseen::new(file, "is included too deep: sshd refuses its configuration"));
        }
        let Some(text) = machine.text(file)? else { return Ok(()) };
        let mut within = outer.map(str::to_owned);
        for (at, line) in text.lines() {
            let mut words = words(line).into_iter();
            let Some(name) = words.next() else { continue };
            let rest: Vec<String> = words.collect();
            match canonical(&name).as_str() {
                "match" => {
                    let conditions = rest.join(" ");
                    within = Some(outer.map_or(conditions.clone(), |outer| format!("{outer}, {conditions}")));
                }
                "include" => {
                    for pattern in &rest {
                        self.include(machine, pattern, within.as_deref(), depth)?;
                    }
                }
                name => self.set(name, rest.join(" "), &at, within.as_deref()),
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: String, at: &At, within: Option<&str>) {
        let within = within.map(str::to_owned);
        self.settings.push(Setting { name: canonical(name), value, at: at.clone(), within });
    }

    /// A name without a leading slash is below /etc/ssh; what a pattern fits is read in order of name.
    fn include(
        &mut self,
        machine: &Machine<'_>,
        pattern: &str,
        within: Option<&str>,
        depth: usize,
    ) -> Result<(), Unseen> {
        let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
        for file in glob(machine, &pattern)? {
            self.file(machine, &file, within, depth + 1)?;
        }
        Ok(())
    }

    /// The option as every connection has it, and where that was set: the first line, or what a `Match all` says.
    pub fn value(&self, name: &str) -> Option<(String, At)> {
        let name = canonical(name);
        let named = |setting: &&Setting| setting.name == name;
        let always = |setting: &&Setting| setting.within.as_deref().is_some_and(|w| w.eq_ignore_ascii_case("all"));
        let first = self.settings.iter().filter(named).find(always);
        let first = first.or_else(|| self.settings.iter().filter(named).find(|setting| setting.within.is_none()));
        if let Some(setting) = first {
            let level = &setting.within;
            if !MANY.contains(&name.as_str()) {
                return Some((with_defaults(&name, &setting.value), setting.at.clone()));
            }
            let all = self.settings.iter().filter(named).filter(|setting| setting.within == *level);
            let values: Vec<&str> = all.map(|setting| setting.value.as_str()).collect();
            return Some((values.join(" "), setting.at.clone()));
        }
        default(&name).map(|value| (value.to_owned(), At::file("sshd's own default")))
    }

    /// What blocks of `Match` set the option to for some connections.
    pub fn matched(&self, name: &str) -> Vec<&Setting> {
        let name = canonical(name);
        let some = |within: &Option<String>| within.as_deref().is_some_and(|w| !w.eq_ignore_ascii_case("all"));
        self.settings.iter().filter(|setting| setting.name == name && some(&setting.within)).collect()
    }
}

/// A line's words: quotes hold words together, `=` may stand after the name, `#` ends the line.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut open) = (String::new(), None, false);
    for letter in line.trim().chars() {
        let quoted = quote.is_some();
        match letter {
            letter if quote == Some(letter) => quote = None,
            '"' | '\'' if !quoted => (quote, open) = (Some(letter), true),
            '#' if !quoted && !open => break,
            '=' if !quoted && words.is_empty() && open => {
                words.push(std::mem::take(&mut word));
                open = false;
            }
            '=' if !quoted && words.len() == 1 && !open => {}
            letter if letter.is_whitespace() && !quoted => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            letter => {
                word.push(letter);
                open = true;
            }
        }
    }
    if open {
        words.push(word);
    }
    words
}

/// Lists of algorithms that begin with `+`, `-` or `^` change sshd's own list (sshd_config(5)).
fn with_defaults(name: &str, value: &str) -> String {
    let Some(own) = default(name).filter(|_| matches!(name, "ciphers" | "macs" | "kexalgorithms")) else {
        return value.to_owned();
    };
    let own = || own.split(',').map(str::to_owned);
    let given = |rest: &str| rest.split(',').map(str::to_owned).collect::<Vec<_>>();
    let list: Vec<String> = match (value.chars().next(), value.get(1..)) {
        (Some('+'), Some(rest)) => own().chain(given(rest)).collect(),
        (Some('^'), Some(rest)) => given(rest).into_iter().chain(own()).collect(),
        (Some('-'), Some(rest)) => {
            let patterns = given(rest);
            own().filter(|one| !patterns.iter().any(|pattern| fits(pattern, one))).collect()
        }
        _ => return value.to_owned(),
    };
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sshd_s() {
        for (line, want) in [
            ("  PermitRootLogin no", &["PermitRootLogin", "no"][..]),
            ("PermitRootLogin=yes # why", &["PermitRootLogin", "yes"]),
            ("PermitRootLogin = yes", &["PermitRootLogin", "yes"]),
            ("Banner \"/etc/my banner\"", &["Banner", "/etc/my banner"]),
            ("#PermitRootLogin no", &[]),
            ("AllowUsers a b", &["AllowUsers", "a", "b"]),
        ] {
            assert_eq!(words(line), want, "{line}");
        }
    }

    #[test]
    fn lists_change_the_daemon_s_own() {
        let less = with_defaults("macs", "-*sha1*,umac-64*");
        assert!(!less.contains("sha1") && !less.contains("umac-64") && less.contains("hmac-sha2-256"), "{less}");
        assert!(with_defaults("ciphers", "+3des-cbc").ends_with(",3des-cbc"));
        assert_eq!(with_defaults("ciphers", "aes256-ctr"), "aes256-ctr");
    }
}
