//! Programs that modules run, as far as they keep a state: what each does to the machine.

use super::machine::{KEPT, Kept, Machine, said};
use super::tools::Tool;
use crate::host::{Change, Command, FileWrite, Host, Observe, Output, Overlay, UnitAction};
use std::path::Path;

/// The machine, as it is after what was done so far.
type Tried = Overlay<Machine>;

fn text(machine: &Tried, path: &str) -> String {
    let bytes = machine.read(Path::new(path)).expect("read").unwrap_or_default();
    String::from_utf8(bytes).expect("text")
}

fn write(machine: &mut Tried, path: &str, text: &str) {
    machine.apply(&Change::Write(FileWrite::new(path, text))).expect("written");
}

/// Does what a program does.
pub fn programs(machine: &mut Tried, change: &Change) -> Option<Output> {
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

fn run(machine: &mut Tried, command: &Command) -> Option<Output> {
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
        _ => return kept.tools.run(words),
    }
    Some(said(0, ""))
}

fn set(machine: &mut Tried, assignment: &str) {
    if let Some((name, value)) = assignment.split_once('=') {
        let path = format!("/proc/sys/{}", name.trim().replace('.', "/"));
        write(machine, &path, &format!("{}\n", value.trim()));
    }
}

fn edit_status(machine: &mut Tried, name: &str, edit: impl Fn(&str) -> String) {
    let status = text(machine, "/var/lib/dpkg/status");
    let own = format!("Package: {name}\n");
    let stanzas =
        status.split("\n\n").map(|stanza| if stanza.starts_with(&own) { edit(stanza) } else { stanza.to_owned() });
    let kept: Vec<String> = stanzas.filter(|stanza| !stanza.trim().is_empty()).collect();
    write(machine, "/var/lib/dpkg/status", &kept.join("\n\n"));
}
