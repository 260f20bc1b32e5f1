//! Package tasks that stand side by side, over an apt that counts.

use super::*;
use crate::host::{
    Change, Command, Digest, Effect, GroupEntry, Host, HostError, Observe, Output, Overlay, Stat, UserEntry, Void,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// A Debian whose apt-get knows a few packages: what each needs, and which cannot be installed.
struct Debian {
    machine: Overlay<Void>,
    needs: BTreeMap<&'static str, &'static str>,
    installed: Vec<String>,
    /// Every installation, as its packages.
    runs: Vec<String>,
    held: bool,
}

impl Debian {
    fn new(needs: &[(&'static str, &'static str)]) -> Self {
        let mut debian = Self {
            machine: Overlay::new(Void::new()),
            needs: needs.iter().copied().collect(),
            installed: Vec::new(),
            runs: Vec::new(),
            held: false,
        };
        debian.write();
        debian
    }

    /// The package database after what was installed.
    fn write(&mut self) {
        let stanza = |name: &String| {
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n")
        };
        let status: String = self.installed.iter().map(stanza).collect();
        for path in ["/var", "/var/lib", "/var/lib/dpkg"] {
            let made = Change::MakeDirectory { path: path.into(), attributes: Default::default() };
            let _ = self.machine.apply(&made);
        }
        let write = crate::host::FileWrite::new("/var/lib/dpkg/status", status);
        self.machine.apply(&Change::Write(write)).expect("written");
    }

    /// What an installation brings, in order; `None` where it fails.
    fn brings(&self, command: &Command) -> Option<Vec<String>> {
        let verb = command.argv.iter().position(|word| word == "install")?;
        let mut all = Vec::new();
        for word in command.argv[verb + 1..].iter().take_while(|word| !word.starts_with('-')) {
            let name = word.split('=').next()?;
            let needs = self.needs.get(name)?;
            if *needs == "broken" {
                return None;
            }
            all.extend(needs.split_whitespace().chain([name]).map(str::to_owned));
        }
        all.retain(|name| !self.installed.contains(name));
        all.dedup();
        Some(all)
    }
}

impl Observe for Debian {
    fn stat(&self, path: &Path, follow: bool) -> io::Result<Option<Stat>> {
        self.machine.stat(path, follow)
    }
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.machine.read(path)
    }
    fn digest(&self, path: &Path, algorithm: Digest) -> io::Result<Option<String>> {
        self.machine.digest(path, algorithm)
    }
    fn list(&self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.machine.list(path)
    }
    fn read_link(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.machine.read_link(path)
    }
    fn user(&self, name: &str) -> io::Result<Option<UserEntry>> {
        self.machine.user(name)
    }
    fn group(&self, name: &str) -> io::Result<Option<GroupEntry>> {
        self.machine.group(name)
    }
    fn users(&self) -> io::Result<Vec<UserEntry>> {
        self.machine.users()
    }
    fn groups(&self) -> io::Result<Vec<GroupEntry>> {
        self.machine.groups()
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        let text = if command.argv.iter().any(|word| word == "--simulate") {
            let Some(all) = self.brings(command) else { return Ok(Output { code: 100, ..Output::default() }) };
            all.iter().map(|name| format!("Inst {name} (1 here [amd64])\n")).collect()
        } else if command.argv[..2] == ["apt-cache", "policy"] {
            let table = |name: &String| {
                format!(
                    "{name}:\n  Installed: (none)\n  Candidate: 1\n  Version table:\n     1 500\n        500 http://x main\n"
                )
            };
            let known = command.argv[2..].iter().filter(|name| self.needs.contains_key(name.as_str()));
            known.map(table).collect::<String>()
        } else {
            String::new()
        };
        Ok(Output { stdout: text.into_bytes(), ..Output::default() })
    }
    fn find_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        Ok((name == "apt-get").then(|| "/usr/bin/apt-get".into()))
    }
}

impl Host for Debian {
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError> {
        let Change::Packages(command) = change else { return self.machine.apply(change) };
        let verb = command.argv.iter().position(|word| word == "install").expect("an installation");
        let end = command.argv[verb..]
            .iter()
            .position(|word| word.starts_with('-'))
            .map_or(command.argv.len(), |at| verb + at);
        self.runs.push(command.argv[verb + 1..end].join(" ").replace("=1", ""));
        let output = match self.brings(command) {
            Some(all) => {
                self.installed.extend(all);
                self.write();
                Output::default()
            }
            None => Output { code: 100, stderr: b"E: broken".to_vec(), ..Output::default() },
        };
        Ok(Effect { output: Some(output), ..Effect::default() })
    }
    fn is_held(&self) -> bool {
        self.held
    }
    fn observe(&self) -> &dyn Observe {
        self
    }
}

