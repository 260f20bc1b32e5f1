//! What a request carries: JSON, a form, a multipart form, or text as it is.

use crate::roles::modules::{Eyes, Failed};
use crate::roles::template::json_text;
use crate::roles::value::{Map, Value};
use base64::Engine;
use std::path::Path;

/// A body and the type that belongs to it.
#[derive(Debug, PartialEq)]
pub struct Body {
    /// Its bytes.
    pub bytes: Option<Vec<u8>>,
    /// Its media type, where the format has one.
    pub media: Option<String>,
}

/// Encodes a task's body.
pub fn encode(eyes: &Eyes<'_>, format: &str, body: Option<&Value>) -> Result<Body, Failed> {
    let text = body.and_then(Value::as_str);
    let (bytes, media) = match (format, text, body) {
        ("json", Some(text), _) => (Some(text.as_bytes().to_vec()), Some("application/json".to_owned())),
        ("json", None, body) => {
            let json = json_text(body.unwrap_or(&Value::Null));
            let json = json.map_err(|error| Failed::new(format!("the body cannot be JSON: {error}")))?;
            (Some(json.into_bytes()), Some("application/json".to_owned()))
        }
        ("form-urlencoded", text, body) => {
            let form = match (text, body) {
                (Some(text), _) => Some(text.to_owned()),
                (None, Some(body)) => Some(form(body)?),
                (None, None) => None,
            };
            (form.map(String::into_bytes), Some("application/x-www-form-urlencoded".to_owned()))
        }
        ("form-multipart", ..) => {
            let fields = body.and_then(Value::as_map);
            let fields = fields.ok_or_else(|| {
                let name = body.map_or("NoneType", Value::type_name);
                Failed::new(format!("body must be mapping, cannot be type {name}"))
            })?;
            let boundary: String = std::iter::repeat_with(|| fastrand::digit(10)).take(19).collect();
            let boundary = format!("==============={boundary}==");
            let bytes = multipart(eyes, fields, &boundary)?;
            (Some(bytes), Some(format!("multipart/form-data; boundary=\"{boundary}\"")))
        }
        (_, Some(text), _) => (Some(text.as_bytes().to_vec()), None),
        (_, None, None) => (None, None),
        (_, None, Some(body)) => match scalar(body) {
            Some(text) => (Some(text.into_bytes()), None),
            None => return Err(Failed::new("a body that is a list or mapping needs `body_format`")),
        },
    };
    Ok(Body { bytes, media })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.expose().to_owned()),
        Value::Bool(true) => Some("True".into()),
        Value::Bool(false) => Some("False".into()),
        Value::Null | Value::Omit | Value::List(_) | Value::Map(_) => None,
        other => Some(other.to_json().to_string()),
    }
}

/// `urllib.parse.urlencode` of a mapping, or of a list of pairs.
fn form(body: &Value) -> Result<String, Failed> {
    let wrong = || Failed::new("failed to parse body as form_urlencoded: expect list or dict");
    let pairs: Vec<(String, Value)> = match body {
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        Value::List(items) => {
            let pair = |item: &Value| match item.as_list() {
                Some([key, value]) => Ok((scalar(key).unwrap_or_default(), value.clone())),
                _ => Err(wrong()),
            };
            items.iter().map(pair).collect::<Result<_, _>>()?
        }
        _ => return Err(wrong()),
    };
    let mut parts = Vec::new();
    for (key, value) in pairs {
        let values = value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
        parts.extend(values.iter().filter_map(scalar).map(|value| format!("{}={}", quoted(&key), quoted(&value))));
    }
    Ok(parts.join("&"))
}

/// `urllib.parse.quote_plus`.
fn quoted(text: &str) -> String {
    let each = text.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    each.collect()
}

/// RFC 7578, laid out as Python's `email` does: fields by name, files in base64.
fn multipart(eyes: &Eyes<'_>, fields: &Map, boundary: &str) -> Result<Vec<u8>, Failed> {
    let mut fields: Vec<(String, &Value)> = fields.iter().map(|(key, value)| (key.to_string(), value)).collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = String::new();
    for (name, value) in fields {
        out.push_str(&format!("--{boundary}\r\n{}\r\n", part(eyes, &name, value)?));
    }
    out.push_str(&format!("--{boundary}--\r\n"));
    Ok(out.into_bytes())
}

