//! S3's reads, path-style, and the puts that wait-condition handles take.

mod get;
mod list;
mod object;

pub use object::Object;

use crate::account::Account;
use crate::credentials::Principal;
use crate::encoding::percent_decode;
use crate::error::{ApiError, Common};
use crate::policy::Policy;
use crate::reply::Reply;
use crate::request::Request;
use jiff::Timestamp;

/// The account's objects.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) objects: Vec<Object>,
    pub(crate) modified: Timestamp,
}

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
}

/// Bucket and key of a path, decoded.
pub(crate) fn address(request: &Request) -> (String, String) {
    let decoded = String::from_utf8_lossy(&percent_decode(&request.path)).into_owned();
    let (bucket, key) = decoded.trim_start_matches('/').split_once('/').unwrap_or((decoded.trim_matches('/'), ""));
    (bucket.to_owned(), key.to_owned())
}

/// The operation that method, path and query stand for.
pub(crate) fn action(request: &Request) -> String {
    let (_, key) = address(request);
    match (request.method.as_str(), key.is_empty()) {
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("HEAD", true) => "HeadBucket",
        ("GET", true) if request.query_parameter("list-type").as_deref() == Some("2") => "ListObjectsV2",
        ("PUT", false) => "PutObject",
        _ => "Unknown",
    }
    .to_owned()
}

impl Caller<'_> {
    fn permit(&self, action: &str, bucket: &str, key: &str) -> Result<(), ApiError> {
        let resource = if key.is_empty() { bucket.to_owned() } else { format!("{bucket}/{key}") };
        let arn = format!("arn:{}:s3:::{resource}", self.account.partition);
        self.policy.permit(self.principal, action, &arn)
    }
}

impl Store {
    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, request: &Request) -> Result<Reply, ApiError> {
        let (bucket, key) = address(request);
        match action {
            "GetObject" | "HeadObject" => self.get(caller, &bucket, &key, request),
            "HeadBucket" => {
                self.require_bucket(&bucket)?;
                caller.permit("s3:ListBucket", &bucket, "")?;
                Ok(Reply::new(200, "", "").with("x-amz-bucket-region", caller.account.region.as_str()))
            }
            "ListObjectsV2" => self.list(caller, &bucket, request),
            _ => {
                let message = "The specified method is not allowed against this resource.";
                Err(ApiError::common(Common::UnknownAction, message))
            }
        }
    }

    fn require_bucket(&self, bucket: &str) -> Result<(), ApiError> {
        if self.objects.iter().any(|object| object.bucket == bucket) {
            return Ok(());
        }
        let message = "The specified bucket does not exist";
        Err(ApiError::with_status(404, "NoSuchBucket", message).detail("BucketName", bucket))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
