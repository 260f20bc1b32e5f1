//! What a service answered to a request that no SDK sent: a code and a message, in XML or JSON.

use super::super::chain::chain;
use super::super::{Answer, Kind};
use reqwest::{Error, Response};

/// Nothing where it was accepted.
pub(super) async fn read(sent: Result<Response, Error>) -> Result<(), Answer> {
    let answer = sent.map_err(|error| {
        let kind = if error.is_connect() { Kind::Unreachable } else { Kind::Silent };
        Answer::unanswered(kind, chain(&error.without_url()))
    })?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status().as_u16();
    let date = answer.headers().get("date").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = body(answer).await;
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
            _ => Reply::text(502, "<html>Bad gateway</html>"),
        })
        .await;
        let client = Transport::new(Network::default()).and_then(|transport| transport.web()).expect("client");
        let url = server.url();
        let ask = |path: &str| client.get(format!("{url}{path}")).send();
        let xml = read(ask("/xml").await).await.expect_err("refused");
        assert_eq!((xml.code.as_str(), xml.message.as_str()), ("AccessDenied", "Request has expired"));
        let json = read(ask("/json").await).await.expect_err("refused");
        assert_eq!((json.code.as_str(), json.message.as_str()), ("ValidationError", "cannot be signaled"));
        assert_eq!(read(ask("/page").await).await.expect_err("refused").kind, Kind::Fault);
    }
}
