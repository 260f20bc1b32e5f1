//! Filters that encode: base64, digests, URLs, UUIDs.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::{Key, Map, Value};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use md5::Digest;
use std::sync::Arc;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("b64encode", &["encoding", "urlsafe"], |v, args| {
        let bytes = encoded(&python::text(v), &args.text_or(0, "utf-8"))?;
        Ok(Value::str(if args.flag(1, false) { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }))
    }),
    Filter::values("b64decode", &["encoding", "urlsafe"], b64decode),
    Filter::values("hash", &["hashtype"], |v, args| {
        hex_digest(&args.text_or(0, "sha1"), python::text(v).as_bytes()).map(Value::str)
    }),
    Filter::values("md5", &[], |v, _| hex_digest("md5", python::text(v).as_bytes()).map(Value::str)),
    Filter::values("sha1", &[], |v, _| hex_digest("sha1", python::text(v).as_bytes()).map(Value::str)),
    Filter::values("checksum", &[], |v, _| hex_digest("sha1", python::text(v).as_bytes()).map(Value::str)),
    Filter::values("to_uuid", &["namespace"], to_uuid),
    Filter::values("urlencode", &[], urlencode),
    Filter::values("urldecode", &[], |v, _| {
        let text = python::text(v).replace('+', " ");
        Ok(Value::str(unquote(&text)))
    }),
    Filter::values("urlsplit", &["query"], urlsplit),
];

/// Text in an encoding of Python's: the Unicode ones, ASCII and Latin-1.
fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>, String> {
    Ok(match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "ascii" => text.as_bytes().to_vec(),
        "utf-16-le" | "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16-be" | "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "latin-1" | "latin1" | "iso-8859-1" => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).map_err(|_| format!("{c} is not in {encoding}")))
            .collect::<Result<_, _>>()?,
        other => return Err(format!("unknown encoding: {other}")),
    })
}

fn b64decode(value: &Value, args: &Args) -> Outcome {
    let text: String = python::text(value).split_whitespace().collect();
    let engine = if args.flag(1, false) { &URL_SAFE } else { &STANDARD };
    let bytes = engine.decode(text.as_bytes()).map_err(|_| "the text is not base64".to_owned())?;
    let units = |bytes: &[u8], from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    Ok(Value::str(match args.text_or(0, "utf-8").to_lowercase().replace('_', "-").as_str() {
        "utf-16-le" | "utf-16le" => units(&bytes, u16::from_le_bytes),
        "utf-16-be" | "utf-16be" => units(&bytes, u16::from_be_bytes),
        "latin-1" | "latin1" | "iso-8859-1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }))
}

/// A digest by its name in Python's `hashlib`. Old ones are for roles that ask for them, and decide nothing.
pub(in crate::roles::template) fn hex_digest(name: &str, bytes: &[u8]) -> Result<String, String> {
    let algorithm = match name.to_lowercase().as_str() {
        "md5" => return Ok(hex::encode(md5::Md5::digest(bytes))),
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => &digest::SHA224,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        "sha3_256" => &digest::SHA3_256,
        "sha3_384" => &digest::SHA3_384,
        "sha3_512" => &digest::SHA3_512,
        other => return Err(format!("unsupported hash type {other}")),
    };
    Ok(hex::encode(digest::digest(algorithm, bytes)))
}

/// Ansible's own namespace for version 5 UUIDs.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn to_uuid(value: &Value, args: &Args) -> Outcome {
    let namespace = args.text_or(0, NAMESPACE);
    let mut bytes = hex::decode(namespace.replace(['-', '{', '}'], "").replace("urn:uuid:", ""))
        .ok()
        .filter(|bytes| bytes.len() == 16)
        .ok_or_else(|| format!("Invalid value '{namespace}' for 'namespace'"))?;
    bytes.extend_from_slice(python::text(value).as_bytes());
    let mut id = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes).as_ref()[..16].to_vec();
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let text = hex::encode(id);
    Ok(Value::str(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])))
}

/// `urllib.parse.quote` with these safe beside letters, digits and `_.-~`.
fn percent(text: &str, safe: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn unquote(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match code.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn urlencode(value: &Value, _: &Args) -> Outcome {
    let pairs: Vec<(Value, Value)> = match value {
        Value::Map(map) => map.iter().map(|(k, v)| (python::key_value(k), v.clone())).collect(),
        Value::List(pairs) => pairs
            .iter()
            .map(|pair| match pair.as_list() {
                Some([key, value]) => Ok((key.clone(), value.clone())),
                _ => Err("a list to encode holds pairs"),
            })
            .collect::<Result<_, _>>()?,
        other => return Ok(Value::str(percent(&python::text(other), "/"))),
    };
    // In a query a space is a plus sign.
    let one = |value: &Value| percent(&python::text(value), " ").replace(' ', "+");
    let parts: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", one(key), one(value))).collect();
    Ok(Value::str(parts.join("&")))
}

fn urlsplit(value: &Value, args: &Args) -> Outcome {
    let url = python::path(value)?;
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let scheme_like = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = rest.split_once(':').filter(|(s, _)| scheme_like(s)).unwrap_or(("", rest));
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
        None => ("", rest),
    };
    let (login, host) = netloc.rsplit_once('@').map_or((None, netloc), |(login, host)| (Some(login), host));
    let (username, password) = match login {
        None => (None, None),
        Some(login) => login.split_once(':').map_or((Some(login), None), |(u, p)| (Some(u), Some(p))),
    };
    let (hostname, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let (name, after) = inner.split_once(']').unwrap_or((inner, ""));
            (name, after.strip_prefix(':').unwrap_or(""))
        }
        None => host.rsplit_once(':').unwrap_or((host, "")),
    };
    let optional = |text: Option<&str>| text.map_or(Value::Null, Value::str);
    let lower = hostname.to_lowercase();
    let mut all = Map::new();
    for (name, part) in [
        ("fragment", Value::str(fragment)),
        ("hostname", if lower.is_empty() { Value::Null } else { Value::str(lower) }),
        ("netloc", Value::str(netloc)),
        ("password", optional(password)),
        ("path", Value::str(path)),
        ("port", port.parse().map_or(Value::Null, Value::Int)),
        ("query", Value::str(query)),
        ("scheme", Value::str(scheme.to_lowercase())),
        ("username", optional(username)),
    ] {
        all.insert(name.into(), part);
    }
    match args.text(0).filter(|name| !name.is_empty()) {
        None => Ok(Value::Map(Arc::new(all))),
        Some(name) => {
            all.get(&Key::from(name.as_str())).cloned().ok_or_else(|| format!("unknown URL component: {name}"))
        }
    }
}
