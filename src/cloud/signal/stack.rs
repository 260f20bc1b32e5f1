//! `SignalResource`: signed by the role, or by the instance's identity where the role cannot.

use super::super::{Answer, Call, CloudError, Identity, Kind, Metadata, Network, Service, Session};
use super::heard::Answering;
use super::{Outcome, refusal};
use aws_sdk_cloudformation::types::ResourceSignalStatus;
use base64::Engine;
use std::time::Duration;

/// A resource of a stack that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) stack: &'a str,
    pub(super) resource: &'a str,
}

impl Target<'_> {
    pub(super) fn call(self) -> Call {
        Call::new(Service::CloudFormation, "SignalResource", format!("{} of stack {}", self.resource, self.stack))
    }
}

/// One request of the instance's own.
const ATTEMPT: Duration = Duration::from_secs(20);

/// As the role. The unique id is the instance's: a repeated signal counts once.
pub(super) async fn by_role(session: &Session, target: Target<'_>, outcome: &Outcome) -> Result<(), Answer> {
    let status = if outcome.success { ResourceSignalStatus::Success } else { ResourceSignalStatus::Failure };
    let request = session
        .cloudformation()
        .signal_resource()
        .stack_name(target.stack)
        .logical_resource_id(target.resource)
        .unique_id(&outcome.instance_id)
        .status(status);
    let sent = request.customize().interceptor(Answering("SignalResource")).send().await;
    sent.map(drop).map_err(|error| Answer::of(&error))
}

/// As the instance: the signed identity document is the credential. CloudFormation accepts it for the stack that the
/// instance belongs to, whatever its role may do; this is how cfn-signal works without a role.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-signal.html>
pub(super) async fn by_identity(
    session: &Session,
    metadata: &Metadata,
    target: Target<'_>,
    outcome: &Outcome,
) -> Result<(), Answer> {
    let identity = metadata.identity().await.map_err(unavailable)?;
    let domain = metadata.domain().await.map_err(unavailable)?;
    let endpoint = endpoint(session.transport().network(), session.region(), domain.as_deref());
    let client = session.transport().web().map_err(unavailable)?;
    let status = if outcome.success { "SUCCESS" } else { "FAILURE" };
    let query = [
        ("Action", "SignalResource"),
        ("LogicalResourceId", target.resource),
        ("StackName", target.stack),
        ("UniqueId", &outcome.instance_id),
        ("Status", status),
        ("Version", "2010-05-15"),
    ];
    let url = reqwest::Url::parse_with_params(&endpoint, query)
        .map_err(|error| Answer::unanswered(Kind::Refused, format!("{endpoint}: {error}")))?;
    let mut credential = reqwest::header::HeaderValue::from_str(&authorization(&identity))
        .map_err(|_| Answer::unanswered(Kind::Credentials, "the identity's signature is no header text"))?;
    credential.set_sensitive(true);
    let request = client.get(url).header("accept", "application/json").header("authorization", credential);
    refusal::read(request.timeout(ATTEMPT).send().await, Some("SignalResource")).await
}

/// Without the newlines that metadata folds the signature with.
fn authorization(identity: &Identity) -> String {
    let document = base64::engine::general_purpose::STANDARD.encode(&identity.document);
    format!("CFN_V1 {document}:{}", identity.signature.replace(['\n', '\r'], ""))
}

fn endpoint(network: &Network, region: &str, domain: Option<&str>) -> String {
    match network.endpoint(Service::CloudFormation) {
        Some(set) => set.to_owned(),
        None => format!("https://cloudformation.{region}.{}/", domain.unwrap_or("amazonaws.com")),
    }
}

fn unavailable(error: CloudError) -> Answer {
    Answer::unanswered(Kind::Credentials, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_a_credential_on_one_line() {
        let identity: Identity = serde_json::from_str(
            r#"{"accountId":"1","architecture":"arm64","availabilityZone":"a","imageId":"ami","instanceId":"i-1",
                "instanceType":"t","region":"r"}"#,
        )
        .expect("identity");
        let identity = Identity { document: b"{}".to_vec(), signature: "abc\ndef\n".into(), ..identity };
        assert_eq!(authorization(&identity), "CFN_V1 e30=:abcdef");
    }

    #[test]
    fn the_endpoint_is_the_partitions_own() {
        let network = Network::default();
        assert_eq!(endpoint(&network, "eu-west-1", None), "https://cloudformation.eu-west-1.amazonaws.com/");
        assert_eq!(
            endpoint(&network, "cn-north-1", Some("amazonaws.com.cn")),
            "https://cloudformation.cn-north-1.amazonaws.com.cn/"
        );
    }
}
