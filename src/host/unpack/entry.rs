//! Which entries of an archive are taken: names that mean one thing, links that stay inside, one entry a name.

use super::{Limits, Refusal};
use icu_normalizer::ComposingNormalizerBorrowed;
use std::collections::HashMap;

/// The longest single name (Linux's `NAME_MAX`).
const NAME: usize = 255;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A regular file of so many bytes.
    File(u64),
    /// A directory.
    Directory,
    /// A link, and where it leads.
    Link(String),
}

/// An entry that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its names, from the top; none for the top itself.
    pub path: Vec<String>,
    /// What it is.
    pub kind: ItemKind,
    /// Its permission bits: never writable by group and others, readable by its owner.
    pub mode: u32,
}

/// What was taken so far, as the least careful filesystem would see it.
#[derive(Default)]
pub(super) struct Taken {
    names: HashMap<String, Seen>,
    count: u64,
}

struct Seen {
    path: String,
    directory: bool,
    /// Whether it is there only because something beneath it is.
    implied: bool,
}

/// Splits and judges a name. `./` before it and `/` after a directory's are usual.
pub(super) fn names(bytes: &[u8], directory: bool, limits: &Limits) -> Result<Vec<String>, Refusal> {
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).escape_default().to_string();
    let refuse = |why| Refusal::Name { path: shown(), why };
    if bytes.len() as u64 > limits.path {
        return Err(Refusal::Limit { what: "bytes in one path", limit: limits.path });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("it has control characters"));
    }
    if text.starts_with('/') {
        return Err(refuse("it is absolute"));
    }
    let text = if directory { text.strip_suffix('/').unwrap_or(text) } else { text };
    let parts: Vec<&str> = text.split('/').collect();
    let parts = if parts.first() == Some(&".") { &parts[1..] } else { &parts[..] };
    if parts.is_empty() && !directory {
        return Err(refuse("it names nothing"));
    }
    for part in parts {
        match *part {
            "" => return Err(refuse("it has an empty name in it")),
            "." => return Err(refuse("it has `.` in it")),
            ".." => return Err(refuse("it has `..` in it")),
            part if part.len() > NAME => return Err(refuse("a name in it is too long")),
            _ => {}
        }
    }
    if parts.len() as u64 > limits.depth {
        return Err(Refusal::Limit { what: "names in one path", limit: limits.depth });
    }
    Ok(parts.iter().map(|part| (*part).to_owned()).collect())
}

/// Judges where a link leads: up by `..` only at its beginning and never above the top, then down by plain names. So
/// each step begins in a real directory of the tree and ends in the tree, whatever links are on its way.
pub(super) fn link(path: &[String], target: &[u8]) -> Result<String, Refusal> {
    let shown = String::from_utf8_lossy(&target[..target.len().min(200)]).escape_default().to_string();
    let refuse = |why| Refusal::Link { path: path.join("/"), target: shown.clone(), why };
    let text = std::str::from_utf8(target).map_err(|_| refuse("it is not UTF-8"))?;
    if text.is_empty() || text.starts_with('/') || text.chars().any(char::is_control) {
        return Err(refuse("it is empty, absolute or has control characters"));
    }
    let mut parts = text.split('/').peekable();
    let mut up = 0;
    while parts.next_if_eq(&"..").is_some() {
        up += 1;
    }
    if up >= path.len() {
        return Err(refuse("it leads out of the archive"));
    }
    match parts.all(|part| !part.is_empty() && part != "." && part != "..") {
        true => Ok(text.to_owned()),
        false => Err(refuse("only `..` at its beginning and plain names are taken")),
    }
}

/// A name as a filesystem without case and composition has it.
fn folded(path: &[String]) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let lower = nfc.normalize(&path.join("/")).to_lowercase();
    nfc.normalize(&lower).into_owned()
}

impl Taken {
    /// Takes an entry, once: its parents must be directories of the archive, or nothing yet.
    pub(super) fn take(&mut self, item: &Item, limits: &Limits) -> Result<(), Refusal> {
        self.count += 1;
        if self.count > limits.entries {
            return Err(Refusal::Limit { what: "entries", limit: limits.entries });
        }
        for depth in 1..item.path.len() {
            let parent = &item.path[..depth];
            let shown = parent.join("/");
            let seen = Seen { path: shown.clone(), directory: true, implied: true };
            let seen = self.names.entry(folded(parent)).or_insert(seen);
            if !seen.directory || seen.path != shown {
                return Err(Refusal::Beneath { path: item.path.join("/"), parent: seen.path.clone() });
            }
        }
        let directory = item.kind == ItemKind::Directory;
        let shown = item.path.join("/");
        let seen = Seen { path: shown.clone(), directory, implied: false };
        match self.names.insert(folded(&item.path), seen) {
            Some(other) if !(directory && other.implied && other.path == shown) => {
                Err(Refusal::Duplicate { path: shown, other: other.path })
            }
            _ => Ok(()),
        }
    }
}
