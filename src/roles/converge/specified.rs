//! `validate_argument_spec`: variables judged by a specification, as before a role's first task.

use super::end::End;
use super::result::put;
use super::run::{Run, Stage};
use crate::roles::modules::{Args, Failed};
use crate::roles::specification;
use crate::roles::template::{Binding, Scope};
use crate::roles::value::{Map, Value};
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn validate_spec(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let view = self.view(stage);
        let Some(Value::Map(spec)) = args.value("argument_spec") else {
            return Err(Failed::new("Incorrect type for argument_spec, expected dict"));
        };
        let mut given = match args.value("provided_arguments") {
            Some(Value::Map(given)) => (**given).clone(),
            _ => Map::new(),
        };
        for name in spec.keys() {
            if let Binding::Value(value) = view.get(&name.to_string()) {
                given.insert(name.clone(), view.render(&value).map_err(|error| super::view::failed(&error))?);
            }
        }
        let context = args.value("validate_args_context").cloned().unwrap_or_else(|| Value::Map(Arc::default()));
        let errors = specification::validate(spec, &given);
        let mut result = Map::new();
        put(&mut result, "validate_args_context", context);
        put(&mut result, "changed", false);
        if errors.is_empty() {
            put(&mut result, "msg", "The arg spec validation passed");
            return Ok(End::new(result));
        }
        put(&mut result, "argument_spec_data", Value::Map(Arc::clone(spec)));
        put(&mut result, "argument_errors", Value::list(errors.iter().map(|error| Value::str(error.as_str()))));
        let message = format!("Validation of arguments failed:\n{}", errors.join("\n"));
        let hint = Some("the role's meta/argument_specs.yml says what it takes".to_owned());
        Err(Failed { result, hint, ..Failed::new(message) })
    }
}
