//! Readers: a configuration as its own tool understands it, with that tool's precedence. One file each.

pub mod kernel;
pub mod modprobe;
pub mod packages;
pub mod rpm;
pub mod sshd;
pub mod sshd_defaults;
pub mod sysctl;
pub mod units;

use super::machine::Machine;
use super::verdict::Unseen;
use std::collections::BTreeMap;

/// Files of drop-in directories in the order in which they are read: by name, whatever the directory, and of one name
/// only that of the directory that stands first.
pub fn drop_ins(machine: &Machine<'_>, directories: &[&str], suffix: &str) -> Result<Vec<String>, Unseen> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for directory in directories {
        for name in machine.names(directory)? {
            if name.ends_with(suffix) && !name.starts_with('.') {
                files.entry(name.clone()).or_insert_with(|| format!("{directory}/{name}"));
            }
        }
    }
    Ok(files.into_values().collect())
}
