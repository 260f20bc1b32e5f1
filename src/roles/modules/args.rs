//! A task's arguments, checked and coerced by its module's [`Spec`] as Ansible's `argument_spec` does it.

use super::arg_error::ArgError;
use super::coerce::{coerce, written};
use super::spec::{Param, ParamKind, Spec, Support};
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeMap;

/// Arguments that every module with `file_attributes` takes.
pub const FILE_ATTRIBUTES: &[Param] = &[
    Param::new("mode", ParamKind::Mode, "Permission bits, octal or symbolic."),
    Param::new("owner", ParamKind::Str, "The owning user."),
    Param::new("group", ParamKind::Str, "The owning group."),
    Param::new("unsafe_writes", ParamKind::Bool, "Write in place where a rename is not possible.").default("false"),
    Param::new("attributes", ParamKind::Str, "Attributes of the file system: none but of single files.")
        .aliases(&["attr"])
        .only(&[""]),
    Param::new("seuser", ParamKind::Str, "The SELinux user; `_default` is the policy's."),
    Param::new("serole", ParamKind::Str, "The SELinux role."),
    Param::new("setype", ParamKind::Str, "The SELinux type."),
    Param::new("selevel", ParamKind::Str, "The SELinux level."),
];

/// What modules take beside [`FILE_ATTRIBUTES`] that write one file: [`super::files::chattr`] does it.
pub const FLAGS: Param =
    Param::new("attributes", ParamKind::Str, "Attributes of the file system, as chattr(1) takes them.")
        .aliases(&["attr"]);

impl Spec {
    /// Every argument, the common ones included.
    pub fn all_params(&self) -> impl Iterator<Item = &'static Param> {
        let common: &'static [Param] = if self.file_attributes { FILE_ATTRIBUTES } else { &[] };
        self.params.iter().chain(common.iter().filter(|c| self.params.iter().all(|p| p.name != c.name)))
    }

    /// The argument of that name or alias.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.all_params().find(|p| p.name == name || p.aliases.contains(&name))
    }

    /// Whether an argument may be written so: its name is known and supported. For load time, values unseen.
    pub fn check_name(&self, name: &str) -> Result<&'static Param, ArgError> {
        self.param(name).ok_or_else(|| ArgError::Unknown {
            module: self.name,
            name: name.to_owned(),
            nearest: self
                .all_params()
                .map(|p| p.name)
                .map(|have| (strsim::damerau_levenshtein(have, name), have))
                .filter(|(distance, _)| *distance <= 3)
                .min()
                .map(|(_, have)| have),
        })
    }

    /// Checks and coerces one value that is known. `Omit` and a plain null stand for an argument not written.
    pub fn check_value(&self, param: &'static Param, value: &Value) -> Result<Value, ArgError> {
        let value = coerce(param.kind, value).map_err(|problem| ArgError::Value {
            module: self.name,
            name: param.name,
            problem,
        })?;
        let texts: Vec<String> = match &value {
            Value::List(items) => items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect(),
            other => written(other).into_iter().collect(),
        };
        if !param.choices.is_empty()
            && let Some(bad) = texts.iter().find(|text| !param.choices.contains(&text.as_str()))
        {
            let problem = format!("`{bad}` is none of: {}", param.choices.join(", "));
            return Err(ArgError::Value { module: self.name, name: param.name, problem });
        }
        match param.support {
            Support::Full => Ok(value),
            Support::Only(values) => match texts.iter().find(|text| !values.contains(&text.as_str())) {
                None => Ok(value),
                Some(bad) => Err(ArgError::Unsupported {
                    module: self.name,
                    name: format!("{}: {bad}", param.name),
                    why: "this value is not done natively yet",
                }),
            },
            // Written out with the value that it has anyway, it asks for nothing.
            Support::No(_) if param.default.is_some() && texts.first().map(String::as_str) == param.default => {
                Ok(value)
            }
            Support::No(why) => Err(ArgError::Unsupported { module: self.name, name: param.name.into(), why }),
        }
    }

    /// Checks a task's arguments, templated already, and makes them ready to be read.
    pub fn accept(&'static self, given: &Map) -> Result<Args, ArgError> {
        let mut values = BTreeMap::new();
        for (key, value) in given {
            let name = match key {
                Key::Str(name) => name.to_string(),
                other => other.to_string(),
            };
            let param = self.check_name(&name)?;
            if matches!(value, Value::Omit | Value::Null) {
                continue;
            }
            values.insert(param.name, self.check_value(param, value)?);
        }
        for param in self.all_params() {
            if values.contains_key(param.name) {
                continue;
            }
            if param.required {
                return Err(ArgError::Missing { module: self.name, name: param.name });
            }
            if let Some(default) = param.default {
                let value = coerce(param.kind, &Value::str(default)).unwrap_or(Value::str(default));
                values.insert(param.name, value);
            }
        }
        Ok(Args { spec: self, values, given: given.keys().map(ToString::to_string).collect() })
    }
}

