//! A scripted machine for tests of modules: files, users and what programs answer.

use super::{Eyes, Failed, Plan, RenderOptions, Tree};
use crate::host::{Account, Change, Command, Digest, Effect, GroupEntry, Kind, Observe, Output, Stat, UserEntry};
use crate::roles::remote::{Offline, Remote};
use crate::roles::value::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A machine that is only what a test says.
#[derive(Default)]
pub struct Fake {
    files: BTreeMap<PathBuf, Vec<u8>>,
    answers: Vec<(String, Output)>,
    labels: BTreeMap<PathBuf, String>,
    policy: BTreeMap<PathBuf, String>,
}

impl Fake {
    /// With a file.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    /// With SELinux, and a file's label.
    pub fn label(mut self, path: &str, label: &str) -> Self {
        self.labels.insert(path.into(), label.into());
        self
    }

    /// With the label that SELinux's policy has for a path.
    pub fn policy(mut self, path: &str, label: &str) -> Self {
        self.policy.insert(path.into(), label.into());
        self
    }

    /// With a program's answer, by its whole command line.
    pub fn answer(mut self, line: &str, code: i32, stdout: &str) -> Self {
        let output = Output { code, stdout: stdout.into(), ..Output::default() };
        self.answers.push((line.into(), output));
        self
    }

    fn lines(&self, path: &str) -> Vec<Vec<String>> {
        let text = self.files.get(Path::new(path)).cloned().unwrap_or_default();
        let text = String::from_utf8(text).expect("text");
        text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
    }
}

impl Observe for Fake {
    fn stat(&self, path: &Path, _follow: bool) -> io::Result<Option<Stat>> {
        let directory = || self.files.keys().any(|file| file.starts_with(path) && file != path);
        let kind = match self.files.contains_key(path) {
            true => Kind::File,
            false if directory() => Kind::Directory,
            false => return Ok(None),
        };
        let size = self.files.get(path).map_or(0, |bytes| bytes.len() as u64);
        let mode = if kind == Kind::File { 0o644 } else { 0o755 };
        Ok(Some(Stat { size, inode: 1, device: 1, ..Stat::unmade(kind, mode, (0, 0)) }))
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }
    fn digest(&self, _path: &Path, _algorithm: Digest) -> io::Result<Option<String>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        let below = |file: &PathBuf| {
            let first = file.strip_prefix(path).ok()?.components().next()?;
            Some(first.as_os_str().to_owned())
        };
        let mut names: Vec<OsString> = self.files.keys().filter_map(below).collect();
        names.dedup();
        Ok((!names.is_empty()).then_some(names))
    }
    fn read_link(&self, _path: &Path) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }
    fn label(&self, path: &Path, _follow: bool) -> io::Result<Option<String>> {
        Ok(self.labels.get(path).cloned())
    }
    fn policy_label(&self, path: &Path, _kind: Kind) -> io::Result<Option<String>> {
        Ok(self.policy.get(path).cloned())
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        Ok(self.users()?.into_iter().find(|user| user.name == name || user.uid.to_string() == name))
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        Ok(self.groups()?.into_iter().find(|group| group.name == name || group.gid.to_string() == name))
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        let entry = |f: Vec<String>| UserEntry {
            name: f[0].clone(),
            uid: f[2].parse().expect("uid"),
            gid: f[3].parse().expect("gid"),
            gecos: f[4].clone(),
            home: f[5].clone(),
            shell: f[6].clone(),
        };
        Ok(self.lines("/etc/passwd").into_iter().map(entry).collect())
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        let entry = |f: Vec<String>| GroupEntry {
            name: f[0].clone(),
            gid: f[2].parse().expect("gid"),
            members: f[3].split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect(),
        };
        Ok(self.lines("/etc/group").into_iter().map(entry).collect())
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        let line = command.argv.join(" ");
        let known = self.answers.iter().rev().find(|(have, _)| *have == line);
        known.map(|(_, output)| output.clone()).ok_or_else(|| io::Error::other(format!("no answer for `{line}`")))
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let path = Path::new("/usr/bin").join(name);
        Ok(self.files.contains_key(&path).then_some(path))
    }
}

struct NoTree;

impl Tree for NoTree {
    fn resolve(&self, kind: &str, name: &str) -> Result<PathBuf, Failed> {
        Err(Failed::new(format!("no {kind} {name}")))
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed> {
        Err(Failed::new(format!("no {}", path.display())))
    }
    fn walk(&self, path: &Path) -> Result<Vec<(PathBuf, bool)>, Failed> {
        Err(Failed::new(format!("no {}", path.display())))
    }
    fn mode(&self, path: &Path) -> Result<u32, Failed> {
        Err(Failed::new(format!("no {}", path.display())))
    }
    fn render(&self, path: &Path, _options: &RenderOptions) -> Result<Value, Failed> {
        Err(Failed::new(format!("no {}", path.display())))
    }
}

/// Eyes on a machine.
pub fn eyes<'a>(machine: &'a Fake, remote: &'a dyn Remote) -> Eyes<'a> {
    Eyes { host: machine, remote, tree: &NoTree, environment: &[], inventory_hostname: "localhost", become_user: None }
}

/// A task's plan, or its failure; refused arguments count as that.
pub fn plan(machine: &Fake, module: &str, arguments: serde_json::Value) -> Result<Plan, Failed> {
    plan_values(machine, &Offline, module, &Value::from_json(&arguments))
}

/// The same with a network and with arguments that JSON cannot say.
pub fn plan_values(machine: &Fake, remote: &dyn Remote, module: &str, arguments: &Value) -> Result<Plan, Failed> {
    let row = super::find(module).expect("a module");
    let super::Actor::Host(read) = row.actor else { panic!("{module} is the engine's") };
    let mut arguments = row.spec.accept(arguments.as_map().expect("a mapping")).map_err(refused)?;
    read(&mut arguments).map_err(refused)?.plan(&eyes(machine, remote))
}

fn refused(error: super::ArgError) -> Failed {
    Failed::new(error.to_string())
}

/// What follows a plan once its changes were made on what is now `machine`.
pub fn follow(plan: Plan, machine: &Fake, outputs: &[(i32, &str, &str)]) -> Result<Plan, Failed> {
    let effect = |(code, stdout, stderr): &(i32, &str, &str)| Effect {
        output: Some(Output { code: *code, stdout: (*stdout).into(), stderr: (*stderr).into(), ..Output::default() }),
        ..Effect::default()
    };
    let effects: Vec<Effect> = outputs.iter().map(effect).collect();
    plan.next.expect("something follows")(&eyes(machine, &Offline), &effects)
}

/// A plan's changes, one line each.
pub fn changes(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(line).collect()
}

fn line(change: &Change) -> String {
    match change {
        Change::Run(command) | Change::Packages(command) | Change::Account(Account::Tool(command)) => command.shown(),
        Change::Account(Account::Password { user, .. }) => format!("password of {user}"),
        Change::Unit { name, action, .. } => format!("{} {name}", action.verb()),
        Change::Write(write) => format!("write {}", write.path.display()),
        Change::Remove { path } => format!("remove {}", path.display()),
        Change::SetLabel { .. } => change.outline(),
        other => format!("{other:?}"),
    }
}
