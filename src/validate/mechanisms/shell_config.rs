//! `shell_config`: what login shells are given: the time until an idle one ends, and the mask of new files.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::drop_ins;
use crate::validate::readers::login_defs::{LOGIN_DEFS, LoginDefs};
use crate::validate::readers::pam;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;

/// Something that shells are given.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShellConfig {
    /// `TMOUT` or `umask`.
    variable: Variable,
    /// For TMOUT what every assignment has to be; for umask the least that every mask has to take away.
    value: Wanted,
    /// `all`: files for everybody. `root`: root's own, and those for everybody where they say nothing.
    user: Whose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
enum Variable {
    #[serde(rename = "TMOUT")]
    Timeout,
    #[serde(rename = "umask")]
    Umask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Whose {
    All,
    Root,
}

/// Of everybody's login shells, Debian's and Red Hat's.
const GLOBAL: &[&str] = &["/etc/profile", "/etc/bash.bashrc", "/etc/bashrc"];
const ROOT: &[&str] = &["/root/.bash_profile", "/root/.bash_login", "/root/.profile", "/root/.bashrc"];

/// A command of a file, without its comment.
type Commands = Vec<(At, String)>;

impl Mechanism for ShellConfig {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        let own = if self.user == Whose::Root { ROOT } else { &[] };
        own.iter().chain(GLOBAL).chain(&["/etc/profile.d/*.sh"]).map(|file| (*file).to_owned()).collect()
    }

    fn expects(&self) -> String {
        match self.variable {
            Variable::Timeout => format!("TMOUT of {}, readonly and exported", self.value),
            Variable::Umask => format!("umask {} or stricter", self.value),
        }
    }
}

impl ShellConfig {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut global: Vec<String> = GLOBAL.iter().map(|file| (*file).to_owned()).collect();
        global.extend(drop_ins(machine, &["/etc/profile.d"], ".sh")?);
        let global = commands(machine, &global)?;
        let own: Vec<String> = ROOT.iter().map(|file| (*file).to_owned()).collect();
        let own = if self.user == Whose::Root { commands(machine, &own)? } else { Vec::new() };
        match self.variable {
            Variable::Timeout => self.timeout(&[global, own].concat(), &mut finding),
            Variable::Umask => {
                let masks = masks(&own);
                // What root's own files say replaces what everybody's said.
                let masks =
                    if masks.is_empty() { [self::masks(&global), self.of_login(machine)?].concat() } else { masks };
                self.umask(&masks, &mut finding);
            }
        }
        Ok(finding)
    }

    fn timeout(&self, commands: &[(At, String)], finding: &mut Finding) {
        let (mut set, mut fixed, mut exported) = (false, false, false);
        for (at, command) in commands {
            let mut words = command.split_whitespace();
            let first = words.next().unwrap_or_default();
            let letters = command.split_whitespace().filter(|word| word.starts_with('-')).collect::<String>();
            let declares = matches!(first, "declare" | "typeset");
            let names = command.split_whitespace().any(|word| word == "TMOUT" || word.starts_with("TMOUT="));
            if names {
                fixed |= first == "readonly" || declares && letters.contains('r');
                exported |= first == "export" || declares && letters.contains('x');
            }
            let sets = first.contains('=') || matches!(first, "readonly" | "export" | "declare" | "typeset" | "local");
            let value = command.split_whitespace().find_map(|word| word.strip_prefix("TMOUT="));
            if let Some(value) = value.filter(|_| sets) {
                set = true;
                let value = value.trim_matches(['"', '\'']);
                let found = format!("TMOUT={value}");
                finding.fact(Aspect::Stored, self.value.accepts(value, false), at, found, self.expects());
            }
        }
        let at = At::file(GLOBAL[0]);
        for (holds, what) in [(set, "set"), (fixed, "readonly"), (exported, "exported")] {
            if !holds {
                finding.fact(Aspect::Stored, false, &at, format!("TMOUT is nowhere {what}"), self.expects());
            }
        }
    }

    /// What a login has before a shell runs: of login.defs, or of pam_umask's argument.
    fn of_login(&self, machine: &Machine<'_>) -> Result<Vec<(At, String)>, Unseen> {
        let mut masks = Vec::new();
        if let Some((value, at)) = machine.reader::<LoginDefs>()?.value("UMASK") {
            masks.push((at.clone(), value.to_owned()));
        }
        for line in pam::lines_of(machine, "pam_umask.so")? {
            masks.extend(line.argument("umask").map(|mask| (line.at.clone(), mask.to_owned())));
        }
        Ok(masks)
    }

    fn umask(&self, masks: &[(At, String)], finding: &mut Finding) {
        let least: Vec<u32> = match &self.value {
            Wanted::OneOf(words) => words.iter().filter_map(|word| octal(word)).collect(),
            _ => Vec::new(),
        };
        for (at, mask) in masks {
            let taken = octal(mask).or_else(|| symbolic(mask));
            let holds = taken.is_some_and(|mask| least.iter().any(|least| mask & least == *least));
            finding.fact(Aspect::Stored, holds, at, format!("umask {mask}"), self.expects());
        }
        if masks.is_empty() {
            finding.fact(Aspect::Stored, false, &At::file(LOGIN_DEFS), "no umask is set", self.expects());
        }
    }
}

