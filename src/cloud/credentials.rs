//! Where credentials come from: an operator's environment, the instance's role, and a role assumed with either.

use super::chain::chain;
use super::retry::Backoff;
use super::{AssumeRole, Call, CloudError, Instant, Metadata, Service, Session};
use crate::failure::Explain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Sources of credentials that other tools know and muster does not read.
const IGNORED: [&str; 4] = [
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// The host's own credentials: the environment's where it has them, the instance role's otherwise.
pub fn credentials(metadata: &Arc<Metadata>, variable: &dyn Fn(&str) -> Option<String>) -> SharedCredentialsProvider {
    let get = |name: &str| variable(name).filter(|value| !value.is_empty());
    for name in IGNORED {
        if get(name).is_some() {
            tracing::warn!(
                "{name} is set, and is not read: credentials come from AWS_ACCESS_KEY_ID or the instance's role"
            );
        }
    }
    match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(key)) => {
            SharedCredentialsProvider::new(Credentials::new(id, key, get("AWS_SESSION_TOKEN"), None, "environment"))
        }
        _ => SharedCredentialsProvider::new(RoleCredentials::new(metadata, None)),
    }
}

/// The credentials of the instance's role, from its metadata.
#[derive(Clone, Debug)]
pub struct RoleCredentials {
    metadata: Arc<Metadata>,
    role: Option<String>,
}

const ROLE: &str = "meta-data/iam/security-credentials/";

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    secret_access_key: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    expiration: Option<String>,
}

impl RoleCredentials {
    /// Of the role named, or of the one that the metadata names.
    pub fn new(metadata: &Arc<Metadata>, role: Option<String>) -> Self {
        Self { metadata: Arc::clone(metadata), role }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let failed = |error: CloudError| CredentialsError::provider_error(error);
        let none = |why: String| CredentialsError::not_loaded(why);
        let role = match &self.role {
            Some(role) => role.clone(),
            None => {
                let names = self.metadata.read(ROLE).await.map_err(failed)?.unwrap_or_default();
                let names = String::from_utf8_lossy(&names).into_owned();
                let first = names.lines().next().map(str::trim).filter(|name| !name.is_empty());
                first.ok_or_else(|| none("the instance's metadata names no role".into()))?.to_owned()
            }
        };
        let bytes = self.metadata.read(&format!("{ROLE}{role}")).await.map_err(failed)?;
        let Some(bytes) = bytes.map(Zeroizing::new) else {
            return Err(none(format!("the credentials of role {role} are not there yet")));
        };
        // serde_json's message tells a place, never a value; the document's own text may hold a key.
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|_| none(format!("the credentials of role {role} are no JSON document of the known form")))?;
        if document.code != "Success" || document.secret_access_key.is_empty() {
            let said = document.message.unwrap_or(document.code);
            return Err(none(format!("the credentials of role {role}: {said}")));
        }
        Ok(Credentials::new(
            document.access_key_id,
            document.secret_access_key,
            Some(document.token),
            document.expiration.and_then(|time| time.parse::<jiff::Timestamp>().ok()).map(SystemTime::from),
            "instance-role",
        ))
    }
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

/// The credentials of a role assumed with others.
#[derive(Debug)]
pub struct AssumedRole {
    session: Session,
    role: AssumeRole,
}

