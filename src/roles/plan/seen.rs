//! The state seen of what a plan alters, in words that differ where anything of it has changed since.

use crate::host::{Command, Kind, Observe, Subject};
use std::path::Path;

/// What a plan calls it.
pub(super) fn name(subject: &Subject<'_>) -> String {
    match subject {
        Subject::Path(path) | Subject::Tree(path) => path.display().to_string(),
        Subject::Unit { name, scope: None } => format!("unit {name}"),
        Subject::Unit { name, scope: Some(scope) } => format!("unit {name} of {scope}"),
        Subject::Package(name) => format!("package {name}"),
        Subject::Packages => "the installed packages".into(),
        Subject::User(name) => format!("user {name}"),
        Subject::Group(name) => format!("group {name}"),
    }
}

/// How it stands.
pub(super) fn state(host: &dyn Observe, subject: &Subject<'_>) -> String {
    match subject {
        Subject::Path(path) => at(host, path),
        Subject::Tree(path) => below(host, path),
        Subject::Unit { name, scope } => unit(host, name, *scope),
        Subject::Package(name) => package(host, name),
        Subject::Packages => packages(host),
        Subject::User(name) => user(host, name),
        Subject::Group(name) => match host.group(name) {
            Ok(Some(group)) => {
                format!("{} with {} members: {}", group.gid, group.members.len(), group.members.join(", "))
            }
            Ok(None) => "absent".into(),
            Err(error) => unseen(&error),
        },
    }
}

fn unseen(error: &std::io::Error) -> String {
    format!("not to be looked at ({error})")
}

/// What is at a path. A file is told by inode, size and times, not by its content: a digest of a short secret could
/// be guessed from the plan.
fn at(host: &dyn Observe, path: &Path) -> String {
    let stat = match host.stat(path, false) {
        Ok(Some(stat)) => stat,
        Ok(None) => return "absent".into(),
        Err(error) => return unseen(&error),
    };
    let owner = format!("{:04o} {}:{}", stat.mode, stat.uid, stat.gid);
    match stat.kind {
        Kind::Link => {
            let target = host.read_link(path).ok().flatten().unwrap_or_default();
            format!("link to {}", target.display())
        }
        // Its times change with everything in it.
        Kind::Directory => format!("directory {owner}"),
        Kind::File => {
            format!(
                "file {owner}, {} bytes, inode {}, changed {:.6}",
                stat.size,
                stat.inode,
                stat.ctime.max(stat.mtime)
            )
        }
        other => format!("{other:?} {owner}").to_lowercase(),
    }
}

/// A whole tree, which is to go: how much is in it, and when anything there changed last.
fn below(host: &dyn Observe, top: &Path) -> String {
    let mut open = vec![top.to_owned()];
    let (mut count, mut last) = (0_u64, 0.0_f64);
    while let Some(path) = open.pop() {
        let Ok(Some(stat)) = host.stat(&path, false) else { continue };
        count += 1;
        last = last.max(stat.ctime).max(stat.mtime);
        if stat.kind == Kind::Directory {
            let names = host.list(&path).ok().flatten().unwrap_or_default();
            open.extend(names.into_iter().map(|name| path.join(name)));
        }
    }
    match count {
        0 | 1 => at(host, top),
        _ => format!("{}, {} entries, changed {last:.6}", at(host, top), count - 1),
    }
}

fn unit(host: &dyn Observe, name: &str, scope: Option<&str>) -> String {
    let mut words = vec!["systemctl".to_owned()];
    words.extend(scope.map(|scope| format!("--{scope}")));
    words.extend(["show", "--property=LoadState,ActiveState,UnitFileState", name].map(str::to_owned));
    match host.query(&Command::new(words)) {
        Ok(output) if output.ok() => {
            let text = output.text();
            let values: Vec<&str> =
                text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value).collect();
            values.join(" ").trim().to_owned()
        }
        Ok(_) => "not to be looked at (systemctl failed)".into(),
        Err(error) => unseen(&error),
    }
}

const STATUS: &str = "/var/lib/dpkg/status";

fn package(host: &dyn Observe, name: &str) -> String {
    match host.read(Path::new(STATUS)) {
        Ok(Some(bytes)) => of_dpkg(&String::from_utf8_lossy(&bytes), name),
        Ok(None) => match host.query(&Command::new(["rpm", "-q", "--", name])) {
            Ok(output) if output.ok() => output.text().trim().replace('\n', ", "),
            Ok(_) => "absent".into(),
            Err(error) => unseen(&error),
        },
        Err(error) => unseen(&error),
    }
}

/// The versions of a package in dpkg's status, with what it is and what is wanted.
fn of_dpkg(status: &str, name: &str) -> String {
    let name = name.split(':').next().unwrap_or(name);
    let mut all: Vec<String> = Vec::new();
    for stanza in status.split("\n\n") {
        let field = |wanted: &str| {
            let found = stanza.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'));
            found.map(str::trim).unwrap_or_default()
        };
        if field("Package") == name {
            all.push(format!("{} {} ({})", field("Version"), field("Architecture"), field("Status")));
        }
    }
    if all.is_empty() { "absent".into() } else { all.join(", ") }
}

fn packages(host: &dyn Observe) -> String {
    match host.stat(Path::new(STATUS), true) {
        Ok(Some(_)) => at(host, Path::new(STATUS)),
        _ => match host.query(&Command::new(["rpm", "-qa"])) {
            Ok(output) => {
                let text = output.text();
                let mut names: Vec<&str> = text.lines().collect();
                names.sort_unstable();
                let sum = crate::host::Hasher::of(crate::host::Digest::Sha256, names.join("\n").as_bytes());
                format!("{} of them ({})", names.len(), &sum[..16])
            }
            Err(error) => unseen(&error),
        },
    }
}

fn user(host: &dyn Observe, name: &str) -> String {
    let user = match host.user(name) {
        Ok(Some(user)) => user,
        Ok(None) => return "absent".into(),
        Err(error) => return unseen(&error),
    };
    let groups = host.groups().unwrap_or_default();
    let mut groups: Vec<&str> =
        groups.iter().filter(|g| g.members.contains(&user.name)).map(|g| g.name.as_str()).collect();
    groups.sort_unstable();
    let (home, shell, gecos) = (user.home, user.shell, user.gecos);
    format!("{}:{} {home} {shell} `{gecos}`, in groups: {}", user.uid, user.gid, groups.join(", "))
}
