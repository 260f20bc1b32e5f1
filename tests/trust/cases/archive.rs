//! A content bundle: benign entries, and what an attack adds to them.

use super::{Outcome, told};
use crate::attacks::archive::{Entry, Stage, archive, benign, gzip};
use muster::host::unpack::{Limits, Packing};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What comes after the benign entries.
    #[serde(default)]
    entries: Vec<Written>,
    /// How both are packed.
    #[serde(default)]
    packing: Packed,
    /// What is done to the packed bytes.
    #[serde(default)]
    bytes: Option<Bytes>,
    /// At most so many entries.
    #[serde(default)]
    most_entries: Option<u64>,
    #[serde(default)]
    most_bytes: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Packed {
    #[default]
    Tar,
    Gzip,
    Zstd,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bytes {
    /// The whole again, after itself.
    Again,
    /// Some text after it.
    After(String),
    /// So many bytes of its end are missing.
    Cut(usize),
    /// One bit of this byte is another.
    Flip(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A file, unless it is something else.
    name: String,
    /// The type's letter in a header (POSIX ustar, *typeflag*).
    #[serde(default = "file")]
    kind: char,
    #[serde(default)]
    mode: Option<u32>,
    #[serde(default)]
    text: String,
    /// So many bytes of zero, in place of a text.
    #[serde(default)]
    zeros: usize,
    /// Where a link leads.
    #[serde(default)]
    to: Option<String>,
    /// Members of an extended header, in place of an entry.
    #[serde(default)]
    extended: Vec<(String, String)>,
    /// A byte of the name that is no text.
    #[serde(default)]
    byte: Option<u8>,
}

fn file() -> char {
    '0'
}

impl Written {
    fn entry(&self) -> Entry {
        let kind = u8::try_from(self.kind).expect("a letter");
        if !self.extended.is_empty() {
            let members: Vec<(&str, &str)> = self.extended.iter().map(|(key, value)| (&key[..], &value[..])).collect();
            return Entry::extended(kind, &members);
        }
        let usual = match kind {
            b'5' => 0o755,
            b'2' => 0o777,
            _ => 0o644,
        };
        let mut name = self.name.clone().into_bytes();
        name.extend(self.byte);
        let data = if self.zeros > 0 { vec![0; self.zeros] } else { self.text.clone().into_bytes() };
        let mut entry = Entry::raw(&name, kind, self.mode.unwrap_or(usual), &data);
        if let Some(to) = &self.to {
            entry.header.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
        }
        entry
    }
}

impl Case {
    fn packed(&self, entries: Vec<Entry>) -> (Vec<u8>, Packing) {
        let plain = archive(entries);
        match self.packing {
            Packed::Tar => (plain, Packing::Tar),
            Packed::Gzip => (gzip(&plain), Packing::Gzip),
            Packed::Zstd => (zstd::encode_all(&plain[..], 3).expect("compressed"), Packing::Zstd),
        }
    }

    pub fn run(&self) -> Outcome {
        let mut stage = Stage::new();
        let (good, packing) = self.packed(benign());
        let twin = told(stage.extract(&good, packing));
        let one = stage.scratch.path().join("releases/one");
        if twin.is_ok() {
            assert!(one.is_dir(), "the twin is there");
            muster::host::durable::remove_directory(&one).expect("removed");
        }
        let more = self.entries.iter().map(Written::entry);
        let (mut bad, packing) = self.packed(benign().into_iter().chain(more).collect());
        match &self.bytes {
            Some(Bytes::Again) => bad.extend_from_within(..),
            Some(Bytes::After(text)) => bad.extend(text.bytes()),
            Some(Bytes::Cut(count)) => bad.truncate(bad.len() - count),
            Some(Bytes::Flip(at)) => bad[*at] ^= 1,
            None => {}
        }
        let usual = Limits::default();
        stage.limits = Limits {
            entries: self.most_entries.unwrap_or(usual.entries),
            bytes: self.most_bytes.unwrap_or(usual.bytes),
            ..usual
        };
        let attack = told(stage.extract(&bad, packing));
        assert!(attack.is_ok() || stage.left() == 0, "nothing is left of what was refused");
        Outcome { twin, attack }
    }
}
