//! A machine with the few programs that modules run, as far as those keep a state: what one has set, it tells.

use crate::host::{
    Change, Command, Digest, FileWrite, GroupEntry, Host, Observe, Output, Overlay, Stat, UnitAction, UserEntry, Void,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

thread_local! {
    /// What the programs keep. A machine below an overlay is only looked at, so that it cannot hold this itself.
    static KEPT: RefCell<Kept> = RefCell::new(Kept::default());
}

#[derive(Default)]
struct Kept {
    zone: String,
    local: String,
    names: BTreeMap<String, String>,
    locales: BTreeSet<String>,
    capabilities: BTreeMap<String, String>,
    rules: BTreeSet<String>,
    policies: BTreeMap<String, String>,
    answers: BTreeMap<String, String>,
    /// `ActiveState`, and what `is-enabled` says.
    units: BTreeMap<String, (String, String)>,
}

/// The machine below.
pub struct Town(Void);

impl Town {
    /// A new one, whose programs remember nothing.
    pub fn new() -> Self {
        KEPT.with_borrow_mut(|kept| {
            *kept = Kept { zone: "UTC".into(), local: "no".into(), ..Kept::default() };
            kept.units = BTreeMap::from([
                ("web.service".to_owned(), ("inactive".to_owned(), "disabled".to_owned())),
                ("old.service".to_owned(), ("active".to_owned(), "enabled".to_owned())),
            ]);
        });
        Self(Void::new().with_program("iptables").with_program("ip6tables"))
    }
}

fn said(code: i32, stdout: impl Into<String>) -> Output {
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

impl Observe for Town {
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
        match KEPT.with_borrow(|kept| answer(kept, &words)) {
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

type Machine = Overlay<Town>;

fn text(machine: &Machine, path: &str) -> String {
    let bytes = machine.read(Path::new(path)).expect("read").unwrap_or_default();
    String::from_utf8(bytes).expect("text")
}

fn write(machine: &mut Machine, path: &str, text: &str) {
    machine.apply(&Change::Write(FileWrite::new(path, text))).expect("written");
}

/// Does what a program does.
pub fn programs(machine: &mut Machine, change: &Change) -> Option<Output> {
    match change {
        Change::Unit { name, action, .. } => {
            KEPT.with_borrow_mut(|kept| act(kept, name, *action));
            Some(said(0, ""))
        }
        Change::Run(command) | Change::Packages(command) => run(machine, command),
        _ => None,
    }
}

fn act(kept: &mut Kept, name: &str, action: UnitAction) {
    let Some((active, enabled)) = kept.units.get_mut(name) else { return };
    match action {
        UnitAction::Start | UnitAction::Restart | UnitAction::Reload => "active".clone_into(active),
        UnitAction::Stop => "inactive".clone_into(active),
        UnitAction::Enable => "enabled".clone_into(enabled),
        UnitAction::Disable | UnitAction::Unmask => "disabled".clone_into(enabled),
        UnitAction::Mask => "masked".clone_into(enabled),
        UnitAction::DaemonReload | UnitAction::DaemonReexec => {}
    }
}

fn run(machine: &mut Machine, command: &Command) -> Option<Output> {
    let words: Vec<&str> = command.argv.iter().map(String::as_str).collect();
    let input =
        command.stdin.as_ref().map(|text| String::from_utf8_lossy(text.expose()).into_owned()).unwrap_or_default();
    let modules = text(machine, "/proc/modules");
    match words.as_slice() {
        ["modprobe", "-r", "ext4"] => return Some(said(1, "")),
        ["modprobe", "-r", name] => {
            let kept = modules.lines().filter(|line| !line.starts_with(&format!("{name} ")));
            write(machine, "/proc/modules", &kept.flat_map(|line| [line, "\n"]).collect::<String>());
        }
        ["modprobe", name, ..] => {
            write(machine, "/proc/modules", &format!("{modules}{} 1 0 - Live 0x0\n", name.replace('-', "_")));
        }
        ["sysctl", options @ .., "-p", file] if options.len() < 2 => {
            for line in text(machine, file).lines() {
                set(machine, line);
            }
        }
        ["sysctl", options @ .., "-w", assignment] if options.len() < 2 => set(machine, assignment),
        ["dpkg", "--set-selections"] => {
            let (name, want) = input.trim().split_once(' ')?;
            edit_status(machine, name, |stanza| {
                stanza
                    .replace("Status: install ", &format!("Status: {want} "))
                    .replace("Status: hold ", &format!("Status: {want} "))
            });
        }
        ["apt-get", rest @ ..] if rest.contains(&"install") => {
            let package = rest.iter().skip_while(|word| **word != "install").nth(1)?;
            let (name, version) = package.split_once('=').unwrap_or((package, "2.0"));
            edit_status(machine, name, |_| String::new());
            let status = text(machine, "/var/lib/dpkg/status");
            let stanza =
                format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n");
            write(machine, "/var/lib/dpkg/status", &format!("{status}\n\n{stanza}"));
        }
        ["apt-get", .., "remove", name] => edit_status(machine, name, |_| String::new()),
        ["locale-gen"] => {
            let list = text(machine, "/etc/locale.gen");
            let names =
                list.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| !name.starts_with('#'));
            let made = names.map(|name| name.replace("UTF-8", "utf8")).collect();
            KEPT.with_borrow_mut(|kept| kept.locales = made);
        }
        other => return KEPT.with_borrow_mut(|kept| keep(kept, other, &input)),
    }
    Some(said(0, ""))
}

/// Programs whose state is no file.
fn keep(kept: &mut Kept, words: &[&str], input: &str) -> Option<Output> {
    match words {
        ["timedatectl", "set-timezone", zone] => (*zone).clone_into(&mut kept.zone),
        ["timedatectl", "set-local-rtc", local] => (*local).clone_into(&mut kept.local),
        ["hostnamectl", kinds @ .., "set-hostname", name] => {
            kept.names.extend(kinds.iter().map(|kind| ((*kind).to_owned(), (*name).to_owned())));
        }
        ["setcap", held, path] => drop(kept.capabilities.insert((*path).to_owned(), (*held).to_owned())),
        ["debconf-set-selections", ..] => {
            let [package, question, _, value] = input.trim_end().splitn(4, ' ').collect::<Vec<_>>()[..] else {
                return None;
            };
            kept.answers.insert(format!("{package} {question}"), value.to_owned());
        }
        ["iptables" | "ip6tables", "-t", table, "-P", chain, policy] => {
            kept.policies.insert(format!("{table} {chain}"), (*policy).to_owned());
        }
        [program @ ("iptables" | "ip6tables"), "-t", table, action @ ("-A" | "-I" | "-D"), rule @ ..] => {
            // A number belongs to the insertion and not to the rule.
            let number = *action == "-I" && rule.get(1).is_some_and(|word| word.parse::<u32>().is_ok());
            let rule: Vec<&str> =
                rule.iter().enumerate().filter(|(at, _)| !(number && *at == 1)).map(|(_, word)| *word).collect();
            let rule = format!("{program} {table} {}", rule.join(" "));
            if *action == "-D" {
                kept.rules.remove(&rule)
            } else {
                kept.rules.insert(rule)
            };
        }
        _ => return None,
    }
    Some(said(0, ""))
}

fn set(machine: &mut Machine, assignment: &str) {
    if let Some((name, value)) = assignment.split_once('=') {
        let path = format!("/proc/sys/{}", name.trim().replace('.', "/"));
        write(machine, &path, &format!("{}\n", value.trim()));
    }
}

fn edit_status(machine: &mut Machine, name: &str, edit: impl Fn(&str) -> String) {
    let status = text(machine, "/var/lib/dpkg/status");
    let own = format!("Package: {name}\n");
    let stanzas =
        status.split("\n\n").map(|stanza| if stanza.starts_with(&own) { edit(stanza) } else { stanza.to_owned() });
    let kept: Vec<String> = stanzas.filter(|stanza| !stanza.trim().is_empty()).collect();
    write(machine, "/var/lib/dpkg/status", &kept.join("\n\n"));
}
