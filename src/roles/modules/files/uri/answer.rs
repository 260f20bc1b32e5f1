//! A server's answer as `uri` tells it.

use crate::roles::modules::Failed;
use crate::roles::remote::Response;
use crate::roles::value::{Key, Map, Value};
use std::io::Read;

/// An answer, or why there is none.
pub struct Answer {
    /// The status code; -1 where nobody answered.
    pub status: i64,
    /// The members of the result.
    pub told: Map,
    /// What was said of it.
    pub message: String,
    /// The body as text, where it was asked for or has to be shown.
    pub text: Option<String>,
    /// The body of an error that nobody asked for.
    pub body: Option<String>,
}

/// No larger body is put into a result.
const LARGEST: u64 = 64 << 20;

impl Answer {
    /// Nobody answered.
    pub fn none(url: String, why: String) -> Self {
        let told = Map::from_iter([(Key::from("url"), Value::from(url))]);
        Self { status: -1, told, message: why, text: None, body: None }
    }

    /// What a server said. `url` is what was asked for, `wanted` the codes that are no failure.
    pub fn of(response: &Response, url: String, wanted: &[i64], content: bool) -> Result<Self, Failed> {
        let status = i64::from(response.status);
        // An error, a redirect that is not followed, and `Not Modified`.
        let is_error = !(200..300).contains(&response.status);
        let mut told = headers(&response.headers);
        let (message, seen) = if is_error {
            let reason = reqwest::StatusCode::from_u16(response.status).ok();
            let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
            (format!("HTTP Error {status}: {reason}"), url)
        } else {
            told.extend(cookies(&response.headers));
            let length = header(&response.headers, "content-length").unwrap_or("unknown");
            (format!("OK ({length} bytes)"), super::super::get_url::masked(&response.url))
        };
        told.insert(Key::from("url"), Value::from(seen));
        let media = header(&response.headers, "content-type").unwrap_or("application/octet-stream");
        let is_json = maybe_json(media);
        if let Some(place) = header(&response.headers, "location") {
            let base = reqwest::Url::parse(&response.url).ok();
            let whole = base.and_then(|base| base.join(place).ok()).map_or_else(|| place.to_owned(), String::from);
            told.insert(Key::from("location"), Value::from(whole));
        }
        let shown = is_json || content || !wanted.contains(&status);
        let body = if is_error && !shown { Some(text(response, media)?) } else { None };
        let text = if shown { Some(text(response, media)?) } else { None };
        if let Some(json) = text.as_deref().filter(|_| is_json).and_then(|text| serde_json::from_str(text).ok()) {
            told.insert(Key::from("json"), Value::from_json(&json));
        }
        Ok(Self { status, told, message, text, body })
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}

/// Headers as members: `-` cannot stand in a variable's name, and what comes twice is joined.
fn headers(headers: &[(String, String)]) -> Map {
    let mut told = Map::new();
    for (name, value) in headers {
        let key = Key::Str(name.replace('-', "_").to_lowercase().into());
        let before = told.get(&key).and_then(Value::as_str).map(|before| format!("{before}, "));
        told.insert(key, Value::from(format!("{}{value}", before.unwrap_or_default())));
    }
    told
}

fn cookies(headers: &[(String, String)]) -> [(Key, Value); 2] {
    let set = headers.iter().filter(|(name, _)| name == "set-cookie");
    let pairs = set.filter_map(|(_, value)| value.split(';').next()?.trim().split_once('='));
    let pairs: Vec<(&str, &str)> = pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
    let line = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let cookies = Value::map(pairs.iter().map(|(name, value)| (*name, Value::str(*value))));
    [(Key::from("cookies_string"), Value::from(line)), (Key::from("cookies"), cookies)]
}

/// Whether a media type says that a body is JSON (RFC 6839 section 3.1 for suffixes).
fn maybe_json(media: &str) -> bool {
    let media = media.split([';', ',']).next().unwrap_or_default().trim().to_lowercase();
    let kind = media.split_once('/').map_or("", |(_, kind)| kind);
    matches!(kind.split_once('+').map_or(kind, |(_, suffix)| suffix), "json" | "javascript")
}

fn text(response: &Response, media: &str) -> Result<String, Failed> {
    let mut bytes = Vec::new();
    let read = response.body.reader().take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| Failed::new(format!("read the answer of {}: {error}", response.url)))?;
    let charset = media.split(';').find_map(|part| part.trim().strip_prefix("charset=")).unwrap_or("utf-8");
    Ok(match charset.trim_matches('"').to_lowercase().as_str() {
        "iso-8859-1" | "latin-1" | "latin1" => bytes.into_iter().map(char::from).collect(),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_of_json_and_headers_as_members() {
        assert!(maybe_json("application/json; charset=utf-8") && maybe_json("application/hal+json"));
        assert!(!maybe_json("text/html") && !maybe_json("nothing"));
        let all = [("x-a", "1"), ("x-a", "2"), ("set-cookie", "s=1; Path=/"), ("set-cookie", "t=\"2\"")];
        let all: Vec<(String, String)> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(headers(&all)[&Key::from("x_a")], Value::str("1, 2"));
        let [(_, line), (_, cookies)] = cookies(&all);
        assert_eq!((line.to_json(), cookies.to_json()), (json!("s=1; t=\"2\""), json!({"s": "1", "t": "\"2\""})));
    }
}
