//! A machine with the few programs that modules run, as far as those keep a state: what one has set, it tells.

use super::tools::{Tool, Tools};
use crate::host::{Command, Digest, GroupEntry, Observe, Output, Stat, UserEntry, Void};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

thread_local! {
    /// What the programs keep. A machine below an overlay is only looked at, so that it cannot hold this itself.
    pub static KEPT: RefCell<Kept> = RefCell::new(Kept::default());
}

/// What programs keep that is no file.
#[derive(Default)]
pub struct Kept {
    pub zone: String,
    pub local: String,
    pub names: BTreeMap<String, String>,
    pub locales: BTreeSet<String>,
    pub capabilities: BTreeMap<String, String>,
    pub rules: BTreeSet<String>,
    pub policies: BTreeMap<String, String>,
    pub answers: BTreeMap<String, String>,
    pub tools: Tools,
    /// `ActiveState`, and what `is-enabled` says.
    pub units: BTreeMap<String, (String, String)>,
}

/// The machine below.
pub struct Machine(Void);

impl Machine {
    /// A new one, whose programs remember nothing.
    pub fn new() -> Self {
        KEPT.with_borrow_mut(|kept| {
            *kept = Kept { zone: "UTC".into(), local: "no".into(), ..Kept::default() };
            kept.units = BTreeMap::from([
                ("web.service".to_owned(), ("inactive".to_owned(), "disabled".to_owned())),
                ("old.service".to_owned(), ("active".to_owned(), "enabled".to_owned())),
            ]);
        });
        let programs = ["iptables", "ip6tables", "/usr/bin/dpkg-divert", "/usr/bin/pip3"];
        Self(programs.into_iter().fold(Void::new(), Void::with_program))
    }
}

/// What a program ends with.
pub fn said(code: i32, stdout: impl Into<String>) -> Output {
    Output { code, stdout: stdout.into().into_bytes(), ..Output::default() }
}

fn answer(kept: &Kept, words: &[&str]) -> Option<Output> {
    Some(match words {
        ["timedatectl", "show", ..] => said(0, format!("Timezone={}\nLocalRTC={}\n", kept.zone, kept.local)),
        ["hostnamectl", kind, "status"] => said(0, kept.names.get(*kind).cloned().unwrap_or("old".into())),
        ["locale", "-a"] => said(0, kept.locales.iter().map(|name| format!("{name}\n")).collect::<String>()),
        ["getcap", "-v", path] => {
            let held = kept.capabilities.get(*path).filter(|held| !held.is_empty());
            said(0, format!("{path}{}\n", held.map(|held| format!(" {held}")).unwrap_or_default()))
        }
        ["iptables" | "ip6tables", "-t", table, "-L", chain, ..] => {
            let have = kept.policies.get(&format!("{table} {chain}")).map_or("ACCEPT", String::as_str);
            said(0, format!("Chain {chain} (policy {have})\n"))
        }
        [program @ ("iptables" | "ip6tables"), "-t", table, "-C", rule @ ..] => {
            let rule = format!("{program} {table} {}", rule.join(" "));
            said(i32::from(!kept.rules.contains(&rule)), "")
        }
        ["debconf-show", package] => {
            let own =
                kept.answers.iter().filter_map(|(key, value)| Some((key.strip_prefix(&format!("{package} "))?, value)));
            said(0, own.map(|(question, value)| format!("* {question}: {value}\n")).collect::<String>())
        }
        ["apt-cache", "policy", names @ ..] => {
            let one = |name: &&str| {
                format!("{name}:\n  Installed: (none)\n  Candidate: 2.0\n  Version table:\n     2.0 500\n")
            };
            said(0, names.iter().map(one).collect::<String>())
        }
        ["systemctl", "show", name] => match kept.units.get(&unit(name)) {
            Some((active, enabled)) if enabled == "masked" => {
                said(0, format!("LoadState=masked\nActiveState={active}\n"))
            }
            Some((active, _)) => said(0, format!("LoadState=loaded\nActiveState={active}\n")),
            None => said(0, "LoadState=not-found\nActiveState=inactive\n"),
        },
        ["systemctl", "is-enabled", name, ..] => {
            let enabled = kept.units.get(&unit(name)).map_or("not-found", |(_, enabled)| enabled);
            said(i32::from(enabled != "enabled"), enabled)
        }
        _ => return None,
    })
}

fn unit(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.service") }
}

impl Observe for Machine {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        self.0.stat(path, follow)
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.0.read(path)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        self.0.digest(path, algorithm)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.0.list(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.0.read_link(path)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.0.user(name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.0.group(name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.0.users()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.0.groups()
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        let words: Vec<&str> = command.argv.iter().map(String::as_str).collect();
        match KEPT.with_borrow(|kept| answer(kept, &words).or_else(|| kept.tools.answer(&words))) {
            Some(output) => Ok(output),
            None => self.0.query(command),
        }
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        self.0.find_program(name)
    }
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}
