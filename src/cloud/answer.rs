//! What came back from AWS in place of a result, sorted by what can be done about it.

use super::chain::{chain, find};
use super::transport::NoRoots;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy does not allow it.
    Denied,
    /// Too many calls: later.
    Throttled,
    /// The host's clock is wrong.
    Clock,
    /// The thing does not exist.
    Missing,
    /// There are no credentials, or AWS does not know them (yet).
    Credentials,
    /// No connection, or none that lasted.
    Unreachable,
    /// A connection, but no answer in time.
    Silent,
    /// Nobody is trusted, so TLS cannot be.
    Untrusted,
    /// AWS had a fault of its own: later.
    Fault,
    /// The request is refused as it stands.
    Refused,
}

/// An answer that is no result.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What can be done about it.
    pub kind: Kind,
    /// The service's error code; empty where no service answered.
    pub code: String,
    /// What was said.
    pub message: String,
    /// The HTTP status, where a service answered.
    pub status: Option<u16>,
    /// The service's clock, from the `Date` header.
    pub server_time: Option<String>,
    /// Where a bucket is, when S3 says that it is elsewhere.
    pub bucket_region: Option<String>,
    /// What the same request came to on another way: as whom, and the answer.
    pub beside: Option<String>,
}

const DENIED: &[&str] =
    &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"];
const THROTTLED: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "PriorRequestNotComplete",
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "ResourceContention",
    "SlowDown",
    "TooManyUpdates",
];
const CLOCK: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];
/// A signature that does not match is the clock's fault where the message says so, else the credentials'.
const SIGNATURE: &[&str] =
    &["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "AuthFailure"];
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "TokenRefreshRequired",
];
const MISSING: &[&str] = &[
    "ParameterNotFound",
    "ParameterVersionNotFound",
    "ResourceNotFoundException",
    "NoSuchKey",
    "NoSuchBucket",
    "NoSuchVersion",
    "NotFound",
    "RepositoryNotFoundException",
    "ImageNotFoundException",
    "LayersNotFoundException",
    "NotFoundException",
    "InvalidAMIID.NotFound",
    "InvalidAMIID.Unavailable",
    "InvalidInstanceID.NotFound",
    "InvalidResourceId",
];

impl Answer {
    /// Sorts what an SDK call came to.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let raw = service.raw();
                let meta = service.err().meta();
                let message = meta.message().map_or_else(|| chain(service.err()), str::to_owned);
                let date = raw.headers().get("date").map(str::to_owned);
                let answer = Self::answered(raw.status().as_u16(), meta.code().unwrap_or_default(), message, date);
                let region = raw.headers().get("x-amz-bucket-region").map(str::to_owned);
                Self { bucket_region: region, ..answer }
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                let kind = if !(400..500).contains(&status) { Kind::Fault } else { by_status(status) };
                Self { status: Some(status), ..Self::unanswered(kind, chain(error)) }
            }
            SdkError::TimeoutError(_) => Self::unanswered(Kind::Silent, chain(error)),
            other => Self::without_response(other),
        }
    }

    /// Sorts a service's error by its code, its message and its status.
    pub(super) fn answered(status: u16, code: &str, message: String, date: Option<String>) -> Self {
        let listed = |list: &[&str]| list.contains(&code);
        let clock =
            ["Signature expired", "Signature not yet current", "too skewed", "difference between the request time"]
                .iter()
                .any(|sign| message.contains(sign));
        let kind = if listed(CLOCK) || (clock && (listed(SIGNATURE) || listed(DENIED))) {
            Kind::Clock
        } else if listed(DENIED) {
            Kind::Denied
        } else if listed(THROTTLED) || status == 429 || message.starts_with("Rate exceeded") {
            Kind::Throttled
        } else if listed(CREDENTIALS) || listed(SIGNATURE) {
            Kind::Credentials
        } else if listed(MISSING) {
            Kind::Missing
        } else if code.is_empty() || status >= 500 {
            by_status(status)
        } else {
            Kind::Refused
        };
        let (code, message) = (code.to_owned(), without_echo(message));
        Self { status: Some(status), server_time: date, code, message, ..Self::unanswered(kind, "") }
    }

    /// An answer that no service gave.
    pub(super) fn unanswered(kind: Kind, message: impl Into<String>) -> Self {
        let (code, message) = (String::new(), without_echo(message.into()));
        Self { kind, code, message, status: None, server_time: None, bucket_region: None, beside: None }
    }

    fn without_response(error: &(dyn Error + 'static)) -> Self {
        let kind = if find::<CredentialsError>(error).is_some() {
            Kind::Credentials
        } else if find::<NoRoots>(error).is_some() {
            Kind::Untrusted
        } else if certificate_out_of_time(error) {
            Kind::Clock
        } else {
            let text = chain(error);
            if text.contains("read timeout") { Kind::Silent } else { Kind::Unreachable }
        };
        Self::unanswered(kind, chain(error))
    }

    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, Kind::Throttled | Kind::Credentials | Kind::Unreachable | Kind::Silent | Kind::Fault)
    }
}

