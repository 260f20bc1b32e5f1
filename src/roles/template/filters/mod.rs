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

use super::datum::Datum;
use super::error::TemplateError;
use super::plugin::{Plugin, Table};
use crate::roles::value::Value;

type Outcome = Result<Datum, TemplateError>;

/// A filter.
pub(super) type Filter = Plugin<Value, Datum>;

static TOPICS: &[&[Filter]] = &[
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

/// Every filter.
pub(super) static TABLE: Table<Value, Datum> = Table {
    kind: "filter",
    topics: TOPICS,
    refused: REFUSED,
    finish: |value, secret| Datum::Value(if secret { value.into_secret() } else { value }),
};