/// Accepted arguments, by their proper names, typed by their [`ParamKind`].
#[derive(Clone, Debug)]
pub struct Args {
    spec: &'static Spec,
    values: BTreeMap<&'static str, Value>,
    given: Vec<String>,
}

impl Args {
    /// The module that they are for.
    pub fn module(&self) -> &'static str {
        self.spec.name
    }

    /// Whether the task wrote it, as opposed to a default.
    pub fn is_given(&self, name: &str) -> bool {
        self.spec.param(name).is_some_and(|p| {
            self.values.contains_key(p.name)
                && self.given.iter().any(|g| g == p.name || p.aliases.contains(&g.as_str()))
        })
    }

    /// Whether the task wrote null for an argument that has no default.
    pub fn is_null(&self, name: &str) -> bool {
        self.spec.param(name).is_some_and(|p| {
            !self.values.contains_key(p.name)
                && self.given.iter().any(|g| g == p.name || p.aliases.contains(&g.as_str()))
        })
    }

    /// A value as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).and_then(written)
    }

    /// Text of a required argument, or of one with a default.
    pub fn must(&self, name: &'static str) -> Result<String, ArgError> {
        self.text(name).ok_or(ArgError::Missing { module: self.spec.name, name })
    }

    /// A truth value; an argument without one is false.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Bool(true)))
    }

    /// A truth value that may be absent.
    pub fn maybe_flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name) {
            Some(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Value::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// A list of texts; absent is empty.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(Value::List(items)) => items.iter().filter_map(written).collect(),
            Some(other) => written(other).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A path.
    pub fn path(&self, name: &str) -> Option<std::path::PathBuf> {
        self.text(name).map(Into::into)
    }

    /// An error about these arguments together.
    pub fn together(&self, problem: impl Into<String>) -> ArgError {
        ArgError::Together { module: self.spec.name, problem: problem.into() }
    }

    /// An error about one argument's value.
    pub fn wrong(&self, name: &'static str, problem: impl Into<String>) -> ArgError {
        ArgError::Value { module: self.spec.name, name, problem: problem.into() }
    }

    /// Whether any argument holds a secret.
    pub fn has_secret(&self) -> bool {
        self.values.values().any(Value::has_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::spec::FreeForm;

    static SPEC: Spec = Spec {
        name: "test.file",
        aliases: &[],
        summary: "",
        free_form: FreeForm::Pairs,
        params: &[
            Param::new("path", ParamKind::Path, "").required().aliases(&["dest", "name"]),
            Param::new("force", ParamKind::Bool, "").default("false"),
            Param::new("state", ParamKind::Str, "").choices(&["file", "absent"]),
            Param::new("tags", ParamKind::StrList, ""),
        ],
        file_attributes: true,
        examples: &[],
    };

    fn accept(yaml: &[(&str, Value)]) -> Result<Args, ArgError> {
        SPEC.accept(&yaml.iter().map(|(k, v)| (Key::from(*k), v.clone())).collect())
    }

    #[test]
    fn values_are_coerced_as_ansible_does() {
        let args = accept(&[
            ("dest", "/a".into()),
            ("force", "yes".into()),
            ("tags", "a, b".into()),
            ("mode", Value::Int(0o644)),
        ])
        .expect("accepted");
        assert_eq!(args.text("path").as_deref(), Some("/a"));
        assert!(args.flag("force"));
        assert_eq!(args.texts("tags"), ["a", "b"]);
        assert!(args.is_given("path") && !args.is_given("state"));
    }

    #[test]
    fn what_cannot_be_accepted_is_named() {
        let unknown = accept(&[("paht", "/a".into())]).expect_err("unknown");
        assert_eq!(unknown.to_string(), "`test.file` has no argument `paht`");
        assert!(matches!(unknown, ArgError::Unknown { nearest: Some("path"), .. }));
        assert_eq!(accept(&[]).expect_err("missing").to_string(), "`test.file` needs the argument `path`");
        let choice = accept(&[("path", "/a".into()), ("state", "gone".into())]).expect_err("choice");
        assert_eq!(choice.to_string(), "`test.file: state`: `gone` is none of: file, absent");
        let flags = accept(&[("path", "/a".into()), ("attributes", "i".into())]).expect_err("unsupported");
        assert_eq!(
            flags.to_string(),
            "`test.file: attributes: i` is not supported: this value is not done natively yet"
        );
    }
}
