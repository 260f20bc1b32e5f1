//! What systemd tells of a unit.

use super::{Unit, with_suffix};
use crate::roles::glob;
use crate::roles::modules::{Eyes, Failed};
use crate::roles::value::{Key, Map, Value};
use std::path::Path;

/// What is known of a unit.
#[derive(Default)]
pub(super) struct Found {
    pub(super) status: Map,
    pub(super) is_systemd: bool,
    pub(super) is_script: bool,
    pub(super) is_offline: bool,
    /// Its file is there, and systemd has not read it: a plan in which an earlier task writes it.
    pub(super) is_planned: bool,
}

impl Found {
    fn field(&self, name: &str) -> Option<&str> {
        self.status.get(&Key::from(name)).and_then(Value::as_str)
    }

    pub(super) fn active(&self) -> Option<&str> {
        self.field("ActiveState").or(self.is_planned.then_some("inactive"))
    }
}

impl Unit {
    pub(super) fn look(&self, eyes: &Eyes<'_>, name: &str) -> Result<Found, Failed> {
        let script = if name.starts_with('/') { name.to_owned() } else { format!("/etc/init.d/{name}") };
        let mut found = Found { is_script: eyes.exists(&script)?, ..Found::default() };
        let shown = self.ask(eyes, &["show", name])?;
        let text = shown.text();
        let was_ignored = |text: &str| {
            !text.contains('=') && (text.contains("ignoring request") || text.contains("ignoring command"))
        };
        if shown.ok() && !was_ignored(&text) && !was_ignored(&String::from_utf8_lossy(&shown.stderr)) {
            found.status = parse_show(&text);
            let state = found.field("LoadState").unwrap_or("not-found").to_owned();
            found.is_systemd = state != "not-found";
            if found.is_systemd
                && state != "masked"
                && let Some(error) = found.field("LoadError")
            {
                return Err(Failed::new(format!("Error loading unit file '{name}': {error}")));
            }
        } else {
            // A chroot without a running systemd: `systemctl` still reads unit files.
            found.is_offline = true;
            let known = "enabled enabled-runtime linked linked-runtime masked masked-runtime static indirect disabled \
                         generated transient";
            let state = self.ask(eyes, &["is-enabled", name])?.text();
            found.is_systemd =
                known.split(' ').any(|known| known == state.trim()) || self.ask(eyes, &["list-unit-files", name])?.ok();
        }
        if !found.is_systemd {
            let file = with_suffix(name);
            for directory in ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"] {
                found.is_planned |= eyes.exists(&format!("{directory}/{file}"))?;
            }
        }
        Ok(found)
    }

    pub(super) fn is_enabled(&self, eyes: &Eyes<'_>, name: &str, found: &Found) -> Result<bool, Failed> {
        let answer = self.ask(eyes, &["is-enabled", name, "-l"])?;
        let text = answer.text();
        match answer.code {
            // Enabling one of these makes links that are not there yet, or lets systemd judge.
            0 => Ok(!matches!(text.trim_end(), "enabled-runtime" | "indirect" | "alias")),
            1 if self.scope.is_none() && found.is_script && !text.trim().ends_with("disabled") => {
                let pattern = format!("/etc/rc?.d/S??{name}");
                let links = glob::paths(eyes.host, Path::new(&pattern));
                links.map(|links| !links.is_empty()).map_err(|error| Failed::new(format!("{pattern}: {error}")))
            }
            _ => Ok(false),
        }
    }
}

/// `systemctl show` as a mapping. Only values of `Exec...` keys span lines, and then end with a brace.
fn parse_show(text: &str) -> Map {
    let mut parsed = Map::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in text.split('\n') {
        if let Some((key, parts)) = &mut open {
            parts.push(line);
            if line.trim_end().ends_with('}') {
                parsed.insert(Key::from(*key), Value::str(parts.join("\n").trim()));
                open = None;
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let many = key.starts_with("Exec") && value.trim_start().starts_with('{');
            if many && !value.trim_end().ends_with('}') {
                open = Some((key, vec![value]));
            } else {
                parsed.insert(Key::from(key), Value::str(value.trim()));
            }
        }
    }
    parsed
}
