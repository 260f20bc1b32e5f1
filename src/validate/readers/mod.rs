//! Readers: a configuration as its own tool understands it, with that tool's precedence. One file each.

pub mod active_units;
pub mod apt_conf;
pub mod apt_lists;
pub mod audit;
pub mod audit_silence;
pub mod container;
pub mod dnf_cache;
pub mod grub;
pub mod iptables;
pub mod kernel;
pub mod login_defs;
pub mod modprobe;
pub mod mounts;
pub mod nft;
pub mod packages;
pub mod pam;
pub mod pam_config;
pub mod pam_walk;
pub mod repositories;
pub mod rpm;
pub mod rsyslog;
pub mod settings;
pub mod sockets;
mod sqlite;
pub mod sshd;
pub mod sshd_command;
pub mod sshd_defaults;
pub mod sudoers;
pub mod sweep;
pub mod sysctl;
pub mod ufw;
pub mod ufw_kernel;
pub mod unit_file;
mod unit_presets;
pub mod units;
pub mod users;

use super::machine::Machine;
use super::verdict::Unseen;
use crate::fnmatch::fits;
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

/// Files that a pattern fits, sorted, as glob(3): `*` stays within one name, and does not stand for a leading dot.
pub fn glob(machine: &Machine<'_>, pattern: &str) -> Result<Vec<String>, Unseen> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').skip(1) {
        let mut next = Vec::new();
        for base in found {
            if !part.contains(['*', '?', '[']) {
                next.push(format!("{base}/{part}"));
                continue;
            }
            let directory = if base.is_empty() { "/" } else { &base };
            let hidden = |name: &String| name.starts_with('.') && !part.starts_with('.');
            let names = machine.names(directory)?.into_iter().filter(|name| fits(part, name) && !hidden(name));
            next.extend(names.map(|name| format!("{base}/{name}")));
        }
        found = next;
    }
    Ok(found)
}
