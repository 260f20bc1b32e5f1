//! Which module a task names, and with which arguments (ansible-core `parsing/mod_args.py`).

use super::error::{LoadError, Refusal, nearest};
use super::free_form::{parse_pairs, split};
use super::keyword::{TASK, is_keyword, unknown};
use crate::failure::Place;
use crate::roles::modules::{self, ArgError, FreeForm, Row, TABLE};
use crate::roles::value::{Key, Map, Value};
use crate::roles::yaml::{Node, is_template};
use std::collections::BTreeMap;

/// A module, and its arguments as written.
#[derive(Clone)]
pub struct Action {
    /// The name as written.
    pub written: String,
    /// Its row; absent where muster has no such module, which a refusal then says.
    pub row: Option<&'static Row>,
    /// Its arguments.
    pub arguments: Arguments,
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Action").field("written", &self.written).field("arguments", &self.arguments).finish()
    }
}

/// A task's arguments.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// By name; `args:` lies under what stands at the module.
    pub map: Map,
    /// Where each stands.
    pub places: BTreeMap<String, Place>,
    /// A template that yields a mapping, laid under the others.
    pub whole: Option<Value>,
}

impl Arguments {
    fn put(&mut self, name: &str, value: Value, place: Place) {
        self.map.insert(Key::from(name), value);
        self.places.insert(name.to_owned(), place);
    }

    /// An argument's value as written.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(&Key::from(name))
    }
}

impl Action {
    /// The module's full name.
    pub fn name(&self) -> &str {
        self.row.map_or(&self.written, |row| row.spec.name)
    }

    /// Whether it is this builtin, given by its short name.
    pub fn is(&self, builtin: &str) -> bool {
        self.name().strip_prefix("ansible.builtin.") == Some(builtin)
    }

