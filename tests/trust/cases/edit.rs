//! Edits of a JSON document, as attacks write them.

use serde::Deserialize;
use serde_json::Value;

/// One edit, at a JSON pointer; of the whole where none is named. It does one of these.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edit {
    pub at: String,
    /// Puts a value here, a member that was not there too; null is a value.
    #[serde(deserialize_with = "value")]
    set: Option<Value>,
    /// Takes away what is here.
    remove: bool,
    /// Adds to the list that is here.
    append: Option<Value>,
    /// Puts here what the document has elsewhere.
    copy: Option<String>,
    /// Puts here what a second document of the same kind has.
    other: Option<String>,
    /// Makes of the first of this list so many.
    repeat: Option<usize>,
    /// Replaces text within the text that is here, once.
    replace: Option<(String, String)>,
    /// Writes the text that is here in capitals.
    capitals: bool,
    /// A time, in hours from now.
    hours: Option<i64>,
}

fn value<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Edit {
    /// A time here, in hours from now.
    pub fn hours(at: &str, hours: i64) -> Self {
        Self { at: at.to_owned(), hours: Some(hours), ..Self::default() }
    }

    /// What is to stand here; `None` where nothing is.
    fn put(&self, document: &Value, other: &dyn Fn() -> Value) -> Option<Value> {
        let at = &self.at;
        let found = |document: &Value, at: &str| document.pointer(at).unwrap_or_else(|| panic!("{at}")).clone();
        let text = || found(document, at).as_str().unwrap_or_else(|| panic!("{at} is no text")).to_owned();
        if let Some(from) = &self.copy {
            return Some(found(document, from));
        }
        if let Some(from) = &self.other {
            return Some(found(&other(), from));
        }
        if let Some(hours) = self.hours {
            let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
            return Some(time.to_string().into());
        }
        if let Some((from, to)) = &self.replace {
            assert!(text().contains(from.as_str()), "{at} has no {from}");
            return Some(text().replacen(from.as_str(), to, 1).into());
        }
        if self.capitals {
            return Some(text().to_uppercase().into());
        }
        if let Some(more) = &self.append {
            let mut list = found(document, at);
            list.as_array_mut().unwrap_or_else(|| panic!("{at} is no list")).push(more.clone());
            return Some(list);
        }
        if let Some(count) = self.repeat {
            return Some(vec![found(document, &format!("{at}/0")); count].into());
        }
        assert!(self.remove != self.set.is_some(), "{at}: an edit does one thing");
        self.set.clone()
    }
}

/// Alters a document; `other` makes a second one of the same kind.
pub fn alter(document: &mut Value, edits: &[Edit], other: &dyn Fn() -> Value) {
    for edit in edits {
        match edit.put(document, other) {
            Some(value) => set(document, &edit.at, value),
            None => remove(document, &edit.at),
        }
    }
}

fn remove(document: &mut Value, at: &str) {
    let (parent, name) = at.rsplit_once('/').expect("a member");
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{at}"));
    assert!(parent.as_object_mut().expect("a mapping").remove(name).is_some(), "{at} is not there");
}

fn set(document: &mut Value, at: &str, value: Value) {
    if let Some(there) = document.pointer_mut(at) {
        *there = value;
        return;
    }
    let (parent, name) = at.rsplit_once('/').expect("a member");
    let name = name.replace("~1", "/").replace("~0", "~");
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{at}"));
    parent.as_object_mut().expect("a mapping").insert(name, value);
}
