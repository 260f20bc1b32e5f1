//! Installed and running kernels: which modules they have, and which are loaded.

use super::modprobe::underscored;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::collections::BTreeSet;

/// The modules of every kernel that is installed.
#[derive(Debug)]
pub struct Installed {
    /// Versions, as their directories are named.
    pub kernels: Vec<String>,
    loadable: BTreeSet<String>,
    built_in: BTreeSet<String>,
}

impl Reader for Installed {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut installed = Self { kernels: Vec::new(), loadable: BTreeSet::new(), built_in: BTreeSet::new() };
        // Where /lib is a link the two are one.
        let merged = machine.link("/lib")?.is_some() || !machine.exists("/lib/modules")?;
        for base in ["/usr/lib/modules", "/lib/modules"].into_iter().take(if merged { 1 } else { 2 }) {
            for version in machine.names(base)? {
                let Some(loadable) = machine.text(&format!("{base}/{version}/modules.dep"))? else { continue };
                let path = |line: &str| line.split(':').next().map(module_of);
                installed.loadable.extend(loadable.lines().filter_map(|(_, line)| path(line)));
                if let Some(built_in) = machine.text(&format!("{base}/{version}/modules.builtin"))? {
                    installed.built_in.extend(built_in.lines().map(|(_, line)| module_of(line)));
                }
                installed.kernels.push(version);
            }
        }
        Ok(installed)
    }
}

/// `kernel/fs/cramfs/cramfs.ko.zst` is the module `cramfs`.
fn module_of(path: &str) -> String {
    let file = path.trim().rsplit('/').next().unwrap_or_default();
    underscored(file.split('.').next().unwrap_or_default())
}

impl Installed {
    /// Whether a kernel has it as a module that could be loaded.
    pub fn loadable(&self, module: &str) -> bool {
        self.loadable.contains(&underscored(module))
    }

    /// Whether a kernel has it built in, where nothing keeps it out.
    pub fn built_in(&self, module: &str) -> bool {
        self.built_in.contains(&underscored(module))
    }
}

/// Whether the running kernel has loaded a module; `None` where it loads none at all.
pub fn loaded(machine: &Machine<'_>, module: &str) -> Result<(Option<bool>, At), Unseen> {
    let file = "/proc/modules";
    let module = underscored(module);
    if let Some(text) = machine.text(file)? {
        let found = text.lines().find(|(_, line)| line.split(' ').next() == Some(module.as_str()));
        return Ok(match found {
            Some((at, _)) => (Some(true), at),
            None => (Some(false), text.whole()),
        });
    }
    // A kernel that was built without loadable modules has neither of the two.
    if machine.exists("/proc/sys/kernel/ostype")? && !machine.exists("/proc/sys/kernel/modprobe")? {
        return Ok((None, At::file("/proc/sys/kernel")));
    }
    Err(Unseen::new(file, "is not there"))
}
