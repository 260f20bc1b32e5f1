//! Lookups of variables and of the environment.

use super::{Lookup, Options, Outcome, lost};
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::template::datum::{Datum, Missing};
use crate::roles::template::error::TemplateError;
use crate::roles::template::run::Run;
use crate::roles::template::{Binding, python};
use crate::roles::value::Value;

pub(super) static LOOKUPS: &[Lookup] = &[
    Lookup { name: "vars", options: &["default"], run: vars },
    Lookup { name: "varnames", options: &[], run: varnames },
    Lookup { name: "env", options: &["default"], run: env },
    Lookup { name: "inventory_hostnames", options: &[], run: hostnames },
];

fn vars(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let mut out = Vec::new();
    for term in &terms {
        let Some(name) = term.as_str().map(str::to_owned) else {
            return Err(lost(format!("Variable name must be 'str' not '{}'.", term.type_name())));
        };
        let datum = match run.scope.get(&name) {
            Binding::Value(value) => run.resolve(value)?,
            Binding::Unknown => Datum::Unknown,
            Binding::Undefined => Datum::Undefined(
                Missing {
                    message: format!("No variable named '{name}' was found."),
                    place: None,
                    hint: None,
                    name: Some(name.as_str().into()),
                }
                .into(),
            ),
        };
        match (datum, options.get("default")) {
            // A variable that is there and refers to one that is not has no default.
            (Datum::Undefined(missing), Some(default)) if missing.name.as_deref() == Some(name.as_str()) => {
                out.push(default.clone());
            }
            (datum, _) => out.push(run.deep(datum)?),
        }
    }
    Ok(out)
}

fn varnames(run: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let names = run.scope.names();
    let mut out = Vec::new();
    for term in &terms {
        let failed = |error: crate::roles::pattern::PatternError| {
            TemplateError::failed(format!("Unable to use '{}' as a search parameter: {error}", python::text(term)))
        };
        let pattern = Pattern::new(&python::text(term), Flags::default()).map_err(failed)?;
        for name in &names {
            if pattern.is_match(name).map_err(failed)? {
                out.push(Value::str(name.as_str()));
            }
        }
    }
    Ok(out)
}

fn env(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let environment = run.services.environment;
    let value = |term: &Value| {
        let text = python::text(term);
        let name = text.split_whitespace().next().unwrap_or_default();
        let found = environment.iter().rev().find(|(have, _)| have == name);
        found.map_or_else(
            || options.get("default").cloned().unwrap_or_else(|| Value::str("")),
            |(_, v)| Value::str(v.as_str()),
        )
    };
    Ok(terms.iter().map(value).collect())
}

/// One host is all there is.
fn hostnames(run: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let host = match run.scope.get("inventory_hostname") {
        Binding::Value(value) => run.finish(value)?,
        _ => Value::str("localhost"),
    };
    for term in &terms {
        if !matches!(python::text(term).as_str(), "all" | "localhost") && *term != host {
            return Err(lost(format!("lookup `inventory_hostnames`: the pattern `{}`", python::text(term)))
                .with_hint("muster knows one host: `all`, or its name"));
        }
    }
    Ok(vec![host])
}
