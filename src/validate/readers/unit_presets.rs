//! What systemd enables by itself at a first boot: what its presets name, where a machine has no number yet.
//!
//! Where /etc/machine-id is missing or says `uninitialized`, every unit that can be enabled is, by the first line of the
//! presets that fits; one that no line names is enabled (systemd.preset(5), machine-id(5)). An empty file is no first boot.

use super::drop_ins;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

const DIRECTORIES: &[&str] = &[
    "/etc/systemd/system-preset",
    "/usr/local/lib/systemd/system-preset",
    "/usr/lib/systemd/system-preset",
    "/lib/systemd/system-preset",
];

/// Lines of the presets, where the next start is a first boot.
#[derive(Debug)]
pub struct Presets(Vec<(At, bool, String)>);

impl Presets {
    /// Reads them; none where the next start is no first boot.
    pub fn read(machine: &Machine<'_>) -> Result<Option<Self>, Unseen> {
        let number = machine.text("/etc/machine-id")?;
        let first = number.is_none_or(|text| text.as_str().trim() == "uninitialized");
        if machine.running() || !first {
            return Ok(None);
        }
        let mut lines = Vec::new();
        for file in drop_ins(machine, DIRECTORIES, ".preset")? {
            for (at, line) in machine.text(&file)?.iter().flat_map(|text| text.lines()) {
                let mut words = line.split_whitespace();
                if let (Some(word @ ("enable" | "disable" | "ignore")), Some(pattern)) = (words.next(), words.next()) {
                    lines.push((at, word == "enable", pattern.to_owned()));
                }
            }
        }
        Ok(Some(Self(lines)))
    }

    /// What enables a unit.
    pub fn enables(&self, unit: &str) -> Option<At> {
        match self.0.iter().find(|(_, _, pattern)| fits(pattern, unit)) {
            Some((at, enable, _)) => enable.then(|| at.clone()),
            None => Some(At::file("/etc/machine-id")),
        }
    }
}
