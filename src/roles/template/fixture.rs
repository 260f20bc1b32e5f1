//! A stage for tests: variables from a table, and a tree of named texts.

use super::{Binding, Scope};
use crate::failure::Place;
use crate::roles::modules::{Failed, RenderOptions, Tree};
use crate::roles::value::{Template, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables by name; `?` as a value is one that is not known yet.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        let members = json.as_object().into_iter().flatten();
        Self(members.map(|(name, value)| (name.clone(), templated(&Value::from_json(value)))).collect())
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

fn templated(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.expose().contains("{{") => {
            let place = Place { file: "variables".into(), line: 1, column: 1, excerpt: None };
            Value::Template(Arc::new(Template::new(text.expose(), place)))
        }
        Value::List(items) => Value::list(items.iter().map(templated)),
        Value::Map(map) => Value::Map(Arc::new(map.iter().map(|(k, v)| (k.clone(), templated(v))).collect())),
        other => other.clone(),
    }
}

impl Scope for Variables {
    fn get(&self, name: &str) -> Binding {
        match self.0.get(name) {
            Some(Value::Str(text)) if text.expose() == "?" => Binding::Unknown,
            Some(value) => Binding::Value(value.clone()),
            None => Binding::Undefined,
        }
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// A tree with two templates and a file.
pub(super) struct Bare;

impl Tree for Bare {
    fn resolve(&self, kind: &str, name: &str) -> Result<PathBuf, Failed> {
        match (kind, name) {
            ("templates", "base.j2" | "macros.j2" | "part.j2" | "child.j2")
            | ("files", "note.txt" | "el.csv" | "app.ini" | "p.properties") => {
                Ok(Path::new("role").join(kind).join(name))
            }
            _ => Err(Failed::new(format!("{name} is not in the tree"))),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Failed> {
        let text = match path.file_name().and_then(|name| name.to_str()) {
            Some("base.j2") => "[{% block body %}base{% endblock %}]\n",
            Some("child.j2") => "{% extends 'base.j2' %}{% block body %}child {{ super() }}{% endblock %}",
            Some("macros.j2") => "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{% set one = 1 %}",
            Some("el.csv") => "Symbol\tNumber\tMass\nH\t1\t1.008\n\"He\"\t2\t\"4,\"\"x\"\"\"\n",
            Some("app.ini") => {
                "[DEFAULT]\nbase = /srv\n[global]\nUser = app\nhome: %(base)s/app\nmulti = one\n  two\npct = 50%%\n; comment\n[other]\nuser = o\nuser2 = p\n"
            }
            Some("p.properties") => "java.home=/opt\nx.y = 1\n",
            Some("part.j2") => "part of {{ name }}",
            _ => "noted  \n",
        };
        Ok(text.as_bytes().to_vec())
    }

    fn walk(&self, _: &Path) -> Result<Vec<(PathBuf, bool)>, Failed> {
        Ok(vec![(PathBuf::from("note.txt"), false)])
    }

    fn mode(&self, _: &Path) -> Result<u32, Failed> {
        Ok(0o644)
    }

    fn render(&self, path: &Path, _: &RenderOptions) -> Result<Value, Failed> {
        Err(Failed::new(format!("{} is not rendered here", path.display())))
    }
}
