//! Signature Version 4, judged as AWS judges it (IAM User Guide, "Create a signed AWS API request").

use crate::canonical::{self, Paths};
use crate::clock;
use crate::credentials::{Key, Keys, Principal};
use crate::encoding::sha256_hex;
use crate::error::{ApiError, Common, Protocol};
use crate::request::Request;
use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};

/// What a signature must be scoped to, and what it is judged by.
pub(crate) struct Expected<'a> {
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) protocol: Protocol,
    /// The service's idea of the present, for dates.
    pub(crate) now: Timestamp,
    /// The time that sessions are measured by.
    pub(crate) session_now: Timestamp,
}

/// What an `Authorization` header says.
struct Authorization<'a> {
    key_id: &'a str,
    scope: Scope<'a>,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// `DATE/REGION/SERVICE/aws4_request`.
pub(crate) struct Scope<'a> {
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl<'a> Scope<'a> {
    /// Splits a credential into its key id and scope.
    pub(crate) fn parse(credential: &'a str) -> Option<(&'a str, Self)> {
        let mut parts = credential.rsplitn(5, '/');
        if parts.next()? != "aws4_request" {
            return None;
        }
        let (service, region, date, key_id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some((key_id, Self { date, region, service }))
    }

    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Who signed the request, if its signature is good.
pub(crate) fn verify(request: &Request, keys: &Keys, expected: &Expected) -> Result<Principal, ApiError> {
    let Some(header) = request.header("authorization") else {
        let message = match expected.protocol {
            Protocol::Json => "Missing Authentication Token",
            Protocol::Query | Protocol::Ec2 => "Request is missing Authentication Token",
            Protocol::S3 => "Access Denied",
        };
        return Err(ApiError::common(Common::MissingSignature, message));
    };
    let authorization = parse(header)?;
    let key = find(keys, authorization.key_id, expected)?;
    let date = request.header("x-amz-date").ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    require_signed(request, &authorization.signed, expected)?;
    judge_scope(&authorization.scope, date, expected)?;
    judge_date(date, expected)?;
    let payload = payload_hash(request, expected.protocol)?;
    let paths = if expected.protocol == Protocol::S3 { Paths::AsSent } else { Paths::Normalized };
    let text = canonical::request(request, &authorization.signed, &payload, paths);
    let signature = sign(&key.credentials.secret_access_key, date, &authorization.scope, &text);
    if signature != authorization.signature {
        return Err(mismatch(&text, expected.protocol));
    }
    judge_session(request.header("x-amz-security-token"), key, expected)?;
    Ok(key.principal.clone())
}

fn parse(header: &str) -> Result<Authorization<'_>, ApiError> {
    let Some(fields) = header.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return Err(incomplete("Unsupported or missing algorithm in Authorization header."));
    };
    let field = |name: &str| {
        let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
        fields.find(|(have, _)| *have == name).map(|(_, value)| value).ok_or_else(|| {
            incomplete(format!("Authorization header requires '{name}' parameter. Authorization={header}"))
        })
    };
    let (credential, signed, signature) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let (key_id, scope) = Scope::parse(credential).ok_or_else(|| {
        incomplete(format!("Credential must have exactly 5 slash-delimited elements, got: {credential}"))
    })?;
    Ok(Authorization { key_id, scope, signed: signed.split(';').collect(), signature })
}

/// The key of this id, while its session lasts.
pub(crate) fn find<'k>(keys: &'k Keys, id: &str, expected: &Expected) -> Result<&'k Key, ApiError> {
    let key = keys.find(id).ok_or_else(|| match expected.protocol {
        Protocol::S3 => {
            ApiError::common(Common::UnknownKey, "The AWS Access Key Id you provided does not exist in our records.")
                .detail("AWSAccessKeyId", id)
        }
        _ => unknown_token(),
    })?;
    if key.expires.is_some_and(|expires| expires <= expected.session_now) {
        let message = match expected.protocol {
            Protocol::S3 => "The provided token has expired.",
            _ => "The security token included in the request is expired",
        };
        return Err(ApiError::common(Common::ExpiredToken, message));
    }
    Ok(key)
}

fn judge_session(sent: Option<&str>, key: &Key, expected: &Expected) -> Result<(), ApiError> {
    if sent == key.credentials.session_token.as_deref() {
        return Ok(());
    }
    Err(match expected.protocol {
        Protocol::S3 => ApiError::own("InvalidToken", "The provided token is malformed or otherwise invalid."),
        _ => unknown_token(),
    })
}

fn unknown_token() -> ApiError {
    ApiError::common(Common::UnknownKey, "The security token included in the request is invalid.")
}

