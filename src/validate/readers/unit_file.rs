//! A unit as systemd has it: its file, and the drop-ins over it.
//!
//! Drop-ins are a unit's own, those of names that its own begins with up to a dash, and those of all units of its type. They
//! are read in order of file name; of one file name that of the longest unit name counts (systemd.unit(5)).

use super::drop_ins;
use super::units::DIRECTORIES;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// An assignment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its section.
    pub section: String,
    /// As written.
    pub key: String,
    /// Without blanks around it; an empty one takes back what was set before.
    pub value: String,
    /// Where.
    pub at: At,
}

/// What a unit's file and its drop-ins set, in their order; none where there is no file. One that is made of a template is
/// the template.
pub fn entries(machine: &Machine<'_>, unit: &str) -> Result<Option<Vec<Entry>>, Unseen> {
    let template = unit.split_once('@').and_then(|(name, rest)| Some(format!("{name}@.{}", rest.rsplit_once('.')?.1)));
    for name in std::iter::once(unit.to_owned()).chain(template) {
        for directory in DIRECTORIES {
            if let Some(text) = machine.text(&format!("{directory}/{name}"))? {
                let mut all = Vec::new();
                parse(&text.joined(false), &mut all);
                all.extend(beside(machine, unit)?);
                return Ok(Some(all));
            }
        }
    }
    Ok(None)
}

/// What the drop-ins of a unit set.
pub fn beside(machine: &Machine<'_>, unit: &str) -> Result<Vec<Entry>, Unseen> {
    let (name, kind) = unit.rsplit_once('.').unwrap_or((unit, "service"));
    let mut names: Vec<String> = name.match_indices('-').map(|(at, _)| format!("{}.{kind}", &name[..=at])).collect();
    names.reverse();
    let names = std::iter::once(unit.to_owned()).chain(names).chain([kind.to_owned()]);
    let directories = names.flat_map(|name| DIRECTORIES.map(|directory| format!("{directory}/{name}.d")));
    let directories: Vec<String> = directories.collect();
    let directories: Vec<&str> = directories.iter().map(String::as_str).collect();
    let mut all = Vec::new();
    for file in drop_ins(machine, &directories, ".conf")? {
        if let Some(text) = machine.text(&file)? {
            parse(&text.joined(false), &mut all);
        }
    }
    Ok(all)
}

fn parse(lines: &[(At, String)], all: &mut Vec<Entry>) {
    let mut section = String::new();
    for (at, line) in lines {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            all.push(Entry { section: section.clone(), key, value, at: at.clone() });
        }
    }
}

/// The command lines that are left of `ExecStart=`, without the signs before a program.
pub fn starts(entries: &[Entry]) -> Vec<(At, String)> {
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.section == "Service" && entry.key == "ExecStart") {
        match entry.value.trim_start_matches(['@', '-', ':', '+', '!']) {
            "" => found.clear(),
            command => found.push((entry.at.clone(), command.to_owned())),
        }
    }
    found
}

/// Why a unit that is wanted does nothing, if that is so: what it starts is nothing, or a path that it asks for is not so.
pub fn idle(machine: &Machine<'_>, unit: &str) -> Result<Option<(At, String)>, Unseen> {
    let Some(entries) = entries(machine, unit)? else { return Ok(None) };
    const NOTHING: &[&str] = &["true", "false", ":", "sleep", "echo"];
    let starts = starts(&entries);
    let nothing = |command: &str| {
        let program = command.split_whitespace().next().unwrap_or_default();
        program.rsplit('/').next().is_some_and(|name| NOTHING.contains(&name))
    };
    if let Some((at, command)) = starts.last().filter(|_| starts.iter().all(|(_, command)| nothing(command))) {
        return Ok(Some((at.clone(), format!("{unit} starts {command}"))));
    }
    let mut conditions: Vec<&Entry> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.section == "Unit" && entry.key == "ConditionPathExists") {
        if entry.value.is_empty() {
            conditions.clear();
        } else {
            conditions.push(entry);
        }
    }
    // What the running system makes is there at a start, and in no image; of those with a bar one is enough.
    let made = ["/run/", "/proc/", "/sys/", "/dev/", "/tmp/", "/var/run/"];
    for entry in conditions.into_iter().filter(|entry| !entry.value.starts_with('|')) {
        let (wanted, path) = match entry.value.strip_prefix('!') {
            Some(path) => (false, path.trim()),
            None => (true, entry.value.as_str()),
        };
        if path.starts_with('/') && !made.iter().any(|base| path.starts_with(base)) && machine.exists(path)? != wanted {
            return Ok(Some((entry.at.clone(), format!("{unit} asks for {}", entry.value))));
        }
    }
    Ok(None)
}
