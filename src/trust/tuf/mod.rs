//! The Update Framework (specification 1.0.34): which release a host should have, by signed metadata that cannot be
//! rolled back, frozen or mixed.
//!
//! `sigstore-tuf`'s trusted set verifies; around it is what it leaves to its caller: JSON that says one thing, a key
//! that counts once, limits on every file, targets that are streamed, and the floor that an image is baked with. Where
//! files come from is a [`Remote`], which the boot hands in; time is a parameter.

mod adapter;
mod chain;
mod client;
mod clock;
mod error;
mod floor;
mod keys;
mod lint;
mod patterns;
mod remote;
mod sigstore;
mod store;
mod target;

pub use chain::Known;
pub use client::{Client, Versions};
pub use clock::judge_clock;
pub use error::TufError;
pub use floor::Floor;
pub use lint::{Finding, lint, unverified_root};
pub use remote::{Refusal, Remote};
pub use sigstore::OWN;
pub use store::Store;
pub use target::Target;