    /// Finds the module among a task's members, and reads its arguments.
    pub(super) fn read(task: &Node, on: u8, refusals: &mut Vec<Refusal>) -> Result<Self, LoadError> {
        let pairs = task.pairs().unwrap_or_default();
        let mut named: Option<(&Node, String, Thing<'_>)> = None;
        for (key, value) in pairs {
            let Some(name) = key.text() else { return Err(unknown(key, on)) };
            let found = match name {
                "action" | "local_action" => Self::old_style(value)?,
                _ if is_keyword(name, on) => continue,
                _ => (name.to_owned(), Thing::Node(value)),
            };
            if let Some((first, before, _)) = &named {
                return Err(Self::two(first, before, key, &found.0, on));
            }
            named = Some((key, found.0, found.1));
        }
        let Some((key, written, thing)) = named else {
            return Err(LoadError::Task {
                problem: "this task names no module".into(),
                hint: Some("a task has one module, such as `ansible.builtin.file:`, beside its keywords".into()),
                place: task.place(),
            });
        };
        let row = modules::find(&written);
        let mut arguments = Arguments::default();
        if let Some(args) = task.get("args") {
            match args.pairs() {
                Some(pairs) => {
                    pairs.iter().for_each(|(k, v)| arguments.put(&k.key().to_string(), v.value(), k.place()))
                }
                None if args.text().is_some_and(is_template) => arguments.whole = Some(args.value()),
                None if args.is_null() => {}
                None => return Err(shape("`args`", args)),
            }
        }
        let form = row.map_or(FreeForm::Command("_raw_params"), |row| row.spec.free_form);
        match thing {
            Thing::Node(node) => read_node(&written, node, form, &mut arguments)?,
            Thing::Text(text, node) => read_text(&written, &text, node, form, &mut arguments)?,
        }
        match row {
            Some(row) => check(row, &arguments, key.place(), refusals),
            // Which module it is shows when the task runs.
            None if is_template(&written) => {}
            None => refusals.push(no_module(&written, key.place())),
        }
        Ok(Self { written, row, arguments })
    }

    /// Whether its module is named by a template (`action: "{{ ... }}"`).
    pub fn is_templated(&self) -> bool {
        self.row.is_none() && is_template(&self.written)
    }

    /// The same with its module's name known, or why there is none.
    pub fn named(&self, name: &str, place: &Place) -> Result<Self, Refusal> {
        let row = modules::find(name).ok_or_else(|| no_module(name, place.clone()))?;
        Ok(Self { written: name.to_owned(), row: Some(row), arguments: self.arguments.clone() })
    }

    fn old_style(node: &Node) -> Result<(String, Thing<'_>), LoadError> {
        if let Some(text) = node.text() {
            let text = text.trim();
            // A template in the module's place may have blanks in it.
            if let Some(name) =
                split(text).ok().and_then(|parts| parts.into_iter().next()).filter(|name| is_template(name))
            {
                let rest = text.strip_prefix(&name).unwrap_or_default();
                return Ok((name.clone(), Thing::Text(rest.trim().to_owned(), node)));
            }
            let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            return Ok((name.to_owned(), Thing::Text(rest.trim().to_owned(), node)));
        }
        let name = node.get("module").and_then(Node::text).ok_or_else(|| shape("`action`", node))?;
        let (name, rest) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        Ok((name.to_owned(), if rest.is_empty() { Thing::Node(node) } else { Thing::Text(rest.to_owned(), node) }))
    }

    /// Two words that are no keywords: one of them is a slip, or there are two modules.
    fn two(first: &Node, before: &str, second: &Node, after: &str, on: u8) -> LoadError {
        match (modules::find(before), modules::find(after)) {
            (Some(_), None) => unknown(second, on),
            (None, Some(_)) => unknown(first, on),
            _ => LoadError::Task {
                problem: format!("this task names two modules, `{before}` and `{after}`"),
                hint: Some("a task has one module; look at the indentation of its arguments".into()),
                place: second.place(),
            },
        }
    }
}

enum Thing<'a> {
    Node(&'a Node),
    Text(String, &'a Node),
}

fn shape(what: &str, node: &Node) -> LoadError {
    LoadError::Shape { what: what.into(), wanted: "a mapping or text", have: node.describe(), place: node.place() }
}

fn read_node(module: &str, node: &Node, form: FreeForm, into: &mut Arguments) -> Result<(), LoadError> {
    if let Some(pairs) = node.pairs() {
        for (key, value) in pairs {
            let name = key.key().to_string();
            match (name.as_str(), form) {
                ("module", _) => {}
                // Below `action:` they may stand in a mapping of their own.
                ("args", _) if node.get("module").is_some() && value.pairs().is_some() => {
                    read_node(module, value, form, into)?;
                }
                ("_raw_params", FreeForm::Command(argument) | FreeForm::Argument(argument)) => {
                    into.put(argument, value.value(), key.place());
                }
                _ => into.put(&name, value.value(), key.place()),
            }
        }
        return Ok(());
    }
    match node.text() {
        Some(text) => read_text(module, text, node, form, into),
        None if node.is_null() => Ok(()),
        None => match form {
            // `include_vars: 1` and its kin: a name that looks like a number.
            FreeForm::Argument(argument) if node.list().is_none() => {
                into.put(argument, node.value(), node.place());
                Ok(())
            }
            _ => Err(shape(&format!("`{module}`"), node)),
        },
    }
}

fn read_text(module: &str, text: &str, node: &Node, form: FreeForm, into: &mut Arguments) -> Result<(), LoadError> {
    let command = matches!(form, FreeForm::Command(_));
    let pairs = parse_pairs(text, command).map_err(|error| LoadError::Task {
        problem: error.to_string(),
        hint: Some("write the arguments as a mapping below the module".into()),
        place: node.place(),
    })?;
    for (key, value) in &pairs.pairs {
        into.put(key, node.template(value), node.place());
    }
    match form {
        _ if pairs.rest.trim().is_empty() => {}
        FreeForm::Command(argument) | FreeForm::Argument(argument) => {
            into.put(argument, node.template(&pairs.rest), node.place());
        }
        FreeForm::Pairs if is_template(&pairs.rest) => into.whole = Some(node.template(&pairs.rest)),
        FreeForm::Pairs => {
            return Err(LoadError::Task {
                problem: format!("`{module}` takes `key=value` pairs, and `{}` is none", pairs.rest.trim()),
                hint: Some("write the arguments as a mapping below the module".into()),
                place: node.place(),
            });
        }
    }
    Ok(())
}

fn no_module(written: &str, place: Place) -> Refusal {
    let refusal = Refusal::new(format!("muster has no module `{written}`"), place);
    let names = TABLE.iter().flat_map(|row| [row.spec.name, row.spec.name.rsplit('.').next().unwrap_or_default()]);
    match nearest(written, names) {
        Some(near) => refusal.hint(format!("did you mean `{near}`?")),
        None => refusal.hint("use one that it has, or guard the task by a condition that facts and variables decide"),
    }
}

/// What can be said of arguments before anything is templated: their names, and the values that are no templates.
fn check(row: &'static Row, arguments: &Arguments, at: Place, refusals: &mut Vec<Refusal>) {
    let spec = row.spec;
    // Their arguments are variables.
    if matches!(spec.name, "ansible.builtin.set_fact" | "ansible.builtin.add_host") {
        return;
    }
    let mut refuse = |error: &ArgError, place: Place| {
        let fails = !matches!(error, ArgError::Unsupported { .. });
        let refusal = Refusal { fails, ..Refusal::new(error.to_string(), place) };
        refusals.push(match error {
            ArgError::Unknown { name, nearest: near, .. } if is_keyword(name, TASK) => {
                let _ = near;
                refusal.hint(format!("`{name}` is a keyword: it stands beside the module, not below it"))
            }
            ArgError::Unknown { nearest: Some(near), .. } => refusal.hint(format!("did you mean `{near}`?")),
            _ => refusal,
        });
    };
    let mut given = Vec::new();
    for (key, value) in &arguments.map {
        let name = key.to_string();
        let place = arguments.places.get(&name).cloned().unwrap_or_else(|| at.clone());
        match spec.check_name(&name) {
            Err(error) => refuse(&error, place),
            Ok(param) => {
                given.push(param.name);
                if !has_template(value) && !matches!(value, Value::Null) {
                    if let Err(error) = spec.check_value(param, value) {
                        refuse(&error, place);
                    }
                } else if let modules::Support::No(why) = param.support
                    && param.default.is_none()
                    && !matches!(value, Value::Null)
                {
                    refuse(&ArgError::Unsupported { module: spec.name, name: param.name.into(), why }, place);
                }
            }
        }
    }
    if arguments.whole.is_none() {
        for param in spec.all_params().filter(|param| param.required && !given.contains(&param.name)) {
            refuse(&ArgError::Missing { module: spec.name, name: param.name }, at.clone());
        }
    }
}

/// Whether a value has a template anywhere.
pub(in crate::roles) fn has_template(value: &Value) -> bool {
    match value {
        Value::Template(_) => true,
        Value::List(items) => items.iter().any(has_template),
        Value::Map(map) => map.values().any(has_template),
        _ => false,
    }
}
