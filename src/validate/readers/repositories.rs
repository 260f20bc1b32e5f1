//! Where packages come from: apt's sources in both of their forms, and yum's repositories.
//!
//! apt reads `sources.list`, then `*.list` and `*.sources` (sources.list(5)), unless apt.conf names other places; dnf reads
//! `*.repo` of three directories, unless dnf.conf names others, in which a repository is on unless `enabled=0`
//! (dnf.conf(5)).

use super::{apt_conf, drop_ins, settings};
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;
use std::collections::BTreeMap;

/// A source that is on.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where from.
    pub url: String,
    /// Its options, names in small letters: `trusted`, `signed-by`, `gpgcheck`.
    pub options: BTreeMap<String, String>,
    /// Where.
    pub at: At,
}

/// Every source that is on.
#[derive(Debug)]
pub struct Sources(pub Vec<Source>);

impl Reader for Sources {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut sources = Vec::new();
        let moved = |key: &str| {
            let key = key.to_ascii_lowercase();
            matches!(key.as_str(), "dir" | "dir::etc" | "dir::etc::sourcelist" | "dir::etc::sourceparts")
        };
        if let Some(one) = apt_conf::read(machine)?.iter().find(|one| moved(&one.key)) {
            return Err(Unseen::new(one.at.to_string(), format!("names another place: {} {}", one.key, one.value)));
        }
        let dnf = settings::sections(machine, "/etc/dnf/dnf.conf", None)?;
        if let Some(one) = dnf.iter().find(|one| one.section == "main" && one.key == "reposdir") {
            return Err(Unseen::new(one.at.to_string(), format!("names another place: {}", one.value)));
        }
        let mut files = vec!["/etc/apt/sources.list".to_owned()];
        files.extend(drop_ins(machine, &["/etc/apt/sources.list.d"], ".list")?);
        for file in files {
            if let Some(text) = machine.text(&file)? {
                sources.extend(one_line(&text));
            }
        }
        for file in drop_ins(machine, &["/etc/apt/sources.list.d"], ".sources")? {
            if let Some(text) = machine.text(&file)? {
                stanzas(&text, &mut sources);
            }
        }
        for directory in ["/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d"] {
            for file in drop_ins(machine, &[directory], ".repo")? {
                yum(machine, &file, &mut sources)?;
            }
        }
        Ok(Self(sources))
    }
}

/// `deb [option=value] URL suite component`.
fn one_line(text: &Text) -> impl Iterator<Item = Source> {
    text.lines().filter_map(|(at, line)| {
        let rest = line.trim().strip_prefix("deb-src").or_else(|| line.trim().strip_prefix("deb"))?;
        let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(within) => within.split_once(']')?,
            None => ("", rest),
        };
        let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let options = options.split_whitespace().filter_map(pair).collect();
        Some(Source { url: rest.split_whitespace().next()?.to_owned(), options, at })
    })
}

/// Paragraphs of fields; `Enabled: no` turns one off.
fn stanzas(text: &Text, sources: &mut Vec<Source>) {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut begin = text.whole();
    let mut last = String::new();
    let mut close = |fields: &mut BTreeMap<String, String>, at: &At| {
        let options = std::mem::take(fields);
        let off = options.get("enabled").is_some_and(|value| apt_conf::truth(value) == Some(false));
        let urls = options.get("uris").cloned().unwrap_or_default();
        for url in urls.split_whitespace().filter(|_| !off) {
            sources.push(Source { url: url.to_owned(), options: options.clone(), at: at.clone() });
        }
    };
    for (at, line) in text.lines() {
        if line.trim().is_empty() {
            close(&mut fields, &begin);
        } else if line.starts_with([' ', '\t']) {
            fields.entry(last.clone()).and_modify(|value| value.push_str(line));
        } else if let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
            last = name.trim().to_ascii_lowercase();
            if last == "uris" {
                begin = at;
            }
            fields.insert(last.clone(), value.trim().to_owned());
        }
    }
    close(&mut fields, &begin);
}

fn yum(machine: &Machine<'_>, file: &str, sources: &mut Vec<Source>) -> Result<(), Unseen> {
    let mut by: BTreeMap<String, (At, BTreeMap<String, String>)> = BTreeMap::new();
    for one in settings::sections(machine, file, None)? {
        let entry = by.entry(one.section.clone()).or_insert_with(|| (one.at.clone(), BTreeMap::new()));
        entry.1.insert(one.key.to_ascii_lowercase(), one.value);
    }
    for (_, (at, options)) in by {
        if matches!(options.get("enabled").map(String::as_str), Some("0" | "no" | "false" | "False")) {
            continue;
        }
        let url = ["baseurl", "mirrorlist", "metalink"].iter().find_map(|name| options.get(*name)).cloned();
        for url in url.unwrap_or_default().split_whitespace() {
            sources.push(Source { url: url.to_owned(), options: options.clone(), at: at.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_apt_s_sources_are_read() {
        let list = "# deb http://a x y\ndeb [trusted=yes arch=amd64] http://b x y\ndeb-src http://c x y\n";
        let mut all: Vec<Source> = one_line(&Text::new("/f", list.as_bytes())).collect();
        let stanza = "Types: deb\nURIs: http://d\n  http://e\nTrusted: yes\n\nEnabled: no\nURIs: http://f\n";
        stanzas(&Text::new("/g", stanza.as_bytes()), &mut all);
        let shown: Vec<String> = all.iter().map(|s| format!("{} {:?}", s.url, s.options.get("trusted"))).collect();
        let want = ["http://b Some(\"yes\")", "http://c None", "http://d Some(\"yes\")", "http://e Some(\"yes\")"];
        assert_eq!(shown, want);
    }
}
