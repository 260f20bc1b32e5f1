//! The parameters of a query-protocol call: `Name=value`, lists as `Name.member.1=value`.

use crate::error::ApiError;
use crate::members::{bounds, length};

/// Decoded parameters.
#[derive(Clone, Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// One parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// A text within these lengths.
    pub(crate) fn text(&self, name: &str, least: usize, most: usize) -> Result<Option<&str>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        length(text, &camel(name), least, most)?;
        Ok(Some(text))
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str, least: usize, most: usize) -> Result<&str, ApiError> {
        self.text(name, least, most)?.ok_or_else(|| ApiError::required(&camel(name)))
    }

    /// One of these texts, which must be there.
    pub(crate) fn choice(&self, name: &str, choices: &[&str]) -> Result<&str, ApiError> {
        let text = self.required(name, 0, usize::MAX)?;
        if choices.contains(&text) {
            return Ok(text);
        }
        let set = format!("Member must satisfy enum value set: [{}]", choices.join(", "));
        Err(ApiError::constraint(text, &camel(name), &set))
    }

    /// A whole number within these bounds.
    pub(crate) fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let malformed = || ApiError::own("MalformedInput", format!("Invalid number for {name}: {text}"));
        let number = text.parse::<i64>().map_err(|_| malformed())?;
        bounds(number, &camel(name), least, most)?;
        Ok(Some(number))
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(ApiError::own("MalformedInput", format!("Invalid boolean for {name}: {text}"))),
        }
    }

    /// A list's items, in order.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|index| self.get(&format!("{name}.member.{index}"))).collect()
    }

    /// Refuses parameters that the action does not have. AWS ignores those; a test should not.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let stranger = self
            .0
            .iter()
            .map(|(name, _)| name.split('.').next().unwrap_or(name))
            .find(|name| !["Action", "Version"].contains(name) && !known.contains(name));
        match stranger {
            Some(name) => Err(ApiError::validation(format!("Unknown parameter: {name}"))),
            None => Ok(()),
        }
    }
}

/// Error messages spell parameters with a small first letter.
fn camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::pairs;

    #[test]
    fn parameters_are_limited_and_known() {
        let form = Form::new(pairs("Action=A&Ids.member.1=a&Ids.member.2=b&Status=MAYBE&N=31", true));
        assert_eq!(form.list("Ids"), ["a", "b"]);
        assert!(form.choice("Status", &["YES", "NO"]).expect_err("refused").message().ends_with("set: [YES, NO]"));
        assert!(form.required("Name", 1, 9).expect_err("refused").message().contains("Value null at 'name'"));
        assert!(form.number("N", 0, 30).is_err() && form.number("N", 0, 31).is_ok());
        assert!(form.only(&["Ids", "Status", "N"]).is_ok() && form.only(&["Ids"]).is_err());
    }
}
