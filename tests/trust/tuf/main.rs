//! Attacks on TUF repositories, each beside its benign twin: what must be refused is refused by the rule that it breaks.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the test")]

mod arbitrary_software;
mod broken_root_chain;
mod clock_ahead_once;
mod corrupt_local_metadata;
mod cross_app_denial;
mod cross_app_supply;
mod delegation_without_threshold;
mod duplicate_json_key;
mod duplicate_signature;
mod endless_data;
mod expired_metadata;
mod fast_forward;
mod floor;
mod freeze;
mod glob_extensions;
mod host;
#[path = "../instance/mod.rs"]
#[expect(dead_code, reason = "the attacks on Sigstore use all of it")]
mod instance;
mod lint;
mod many_rotations;
mod mix_and_match;
mod one_key_two_ids;
mod repository;
mod rollback;
mod server_error_on_root;
mod star_crosses_slash;
mod swapped_target;
mod terminating_delegation;
mod trusted_root;
mod untrusted_root_kept;
