//! GetObject and HeadObject: ranges, conditions, versions, checksums.

use super::{Caller, Object, Store};
use crate::encoding::{base64, from_base64};
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Request;
use aws_lc_rs::digest::{SHA256, digest};

impl Store {
    pub(super) fn get(&self, caller: &Caller, bucket: &str, key: &str, request: &Request) -> Result<Reply, ApiError> {
        self.require_bucket(bucket)?;
        let version_id = request.query_parameter("versionId");
        let action = if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        caller.permit(action, bucket, key)?;
        let Some(object) = self.objects.iter().find(|object| object.bucket == bucket && object.key == key) else {
            // Whoever may not list a bucket is not told what is missing from it.
            caller.permit("s3:ListBucket", bucket, "")?;
            let message = "The specified key does not exist.";
            return Err(ApiError::with_status(404, "NoSuchKey", message).detail("Key", key));
        };
        let Some(index) = object.place(version_id.as_deref()) else {
            let message = "The specified version does not exist.";
            return Err(ApiError::with_status(404, "NoSuchVersion", message).detail("Key", key));
        };
        conditions(request, &object.etag(index)).unwrap_or_else(|| self.content(object, index, request))
    }

    fn content(&self, object: &Object, index: usize, request: &Request) -> Result<Reply, ApiError> {
        let content = &object.versions[index];
        let modified = self.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let described = |reply: Reply| {
            let reply = reply
                .with("etag", object.etag(index))
                .with("accept-ranges", "bytes")
                .with("last-modified", modified.clone());
            if object.versions.len() > 1 { reply.with("x-amz-version-id", object.version_id(index)) } else { reply }
        };
        if let Some(range) = request.header("range") {
            let Some((from, to)) = span(range, content.len()) else {
                let message = "The requested range is not satisfiable";
                return Err(ApiError::with_status(416, "InvalidRange", message)
                    .detail("RangeRequested", range)
                    .detail("ActualObjectSize", content.len().to_string()));
            };
            let part = content[from..to].to_vec();
            let covers = format!("bytes {from}-{}/{}", to - 1, content.len());
            return Ok(described(Reply::new(206, "binary/octet-stream", part)).with("content-range", covers));
        }
        let reply = described(Reply::new(200, "binary/octet-stream", content.clone()));
        if request.header("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("enabled")) {
            let sum = base64(digest(&SHA256, content));
            return Ok(reply.with("x-amz-checksum-sha256", sum).with("x-amz-checksum-type", "FULL_OBJECT"));
        }
        Ok(reply)
    }
}

/// What `If-Match` and `If-None-Match` come to, where they decide.
fn conditions(request: &Request, etag: &str) -> Option<Result<Reply, ApiError>> {
    let covers = |wanted: &str| {
        wanted == "*" || wanted.split(',').any(|one| one.trim().trim_matches('"') == etag.trim_matches('"'))
    };
    if request.header("if-match").is_some_and(|wanted| !covers(wanted)) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Some(Err(ApiError::with_status(412, "PreconditionFailed", message).detail("Condition", "If-Match")));
    }
    if request.header("if-none-match").is_some_and(covers) {
        return Some(Ok(Reply::new(304, "", "").with("etag", etag)));
    }
    None
}

/// The half-open span that a `Range` header asks for.
fn span(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from, to) {
        ("", last) => (length.saturating_sub(last.parse().ok()?), length),
        (from, "") => (from.parse().ok()?, length),
        (from, to) => (from.parse().ok()?, to.parse::<usize>().ok()?.checked_add(1)?.min(length)),
    };
    (from < to).then_some((from, to))
}

/// Reads a continuation token or the like back.
pub(super) fn token_text(token: &str) -> Option<String> {
    String::from_utf8(from_base64(token)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_spans_within_the_object() {
        for (range, expected) in [
            ("bytes=0-3", Some((0, 4))),
            ("bytes=4-", Some((4, 10))),
            ("bytes=-3", Some((7, 10))),
            ("bytes=8-99", Some((8, 10))),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("pages=1-2", None),
        ] {
            assert_eq!(span(range, 10), expected, "{range}");
        }
    }
}
