//! Files of sections and keys, and files of keys and values: the last of a key wins, drop-ins after the file.
//!
//! systemd takes the first of its directories that has the file, and drop-ins of all of them by name, of one name that
//! of the first directory; an empty value takes back what was set (systemd.syntax(7), systemd-system.conf(5)).

use super::{apt_conf, drop_ins};
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

/// A key that is set.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The section that it stands in; empty before the first, and where there are none.
    pub section: String,
    /// As written.
    pub key: String,
    /// Without blanks around it.
    pub value: String,
    /// Where.
    pub at: At,
}

const SYSTEMD: &str = "/etc/systemd/";
const SYSTEMD_DIRECTORIES: &[&str] =
    &["/etc/systemd/", "/run/systemd/", "/usr/local/lib/systemd/", "/usr/lib/systemd/", "/lib/systemd/"];

/// systemd's settings as they are until the next start: with what stands in /run.
pub fn until_start(machine: &Machine<'_>, file: &str) -> Result<Vec<Setting>, Unseen> {
    with(machine, file, None, SYSTEMD_DIRECTORIES)
}

/// A file of sections, with the drop-ins that its own tool reads or that are named, as the next start has them.
pub fn sections(machine: &Machine<'_>, file: &str, named: Option<&str>) -> Result<Vec<Setting>, Unseen> {
    let lasting: Vec<&str> = SYSTEMD_DIRECTORIES.iter().copied().filter(|base| !base.starts_with("/run/")).collect();
    with(machine, file, named, &lasting)
}

fn with(machine: &Machine<'_>, file: &str, named: Option<&str>, systemd: &[&str]) -> Result<Vec<Setting>, Unseen> {
    let mut files = Vec::new();
    if let Some(name) = file.strip_prefix(SYSTEMD) {
        for directory in systemd {
            let path = format!("{directory}{name}");
            if machine.text(&path)?.is_some() {
                files.push(path);
                break;
            }
        }
        let directories: Vec<String> = systemd.iter().map(|base| format!("{base}{name}.d")).collect();
        let directories: Vec<&str> = directories.iter().map(String::as_str).collect();
        files.extend(drop_ins(machine, &directories, ".conf")?);
    } else {
        files.push(file.to_owned());
        if let Some(directory) = named {
            files.extend(drop_ins(machine, &[directory.trim_end_matches('/')], ".conf")?);
        }
    }
    let mut settings = Vec::new();
    for file in files {
        if let Some(text) = machine.text(&file)? {
            with_sections(&text, &mut settings);
        }
    }
    Ok(settings)
}

fn with_sections(text: &Text, settings: &mut Vec<Setting>) {
    let mut section = String::new();
    for (at, line) in text.joined(false) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            settings.push(Setting { section: section.clone(), key, value, at });
        }
    }
}

/// A file of keys and values, with the drop-ins of a pattern. apt's own files are read as apt reads them.
pub fn pairs(machine: &Machine<'_>, file: &str, named: Option<&str>, separator: char) -> Result<Vec<Setting>, Unseen> {
    if file.starts_with("/etc/apt/") {
        return apt_conf::read(machine);
    }
    let mut files = vec![file.to_owned()];
    if let Some((directory, pattern)) = named.and_then(|pattern| pattern.rsplit_once('/')) {
        let names = machine.names(directory)?.into_iter().filter(|name| fits(pattern, name) && !name.starts_with('.'));
        files.extend(names.map(|name| format!("{directory}/{name}")));
    }
    // Postfix goes on with a line that starts with a blank (postconf(5)).
    let continued = file.ends_with("/main.cf");
    let mut settings: Vec<Setting> = Vec::new();
    for file in files {
        let Some(text) = machine.text(&file)? else { continue };
        for (at, line) in text.lines() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            if let Some(last) = settings.last_mut().filter(|_| continued && line.starts_with([' ', '\t'])) {
                last.value = format!("{} {}", last.value, line.trim()).trim().to_owned();
                continue;
            }
            let parted =
                if separator == ' ' { line.trim().split_once([' ', '\t']) } else { line.trim().split_once(separator) };
            let (key, value) = parted.unwrap_or((line.trim(), ""));
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            settings.push(Setting { section: String::new(), key: key.trim().to_owned(), value, at });
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_the_section_before_them() {
        let mut settings = Vec::new();
        with_sections(
            &Text::new("/f", b"a=0\n[ Journal ]\n#Storage=none\nStorage = auto\n;x=1\n[B]\nStorage=b"),
            &mut settings,
        );
        let shown: Vec<String> = settings.iter().map(|s| format!("{}.{}={}", s.section, s.key, s.value)).collect();
        assert_eq!(shown, [".a=0", "Journal.Storage=auto", "B.Storage=b"]);
    }
}
