//! The kernel's command line: what grub-mkconfig is told, what the boot entries say, what the kernel was started with.
//!
//! /etc/default/grub is a shell file, and Debian's grub-mkconfig reads `/etc/default/grub.d/*.cfg` after it; an image of a
//! cloud sets its own there. Red Hat's entries are files of the Boot Loader Specification, with `$kernelopts` of grubenv.

use super::drop_ins;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::{Aspect, Unseen};
use std::collections::BTreeMap;

/// A command line, and what it is of.
#[derive(Debug)]
pub struct Line {
    /// Which of the three it is.
    pub aspect: Aspect,
    /// The whole of it.
    pub text: String,
    /// Where.
    pub at: At,
}

/// GRUB's own configuration files, of Debian and of Red Hat.
pub const CONFIGS: &[&str] = &["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"];

/// Every command line there is.
pub fn command_lines(machine: &Machine<'_>) -> Result<Vec<Line>, Unseen> {
    let mut lines = Vec::new();
    lines.extend(told(machine)?);
    for config in CONFIGS {
        if let Some(text) = machine.text(config)? {
            entries(&text, &mut lines);
        }
    }
    let options = kernel_options(machine)?;
    for name in machine.names("/boot/loader/entries")?.into_iter().filter(|name| name.ends_with(".conf")) {
        let Some(text) = machine.text(&format!("/boot/loader/entries/{name}"))? else { continue };
        let rescue = name.contains("-rescue");
        for (at, line) in text.lines().filter(|_| !rescue) {
            if let Some(rest) = line.strip_prefix("options") {
                let text = rest.replace("$kernelopts", &options);
                lines.push(Line { aspect: Aspect::Reboot, text, at });
            }
        }
    }
    if machine.running()
        && let Some(text) = machine.text("/proc/cmdline")?
    {
        lines.push(Line { aspect: Aspect::Live, text: text.as_str().to_owned(), at: text.whole() });
    }
    Ok(lines)
}

/// What grub-mkconfig writes into every entry but those of recovery.
fn told(machine: &Machine<'_>) -> Result<Option<Line>, Unseen> {
    const MAIN: &str = "/etc/default/grub";
    let Some(main) = machine.text(MAIN)? else { return Ok(None) };
    let mut values: BTreeMap<String, (String, At)> = BTreeMap::new();
    assign(&main, &mut values);
    for file in drop_ins(machine, &["/etc/default/grub.d"], ".cfg")? {
        if let Some(text) = machine.text(&file)? {
            assign(&text, &mut values);
        }
    }
    let parts = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"].map(|name| values.get(name).cloned());
    let at = parts.iter().flatten().map(|(_, at)| at.clone()).next_back().unwrap_or_else(|| main.whole());
    let text = parts.iter().flatten().map(|(value, _)| value.as_str()).collect::<Vec<_>>().join(" ");
    Ok(Some(Line { aspect: Aspect::Stored, text, at }))
}

/// Assignments as a shell takes them: what was set before may be named in the value.
fn assign(text: &Text, values: &mut BTreeMap<String, (String, At)>) {
    for (at, line) in text.joined(true) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        if line.starts_with('#') || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            continue;
        }
        let mut value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default().to_owned(),
            _ => value.split_whitespace().next().unwrap_or_default().to_owned(),
        };
        let known: Vec<(String, String)> =
            values.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect();
        for (name, has) in known.iter().rev() {
            value = value.replace(&format!("${{{name}}}"), has).replace(&format!("${name}"), has);
        }
        values.insert(name.to_owned(), (value, at));
    }
}

/// `linux` lines of menu entries, but not of recovery.
fn entries(text: &Text, lines: &mut Vec<Line>) {
    for (at, line) in text.lines() {
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("linux" | "linux16" | "linuxefi")) {
            continue;
        }
        let rest: Vec<&str> = words.skip(1).collect();
        if !rest.iter().any(|word| matches!(*word, "single" | "recovery" | "rescue")) {
            lines.push(Line { aspect: Aspect::Reboot, text: rest.join(" "), at });
        }
    }
}

fn kernel_options(machine: &Machine<'_>) -> Result<String, Unseen> {
    let env = machine.text("/boot/grub2/grubenv")?;
    let line = env.iter().flat_map(|text| text.lines()).find_map(|(_, line)| line.strip_prefix("kernelopts="));
    Ok(line.unwrap_or_default().to_owned())
}

/// The last value of a parameter on a command line; a bare word has an empty one.
pub fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = |word: &'a str| match word.split_once('=') {
        Some((key, value)) if key == name => Some(value.trim_matches('"')),
        None if word == name => Some(""),
        _ => None,
    };
    line.split_whitespace().filter_map(value).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_a_shell_s() {
        let mut values = BTreeMap::new();
        let text = "GRUB_CMDLINE_LINUX=\"audit=1\" # x\n#GRUB_CMDLINE_LINUX=''\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX a=b\"\n";
        assign(&Text::new("/f", text.as_bytes()), &mut values);
        assert_eq!(values["GRUB_CMDLINE_LINUX"].0, "audit=1 a=b");
        assert_eq!(
            (parameter("a=1 a=2 b", "a"), parameter("a=1 b", "b"), parameter("aa=1", "a")),
            (Some("2"), Some(""), None)
        );
    }
}