/// How a service begins to repeat a request that it did not accept. A request holds the session token, or an identity
/// document in its place: whoever reads them is the host.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>
const ECHOES: &[&str] = &[
    "the canonical string",
    "the string-to-sign",
    "canonicalrequest",
    "stringtosign",
    "x-amz-security-token",
    "authorization=",
];

/// What was said, up to where it repeats the request.
fn without_echo(mut message: String) -> String {
    let lower = message.to_ascii_lowercase();
    if let Some(at) = ECHOES.iter().filter_map(|echo| lower.find(echo)).min() {
        message.truncate(at);
        message.truncate(message.trim_end().len());
    }
    message
}

fn by_status(status: u16) -> Kind {
    match status {
        403 => Kind::Denied,
        404 => Kind::Missing,
        408 | 429 => Kind::Throttled,
        500.. => Kind::Fault,
        _ => Kind::Refused,
    }
}

/// A certificate that has expired or is not valid yet is far more often a wrong clock than a wrong certificate.
fn certificate_out_of_time(error: &(dyn Error + 'static)) -> bool {
    use rustls::CertificateError as Fault;
    let judged = |error: &rustls::Error| {
        matches!(
            error,
            rustls::Error::InvalidCertificate(
                Fault::Expired | Fault::NotValidYet | Fault::ExpiredContext { .. } | Fault::NotValidYetContext { .. }
            )
        )
    };
    // rustls travels inside `io::Error`, whose `source` skips the error that it wraps.
    let mut cause = Some(error);
    while let Some(next) = cause {
        let wrapped = next.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if wrapped.and_then(|inner| inner.downcast_ref()).is_some_and(judged)
            || next.downcast_ref::<rustls::Error>().is_some_and(judged)
        {
            return true;
        }
        cause = next.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_sorted_by_code_message_and_status() {
        for (status, code, message, kind) in [
            (400, "AccessDeniedException", "User: x is not authorized", Kind::Denied),
            (403, "", "", Kind::Denied),
            (400, "ThrottlingException", "Rate exceeded", Kind::Throttled),
            (400, "Throttling", "Rate exceeded", Kind::Throttled),
            (429, "", "", Kind::Throttled),
            (503, "SlowDown", "Please reduce your request rate.", Kind::Throttled),
            (403, "RequestTimeTooSkewed", "", Kind::Clock),
            (403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", Kind::Clock),
            (400, "InvalidSignatureException", "Signature not yet current: 2030", Kind::Clock),
            (403, "SignatureDoesNotMatch", "The request signature we calculated does not match", Kind::Credentials),
            (400, "ExpiredTokenException", "The security token is expired", Kind::Credentials),
            (403, "InvalidClientTokenId", "The security token is invalid", Kind::Credentials),
            (404, "NoSuchKey", "", Kind::Missing),
            (404, "", "", Kind::Missing),
            (400, "ResourceNotFoundException", "", Kind::Missing),
            (500, "InternalServerError", "", Kind::Fault),
            (503, "", "", Kind::Fault),
            (400, "ValidationException", "", Kind::Refused),
        ] {
            let answer = Answer::answered(status, code, message.into(), None);
            assert_eq!(answer.kind, kind, "{status} {code} {message}");
        }
    }

    #[test]
    fn a_request_that_is_repeated_stays_unsaid() {
        let told = "The request signature we calculated does not match the signature you provided.";
        for echo in [
            "\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:hunter2\n'",
            " StringToSign AWS4-HMAC-SHA256 X-Amz-Security-Token=hunter2",
            " Authorization=CFN_V1 hunter2",
        ] {
            let answer = Answer::answered(403, "SignatureDoesNotMatch", format!("{told}{echo}"), None);
            assert_eq!((answer.message.as_str(), answer.kind), (told, Kind::Credentials));
            assert_eq!(Answer::unanswered(Kind::Silent, format!("{told}{echo}")).message, told);
        }
        let plain = "Stack web is in CREATE_COMPLETE state and cannot be signaled";
        assert_eq!(Answer::answered(400, "ValidationError", plain.into(), None).message, plain);
    }

    #[test]
    fn a_certificate_out_of_time_is_a_wrong_clock() {
        let rustls = rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidYet);
        assert!(certificate_out_of_time(&std::io::Error::other(rustls)));
        let other = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(!certificate_out_of_time(&std::io::Error::other(other)));
    }
}
