//! What a policy objects to in an attestation that was verified.

use jiff::Timestamp;

/// What is wrong with what was attested.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// The predicate is not of its own form.
    #[error("its predicate is malformed: {0}")]
    Malformed(String),
    /// A form that is not read.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Another builder.
    #[error("builder `{0}` is not one of the policy's")]
    Builder(String),
    /// Too low.
    #[error("the builder is of SLSA build level {have}, and {want} is wanted")]
    Level {
        /// What the policy knows of it.
        have: u8,
        /// What it wants.
        want: u8,
    },
    /// Another kind of build.
    #[error("build type `{0}` is not one of the policy's")]
    BuildType(String),
    /// Built from something else.
    #[error("it was built from `{have}`, and `{want}` is wanted")]
    Source {
        /// From what.
        have: String,
        /// From what it must be.
        want: String,
    },
    /// Built from another branch or tag.
    #[error("it was built from ref `{0}`, which the policy does not accept")]
    Ref(String),
    /// A parameter that the policy does not know.
    #[error("external parameter `{0}` is not one of the policy's")]
    UnknownParameter(String),
    /// A parameter of another value.
    #[error("external parameter `{name}` is {have}, and {want} is wanted")]
    Parameter {
        /// Which.
        name: String,
        /// As JSON.
        have: String,
        /// As JSON.
        want: String,
    },
    /// What is attested is not what the certificate of its signer says.
    #[error("its {field} is `{attested}`, and the certificate that signed it says {certified}")]
    Certificate {
        /// Which.
        field: &'static str,
        /// What the predicate says.
        attested: String,
        /// What the certificate says.
        certified: String,
    },
    /// Not on a hosted runner.
    #[error("it was built on runner `{0}`; this level needs a hosted one")]
    Runner(String),
    /// Another verifier.
    #[error("verifier `{0}` is not one of the policy's")]
    Verifier(String),
    /// A summary about something else.
    #[error("it is about `{have}`, and `{want}` is wanted")]
    Resource {
        /// About what.
        have: String,
        /// About what it must be.
        want: String,
    },
    /// It did not pass.
    #[error("its result is `{0}`, not PASSED")]
    Failed(String),
    /// Levels that were not verified.
    #[error("level {0} was not verified")]
    NotVerified(String),
    /// Too old.
    #[error("it is of {at}, more than {limit} ago")]
    Stale {
        /// When.
        at: Timestamp,
        /// How long ago it may be.
        limit: String,
    },
    /// Of a time that has not come.
    #[error("it is of {0}, which is later than this host's clock")]
    Future(Timestamp),
    /// Another scanner.
    #[error("scanner `{0}` is not one of the policy's")]
    Scanner(String),
    /// More than is accepted.
    #[error("it has {have} vulnerabilities of severity {severity}, and {allowed} are accepted: {}", .ids.join(", "))]
    Severity {
        /// Of which severity.
        severity: String,
        /// How many, without those that VEX excuses.
        have: usize,
        /// How many are accepted.
        allowed: usize,
        /// The first of them.
        ids: Vec<String>,
    },
    /// An SBOM of another format.
    #[error("its format is {0}, which the policy does not accept")]
    Format(&'static str),
    /// A licence that is not accepted.
    #[error("package `{package}` is under `{licence}`, which the policy does not accept")]
    Licence {
        /// Which.
        package: String,
        /// The expression.
        licence: String,
    },
}
