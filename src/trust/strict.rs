//! JSON that says one thing: no duplicate keys, no depth or size to drown in. Read before every trusted parse, because
//! the libraries behind it take the last of two equal keys.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Deeper than any document that is verified here.
const DEPTH: u8 = 32;

/// Why a document is refused.
#[derive(Debug, thiserror::Error)]
pub enum StrictError {
    /// More bytes than such a document may have.
    #[error("it has {size} bytes; such a document may have {limit}")]
    TooLarge {
        /// What it has.
        size: usize,
        /// What it may have.
        limit: usize,
    },
    /// Not JSON, a duplicate key, or too deep: serde's message says which and where.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

/// Refuses a document that is too large, is no JSON, nests too deep or has a key twice.
pub fn strict(bytes: &[u8], limit: usize) -> Result<(), StrictError> {
    if bytes.len() > limit {
        return Err(StrictError::TooLarge { size: bytes.len(), limit });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Walk(DEPTH).deserialize(&mut reader)?;
    reader.end()?;
    Ok(())
}

/// Walks a document to this depth and keeps nothing of it.
#[derive(Clone, Copy)]
struct Walk(u8);

impl Walk {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("it nests too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(de::Error::custom(format!("the key `{key}` is there twice")));
            }
            seen.insert(key);
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_passes_and_two_do_not() {
        strict(br#"{"a": [1, 2.5, {"b": null}], "c": true}"#, 100).expect("plain");
        let twice = strict(br#"{"a": {"b": 1, "b": 2}}"#, 100).expect_err("duplicate");
        assert!(twice.to_string().contains("the key `b` is there twice"), "{twice}");
        assert!(matches!(strict(b"{}", 1), Err(StrictError::TooLarge { size: 2, limit: 1 })));
        assert!(strict("[".repeat(40).as_bytes(), 100).expect_err("deep").to_string().contains("too deep"));
        assert!(strict(b"{} {}", 100).is_err(), "trailing characters");
    }
}
