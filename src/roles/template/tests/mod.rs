//! Tests (`is defined`, `is match(...)`): a row each in a table by topic.

mod files;
mod results;
mod values;
mod version;

pub(super) use version::loose_order as loose_version;

use super::args::Given;
use super::datum::Datum;
use super::error::TemplateError;
use super::plugin::{Plugin, Table};
use super::run::Run;

/// A test.
pub(super) type Test = Plugin<bool, bool>;

static UNDEFINED: &[Test] = &[
    Test::run("defined", defined),
    Test::run("undefined", |run, datum, given| defined(run, datum, given).map(|answer| !answer)),
];

static TOPICS: &[&[Test]] =
    &[UNDEFINED, values::TESTS, results::TESTS, version::TESTS, files::TESTS, super::filters::NETWORK_TESTS];

fn defined(_: &mut Run<'_>, datum: Datum, _: &Given) -> Result<bool, TemplateError> {
    match datum {
        Datum::Unknown => Err(TemplateError::unknown()),
        Datum::Undefined(_) => Ok(false),
        _ => Ok(true),
    }
}

/// Every test.
pub(super) static TABLE: Table<bool, bool> =
    Table { kind: "test", topics: TOPICS, refused: &[], finish: |answer, _| answer };
