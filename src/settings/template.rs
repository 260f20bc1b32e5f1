//! Templates in settings: instance facts and tags, strictly.

use super::error::SettingsError;
use super::keys::{NO_TAGS, NO_TEMPLATES};
use super::node::{Content, Member, Node, Scalar, join};
use indexmap::IndexMap;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

/// A template of settings is a line; what takes longer is a mistake.
const FUEL: u64 = 20_000;

/// Renders every template but those of `variables`, which are the roles' own. What a template gives is never a
/// template again, so a tag cannot hold one.
pub(crate) fn render(root: &Node, facts: &serde_json::Value) -> Result<Node, SettingsError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    let mut signed = facts.clone();
    if let Some(members) = signed.as_object_mut() {
        members.shift_remove("tags");
    }
    let (facts, signed) = (Value::from(Serde(facts)), Value::from(Serde(signed)));
    Renderer { environment, facts, signed }.node(root, "")
}

/// Refuses templates where they may not stand.
pub(crate) fn refuse_misplaced(root: &Node) -> Result<(), SettingsError> {
    for (path, node) in root.leaves() {
        let Content::Scalar(scalar) = &node.content else { continue };
        let first = path.split(['.', '[']).next().unwrap_or_default();
        if scalar.is_template() && NO_TEMPLATES.contains(&first) {
            return Err(SettingsError::Template {
                place: Some(node.mark.place()),
                message:
                    "this key cannot be a template: it is needed before tags are known, or tags must not decide it"
                        .into(),
                path,
            });
        }
    }
    Ok(())
}

/// Whether there is anything to render.
pub(crate) fn any(root: &Node) -> bool {
    root.leaves().iter().any(|(path, node)| {
        !path.starts_with("variables") && matches!(&node.content, Content::Scalar(scalar) if scalar.is_template())
    })
}

struct Renderer {
    environment: Environment<'static>,
    facts: Value,
    /// The facts without what whoever launches writes.
    signed: Value,
}

impl Renderer {
    fn node(&self, node: &Node, path: &str) -> Result<Node, SettingsError> {
        let content = match &node.content {
            Content::Scalar(scalar) if scalar.is_template() => return self.scalar(node, scalar, path),
            Content::List(items) => Content::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &format!("{path}[{index}]")))
                    .collect::<Result<_, _>>()?,
            ),
            Content::Map(members) => {
                let mut rendered = IndexMap::with_capacity(members.len());
                for (key, member) in members {
                    let below = if path.is_empty() { key.clone() } else { join(path, key) };
                    let value =
                        if below == "variables" { member.value.clone() } else { self.node(&member.value, &below)? };
                    rendered.insert(key.clone(), Member { key: member.key.clone(), value });
                }
                Content::Map(rendered)
            }
            other => other.clone(),
        };
        Ok(Node { mark: node.mark.clone(), content })
    }

    fn visible(&self, path: &str) -> &Value {
        let first = path.split(['.', '[']).next().unwrap_or_default();
        if NO_TAGS.contains(&first) && path != "repository.ref" { &self.signed } else { &self.facts }
    }

    fn scalar(&self, node: &Node, scalar: &Scalar, path: &str) -> Result<Node, SettingsError> {
        let refuse = |message: String| SettingsError::Template {
            place: Some(node.mark.place()),
            path: path.to_owned(),
            message,
        };
        let facts = self.visible(path);
        let value = match sole_expression(&scalar.text) {
            // One expression alone keeps its type: `roles: "{{ tags.roles | split(',') }}"` is a list.
            Some(expression) => {
                self.environment.compile_expression(expression).and_then(|compiled| compiled.eval(facts))
            }
            None => self.environment.render_str(&scalar.text, facts).map(Value::from),
        }
        .map_err(|error| refuse(said(&error)))?;
        if value.is_undefined() {
            return Err(refuse(format!("`{}` is undefined", scalar.text)));
        }
        let json = serde_json::to_value(&value).map_err(|error| refuse(error.to_string()))?;
        Ok(rendered(node, &json))
    }
}

fn said(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%")).then(|| inner.trim_matches('-').trim())
}

/// A value where its template stood.
fn rendered(node: &Node, json: &serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let scalar = |text: String| Content::Scalar(Scalar { text, plain: false, rendered: true });
    let content = match json {
        Json::Null => Content::Null,
        Json::Bool(truth) => scalar(truth.to_string()),
        Json::Number(number) => scalar(number.to_string()),
        Json::String(text) => scalar(text.clone()),
        Json::Array(items) => Content::List(items.iter().map(|item| rendered(node, item)).collect()),
        Json::Object(members) => Content::Map(
            members
                .iter()
                .map(|(key, value)| (key.clone(), Member { key: node.mark.clone(), value: rendered(node, value) }))
                .collect(),
        ),
    };
    Node { mark: node.mark.clone(), content }
}
