//! Tests (`is defined`, `is match(...)`): a row each in a table by topic.

mod files;
mod results;
mod values;
mod version;

pub(super) use version::loose_order as loose_version;

use super::args::{Args, Given};
use super::datum::Datum;
use super::error::TemplateError;
use super::run::Run;
use crate::roles::value::Value;

type Outcome = Result<bool, TemplateError>;

/// A test.
pub(super) struct Test {
    /// Its name, fully qualified outside Jinja2 and `ansible.builtin`.
    pub(super) name: &'static str,
    /// Its parameters after the input, as [`Args::bind`] takes them.
    pub(super) params: &'static [&'static str],
    /// What it does.
    pub(super) apply: Apply,
}

/// How a test works.
pub(super) enum Apply {
    /// On finished values only.
    Values(fn(&Value, &Args) -> Result<bool, String>),
    /// With the evaluation: it takes what is lazy or undefined, or asks the machine.
    Run(fn(&mut Run<'_>, Datum, &Given) -> Outcome),
}

impl Test {
    pub(in crate::roles::template) const fn values(
        name: &'static str,
        params: &'static [&'static str],
        apply: fn(&Value, &Args) -> Result<bool, String>,
    ) -> Self {
        Self { name, params, apply: Apply::Values(apply) }
    }

    const fn run(name: &'static str, apply: fn(&mut Run<'_>, Datum, &Given) -> Outcome) -> Self {
        Self { name, params: &[], apply: Apply::Run(apply) }
    }
}

static UNDEFINED: &[Test] = &[
    Test::run("defined", defined),
    Test::run("undefined", |run, datum, given| defined(run, datum, given).map(|answer| !answer)),
];

static TABLE: &[&[Test]] =
    &[UNDEFINED, values::TESTS, results::TESTS, version::TESTS, files::TESTS, super::filters::NETWORK_TESTS];

fn defined(_: &mut Run<'_>, datum: Datum, _: &Given) -> Outcome {
    match datum {
        Datum::Unknown => Err(TemplateError::unknown()),
        Datum::Undefined(_) => Ok(false),
        _ => Ok(true),
    }
}

fn rows() -> impl Iterator<Item = &'static Test> {
    TABLE.iter().flat_map(|rows| rows.iter())
}

fn find(name: &str) -> Option<&'static Test> {
    let plain = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    rows()
        .find(|row| row.name == plain)
        .or_else(|| rows().find(|row| row.name.rsplit_once('.').is_some_and(|(_, short)| short == plain)))
}

/// Whether there is a test of that name.
pub(super) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// What is wrong with a test's name, if anything is.
pub(super) fn problem(name: &str) -> Option<TemplateError> {
    if exists(name) {
        return None;
    }
    Some(TemplateError::no_such("test", name, &[], names()))
}

/// Every name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    rows().map(|row| row.name)
}

/// Applies a test by name.
pub(super) fn apply(run: &mut Run<'_>, name: &str, input: Datum, given: Given) -> Outcome {
    let Some(row) = find(name) else { return Err(TemplateError::no_such("test", name, &[], names())) };
    match row.apply {
        Apply::Run(apply) => apply(run, input, &given),
        Apply::Values(apply) => {
            let input = run.deep(input)?;
            let mut positional = Vec::with_capacity(given.positional.len());
            for datum in given.positional {
                positional.push(run.deep(datum)?);
            }
            let mut named = Vec::with_capacity(given.named.len());
            for (name, datum) in given.named {
                named.push((name, run.deep(datum)?));
            }
            let failed = |problem: String| TemplateError::failed(format!("test `{name}`: {problem}"));
            let args = Args::bind(row.params, positional, named).map_err(failed)?;
            apply(&input, &args).map_err(failed)
        }
    }
}
