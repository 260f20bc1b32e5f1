//! Lookups: a row each in a table by topic.

mod aws;
mod config;
mod files;
mod filetree;
mod lists;
mod password;
mod tables;
mod variables;

use super::args::Given;
use super::datum::Datum;
use super::error::{TemplateError, TemplateTrouble, nearest};
use super::python;
use super::run::Run;
use crate::roles::remote::RemoteError;
use crate::roles::value::{Key, Map, Text, Value};

type Outcome = Result<Vec<Value>, TemplateError>;

/// A lookup.
pub(super) struct Lookup {
    /// Its name, fully qualified outside `ansible.builtin`.
    pub(super) name: &'static str,
    /// Its options.
    pub(super) options: &'static [&'static str],
    /// What it does.
    pub(super) run: fn(&mut Run<'_>, Vec<Value>, &Options) -> Outcome,
}

static TABLE: &[&[Lookup]] = &[
    lists::LOOKUPS,
    variables::LOOKUPS,
    files::LOOKUPS,
    filetree::LOOKUPS,
    password::LOOKUPS,
    tables::LOOKUPS,
    config::LOOKUPS,
    aws::LOOKUPS,
];

/// Lookups that Ansible documents and muster does not do, and why.
const REFUSED: &[(&str, &str)] = &[
    ("community.general.passwordstore", "keep secrets in Secrets Manager or SSM"),
    ("community.general.dig", "muster asks no name server for a role"),
];

/// A lookup's options.
pub(super) struct Options(Map);

impl Options {
    /// An option, unless it is null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&Key::from(name)).filter(|value| !matches!(value, Value::Null))
    }

    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An option as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(python::text)
    }

    /// An option's truth.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| match value {
            Value::Str(text) => {
                matches!(text.expose().to_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y" | "t")
            }
            other => python::truth(other),
        })
    }
}

fn rows() -> impl Iterator<Item = &'static Lookup> {
    TABLE.iter().flat_map(|rows| rows.iter())
}

fn find(name: &str) -> Option<&'static Lookup> {
    let plain = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    rows().find(|row| row.name == plain || row.name.rsplit_once('.').is_some_and(|(_, short)| short == plain))
}

/// What is wrong with a lookup's name, if anything is.
pub(super) fn problem(name: &str) -> Option<TemplateError> {
    if find(name).is_some() {
        return None;
    }
    Some(TemplateError::no_such("lookup", name, REFUSED, names()))
}

/// What is wrong with an option's name, if anything is.
pub(super) fn option_problem(lookup: &str, option: &str) -> Option<TemplateError> {
    let row = find(lookup).filter(|row| !row.options.contains(&option))?;
    let mut error =
        TemplateError::new(TemplateTrouble::Syntax, format!("lookup `{}` has no option `{option}`", row.name));
    error.hint = nearest(option, row.options.iter().copied());
    Some(error)
}

/// Every name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    rows().map(|row| row.name)
}

/// `lookup()` and `query()`.
pub(super) fn call(run: &mut Run<'_>, given: Given, query: bool) -> Result<Datum, TemplateError> {
    let mut terms = Vec::with_capacity(given.positional.len());
    for datum in given.positional {
        terms.push(run.deep(datum)?);
    }
    let mut options = Map::new();
    for (name, datum) in given.named {
        options.insert(Key::Str(name), run.deep(datum)?);
    }
    if terms.is_empty() {
        return Err(TemplateError::failed("lookup() takes a lookup's name"));
    }
    let name = python::text(&terms.remove(0));
    let mut take = |name: &str| options.shift_remove(&Key::from(name));
    let want_list = take("wantlist").map_or(query, |value| python::truth(&value));
    let on_error = take("errors").map_or_else(|| "strict".to_owned(), |value| python::text(&value));
    match (self::run(run, &name, terms, options), on_error.as_str()) {
        (Ok(items), _) => Ok(Datum::Value(if want_list { Value::list(items) } else { single(items) })),
        (Err(error), "ignore" | "warn") if !error.is_unknown() && error.kind != TemplateTrouble::Syntax => {
            Ok(Datum::Value(if want_list { Value::list([]) } else { Value::Null }))
        }
        (Err(error), _) => Err(error),
    }
}

/// `lookup()` yields one item as it is, and several texts joined by commas.
fn single(mut items: Vec<Value>) -> Value {
    if items.len() == 1 {
        return items.swap_remove(0);
    }
    if items.is_empty() || !items.iter().all(|item| matches!(item, Value::Str(_))) {
        return Value::list(items);
    }
    let secret = items.iter().any(Value::has_secret);
    let joined = items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    Value::Str(if secret { Text::secret(joined) } else { Text::open(joined) })
}

/// Runs a lookup by name.
pub(super) fn run(run: &mut Run<'_>, name: &str, terms: Vec<Value>, options: Map) -> Outcome {
    let Some(row) = find(name) else { return Err(TemplateError::no_such("lookup", name, REFUSED, names())) };
    if let Some(error) = options.keys().find_map(|key| option_problem(name, &key.to_string())) {
        return Err(error);
    }
    (row.run)(run, terms, &Options(options))
}

/// An error of a lookup.
pub(super) fn lost(message: impl Into<String>) -> TemplateError {
    TemplateError::new(TemplateTrouble::Lookup, message)
}

/// A question to the network that came to nothing.
fn remote(error: &RemoteError) -> TemplateError {
    let mut out = lost(error.message.as_str());
    out.hint.clone_from(&error.hint);
    out
}
