//! The members of a JSON service's input: present, of their type, within documented limits, and known.

use crate::error::ApiError;
use serde_json::{Map, Value};

/// An input whose members are read by name.
pub(crate) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    /// Refuses members that the operation does not have. AWS ignores those; a test should not.
    pub(crate) fn of(input: &'a Value, known: &[&str]) -> Result<Self, ApiError> {
        let Some(map) = input.as_object() else {
            return Err(ApiError::own("SerializationException", "Start of structure or map found where not expected."));
        };
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(stranger) => Err(ApiError::validation(format!("Unknown member: {stranger}"))),
            None => Ok(Self(map)),
        }
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text within these lengths.
    pub(crate) fn text(&self, name: &str, least: usize, most: usize) -> Result<Option<String>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(mistyped)?;
        length(text, &member(name), least, most)?;
        Ok(Some(text.to_owned()))
    }

    /// A list of texts within these counts.
    pub(crate) fn texts(&self, name: &str, least: usize, most: usize) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(mistyped)?;
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        let texts = texts.ok_or_else(mistyped)?;
        length(&texts, &member(name), least, most)?;
        Ok(Some(texts))
    }

    /// A whole number within these bounds.
    pub(crate) fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, ApiError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(mistyped)?;
        bounds(number, &member(name), least, most)?;
        Ok(usize::try_from(number).ok())
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.present(name).map(|value| value.as_bool().ok_or_else(mistyped)).transpose()
    }
}

fn mistyped() -> ApiError {
    ApiError::own("SerializationException", "")
}

/// Error messages spell members with a small first letter.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// Things whose length is limited.
pub(crate) trait Long {
    fn long(&self) -> usize;
    fn written(&self) -> String;
}

impl Long for str {
    fn long(&self) -> usize {
        self.chars().count()
    }
    fn written(&self) -> String {
        self.to_owned()
    }
}

impl Long for Vec<String> {
    fn long(&self) -> usize {
        self.len()
    }
    fn written(&self) -> String {
        format!("[{}]", self.join(", "))
    }
}

/// Refuses a length outside its limits, in AWS's words.
pub(crate) fn length(what: &(impl Long + ?Sized), member: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let bound = if what.long() < least {
        format!("Member must have length greater than or equal to {least}")
    } else if what.long() > most {
        format!("Member must have length less than or equal to {most}")
    } else {
        return Ok(());
    };
    Err(ApiError::constraint(&what.written(), member, &bound))
}

/// Refuses a number outside its bounds, in AWS's words.
pub(crate) fn bounds(number: i64, member: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let bound = if number < least as i64 {
        format!("Member must have value greater than or equal to {least}")
    } else if number > most as i64 {
        format!("Member must have value less than or equal to {most}")
    } else {
        return Ok(());
    };
    Err(ApiError::constraint(&number.to_string(), member, &bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_are_named() {
        let input = json!({ "Names": ["a", "b"], "MaxResults": 11 });
        let members = Members::of(&input, &["Names", "MaxResults"]).expect("an object");
        assert_eq!(members.texts("Names", 1, 2), Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(
            members.texts("Names", 1, 1).expect_err("too many").message(),
            "1 validation error detected: Value '[a, b]' at 'names' failed to satisfy constraint: \
             Member must have length less than or equal to 1"
        );
        assert!(
            members.number("MaxResults", 1, 10).expect_err("too large").message().contains("less than or equal to 10")
        );
        assert!(Members::of(&input, &["Names"]).is_err());
        assert!(members.flag("MaxResults").is_err());
    }
}
