//! What was asked of the emulator, for tests to count.

use jiff::Timestamp;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When it was answered, by the emulator's clock.
    pub at: Timestamp,
    /// `imds`, `ssm`, `secretsmanager`, `sts`, `s3`, `cloudformation` or `autoscaling`.
    pub service: String,
    /// The API's action, or a metadata path without `/latest/`.
    pub action: String,
    /// Who signed it, as an ARN; none for metadata and for refused signatures.
    pub principal: Option<String>,
    /// The HTTP status; none where no answer was given.
    pub status: Option<u16>,
    /// The error code, where refused.
    pub error: Option<String>,
}
