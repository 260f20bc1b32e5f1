//! Kernel parameters as systemd-sysctl, and then ufw, set them at a start.
//!
//! Files of the same name mask one another by directory; all are read in order of name, and the last assignment wins. A
//! key that is written out wins over patterns, wherever they stand (sysctl.d(5)). `/etc/sysctl.conf` counts only through
//! the link that Debian and Red Hat put into `/etc/sysctl.d`.

use super::drop_ins;
use crate::fnmatch::fits;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

/// What stands in /run is gone at the next start.
const DIRECTORIES: &[&str] = &["/etc/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// An assignment, or an exception from patterns (`-net.ipv4.conf.eth0.rp_filter` without a value).
#[derive(Debug)]
struct Entry {
    key: String,
    value: Option<String>,
    at: At,
}

/// What the next start sets.
#[derive(Debug)]
pub struct Sysctl {
    entries: Vec<Entry>,
    ufw: Vec<Entry>,
}

impl Reader for Sysctl {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut entries = Vec::new();
        for file in drop_ins(machine, DIRECTORIES, ".conf")? {
            if let Some(text) = machine.text(&file)? {
                parse(&text, &mut entries);
            }
        }
        Ok(Self { entries, ufw: ufw(machine)? })
    }
}

/// ufw sets its own file when it starts, which is later, if it is on.
fn ufw(machine: &Machine<'_>) -> Result<Vec<Entry>, Unseen> {
    let mut entries = Vec::new();
    let on = machine.text("/etc/ufw/ufw.conf")?.is_some_and(|text| {
        let last = text.lines().filter_map(|(_, line)| line.trim().strip_prefix("ENABLED=")).last();
        last.is_some_and(|value| value.trim_matches(['"', '\'']).eq_ignore_ascii_case("yes"))
    });
    if !on {
        return Ok(entries);
    }
    let named = machine.text("/etc/default/ufw")?.and_then(|text| {
        let last = text.lines().filter_map(|(_, line)| line.trim().strip_prefix("IPT_SYSCTL=")).last();
        last.map(|value| value.trim_matches(['"', '\'']).to_owned())
    });
    if let Some(text) = named.filter(|file| !file.is_empty()).map(|file| machine.text(&file)).transpose()?.flatten() {
        parse(&text, &mut entries);
    }
    Ok(entries)
}

fn parse(text: &Text, entries: &mut Vec<Entry>) {
    for (at, line) in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key.trim(), Some(plain(value))),
            None => (line, None),
        };
        match (key.strip_prefix('-'), value) {
            // A minus before an assignment only says that its failure does not matter.
            (Some(key), Some(value)) => entries.push(Entry { key: dotted(key), value: Some(value), at }),
            (None, Some(value)) => entries.push(Entry { key: dotted(key), value: Some(value), at }),
            (Some(key), None) => entries.push(Entry { key: dotted(key), value: None, at }),
            (None, None) => {}
        }
    }
}

/// Where a slash stands first, slashes part a key and dots belong to names (sysctl.d(5)).
pub fn dotted(key: &str) -> String {
    let key = key.trim();
    match key.find(['.', '/']) {
        Some(at) if key.as_bytes()[at] == b'/' => key
            .chars()
            .map(|letter| {
                if letter == '/' {
                    '.'
                } else if letter == '.' {
                    '/'
                } else {
                    letter
                }
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// A value with blanks as the kernel shows them.
pub fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Sysctl {
    /// What a key is set to, and where, if it is set at all.
    pub fn value(&self, key: &str) -> Option<(&str, &At)> {
        find(&self.ufw, key).or_else(|| find(&self.entries, key))
    }

    /// Earlier assignments of a key that come to nothing, for the reader of a report.
    pub fn overridden(&self, key: &str) -> Vec<(&str, &At)> {
        let winner = self.value(key).map(|(_, at)| at);
        let all = self.entries.iter().chain(&self.ufw).filter(|entry| entry.key == key && Some(&entry.at) != winner);
        all.filter_map(|entry| Some((entry.value.as_deref()?, &entry.at))).collect()
    }
}

fn find<'a>(entries: &'a [Entry], key: &str) -> Option<(&'a str, &'a At)> {
    let exact = entries.iter().rev().find(|entry| entry.key == key);
    let entry = exact.or_else(|| {
        let glob = |entry: &&Entry| entry.value.is_some() && entry.key.contains(['*', '?', '[']);
        entries.iter().rev().filter(glob).find(|entry| matches(&entry.key, key))
    })?;
    Some((entry.value.as_deref()?, &entry.at))
}

/// A pattern is matched against paths, so that `*` stays within one name.
fn matches(pattern: &str, key: &str) -> bool {
    let (pattern, key): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), key.split('.').collect());
    pattern.len() == key.len() && pattern.iter().zip(&key).all(|(pattern, name)| fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[&str]) -> Sysctl {
        let mut entries = Vec::new();
        for (number, text) in files.iter().enumerate() {
            parse(&Text::new(&format!("/{number}"), text.as_bytes()), &mut entries);
        }
        Sysctl { entries, ufw: Vec::new() }
    }

    #[test]
    fn the_last_assignment_wins_and_a_key_wins_over_patterns() {
        let sysctl = read(&[
            "net.ipv4.conf.all.rp_filter = 1\n# net.ipv4.tcp_syncookies = 0\nnet/ipv4/conf/eth0.1/rp_filter=0\n",
            "net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.lo.rp_filter\nkernel.a=1\n; kernel.a=3\n-kernel.a =  2 \t 3\n",
        ]);
        let value = |key: &str| sysctl.value(key).map(|(value, at)| (value.to_owned(), at.to_string()));
        assert_eq!(value("net.ipv4.conf.all.rp_filter"), Some(("1".into(), "/0:1".into())));
        assert_eq!(value("net.ipv4.conf.default.rp_filter"), Some(("2".into(), "/1:1".into())));
        assert_eq!(value("net.ipv4.conf.lo.rp_filter"), None);
        assert_eq!(value("net.ipv4.conf.eth0/1.rp_filter"), Some(("0".into(), "/0:3".into())));
        assert_eq!(value("kernel.a"), Some(("2 3".into(), "/1:5".into())));
        assert_eq!(value("net.ipv4.tcp_syncookies"), None);
    }
}
