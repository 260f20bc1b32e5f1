//! systemd's units: what the next start will start, from unit files, drop-ins and links.
//!
//! A unit that is enabled for a target that nothing reaches is not started, and one that a vendor's own directory wants
//! is started without being enabled: so the units that are wanted are followed from `default.target`.

use super::unit_file;
use super::unit_presets::Presets;
use crate::host::Kind;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Where units are, the first having the last word (systemd.unit(5)). What stands in /run is gone at the next start.
pub const DIRECTORIES: [&str; 6] = [
    "/etc/systemd/system.control",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// What a unit pulls in with it.
const PULLS: &[&str] = &["Wants", "Requires", "BindsTo", "Upholds"];

/// What the next start will start.
#[derive(Debug)]
pub struct Units {
    reached: BTreeMap<String, At>,
    masked: BTreeMap<String, At>,
    known: BTreeSet<String>,
    wanted_elsewhere: BTreeMap<String, At>,
    first_boot: BTreeMap<String, At>,
    triggered: BTreeMap<String, At>,
}

impl Reader for Units {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let files = Files::read(machine)?;
        let mut walk = Walk { machine, files: &files, reached: BTreeMap::new() };
        walk.start()?;
        let reached = walk.reached;
        Ok(Self {
            first_boot: files.first_boot(machine)?,
            triggered: triggered(machine, &reached)?,
            reached,
            masked: files.masked,
            known: files.units.into_keys().collect(),
            wanted_elsewhere: files.wants.into_values().flatten().collect(),
        })
    }
}

