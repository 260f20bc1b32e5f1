//! What a value has to be, as a benchmark writes it.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a value has to be: one word, one of several, a bound, or what it may not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// One of these words. `value: no` is one word; a list is a choice.
    OneOf(Vec<String>),
    /// A whole number within bounds, both included. Another thing than a number is not.
    Number {
        /// The least.
        at_least: Option<i64>,
        /// The most.
        at_most: Option<i64>,
        /// Numbers beside the bounds that are right, too.
        or: Vec<i64>,
    },
    /// A list, parted by commas or blanks, that holds none of these.
    NoneOf(Vec<String>),
    /// A list, parted by commas or blanks, that holds all of these.
    AllOf(Vec<String>),
    /// Anything that is not empty and not one of these.
    Not(Vec<String>),
}

impl Wanted {
    /// Whether a value is as wanted. Letters of either case are the same where `fold`.
    pub fn accepts(&self, value: &str, fold: bool) -> bool {
        let same = |a: &str, b: &str| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
        let words = |value: &str| -> Vec<String> {
            let parts = value.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            parts.map(str::to_owned).collect()
        };
        let value = value.trim();
        match self {
            Self::OneOf(these) => {
                these.iter().any(|one| same(one, value) || number(one).is_some() && number(one) == number(value))
            }
            Self::Number { at_least, at_most, or } => number(value).is_some_and(|number| {
                let within = at_least.is_none_or(|least| number >= least) && at_most.is_none_or(|most| number <= most);
                or.contains(&number) || within
            }),
            Self::NoneOf(these) => {
                let words = words(value);
                !words.is_empty() && !words.iter().any(|word| these.iter().any(|one| same(one, word)))
            }
            Self::AllOf(these) => {
                let words = words(value);
                these.iter().all(|one| words.iter().any(|word| same(one, word)))
            }
            Self::Not(these) => !value.is_empty() && !these.iter().any(|one| same(one, value)),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let either = |words: &[String]| words.join(" or ");
        match self {
            Self::OneOf(these) => f.write_str(&either(these)),
            Self::Number { at_least, at_most, or } => {
                match (at_least, at_most) {
                    (Some(least), Some(most)) => write!(f, "{least} to {most}")?,
                    (Some(least), None) => write!(f, "at least {least}")?,
                    (None, Some(most)) => write!(f, "at most {most}")?,
                    (None, None) => f.write_str("a number")?,
                }
                or.iter().try_for_each(|number| write!(f, " or {number}"))
            }
            Self::NoneOf(these) => write!(f, "none of {}", these.join(", ")),
            Self::AllOf(these) => write!(f, "all of {}", these.join(", ")),
            Self::Not(these) if these.is_empty() => f.write_str("anything"),
            Self::Not(these) => write!(f, "anything but {}", either(these)),
        }
    }
}

/// A word as a benchmark writes it: a truth value is `yes` or `no`, as tools write them.
#[derive(Clone, Debug)]
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Word, E> {
                Err(E::custom("a truth value is not what tools write: quote the word, as `yes`, `no` or `'true'`"))
            }
        }
        from.deserialize_any(Seen)
    }
}

fn words(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|word| word.0).collect()
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Seen)
    }
}

struct Seen;

impl<'de> Visitor<'de> for Seen {
    type Value = Wanted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, a list of words, or a mapping with at_least, at_most, or, none_of, all_of, not")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Wanted, E> {
        Ok(Wanted::OneOf(vec![text.to_owned()]))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Wanted, E> {
        Ok(Wanted::OneOf(vec![number.to_string()]))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Wanted, E> {
        Ok(Wanted::OneOf(vec![number.to_string()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Wanted, A::Error> {
        let mut these = Vec::new();
        while let Some(Word(word)) = list.next_element()? {
            these.push(word);
        }
        Ok(Wanted::OneOf(these))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wanted, A::Error> {
        const KEYS: &[&str] = &["at_least", "at_most", "or", "none_of", "all_of", "not"];
        let (mut at_least, mut at_most, mut or) = (None, None, Vec::new());
        let mut list = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "at_least" => at_least = Some(map.next_value()?),
                "at_most" => at_most = Some(map.next_value()?),
                "or" => or = map.next_value()?,
                "none_of" => list = Some(Wanted::NoneOf(words(map.next_value()?))),
                "all_of" => list = Some(Wanted::AllOf(words(map.next_value()?))),
                "not" => list = Some(Wanted::Not(words(map.next_value()?))),
                other => return Err(de::Error::unknown_field(other, KEYS)),
            }
        }
        match (list, at_least.is_some() || at_most.is_some()) {
            (Some(list), false) if or.is_empty() => Ok(list),
            (None, true) => Ok(Wanted::Number { at_least, at_most, or }),
            _ => Err(de::Error::custom("either bounds, or one of none_of, all_of and not")),
        }
    }
}

impl schemars::JsonSchema for Wanted {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Wanted".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "a word, a list of words of which one is right, {at_least, at_most, or}, {none_of: [..]}, {all_of: [..]} or {not: [..]}"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_wanted_or_not() {
        for (wanted, value, right) in [
            ("1", "1", true),
            ("[1, 2]", " 2", true),
            ("1", "01", true),
            ("'no'", "NO", true),
            ("{at_most: 4}", "5", false),
            ("{at_most: 4}", "x", false),
            ("{at_least: 1, at_most: 60}", "0", false),
            ("{at_least: 900, or: [0]}", "0", true),
            ("{none_of: [3des-cbc]}", "aes128-ctr,3des-cbc", false),
            ("{none_of: [3des-cbc]}", "aes128-ctr", true),
            ("{none_of: [3des-cbc]}", "", false),
            ("{all_of: [a, b]}", "b,a,c", true),
            ("{not: [none]}", "/etc/issue.net", true),
            ("{not: [none]}", "none", false),
        ] {
            let parsed: Wanted = serde_yaml::from_str(wanted).expect(wanted);
            assert_eq!(parsed.accepts(value, true), right, "{wanted} {value}");
        }
    }

    #[test]
    fn what_is_not_meant_is_refused() {
        for text in ["true", "{at_least: 1, not: [a]}", "{}", "{at_leats: 1}", "[true]"] {
            assert!(serde_yaml::from_str::<Wanted>(text).is_err(), "{text}");
        }
    }
}
