//! What a module may look at, and what it answers.

use crate::failure::Place;
use crate::host::{Change, Effect, Observe};
use crate::roles::remote::Remote;
use crate::roles::value::{Key, Map, Value};
use std::path::{Path, PathBuf};

/// All that a module may look at.
pub struct Eyes<'a> {
    /// The machine.
    pub host: &'a dyn Observe,
    /// The network.
    pub remote: &'a dyn Remote,
    /// The verified tree.
    pub tree: &'a dyn Tree,
    /// The task's environment, for programs that it runs.
    pub environment: &'a [(String, String)],
    /// What roles call this host.
    pub inventory_hostname: &'a str,
    /// The user that the task becomes; `None` is the user that muster runs as.
    pub become_user: Option<&'a str>,
}

/// The verified tree, as a task in it sees it: names are searched as Ansible searches them.
pub trait Tree {
    /// The path of a file by the task's search order; `kind` is `files`, `templates`, `vars` or `tasks`.
    fn resolve(&self, kind: &str, name: &str) -> Result<PathBuf, Failed>;
    /// Every path of that name, in the task's search order.
    fn every(&self, kind: &str, name: &str) -> Vec<PathBuf> {
        self.resolve(kind, name).into_iter().collect()
    }
    /// Where programs run and relative paths begin: the playbook's directory, where the tree lies on the host.
    fn directory(&self) -> Option<&Path> {
        None
    }
    /// A file of the tree.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed>;
    /// Whether a file of the tree is encrypted there: its bytes are then not to be shown.
    fn sealed(&self, _: &Path) -> bool {
        false
    }
    /// The files below a directory of the tree, relative, sorted, with whether each is a directory.
    fn walk(&self, path: &Path) -> Result<Vec<(PathBuf, bool)>, Failed>;
    /// Whether a file of the tree is executable.
    fn mode(&self, path: &Path) -> Result<u32, Failed>;
    /// Renders a template file; the value is secret where it read a secret.
    fn render(&self, path: &Path, options: &RenderOptions) -> Result<Value, Failed>;
}

/// How `template` renders.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// `trim_blocks`.
    pub trim_blocks: bool,
    /// `lstrip_blocks`.
    pub lstrip_blocks: bool,
    /// `newline_sequence`.
    pub newline_sequence: String,
    /// `variable_start_string`, `variable_end_string`.
    pub variable: (String, String),
    /// `block_start_string`, `block_end_string`.
    pub block: (String, String),
    /// `comment_start_string`, `comment_end_string`.
    pub comment: (String, String),
    /// What a line begins with that is a statement, or a comment: the template's first line may say so.
    pub line_statement: Option<String>,
    /// The same of a comment.
    pub line_comment: Option<String>,
    /// The destination, for `template_destpath`.
    pub destination: PathBuf,
}

/// How a file or another text changes, for people.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Diff {
    /// What `before` is.
    pub before_header: String,
    /// The old text; absent where it must not be seen or is not text.
    pub before: Option<String>,
    /// What `after` is.
    pub after_header: String,
    /// The new text; absent where it must not be seen or is not text.
    pub after: Option<String>,
}

/// What to do after a plan's changes: look again, with what they did.
pub type Next = Box<dyn FnOnce(&Eyes<'_>, &[Effect]) -> Result<Plan, Failed>>;

/// A module's answer.
#[derive(Default)]
pub struct Plan {
    /// What to alter, in order.
    pub changes: Vec<Change>,
    /// Members of the task's result beside `changed`.
    pub result: Map,
    /// Whether the task counts as changed; by default it does where there are changes.
    pub changed: Option<bool>,
    /// For people.
    pub diff: Vec<Diff>,
    /// What follows once the changes are made. Its plan's result is laid over this one's.
    pub next: Option<Next>,
    /// Whether the changes take back what an earlier one of the same task has left when it failed: a reviewed plan, in
    /// which nothing failed, does not have them.
    pub recovers: bool,
    /// Why the result only shows when the changes are really made: a program was not run.
    pub undecided: Option<String>,
}

impl Plan {
    /// Nothing to change.
    pub fn unchanged() -> Self {
        Self::default()
    }

    /// The same plan with a member of the result.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.result.insert(Key::from(key), value.into());
        self
    }

    /// Adds a warning to the result.
    pub fn warn(&mut self, warning: impl Into<String>) {
        let key = Key::from("warnings");
        let have = self.result.get(&key).and_then(Value::as_list).unwrap_or_default().to_vec();
        self.result.insert(key, Value::list(have.into_iter().chain([Value::from(warning.into())])));
    }
}

/// A module that failed: Ansible's `msg`, and what else belongs to the result.
#[derive(Debug, Default)]
pub struct Failed {
    /// What was attempted, on what, and why it did not work.
    pub message: String,
    /// Other members of the result (`rc`, `stderr`, ...).
    pub result: Map,
    /// What to do next.
    pub hint: Option<String>,
    /// Where what failed is written, where that is not the task itself: a line of a template.
    pub place: Option<Box<Place>>,
    /// Whether it is no failure yet: it needs a value that is known only when the plan is applied.
    pub undecided: bool,
}

impl Failed {
    /// A message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// The same failure with a member of the result.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.result.insert(Key::from(key), value.into());
        self
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

impl From<crate::host::HostError> for Failed {
    fn from(error: crate::host::HostError) -> Self {
        Self::new(error.to_string())
    }
}
