//! Alters inputs: bits, bytes, stretches, words that parsers know, and values of JSON documents: whole ones, members, numbers,
//! and what a text holds in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What parsers stumble over.
const WORDS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff\xfe",
    b"../",
    b"sha256:",
    b"-----BEGIN",
    b"-----END",
    b"\n",
    b"\r\n",
    b"&a *a",
    b"!!str",
];

/// What YAML, templates and roles give a meaning to.
#[rustfmt::skip]
const WORDS_OF_ROLES: &[&[u8]] = &[
    b"{{", b"}}", b"{%", b"%}", b"{#", b"#}", b"{{-", b"-%}", b"- ", b": ", b"? ", b"|\n", b">-\n", b"|2\n", b"&a ",
    b"*a", b"<<: *a", b"!vault |\n", b"!unsafe ", b"!!int ", b"!!float ", b"!!binary ", b"---\n", b"...\n",
    b"%YAML 1.1\n", b"\t", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe6\x97\xa5", b"\x00", b"\xe2\x80\xa8",
    b"'", b"\"", b"\\", b"\\x4", b"\\u12", b"[", b"]", b"{", b"}", b",", b"#", b"0x", b"1e999",
    b"-9223372036854775808", b"1:99:99", b"2026-02-30", b".inf", b"| default(", b"| map('", b" is not ", b" in ",
    b"loop.", b"if ", b"endfor", b"raw", b"set x = ", b"name: ", b"with_items: ", b"include_tasks: ", b"{{ +",
    b" when: ", b"register: r\n",
];

/// Where altered inputs come from: the same seed gives the same ones.
pub struct Mutator {
    random: fastrand::Rng,
}

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// One of the seeds, altered once or more.
    pub fn of(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.random.usize(..seeds.len())].clone();
        for _ in 0..=self.random.usize(..4) {
            bytes = self.once(bytes, seeds);
        }
        bytes
    }

    fn once(&mut self, mut bytes: Vec<u8>, seeds: &[Vec<u8>]) -> Vec<u8> {
        let at = self.random.usize(..=bytes.len());
        let stretch = |random: &mut fastrand::Rng| {
            let from = random.usize(..=bytes.len());
            from..(from + random.usize(..=64)).min(bytes.len())
        };
        match self.random.u8(..9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.random.u8(..8),
            1 if at < bytes.len() => bytes[at] = self.random.u8(..),
            2 => bytes.truncate(at),
            3 => {
                let range = stretch(&mut self.random);
                bytes.drain(range);
            }
            4 => {
                let part = bytes[stretch(&mut self.random)].to_vec();
                bytes.splice(at..at, part.repeat(self.random.usize(1..8)));
            }
            5 => {
                let words = if self.random.bool() { &WORDS[..] } else { WORDS_OF_ROLES };
                bytes.splice(at..at, words[self.random.usize(..words.len())].iter().copied());
            }
            6 if !seeds.is_empty() => {
                let other = &seeds[self.random.usize(..seeds.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.random.usize(..=other.len())..]);
            }
            _ => {
                if let Ok(document) = serde_json::from_slice::<Value>(&bytes) {
                    return self.value(document).to_string().into_bytes();
                }
            }
        }
        bytes
    }

    /// A document with another value somewhere in it.
    fn value(&mut self, mut document: Value) -> Value {
        let mut places = Vec::new();
        find(&document, String::new(), &mut places);
        let place = &places[self.random.usize(..places.len())];
        let other = places[self.random.usize(..places.len())].clone();
        if let Some(there) = document.pointer_mut(place)
            && self.random.bool()
            && self.within(there)
        {
            return document;
        }
        let value = match self.random.u8(..10) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(""),
            4 => json!(self.random.i64(..)),
            5 => json!("A".repeat(self.random.usize(..4096))),
            6 => json!(u64::MAX),
            7 => json!(true),
            _ => document.pointer(&other).cloned().unwrap_or_default(),
        };
        if let Some(there) = document.pointer_mut(place) {
            *there = value;
        }
        document
    }
}

impl Mutator {
    /// Alters a value a little: a text or the bytes that it encodes, a number, a member, an item. Whether it could.
    fn within(&mut self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let coded = STANDARD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() > 8);
                let bytes = match coded {
                    Some(bytes) => STANDARD.encode(self.once(bytes, &[])).into_bytes(),
                    None => self.once(text.clone().into_bytes(), &[]),
                };
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            Value::Number(number) => {
                let near = [-1, 1, i64::MIN / 2, 1 << 31, 1 << 53][self.random.usize(..5)];
                *value = json!(number.as_i64().unwrap_or_default().wrapping_add(near));
            }
            Value::Object(members) if !members.is_empty() => {
                let at = self.random.usize(..members.len());
                let name = members.keys().nth(at).cloned().unwrap_or_default();
                let member = members.remove(&name);
                if self.random.bool() {
                    members.insert(format!("{name}X"), member.unwrap_or_default());
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let at = self.random.usize(..items.len());
                let item = items[at].clone();
                match self.random.u8(..3) {
                    0 => drop(items.remove(at)),
                    1 => items.extend(std::iter::repeat_n(item, 40)),
                    _ => items.insert(0, item),
                }
            }
            _ => return false,
        }
        true
    }
}

fn find(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            find(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| find(item, format!("{at}/{index}"), places));
        }
        _ => {}
    }
    places.push(at);
}
