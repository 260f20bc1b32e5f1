//! Whether the running system is in a container: its kernel is then the host's, and so are the clock, the audit log and
//! what the kernel was started with.

use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};

/// What keeps the running system in a container, by name.
#[derive(Debug)]
pub struct Container(Option<String>);

/// Where systemd (container interface), Docker and Podman say so.
const SAYS: &[(&str, &str)] = &[
    ("/run/systemd/container", ""),
    ("/run/host/container-manager", ""),
    ("/.dockerenv", "docker"),
    ("/run/.containerenv", "podman"),
];

impl Reader for Container {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        if !machine.running() {
            return Ok(Self(None));
        }
        for (file, name) in SAYS {
            if let Some(text) = machine.text(file)? {
                let name = if name.is_empty() { text.as_str().trim() } else { name };
                return Ok(Self(Some(name.to_owned())));
            }
        }
        Ok(Self(None))
    }
}

/// Why what is the kernel's own cannot be held against this system; `None` where it can.
pub fn borrowed(machine: &Machine<'_>) -> Option<String> {
    let container = machine.reader::<Container>().ok()?;
    container.0.as_ref().map(|name| format!("the kernel is that of the host of this container ({name})"))
}

/// Adds a fact about the running kernel. In a container one that does not hold is not this system's to alter: nobody
/// could look how it would stand on a kernel of its own, which is no pass.
pub fn kernel_fact(machine: &Machine<'_>, finding: &mut Finding, holds: bool, at: &At, found: &str, expected: &str) {
    match borrowed(machine).filter(|_| !holds) {
        Some(why) => finding.could_not_look(Aspect::Live, &Unseen::new(&*at.file, format!("{found}; {why}"))),
        None => finding.fact(Aspect::Live, holds, at, found, expected),
    }
}
