//! `boot_cmdline`, `grub_password`: what the kernel is started with, and who may change that at the console.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::container::kernel_fact;
use crate::validate::readers::grub::{CONFIGS, command_lines, parameter};
use crate::validate::text::{At, Text};
use crate::validate::verdict::{Aspect, Finding, Unseen};
use crate::validate::wanted::Wanted;
use serde::Deserialize;
use std::rc::Rc;

/// A parameter of the kernel's command line.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootCmdline {
    /// As `audit`.
    parameter: String,
    /// What its last value has to be; without one it only has to be there.
    #[serde(default)]
    value: Option<Wanted>,
    /// Whether no command line may have it, or have it with that value.
    #[serde(default)]
    absent: bool,
}

impl Mechanism for BootCmdline {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let lines = match command_lines(machine) {
            Ok(lines) => lines,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        if lines.iter().all(|line| line.aspect == Aspect::Live) {
            let unseen = Unseen::new("/etc/default/grub", "is not there, and no entry of a boot loader either");
            finding.could_not_look(Aspect::Reboot, &unseen);
        }
        for line in lines {
            let value = parameter(&line.text, &self.parameter);
            let is = value.is_some_and(|value| self.value.as_ref().is_none_or(|wanted| wanted.accepts(value, false)));
            let found = match value {
                None => format!("no {}", self.parameter),
                Some("") => self.parameter.clone(),
                Some(value) => format!("{}={value}", self.parameter),
            };
            if line.aspect == Aspect::Live {
                kernel_fact(machine, &mut finding, is != self.absent, &line.at, &found, &self.expects());
            } else {
                finding.fact(line.aspect, is != self.absent, &line.at, found, self.expects());
            }
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        let places = ["/etc/default/grub and grub.d", "GRUB's entries", "/boot/loader/entries", "/proc/cmdline"];
        places.map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        let value = self.value.as_ref().map_or(String::new(), |value| format!("={value}"));
        format!("{}{}{value}", if self.absent { "no " } else { "" }, self.parameter)
    }
}

/// Nobody without a password edits GRUB's entries.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrubPassword {}

/// Where Red Hat's GRUB has a hash of its own.
const USER: &[&str] = &["/boot/grub2/user.cfg", "/boot/efi/EFI/redhat/user.cfg"];
const SCRIPTS: &str = "/etc/grub.d";

impl Mechanism for GrubPassword {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [CONFIGS, USER, &[SCRIPTS]].concat().into_iter().map(str::to_owned).collect()
    }

    fn expects(&self) -> String {
        "set superusers, and password_pbkdf2 for each of them".into()
    }
}

impl GrubPassword {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut hash = false;
        for file in USER {
            let text = machine.text(file)?;
            let set =
                |line: &str| line.trim().strip_prefix("GRUB2_PASSWORD=").is_some_and(|h| h.contains("grub.pbkdf2."));
            hash |= text.is_some_and(|text| text.lines().any(|(_, line)| set(line)));
        }
        // grub-mkconfig runs only what may be run.
        let mut scripts = Vec::new();
        for name in machine.names(SCRIPTS)? {
            let path = format!("{SCRIPTS}/{name}");
            let runs = machine.stat(&path, true)?.is_some_and(|stat| stat.mode & 0o111 != 0);
            scripts.extend(machine.text(&path)?.filter(|_| runs));
        }
        if !scripts.is_empty() {
            self.judge_texts(Aspect::Stored, &scripts, hash, &At::file(SCRIPTS), &mut finding);
        }
        let mut configs = Vec::new();
        for config in CONFIGS {
            configs.extend(machine.text(config)?);
        }
        if !configs.is_empty() {
            let at = configs[0].whole();
            self.judge_texts(Aspect::Reboot, &configs, hash, &at, &mut finding);
        }
        if scripts.is_empty() && configs.is_empty() {
            let unseen = Unseen::new(CONFIGS[0], "is not there, and nothing that writes it either");
            finding.could_not_look(Aspect::Stored, &unseen);
        }
        Ok(finding)
    }

    fn judge_texts(&self, aspect: Aspect, texts: &[Rc<Text>], hash: bool, whole: &At, finding: &mut Finding) {
        let (mut users, mut hashed, mut plain) = (None, Vec::new(), None);
        for (at, line) in texts.iter().flat_map(|text| text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["set", set] if set.starts_with("superusers=") => {
                    users = Some((at, set["superusers=".len()..].trim_matches(['"', '\'', '\\']).to_owned()));
                }
                ["password_pbkdf2", user, secret, ..] if secret.starts_with("grub.pbkdf2.") => hashed.push(user),
                ["password_pbkdf2", user, secret, ..] if hash && secret.contains("GRUB2_PASSWORD") => hashed.push(user),
                ["password", user, ..] => plain = Some((at, user.to_owned())),
                _ => {}
            }
        }
        let mut say = |holds, at: &At, found: String| finding.fact(aspect, holds, at, found, self.expects());
        if let Some((at, user)) = plain {
            say(false, &at, format!("the password of {user} is not hashed"));
        }
        match users.filter(|(_, users)| !users.is_empty()) {
            None => say(false, whole, "no superuser is set".into()),
            Some((at, users)) => {
                let names: Vec<&str> = users.split([',', ' ', ';', '|', '&']).filter(|name| !name.is_empty()).collect();
                let without: Vec<&str> = names.iter().copied().filter(|name| !hashed.contains(name)).collect();
                let found = if without.is_empty() {
                    format!("{users}, with a hash each")
                } else {
                    format!("no hash for {}", without.join(", "))
                };
                say(without.is_empty(), &at, found);
            }
        }
    }
}
