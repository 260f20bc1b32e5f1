//! What a service answered to a request that no SDK sent: a code and a message, in XML or JSON.

use super::super::chain::chain;
use super::super::{Answer, Kind};
use super::heard;
use reqwest::{Error, Response};

/// Nothing where it was accepted: by an answer that names the operation, or where it has no name by no page for people.
pub(super) async fn read(sent: Result<Response, Error>, operation: Option<&str>) -> Result<(), Answer> {
    let answer = sent.map_err(|error| {
        let kind = if error.is_connect() { Kind::Unreachable } else { Kind::Silent };
        Answer::unanswered(kind, chain(&error.without_url()))
    })?;
    let accepted = answer.status().is_success();
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (date, content_type) = (header("date"), header("content-type").unwrap_or_default());
    let text = body(answer).await;
    if accepted {
        let fault = |why: String| Answer { status: Some(status), ..Answer::unanswered(Kind::Fault, why) };
        return match operation {
            Some(operation) if !heard::names(&text, operation) => Err(fault(heard::strange(operation))),
            None if heard::is_page(&content_type, &text) => Err(fault("what came is a page for people".into())),
            _ => Ok(()),
        };
    }
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let said = |name: &str| match json["Error"][name].as_str() {
        Some(said) => said.to_owned(),
        None => element(&text, name).to_owned(),
    };
    Err(Answer::answered(status, &said("Code"), said("Message"), date))
}

/// As much as an error can have; a proxy's page may be longer.
const LONGEST: usize = 16 * 1024;

async fn body(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= LONGEST {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let after = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    after.and_then(|rest| rest.split_once("</")).map_or("", |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Reply, Server};
    use super::super::super::{Network, Transport};
    use super::*;

    #[tokio::test]
    async fn both_forms_are_read_and_a_page_of_a_proxy_is_a_status() {
        let server = Server::start(|request| match request.path.as_str() {
            "/xml" => {
                Reply::text(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
            }
            "/json" => Reply::text(400, r#"{"Error": {"Code": "ValidationError", "Message": "cannot be signaled"}}"#),
            "/portal" => Reply::text(200, "<html>Please log in</html>"),
            "/accepted" => Reply::text(200, r#"{"SignalResourceResponse": {}}"#),
            "/put" => Reply::text(200, ""),
            _ => Reply::text(502, "<html>Bad gateway</html>"),
        })
        .await;
        let client = Transport::new(Network::default()).and_then(|transport| transport.web()).expect("client");
        let url = server.url();
        let ask = |path: &str| client.get(format!("{url}{path}")).send();
        let xml = read(ask("/xml").await, None).await.expect_err("refused");
        assert_eq!((xml.code.as_str(), xml.message.as_str()), ("AccessDenied", "Request has expired"));
        let json = read(ask("/json").await, None).await.expect_err("refused");
        assert_eq!((json.code.as_str(), json.message.as_str()), ("ValidationError", "cannot be signaled"));
        assert_eq!(read(ask("/page").await, None).await.expect_err("refused").kind, Kind::Fault);
        for operation in [None, Some("SignalResource")] {
            let portal = read(ask("/portal").await, operation).await.expect_err("nobody heard it");
            assert_eq!((portal.kind, portal.status), (Kind::Fault, Some(200)));
        }
        read(ask("/put").await, None).await.expect("a store says nothing");
        read(ask("/put").await, Some("SignalResource")).await.expect_err("CloudFormation says something");
        read(ask("/accepted").await, Some("SignalResource")).await.expect("accepted");
    }
}
