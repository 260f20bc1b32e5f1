//! `vars_prompt`: questions that nobody is there to answer. The default stands, unless `-e` gives the variable.

use super::error::{LoadError, Refusal};
use super::frame::Said;
use super::keyword::said;
use crate::failure::Place;
use crate::roles::yaml::Node;

/// A question.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The variable.
    pub name: String,
    /// Its value where it is not given.
    pub default: Option<Said>,
    /// Where it is asked.
    pub place: Place,
}

/// Reads `vars_prompt`; what is not done of it goes to `refusals`.
pub(super) fn read(node: &Node, refusals: &mut Vec<Refusal>) -> Result<Vec<Prompt>, LoadError> {
    let shape = |node: &Node| LoadError::Shape {
        what: "`vars_prompt`".into(),
        wanted: "a list of mappings with `name`",
        have: node.describe(),
        place: node.place(),
    };
    if node.is_null() {
        return Ok(Vec::new());
    }
    let mut prompts = Vec::new();
    for entry in node.list().ok_or_else(|| shape(node))? {
        let mut prompt = Prompt { name: String::new(), default: None, place: entry.place() };
        for (key, value) in entry.pairs().ok_or_else(|| shape(entry))? {
            match key.text().unwrap_or_default() {
                "name" => prompt.name = value.text().unwrap_or_default().to_owned(),
                "default" if !value.is_null() => prompt.default = Some(said(value)),
                "encrypt" | "salt" | "salt_size" if !value.is_null() => {
                    let message = format!("`vars_prompt: {}` is not supported", key.key());
                    refusals.push(Refusal::new(message, key.place()).hint("hash it with the filter `password_hash`"));
                }
                "default" | "prompt" | "private" | "confirm" | "unsafe" | "encrypt" | "salt" | "salt_size" => {}
                other => {
                    return Err(LoadError::Keyword {
                        name: other.to_owned(),
                        on: "`vars_prompt`",
                        nearest: super::error::nearest(
                            other,
                            ["name", "prompt", "default", "private", "confirm", "unsafe"],
                        ),
                        place: key.place(),
                    });
                }
            }
        }
        if prompt.name.is_empty() {
            return Err(shape(entry));
        }
        prompts.push(prompt);
    }
    Ok(prompts)
}
