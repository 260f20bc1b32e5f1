//! What is mutated of roles: YAML, whole trees, free forms, patterns, templates, plans, vaults; playbooks that run; a part of `tests/trust/fuzz`.
#![expect(clippy::disallowed_methods, reason = "it sets the stage")]

use crate::target::{Target, Verdict};
use muster::failure::Place;
use muster::host::{Overlay, Void};
use muster::roles::converge::{Input, KnownNames, Limits, Machine, Variables, converge};
use muster::roles::lint::lint;
use muster::roles::load::{Directory, Loader, parse_pairs, split};
use muster::roles::modules::{Diff, Failed, RenderOptions, Tree};
use muster::roles::pattern::{Flags, Pattern};
use muster::roles::plan::{FORMAT, Inputs, PlanFile, Step};
use muster::roles::remote::Offline;
use muster::roles::template::{Binding, Scope, Services, Templar};
use muster::roles::value::{Template, Value};
use muster::roles::vault::Vault;
use muster::roles::yaml;
use muster::secret::{Redactor, Secret};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a play may wait for anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `ansible-vault` makes of `secret: hunter2` with the passphrase `pass`.
const SEALED: &str = "$ANSIBLE_VAULT;1.1;AES256
34306639373764313632386537626234386565303135396264333463356235353731613861646266
6165306362306631306331646434653931633265396461300a623166653965323130373432343361
66333163373035643564643937303231383765353731646531623239373364623735303666363862
6438316131613338310a636462333363346536656138313635653830663734616435393433653963
61613837326463306661623865643833633737353539653561646661386338306434
";

fn told<T, E>(result: &Result<T, E>) -> Verdict {
    if result.is_ok() { Verdict::Taken } else { Verdict::Refused }
}

/// A parser of texts. A few lines of a long seed are a seed too.
fn text(name: &'static str, seeds: Vec<String>, mut run: impl FnMut(&str) -> Verdict + 'static) -> Target {
    let pieces = seeds.iter().flat_map(|seed| {
        let lines: Vec<&str> = seed.split_inclusive('\n').collect();
        let size = if seed.len() < 600 { lines.len().max(1) } else { 12 };
        lines.chunks(size).map(|piece| piece.concat().into_bytes()).collect::<Vec<_>>()
    });
    let run = Box::new(move |bytes: &[u8]| run(&String::from_utf8_lossy(bytes)));
    Target { name, seeds: pieces.collect(), run, taken: 0, refused: 0, took: Duration::ZERO }
}

/// Every one.
pub fn all() -> Vec<Target> {
    vec![documents(), trees(), plays(), free_forms(), templates(), plans(), vaults()]
}

fn below(directory: &Path, ends: &[&str], into: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            below(&path, ends, into);
        } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            into.extend(std::fs::read_to_string(&path).ok().filter(|text| !text.is_empty() && text.len() < 1 << 16));
        }
    }
}

/// Every file of this repository's roles and cases whose name ends so, and of a directory that the caller names.
fn corpus(ends: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let here = support::source();
    ["roles", "tests/ansible/cases", "tests/first_boot"]
        .iter()
        .for_each(|part| below(&here.join(part), ends, &mut found));
    if let Some(more) = std::env::var_os("FUZZ_CORPUS") {
        below(&PathBuf::from(more), ends, &mut found);
    }
    // The order in which a directory lists its files is no part of a seed.
    found.sort();
    found
}

fn documents() -> Target {
    text("yaml", corpus(&[".yml", ".yaml"]), |text| {
        let read = yaml::read("f.yml", text);
        if let Ok(document) = &read {
            drop((document.root.value().to_json(), document.root.map()));
        }
        told(&read)
    })
}

/// Playbooks and tasks, by everything that judges them before a run.
fn trees() -> Target {
    let root = tempfile::tempdir().expect("a directory");
    let tasks = root.path().join("roles/r/tasks");
    std::fs::create_dir_all(&tasks).expect("a role");
    text("tree", corpus(&[".yml", ".yaml"]), move |text| {
        std::fs::write(tasks.join("main.yml"), text).expect("tasks");
        std::fs::write(root.path().join("site.yml"), text).expect("a playbook");
        match lint(root.path(), root.path(), true) {
            Ok(report) if report.findings.is_empty() => Verdict::Taken,
            _ => Verdict::Refused,
        }
    })
}

/// Playbooks, run over a machine that only remembers. What waits does so no longer than its deadline.
fn plays() -> Target {
    let root = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(root.path().join("roles/r/tasks")).expect("a role");
    std::fs::write(root.path().join("roles/r/tasks/main.yml"), "- debug: {msg: '{{ a }}'}\n").expect("tasks");
    text("play", corpus(&[".yml", ".yaml"]), move |text| {
        // A file of tasks, and of variables, is a playbook with them.
        let text = match yaml::read("f.yml", text) {
            Ok(document)
                if document.root.list().is_some_and(|list| list.iter().any(|one| one.get("hosts").is_some())) =>
            {
                text.to_owned()
            }
            Ok(document) if document.root.list().is_some() => {
                format!(
                    "- hosts: all\n  gather_facts: no\n  tasks:\n  {}",
                    text.trim_start_matches("---\n").replace('\n', "\n  ")
                )
            }
            _ => return Verdict::Refused,
        };
        std::fs::write(root.path().join("site.yml"), text).expect("a playbook");
        let tree = Directory::new(root.path()).expect("a tree");
        let loader = Loader::new(Arc::new(tree), &[]);
        let (templar, variables, mut host) = (Templar::new(), Variables::default(), Overlay::new(Void::new()));
        let names =
            KnownNames { loader: &loader, templar: &templar, host: &host, remote: &Offline, variables: &variables };
        let Ok(playbook) = loader.playbook(Path::new("site.yml"), &names) else { return Verdict::Refused };
        let limits = Limits { deadline: Some(Instant::now() + PATIENCE), stopped: None };
        let input = Input { check: true, limits, ..Input::default() };
        let machine = Machine { host: &mut host, remote: &Offline, real: None };
        match converge(&input, &playbook, &loader, &templar, machine, &mut ()).error {
            None => Verdict::Taken,
            Some(_) => Verdict::Refused,
        }
    })
}

