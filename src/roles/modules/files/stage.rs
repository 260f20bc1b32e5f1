//! Where the file modules' tests play: an empty machine under an overlay, and a tree with a few files.

use crate::host::{Attributes, Change, FileWrite, Host, Observe, Overlay, Void};
use crate::roles::modules::{Actor, Eyes, Failed, Module, Plan, RenderOptions, Tree, find};
use crate::roles::remote::{Offline, Remote};
use crate::roles::value::Value;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A machine and a tree.
pub struct Stage {
    /// The machine.
    pub machine: Overlay<Void>,
    /// The tree's files below `/tree`.
    pub tree: BTreeMap<PathBuf, Vec<u8>>,
    /// The network.
    pub remote: Box<dyn Remote>,
}

/// What a task did.
pub struct Outcome {
    /// Whether it counts as changed.
    pub changed: bool,
    /// Its result.
    pub result: Json,
    /// The plan's diffs.
    pub diff: Vec<crate::roles::modules::Diff>,
    /// How many changes there were.
    pub changes: usize,
}

impl Stage {
    /// An empty machine.
    pub fn new() -> Self {
        Self { machine: Overlay::new(Void::new()), tree: BTreeMap::new(), remote: Box::new(Offline) }
    }

    /// With a file, its directories made.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        for directory in
            Path::new(path).ancestors().skip(usize::from(!path.ends_with('/'))).collect::<Vec<_>>().into_iter().rev()
        {
            if self.machine.stat(directory, true).expect("stat").is_none() {
                let change = Change::MakeDirectory { path: directory.to_owned(), attributes: Attributes::default() };
                self.machine.apply(&change).expect("directory");
            }
        }
        if !path.ends_with('/') {
            self.machine.apply(&Change::Write(FileWrite::new(path, content))).expect("file");
        }
        self
    }

    /// With a symbolic link.
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.machine.apply(&Change::Symlink { path: path.into(), target: target.into() }).expect("link");
        self
    }

    /// With a file of the tree.
    pub fn source(mut self, path: &str, content: &[u8]) -> Self {
        self.tree.insert(Path::new("/tree").join(path), content.to_vec());
        self
    }

    /// Plans a task.
    pub fn plan(&self, module: &str, arguments: &Json) -> Result<Plan, Failed> {
        let module = read(module, arguments)?;
        let tree = Files(&self.tree);
        module.plan(&self.eyes(&tree))
    }

    fn eyes<'a>(&'a self, tree: &'a Files<'a>) -> Eyes<'a> {
        Eyes { host: &self.machine, remote: &*self.remote, tree, environment: &[], become_user: None }
    }

    /// Runs a task to its end.
    pub fn run(&mut self, module: &str, arguments: Json) -> Result<Outcome, Failed> {
        let mut plan = self.plan(module, &arguments)?;
        let mut effects = Vec::new();
        for change in &plan.changes {
            effects.push(self.machine.apply(change)?);
        }
        let (changed, changes) = (plan.changed.unwrap_or(!plan.changes.is_empty()), plan.changes.len());
        let mut result = plan.result;
        if let Some(next) = plan.next.take() {
            let tree = Files(&self.tree);
            result.extend(next(&self.eyes(&tree), &effects)?.result);
        }
        let result = Value::Map(result.into()).to_json();
        Ok(Outcome { changed, result, diff: plan.diff, changes })
    }

    /// A file's text.
    pub fn text(&self, path: &str) -> String {
        let bytes = self.machine.read(Path::new(path)).expect("read").unwrap_or_else(|| panic!("{path} is absent"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A path's permission bits.
    pub fn mode(&self, path: &str) -> u32 {
        self.machine.stat(Path::new(path), false).expect("stat").unwrap_or_else(|| panic!("{path} is absent")).mode
    }
}

fn read(module: &str, arguments: &Json) -> Result<Box<dyn Module>, Failed> {
    let row = find(module).unwrap_or_else(|| panic!("no module {module}"));
    let value = Value::from_json(arguments);
    let refused = |error: crate::roles::modules::ArgError| Failed::new(error.to_string());
    let mut args = row.spec.accept(value.as_map().expect("a mapping")).map_err(refused)?;
    match row.actor {
        Actor::Host(reader) => reader(&mut args).map_err(refused),
        Actor::Engine => panic!("{module} is the engine's"),
    }
}

/// Runs a task twice: the second time nothing changes.
pub fn converges(stage: &mut Stage, module: &str, arguments: Json) -> Outcome {
    let first = stage.run(module, arguments.clone()).unwrap_or_else(|error| panic!("{module} {arguments}: {error}"));
    let second = stage.run(module, arguments.clone()).unwrap_or_else(|error| panic!("{module} {arguments}: {error}"));
    assert!(!second.changed && second.changes == 0, "{module} {arguments} changes again");
    first
}

struct Files<'a>(&'a BTreeMap<PathBuf, Vec<u8>>);

impl Tree for Files<'_> {
    fn resolve(&self, _: &str, name: &str) -> Result<PathBuf, Failed> {
        let path = Path::new("/tree").join(name);
        let there = self.0.keys().any(|file| file.starts_with(&path));
        if there { Ok(path) } else { Err(Failed::new(format!("could not find {name}"))) }
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed> {
        self.0.get(path).cloned().ok_or_else(|| Failed::new(format!("no {}", path.display())))
    }
    fn walk(&self, path: &Path) -> Result<Vec<(PathBuf, bool)>, Failed> {
        if self.0.contains_key(path) {
            return Err(Failed::new("not a directory"));
        }
        let mut all = Vec::new();
        for file in self.0.keys().filter_map(|file| file.strip_prefix(path).ok()) {
            let parents: Vec<_> = file.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
            for directory in parents.into_iter().rev() {
                if !all.iter().any(|(have, _)| have == directory) {
                    all.push((directory.to_owned(), true));
                }
            }
            all.push((file.to_owned(), false));
        }
        Ok(all)
    }
    fn mode(&self, _: &Path) -> Result<u32, Failed> {
        Ok(0o750)
    }
    fn render(&self, path: &Path, options: &RenderOptions) -> Result<Value, Failed> {
        let text = String::from_utf8(self.read(path)?).map_err(|error| Failed::new(error.to_string()))?;
        if text.contains("SECRET") {
            return Ok(Value::secret(text));
        }
        Ok(Value::str(text.replace("{{ dest }}", &options.destination.to_string_lossy())))
    }
}

/// Every example of every file module converges.
#[test]
fn examples_converge() {
    use super::{blockinfile, copy, file, lineinfile, replace, stat, template};
    for spec in
        [&file::SPEC, &copy::SPEC, &template::SPEC, &stat::SPEC, &lineinfile::SPEC, &blockinfile::SPEC, &replace::SPEC]
    {
        for example in spec.examples {
            let task: Json = serde_yaml::from_str(example).expect("an example is YAML");
            let arguments = task.as_object().and_then(|task| task.values().next()).cloned().unwrap_or(json!({}));
            let mut stage = Stage::new()
                .file("/etc/app.conf", "a=1\nb=2\n")
                .source("app.conf", b"one\n")
                .source("app.conf.j2", b"for {{ dest }}\n");
            converges(&mut stage, spec.name, arguments);
        }
    }
}

/// What ansible-core 2.19 answered, case by case: the file before, the arguments, whether it changed, the message, the
/// file after.
#[test]
fn edits_are_as_ansibles() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("answers.json")).expect("cases");
    let mut wrong = Vec::new();
    for case in &cases {
        let mut stage = match case["before"].as_str() {
            Some(text) => Stage::new().file("/f", text),
            None => Stage::new(),
        };
        let mut arguments = case["args"].clone();
        arguments["path"] = json!("/f");
        let ours = match stage.run(case["module"].as_str().expect("module"), arguments) {
            Err(_) => json!({"failed": true}),
            Ok(done) => {
                let there = stage.machine.stat(Path::new("/f"), true).expect("stat").is_some();
                let after = if there { json!(stage.text("/f")) } else { Json::Null };
                json!({"changed": done.changed, "msg": done.result["msg"], "after": after})
            }
        };
        if ours != case["answer"] {
            wrong.push(format!("{case}\n  ours: {ours}"));
        }
    }
    assert!(cases.len() > 60 && wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
