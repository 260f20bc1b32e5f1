//! [`Node`]s to the structs of `keys`, by serde: an error knows the key's path and where it stands.

use super::error::SettingsError;
use super::fault::Fault;
use super::node::{Content, Mark, Node, Scalar};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use std::fmt;

/// Reads a struct. With `draft`, a template that is not rendered yet stands for any value: keys and the other values
/// are judged before the facts are known, and the result is only good for throwing away.
pub(crate) fn read<T: DeserializeOwned>(node: &Node, draft: bool) -> Result<T, SettingsError> {
    T::deserialize(Reader { node, draft }).map_err(|fault| fault.explain(node))
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin().fmt(f)
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    draft: bool,
}

impl<'a> Reader<'a> {
    fn wrong(self, expected: &dyn de::Expected) -> Fault {
        Fault::other(format!("expected {expected}, found {}", self.node.kind())).at(&self.node.mark)
    }

    fn scalar(self) -> Option<&'a Scalar> {
        match &self.node.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn template(self) -> bool {
        self.draft && self.scalar().is_some_and(Scalar::is_template)
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar() {
            // A number's text is as good as a string; a truth value is a slip.
            Some(scalar) if scalar.bool().is_none() || scalar.rendered => {
                visitor.visit_str(&scalar.text).map_err(|fault: Fault| fault.at(&self.node.mark))
            }
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.template() {
            return visitor.visit_u64(1);
        }
        match self.scalar().and_then(|scalar| scalar.int()) {
            Some(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(number),
            }
            .map_err(|fault: Fault| fault.at(&self.node.mark)),
            None => Err(self.wrong(&visitor)),
        }
    }
}

macro_rules! forward {
    ($to:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> { self.$to(visitor) })*
    };
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    forward!(number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64);
    forward!(text: deserialize_str deserialize_string deserialize_char deserialize_bytes deserialize_byte_buf);
    forward!(deserialize_any: deserialize_f32 deserialize_f64 deserialize_unit deserialize_ignored_any);

    /// Free values, as of variables.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::Null => visitor.visit_unit(),
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Map(_) => self.deserialize_map(visitor),
            Content::Scalar(scalar) => {
                if scalar.ambiguous() {
                    let text = &scalar.text;
                    let message = format!(
                        "`{text}` means different things in YAML 1.1 and 1.2: quote it, or write what is meant"
                    );
                    return Err(Fault::other(message).at(&self.node.mark));
                }
                if let Some(truth) = scalar.bool() {
                    visitor.visit_bool(truth)
                } else if let Some(number) = scalar.int() {
                    visitor.visit_i64(number)
                } else if let Some(number) = scalar.float() {
                    visitor.visit_f64(number)
                } else {
                    visitor.visit_str(&scalar.text)
                }
            }
        }
        .map_err(|fault: Fault| fault.at(&self.node.mark))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.template() {
            return visitor.visit_bool(false);
        }
        match self.scalar().and_then(|scalar| scalar.bool()) {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(self.wrong(&"true or false")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    /// The scalars of `scalar.rs` give an example of themselves as the name; in a draft it stands in for a template.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, example: &'static str, visitor: V) -> Result<V::Value, Fault> {
        if self.template() { visitor.visit_str(example) } else { self.text(visitor) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            _ if self.template() => visitor.visit_seq(Items { items: &[], next: 0, draft: true }),
            Content::List(items) => visitor.visit_seq(Items { items, next: 0, draft: self.draft }),
            _ => Err(self.wrong(&"a list")),
        }
        .map_err(|fault: Fault| fault.at(&self.node.mark))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::Map(map) => visitor.visit_map(Members { members: map.iter(), value: None, draft: self.draft }),
            _ => Err(self.wrong(&"a mapping")),
        }
        .map_err(|fault: Fault| fault.at(&self.node.mark))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.content {
            Content::Map(_) => self.deserialize_map(visitor),
            _ => Err(self.wrong(&"a mapping")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = match self.scalar() {
            Some(_) if self.template() => variants.first().copied().unwrap_or_default(),
            Some(scalar) => scalar.text.as_str(),
            None => {
                return Err(Fault::other(format!(
                    "expected one of {}, found {}",
                    variants.join(", "),
                    self.node.kind()
                ))
                .at(&self.node.mark));
            }
        };
        let variant = de::value::StrDeserializer::<Fault>::new(text);
        visitor.visit_enum(variant).map_err(|fault: Fault| fault.at(&self.node.mark))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text(visitor)
    }

    serde::forward_to_deserialize_any! { i128 u128 }
}

struct Items<'a> {
    items: &'a [Node],
    next: usize,
    draft: bool,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.items.get(self.next) else { return Ok(None) };
        let step = format!("[{}]", self.next);
        self.next += 1;
        seed.deserialize(Reader { node, draft: self.draft })
            .map(Some)
            .map_err(|fault| fault.at(&node.mark).below(&step))
    }
}

struct Members<'a> {
    members: indexmap::map::Iter<'a, String, super::node::Member>,
    value: Option<(&'a str, &'a Node)>,
    draft: bool,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, member)) = self.members.next() else { return Ok(None) };
        let name: de::value::StrDeserializer<'_, Fault> = key.as_str().into_deserializer();
        let known = seed.deserialize(name).map_err(|fault| fault.at(&member.key))?;
        self.value = Some((key, &member.value));
        Ok(Some(known))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node)) = self.value.take() else { return Err(Fault::other("a value without a key".into())) };
        seed.deserialize(Reader { node, draft: self.draft }).map_err(|fault| fault.at(&node.mark).below(key))
    }
}
