//! Mounts: what fstab and mount units say of the next start, and what is mounted now.
//!
//! A unit in /etc comes before fstab, from which systemd makes units of its own; drop-ins change either. Of two lines of
//! fstab for one place systemd takes the first. A later option takes back an earlier one (mount(8)).

use super::unit_file;
use super::units::{DIRECTORIES, Standing, Units};
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// A mount, stored or live.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its options, as written.
    pub options: String,
    /// The file system's type.
    pub kind: String,
    /// What is mounted: of fstab what is written there, live the device's number.
    pub source: Option<String>,
    /// Where that stands.
    pub at: At,
}

/// Every mount.
#[derive(Debug)]
pub struct Mounts {
    fstab: Vec<(String, Mount)>,
    live: Result<Vec<(String, Mount)>, Unseen>,
}

impl Reader for Mounts {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut fstab = Vec::new();
        if let Some(text) = machine.text("/etc/fstab")? {
            for (at, line) in text.lines() {
                let fields: Vec<&str> = line.split_whitespace().collect();
                // Swap is mounted nowhere, whatever stands in its second field.
                if let [source, point, kind, rest @ ..] = &fields[..]
                    && !source.starts_with('#')
                    && *kind != "swap"
                {
                    let options = unescaped(rest.first().unwrap_or(&"defaults"));
                    let source = Some(unescaped(source));
                    fstab.push((plain(&unescaped(point)), Mount { options, kind: (*kind).to_owned(), source, at }));
                }
            }
        }
        Ok(Self { fstab, live: live(machine) })
    }
}

fn live(machine: &Machine<'_>) -> Result<Vec<(String, Mount)>, Unseen> {
    let file = "/proc/self/mountinfo";
    let text = machine.text(file)?.ok_or_else(|| Unseen::new(file, "is not there"))?;
    let mount = |(at, line): (At, &str)| {
        let (left, right) = line.split_once(" - ")?;
        let fields: Vec<&str> = left.split(' ').collect();
        let kind = right.split(' ').next()?.to_owned();
        let (options, source) = ((*fields.get(5)?).to_owned(), Some((*fields.get(2)?).to_owned()));
        Some((unescaped(fields.get(4)?), Mount { options, kind, source, at }))
    };
    Ok(text.lines().filter_map(mount).collect())
}

