//! `muster module`: the modules that there are, from their specifications.

use super::print;
use crate::failure::{Failure, Stage};
use crate::roles::load::nearest;
use crate::roles::modules::{FreeForm, Param, ParamKind, Spec, Support, TABLE, find};
use clap::{Args, Subcommand};
use serde_json::json;
use std::fmt::Write;

/// List modules, or describe one
#[derive(Args)]
pub(crate) struct Module {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print every module with what it does
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Describe a module: its arguments, what is not supported, examples
    Doc {
        /// Its name, short or in full
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Module {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self.what {
            What::List { json: false } => print(&list()),
            What::List { json: true } => {
                let all: Vec<_> =
                    specs().iter().map(|spec| json!({"name": spec.name, "summary": spec.summary})).collect();
                print(&format!("{:#}\n", json!(all)));
            }
            What::Doc { name, json } => {
                let spec = find(&name).map(|row| row.spec).ok_or_else(|| none(&name))?;
                print(&if json { format!("{:#}\n", as_json(spec)) } else { as_text(spec) });
            }
        }
        Ok(0)
    }
}

fn none(name: &str) -> Failure {
    let failure = Failure::message(Stage::Usage, format!("muster has no module `{name}`"));
    let names = specs().into_iter().flat_map(|spec| [spec.name, short(spec.name)]);
    match nearest(name, names) {
        Some(near) => failure.with_hint(format!("did you mean `{near}`?")),
        None => failure.with_hint("`muster module list` prints every one"),
    }
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Every specification, in order of name.
fn specs() -> Vec<&'static Spec> {
    let mut all: Vec<&Spec> = TABLE.iter().map(|row| row.spec).collect();
    all.sort_by_key(|spec| spec.name);
    all
}

fn list() -> String {
    let all = specs();
    let width = all.iter().map(|spec| spec.name.len()).max().unwrap_or_default();
    all.iter().map(|spec| format!("{:<width$}  {}\n", spec.name, spec.summary)).collect()
}

fn kind(param: &Param) -> &'static str {
    match param.kind {
        ParamKind::Str => "text",
        ParamKind::Bool => "truth value",
        ParamKind::Int => "whole number",
        ParamKind::Float => "number",
        ParamKind::Path => "path",
        ParamKind::StrList => "list of texts",
        ParamKind::AnyList => "list",
        ParamKind::Dict => "mapping",
        ParamKind::Raw => "anything",
        ParamKind::Mode => "permission mode",
    }
}

fn as_text(spec: &Spec) -> String {
    let mut text = format!("{}\n\n  {}\n", spec.name, spec.summary);
    if !spec.aliases.is_empty() {
        let _ = writeln!(text, "  Also called {}.", spec.aliases.join(", "));
    }
    match spec.free_form {
        FreeForm::Pairs => {}
        FreeForm::Command(name) | FreeForm::Argument(name) => {
            let _ = writeln!(text, "  Text after the module's name is `{name}`.");
        }
    }
    let (done, not): (Vec<&Param>, Vec<&Param>) =
        spec.all_params().partition(|param| !matches!(param.support, Support::No(_)));
    if !done.is_empty() {
        text.push_str("\nArguments\n");
        done.iter().for_each(|param| text.push_str(&argument(param)));
    }
    if !not.is_empty() {
        text.push_str("\nNot supported, and refused by name\n");
        for param in not {
            let Support::No(why) = param.support else { continue };
            let _ = writeln!(text, "  {}: {why}", names(param));
        }
    }
    if !spec.examples.is_empty() {
        text.push_str("\nExamples\n");
        for example in spec.examples {
            for (number, line) in example.trim_end().lines().enumerate() {
                let _ = writeln!(text, "  {} {line}", if number == 0 { "-" } else { " " });
            }
        }
    }
    text
}

fn names(param: &Param) -> String {
    std::iter::once(&param.name).chain(param.aliases).copied().collect::<Vec<_>>().join(", ")
}

fn argument(param: &Param) -> String {
    let mut facts = vec![kind(param).to_owned()];
    if param.required {
        facts.push("required".into());
    }
    facts.extend(param.default.map(|default| format!("default {default}")));
    let mut text = format!("  {} ({})\n      {}\n", names(param), facts.join(", "), param.summary);
    if !param.choices.is_empty() {
        let _ = writeln!(text, "      One of: {}.", param.choices.join(", "));
    }
    if let Support::Only(values) = param.support {
        let _ = writeln!(text, "      Only these are supported: {}.", values.join(", "));
    }
    text
}

fn as_json(spec: &Spec) -> serde_json::Value {
    let argument = |param: &Param| {
        json!({
            "name": param.name,
            "aliases": param.aliases,
            "type": kind(param),
            "required": param.required,
            "default": param.default,
            "choices": param.choices,
            "summary": param.summary,
            "supported": !matches!(param.support, Support::No(_)),
            "only": if let Support::Only(values) = param.support { Some(values) } else { None },
            "why_not": if let Support::No(why) = param.support { Some(why) } else { None },
        })
    };
    json!({
        "name": spec.name,
        "aliases": spec.aliases,
        "summary": spec.summary,
        "free_form": match spec.free_form {
            FreeForm::Pairs => None,
            FreeForm::Command(name) | FreeForm::Argument(name) => Some(name),
        },
        "arguments": spec.all_params().map(argument).collect::<Vec<_>>(),
        "examples": spec.examples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_page_that_says_what_is_not_done() {
        for spec in specs() {
            let (text, json) = (as_text(spec), as_json(spec));
            assert!(text.contains(spec.summary) && !spec.summary.is_empty(), "{}", spec.name);
            for param in spec.all_params() {
                assert!(text.contains(&names(param)), "{}: {}", spec.name, param.name);
                assert!(!param.summary.is_empty(), "{}: {}", spec.name, param.name);
            }
            assert_eq!(json["arguments"].as_array().map(Vec::len), Some(spec.all_params().count()));
        }
        let page = as_text(find("lineinfile").expect("a module").spec);
        assert!(page.contains("  path, dest, destfile, name (path, required)\n"), "{page}");
        assert!(page.contains("One of: absent, present."), "{page}");
        assert!(page.contains("chattr(1)"), "{page}");
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_nearest_name() {
        assert_eq!(none("lineinfil").hint.as_deref(), Some("did you mean `lineinfile`?"));
        assert!(none("quux.corge.grault").hint.is_some_and(|hint| hint.contains("module list")));
    }
}
