//! Programs that give privileges: setuid and setgid files where programs are kept.

use crate::host::Kind;
use crate::validate::machine::Machine;
use crate::validate::verdict::Unseen;

/// Where packages put programs.
const PLACES: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/local", "/opt"];

/// Paths of all setuid and setgid files there, sorted. Links are not followed.
pub fn privileged(machine: &Machine<'_>) -> Result<Vec<String>, Unseen> {
    let mut found = Vec::new();
    let mut next: Vec<String> = PLACES.iter().map(|place| (*place).to_owned()).collect();
    while let Some(path) = next.pop() {
        let Some(stat) = machine.stat(&path, false)? else { continue };
        match stat.kind {
            Kind::Directory => next.extend(machine.names(&path)?.into_iter().map(|name| format!("{path}/{name}"))),
            Kind::File if stat.mode & 0o6000 != 0 && stat.mode & 0o111 != 0 => found.push(path),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}
