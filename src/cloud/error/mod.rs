//! What can go wrong between muster and AWS.

mod asked;

use super::{Call, Kind};
use crate::failure::Explain;
use std::path::PathBuf;
use std::time::Duration;

pub use asked::Asked;
pub(super) use asked::Denial;

/// One failure of this room: what was attempted, on what, and what came back.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Nothing answers at the metadata addresses.
    #[error("instance metadata at {endpoint} did not answer in {:.0} s: {last}", waited.as_secs_f64())]
    MetadataUnreachable {
        /// The addresses tried.
        endpoint: String,
        /// For how long.
        waited: Duration,
        /// What happened last.
        last: String,
    },
    /// Connections are made, and token requests never answered.
    #[error("instance metadata at {endpoint} accepts connections but never answered a token request in {:.0} s", waited.as_secs_f64())]
    MetadataHopLimit {
        /// The address.
        endpoint: String,
        /// For how long.
        waited: Duration,
    },
    /// The instance's metadata is switched off.
    #[error("instance metadata is switched off: {by}")]
    MetadataOff {
        /// By whom.
        by: String,
    },
    /// An answer that metadata must not give.
    #[error("instance metadata {path} cannot be used: {why}")]
    Metadata {
        /// Below `/latest/`.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A path that is not read for facts.
    #[error("instance metadata {path} is not given out: {why}")]
    MetadataRefused {
        /// Below `/latest/`.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// No credentials came.
    #[error("no AWS credentials after {} s: {last}", waited.as_secs())]
    NoCredentials {
        /// How long they were waited for.
        waited: Duration,
        /// What the last source said.
        last: String,
    },
    /// Credentials that do not come by waiting.
    #[error("no AWS credentials: {why}")]
    CredentialsRefused {
        /// Why not.
        why: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// A request that is no AWS service's.
    #[error("{method} {url}: {why}")]
    Web {
        /// The method.
        method: String,
        /// Where, without login and query.
        url: String,
        /// What happened.
        why: String,
    },
    /// A proxy address that cannot be used.
    #[error("proxy {shown} cannot be used: {why}")]
    Proxy {
        /// Without its login.
        shown: String,
        /// Why not.
        why: String,
    },
    /// An endpoint that cannot be used.
    #[error("endpoint {url} cannot be used: {why}")]
    Endpoint {
        /// As set.
        url: String,
        /// Why not.
        why: String,
    },
    /// A CA bundle that cannot be used.
    #[error("CA bundle {path} cannot be used: {why}", path = path.display())]
    CaBundle {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A client that could not be made.
    #[error("the {what} client could not be made: {why}")]
    Client {
        /// Which.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// AWS, or the way to it, gave no result.
    #[error("{}", .0.message())]
    Asked(Box<Asked>),
    /// A service answered with something that its contract does not allow.
    #[error("{call}: {why}")]
    Contract {
        /// What was asked.
        call: Call,
        /// What is wrong with the answer.
        why: String,
    },
    /// An object or a body over its limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Bytes from outside could not be kept.
    #[error("{what} could not be written to its staging file: {why}")]
    Staging {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// No attempt was answered in time.
    #[error("{what}: no attempt was answered before the deadline")]
    Late {
        /// To whom.
        what: String,
    },
    /// The run was asked to end.
    #[error("the wait for AWS was ended, because the run was stopped from outside")]
    Stopped,
    /// A signal that has no one addressee.
    #[error("{what}")]
    Addressee {
        /// What is not known.
        what: String,
        /// What would tell it.
        hint: &'static str,
    },
    /// What a registry answered in place of what was asked for.
    #[error("{what}: {why}")]
    Registry {
        /// What was asked for, and where.
        what: String,
        /// The HTTP status, where that is what is wrong.
        status: Option<u16>,
        /// What is wrong.
        why: String,
    },
    /// A secret that is not what was asked for. The message holds no part of it.
    #[error("secret {name}: {why}")]
    Secret {
        /// Its name or ARN.
        name: String,
        /// What it is not.
        why: String,
    },
}

impl CloudError {
    /// Whether the thing asked for does not exist, as opposed to could not be asked for.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Asked(asked) => asked.answer.kind == Kind::Missing,
            Self::Registry { status, .. } => *status == Some(404),
            _ => false,
        }
    }

    /// Whether asking again later may come to something.
    pub fn may_pass(&self) -> bool {
        !matches!(self.kind(), None | Some(Kind::Denied | Kind::Missing | Kind::Refused | Kind::Untrusted))
    }

    /// What kind of answer it was, where AWS or the way to it gave one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Asked(asked) => Some(asked.answer.kind),
            _ => None,
        }
    }
}

impl Explain for CloudError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MetadataUnreachable { .. } => {
                "is this an EC2 instance, and is its metadata endpoint enabled? A firewall on the host may drop 169.254.169.254".into()
            }
            Self::MetadataHopLimit { .. } => {
                "in a container the answer needs one hop more: aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2".into()
            }
            Self::MetadataOff { .. } => {
                "switch it on: aws ec2 modify-instance-metadata-options --http-endpoint enabled --http-tokens required".into()
            }
            Self::NoCredentials { .. } => {
                "does the instance have an instance profile with a role? It can be attached while the instance runs".into()
            }
            Self::CredentialsRefused { hint, .. } => return hint.clone(),
            Self::Proxy { .. } => "write it as http://host:port".into(),
            Self::Endpoint { .. } => "write it as https://host[:port]".into(),
            Self::CaBundle { .. } => "it must be a readable file of certificates in PEM form".into(),
            Self::Asked(asked) => return asked.hint(),
            Self::TooLarge { .. } => "raise the limit, if that size is right".into(),
            Self::Staging { .. } => "is the filesystem full?".into(),
            Self::Addressee { hint, .. } => (*hint).into(),
            Self::Registry { status: Some(401), .. } => {
                "name a secret that has `user:password` with the release's `login`; is it still good?".into()
            }
            Self::Registry { status: Some(403), .. } => "let this login pull from the repository".into(),
            Self::Registry { status: Some(404), .. } => "push it, or write the reference as it was pushed".into(),
            Self::Registry { .. } => "nothing of it is used; is this the registry that was meant?".into(),
            Self::Secret { .. } => {
                "is it the secret that was meant? `field` names a text of its JSON object, `stage` and `version` one of its versions".into()
            }
            Self::Late { .. }
            | Self::Web { .. }
            | Self::Metadata { .. }
            | Self::MetadataRefused { .. }
            | Self::Client { .. }
            | Self::Contract { .. }
            | Self::Stopped => return None,
        })
    }
}
