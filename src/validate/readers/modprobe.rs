//! modprobe's configuration: what is denied, and what runs in a module's place.
//!
//! Files of the same name mask one another by directory (modprobe.d(5)). Of several `install` lines that fit a module
//! the first is taken, as libkmod does.

use super::drop_ins;
use crate::fnmatch::fits;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// What stands in /run is gone at the next start.
const DIRECTORIES: &[&str] =
    &["/etc/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];

/// What modprobe was told.
#[derive(Debug)]
pub struct Modprobe {
    denied: Vec<(String, At)>,
    installs: Vec<(String, String, At)>,
}

impl Reader for Modprobe {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let mut modprobe = Self { denied: Vec::new(), installs: Vec::new() };
        for file in drop_ins(machine, DIRECTORIES, ".conf")? {
            let Some(text) = machine.text(&file)? else { continue };
            for (at, line) in text.joined(false) {
                modprobe.line(&at, &line);
            }
        }
        Ok(modprobe)
    }
}

impl Modprobe {
    fn line(&mut self, at: &At, line: &str) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("blacklist"), Some(name)) => self.denied.push((underscored(name), at.clone())),
            (Some("install"), Some(name)) => {
                let command = words.collect::<Vec<_>>().join(" ");
                self.installs.push((underscored(name), command, at.clone()));
            }
            _ => {}
        }
    }

    /// Where a module is kept from being loaded for a device or a file system.
    pub fn denied(&self, module: &str) -> Option<&At> {
        let module = underscored(module);
        self.denied.iter().find(|(name, _)| *name == module).map(|(_, at)| at)
    }

    /// What runs in place of loading a module by name.
    pub fn install(&self, module: &str) -> Option<(&str, &At)> {
        let module = underscored(module);
        let found = self.installs.iter().find(|(pattern, ..)| fits(pattern, &module));
        found.map(|(_, command, at)| (command.as_str(), at))
    }
}

/// The kernel does not tell a dash from an underscore in a module's name.
pub fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether a command that runs in a module's place loads nothing.
pub fn does_nothing(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let nothing = matches!(words.next(), Some("/bin/false" | "/bin/true" | "/usr/bin/false" | "/usr/bin/true"));
    nothing && words.next().is_none_or(|word| word.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::text::Text;

    #[test]
    fn the_first_install_line_that_fits_is_taken() {
        let mut modprobe = Modprobe { denied: Vec::new(), installs: Vec::new() };
        let text = "install usb* /bin/true\ninstall usb-storage /sbin/modprobe -i usb-storage\n# blacklist dccp\n\
                    blacklist \\\n  usb-storage\n";
        for (at, line) in Text::new("/f", text.as_bytes()).joined(false) {
            modprobe.line(&at, &line);
        }
        assert_eq!(modprobe.install("usb_storage").map(|(command, _)| command), Some("/bin/true"));
        assert_eq!(modprobe.denied("usb_storage").and_then(|at| at.line), Some(4));
        assert!(modprobe.denied("dccp").is_none());
    }

    #[test]
    fn a_command_that_goes_on_after_true_loads_something() {
        assert!(does_nothing("/usr/bin/false # hardening"));
        for command in ["/bin/true; modprobe -i cramfs", "/bin/true || insmod x", "true", "/bin/sh -c true", ""] {
            assert!(!does_nothing(command), "{command}");
        }
    }
}
