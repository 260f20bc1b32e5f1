//! Secrets from Secrets Manager: text or binary, whole or one field of JSON.

use super::retry::until;
use super::{Call, CloudError, Instant, Service, Session};
use crate::secret::Secret;
use zeroize::Zeroizing;

/// A secret's value.
#[derive(Clone, Debug)]
pub enum SecretValue {
    /// Its `SecretString`.
    Text(Secret<String>),
    /// Its `SecretBinary`.
    Binary(Secret<Vec<u8>>),
}

/// A secret, and which version of it.
#[derive(Clone, Debug)]
pub struct FetchedSecret {
    /// As it was asked for.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The version that was given.
    pub version: String,
    /// The value.
    pub value: SecretValue,
}

/// A secret by name or ARN: the version or stage named, or `AWSCURRENT`.
pub async fn secret(
    session: &Session,
    name: &str,
    version: Option<&str>,
    stage: Option<&str>,
    deadline: Instant,
) -> Result<FetchedSecret, CloudError> {
    let call = Call::new(Service::SecretsManager, "GetSecretValue", name);
    let request = session.secretsmanager().get_secret_value().secret_id(name);
    let request = request.set_version_id(version.map(str::to_owned)).set_version_stage(stage.map(str::to_owned));
    let output = match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => output,
        Err(answer) => return Err(session.failed(call, answer).await),
    };
    let value = match (output.secret_string, output.secret_binary) {
        (Some(text), _) => SecretValue::Text(Secret::new(text)),
        (None, Some(bytes)) => SecretValue::Binary(Secret::new(bytes.into_inner())),
        (None, None) => return Err(CloudError::Contract { call, why: "the secret came without a value".into() }),
    };
    Ok(FetchedSecret {
        name: name.to_owned(),
        arn: output.arn.unwrap_or_default(),
        version: output.version_id.unwrap_or_default(),
        value,
    })
}

impl FetchedSecret {
    /// The value as text; binary must be UTF-8.
    pub fn text(&self) -> Result<Secret<String>, CloudError> {
        match &self.value {
            SecretValue::Text(text) => Ok(text.clone()),
            SecretValue::Binary(bytes) => match String::from_utf8(bytes.expose().clone()) {
                Ok(text) => Ok(Secret::new(text)),
                Err(error) => {
                    drop(Zeroizing::new(error.into_bytes()));
                    Err(self.refuse("its binary value is not UTF-8 text"))
                }
            },
        }
    }

    /// One field of a value that is a JSON object of texts.
    pub fn field(&self, field: &str) -> Result<Secret<String>, CloudError> {
        let text = self.text()?;
        // Neither parser errors nor field names are shown: a value that is no JSON may be the key itself.
        let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text.expose());
        let Ok(mut object) = parsed else {
            return Err(self.refuse(&format!("field {field} was asked for, and its value is no JSON object")));
        };
        let wanted = object.shift_remove(field);
        for value in object.values_mut() {
            wipe(value);
        }
        match wanted {
            Some(serde_json::Value::String(found)) => Ok(Secret::new(found)),
            Some(mut other) => {
                wipe(&mut other);
                Err(self.refuse(&format!("field {field} is no text")))
            }
            None => Err(self.refuse(&format!("its JSON object has no field {field}"))),
        }
    }

    fn refuse(&self, why: &str) -> CloudError {
        CloudError::Secret { name: self.name.clone(), why: why.to_owned() }
    }
}

fn wipe(value: &mut serde_json::Value) {
    use zeroize::Zeroize;
    match value {
        serde_json::Value::String(text) => text.zeroize(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(wipe),
        serde_json::Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[tokio::test]
    async fn text_and_binary_are_read_at_the_stage_named() {
        let server = Server::start(|request| {
            let body = request.json();
            Reply::json(
                200,
                &match body["SecretId"].as_str() {
                    Some("text") => {
                        assert_eq!(body["VersionStage"], "AWSPENDING");
                        json!({"ARN": "arn:s", "VersionId": "v2", "SecretString": "hunter2"})
                    }
                    _ => json!({"ARN": "arn:s", "VersionId": "v1", "SecretBinary": "aHVudGVyMw=="}),
                },
            )
        })
        .await;
        let session = server.session();
        let text = secret(&session, "text", None, Some("AWSPENDING"), soon()).await.expect("text");
        assert_eq!((text.version.as_str(), text.text().expect("text").expose().as_str()), ("v2", "hunter2"));
        assert!(!format!("{text:?}").contains("hunter2"));
        let binary = secret(&session, "binary", None, None, soon()).await.expect("binary");
        assert_eq!(binary.text().expect("text").expose(), "hunter3");
    }

    #[tokio::test]
    async fn a_secret_that_does_not_exist_is_missing() {
        let server = Server::start(|_| {
            Reply::json(400, &json!({"__type": "ResourceNotFoundException", "Message": "can't find it"}))
        })
        .await;
        let error = secret(&server.session(), "absent", None, None, soon()).await.expect_err("missing");
        assert!(error.is_missing() && error.to_string().contains("secretsmanager:GetSecretValue on absent"), "{error}");
    }

    #[test]
    fn a_field_is_taken_from_json_and_nothing_is_shown_when_it_is_none() {
        let secret = |text: &str| FetchedSecret {
            name: "deploy".into(),
            arn: String::new(),
            version: String::new(),
            value: SecretValue::Text(Secret::new(text.to_owned())),
        };
        assert_eq!(secret(r#"{"key": "k1", "user": "u"}"#).field("key").expect("field").expose(), "k1");
        for text in ["-----BEGIN hunter2", r#"{"other": "hunter2"}"#, r#"{"key": ["hunter2"]}"#] {
            let error = secret(text).field("key").expect_err("refused").to_string();
            assert!(error.contains("deploy") && !error.contains("hunter2"), "{error}");
        }
    }
}
