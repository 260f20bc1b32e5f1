//! Filters and tests as the rows of a table: a name, parameters, and what it does.

use super::args::{Args, Given};
use super::datum::Datum;
use super::error::TemplateError;
use super::run::Run;
use crate::roles::value::Value;

/// A filter or a test: `V` is what one on finished values gives, `R` what the evaluation goes on with.
pub(super) struct Plugin<V: 'static, R: 'static> {
    /// Its name, fully qualified outside Jinja2 and `ansible.builtin`.
    pub(super) name: &'static str,
    /// Its parameters after the input, as [`Args::bind`] takes them.
    params: &'static [&'static str],
    apply: Apply<V, R>,
}

/// On finished values.
type OfValues<V> = fn(&Value, &Args) -> Result<V, String>;
/// With the evaluation: it takes what is lazy or undefined, or asks the machine.
type OfRun<R> = fn(&mut Run<'_>, Datum, &Given) -> Result<R, TemplateError>;

enum Apply<V: 'static, R: 'static> {
    Values(OfValues<V>),
    Run(OfRun<R>),
}

impl<V, R> Plugin<V, R> {
    /// One that takes finished values only.
    pub(super) const fn values(name: &'static str, params: &'static [&'static str], apply: OfValues<V>) -> Self {
        Self { name, params, apply: Apply::Values(apply) }
    }

    /// One that looks after its own input and arguments.
    pub(super) const fn run(name: &'static str, apply: OfRun<R>) -> Self {
        Self { name, params: &[], apply: Apply::Run(apply) }
    }
}

/// All filters, or all tests.
pub(super) struct Table<V: 'static, R: 'static> {
    /// `filter` or `test`.
    pub(super) kind: &'static str,
    pub(super) topics: &'static [&'static [Plugin<V, R>]],
    /// Those that Ansible or its collections document and muster does not do, and why.
    pub(super) refused: &'static [(&'static str, &'static str)],
    /// What the evaluation goes on with. The flag says whether the input or an argument is secret.
    pub(super) finish: fn(V, bool) -> R,
}

impl<V, R> Table<V, R> {
    fn rows(&self) -> impl Iterator<Item = &'static Plugin<V, R>> + use<V, R> {
        self.topics.iter().flat_map(|rows| rows.iter())
    }

    fn find(&self, name: &str) -> Option<&'static Plugin<V, R>> {
        let builtin = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy."));
        let plain = builtin.unwrap_or(name);
        self.rows().find(|row| row.name == plain).or_else(|| {
            // A collection's is written short where its collection is listed, and in old roles anyway.
            self.rows().find(|row| row.name.rsplit_once('.').is_some_and(|(_, short)| short == plain))
        })
    }

    fn no_such(&self, name: &str) -> TemplateError {
        TemplateError::no_such(self.kind, name, self.refused, self.rows().map(|row| row.name))
    }

    /// Whether there is one of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// What is wrong with a name, if anything is.
    pub(super) fn problem(&self, name: &str) -> Option<TemplateError> {
        (!self.has(name)).then(|| self.no_such(name))
    }

    /// Applies one by name.
    pub(super) fn apply(&self, run: &mut Run<'_>, name: &str, input: Datum, given: Given) -> Result<R, TemplateError> {
        let row = self.find(name).ok_or_else(|| self.no_such(name))?;
        let apply = match row.apply {
            Apply::Run(apply) => return apply(run, input, &given),
            Apply::Values(apply) => apply,
        };
        let input = run.deep(input)?;
        let positional = given.positional.into_iter().map(|datum| run.deep(datum)).collect::<Result<_, _>>()?;
        let named = given.named.into_iter().map(|(name, datum)| Ok((name, run.deep(datum)?)));
        let named = named.collect::<Result<_, TemplateError>>()?;
        let failed = |problem: String| TemplateError::failed(format!("{} `{name}`: {problem}", self.kind));
        let args = Args::bind(row.params, positional, named).map_err(failed)?;
        let secret = input.has_secret() || args.has_secret();
        apply(&input, &args).map(|value| (self.finish)(value, secret)).map_err(failed)
    }
}
