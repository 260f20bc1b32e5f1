//! A strict emulated AWS on loopback, for testing programs that boot EC2 instances.
//!
//! It refuses what AWS refuses: a missing session token, a signature over anything else than what was sent, an
//! eleventh name, a forty-first call in one second, a signal that comes late. What it does not know, it refuses by name.
//! Every instance has its own metadata service; all other services share one endpoint, as SDKs' endpoint override wants it.
//!
//! ```
//! use emulator::{Builder, Instance, Parameter};
//!
//! let aws = Builder::default()
//!     .instance(Instance::default().tag("role", "web"))
//!     .parameter(Parameter::secure("/app/password", "hunter2"))
//!     .start_blocking()?;
//! assert!(aws.imds_url().starts_with("http://127.0.0.1:"));
//! // ... run the program against aws.imds_url() and aws.endpoint_url(), then:
//! assert_eq!(aws.count("ssm", "GetParameters"), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Absent on purpose: TLS, IPv6 for services, SigV4a, IAM's language (denials are patterns), writes that a booting
//! host does not make, and the PKCS #7 forms of the identity signature.

mod account;
mod autoscaling;
mod builder;
mod canonical;
#[cfg(test)]
mod client;
mod clock;
mod cloudformation;
mod credentials;
mod ec2;
mod encoding;
mod endpoint;
mod envelope;
mod error;
mod fault;
mod form;
mod imds;
mod kms;
mod log;
mod members;
mod policy;
mod registry;
mod reply;
mod request;
mod running;
mod s3;
mod secrets;
mod server;
#[cfg(test)]
mod server_tests;
mod service;
mod signature;
mod ssm;
mod sts;
mod wire;
mod world;
mod xml;

pub use account::Account;
pub use autoscaling::{Completed, Group, Hook, Lifecycle, Transition, Verdict};
pub use builder::Builder;
pub use clock::Clock;
pub use cloudformation::{Resource, Route, Signal, Stack, StackEvent};
pub use credentials::Credentials;
pub use ec2::Image;
pub use fault::{Effect, Fault};
pub use imds::{Instance, Metadata, Start};
pub use kms::KeyKind;
pub use log::Logged;
pub use policy::Denial;
pub use registry::Registry;
pub use running::Running;
pub use s3::Object;
pub use secrets::Secret;
pub use ssm::{Kind, Parameter, Patches};
