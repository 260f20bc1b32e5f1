//! Wait-condition handles: a presigned URL that takes a status, and the one channel of CloudFormation with a reason.

use super::super::{Answer, CloudError, Kind, Transport};
use super::{Outcome, refusal};
use base64::Engine;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A handle's URL. Its query is a capability, so it is shown without.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaitConditionUrl(String);

impl WaitConditionUrl {
    /// Takes the URL, plain or in base64 as cfn-signal accepts it.
    pub fn parse(text: &str) -> Result<Self, CloudError> {
        let text = text.trim();
        let address = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if address(text) {
            return Self::judged(text.to_owned());
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok();
        match decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|url| address(url)) {
            Some(url) => Self::judged(url.trim().to_owned()),
            None => Err(invalid()),
        }
    }

    /// The whole URL, capability included: for the outbox, which only root reads.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn judged(url: String) -> Result<Self, CloudError> {
        let parsed = reqwest::Url::parse(&url).map_err(|_| invalid())?;
        if parsed.host_str().is_some() { Ok(Self(url)) } else { Err(invalid()) }
    }
}

fn invalid() -> CloudError {
    CloudError::Addressee {
        what: "the wait-condition handle is no URL".into(),
        hint: "pass what Ref gives for the AWS::CloudFormation::WaitConditionHandle, plain or in base64",
    }
}

impl fmt::Display for WaitConditionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for WaitConditionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WaitConditionUrl({self})")
    }
}

/// What CloudFormation keeps of a signal is 4096 bytes at most; the rest of the document needs some of them.
const LONGEST: usize = 2048;

/// Sends a status to a handle.
pub(super) async fn put(
    transport: &Transport,
    url: &WaitConditionUrl,
    outcome: &Outcome,
    data: &str,
) -> Result<(), Answer> {
    let client = transport.web().map_err(|error| Answer::unanswered(Kind::Refused, error.to_string()))?;
    let body = serde_json::json!({
        "Status": if outcome.success { "SUCCESS" } else { "FAILURE" },
        "Reason": shortened(&outcome.reason),
        "UniqueId": outcome.instance_id,
        "Data": shortened(data),
    });
    // No content type: it is part of what the URL's signature is over, and it was signed without.
    let request = client.put(&url.0).body(body.to_string().into_bytes()).timeout(Duration::from_secs(20));
    refusal::read(request.send().await, None).await
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::super::super::Network;
    use super::super::super::testing::{Reply, Server};
    use super::super::Recipient;
    use super::*;

    fn outcome(url: &WaitConditionUrl) -> Outcome {
        let to = Recipient::WaitCondition { url: url.clone(), data: String::new() };
        Outcome { success: false, reason: "converge: task failed".into(), instance_id: "i-0abc".into(), to }
    }

    #[tokio::test]
    async fn the_document_is_sent_without_a_content_type() {
        let server = Server::start(|request| {
            let empty = request.header("content-type").is_none_or(str::is_empty);
            Reply::text(if empty && request.method == "PUT" { 200 } else { 403 }, "")
        })
        .await;
        let url = WaitConditionUrl::parse(&format!("{}/bucket/key?Signature=a%2Fb", server.url())).expect("url");
        let transport = Transport::new(Network::default()).expect("transport");
        put(&transport, &url, &outcome(&url), "d").await.expect("accepted");
        let seen = server.seen();
        assert_eq!(seen[0].path, "/bucket/key?Signature=a%2Fb", "the query is signed as it stands");
        assert_eq!(
            seen[0].json(),
            serde_json::json!({"Status": "FAILURE", "Reason": "converge: task failed", "UniqueId": "i-0abc", "Data": "d"})
        );
    }

    #[tokio::test]
    async fn a_refusal_is_read_from_the_stores_xml() {
        let server = Server::start(|_| {
            Reply::text(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        })
        .await;
        let url = WaitConditionUrl::parse(&server.url()).expect("url");
        let transport = Transport::new(Network::default()).expect("transport");
        let answer = put(&transport, &url, &outcome(&url), "").await.expect_err("refused");
        assert_eq!((answer.code.as_str(), answer.message.as_str()), ("AccessDenied", "Request has expired"));
    }

    #[test]
    fn a_handle_is_taken_plain_or_in_base64_and_shown_without_its_query() {
        let plain = WaitConditionUrl::parse("https://s3.example/h?X-Amz-Signature=hunter2").expect("plain");
        let coded = base64::engine::general_purpose::STANDARD.encode("https://s3.example/h?X-Amz-Signature=hunter2");
        assert_eq!(WaitConditionUrl::parse(&coded).expect("base64"), plain);
        assert!(!format!("{plain:?} {plain}").contains("hunter2"));
        for text in ["", "handle", "ftp://a", "aGVsbG8="] {
            assert!(WaitConditionUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let long = "ä".repeat(LONGEST);
        assert!(shortened(&long).len() <= LONGEST + 3);
    }
}
