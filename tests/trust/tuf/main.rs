//! Attacks on TUF repositories, each beside its benign twin: what must be refused is refused by the rule that it breaks.
//! Attacks as data are directories of `tests/trust/attacks`; here is what watches a host over time.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the test")]

mod clock_ahead_once;
mod corrupt_local_metadata;
mod cross_app_denial;
mod fast_forward;
mod floor;
mod freeze;
mod host;
#[path = "../instance/mod.rs"]
#[expect(dead_code, reason = "the attacks on Sigstore use all of it")]
mod instance;
mod lint;
mod malformed_reply;
mod many_rotations;
mod one_key_two_ids;
mod repository;
mod role_name_traversal;
mod rollback;
mod trusted_root;
mod untrusted_root_kept;
