//! The canonical form of a request, which is what a signature covers.

use crate::encoding::{pairs, percent_encode};
use crate::request::Request;

/// How a service reads paths before it signs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    /// Dots and doubled slashes resolved, then encoded once more: everything but S3.
    Normalized,
    /// As on the wire: S3, where a key may hold anything.
    AsSent,
}

/// The canonical request.
pub(crate) fn request(request: &Request, signed: &[&str], payload: &str, paths: Paths) -> String {
    let mut text = format!("{}\n{}\n{}\n", request.method, path(&request.path, paths), query(&request.query));
    for name in signed {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(have, _)| have == name)
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        text.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    text.push_str(&format!("\n{}\n{payload}", signed.join(";")));
    text
}

fn path(sent: &str, paths: Paths) -> String {
    if paths == Paths::AsSent {
        return sent.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in sent.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    let tail = if sent.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    percent_encode(format!("/{}{tail}", kept.join("/")).as_bytes(), true)
}

/// Decoded, encoded in one way only, sorted; without a presigned request's own signature.
fn query(sent: &str) -> String {
    let mut encoded: Vec<(String, String)> = pairs(sent, false)
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (percent_encode(name.as_bytes(), false), percent_encode(value.as_bytes(), false)))
        .collect();
    encoded.sort();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_except_for_objects() {
        for (sent, canonical) in
            [("/", "/"), ("/a/../b", "/b"), ("//a//./b/", "/a/b/"), ("/a%20b", "/a%2520b"), ("/..", "/")]
        {
            assert_eq!(path(sent, Paths::Normalized), canonical, "{sent}");
        }
        assert_eq!(path("/a//b/../c%20d", Paths::AsSent), "/a//b/../c%20d");
    }

    #[test]
    fn queries_are_sorted_and_recoded() {
        assert_eq!(query("b=2&a=%7e&a=%2F&c&X-Amz-Signature=0"), "a=%2F&a=~&b=2&c=");
    }
}