/// Commands of shell files: comments are taken off, lines parted where a shell parts commands.
fn commands(machine: &Machine<'_>, files: &[String]) -> Result<Commands, Unseen> {
    let mut commands = Vec::new();
    for file in files {
        let Some(text) = machine.text(file)? else { continue };
        for (at, line) in text.joined(false) {
            let line = match line.find('#') {
                Some(0) => "",
                Some(at) if line[..at].ends_with([' ', '\t', ';']) => &line[..at],
                _ => line.as_str(),
            };
            let parts = line.split([';', '|', '&', '(', ')', '{', '}']).map(str::trim).filter(|part| !part.is_empty());
            let plain = |part: &str| {
                let mut part = part;
                for word in ["then ", "else ", "do "] {
                    part = part.strip_prefix(word).unwrap_or(part);
                }
                part.trim().to_owned()
            };
            commands.extend(parts.map(|part| (at.clone(), plain(part))));
        }
    }
    Ok(commands)
}

/// Every `umask MASK`, but one that only replaces a mask of 0.
fn masks(commands: &[(At, String)]) -> Vec<(At, String)> {
    let mut found = Vec::new();
    let mut only_for_none = false;
    for (at, command) in commands {
        let mut words = command.split_whitespace().filter(|word| *word != "-S");
        if command.starts_with("if ") || command.starts_with('[') || command.starts_with("elif ") {
            only_for_none = command.contains("umask") && command.contains("-eq 0");
        } else if words.next() == Some("umask") {
            found.extend(words.next().filter(|_| !only_for_none).map(|mask| (at.clone(), mask.to_owned())));
            only_for_none = false;
        } else if command == "fi" {
            only_for_none = false;
        }
    }
    found
}

fn octal(mask: &str) -> Option<u32> {
    u32::from_str_radix(mask, 8).ok().filter(|mask| *mask <= 0o7777)
}

/// `u=rwx,g=rx,o=`: what it leaves, turned round.
fn symbolic(mask: &str) -> Option<u32> {
    let mut mode = 0;
    for part in mask.split(',') {
        let (who, rights) = part.split_once('=')?;
        let bits = rights.chars().map(|right| match right {
            'r' => Some(4),
            'w' => Some(2),
            'x' => Some(1),
            _ => None,
        });
        let bits = bits.sum::<Option<u32>>()?;
        for letter in who.chars() {
            mode |= match letter {
                'u' => bits << 6,
                'g' => bits << 3,
                'o' => bits,
                'a' => bits * 0o111,
                _ => return None,
            };
        }
    }
    Some(0o777 & !mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_octal_or_symbolic() {
        assert_eq!((octal("027"), octal("0027"), octal("9")), (Some(0o27), Some(0o27), None));
        assert_eq!((symbolic("u=rwx,g=rx,o="), symbolic("a=rwx"), symbolic("x")), (Some(0o27), Some(0), None));
    }
}
