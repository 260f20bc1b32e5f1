//! Text forms that several protocols share: percent-encoding, forms, base64, digests, wildcard patterns.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Percent-encodes all but RFC 3986's unreserved characters; `/` too unless kept.
pub(crate) fn percent_encode(bytes: &[u8], keep_slash: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes percent-encoding; what is not a valid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = if bytes[at] == b'%' { bytes.get(at + 1..at + 3) } else { None };
        let mut byte = [0];
        match escape.map(|digits| hex::decode_to_slice(digits, &mut byte)) {
            Some(Ok(())) => {
                out.push(byte[0]);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// The pairs of a query string or form body; `plus` says whether `+` is a space, as it is in forms.
pub(crate) fn pairs(text: &str, plus: bool) -> Vec<(String, String)> {
    let decode = |part: &str| {
        let part = if plus { part.replace('+', " ") } else { part.to_owned() };
        String::from_utf8_lossy(&percent_decode(&part)).into_owned()
    };
    let split = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (decode(name), decode(value)),
        None => (decode(pair), String::new()),
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(split).collect()
}

/// Standard base64.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Undoes [`base64`].
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// Letters and digits that look random and are the same for the same seed: ids and opaque tokens.
pub(crate) fn opaque(seed: &str, length: usize) -> String {
    let mut out = String::new();
    let mut round = 0u32;
    while out.len() < length {
        out.push_str(&sha256_hex(format!("{round}:{seed}").as_bytes()));
        round += 1;
    }
    out.truncate(length);
    out
}

/// An opaque id in the shape of a UUID.
pub(crate) fn uuid(seed: &str) -> String {
    let hex = opaque(seed, 32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// Whether a pattern with `*` (any text) and `?` (any character) covers all of `text`, as in IAM policies.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            p = at + 1;
            t = taken + 1;
            star = Some((at, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&left| left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_goes_both_ways() {
        assert_eq!(percent_encode("a b/ü".as_bytes(), false), "a%20b%2F%C3%BC");
        assert_eq!(percent_decode("a%20b%2F%C3%BC%zz%"), "a b/ü%zz%".as_bytes());
        assert_eq!(pairs("a=1+2&b&c=%2B", true), [("a", "1 2"), ("b", ""), ("c", "+")].map(owned));
    }

    fn owned((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn patterns_cover_whole_texts() {
        for (pattern, text, covers) in [
            ("*", "", true),
            ("ssm:*", "ssm:GetParameter", true),
            ("ssm:Get*s", "ssm:GetParameters", true),
            ("ssm:Get*s", "ssm:GetParameter", false),
            ("s?m:x", "ssm:x", true),
            ("ssm", "ssm:x", false),
        ] {
            assert_eq!(matches(pattern, text), covers, "{pattern} {text}");
        }
    }

    #[test]
    fn ids_have_their_shapes() {
        assert_eq!(uuid("x").len(), 36);
        assert_eq!(opaque("x", 100).len(), 100);
        assert_ne!(uuid("x"), uuid("y"));
    }
}
