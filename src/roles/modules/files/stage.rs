//! Where the file modules' tests play: an empty machine under an overlay, and a tree with a few files.

use crate::host::{Attributes, Change, Content, Digest, FileWrite, Hasher, Host, Observe, Overlay, Void};
use crate::roles::modules::{Actor, Eyes, Failed, Module, Plan, RenderOptions, Tree, find};
use crate::roles::remote::{
    Object, ObjectName, Offline, Parameter, Remote, RemoteError, Request, Response, SecretValue,
};
use crate::roles::value::Value;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a change that runs a program says; `None` where nobody knows the program.
pub type Programs<O> = fn(&mut Overlay<O>, &Change) -> Option<crate::host::Output>;

/// A machine and a tree.
pub struct Stage<O: Observe = Void> {
    /// The machine.
    pub machine: Overlay<O>,
    /// What its programs do.
    pub programs: Programs<O>,
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
    /// Programs that nobody knows: what they would have done has not been done.
    pub unknown: Vec<String>,
}

impl Stage {
    /// An empty machine.
    pub fn new() -> Self {
        Self::on(Void::new())
    }
}

impl<O: Observe> Stage<O> {
    /// A machine.
    pub fn on(machine: O) -> Self {
        let machine = Overlay::new(machine);
        Self { machine, programs: |_, _| None, tree: BTreeMap::new(), remote: Box::new(Offline) }
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
        Eyes {
            host: &self.machine,
            remote: &*self.remote,
            tree,
            environment: &[],
            inventory_hostname: "localhost",
            become_user: None,
        }
    }

    /// Runs a task to its end.
    pub fn run(&mut self, module: &str, arguments: Json) -> Result<Outcome, Failed> {
        let mut plan = self.plan(module, &arguments)?;
        let (mut result, mut diff, mut unknown) = (crate::roles::value::Map::new(), Vec::new(), Vec::new());
        let (mut said, mut changes) = (None, 0);
        loop {
            let mut effects = Vec::new();
            for change in &plan.changes {
                let mut effect = self.machine.apply(change)?;
                if matches!(change, Change::Run(_) | Change::Packages(_) | Change::Unit { .. }) {
                    effect.output = (self.programs)(&mut self.machine, change);
                    unknown.extend(effect.output.is_none().then(|| change.describe()));
                }
                effects.push(effect);
            }
            changes += plan.changes.len();
            said = plan.changed.or(said);
            diff.extend(plan.diff);
            result.extend(plan.result);
            let Some(next) = plan.next.take() else { break };
            let tree = Files(&self.tree);
            plan = next(&self.eyes(&tree), &effects)?;
        }
        let changed = said.unwrap_or(changes > 0);
        Ok(Outcome { changed, result: Value::Map(result.into()).to_json(), diff, changes, unknown })
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
        Actor::Host(reader) => {
            let module = reader(&mut args).map_err(refused)?;
            Ok(crate::roles::modules::flagged(row.spec, &args, module))
        }
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

/// A network of a few texts: URLs, and objects as `s3://BUCKET/KEY`.
pub struct Web(BTreeMap<String, String>);

impl Web {
    /// Of these.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    fn at(&self, name: &ObjectName) -> Option<&String> {
        self.0.get(&format!("s3://{}/{}", name.bucket, name.key))
    }
}

impl Remote for Web {
    fn parameters(&self, _: &[String]) -> Result<Vec<Option<Parameter>>, RemoteError> {
        Ok(Vec::new())
    }
    fn parameters_by_path(&self, _: &str, _: bool) -> Result<Vec<Parameter>, RemoteError> {
        Ok(Vec::new())
    }
    fn secret(&self, name: &str, _: Option<&str>, _: Option<&str>) -> Result<SecretValue, RemoteError> {
        Err(RemoteError { message: name.to_owned(), hint: None, missing: true })
    }
    fn object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        let missing = || RemoteError { message: format!("no object {}", name.key), hint: None, missing: true };
        let text = self.at(name).ok_or_else(missing)?;
        let body = Content::Bytes(text.as_bytes().into());
        Ok(Object { body, size: text.len() as u64, etag: "parts-2".into(), version: None })
    }
    fn object_head(&self, name: &ObjectName) -> Result<Option<(u64, String)>, RemoteError> {
        let sum = |text: &String| Hasher::of(Digest::Md5, text.as_bytes());
        Ok(self.at(name).map(|text| (text.len() as u64, sum(text))))
    }
    fn objects(&self, bucket: &str, prefix: &str, _: Option<&str>) -> Result<Vec<String>, RemoteError> {
        let below = format!("s3://{bucket}/");
        let keys = self.0.keys().filter_map(|name| name.strip_prefix(&below));
        Ok(keys.filter(|key| key.starts_with(prefix)).map(str::to_owned).collect())
    }
    fn http(&self, request: &Request) -> Result<Response, RemoteError> {
        let text = self.0.get(&request.url);
        let status = if text.is_some() { 200 } else { 404 };
        let bytes = text.cloned().unwrap_or_default().into_bytes();
        let size = bytes.len() as u64;
        Ok(Response { status, url: request.url.clone(), headers: Vec::new(), body: Content::Bytes(bytes.into()), size })
    }
    fn metadata(&self, _: &str) -> Result<Option<String>, RemoteError> {
        Ok(None)
    }
}

/// Every example of every file module converges.
#[test]
fn examples_converge() {
    use super::{
        assemble, blockinfile, copy, fetch, file, find, get_url, ini_file, lineinfile, replace, s3_object, slurp, stat,
        template, unarchive, uri,
    };
    let written = [&file::SPEC, &copy::SPEC, &template::SPEC, &lineinfile::SPEC, &blockinfile::SPEC, &replace::SPEC];
    let others =
        [&stat::SPEC, &find::SPEC, &get_url::SPEC, &s3_object::SPEC, &unarchive::SPEC, &slurp::SPEC, &ini_file::SPEC];
    let more = [&uri::SPEC, &assemble::SPEC, &fetch::SPEC];
    for spec in written.into_iter().chain(others).chain(more) {
        for example in spec.examples {
            let task: Json = serde_yaml::from_str(example).expect("an example is YAML");
            let arguments = task.as_object().and_then(|task| task.values().next()).cloned().unwrap_or(json!({}));
            let mut stage = Stage::new()
                .file("/etc/app.conf", "a=1\nb=2\n")
                .source("app.conf", b"one\n")
                .source("app.tar.gz", &unarchive::tests::packed("gz"))
                .source("app.conf.j2", b"for {{ dest }}\n");
            let texts = [("https://example.com/app.tar.gz", "x"), ("s3://releases/app/release.json", "{}")];
            stage.remote = Box::new(Web::new(texts));
            converges(&mut stage, spec.name, arguments);
        }
    }
}
