//! What a task is repeated over, and what an item of a loop sees.

use super::arguments::{plain, truth};
use super::run::{Run, Stage};
use super::view::View;
use crate::roles::load::{Repeat, Said};
use crate::roles::template::{TemplateError, TemplateTrouble};
use crate::roles::value::{Key, Map, Value};

/// A loop that is going on.
pub(super) struct Loop {
    pub(super) items: Vec<Value>,
    /// The variable that holds the item.
    pub(super) variable: String,
    index: Option<String>,
    extended: bool,
    all_items: bool,
}

impl Run<'_> {
    /// The items of a task's loop; `None` where it has none.
    pub(super) fn repeat(&self, stage: &Stage<'_>) -> Result<Option<Loop>, TemplateError> {
        self.repeat_in(stage, self.view(stage))
    }

    /// The same, as a view sees them.
    pub(super) fn repeat_in(&self, stage: &Stage<'_>, view: View<'_>) -> Result<Option<Loop>, TemplateError> {
        let Some(repeat) = &stage.task.repeat else { return Ok(None) };
        let items = match repeat {
            Repeat::Loop(said) => match view.render(&said.value)? {
                Value::List(items) => items.to_vec(),
                other => {
                    return Err(TemplateError {
                        kind: TemplateTrouble::Failed,
                        message: format!("`loop` needs a list, and this is {}", article(other.type_name())),
                        place: Some(said.place.clone()),
                        hint: Some("a mapping becomes a list with the filter `dict2items`".into()),
                    });
                }
            },
            Repeat::With { lookup, terms } => {
                let terms = match view.render(&terms.value)? {
                    Value::List(items) => items.to_vec(),
                    other => vec![other],
                };
                let mut options = Map::new();
                if matches!(lookup.as_str(), "first_found" | "ansible.builtin.first_found") {
                    options.insert(Key::from("_kind"), Value::str(kind_for(&stage.task.action.written)));
                }
                view.lookup(lookup, terms, options)?
            }
        };
        let control = &stage.task.control;
        let word = |said: &Option<Said>| said.as_ref().map(|said| view.render(&said.value)).transpose();
        let flag = |said: &Option<Said>, default| word(said).map(|value| value.map_or(default, |value| truth(&value)));
        Ok(Some(Loop {
            items,
            variable: word(&control.loop_var)?.map_or_else(|| "item".into(), |value| plain(&value)),
            index: word(&control.index_var)?.map(|value| plain(&value)),
            extended: flag(&control.extended, false)?,
            all_items: flag(&control.extended_allitems, true)?,
        }))
    }

    /// What stands for an item in what people see.
    pub(super) fn label(&self, stage: &Stage<'_>, item: &Value) -> Result<String, TemplateError> {
        let label = stage.task.control.label.as_ref().map(|said| self.view(stage).render(&said.value)).transpose()?;
        let shown = label.unwrap_or_else(|| item.clone());
        let text = match shown.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        };
        Ok(self.input.redactor.scrub(&text))
    }
}

/// The directory in which `with_first_found` looks, by the task's module.
fn kind_for(module: &str) -> &'static str {
    let kinds = [("template", "templates"), ("var", "vars")];
    kinds.iter().find(|(word, _)| module.contains(word)).map_or("files", |(_, kind)| kind)
}

fn article(python: &str) -> String {
    match python {
        "dict" => "a mapping".into(),
        "str" => "text".into(),
        "NoneType" => "nothing".into(),
        other => format!("of type {other}"),
    }
}

impl Loop {
    /// The variables of one item.
    pub(super) fn variables(&self, index: usize) -> Map {
        let item = self.items.get(index).cloned().unwrap_or_default();
        let number = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let mut map = Map::from_iter([
            (Key::from(self.variable.as_str()), item),
            (Key::from("ansible_loop_var"), Value::str(self.variable.as_str())),
        ]);
        if let Some(name) = &self.index {
            map.insert(Key::from(name.as_str()), number(index));
            map.insert(Key::from("ansible_index_var"), Value::str(name.as_str()));
        }
        if self.extended {
            let length = self.items.len();
            let mut entries = vec![
                ("index", number(index + 1)),
                ("index0", number(index)),
                ("first", (index == 0).into()),
                ("last", (index + 1 == length).into()),
                ("length", number(length)),
                ("revindex", number(length - index)),
                ("revindex0", number(length - index - 1)),
            ];
            if self.all_items {
                entries.push(("allitems", Value::list(self.items.iter().cloned())));
            }
            if let Some(next) = self.items.get(index + 1) {
                entries.push(("nextitem", next.clone()));
            }
            if let Some(before) = index.checked_sub(1).and_then(|before| self.items.get(before)) {
                entries.push(("previtem", before.clone()));
            }
            map.insert(Key::from("ansible_loop"), Value::map(entries));
        }
        map
    }
}
