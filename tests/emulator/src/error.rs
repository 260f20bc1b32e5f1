//! Refusals, and how each protocol spells them.

use crate::reply::Reply;
use crate::xml::Xml;
use serde_json::json;

/// The wire protocols spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// awsJson1_1: Systems Manager, Secrets Manager.
    Json,
    /// awsQuery: STS, CloudFormation, Auto Scaling.
    Query,
    /// restXml as S3 has it.
    S3,
    /// ec2Query.
    Ec2,
}

/// Errors that every service knows, under names and statuses of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Common {
    AccessDenied,
    Throttled,
    MissingSignature,
    IncompleteSignature,
    BadSignature,
    UnknownKey,
    ExpiredToken,
    Skewed,
    Validation,
    UnknownAction,
    Internal,
    Unavailable,
}

impl Common {
    fn spelled(self, protocol: Protocol) -> (u16, &'static str) {
        use Protocol::{Ec2, Json, Query, S3};
        match (self, protocol) {
            (Self::AccessDenied, Ec2) => (403, "UnauthorizedOperation"),
            (Self::Throttled, Ec2) => (503, "RequestLimitExceeded"),
            (Self::MissingSignature, Ec2) => (400, "MissingParameter"),
            (Self::BadSignature | Self::UnknownKey, Ec2) => (401, "AuthFailure"),
            (Self::Skewed, Ec2) => (400, "RequestExpired"),
            (Self::Validation, Ec2) => (400, "InvalidParameterValue"),
            (Self::Internal, Ec2) => (500, "InternalError"),
            (Self::Unavailable, Ec2) => (503, "Unavailable"),
            (Self::AccessDenied, Json) => (400, "AccessDeniedException"),
            (Self::AccessDenied, _) | (Self::MissingSignature, S3) => (403, "AccessDenied"),
            (Self::Throttled, Json) => (400, "ThrottlingException"),
            (Self::Throttled, Query) => (400, "Throttling"),
            (Self::Throttled, S3) => (503, "SlowDown"),
            (Self::MissingSignature, Json) => (400, "MissingAuthenticationTokenException"),
            (Self::MissingSignature, Query) => (403, "MissingAuthenticationToken"),
            (Self::IncompleteSignature, Json) => (400, "IncompleteSignatureException"),
            (Self::IncompleteSignature, Query | Ec2) => (400, "IncompleteSignature"),
            (Self::IncompleteSignature, S3) => (400, "AuthorizationHeaderMalformed"),
            (Self::BadSignature | Self::Skewed, Json) => (400, "InvalidSignatureException"),
            (Self::BadSignature, _) | (Self::Skewed, Query) => (403, "SignatureDoesNotMatch"),
            (Self::Skewed, S3) => (403, "RequestTimeTooSkewed"),
            (Self::UnknownKey, Json) => (400, "UnrecognizedClientException"),
            (Self::UnknownKey, Query) => (403, "InvalidClientTokenId"),
            (Self::UnknownKey, S3) => (403, "InvalidAccessKeyId"),
            (Self::ExpiredToken, Json) => (400, "ExpiredTokenException"),
            (Self::ExpiredToken, Query | Ec2) => (403, "ExpiredToken"),
            (Self::ExpiredToken, S3) => (400, "ExpiredToken"),
            (Self::Validation, Json) => (400, "ValidationException"),
            (Self::Validation, Query) => (400, "ValidationError"),
            (Self::Validation, S3) => (400, "InvalidArgument"),
            (Self::UnknownAction, Json) => (400, "UnknownOperationException"),
            (Self::UnknownAction, Query | Ec2) => (400, "InvalidAction"),
            (Self::UnknownAction, S3) => (405, "MethodNotAllowed"),
            (Self::Internal, Json) => (500, "InternalServerError"),
            (Self::Internal, Query) => (500, "InternalFailure"),
            (Self::Internal, S3) => (500, "InternalError"),
            (Self::Unavailable, Json) => (503, "ServiceUnavailableException"),
            (Self::Unavailable, _) => (503, "ServiceUnavailable"),
        }
    }
}

/// A refusal before it is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    kind: Kind,
    message: String,
    /// Elements beside code and message that S3 adds.
    details: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Common(Common),
    Own(u16, &'static str),
}

impl ApiError {
    /// An error of a service's own, with status 400.
    pub(crate) fn own(code: &'static str, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    /// An error of a service's own.
    pub(crate) fn with_status(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Kind::Own(status, code), message: message.into(), details: Vec::new() }
    }

    /// An error that every service knows.
    pub(crate) fn common(kind: Common, message: impl Into<String>) -> Self {
        Self { kind: Kind::Common(kind), message: message.into(), details: Vec::new() }
    }

    /// A member that breaks a documented limit or is absent.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::common(Common::Validation, message)
    }

    /// One constraint that a member breaks, in the words of the JSON and query services.
    pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> Self {
        let value = if value == "null" { value.to_owned() } else { format!("'{value}'") };
        Self::validation(format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// A required member that is absent.
    pub(crate) fn required(member: &str) -> Self {
        Self::constraint("null", member, "Member must not be null")
    }

    /// An element that S3 writes beside code and message.
    pub(crate) fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Status and code as `protocol` has them.
    pub(crate) fn spelled(&self, protocol: Protocol) -> (u16, &'static str) {
        match self.kind {
            Kind::Common(common) => common.spelled(protocol),
            Kind::Own(status, code) => (status, code),
        }
    }

    /// What happened, in AWS's words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The refusal on the wire. `as_json` asks the query protocol for JSON, as an `Accept` header may.
    pub(crate) fn reply(&self, protocol: Protocol, request_id: &str, as_json: bool) -> Reply {
        let (status, code) = self.spelled(protocol);
        let kind = if status >= 500 { "Receiver" } else { "Sender" };
        match protocol {
            Protocol::Json => {
                // The access refusal alone spells its member with a capital.
                let member = if code == "AccessDeniedException" { "Message" } else { "message" };
                let mut body = json!({ "__type": code });
                if !self.message.is_empty() {
                    body[member] = json!(self.message);
                }
                Reply::new(status, "application/x-amz-json-1.1", body.to_string())
            }
            Protocol::Query if as_json => {
                let error = json!({ "Code": code, "Message": self.message, "Type": kind });
                let body = json!({ "Error": error, "RequestId": request_id });
                Reply::new(status, "application/json", body.to_string())
            }
            Protocol::Query => {
                let mut xml = Xml::default();
                xml.nested("ErrorResponse", |xml| {
                    xml.nested("Error", |xml| {
                        xml.leaf("Type", kind);
                        xml.leaf("Code", code);
                        xml.leaf("Message", &self.message);
                    });
                    xml.leaf("RequestId", request_id);
                });
                Reply::new(status, "text/xml", xml.finish())
            }
            Protocol::Ec2 => {
                let mut xml = Xml::declared();
                xml.nested("Response", |xml| {
                    xml.nested("Errors", |xml| {
                        xml.nested("Error", |xml| {
                            xml.leaf("Code", code);
                            xml.leaf("Message", &self.message);
                        });
                    });
                    xml.leaf("RequestID", request_id);
                });
                Reply::new(status, "text/xml;charset=UTF-8", xml.finish())
            }
            Protocol::S3 => {
                let mut xml = Xml::declared();
                xml.nested("Error", |xml| {
                    xml.leaf("Code", code);
                    xml.leaf("Message", &self.message);
                    for (name, value) in &self.details {
                        xml.leaf(name, value);
                    }
                    xml.leaf("RequestId", request_id);
                });
                Reply::new(status, "application/xml", xml.finish())
            }
        }
    }
}