/// Which packages each run of apt-get was given, and which tasks say that they changed something.
fn installed(debian: &mut Debian, tasks: &str) -> (Vec<String>, Vec<bool>) {
    let text = format!("- hosts: all\n  gather_facts: no\n  tasks:\n{tasks}");
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("site.yml"), text).expect("written");
    let loader = Loader::new(Arc::new(Directory::new(dir.path()).expect("a tree")), &[]);
    let (templar, variables) = (Templar::new(), Variables::default());
    let names =
        KnownNames { loader: &loader, templar: &templar, host: debian, remote: &Offline, variables: &variables };
    let playbook = loader.playbook(Path::new("site.yml"), &names).expect("loads");
    let mut changed = Changed::default();
    let machine = Machine { host: debian, remote: &Offline, real: None };
    let input = Input { tags: Vec::new(), ..Input::default() };
    converge(&input, &playbook, &loader, &templar, machine, &mut changed);
    (std::mem::take(&mut debian.runs), changed.0)
}

/// Which results are changes; a failure ends the list.
#[derive(Default)]
struct Changed(Vec<bool>);

impl Observer for Changed {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Result { status, .. } = event
            && *status != Status::Skipped
        {
            self.0.push(*status == Status::Changed);
        }
    }
}

const KNOWN: &[(&str, &str)] = &[("a", ""), ("b", ""), ("c", ""), ("app", "lib"), ("lib", ""), ("bad", "broken")];

fn judged(tasks: &str, runs: &[&str], changed: &[bool]) {
    let (done, said) = installed(&mut Debian::new(KNOWN), tasks);
    assert_eq!(
        (done.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), said.as_slice()),
        (runs, changed),
        "{tasks}"
    );
}

#[test]
fn neighbours_are_one_transaction_and_each_tells_its_own_change() {
    judged("  - apt: name=a\n  - apt: name=b\n  - package: name=c\n", &["a b c"], &[true, true, true]);
    judged("  - apt: {name: '{{ item }}'}\n    loop: [a, b, c]\n  - apt: name=app\n", &["a b c app"], &[true; 4]);
    // What is passed over in between is no reason to stop.
    judged("  - apt: name=a\n  - apt: name=b\n    when: false\n  - apt: name=c\n", &["a c"], &[true, true]);
    // What the one before it brings along is found installed.
    judged("  - apt: name=app\n  - apt: name=lib\n  - apt: name=a\n", &["app lib a"], &[true, false, true]);
    let mut again = Debian::new(KNOWN);
    let tasks = "  - apt: name=a\n  - apt: name=b\n";
    assert_eq!(installed(&mut again, tasks).1, [true, true]);
    assert_eq!(installed(&mut again, tasks), (vec![], vec![false, false]));
}

#[test]
fn what_may_depend_on_the_one_before_it_runs_by_itself() {
    let apart: &[&str] = &["a", "b"];
    for between in [
        "  - apt: name=a\n    register: r\n  - apt: name=b\n",
        "  - apt: name=a\n  - apt: name=b\n    when: not ('/etc/x' is exists)\n",
        "  - apt: name=a\n  - apt: name=b\n    notify: h\n  handlers:\n  - name: h\n    debug: msg=h\n",
        "  - apt: name=a\n  - debug: msg=x\n  - apt: name=b\n",
        "  - apt: name=a\n  - apt: name=b install_recommends=no\n",
        "  - apt: name=a\n  - apt: name=b\n    environment: {A: b}\n",
    ] {
        let (done, _) = installed(&mut Debian::new(KNOWN), between);
        assert_eq!(done, apart, "{between}");
    }
    let mut held = Debian { held: true, ..Debian::new(KNOWN) };
    let (done, _) = installed(&mut held, "  - apt: name=a\n  - apt: name=b\n");
    assert_eq!(done, apart, "each change of a reviewed plan is one that was reviewed");
}

#[test]
fn a_neighbour_that_cannot_be_installed_fails_by_itself() {
    judged(
        "  - apt: name=a\n  - apt: name=b\n  - apt: name=bad\n  - apt: name=c\n",
        &["a b", "bad"],
        &[true, true, false],
    );
}
