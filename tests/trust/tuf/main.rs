//! Attacks on TUF repositories, each beside its benign twin: what must be refused is refused by the rule that it breaks.
//!
//! Published flaws, and the test that would see them again:
//!
//! | flaw | here |
//! |---|---|
//! | CVE-2020-6173 (python-tuf) | `endless_data` |
//! | CVE-2020-6174 (python-tuf), CVE-2020-15093 (tough), CVE-2026-6966 (tough) | `duplicate_signature` |
//! | CVE-2020-15163 (python-tuf) | `untrusted_root_kept` |
//! | CVE-2021-41131 (python-tuf) | `role_name_traversal` |
//! | CVE-2022-29173 (go-tuf), CVE-2025-2887, CVE-2025-2888 (tough) | `rollback` |
//! | GHSA-3633-5h82-39pq (go-tuf) | `inserted_keys` |
//! | CVE-2024-47534 (go-tuf), CVE-2025-2886 (tough) | `terminating_delegation` |
//! | CVE-2025-2885 (tough) | `broken_root_chain` |
//! | CVE-2026-23991 (go-tuf) | `malformed_reply` |
//! | CVE-2026-23992 (go-tuf) | `delegation_without_threshold` |
//! | CVE-2026-6967 (tough) | `expired_metadata` |
//! | CVE-2026-6968 (tough), CVE-2026-24137 (sigstore) | `target_path_traversal` |
//!
//! CVE-2026-24686 (go-tuf) is of names that map repositories; here a repository has no such name.
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
mod inserted_keys;
#[path = "../instance/mod.rs"]
#[expect(dead_code, reason = "the attacks on Sigstore use all of it")]
mod instance;
mod lint;
mod malformed_reply;
mod many_rotations;
mod mix_and_match;
mod one_key_two_ids;
mod repository;
mod role_name_traversal;
mod rollback;
mod server_error_on_root;
mod star_crosses_slash;
mod swapped_target;
mod target_path_traversal;
mod terminating_delegation;
mod trusted_root;
mod untrusted_root_kept;
