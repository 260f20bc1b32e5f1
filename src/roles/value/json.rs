//! Values as JSON, and from it.

use super::Value;
use serde_json::Value as Json;

impl Value {
    /// As JSON, for results, status and journals: secrets are redacted, templates are their text, `omit` is null.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null | Self::Omit => Json::Null,
            Self::Unknown => Json::from("(known when applied)"),
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => Json::from(*i),
            Self::Float(f) => Json::from(*f),
            Self::Str(text) if text.is_secret() => Json::from(crate::secret::REDACTED),
            Self::Str(text) if text.is_moment() => Json::from(text.iso()),
            Self::Str(text) => Json::from(text.expose()),
            Self::Template(template) => Json::from(template.text.as_str()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect()),
        }
    }

    /// From JSON, plain: nothing in it is templated.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => n.as_i64().map_or_else(|| Self::Float(n.as_f64().unwrap_or(f64::NAN)), Self::Int),
            Json::String(text) => Self::str(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json)),
            Json::Object(map) => Self::map(map.iter().map(|(k, v)| (k.as_str(), Self::from_json(v)))),
        }
    }
}
