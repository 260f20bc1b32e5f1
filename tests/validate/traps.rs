//! Reads `traps/*.yaml`, makes each machine in memory, and judges it.

use muster::host::{Attributes, Change, FileWrite, Host, Overlay, Void};
use muster::validate::control::Check;
use muster::validate::site::Site;
use muster::validate::{Control, Machine, Verdict, judge};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A machine, what is asked of it, and what the truth is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    trap: String,
    check: serde_yaml::Value,
    #[serde(default)]
    site: Site,
    #[serde(flatten)]
    scene: Scene,
    twin: Scene,
}

#[derive(Clone, Deserialize)]
struct Scene {
    /// Files by path. In a twin they are laid over those of the trap; null takes one away.
    #[serde(default)]
    files: BTreeMap<String, Option<Written>>,
    /// What programs of the running system answer. Any makes it a running system, and so does a file of /proc.
    #[serde(default)]
    asks: BTreeMap<String, Answer>,
    /// Whether there is a running system.
    #[serde(default)]
    running: Option<bool>,
    verdict: String,
    /// A place that the evidence has to name, as `/etc/ssh/sshd_config:2`.
    #[serde(default)]
    shows: Option<String>,
}

/// What a program says, and the code that it ends with.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Answer {
    Text(String),
    Coded { code: i32, text: String },
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Link {
        link: String,
    },
    Directory {
        directory: bool,
        #[serde(default)]
        mode: Option<u32>,
        #[serde(default)]
        owner: u32,
        #[serde(default)]
        group: u32,
    },
    File {
        text: String,
        #[serde(default)]
        mode: Option<u32>,
        #[serde(default)]
        owner: u32,
        #[serde(default)]
        group: u32,
    },
}

impl Scene {
    /// The twin of this scene.
    fn with(&self, twin: &Self) -> Self {
        let mut files = self.files.clone();
        files.extend(twin.files.clone());
        let mut asks = self.asks.clone();
        asks.extend(twin.asks.clone());
        let running = twin.running.or(self.running);
        Self { files, asks, running, verdict: twin.verdict.clone(), shows: twin.shows.clone() }
    }

    fn machine(&self) -> Overlay<Void> {
        let mut void = Void::new();
        for (asked, answer) in &self.asks {
            void = match answer {
                Answer::Text(text) => void.answering(asked, 0, text),
                Answer::Coded { code, text } => void.answering(asked, *code, text),
            };
        }
        let mut host = Overlay::new(void);
        let mut made = BTreeSet::new();
        let mut apply = |change: Change| host.apply(&change).map(|_| ()).unwrap_or_else(|error| panic!("{error}"));
        for (path, written) in &self.files {
            let Some(written) = written else { continue };
            let parents: Vec<&Path> = Path::new(path).ancestors().skip(1).filter(|p| p.parent().is_some()).collect();
            for parent in parents.into_iter().rev().filter(|parent| made.insert(parent.to_path_buf())) {
                apply(directory(parent, Some(0o755), 0, 0));
            }
            apply(match written {
                Written::Text(text) => file(path, text, Some(0o644), 0, 0),
                Written::File { text, mode, owner, group } => file(path, text, *mode, *owner, *group),
                Written::Link { link } => Change::Symlink { path: path.into(), target: link.into() },
                Written::Directory { directory: true, mode, owner, group } => {
                    made.insert(path.into());
                    directory(Path::new(path), *mode, *owner, *group)
                }
                Written::Directory { .. } => panic!("{path}: `directory: true` or nothing"),
            });
        }
        host
    }

    fn runs(&self) -> bool {
        let live = self.files.keys().any(|path| path.starts_with("/proc/") || path.starts_with("/sys/"));
        self.running.unwrap_or(live || !self.asks.is_empty())
    }

    /// What is wrong with the verdict, if anything is.
    fn judge(&self, control: &Control, site: &Site, what: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let host = self.machine();
        let machine = Machine::new(&host, self.runs(), site.clone());
        let judged = judge::judge(control, &machine, "ubuntu");
        if judged.verdict.name() != self.verdict {
            let (is, seen) = (judged.verdict.name(), &judged.evidence);
            wrong.push(format!("{what}: {is}, and not {}: {seen:#?}", self.verdict));
        }
        if let Some(place) = &self.shows {
            let at = |one: &muster::validate::Evidence| match one.line {
                Some(line) => format!("{}:{line}", one.read),
                None => one.read.clone(),
            };
            let places: Vec<String> = judged.evidence.iter().map(at).collect();
            if !places.contains(place) {
                wrong.push(format!("{what}: no evidence at {place}: {:#?}", judged.evidence));
            }
        }
        if let Verdict::NotApplicable { reason } | Verdict::CouldNotLook { reason } = &judged.verdict {
            assert!(!reason.is_empty(), "{what}: a verdict without its reason");
        }
        wrong
    }
}

fn attributes(mode: Option<u32>, uid: u32, gid: u32) -> Attributes {
    Attributes { mode: mode.or(Some(0o644)), uid: Some(uid), gid: Some(gid) }
}

fn directory(path: &Path, mode: Option<u32>, uid: u32, gid: u32) -> Change {
    Change::MakeDirectory { path: path.into(), attributes: attributes(mode.or(Some(0o755)), uid, gid) }
}

fn file(path: &str, text: &str, mode: Option<u32>, uid: u32, gid: u32) -> Change {
    let mut write = FileWrite::new(path, text);
    write.attributes = attributes(mode, uid, gid);
    Change::Write(write)
}

fn cases() -> Vec<(String, Case)> {
    let directory = support::source().join("tests/validate/traps");
    let mut files: Vec<_> = std::fs::read_dir(directory).expect("traps").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("read");
        let cases: Vec<Case> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        all.extend(cases.into_iter().map(|case| (name.clone(), case)));
    }
    all
}

#[test]
fn every_trap_and_its_twin_are_judged_right() {
    let (mut ids, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, case) in cases() {
        assert!(ids.insert(case.id.clone()), "{file}: {} stands twice", case.id);
        let check: Check = serde_yaml::from_value(case.check.clone()).unwrap_or_else(|e| panic!("{}: {e}", case.id));
        let control = Control {
            id: case.id.clone(),
            level: 1,
            title: case.trap.clone(),
            area: "trap".into(),
            why: None,
            when: None,
            otherwise: None,
            except: BTreeMap::new(),
            check,
            fixed_by: Vec::new(),
            by_hand: None,
        };
        let what = format!("{file}: {}: {}", case.id, case.trap);
        assert_ne!(case.scene.verdict, case.twin.verdict, "{what}: a twin has another verdict");
        wrong.extend(case.scene.judge(&control, &case.site, &what));
        wrong.extend(case.scene.with(&case.twin).judge(&control, &case.site, &format!("{what} (its twin)")));
    }
    assert!(wrong.is_empty(), "{} are judged wrong:\n{}", wrong.len(), wrong.join("\n"));
}