fn part(eyes: &Eyes<'_>, name: &str, value: &Value) -> Result<String, Failed> {
    let disposition = format!("Content-Disposition: form-data; name=\"{}\"", name.replace('"', "\\\""));
    if let Some(text) = value.as_str() {
        return Ok(format!("Content-Type: text/plain\r\n{disposition}\r\n\r\n{text}"));
    }
    let wrong = |problem: String| Failed::new(format!("failed to parse body as form-multipart: {problem}"));
    if value.as_map().is_none() {
        return Err(wrong(format!("value must be a string, or mapping, cannot be type {}", value.type_name())));
    }
    let member = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (file, content) = (member("filename"), member("content"));
    let media = member("mime_type").map_or_else(|| guessed(file.unwrap_or_default()), str::to_owned);
    let file_name = file.and_then(|file| file.rsplit('/').next()).unwrap_or_default();
    let disposition = if file.is_some() { format!("{disposition}; filename=\"{file_name}\"") } else { disposition };
    match (content, file) {
        (Some(content), _) => Ok(format!("Content-Type: {media}\r\n{disposition}\r\n\r\n{content}")),
        (None, Some(file)) => {
            let path = eyes.tree.resolve("files", file)?;
            let text = base64::engine::general_purpose::STANDARD.encode(eyes.tree.read(&path)?);
            let lines: Vec<&str> =
                text.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            let head = format!("Content-Transfer-Encoding: base64\r\nContent-Type: {media}\r\n{disposition}");
            Ok(format!("{head}\r\n\r\n{}\r\n", lines.join("\r\n")))
        }
        (None, None) => Err(wrong("at least one of filename or content must be provided".into())),
    }
}

/// What a file's name says of its type.
fn guessed(name: &str) -> String {
    let extension = Path::new(name).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let media = match extension.as_deref().unwrap_or_default() {
        "txt" | "conf" | "log" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "js" => "text/javascript",
        "json" => "application/json",
        "xml" => "text/xml",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "tar" => "application/x-tar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    media.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, eyes};
    use crate::roles::remote::Offline;
    use serde_json::json;

    fn encoded(format: &str, body: serde_json::Value) -> Result<String, Failed> {
        let machine = Fake::default();
        let body = encode(&eyes(&machine, &Offline), format, Some(&Value::from_json(&body)))?;
        Ok(String::from_utf8(body.bytes.expect("a body")).expect("text"))
    }

    #[test]
    fn bodies_are_encoded_as_python_does() {
        // Expected values from CPython 3.11's json.dumps and urlencode.
        let cases = [
            ("json", json!({"a": [1, true, null], "b": "ü"}), r#"{"a": [1, true, null], "b": "\u00fc"}"#),
            ("json", json!("{\"a\":1}"), "{\"a\":1}"),
            ("form-urlencoded", json!({"a b": "c&d", "e": ["1", "ü~"], "f": null}), "a+b=c%26d&e=1&e=%C3%BC~"),
            ("form-urlencoded", json!([["a", "1"], ["a", 2]]), "a=1&a=2"),
            ("raw", json!("as it is"), "as it is"),
            ("raw", json!(7), "7"),
        ];
        for (format, body, expected) in cases {
            assert_eq!(encoded(format, body).expect("encoded"), expected);
        }
        assert!(encoded("raw", json!({})).is_err());
        assert!(encoded("form-urlencoded", json!(["a"])).is_err());
    }

    #[test]
    fn a_multipart_form_has_a_part_a_field() {
        let body = json!({"b": {"content": "{}", "filename": "x/b.json"}, "a": "1"});
        let machine = Fake::default();
        let body =
            encode(&eyes(&machine, &Offline), "form-multipart", Some(&Value::from_json(&body))).expect("encoded");
        let media = body.media.expect("media");
        let boundary = media.split('"').nth(1).expect("boundary");
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
             --{boundary}\r\nContent-Type: application/json\r\n\
             Content-Disposition: form-data; name=\"b\"; filename=\"b.json\"\r\n\r\n{{}}\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(body.bytes.expect("bytes")).expect("text"), expected);
        assert!(encoded("form-multipart", json!({"a": {}})).expect_err("refused").message.contains("at least one of"));
        assert!(encoded("form-multipart", json!([])).expect_err("refused").message.contains("must be mapping"));
    }
}
