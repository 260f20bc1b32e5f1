//! Modules about SELinux: its mode and policy, booleans, ports and contexts of files.

pub mod boolean;
pub mod context;
pub mod mode;
pub mod port;

use super::{Eyes, Failed};

/// Whether SELinux runs: its filesystem is there.
fn is_enabled(eyes: &Eyes<'_>) -> Result<bool, Failed> {
    eyes.exists("/sys/fs/selinux/enforce")
}

/// The refusal of a machine without SELinux.
fn must_run(eyes: &Eyes<'_>, ignore: bool) -> Result<(), Failed> {
    if ignore || is_enabled(eyes)? { Ok(()) } else { Err(Failed::new("SELinux is disabled on this host.")) }
}
