//! Which process, told apart from a later one with the same number.

use std::fs;

/// A process of one boot of the machine. Its number alone comes again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub started: u64,
    /// The kernel's id of this boot of the machine.
    pub boot: String,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: started(pid).unwrap_or_default(), boot: boot() }
    }

    /// Whether it is still there.
    pub fn is_alive(&self) -> bool {
        self.same_boot() && started(self.pid) == Some(self.started)
    }

    /// Whether the machine has not started anew since.
    pub fn same_boot(&self) -> bool {
        self.boot == boot()
    }
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The 22nd field of `/proc/PID/stat`; the second may hold blanks and brackets.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // A zombie has ended; nobody has looked yet.
    if matches!(fields.next(), Some("Z" | "X")) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_process_with_the_same_number_is_another() {
        let here = Process::current();
        assert!(here.is_alive());
        assert!(!Process { started: here.started + 1, ..here.clone() }.is_alive());
        assert!(!Process { boot: "another".into(), ..here }.is_alive());
    }
}
