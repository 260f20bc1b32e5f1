//! Filters that know what to do with nothing: `default`, `mandatory`, and those that look at types.

use super::{Filter, Outcome};
use crate::roles::template::args::Given;
use crate::roles::template::datum::Datum;
use crate::roles::template::error::{TemplateError, TemplateTrouble};
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;

pub(super) static FILTERS: &[Filter] = &[
    Filter::run("default", default),
    Filter::run("d", default),
    Filter::run("mandatory", mandatory),
    Filter::run("type_debug", type_debug),
    // Ansible's own, of which its suite makes use.
    Filter::run("ansible._protomatter.finalize", |run, input, _| Ok(Datum::Value(run.deep(input)?.without_tuples()))),
];

fn default(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    let otherwise = || given.get(0, "default_value").cloned().unwrap_or_else(|| Datum::str(""));
    let falsy = match given.get(1, "boolean") {
        Some(flag) => run.truth(flag.clone())?,
        None => false,
    };
    match &input {
        Datum::Undefined(_) => Ok(otherwise()),
        Datum::Unknown => Ok(Datum::Unknown),
        _ if falsy && !run.truth(input.clone())? => Ok(otherwise()),
        _ => Ok(input),
    }
}

fn mandatory(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    let Datum::Undefined(missing) = &input else { return Ok(input) };
    let message = match given.get(0, "msg") {
        Some(message) => python::text(&run.deep(message.clone())?),
        None => {
            let name = missing.name.as_ref().map(|name| format!("'{name}' ")).unwrap_or_default();
            format!("Mandatory variable {name}not defined.")
        }
    };
    let mut error = TemplateError::new(TemplateTrouble::Failed, message);
    error.place.clone_from(&missing.place);
    Err(error)
}

fn type_debug(_: &mut Run<'_>, input: Datum, _: &Given) -> Outcome {
    if matches!(input, Datum::Unknown) {
        return Ok(Datum::Unknown);
    }
    Ok(Datum::Value(Value::str(input.type_name())))
}