impl AssumedRole {
    /// A role, and the session with whose credentials it is assumed.
    pub fn new(session: Session, role: AssumeRole) -> Self {
        Self { session, role }
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let call = Call::new(Service::Sts, "AssumeRole", &self.role.arn);
        let request = self.session.sts().assume_role().role_arn(&self.role.arn);
        let name = self.role.session_name.as_deref().unwrap_or("muster");
        let request = request.role_session_name(name).set_external_id(self.role.external_id.clone());
        // Who waits for credentials waits around this, and says so.
        let deadline = Instant::now() + Duration::from_secs(10);
        let output = match super::retry::until(&call, deadline, || request.clone().send()).await {
            Ok(output) => output,
            Err(answer) => {
                return Err(CredentialsError::provider_error(self.session.failed_as(call, answer, None)));
            }
        };
        let Some(given) = output.credentials else {
            return Err(CredentialsError::unhandled("sts:AssumeRole gave no credentials"));
        };
        let expires = SystemTime::try_from(given.expiration).ok();
        let token = Some(given.session_token);
        Ok(Credentials::new(given.access_key_id, given.secret_access_key, token, expires, "assumed-role"))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

/// Waits until a session has credentials: a role's can come minutes after the instance. `on_wait` hears what is waited
/// for, whenever that changes.
pub async fn wait_for_credentials(
    session: &Session,
    budget: Duration,
    mut on_wait: impl FnMut(&str),
) -> Result<(), CloudError> {
    let began = Instant::now();
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
    let mut last = String::from("no answer");
    let none = || CloudError::NoCredentials { waited: Duration::ZERO, last: "no source is set".into() };
    let source = session.credentials().ok_or_else(none)?;
    loop {
        let attempt = tokio::time::timeout_at(began + budget, source.provide_credentials()).await;
        let why = match attempt {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => {
                // Metadata that is off, or an assumed role that is denied, does not come by waiting.
                if let Some(fatal) = lasting(&error) {
                    return Err(CloudError::CredentialsRefused { why: fatal.to_string(), hint: fatal.hint() });
                }
                std::error::Error::source(&error).map_or_else(|| error.to_string(), chain)
            }
            Err(_) => last.clone(),
        };
        if why != last {
            on_wait(&why);
            last = why;
        }
        let pause = backoff.pause();
        if Instant::now() + pause >= began + budget {
            return Err(CloudError::NoCredentials { waited: began.elapsed(), last });
        }
        tokio::time::sleep(pause).await;
    }
}

pub(super) fn lasting(error: &CredentialsError) -> Option<&CloudError> {
    let found = super::chain::find::<CloudError>(error)?;
    match found {
        CloudError::MetadataOff { .. } => Some(found),
        CloudError::Asked(asked) if !asked.answer.may_pass() => Some(found),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::super::{Network, Transport};
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn session(server: &Server, variable: &dyn Fn(&str) -> Option<String>) -> Session {
        let network = Network { metadata_endpoint: Some(server.url()), ..Network::default() };
        let transport = Transport::new(network).expect("transport");
        let metadata = Arc::new(Metadata::new(&transport, Duration::from_secs(5)).expect("client"));
        Session::open(&transport, "eu-west-1", &metadata, variable)
    }

    const KEYS: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"hunter2",
        "Token":"t","LastUpdated":"2026-11-22T07:00:00Z","Expiration":"2026-11-22T13:00:00Z"}"#;

    #[tokio::test]
    async fn a_role_that_comes_late_is_waited_for_and_said() {
        let reads = AtomicUsize::new(0);
        let server = Server::start(move |request| match (request.method.as_str(), request.path.as_str()) {
            ("PUT", _) => Reply::text(200, "token"),
            (_, "/latest/meta-data/iam/security-credentials/") if reads.fetch_add(1, Ordering::SeqCst) == 0 => {
                Reply::text(404, "")
            }
            (_, "/latest/meta-data/iam/security-credentials/") => Reply::text(200, "web"),
            (_, "/latest/meta-data/iam/security-credentials/web") => Reply::text(200, KEYS),
            _ => Reply::text(404, ""),
        })
        .await;
        let session = session(&server, &|_| None);
        let mut heard = Vec::new();
        wait_for_credentials(&session, Duration::from_secs(20), |why| heard.push(why.to_owned())).await.expect("came");
        assert_eq!(heard, ["the instance's metadata names no role"]);
        let given = session.credentials().expect("a source").provide_credentials().await.expect("credentials");
        assert_eq!((given.access_key_id(), given.session_token()), ("ASIA1", Some("t")));
        assert!(given.expiry().is_some());
        assert!(!format!("{given:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn without_a_role_the_wait_ends_with_what_it_waited_for() {
        let server = Server::start(|request| match request.method.as_str() {
            "PUT" => Reply::text(200, "token"),
            _ => Reply::text(404, ""),
        })
        .await;
        let session = session(&server, &|_| None);
        let error = wait_for_credentials(&session, Duration::from_millis(1500), |_| {}).await.expect_err("none");
        assert!(error.to_string().contains("names no role"), "{error}");
    }

    #[tokio::test]
    async fn the_environment_comes_first() {
        let server = Server::start(|_| Reply::text(500, "")).await;
        let session = session(&server, &|name| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKIA1".into()),
            "AWS_SECRET_ACCESS_KEY" => Some("hunter2".into()),
            _ => None,
        });
        assert_eq!(
            session.credentials().expect("a source").provide_credentials().await.expect("credentials").access_key_id(),
            "AKIA1"
        );
        assert!(server.seen().is_empty());
    }
}
