//! What random arguments are made of.

use super::machine::Machine;
use crate::roles::modules::files::stage::Stage;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

/// Arguments of a module.
pub type Given = BoxedStrategy<Json>;

/// A module, its arguments, and what stands before it.
pub struct Case {
    pub module: &'static str,
    pub given: fn() -> Given,
    pub before: fn(&mut Stage<Machine>),
}

/// What has to be there before, where that is nothing.
pub fn nothing(_: &mut Stage<Machine>) {}

/// The file that modules edit.
pub const FILE: &str = "/srv/some.conf";

pub const STATES: &[&str] = &["present", "absent"];

/// Where a file may be made.
pub const PLACES: &[&str] = &["/srv/new", FILE, "/srv/directory/new"];

pub fn one(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(values)
}

/// One of these, or the argument left out.
pub fn perhaps(values: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(values))
}

pub fn mode() -> impl Strategy<Value = Option<&'static str>> {
    perhaps(&["0644", "u=rwx,g=rx,o=", "a+x", "u+X,go-w", "4755", "0"])
}

/// Arguments, those that are left out left out.
pub fn arguments<const N: usize>(given: [(&str, Option<&str>); N], more: Json) -> Json {
    let mut all: Map<String, Json> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    all.extend(more.as_object().cloned().unwrap_or_default());
    Json::Object(all)
}

/// What the file may hold before: lines that arguments meet, sections, a last line with and without its end.
pub fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("a=1"),
        Just("a = 2"),
        Just("# a=1"),
        Just("[one]"),
        Just("[two]"),
        Just("b=x y"),
        Just(""),
        Just("text with \\1 and $"),
    ];
    (prop::collection::vec(line, 0..7), any::<[bool; 2]>()).prop_map(|(mut lines, [end, managed])| {
        // Of a section that is there twice the original removes one at a time.
        let mut sections = std::collections::HashSet::new();
        lines.retain(|line| !line.starts_with('[') || sections.insert(*line));
        if managed {
            lines.insert(lines.len() / 2, "# BEGIN ANSIBLE MANAGED BLOCK\nkept\n# END ANSIBLE MANAGED BLOCK");
        }
        let mut text = lines.join("\n");
        // A marker without its line end is none to the original either.
        if (end || managed) && !text.is_empty() {
            text.push('\n');
        }
        text
    })
}