/// Expressions that ansible-core answered, and template files.
fn expressions() -> Vec<String> {
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../expressions.json")).expect("the table of expressions");
    let cases = table["cases"].as_array().expect("cases").iter();
    let mut found: Vec<String> = cases.filter_map(|case| Some(case["template"].as_str()?.to_owned())).collect();
    // Passwords are hashed slowly on purpose.
    found.retain(|text| !text.contains("password_hash"));
    found.extend(corpus(&[".j2"]));
    found
}

fn free_forms() -> Target {
    let written = [
        "a=1 b='x y' c={{ d e }}",
        r"(?P<n>a|b)*(?<!c)\d{2,}[^\]x-z]$",
        "creates=/x chdir=/y echo {{ z }}",
        r"\g<0>\1\g<n>",
    ];
    let seeds = written.into_iter().map(str::to_owned).chain(expressions()).collect();
    text("free form", seeds, |text| {
        drop(split(text));
        if let Ok(pattern) = Pattern::new(text, Flags::default()) {
            drop((pattern.find("a b é\nx=1"), pattern.replace_all("a b é\nx=1", text)));
        }
        told(&parse_pairs(text, text.len() % 2 == 0))
    })
}

/// Nothing but a few variables.
struct Few;

impl Scope for Few {
    fn get(&self, name: &str) -> Binding {
        match name {
            "name" | "x" | "text" | "path" => Binding::Value(Value::str("é日 text")),
            "n" | "number" => Binding::Value(Value::Int(-7)),
            "f" => Binding::Value(Value::Float(2.5)),
            "items" | "list" | "words" => Binding::Value(Value::list([Value::Int(1), Value::str("a"), Value::Null])),
            "map" => Binding::Value(Value::map([("a", Value::Float(0.5)), ("é", Value::list([]))])),
            "later" => Binding::Unknown,
            "key" => Binding::Value(Value::secret("hunter2")),
            _ => Binding::Undefined,
        }
    }

    fn names(&self) -> Vec<String> {
        ["name", "x", "n", "number", "items", "list", "map"].map(str::to_owned).to_vec()
    }
}

/// A tree without files.
pub struct Bare;

fn no_file(name: &str) -> Failed {
    Failed::new(format!("{name} is not there"))
}

impl Tree for Bare {
    fn resolve(&self, _: &str, name: &str) -> Result<PathBuf, Failed> {
        Err(no_file(name))
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed> {
        Err(no_file(&path.to_string_lossy()))
    }
    fn walk(&self, _: &Path) -> Result<Vec<(PathBuf, bool)>, Failed> {
        Ok(Vec::new())
    }
    fn mode(&self, _: &Path) -> Result<u32, Failed> {
        Ok(0o644)
    }
    fn render(&self, path: &Path, _: &RenderOptions) -> Result<Value, Failed> {
        Err(no_file(&path.to_string_lossy()))
    }
}

fn templates() -> Target {
    let host = Void::new();
    let place = Place { file: "f.yml".into(), line: 1, column: 1, excerpt: None };
    text("template", expressions(), move |text| {
        let services = Services { remote: &Offline, tree: &Bare, environment: &[], host: &host };
        // A new one each time: it keeps what it has parsed.
        let templar = Templar::new();
        drop((templar.inspect_file(text, "f.j2"), templar.inspect_expression(text, &place)));
        let bare = text.trim().trim_start_matches("{{").trim_end_matches("}}");
        drop(templar.expression(&Few, &services, bare, &place));
        let template = Value::Template(Arc::new(Template::new(text, place.clone())));
        told(&templar.render(&Few, &services, &template))
    })
}

fn plans() -> Target {
    let diff = Diff { before: Some("a\n".into()), after: Some("b\n".into()), ..Diff::default() };
    let step = Step {
        task: "copy".into(),
        role: Some("r".into()),
        place: "roles/r/tasks/main.yml:1:3".into(),
        handler: false,
        include: false,
        turn: 1,
        item: Some("a".into()),
        undecided: None,
        changes: vec!["write /etc/x".into()],
        diff: vec![diff],
    };
    let plan = PlanFile {
        format: FORMAT.into(),
        made: jiff::Timestamp::UNIX_EPOCH,
        inputs: Inputs { muster: "0".into(), tree: "t".into(), ..Inputs::default() },
        steps: vec![step],
        seen: [("/etc/x".to_owned(), "absent".to_owned())].into(),
        recap: Default::default(),
    };
    let seed = serde_json::to_string(&plan).expect("a plan");
    let root = tempfile::tempdir().expect("a directory");
    text("plan", vec![seed], move |text| {
        let path = root.path().join("plan");
        std::fs::write(&path, text).expect("a file");
        told(&PlanFile::read(&path))
    })
}

fn vaults() -> Target {
    let vault = || Vault::new(Redactor::default()).with("default", Box::new(|| Ok(Secret::new("pass".to_owned()))));
    assert_eq!(vault().open_text(SEALED).expect("the seed opens"), "secret: hunter2\n");
    text("vault", vec![SEALED.to_owned()], move |text| match vault().open_text(text) {
        Ok(opened) if opened == "secret: hunter2\n" => Verdict::Taken,
        // Its bytes are authenticated.
        Ok(_) => Verdict::Forged,
        Err(_) => Verdict::Refused,
    })
}