fn require_signed(request: &Request, signed: &[&str], expected: &Expected) -> Result<(), ApiError> {
    if !signed.contains(&"host") {
        return Err(bad("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    for (name, _) in &request.headers {
        let must = name == "x-amz-date" || name == "x-amz-security-token" || name == "x-amz-target";
        let must = must || (expected.protocol == Protocol::S3 && name.starts_with("x-amz-"));
        if must && !signed.contains(&name.as_str()) {
            return Err(match expected.protocol {
                Protocol::S3 => {
                    let message = "There were headers present in the request which were not signed";
                    ApiError::common(Common::AccessDenied, message).detail("HeadersNotSigned", name)
                }
                _ => bad(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")),
            });
        }
    }
    Ok(())
}

/// The scope's date, region and service against what the endpoint is.
pub(crate) fn judge_scope(scope: &Scope, date: &str, expected: &Expected) -> Result<(), ApiError> {
    let day = date.get(..8).unwrap_or(date);
    if scope.date != day {
        return Err(bad(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{}' != '{day}', from '{date}'.",
            scope.date
        )));
    }
    if scope.region != expected.region {
        return Err(match expected.protocol {
            Protocol::S3 => ApiError::own(
                "AuthorizationHeaderMalformed",
                format!(
                    "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                    scope.region, expected.region
                ),
            )
            .detail("Region", expected.region),
            _ => bad(format!("Credential should be scoped to a valid region, not '{}'. ", scope.region)),
        });
    }
    if scope.service != expected.service {
        return Err(bad(format!("Credential should be scoped to correct service: '{}'. ", expected.service)));
    }
    Ok(())
}

/// The signature's date: within five minutes, S3's within fifteen.
fn judge_date(date: &str, expected: &Expected) -> Result<(), ApiError> {
    let Some(at) = clock::from_compact(date) else {
        return Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. \
             See http://en.wikipedia.org/wiki/ISO_8601"
        )));
    };
    let now = expected.now;
    if expected.protocol == Protocol::S3 {
        if at.duration_since(now).abs() > SignedDuration::from_mins(15) {
            let message = "The difference between the request time and the current time is too large.";
            return Err(ApiError::common(Common::Skewed, message)
                .detail("RequestTime", date)
                .detail("ServerTime", clock::rfc3339(now))
                .detail("MaxAllowedSkewMilliseconds", "900000"));
        }
        return Ok(());
    }
    let window = SignedDuration::from_mins(5);
    let (earliest, latest, present) = (now - window, now + window, clock::compact(now));
    let message = if at < earliest {
        let edge = clock::compact(earliest);
        format!("Signature expired: {date} is now earlier than {edge} ({present} - 5 min.)")
    } else if at > latest {
        let edge = clock::compact(latest);
        format!("Signature not yet current: {date} is still later than {edge} ({present} + 5 min.)")
    } else {
        return Ok(());
    };
    Err(ApiError::common(Common::Skewed, message))
}

/// The body's hash as signed: S3 has it in a header and lets it be left out; elsewhere it is always the body's.
fn payload_hash(request: &Request, protocol: Protocol) -> Result<String, ApiError> {
    let actual = sha256_hex(&request.body);
    let Some(stated) = request.header("x-amz-content-sha256") else {
        if protocol == Protocol::S3 {
            let message = "Missing required header for this request: x-amz-content-sha256";
            return Err(ApiError::own("InvalidRequest", message));
        }
        return Ok(actual);
    };
    if protocol == Protocol::S3 && stated == "UNSIGNED-PAYLOAD" {
        return Ok(stated.to_owned());
    }
    if stated.starts_with("STREAMING-") {
        let message = "A header you provided implies functionality that is not implemented";
        return Err(ApiError::with_status(501, "NotImplemented", message).detail("Header", "x-amz-content-sha256"));
    }
    if stated != actual {
        if protocol == Protocol::S3 {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(ApiError::own("XAmzContentSHA256Mismatch", message)
                .detail("ClientComputedContentSHA256", stated)
                .detail("S3ComputedContentSHA256", actual));
        }
        return Err(mismatch("", protocol));
    }
    Ok(actual)
}

/// The signature of a canonical request.
pub(crate) fn sign(secret: &str, date: &str, scope: &Scope, canonical: &str) -> String {
    let keyed = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let key = keyed(format!("AWS4{secret}").as_bytes(), scope.date);
    let key = keyed(key.as_ref(), scope.region);
    let key = keyed(key.as_ref(), scope.service);
    let key = keyed(key.as_ref(), "aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{}", scope.text(), sha256_hex(canonical.as_bytes()));
    hex::encode(keyed(key.as_ref(), &text))
}

fn incomplete(message: impl Into<String>) -> ApiError {
    ApiError::common(Common::IncompleteSignature, message)
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::common(Common::BadSignature, message)
}

/// A signature that does not fit; like AWS, says what should have been signed.
pub(crate) fn mismatch(canonical: &str, protocol: Protocol) -> ApiError {
    let message = "The request signature we calculated does not match the signature you provided. \
                   Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    match protocol {
        Protocol::S3 => bad("The request signature we calculated does not match the signature you provided. \
                             Check your key and signing method.")
        .detail("CanonicalRequest", canonical),
        _ if canonical.is_empty() => bad(message),
        _ => bad(format!("{message}\n\nThe Canonical String for this request should have been\n'{canonical}'\n")),
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
