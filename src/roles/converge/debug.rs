//! `debug`: shows a message, or what an expression is.

use super::arguments::plain;
use super::end::End;
use super::result::put;
use super::run::{Run, Stage};
use crate::failure::Place;
use crate::roles::modules::{Args, Failed};
use crate::roles::template::{TemplateError, untrusted};
use crate::roles::value::{Map, Value};

/// What `var` names, and its value.
type Shown = (String, Result<Value, TemplateError>);

impl Run<'_> {
    pub(super) fn debug(&self, stage: &Stage<'_>, args: &Args) -> Result<End, Failed> {
        let mut result = Map::new();
        if args.int("verbosity").unwrap_or(0) > i64::from(self.input.verbosity) {
            put(&mut result, "skipped", true);
            put(&mut result, "skipped_reason", "Verbosity threshold not met.");
            return Ok(End::new(result));
        }
        let shown = args.value("var").map(|variable| self.shown(stage, variable)).transpose()?.flatten();
        match (shown, args.value("msg")) {
            (Some(_), Some(_)) => return Err(Failed::new("parameters are mutually exclusive: msg|var")),
            (Some((name, value)), None) => {
                let warning = match value {
                    Ok(Value::Omit) => {
                        put(&mut result, &name, "<<Omit>>");
                        Some(
                            "The result of the `var` expression could not be omitted; a placeholder was used instead."
                                .into(),
                        )
                    }
                    Ok(value) => {
                        put(&mut result, &name, value);
                        None
                    }
                    Err(error) if error.is_undefined() => {
                        put(&mut result, &name, "VARIABLE IS NOT DEFINED!");
                        Some(error.to_string())
                    }
                    Err(error) => return Err(super::view::failed(&error)),
                };
                if let Some(warning) = warning {
                    put(&mut result, "warnings", Value::list([Value::str(warning)]));
                }
            }
            (None, Some(message)) => put(&mut result, "msg", message.clone()),
            (None, None) => put(&mut result, "msg", "Hello world!"),
        }
        put(&mut result, "changed", false);
        Ok(End::new(result))
    }

    /// What `var` means; `None` where it is omitted. Only a text of the tree is evaluated, directly or by its variable.
    fn shown(&self, stage: &Stage<'_>, variable: &Value) -> Result<Option<Shown>, Failed> {
        let view = self.view(stage);
        let place = &stage.task.place;
        let named = |name: &str, place: &Place| (name.to_owned(), view.expression(name, place));
        Ok(Some(match variable {
            Value::Template(template) => match view.render(variable) {
                Ok(Value::Omit) => return Ok(None),
                Ok(Value::Str(text)) if text.is_trusted() => named(text.expose(), place),
                Ok(Value::Str(_)) => return Err(super::view::failed(&untrusted(place))),
                value => (template.text.trim_matches(['{', '}', ' ']).to_owned(), value),
            },
            Value::Str(text) if !text.is_trusted() => return Err(super::view::failed(&untrusted(place))),
            Value::List(_) | Value::Map(_) => {
                let kind = variable.type_name();
                let message =
                    format!("argument 'var' is of type {kind}, which is not a string and conversion is not allowed");
                return Err(Failed::new(message));
            }
            other => named(&plain(other), place),
        }))
    }
}