/// How a unit stands for the next start.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// There is no unit file of that name.
    Missing,
    /// It can never be started.
    Masked(&'a At),
    /// It will be started; what wants it.
    Started(&'a At),
    /// It is wanted by a unit that is itself not started.
    Unreached(&'a At),
    /// Nothing wants it.
    Idle,
    /// Nothing wants it yet: what enables it at the first boot.
    FirstBoot(&'a At),
    /// Nothing wants it, and a timer, a socket or a path that is started will start it.
    Triggered(&'a At),
}

impl Units {
    /// Those of a root that systemd starts: of any other one they say nothing.
    pub fn of(machine: &Machine<'_>) -> Result<Rc<Self>, Unseen> {
        let units = machine.reader::<Self>()?;
        if units.known.is_empty() {
            return Err(Unseen::new("systemd's unit directories", "have no unit: this root is not started by systemd"));
        }
        Ok(units)
    }

    /// What keeps a unit that is there from being started. A root without it may have another way to do its work.
    pub fn withheld(&self, unit: &str) -> Option<At> {
        match self.standing(unit) {
            Standing::Masked(at) | Standing::Unreached(at) => Some(at.clone()),
            Standing::Idle => Some(At::file("systemd's unit directories")),
            Standing::Missing | Standing::Started(_) | Standing::FirstBoot(_) | Standing::Triggered(_) => None,
        }
    }

    /// How a unit stands.
    pub fn standing(&self, unit: &str) -> Standing<'_> {
        if let Some(at) = self.masked.get(unit) {
            return Standing::Masked(at);
        }
        let template = template(unit);
        if !self.known.contains(unit) && !template.is_some_and(|name| self.known.contains(&name)) {
            return Standing::Missing;
        }
        match (self.reached.get(unit), self.wanted_elsewhere.get(unit)) {
            (Some(at), _) => Standing::Started(at),
            (None, _) if self.triggered.contains_key(unit) => Standing::Triggered(&self.triggered[unit]),
            (None, Some(at)) => Standing::Unreached(at),
            (None, None) => self.first_boot.get(unit).map_or(Standing::Idle, Standing::FirstBoot),
        }
    }
}

/// What timers, sockets and paths that are started will start: the unit that they name, else the service of their name.
fn triggered(machine: &Machine<'_>, reached: &BTreeMap<String, At>) -> Result<BTreeMap<String, At>, Unseen> {
    let mut found = BTreeMap::new();
    for unit in reached.keys() {
        let Some((name, kind @ ("timer" | "socket" | "path"))) = unit.rsplit_once('.') else { continue };
        let (section, key) = match kind {
            "timer" => ("Timer", "Unit"),
            "socket" => ("Socket", "Service"),
            _ => ("Path", "Unit"),
        };
        let Some(entries) = unit_file::entries(machine, unit)? else { continue };
        let named = entries.iter().rev().find(|entry| entry.section == section && entry.key == key);
        let target = named.map_or_else(|| format!("{name}.service"), |entry| entry.value.clone());
        let at = named.or(entries.first()).map_or_else(|| At::file(unit), |entry| entry.at.clone());
        found.insert(target, at);
    }
    Ok(found)
}

/// A name with what systemd puts in place of its signs (systemd.unit(5), specifiers).
fn specified(name: &str, of: &str) -> String {
    let (prefix, rest) = of.split_once('@').unwrap_or((of.rsplit_once('.').map_or(of, |(name, _)| name), ""));
    let instance = rest.rsplit_once('.').map_or("", |(instance, _)| instance);
    name.replace("%i", instance).replace("%I", instance).replace("%p", prefix).replace("%n", of)
}

/// `getty@tty1.service` is made of `getty@.service`.
fn template(unit: &str) -> Option<String> {
    let (name, rest) = unit.split_once('@')?;
    Some(format!("{name}@.{}", rest.rsplit_once('.')?.1))
}

/// What the directories hold.
struct Files {
    /// Each unit's file: that of the first directory.
    units: BTreeMap<String, String>,
    masked: BTreeMap<String, At>,
    /// Names that links give to other units.
    aliases: BTreeMap<String, String>,
    /// What `NAME.wants` and `NAME.requires` link to.
    wants: BTreeMap<String, Vec<(String, At)>>,
    drop_ins: BTreeMap<String, Vec<String>>,
}

impl Files {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut files = Self {
            units: BTreeMap::new(),
            masked: BTreeMap::new(),
            aliases: BTreeMap::new(),
            wants: BTreeMap::new(),
            drop_ins: BTreeMap::new(),
        };
        for directory in DIRECTORIES {
            for name in machine.names(directory)? {
                let path = format!("{directory}/{name}");
                if let Some(unit) = name.strip_suffix(".wants").or_else(|| name.strip_suffix(".requires")) {
                    for wanted in machine.names(&path)? {
                        let at = At::file(&format!("{path}/{wanted}"));
                        files.wants.entry(unit.to_owned()).or_default().push((wanted, at));
                    }
                } else if let Some(unit) = name.strip_suffix(".d") {
                    let within = machine.names(&path)?.into_iter().filter(|name| name.ends_with(".conf"));
                    let within = within.map(|name| format!("{path}/{name}"));
                    files.drop_ins.entry(unit.to_owned()).or_default().extend(within);
                } else if name.contains('.') && !files.units.contains_key(&name) {
                    files.unit(machine, &name, path)?;
                }
            }
        }
        files.scripts(machine)?;
        Ok(files)
    }

    /// Scripts of System V, of which a generator makes units where there is no other of the name; the links of runlevels
    /// say which are started (systemd-sysv-generator(8)).
    fn scripts(&mut self, machine: &Machine<'_>) -> Result<(), Unseen> {
        const GENERATOR: &str = "systemd/system-generators/systemd-sysv-generator";
        const LEVELS: [(&str, &str); 4] = [
            ("/etc/rc2.d", "multi-user.target"),
            ("/etc/rc3.d", "multi-user.target"),
            ("/etc/rc4.d", "multi-user.target"),
            ("/etc/rc5.d", "graphical.target"),
        ];
        if !machine.exists(&format!("/usr/lib/{GENERATOR}"))? && !machine.exists(&format!("/lib/{GENERATOR}"))? {
            return Ok(());
        }
        let unit = |script: &str| format!("{}.service", script.strip_suffix(".sh").unwrap_or(script));
        let mut made = BTreeSet::new();
        for script in machine.names("/etc/init.d")? {
            let path = format!("/etc/init.d/{script}");
            let runs = machine.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::File && stat.mode & 0o100 != 0);
            if runs && !self.units.contains_key(&unit(&script)) {
                made.insert(unit(&script));
                self.units.insert(unit(&script), path);
            }
        }
        for (directory, target) in LEVELS {
            for link in machine.names(directory)? {
                // `S01name`
                let script = link.strip_prefix('S').and_then(|rest| rest.get(2..)).unwrap_or_default();
                if made.contains(&unit(script)) {
                    let at = At::file(&format!("{directory}/{link}"));
                    self.wants.entry(target.to_owned()).or_default().push((unit(script), at));
                }
            }
        }
        Ok(())
    }

    /// Units that can be enabled, and that presets enable where the next start is a first boot.
    fn first_boot(&self, machine: &Machine<'_>) -> Result<BTreeMap<String, At>, Unseen> {
        const TIES: &[&str] = &["WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also"];
        let mut found = BTreeMap::new();
        let Some(presets) = Presets::read(machine)? else { return Ok(found) };
        for (unit, file) in self.units.iter().filter(|(unit, _)| !self.masked.contains_key(*unit)) {
            let Some(text) = machine.text(file)? else { continue };
            let installs = text.lines().skip_while(|(_, line)| line.trim() != "[Install]").any(|(_, line)| {
                line.split_once('=').is_some_and(|(key, value)| TIES.contains(&key.trim()) && !value.trim().is_empty())
            });
            if let Some(at) = presets.enables(unit).filter(|_| installs) {
                found.insert(unit.clone(), at);
            }
        }
        Ok(found)
    }

    fn unit(&mut self, machine: &Machine<'_>, name: &str, path: String) -> Result<(), Unseen> {
        match machine.link(&path)? {
            Some(target) if target == "/dev/null" => {
                self.masked.insert(name.to_owned(), At::file(&path));
            }
            Some(target) => {
                let other = target.rsplit('/').next().unwrap_or_default();
                if other != name && !other.is_empty() {
                    self.aliases.insert(name.to_owned(), other.to_owned());
                }
            }
            // An empty file masks as well (systemd.unit(5)).
            None if machine.stat(&path, false)?.is_some_and(|stat| stat.size == 0) => {
                self.masked.insert(name.to_owned(), At::file(&path));
            }
            None => {}
        }
        self.units.insert(name.to_owned(), path);
        Ok(())
    }

    fn real(&self, name: &str) -> String {
        let mut name = name.to_owned();
        for _ in 0..4 {
            match self.aliases.get(&name) {
                Some(other) if !self.masked.contains_key(&name) => name.clone_from(other),
                _ => break,
            }
        }
        name
    }
}

/// The walk from the default target.
struct Walk<'a, 'm> {
    machine: &'a Machine<'m>,
    files: &'a Files,
    reached: BTreeMap<String, At>,
}

impl Walk<'_, '_> {
    fn start(&mut self) -> Result<(), Unseen> {
        let mut next = vec![(self.files.real("default.target"), At::file("default.target"))];
        // Whatever the target, it stands on these (systemd.special(7)).
        next.extend(["sysinit.target", "basic.target"].map(|name| (name.to_owned(), At::file(name))));
        while let Some((unit, by)) = next.pop() {
            if self.reached.contains_key(&unit) || self.files.masked.contains_key(&unit) {
                continue;
            }
            self.reached.insert(unit.clone(), by);
            for name in self.names(&unit) {
                for (wanted, at) in self.files.wants.get(&name).into_iter().flatten() {
                    next.push((self.files.real(wanted), at.clone()));
                    if self.files.aliases.contains_key(wanted) {
                        self.reached.entry(wanted.clone()).or_insert_with(|| at.clone());
                    }
                }
            }
            for (wanted, at) in self.pulls(&unit)? {
                next.push((self.files.real(&wanted), at));
            }
        }
        Ok(())
    }

    /// A unit's own name, its aliases, and its template: wants may be written for each.
    fn names(&self, unit: &str) -> Vec<String> {
        let aliases = self.files.aliases.keys().filter(|alias| self.files.real(alias) == unit);
        aliases.cloned().chain([unit.to_owned()]).chain(template(unit)).collect()
    }

    /// What the unit's file and its drop-ins name. An empty assignment takes back those before it.
    fn pulls(&self, unit: &str) -> Result<Vec<(String, At)>, Unseen> {
        let own = self.files.units.get(unit).or_else(|| self.files.units.get(&template(unit)?)).cloned();
        let drop_ins =
            self.names(unit).into_iter().filter_map(|name| self.files.drop_ins.get(&name)).flatten().cloned();
        let mut pulled: Vec<(&str, String, At)> = Vec::new();
        for file in own.into_iter().chain(drop_ins) {
            let Some(text) = self.machine.text(&file)? else { continue };
            let mut section = String::new();
            for (at, line) in text.joined(false) {
                let line = line.trim();
                if line.starts_with('[') {
                    line.clone_into(&mut section);
                }
                let Some((key, value)) = line.split_once('=').filter(|_| section == "[Unit]") else { continue };
                let Some(key) = PULLS.iter().find(|name| **name == key.trim()) else { continue };
                if value.trim().is_empty() {
                    pulled.retain(|(name, ..)| name != key);
                }
                pulled.extend(value.split_whitespace().map(|name| (*key, specified(name, unit), at.clone())));
            }
        }
        Ok(pulled.into_iter().map(|(_, name, at)| (name, at)).collect())
    }
}

/// A name without a suffix is a service's.
pub fn full_name(unit: &str) -> String {
    const SUFFIXES: &[&str] = &[".service", ".socket", ".timer", ".target", ".mount", ".path", ".slice", ".automount"];
    if SUFFIXES.iter().any(|suffix| unit.ends_with(suffix)) { unit.to_owned() } else { format!("{unit}.service") }
}
