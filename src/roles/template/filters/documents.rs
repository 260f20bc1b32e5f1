//! Filters between values and texts of JSON and YAML.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::dump::{self, JsonLayout, YamlLayout};
use crate::roles::template::python;
use crate::roles::value::{Template, Value};
use crate::roles::yaml;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("to_json", &["profile", "vault_to_text", "preprocess_unsafe", "**"], |v, args| {
        json(v, args, JsonLayout::default())
    }),
    Filter::values("to_nice_json", &["indent", "sort_keys", "**"], |v, args| {
        let indent = usize::try_from(args.int(0)?.unwrap_or(4)).ok();
        let layout = JsonLayout { indent, sort: args.flag(1, true), comma: ",".into(), ..JsonLayout::default() };
        json(v, args, layout)
    }),
    // Jinja's own sorts keys and is safe within HTML.
    Filter::values("tojson", &["indent"], |v, args| {
        let indent = args.int(0)?.and_then(|n| usize::try_from(n).ok());
        let comma = if indent.is_some() { "," } else { ", " };
        let layout = JsonLayout { indent, sort: true, comma: comma.into(), ..JsonLayout::default() };
        let text = dump::json(v, &layout)?;
        let text =
            text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
        Ok(Value::str(text))
    }),
    Filter::values("from_json", &["profile", "**"], |v, _| {
        let text = v.as_str().ok_or_else(|| format!("the JSON object must be str, not {}", v.type_name()))?;
        let json: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("the text is not JSON: {error}"))?;
        Ok(Value::from_json(&json))
    }),
    Filter::values("to_yaml", &["**"], |v, args| yaml_text(v, args, YamlLayout::default())),
    Filter::values("to_nice_yaml", &["indent", "**"], |v, args| {
        let indent = usize::try_from(args.int(0)?.unwrap_or(4)).unwrap_or(4);
        yaml_text(v, args, YamlLayout { indent, flow: Some(false), ..YamlLayout::default() })
    }),
    Filter::values("from_yaml", &[], |v, _| match v {
        Value::Str(text) => read(text.expose()),
        other => Ok(other.clone()),
    }),
    Filter::values("from_yaml_all", &[], |v, _| match v {
        Value::Str(text) => {
            let mut documents = vec![String::new()];
            for line in text.expose().lines() {
                let starts = line == "---" || line.starts_with("--- ");
                if starts && documents.last().is_some_and(|last| !last.trim().is_empty()) {
                    documents.push(String::new());
                }
                if let Some(last) = documents.last_mut() {
                    last.push_str(line);
                    last.push('\n');
                }
            }
            documents.iter().map(|text| read(text)).collect::<Result<Vec<_>, _>>().map(Value::list)
        }
        Value::Null => Ok(Value::list([])),
        other => Ok(other.clone()),
    }),
];

fn json(value: &Value, args: &Args, mut layout: JsonLayout) -> Outcome {
    for (name, given) in &args.named {
        match &**name {
            "indent" => {
                layout.indent = python::to_int(given, 10).and_then(|n| usize::try_from(n).ok());
                if layout.indent.is_some() {
                    layout.comma = ",".into();
                }
            }
            "sort_keys" => layout.sort = python::truth(given),
            "ensure_ascii" => layout.ascii = python::truth(given),
            "separators" => {
                if let Some([comma, colon]) = given.as_list() {
                    (layout.comma, layout.colon) = (python::text(comma), python::text(colon));
                }
            }
            "skipkeys" | "allow_nan" | "check_circular" | "vault_to_text" | "preprocess_unsafe" => {}
            other => return Err(format!("has no argument `{other}`")),
        }
    }
    dump::json(value, &layout).map(Value::str)
}

fn yaml_text(value: &Value, args: &Args, mut layout: YamlLayout) -> Outcome {
    for (name, given) in &args.named {
        let number = || python::to_int(given, 10).and_then(|n| usize::try_from(n).ok());
        match &**name {
            "indent" => layout.indent = number().unwrap_or(2),
            "width" => layout.width = number().unwrap_or(usize::MAX),
            "sort_keys" => layout.sort = python::truth(given),
            "default_flow_style" => {
                layout.flow = if matches!(given, Value::Null) { None } else { Some(python::truth(given)) };
            }
            "explicit_start" => layout.start = python::truth(given),
            "explicit_end" => layout.end = python::truth(given),
            "allow_unicode" => layout.unicode = python::truth(given),
            "default_style" => {
                let style = given.as_str().unwrap_or_default();
                layout.style = style.chars().next().filter(|_| ["|", ">", "'", "\""].contains(&style));
            }
            "canonical" => layout.canonical = python::truth(given),
            other => return Err(format!("has no argument `{other}`")),
        }
    }
    dump::yaml(value, &layout).map(Value::str)
}

/// What a text of YAML says. It came from outside, so that nothing in it is ever templated.
fn read(text: &str) -> Outcome {
    let document = yaml::read("from_yaml", text).map_err(|error| format!("the text is not YAML: {error}"))?;
    Ok(plain(document.root.value()))
}

fn plain(value: Value) -> Value {
    match value {
        Value::Template(template) => {
            let Template { text, .. } = &*template;
            Value::str(text.as_str())
        }
        Value::List(items) => Value::list(items.iter().cloned().map(plain)),
        Value::Map(map) => {
            Value::Map(std::sync::Arc::new(map.iter().map(|(k, v)| (k.clone(), plain(v.clone()))).collect()))
        }
        other => other,
    }
}
