//! Requests to EC2 in its own query protocol, signed as the SDKs sign: two reads do not justify an SDK of 700 actions.

use super::chain::chain;
use super::credentials::lasting;
use super::retry::again;
use super::session::ATTEMPT;
use super::{Answer, Call, CloudError, Instant, Kind, Session};
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::time::SystemTime;

/// The one version of EC2's API.
const VERSION: &str = "2016-11-15";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// What an answer about one image or instance never reaches.
const LARGEST: usize = 4 << 20;

/// An answer's texts, each with the names of the elements that it stands in, outermost first.
pub(super) type Texts = Vec<(Vec<String>, String)>;

/// Asks EC2, until there is an answer or no time left.
pub(super) async fn ask(
    session: &Session,
    call: Call,
    parameters: &[(&str, &str)],
    deadline: Instant,
) -> Result<Texts, CloudError> {
    let mut body = reqwest::Url::parse("form:").map_err(|error| contract(&call, &error))?;
    body.query_pairs_mut().append_pair("Action", call.action).append_pair("Version", VERSION).extend_pairs(parameters);
    let body = body.query().unwrap_or_default().to_owned();
    let answered = again(&call, deadline, || once(session, &call, &body)).await;
    let text = match answered {
        Ok(text) => text,
        Err(answer) => return Err(session.failed(call, answer).await),
    };
    texts(&text).map_err(|error| contract(&call, &error))
}

fn contract(call: &Call, error: &dyn std::fmt::Display) -> CloudError {
    CloudError::Contract { call: call.clone(), why: format!("the answer is not EC2's: {error}") }
}

/// Where EC2 answers: as set, or by its partition's name. Isolated partitions have names of their own: set an endpoint.
fn endpoint(session: &Session, call: &Call) -> String {
    let network = session.transport().network();
    let (name, region) = (call.service.prefix(), session.region());
    let fips = if network.fips { "-fips" } else { "" };
    match network.endpoint(call.service) {
        Some(set) => set.to_owned(),
        None if network.dual_stack => format!("https://{name}{fips}.{region}.api.aws"),
        None if region.starts_with("cn-") => format!("https://{name}{fips}.{region}.amazonaws.com.cn"),
        None => format!("https://{name}{fips}.{region}.amazonaws.com"),
    }
}

async fn once(session: &Session, call: &Call, body: &str) -> Result<String, Answer> {
    let refused = |error: &dyn std::fmt::Display| Answer::unanswered(Kind::Refused, error.to_string());
    let source = session.credentials();
    let source = source.ok_or_else(|| Answer::unanswered(Kind::Credentials, "no source of credentials is set"))?;
    let credentials = source.provide_credentials().await.map_err(|error| match lasting(&error) {
        Some(fatal) => Answer::unanswered(Kind::Refused, fatal.to_string()),
        None => Answer::unanswered(Kind::Credentials, chain(&error)),
    })?;
    let identity = credentials.into();
    let params = v4::SigningParams::builder().identity(&identity).region(session.region());
    let params = params.name(call.service.prefix()).time(SystemTime::now()).settings(SigningSettings::default());
    let params = params.build().map_err(|error| refused(&error))?.into();
    let mut url = reqwest::Url::parse(&endpoint(session, call)).map_err(|error| refused(&error))?;
    url.set_path("/");
    let headers = [("content-type", FORM)];
    let signable =
        SignableRequest::new("POST", url.as_str(), headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
    let signable = signable.map_err(|error| refused(&chain(&error)))?;
    let (instructions, _) = sign(signable, &params).map_err(|error| refused(&chain(&error)))?.into_parts();
    let client = session.transport().web().map_err(|error| refused(&error))?;
    let mut request = client.post(url).header("content-type", FORM).timeout(ATTEMPT).body(body.to_owned());
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    let unreached = |error: reqwest::Error| {
        let kind = if error.is_timeout() && !error.is_connect() { Kind::Silent } else { Kind::Unreachable };
        Answer::unanswered(kind, chain(&error.without_url()))
    };
    let mut response = request.send().await.map_err(unreached)?;
    let (status, date) = (response.status().as_u16(), response.headers().get("date").cloned());
    let mut bytes = Vec::new();
    while let Some(more) = response.chunk().await.map_err(unreached)? {
        bytes.extend_from_slice(&more);
        if bytes.len() > LARGEST {
            return Err(refused(&format!("the answer has more than {LARGEST} bytes")));
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if status == 200 {
        return Ok(text);
    }
    let said = texts(&text).unwrap_or_default();
    let of = |name: &str| said.iter().find(|(path, _)| path.last().is_some_and(|last| last == name));
    let (code, message) = (of("Code").map(|(_, text)| text.as_str()), of("Message").map(|(_, text)| text.clone()));
    let date = date.and_then(|date| date.to_str().ok().map(str::to_owned));
    Err(Answer::answered(status, code.unwrap_or_default(), message.unwrap_or_else(|| format!("HTTP {status}")), date))
}

/// Every text of a document with its place. Elements without text are left out.
fn texts(text: &str) -> Result<Texts, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut found) = (Vec::<String>::new(), Texts::new());
    let mut inside = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                inside.clear();
            }
            Event::Text(text) => inside.push_str(&text.decode()?),
            Event::GeneralRef(reference) => match reference.resolve_char_ref()? {
                Some(letter) => inside.push(letter),
                None => {
                    inside.push_str(quick_xml::escape::resolve_predefined_entity(&reference.decode()?).unwrap_or(""))
                }
            },
            Event::End(_) => {
                if !inside.trim().is_empty() {
                    found.push((path.clone(), std::mem::take(&mut inside)));
                }
                inside.clear();
                path.pop();
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_with_their_places() {
        let text = "<?xml version=\"1.0\"?><a xmlns=\"x\"><b> <c>1 &amp; &#50;</c><c/></b><d>3</d></a>";
        let found = texts(text).expect("reads");
        let flat: Vec<(String, &str)> = found.iter().map(|(path, text)| (path.join("/"), text.as_str())).collect();
        assert_eq!(flat, [("a/b/c".to_owned(), "1 & 2"), ("a/d".to_owned(), "3")]);
        assert!(texts("<a><b></a>").is_err());
    }
}
