//! A parameter and its versions.

use crate::account::Account;
use crate::clock::epoch;
use crate::encoding::{base64, opaque};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A parameter's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Plain text.
    String,
    /// Texts separated by commas.
    StringList,
    /// Encrypted with a key of the account.
    SecureString,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// One parameter: each value is a version, the last one current.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) versions: Vec<Version>,
    /// `text`, or what its values are checked for.
    pub(crate) data_type: String,
    /// The account that shares it, where it is not this one.
    pub(crate) owner: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) value: String,
    pub(crate) labels: Vec<String>,
}

impl Parameter {
    /// A parameter with its first value.
    pub fn new(name: &str, kind: Kind, value: &str) -> Self {
        let first = Version { value: value.to_owned(), labels: Vec::new() };
        Self { name: name.to_owned(), kind, versions: vec![first], data_type: "text".to_owned(), owner: None }
    }

    /// A plain text.
    pub fn string(name: &str, value: &str) -> Self {
        Self::new(name, Kind::String, value)
    }

    /// Texts separated by commas.
    pub fn list(name: &str, value: &str) -> Self {
        Self::new(name, Kind::StringList, value)
    }

    /// An encrypted text.
    pub fn secure(name: &str, value: &str) -> Self {
        Self::new(name, Kind::SecureString, value)
    }

    /// A newer version.
    pub fn then(mut self, value: &str) -> Self {
        self.versions.push(Version { value: value.to_owned(), labels: Vec::new() });
        self
    }

    /// A label on the newest version so far; it leaves the version that had it.
    pub fn label(mut self, label: &str) -> Self {
        for version in &mut self.versions {
            version.labels.retain(|have| have != label);
        }
        if let Some(newest) = self.versions.last_mut() {
            newest.labels.push(label.to_owned());
        }
        self
    }

    /// Belongs to another account, which shares it: to be read by its full ARN only.
    pub fn shared_by(mut self, account: &str) -> Self {
        self.owner = Some(account.to_owned());
        self
    }

    pub(crate) fn arn(&self, account: &Account) -> String {
        let owner = Account { id: self.owner.clone().unwrap_or_else(|| account.id.clone()), ..account.clone() };
        owner.arn("ssm", &format!("parameter/{}", self.name.trim_start_matches('/')))
    }

    /// The version that a selector (`3`, a label, or none) chooses, and its number.
    pub(crate) fn select(&self, selector: Option<&str>) -> Option<(usize, &Version)> {
        let numbered = || self.versions.iter().enumerate().map(|(index, version)| (index + 1, version));
        match selector {
            None => numbered().next_back(),
            Some(text) => match text.parse::<usize>() {
                Ok(number) => numbered().find(|(have, _)| *have == number),
                Err(_) => numbered().find(|(_, version)| version.labels.iter().any(|have| have == text)),
            },
        }
    }

    /// A version as the API writes it; an encrypted value stays so unless `decrypt`.
    pub(crate) fn shown(
        &self,
        chosen: (usize, &Version),
        selector: Option<&str>,
        decrypt: bool,
        account: &Account,
        changed: Timestamp,
    ) -> Value {
        let (number, version) = chosen;
        let sealed = self.kind == Kind::SecureString && !decrypt;
        let value = if sealed { ciphertext(&self.name, number) } else { version.value.clone() };
        let mut shown = json!({
            "ARN": self.arn(account),
            "DataType": self.data_type,
            "LastModifiedDate": epoch(changed),
            "Name": self.name,
            "Type": self.kind.name(),
            "Value": value,
            "Version": number,
        });
        if let Some(selector) = selector {
            shown["Selector"] = json!(format!(":{selector}"));
        }
        shown
    }
}

/// What an encrypted value looks like: nothing in it comes from the plain text.
fn ciphertext(name: &str, version: usize) -> String {
    format!("AQICAHh{}", base64(opaque(&format!("{name}:{version}"), 90)))
}
