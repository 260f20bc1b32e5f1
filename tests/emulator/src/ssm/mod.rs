//! Systems Manager: its Parameter Store with limits and the quota that an account shares, patch states, compliance.

mod by_path;
mod managed;
mod name;
mod parameter;
mod put;

pub use managed::Patches;
pub use parameter::{Kind, Parameter};

use crate::account::Account;
use crate::credentials::Principal;
use crate::ec2;
use crate::error::{ApiError, Common};
use crate::members::Members;
use crate::policy::Policy;
use crate::secrets;
use jiff::{SignedDuration, Timestamp};
use name::Name;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// The account's parameters and how they are handed out.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) parameters: Vec<Parameter>,
    /// Calls a second that the reads share.
    pub(crate) quota: usize,
    /// Whether each page of a listing is preceded by an empty one.
    pub(crate) empty_pages: bool,
    pub(crate) changed: Timestamp,
    pub(crate) patches: Vec<Patches>,
    /// Whose, of which type, and the items as they came.
    pub(crate) compliance: Vec<(String, String, Vec<Value>)>,
    recent: VecDeque<Timestamp>,
}

/// Who asks, and what stands around the store.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) secrets: &'a secrets::Store,
    pub(crate) images: &'a ec2::Store,
    pub(crate) now: Timestamp,
}

/// What one name came to.
enum Found {
    Shown(Value),
    Missing,
    /// The parameter is there, this version of it is not.
    NoVersion(ApiError),
}

impl Store {
    pub(crate) fn new(changed: Timestamp) -> Self {
        Self {
            parameters: Vec::new(),
            quota: 40,
            empty_pages: false,
            changed,
            patches: Vec::new(),
            compliance: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// Answers one call.
    pub(crate) fn answer(&mut self, caller: &Caller, action: &str, input: &Value) -> Result<Value, ApiError> {
        match action {
            "GetParameter" => self.spend(caller.now).and_then(|()| self.get_parameter(caller, input)),
            "GetParameters" => self.spend(caller.now).and_then(|()| self.get_parameters(caller, input)),
            "GetParametersByPath" => self.spend(caller.now).and_then(|()| self.by_path(caller, input)),
            "PutParameter" => self.put_parameter(caller, input),
            "DescribeInstancePatchStates" => self.patch_states(caller, input),
            "PutComplianceItems" => self.put_compliance(caller, input),
            _ => Err(ApiError::common(Common::UnknownAction, "")),
        }
    }

    /// Takes one call out of this second's quota.
    fn spend(&mut self, now: Timestamp) -> Result<(), ApiError> {
        let second = SignedDuration::from_secs(1);
        while self.recent.front().is_some_and(|then| now.duration_since(*then) >= second) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.quota {
            return Err(ApiError::common(Common::Throttled, "Rate exceeded"));
        }
        self.recent.push_back(now);
        Ok(())
    }

    fn get_parameter(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["Name", "WithDecryption"])?;
        let text = members.text("Name", 1, 2048)?.ok_or_else(|| ApiError::required("name"))?;
        let decrypt = members.flag("WithDecryption")?.unwrap_or(false);
        let name = Name::parse(&text, caller.account)?;
        caller.policy.permit(caller.principal, "ssm:GetParameter", &name.arn)?;
        match self.find(caller, &name, decrypt)? {
            Found::Shown(parameter) => Ok(json!({ "Parameter": parameter })),
            Found::NoVersion(error) => Err(error),
            // AWS sends no message with it.
            Found::Missing => Err(ApiError::own("ParameterNotFound", "")),
        }
    }

    fn get_parameters(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["Names", "WithDecryption"])?;
        let texts = members.texts("Names", 1, 10)?.ok_or_else(|| ApiError::required("names"))?;
        let decrypt = members.flag("WithDecryption")?.unwrap_or(false);
        let mut names: Vec<(String, Name)> = Vec::new();
        for text in texts {
            if names.iter().any(|(have, _)| *have == text) {
                return Err(ApiError::validation(format!("Duplicate parameter names are not allowed: {text}")));
            }
            let name = Name::parse(&text, caller.account)?;
            caller.policy.permit(caller.principal, "ssm:GetParameters", &name.arn)?;
            names.push((text, name));
        }
        let (mut found, mut invalid) = (Vec::new(), Vec::new());
        for (text, name) in &names {
            match self.find(caller, name, decrypt)? {
                Found::Shown(parameter) => found.push(parameter),
                Found::Missing | Found::NoVersion(_) => invalid.push(text),
            }
        }
        Ok(json!({ "InvalidParameters": invalid, "Parameters": found }))
    }

    fn find(&self, caller: &Caller, name: &Name, decrypt: bool) -> Result<Found, ApiError> {
        if let Some(secret) = name.path.strip_prefix("/aws/reference/secretsmanager/") {
            return referenced(caller, name, secret, decrypt);
        }
        let Some(parameter) = self.parameters.iter().find(|parameter| name.names(parameter, caller.account)) else {
            return Ok(Found::Missing);
        };
        let Some(chosen) = parameter.select(name.selector.as_deref()) else {
            let (version, path) = (name.selector.as_deref().unwrap_or_default(), &name.path);
            let message = format!(
                "Systems Manager could not find version {version} of {path}. Verify the version and try again."
            );
            return Ok(Found::NoVersion(ApiError::own("ParameterVersionNotFound", message)));
        };
        if decrypt && parameter.kind == Kind::SecureString {
            let key = caller.account.arn("kms", "alias/aws/ssm");
            caller.policy.permit(caller.principal, "kms:Decrypt", &key)?;
        }
        let selector = name.selector.as_deref();
        Ok(Found::Shown(parameter.shown(chosen, selector, decrypt, caller.account, self.changed)))
    }
}

/// A secret of Secrets Manager under a parameter's name; it is only ever given decrypted.
fn referenced(caller: &Caller, name: &Name, secret: &str, decrypt: bool) -> Result<Found, ApiError> {
    if !decrypt {
        let message = "WithDecryption flag must be True for retrieving a Secret Manager secret.";
        return Err(ApiError::validation(message));
    }
    let asked = json!({ "SecretId": secret });
    let reader = secrets::Caller { principal: caller.principal, account: caller.account, policy: caller.policy };
    let Ok(value) = caller.secrets.get(&reader, "GetSecretValue", &asked) else {
        return Ok(Found::Missing);
    };
    Ok(Found::Shown(json!({
        "ARN": value["ARN"],
        "DataType": "text",
        "LastModifiedDate": value["CreatedDate"],
        "Name": name.path,
        "SourceResult": value.to_string(),
        "Type": "SecureString",
        "Value": value["SecretString"],
        "Version": 0,
    })))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
