//! `config`: what Ansible's own configuration says where nobody has set it. muster has no such configuration; roles
//! that ask are told the defaults.

use super::{Lookup, Options, Outcome};
use crate::roles::template::error::TemplateError;
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;

pub(super) static LOOKUPS: &[Lookup] =
    &[Lookup { name: "config", options: &["on_missing", "plugin_type", "plugin_name", "show_origin"], run: config }];

/// Defaults as YAML would write them.
const DEFAULTS: &[(&str, &str)] = &[
    // Not Ansible's default: conditions take any value for its truth here.
    ("ALLOW_BROKEN_CONDITIONALS", "true"),
    ("ANSIBLE_HOME", "~/.ansible"),
    ("ANY_ERRORS_FATAL", "false"),
    ("BECOME_ALLOW_SAME_USER", "false"),
    ("COLLECTIONS_PATHS", "[~/.ansible/collections, /usr/share/ansible/collections]"),
    ("COLOR_OK", "green"),
    ("COLOR_CHANGED", "yellow"),
    ("COLOR_SKIP", "cyan"),
    ("DEFAULT_BECOME", "false"),
    ("DEFAULT_BECOME_METHOD", "sudo"),
    ("DEFAULT_BECOME_USER", "root"),
    ("DEFAULT_EXECUTABLE", "/bin/sh"),
    ("DEFAULT_FORCE_HANDLERS", "false"),
    ("DEFAULT_FORKS", "5"),
    ("DEFAULT_GATHERING", "implicit"),
    ("DEFAULT_HASH_BEHAVIOUR", "replace"),
    ("DEFAULT_HOST_LIST", "[/etc/ansible/hosts]"),
    ("DEFAULT_JINJA2_EXTENSIONS", "[]"),
    ("DEFAULT_LOCAL_TMP", "~/.ansible/tmp"),
    ("DEFAULT_MANAGED_STR", "Ansible managed"),
    ("DEFAULT_MODULE_NAME", "command"),
    ("DEFAULT_NO_LOG", "false"),
    ("DEFAULT_POLL_INTERVAL", "15"),
    ("DEFAULT_REMOTE_USER", "null"),
    ("DEFAULT_ROLES_PATH", "[~/.ansible/roles, /usr/share/ansible/roles, /etc/ansible/roles]"),
    ("DEFAULT_STRATEGY", "linear"),
    ("DEFAULT_TIMEOUT", "10"),
    ("DEFAULT_TRANSPORT", "ssh"),
    ("DEFAULT_UNDEFINED_VAR_BEHAVIOR", "true"),
    ("DEFAULT_VERBOSITY", "0"),
    ("HOST_KEY_CHECKING", "true"),
    ("INTERPRETER_PYTHON", "auto"),
    ("INVENTORY_ENABLED", "[host_list, script, auto, yaml, ini, toml]"),
    ("PLAYBOOK_DIR", "null"),
    ("RETRY_FILES_ENABLED", "false"),
    ("TASK_TIMEOUT", "0"),
    ("UNSAFE_WRITES", "false"),
];

fn config(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let missing = options.text("on_missing").unwrap_or_else(|| "error".into());
    if options.get("plugin_type").is_some() || options.get("plugin_name").is_some() {
        return Err(TemplateError::failed("config: muster has no plugins, and no settings of any"));
    }
    let mut out = Vec::new();
    for term in &terms {
        let Some(name) = term.as_str() else {
            return Err(TemplateError::failed(format!(
                "Invalid setting identifier, {} is no text",
                python::repr(term)
            )));
        };
        match DEFAULTS.iter().find(|(have, _)| *have == name) {
            Some((_, default)) => {
                let read = crate::roles::yaml::read("config", default);
                let value = read.map_err(|error| TemplateError::failed(error.to_string()))?.root.value();
                let value = at_home(run, value);
                let origin = options.flag("show_origin", false);
                out.push(if origin { Value::list([value, "default".into()]) } else { value });
            }
            None if missing == "skip" || missing == "warn" => {}
            None => {
                return Err(TemplateError::failed(format!(
                    "Setting '{name}' is not one that muster knows the default of"
                ))
                .with_hint("`on_missing='skip'` leaves it out"));
            }
        }
    }
    Ok(out)
}

fn at_home(run: &Run<'_>, value: Value) -> Value {
    match value {
        Value::Str(text) if text.expose().starts_with('~') => {
            Value::str(crate::roles::template::filters::expand_user(run, text.expose()))
        }
        Value::List(items) => Value::list(items.iter().cloned().map(|item| at_home(run, item))),
        other => other,
    }
}
