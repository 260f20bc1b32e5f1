//! Loops: `loop`, `with_*`, `loop_control`.

use super::error::LoadError;
use super::frame::Said;
use super::keyword::{said, several};
use crate::roles::yaml::Node;

/// What a task is repeated over.
#[derive(Clone, Debug)]
pub enum Repeat {
    /// `loop:` a list.
    Loop(Said),
    /// `with_NAME:` the lookup `NAME` with these terms.
    With {
        /// The lookup.
        lookup: String,
        /// Its terms.
        terms: Said,
    },
}

/// `loop_control:`.
#[derive(Clone, Debug, Default)]
pub struct RepeatControl {
    /// The variable that holds the item; `item` by default.
    pub loop_var: Option<Said>,
    /// The variable that holds the index.
    pub index_var: Option<Said>,
    /// What is shown in the item's place.
    pub label: Option<Said>,
    /// Seconds between items.
    pub pause: Option<Said>,
    /// Whether there is `ansible_loop`.
    pub extended: Option<Said>,
    /// Whether `ansible_loop` has `allitems`.
    pub extended_allitems: Option<Said>,
    /// Ends the loop after an item.
    pub break_when: Vec<Said>,
}

impl RepeatControl {
    /// Reads `loop_control`.
    pub(super) fn read(node: &Node) -> Result<Self, LoadError> {
        let mut control = Self::default();
        let pairs = node.pairs().ok_or_else(|| LoadError::Shape {
            what: "`loop_control`".into(),
            wanted: "a mapping",
            have: node.describe(),
            place: node.place(),
        })?;
        for (key, value) in pairs {
            let slot = match key.text() {
                Some("loop_var") => &mut control.loop_var,
                Some("index_var") => &mut control.index_var,
                Some("label") => &mut control.label,
                Some("pause") => &mut control.pause,
                Some("extended") => &mut control.extended,
                Some("extended_allitems") => &mut control.extended_allitems,
                Some("break_when") => {
                    control.break_when = several(value);
                    continue;
                }
                _ => {
                    let names =
                        ["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"];
                    let name = key.key().to_string();
                    let nearest = super::error::nearest(&name, names);
                    return Err(LoadError::Keyword { name, on: "`loop_control`", nearest, place: key.place() });
                }
            };
            *slot = Some(said(value));
        }
        Ok(control)
    }
}
