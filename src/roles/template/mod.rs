//! Jinja2 as Ansible speaks it, over lazily templated variables.
//!
//! `parse` and `lower` make the tree (minijinja's parser), `run`, `eval`, `exec` and `compose` walk it, `filters`, `tests`, `lookups` and
//! `globals` are the vocabulary, a file a topic. Where Ansible 2.16 and 2.19 differ, 2.19's results hold, except that
//! conditions take any value for its truth. What Python does and a Rust reader would not expect is in `python`.

mod args;
mod call;
#[cfg(test)]
mod comparison;
mod compose;
mod datum;
mod dump;
mod error;
mod eval;
mod exec;
mod filters;
mod finish;
#[cfg(test)]
mod fixture;
mod globals;
mod header;
mod inspect;
mod lookups;
mod lower;
mod macros;
mod members;
mod methods;
mod operators;
mod output;
mod parse;
mod place;
mod plugin;
mod plus;
mod python;
mod run;
mod shape;
mod syntax;
mod templar;
mod tests;

/// `json.dumps`.
pub fn json_text(value: &Value) -> Result<String, String> {
    dump::json(value, &dump::JsonLayout::default())
}

/// `repr()` of a value. Secrets are written out: it is the caller's to hide them.
pub(in crate::roles) fn python_repr(value: &crate::roles::value::Value) -> String {
    python::repr(value)
}

pub use error::{TemplateError, TemplateTrouble};
pub(in crate::roles) use header::plain_options;
pub use inspect::{Inspection, LookupUse};
pub use templar::Templar;
pub(in crate::roles) use templar::untrusted;

use crate::host::Observe;
use crate::roles::modules::Tree;
use crate::roles::remote::Remote;
use crate::roles::value::Value;

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A value, itself templated when read.
    Value(Value),
    /// There is no such variable.
    Undefined,
    /// It will have a value once the plan is applied.
    Unknown,
}

/// The variables that a template sees.
pub trait Scope {
    /// What a name stands for.
    fn get(&self, name: &str) -> Binding;
    /// One member of a name whose members are looked up as they are read; `None` where the name is taken as a whole.
    fn member(&self, _name: &str, _key: &str) -> Option<Value> {
        None
    }
    /// Every name, for `varnames`, `vars` and hints.
    fn names(&self) -> Vec<String>;
}

/// What filters, tests and lookups may ask.
pub struct Services<'a> {
    /// The network.
    pub remote: &'a dyn Remote,
    /// The verified tree.
    pub tree: &'a dyn Tree,
    /// What `lookup('env')` sees.
    pub environment: &'a [(String, String)],
    /// The machine.
    pub host: &'a dyn Observe,
}

/// A condition's answer where some values may not be known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It depends on a value that is known only at apply.
    Unknown,
}
