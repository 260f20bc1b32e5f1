//! Tests on paths of the machine.

use super::Test;
use crate::host::{Kind, Stat};
use crate::roles::template::args::Given;
use crate::roles::template::datum::Datum;
use crate::roles::template::error::TemplateError;
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;
use crate::roles::vault::Vault;
use std::path::Path;

type Outcome = Result<bool, TemplateError>;

pub(super) static TESTS: &[Test] = &[
    Test::run("file", |run, datum, _| kind(run, datum, Kind::File)),
    Test::run("is_file", |run, datum, _| kind(run, datum, Kind::File)),
    Test::run("directory", |run, datum, _| kind(run, datum, Kind::Directory)),
    Test::run("is_dir", |run, datum, _| kind(run, datum, Kind::Directory)),
    Test::run("link", |run, datum, _| is_link(run, datum)),
    Test::run("is_link", |run, datum, _| is_link(run, datum)),
    Test::run("exists", |run, datum, _| Ok(look(run, datum, true)?.is_some())),
    Test::run("link_exists", |run, datum, _| Ok(look(run, datum, false)?.is_some())),
    Test::run("is_link_exists", |run, datum, _| Ok(look(run, datum, false)?.is_some())),
    Test::values("abs", &[], |v, _| Ok(python::path(v)?.starts_with('/'))),
    Test::values("is_abs", &[], |v, _| Ok(python::path(v)?.starts_with('/'))),
    Test::run("same_file", same_file),
    Test::run("is_same_file", same_file),
    Test::run("mount", mount),
    Test::run("is_mount", mount),
    Test::run("vaulted_file", |run, datum, _| {
        let path = python::text(&run.deep(datum)?);
        let path = Path::new(&path);
        let encrypted = |bytes: Vec<u8>| Vault::is_encrypted(&bytes);
        Ok(run.services.tree.sealed(path) || run.services.host.read(path).ok().flatten().is_some_and(encrypted))
    }),
];

fn stat(run: &Run<'_>, path: &str, follow: bool) -> Result<Option<Stat>, TemplateError> {
    let start = run.services.tree.directory().unwrap_or(Path::new("/"));
    run.services
        .host
        .stat(&crate::roles::load::tidy(&start.join(path)), follow)
        .map_err(|error| TemplateError::failed(format!("look at {path}: {error}")))
}

fn look(run: &Run<'_>, datum: Datum, follow: bool) -> Result<Option<Stat>, TemplateError> {
    let value = run.deep(datum)?;
    // A number is an open file's, of which there are none here.
    if matches!(value, Value::Int(_) | Value::Bool(_)) {
        return Ok(None);
    }
    let path = python::path(&value).map_err(TemplateError::failed)?;
    // The empty path is none, as opposed to the directory where things begin.
    if path.is_empty() { Ok(None) } else { stat(run, &path, follow) }
}

fn kind(run: &Run<'_>, datum: Datum, kind: Kind) -> Outcome {
    Ok(look(run, datum, true)?.is_some_and(|stat| stat.kind == kind))
}

fn is_link(run: &Run<'_>, datum: Datum) -> Outcome {
    Ok(look(run, datum, false)?.is_some_and(|stat| stat.kind == Kind::Link))
}

fn same_file(run: &mut Run<'_>, datum: Datum, given: &Given) -> Outcome {
    let Some(other) = given.get(0, "other").cloned() else {
        return Err(TemplateError::failed("test `same_file`: needs another path"));
    };
    let (one, other) = (look(run, datum, true)?, look(run, other, true)?);
    Ok(matches!((one, other), (Some(a), Some(b)) if (a.device, a.inode) == (b.device, b.inode)))
}

/// A directory on another device than the one above it.
fn mount(run: &mut Run<'_>, datum: Datum, _: &Given) -> Outcome {
    let path = python::text(&run.deep(datum)?);
    let Some(here) = stat(run, &path, false)? else { return Ok(false) };
    let above = stat(run, Path::new(&path).parent().map_or("/".into(), Path::to_string_lossy).as_ref(), true)?;
    Ok(here.kind == Kind::Directory && above.is_some_and(|up| up.device != here.device || up.inode == here.inode))
}
