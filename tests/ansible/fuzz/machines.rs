//! What modules and facts read of a machine: files and what programs say, altered together with the task that reads them.

use crate::roles::Bare;
use crate::target::{Target, Verdict, told};
use muster::host::{Command, Digest, Effect, GroupEntry, Kind, Observe, Output, Stat, UserEntry, Void};
use muster::roles::facts::Facts;
use muster::roles::modules::{Actor, Eyes, Failed, Plan, find};
use muster::roles::remote::Offline;
use muster::roles::value::{Map, Value};
use muster::roles::yaml;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// How often a module looks again after what it did.
const ROUNDS: usize = 6;

/// A machine of named texts: a path's is a file, `$ WORDS` is what programs say whose line begins so, `$` what any says.
struct Texts<'a> {
    below: Void,
    parts: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Texts<'a> {
    /// A part begins with a line `%% NAME`.
    fn read(bytes: &'a [u8]) -> Self {
        let mut parts: Vec<(&str, &[u8])> = Vec::new();
        let mut rest = bytes;
        while let Some(at) = find_bytes(rest, b"%% ") {
            let named = &rest[at + 3..];
            let end = named.iter().position(|byte| *byte == b'\n').unwrap_or(named.len());
            let body = &named[(end + 1).min(named.len())..];
            let next = find_bytes(body, b"\n%% ").map_or(body.len(), |at| at + 1);
            if let Ok(name) = std::str::from_utf8(&named[..end]) {
                parts.push((name, &body[..next]));
            }
            rest = &body[next..];
        }
        Self { below: Void::new(), parts }
    }

    fn file(&self, path: &Path) -> Option<&'a [u8]> {
        self.parts.iter().find(|(name, _)| Path::new(name) == path).map(|(_, body)| *body)
    }

    fn said(&self, line: &str) -> Option<Output> {
        let told = |name: &str| match name.strip_prefix('$') {
            Some(words) => {
                let words = words.trim_start();
                line.starts_with(words) || line.rsplit_once('/').is_some_and(|(_, line)| line.starts_with(words))
            }
            None => false,
        };
        let (_, body) = self.parts.iter().find(|(name, _)| told(name))?;
        // A program that fails says something too.
        let code = i32::from(body.first() == Some(&b'!'));
        Some(Output { code, stdout: body.to_vec(), stderr: body.to_vec(), ..Output::default() })
    }
}

fn find_bytes(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

impl Observe for Texts<'_> {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        let below = || self.parts.iter().any(|(name, _)| Path::new(name).starts_with(path));
        let (kind, size) = match self.file(path) {
            Some(body) => (Kind::File, body.len() as u64),
            None if below() => (Kind::Directory, 4096),
            None => return self.below.stat(path, follow),
        };
        let mode = if kind == Kind::File { 0o644 } else { 0o755 };
        Ok(Some(Stat { size, ..Stat::unmade(kind, mode, (0, 0)) }))
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.file(path).map(<[u8]>::to_vec))
    }
    fn digest(&self, path: &Path, _: Digest) -> io::Result<Option<String>> {
        Ok(self.file(path).map(|body| format!("{:040x}", body.len())))
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        let first = |name: &&str| Some(Path::new(name).strip_prefix(path).ok()?.iter().next()?.to_owned());
        let mut names: Vec<OsString> = self.parts.iter().filter_map(|(name, _)| first(name)).collect();
        names.sort();
        names.dedup();
        Ok((!names.is_empty()).then_some(names))
    }
    fn read_link(&self, _: &Path) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.below.user(name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.below.group(name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.below.users()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.below.groups()
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        self.said(&command.argv.join(" ")).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        Ok(self.said(name).is_some().then(|| Path::new("/usr/bin").join(name)))
    }
}

/// Every one.
pub fn all() -> Vec<Target> {
    vec![modules(), facts()]
}

/// A task's arguments, and what the machine shows to it.
fn modules() -> Target {
    let seeds = include_str!("machines.txt").split("=====\n").map(|seed| seed.as_bytes().to_vec()).collect();
    Target::new("module", seeds, |bytes| {
        let at = find_bytes(bytes, b"%%%%\n").unwrap_or(bytes.len());
        let machine = Texts::read(&bytes[(at + 5).min(bytes.len())..]);
        match ask(&String::from_utf8_lossy(&bytes[..at]), &machine) {
            Some(result) => told(&result),
            None => Verdict::Refused,
        }
    })
}

/// Waiting is no parsing, and finding large primes takes its time.
fn lasts(module: &str, arguments: &Map) -> bool {
    let kind = arguments.iter().find(|(name, _)| name.to_string() == "type");
    match module.rsplit('.').next().unwrap_or(module) {
        "wait_for" | "wait_for_connection" | "reboot" | "openssl_dhparam" => true,
        "openssl_privatekey" | "openssh_keypair" => !kind.is_some_and(|(_, kind)| {
            ["ECC", "Ed25519", "ed25519", "ecdsa"].iter().any(|one| kind == &Value::str(*one))
        }),
        _ => false,
    }
}

fn ask(task: &str, machine: &Texts<'_>) -> Option<Result<(), Failed>> {
    let document = yaml::read("f.yml", task).ok()?;
    let [(module, arguments)] = document.root.pairs()? else { return None };
    let row = find(module.text()?)?;
    // A text that holds a template is one here: a run would have filled it in.
    let arguments = Value::from_json(&arguments.value().to_json());
    let Actor::Host(make) = row.actor else { return None };
    let arguments = arguments.as_map()?;
    if lasts(row.spec.name, arguments) {
        return None;
    }
    let mut arguments = row.spec.accept(arguments).ok()?;
    let module = make(&mut arguments).ok()?;
    let eyes = Eyes {
        host: machine,
        remote: &Offline,
        tree: &Bare,
        environment: &[],
        inventory_hostname: "localhost",
        become_user: None,
    };
    Some(follow(module.plan(&eyes), &eyes, machine))
}

/// What it makes of what its changes would have said.
fn follow(plan: Result<Plan, Failed>, eyes: &Eyes<'_>, machine: &Texts<'_>) -> Result<(), Failed> {
    let mut plan = plan?;
    for _ in 0..ROUNDS {
        let Some(next) = plan.next.take() else { break };
        let effect = Effect {
            output: machine.said("any"),
            backup: None,
            started: Some(UNIX_EPOCH),
            elapsed: Duration::from_secs(1),
        };
        plan = next(eyes, &vec![effect; plan.changes.len()])?;
    }
    Ok(())
}

fn facts() -> Target {
    let seeds = vec![include_bytes!("facts.txt").to_vec()];
    Target::new("facts", seeds, |bytes| {
        let machine = Texts::read(bytes);
        let found = Facts::new(Vec::new()).all(&machine);
        if found.is_empty() { Verdict::Refused } else { Verdict::Taken }
    })
}
