//! A parameter's name as callers give it: plain or an ARN, with a version or label.

use crate::account::Account;
use crate::error::ApiError;
use crate::ssm::Parameter;

/// A name taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The name proper.
    pub(crate) path: String,
    /// The version or label after its colon.
    pub(crate) selector: Option<String>,
    /// The full name that policies judge.
    pub(crate) arn: String,
    /// The owner, where an ARN was given.
    owner: Option<String>,
}

impl Name {
    pub(crate) fn parse(text: &str, account: &Account) -> Result<Self, ApiError> {
        let (owner, region, rest) = match text.strip_prefix("arn:") {
            None => (None, account.region.as_str(), text),
            Some(arn) => {
                let parts: Vec<&str> = arn.splitn(5, ':').collect();
                let [_, "ssm", region, owner, resource] = parts[..] else { return Err(unqualified(text)) };
                let rest = resource.strip_prefix("parameter").ok_or_else(|| unqualified(text))?;
                (Some(owner.to_owned()), region, rest)
            }
        };
        let (path, selector) = match rest.split_once(':') {
            Some((path, selector)) => (path, Some(selector.to_owned())),
            None => (rest, None),
        };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
        let reference = path.starts_with("/aws/reference/secretsmanager/");
        if path.is_empty() || !(reference || path.chars().all(allowed)) || selector.as_deref() == Some("") {
            return Err(unqualified(text));
        }
        let holder = owner.as_deref().unwrap_or(&account.id);
        let arn = format!("arn:{}:ssm:{region}:{holder}:parameter/{}", account.partition, path.trim_start_matches('/'));
        Ok(Self { path: path.to_owned(), selector, arn, owner })
    }

    /// Whether this is that parameter's name: a shared one answers to its ARN alone.
    pub(crate) fn names(&self, parameter: &Parameter, account: &Account) -> bool {
        if self.owner.is_some() {
            return self.arn == parameter.arn(account);
        }
        parameter.owner.is_none() && parameter.name == self.path
    }
}

fn unqualified(text: &str) -> ApiError {
    ApiError::validation(format!(
        "Invalid parameter name: {text}. Parameter names may hold letters, digits and the symbols .-_ \
         in sub-paths divided by slashes."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_plain_or_as_arns() {
        let account = Account::default();
        let plain = Name::parse("/a/b:3", &account).expect("a name");
        assert_eq!((plain.path.as_str(), plain.selector.as_deref()), ("/a/b", Some("3")));
        assert_eq!(plain.arn, "arn:aws:ssm:us-east-1:123456789012:parameter/a/b");
        let full = Name::parse("arn:aws:ssm:us-east-1:123456789012:parameter/a/b:live", &account).expect("a name");
        assert_eq!((full.path.as_str(), full.selector.as_deref()), ("/a/b", Some("live")));
        for bad in ["", "/a b", "/a:", "arn:aws:s3:::x", "arn:aws:ssm:us-east-1:1:document/x"] {
            assert!(Name::parse(bad, &account).is_err(), "{bad}");
        }
    }
}