/// What fstab and mountinfo write of bytes that are no plain letters: a backslash and three octal digits (fstab(5)).
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let value = octal.map(|digits| digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()).filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A path without what does not count: slashes that stand twice or at the end, and dots for the directory itself.
fn plain(point: &str) -> String {
    if !point.starts_with('/') {
        return point.to_owned();
    }
    let parts: Vec<&str> = point.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

impl Mounts {
    /// What is mounted there now: of several mounts over one another the last.
    pub fn live(&self, path: &str) -> Result<Option<&Mount>, Unseen> {
        let all = self.live.as_ref().map_err(Clone::clone)?;
        Ok(all.iter().rev().find(|(point, _)| point == path).map(|(_, mount)| mount))
    }

    /// The mount that a file is on now.
    pub fn over(&self, path: &str) -> Option<&Mount> {
        let below = |point: &str| point == "/" || path.strip_prefix(point).is_some_and(|rest| rest.starts_with('/'));
        let all = self.live.as_ref().ok()?;
        let over = all.iter().filter(|(point, _)| below(point));
        // Of two mounts on one place the later one is seen.
        over.enumerate().max_by_key(|(nth, (point, _))| (point.len(), *nth)).map(|(_, (_, mount))| mount)
    }

    /// Whether what the next start mounts is only a directory of the root file system, shown in another place.
    pub fn of_root(&self, mount: &Mount) -> bool {
        let bound = mount.options.split(',').any(|option| matches!(option, "bind" | "rbind"));
        let Some(source) = mount.source.as_deref().filter(|_| bound).map(plain) else { return false };
        let apart = |point: &str| {
            point != "/" && source.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // What a bind is made of is on a file system of its own only where another line mounts that.
        !self.fstab.iter().any(|(point, other)| apart(point) && other.at != mount.at)
    }

    /// Whether what is mounted now is on the root's device. Subvolumes of btrfs are file systems of their own.
    pub fn live_of_root(&self, mount: &Mount) -> bool {
        let root = self.live("/").ok().flatten();
        mount.kind != "btrfs" && root.is_some_and(|root| root.source == mount.source && root.at != mount.at)
    }

    /// What the next start mounts there.
    pub fn stored(&self, machine: &Machine<'_>, path: &str) -> Result<Option<Mount>, Unseen> {
        let unit = unit_name(path);
        let in_fstab = self.fstab.iter().find(|(point, _)| point == path).map(|(_, mount)| mount);
        let line = in_fstab.filter(|mount| !mount.options.split(',').any(|option| option == "noauto"));
        // What is masked is mounted by nobody, fstab's line neither.
        if matches!(machine.reader::<Units>()?.standing(&unit), Standing::Masked(_)) {
            return Ok(None);
        }
        let mut mount = None;
        for directory in DIRECTORIES.iter().filter(|directory| directory.starts_with("/etc/")) {
            if mount.is_none() {
                mount = of_unit(machine, &format!("{directory}/{unit}"))?;
            }
        }
        // A unit in /etc stands in for the one that is made of fstab; fstab still has it started.
        let mut mount = match (mount, line) {
            (Some(own), Some(_)) => Some(own),
            (None, Some(line)) => Some(line.clone()),
            (_, None) => enabled(machine, &unit)?,
        };
        if let Some(mount) = &mut mount {
            for entry in unit_file::beside(machine, &unit)?.iter().filter(|entry| entry.section == "Mount") {
                set(mount, &entry.at, &entry.key, &entry.value);
            }
        }
        // Without any line systemd mounts shared memory by itself, so (mount-setup.c).
        Ok(mount.or_else(|| {
            let at = At::file("systemd's own mount");
            (path == "/dev/shm").then(|| Mount {
                options: "nosuid,nodev".into(),
                kind: "tmpfs".into(),
                source: None,
                at,
            })
        }))
    }
}

fn enabled(machine: &Machine<'_>, unit: &str) -> Result<Option<Mount>, Unseen> {
    if !matches!(machine.reader::<Units>()?.standing(unit), Standing::Started(_)) {
        return Ok(None);
    }
    for directory in DIRECTORIES {
        if let Some(mount) = of_unit(machine, &format!("{directory}/{unit}"))? {
            return Ok(Some(mount));
        }
    }
    Ok(None)
}

fn of_unit(machine: &Machine<'_>, file: &str) -> Result<Option<Mount>, Unseen> {
    let Some(text) = machine.text(file)? else { return Ok(None) };
    let mut mount = Mount { options: String::new(), kind: String::new(), source: None, at: text.whole() };
    let mut mounts = false;
    section(&text.joined(false), |at, key, value| {
        if key == "What" {
            mounts = !value.is_empty();
            mount.source = Some(value.to_owned());
        }
        set(&mut mount, at, key, value);
    });
    Ok(mounts.then_some(mount))
}

fn set(mount: &mut Mount, at: &At, key: &str, value: &str) {
    match key {
        "Options" => (mount.options, mount.at) = (value.to_owned(), at.clone()),
        "Type" => value.clone_into(&mut mount.kind),
        _ => {}
    }
}

/// Assignments of the section `[Mount]`.
fn section(lines: &[(At, String)], mut entry: impl FnMut(&At, &str, &str)) {
    let mut within = false;
    for (at, line) in lines {
        let line = line.trim();
        if line.starts_with('[') {
            within = line == "[Mount]";
        } else if let (true, Some((key, value))) = (within && !line.starts_with(['#', ';']), line.split_once('=')) {
            entry(at, key.trim(), value.trim());
        }
    }
}

/// `/var/log/audit` is mounted by `var-log-audit.mount` (systemd.unit(5), escaping).
fn unit_name(path: &str) -> String {
    let escaped: String = path
        .trim_matches('/')
        .chars()
        .map(|letter| match letter {
            '/' => "-".to_owned(),
            '-' => "\\x2d".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("{escaped}.mount")
}

/// Whether `nodev`, `nosuid` or `noexec` is in effect after all options, in their order.
pub fn effective(options: &str, wanted: &str) -> bool {
    let opposite = wanted.strip_prefix("no").unwrap_or(wanted);
    let mut on = false;
    for option in options.split(',').map(|option| option.split('=').next().unwrap_or(option).trim()) {
        match option {
            option if option == wanted => on = true,
            option if option == opposite || option == "defaults" => on = false,
            // These bring others along (mount(8)).
            "user" | "users" => on |= matches!(wanted, "nodev" | "nosuid" | "noexec"),
            "owner" | "group" => on |= matches!(wanted, "nodev" | "nosuid"),
            _ => {}
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_option_takes_back_an_earlier_one() {
        for (options, on) in [
            ("defaults,noexec", true),
            ("noexec,exec", false),
            ("noexec,defaults", false),
            ("user", true),
            ("user,exec", false),
            ("x-noexec", false),
            ("rw,relatime", false),
        ] {
            assert_eq!(effective(options, "noexec"), on, "{options}");
        }
    }

    #[test]
    fn units_are_named_by_their_place() {
        assert_eq!(unit_name("/var/log/audit"), "var-log-audit.mount");
        assert_eq!(unit_name("/srv/a-b"), "srv-a\\x2db.mount");
    }
}
