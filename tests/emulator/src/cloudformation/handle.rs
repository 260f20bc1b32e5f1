//! Wait-condition handles: presigned URLs at which S3 takes a signal with a reason.

use super::{Route, Signal, Stack, Store};
use crate::account::Account;
use crate::encoding::{base64, opaque, percent_encode};
use crate::error::{ApiError, Common};
use crate::request::Request;
use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Where handles live and what they are signed with: CloudFormation's own key.
pub(crate) struct Handles<'a> {
    pub(crate) account: &'a Account,
    pub(crate) now: Timestamp,
}

/// The key of a handle's object.
pub(crate) fn key_of(stack: &Stack, logical_id: &str, account: &Account) -> String {
    format!("{}/{logical_id}", stack.id(account))
}

impl Handles<'_> {
    /// The bucket's name.
    pub(crate) fn bucket(&self) -> String {
        format!("cloudformation-waitcondition-{}", self.account.region)
    }

    /// Path and query of a handle's URL, good for a day.
    pub(crate) fn presigned(&self, key: &str) -> String {
        let expires = (self.now + SignedDuration::from_hours(24)).as_second();
        let path = format!("/{}/{}", self.bucket(), percent_encode(key.as_bytes(), false));
        let signature = percent_encode(self.sign(&path, "", "", expires).as_bytes(), false);
        format!("{path}?AWSAccessKeyId={}&Expires={expires}&Signature={signature}", self.key_id())
    }

    fn key_id(&self) -> String {
        format!("AKIA{}", opaque("wait conditions", 16).to_uppercase())
    }

    /// Signature version 2, which handles still carry. It covers the content type: that is why there must be none.
    fn sign(&self, path: &str, md5: &str, content_type: &str, expires: i64) -> String {
        let secret = opaque("wait condition secret", 40);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        base64(hmac::sign(&key, format!("PUT\n{md5}\n{content_type}\n{expires}\n{path}").as_bytes()))
    }

    /// Judges a presigned request.
    pub(crate) fn verify(&self, request: &Request) -> Result<(), ApiError> {
        let query = |name: &str| request.query_parameter(name).unwrap_or_default();
        if query("AWSAccessKeyId") != self.key_id() {
            return Err(ApiError::common(Common::AccessDenied, "Access Denied"));
        }
        let expires: i64 = query("Expires").parse().unwrap_or_default();
        if expires <= self.now.as_second() {
            return Err(ApiError::common(Common::AccessDenied, "Request has expired"));
        }
        let header = |name: &str| request.header(name).unwrap_or_default();
        let signature = self.sign(&request.path, header("content-md5"), header("content-type"), expires);
        if signature != query("Signature") {
            let message = "The request signature we calculated does not match the signature you provided. \
                           Check your key and signing method.";
            return Err(ApiError::common(Common::BadSignature, message));
        }
        Ok(())
    }
}

impl Store {
    /// What CloudFormation makes of an object put at a handle. S3 has taken it already, so nothing is refused:
    /// what is no signal, or comes late, goes unheard.
    pub(crate) fn put_handle(&mut self, account: &Account, key: &str, body: &[u8], now: Timestamp) {
        self.settle(now);
        let Ok(sent) = serde_json::from_slice::<Value>(body) else { return };
        let text = |name: &str| sent[name].as_str().map(str::to_owned);
        let (Some(status), Some(unique_id)) = (text("Status"), text("UniqueId")) else { return };
        for stack in &mut self.stacks {
            let named = stack.resources.iter().map(|resource| resource.logical_id.clone());
            let Some(logical_id) = named.into_iter().find(|id| key_of(stack, id, account) == key) else { continue };
            let signal = Signal {
                at: now,
                stack: stack.name.clone(),
                logical_id,
                unique_id: unique_id.clone(),
                success: status == "SUCCESS",
                reason: text("Reason"),
                data: text("Data"),
                route: Route::Handle,
            };
            let _ = stack.hear(signal);
        }
    }
}
