//! Filters: a row each in a table by topic.

pub(super) mod chance;
mod collections;
mod comment;
mod dates;
mod documents;
mod encoding;
mod links;
mod lists;
mod mappings;
mod network;
mod numbers;
mod password;
mod paths;
mod pattern;
mod select;
mod sets;
mod sizes;
mod text;
mod undefined;
mod vault;

pub(super) use mappings::subelements;
pub(super) use network::TESTS as NETWORK_TESTS;
pub(super) use numbers::truth_word;
pub(super) use password::hashed;
pub(super) use paths::expand_user;

use super::args::{Args, Given};
use super::datum::Datum;
use super::error::TemplateError;
use super::run::Run;
use crate::roles::value::Value;

type Outcome = Result<Datum, TemplateError>;

/// A filter.
pub(super) struct Filter {
    /// Its name, fully qualified outside Jinja2 and `ansible.builtin`.
    pub(super) name: &'static str,
    /// Its parameters after the input, as [`Args::bind`] takes them.
    pub(super) params: &'static [&'static str],
    /// What it does.
    pub(super) apply: Apply,
}

/// How a filter works.
pub(super) enum Apply {
    /// On finished values only. Its result is secret where any of them is.
    Values(fn(&Value, &Args) -> Result<Value, String>),
    /// With the evaluation: it takes what is lazy or undefined, or asks the machine.
    Run(fn(&mut Run<'_>, Datum, &Given) -> Outcome),
}

impl Filter {
    const fn values(
        name: &'static str,
        params: &'static [&'static str],
        apply: fn(&Value, &Args) -> Result<Value, String>,
    ) -> Self {
        Self { name, params, apply: Apply::Values(apply) }
    }

    const fn run(name: &'static str, apply: fn(&mut Run<'_>, Datum, &Given) -> Outcome) -> Self {
        Self { name, params: &[], apply: Apply::Run(apply) }
    }
}

static TABLE: &[&[Filter]] = &[
    undefined::FILTERS,
    select::FILTERS,
    text::FILTERS,
    numbers::FILTERS,
    lists::FILTERS,
    sets::FILTERS,
    mappings::FILTERS,
    pattern::FILTERS,
    documents::FILTERS,
    encoding::FILTERS,
    paths::FILTERS,
    dates::FILTERS,
    sizes::FILTERS,
    chance::FILTERS,
    comment::FILTERS,
    network::FILTERS,
    password::FILTERS,
    collections::FILTERS,
    links::FILTERS,
    vault::FILTERS,
];

/// Filters that Ansible or its collections document and muster does not do, and why.
const REFUSED: &[(&str, &str)] = &[
    ("community.general.jc", "it needs Python programs"),
    ("community.general.hashids_encode", "it needs a Python package"),
    ("community.general.to_prettytable", "it needs a Python package"),
    ("ansible.utils.validate", "it needs Python packages"),
    ("ansible.utils.cli_parse", "it needs Python packages"),
    ("ansible.netcommon.parse_cli", "muster configures its own host only"),
];

fn rows() -> impl Iterator<Item = &'static Filter> {
    TABLE.iter().flat_map(|rows| rows.iter())
}

fn find(name: &str) -> Option<&'static Filter> {
    let plain = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    rows().find(|row| row.name == plain).or_else(|| {
        // A collection's filter is written short where its collection is listed, and in old roles anyway.
        rows().find(|row| row.name.rsplit_once('.').is_some_and(|(_, short)| short == plain))
    })
}

/// Whether there is a filter of that name.
pub(super) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// What is wrong with a filter's name, if anything is.
pub(super) fn problem(name: &str) -> Option<TemplateError> {
    if exists(name) {
        return None;
    }
    Some(TemplateError::no_such("filter", name, REFUSED, names()))
}

/// Every name.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    rows().map(|row| row.name)
}

/// Applies a filter by name.
pub(super) fn apply(run: &mut Run<'_>, name: &str, input: Datum, given: Given) -> Outcome {
    let Some(row) = find(name) else { return Err(TemplateError::no_such("filter", name, REFUSED, names())) };
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
            let failed = |problem: String| TemplateError::failed(format!("filter `{name}`: {problem}"));
            let args = Args::bind(row.params, positional, named).map_err(failed)?;
            let secret = input.has_secret() || args.has_secret();
            let result = apply(&input, &args).map_err(failed)?;
            Ok(Datum::Value(if secret { result.into_secret() } else { result }))
        }
    }
}
