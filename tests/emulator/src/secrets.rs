//! Secrets Manager's reads.

use crate::account::Account;
use crate::clock::epoch;
use crate::credentials::Principal;
use crate::encoding::{base64, from_base64, opaque, uuid};
use crate::error::{ApiError, Common};
use crate::members::Members;
use crate::policy::Policy;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What a version of a secret holds.
#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Binary(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Version {
    content: Content,
    stages: Vec<String>,
}

/// A secret: its versions, the labels on them, and whether it was deleted.
#[derive(Clone, Debug)]
pub struct Secret {
    name: String,
    versions: Vec<Version>,
    deleted: bool,
}

impl Secret {
    /// A secret that holds text.
    pub fn string(name: &str, text: &str) -> Self {
        Self::first(name, Content::Text(text.to_owned()))
    }

    /// A secret that holds bytes.
    pub fn binary(name: &str, bytes: &[u8]) -> Self {
        Self::first(name, Content::Binary(bytes.to_vec()))
    }

    fn first(name: &str, content: Content) -> Self {
        let version = Version { content, stages: vec!["AWSCURRENT".to_owned()] };
        Self { name: name.to_owned(), versions: vec![version], deleted: false }
    }

    /// A newer version under a stage such as `AWSPENDING`. `AWSCURRENT` moves the old one to `AWSPREVIOUS`.
    pub fn then(mut self, stage: &str, text: &str) -> Self {
        let mut moved = vec![stage];
        if stage == "AWSCURRENT" {
            moved.push("AWSPREVIOUS");
        }
        for version in &mut self.versions {
            let current = version.stages.iter().any(|have| have == "AWSCURRENT");
            version.stages.retain(|have| !moved.contains(&have.as_str()));
            if current && stage == "AWSCURRENT" {
                version.stages.push("AWSPREVIOUS".to_owned());
            }
        }
        let content = Content::Text(text.to_owned());
        self.versions.push(Version { content, stages: vec![stage.to_owned()] });
        self
    }

    /// Marked for deletion.
    pub fn deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn arn(&self, account: &Account) -> String {
        let suffix = opaque(&self.name, 6);
        account.arn("secretsmanager", &format!("secret:{}-{suffix}", self.name))
    }

    fn version_id(&self, index: usize) -> String {
        uuid(&format!("{} {index}", self.name))
    }

    /// A secret answers to its name, its ARN, and its ARN without the random end.
    fn is(&self, id: &str, account: &Account) -> bool {
        let arn = self.arn(account);
        id == self.name || id == arn || Some(id) == arn.get(..arn.len() - 7)
    }
}

/// The account's secrets.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) secrets: Vec<Secret>,
    pub(crate) created: Timestamp,
}

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
}

impl Store {
    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, input: &Value) -> Result<Value, ApiError> {
        match action {
            "GetSecretValue" => self.get(caller, action, input),
            "BatchGetSecretValue" => self.batch(caller, input),
            _ => Err(ApiError::common(Common::UnknownAction, "")),
        }
    }

    /// GetSecretValue, permitted as `action`.
    pub(crate) fn get(&self, caller: &Caller, action: &str, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["SecretId", "VersionId", "VersionStage"])?;
        let id = members.text("SecretId", 1, 2048)?.ok_or_else(|| ApiError::required("secretId"))?;
        let version_id = members.text("VersionId", 32, 64)?;
        let stage = members.text("VersionStage", 1, 256)?;
        let secret = self.secrets.iter().find(|secret| secret.is(&id, caller.account));
        let resource = match secret {
            Some(secret) => secret.arn(caller.account),
            None => caller.account.arn("secretsmanager", &format!("secret:{id}-??????")),
        };
        caller.policy.permit(caller.principal, &format!("secretsmanager:{action}"), &resource)?;
        let secret = secret.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
        if secret.deleted {
            let message = "You can't perform this operation on the secret because it was marked for deletion.";
            return Err(ApiError::own("InvalidRequestException", message));
        }
        let index = choose(secret, version_id.as_deref(), stage.as_deref())?;
        Ok(self.shown(secret, index, caller.account))
    }

    fn shown(&self, secret: &Secret, index: usize, account: &Account) -> Value {
        let version = &secret.versions[index];
        let mut shown = json!({
            "ARN": secret.arn(account),
            "CreatedDate": epoch(self.created),
            "Name": secret.name,
            "VersionId": secret.version_id(index),
            "VersionStages": version.stages,
        });
        match &version.content {
            Content::Text(text) => shown["SecretString"] = json!(text),
            Content::Binary(bytes) => shown["SecretBinary"] = json!(base64(bytes)),
        }
        shown
    }

    fn batch(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["SecretIdList", "Filters", "MaxResults", "NextToken"])?;
        let most = members.number("MaxResults", 1, 20)?.unwrap_or(20);
        let ids = match (members.texts("SecretIdList", 1, 20)?, input["Filters"].as_array()) {
            (Some(_), Some(_)) | (None, None) => {
                let message = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
                return Err(ApiError::own("InvalidParameterException", message));
            }
            (Some(ids), None) => ids,
            (None, Some(filters)) => self.filtered(filters)?,
        };
        caller.policy.permit(caller.principal, "secretsmanager:BatchGetSecretValue", "*")?;
        let start = match members.text("NextToken", 1, 4096)? {
            None => 0,
            Some(token) => from_base64(&token)
                .and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<usize>().ok())
                .ok_or_else(|| ApiError::own("InvalidNextTokenException", "Invalid NextToken."))?,
        };
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in ids.iter().skip(start).take(most) {
            match self.get(caller, "GetSecretValue", &json!({ "SecretId": id })) {
                Ok(value) => values.push(value),
                Err(error) => {
                    let (_, code) = error.spelled(crate::error::Protocol::Json);
                    errors.push(json!({ "ErrorCode": code, "Message": error.message(), "SecretId": id }));
                }
            }
        }
        let mut answer = json!({ "Errors": errors, "SecretValues": values });
        if start + most < ids.len() {
            answer["NextToken"] = json!(base64((start + most).to_string()));
        }
        Ok(answer)
    }

    fn filtered(&self, filters: &[Value]) -> Result<Vec<String>, ApiError> {
        let mut names: Vec<String> = self.secrets.iter().map(|secret| secret.name.clone()).collect();
        for filter in filters {
            let members = Members::of(filter, &["Key", "Values"])?;
            let values = members.texts("Values", 1, 10)?.unwrap_or_default();
            if members.text("Key", 1, 64)?.as_deref() != Some("name") {
                let message = "The emulator knows the filter key 'name' only.";
                return Err(ApiError::own("InvalidParameterException", message));
            }
            names.retain(|name| values.iter().any(|value| name.starts_with(value.as_str())));
        }
        Ok(names)
    }
}

fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::own("ResourceNotFoundException", message)
}

/// The version of this id, this stage, or the current one.
fn choose(secret: &Secret, id: Option<&str>, stage: Option<&str>) -> Result<usize, ApiError> {
    let versions = secret.versions.iter().enumerate();
    if let Some(id) = id {
        let (index, version) =
            versions.into_iter().find(|(index, _)| secret.version_id(*index) == id).ok_or_else(|| {
                not_found(format!("Secrets Manager can't find the specified secret value for VersionId: {id}"))
            })?;
        if stage.is_some_and(|stage| !version.stages.iter().any(|have| have == stage)) {
            let message = "You provided a VersionStage that is not associated to the provided VersionId.";
            return Err(ApiError::own("InvalidRequestException", message));
        }
        return Ok(index);
    }
    let stage = stage.unwrap_or("AWSCURRENT");
    let found = versions.into_iter().find(|(_, version)| version.stages.iter().any(|have| have == stage));
    found.map(|(index, _)| index).ok_or_else(|| {
        not_found(format!("Secrets Manager can't find the specified secret value for staging label: {stage}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Denial;

    fn ask(policy: &Policy, action: &str, input: &Value) -> Result<Value, ApiError> {
        let rotated = Secret::string("deploy/key", "old").then("AWSCURRENT", "new").then("AWSPENDING", "next");
        let secrets = vec![rotated, Secret::binary("blob", b"\x00\xff"), Secret::string("gone", "x").deleted()];
        let store = Store { secrets, created: Timestamp::UNIX_EPOCH };
        let principal = Principal { arn: "arn:me".to_owned(), user_id: String::new() };
        store.answer(&Caller { principal: &principal, account: &Account::default(), policy }, action, input)
    }

    fn get(input: &Value) -> Result<Value, ApiError> {
        ask(&Policy::default(), "GetSecretValue", input)
    }

    fn message(input: &Value) -> String {
        get(input).expect_err("refused").message().to_owned()
    }

    #[test]
    fn stages_and_versions_choose() {
        let current = get(&json!({ "SecretId": "deploy/key" })).expect("a secret");
        assert_eq!(current["SecretString"], "new");
        for (stage, text) in [("AWSPREVIOUS", "old"), ("AWSCURRENT", "new"), ("AWSPENDING", "next")] {
            let value = get(&json!({ "SecretId": current["ARN"], "VersionStage": stage })).expect("a secret");
            assert_eq!(value["SecretString"], text);
            let again = get(&json!({ "SecretId": "deploy/key", "VersionId": value["VersionId"] })).expect("a secret");
            assert_eq!(again["SecretString"], text);
        }
        assert_eq!(get(&json!({ "SecretId": "blob" })).expect("a secret")["SecretBinary"], "AP8=");
    }

    #[test]
    fn refusals_are_the_services_own() {
        assert_eq!(message(&json!({ "SecretId": "x" })), "Secrets Manager can't find the specified secret.");
        assert!(message(&json!({ "SecretId": "gone" })).contains("marked for deletion"));
        assert!(message(&json!({ "SecretId": "blob", "VersionStage": "AWSPENDING" })).ends_with("label: AWSPENDING"));
        assert!(message(&json!({})).contains("Value null at 'secretId'"));
        let denied = Policy(vec![Denial::of("secretsmanager:GetSecretValue")]);
        let error = ask(&denied, "GetSecretValue", &json!({ "SecretId": "blob" })).expect_err("refused");
        assert!(error.message().contains("not authorized to perform: secretsmanager:GetSecretValue on resource: arn:"));
    }

    #[test]
    fn a_batch_reports_each_failure() {
        let ids = json!({ "SecretIdList": ["blob", "x", "gone"] });
        let answer = ask(&Policy::default(), "BatchGetSecretValue", &ids).expect("a batch");
        assert_eq!(answer["SecretValues"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
        assert_eq!(answer["Errors"][1]["ErrorCode"], "InvalidRequestException");
        let both = json!({ "SecretIdList": ["a"], "Filters": [] });
        assert!(ask(&Policy::default(), "BatchGetSecretValue", &both).is_err());
    }
}
