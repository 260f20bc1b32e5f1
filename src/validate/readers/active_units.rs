//! What runs now, as systemd says.

use crate::validate::machine::{Machine, Reader};
use crate::validate::verdict::Unseen;
use std::collections::BTreeMap;

/// Units that are active now, as systemd says.
#[derive(Debug)]
pub struct Active(BTreeMap<String, String>);

impl Reader for Active {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        const ASKED: &[&str] = &["systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager"];
        if machine.running() && !machine.exists("/run/systemd/system")? {
            return Err(Unseen::new("/run/systemd/system", "is not there: systemd does not run here"));
        }
        let output = machine.ask(ASKED)?;
        if !output.ok() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Unseen::new("systemctl list-units", said));
        }
        let mut active = BTreeMap::new();
        for line in output.text().lines() {
            let mut words = line.split_whitespace();
            // UNIT LOAD ACTIVE SUB DESCRIPTION
            if let (Some(unit), Some(_), Some(state)) = (words.next(), words.next(), words.next()) {
                // A service that ends again and again is on its way up for most of the time.
                let state = if words.next() == Some("auto-restart") { "started again and again" } else { state };
                active.insert(unit.to_owned(), state.to_owned());
            }
        }
        if active.is_empty() {
            return Err(Unseen::new("systemctl list-units", "lists no unit"));
        }
        Ok(Self(active))
    }
}

impl Active {
    /// A unit's state; what systemd has not loaded is inactive.
    pub fn state(&self, unit: &str) -> &str {
        self.0.get(unit).map_or("inactive", String::as_str)
    }
}
