//! What is asked of AWS: instance metadata, parameters, secrets, objects, signals.

mod answer;
mod call;
mod caller;
mod chain;
mod compliance;
mod credentials;
mod error;
mod identity;
mod image;
mod kms;
mod metadata;
mod network;
mod objects;
mod oci;
mod parameters;
mod patches;
mod proxy;
mod publish;
mod query;
mod retry;
mod secrets;
mod session;
pub mod signal;
#[cfg(test)]
mod testing;
mod tls;
mod transport;
mod web;

pub use crate::dns::Dns;
pub use answer::{Answer, Kind};
pub use call::{Call, Service};
pub use compliance::{ComplianceItem, put_compliance};
pub use credentials::{AssumedRole, RoleCredentials, credentials, wait_for_credentials};
pub use error::CloudError;
pub use identity::{Identity, TAGS_OFF};
pub use image::{Image, image, image_of_instance};
pub use kms::{KmsKey, kms_key, kms_sign};
pub use metadata::Metadata;
pub use network::{AssumeRole, Network};
pub use objects::{FetchedObject, ObjectHead, ObjectName, object, object_head, objects};
pub use oci::{Artifacts, Listing, Login, MANIFEST, token_address};
pub use parameters::{Parameter, by_names, by_path};
pub use patches::{PatchState, patch_state};
pub use proxy::Proxy;
pub use publish::publish_image;
pub use secrets::{FetchedSecret, SecretValue, secret};
pub use session::Session;
pub use tls::Roots;
pub use transport::Transport;
pub use web::{WebRequest, WebResponse, probe, web};

/// The clock that deadlines are told in; tests can stop it.
pub use tokio::time::Instant;
