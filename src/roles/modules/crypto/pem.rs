//! PEM (RFC 7468, RFC 1421): the first section of a text, and writing one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One section.
pub struct Section {
    /// What stands after `BEGIN`.
    pub label: String,
    /// Its bytes; empty where they are encrypted.
    pub der: Zeroizing<Vec<u8>>,
    /// Whether RFC 1421 headers say that it is encrypted.
    pub encrypted: bool,
}

/// The first section; text around it is passed over.
pub fn first(bytes: &[u8]) -> Option<Section> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| !line.starts_with("-----BEGIN "));
    let label = lines.next()?.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?.to_owned();
    let end = format!("-----END {label}-----");
    let (mut body, mut encrypted, mut ended) = (Zeroizing::new(String::new()), false, false);
    for line in lines {
        if line == end {
            ended = true;
            break;
        }
        if line.contains(':') {
            encrypted |= line.contains("ENCRYPTED");
        } else {
            body.push_str(line.trim());
        }
    }
    let der = if encrypted { Vec::new() } else { STANDARD.decode(body.as_bytes()).ok()? };
    ended.then(|| Section { label, der: Zeroizing::new(der), encrypted })
}

/// A section as text, in lines of 64.
pub fn text(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
