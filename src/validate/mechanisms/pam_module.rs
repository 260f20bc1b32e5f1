//! `pam_module`, `su_restricted`: what PAM's stacks ask for, where it is reached and where its answer counts.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::pam::{self, Line};
use crate::validate::readers::pam_walk;
use crate::validate::readers::users::{GROUP, Users};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Arguments that say which of several lines of a module it is: one line with it is enough.
const ROLES: &[&str] = &["preauth", "authfail", "authsucc"];

/// A module in stacks.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamModule {
    /// Files of /etc/pam.d, with what they include. Every one that has lines of a type is asked for it.
    stacks: Words,
    /// As `pam_unix.so`.
    module: String,
    /// `auth`, `account`, `password`, `session`.
    types: Words,
    /// Arguments that each of its lines has; `a|b` is either, `*` as in file names.
    #[serde(default)]
    has: Vec<String>,
    /// Arguments that none of its lines has. Where only this is asked, the module need not be there.
    #[serde(default)]
    lacks: Vec<String>,
}

impl Mechanism for PamModule {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        self.stacks.iter().map(|stack| format!("/etc/pam.d/{stack}, and what it includes")).collect()
    }

    fn expects(&self) -> String {
        let (has, lacks) = (self.has.join(" "), self.lacks.join(" or "));
        let has = if has.is_empty() { has } else { format!(" with {has}") };
        let lacks = if lacks.is_empty() { lacks } else { format!(", without {lacks}") };
        format!("{} counts in {}{has}{lacks}", self.module, self.types.shown())
    }
}

impl PamModule {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        for kind in self.types.iter() {
            let mut any = false;
            for name in self.stacks.iter() {
                let Some(lines) = pam::stack(machine, name, kind)? else { continue };
                if !lines.is_empty() {
                    any = true;
                    self.stack(name, kind, &lines, &mut finding)?;
                }
            }
            if !any {
                let found = format!("no stack of {} has lines of {kind}", self.stacks.shown());
                finding.fact(Aspect::Stored, false, &At::file("/etc/pam.d"), found, self.expects());
            }
        }
        Ok(finding)
    }

    fn stack(&self, name: &str, kind: &str, lines: &[Line], finding: &mut Finding) -> Result<(), Unseen> {
        let optional = self.has.is_empty() && !self.lacks.is_empty();
        let own = |line: &&Line| line.module == self.module && line.matters();
        let mut counts: Vec<&Line> = Vec::new();
        for line in pam_walk::reached(lines).into_iter().filter(own) {
            if optional || self.rules(lines, line)? {
                counts.push(line);
            }
        }
        let at = At::file(&format!("/etc/pam.d/{name}"));
        let mut say = |holds, at: &At, found: String| finding.fact(Aspect::Stored, holds, at, found, self.expects());
        if counts.is_empty() {
            let written = lines.iter().find(|line| line.module == self.module);
            match written {
                Some(line) if !optional => say(false, &line.at, format!("{} decides nothing there", line.shown())),
                _ => say(optional, &at, format!("no line of {kind} asks {}", self.module)),
            }
        }
        for role in self.has.iter().filter(|argument| ROLES.contains(&argument.as_str())) {
            if !counts.is_empty() && !counts.iter().any(|line| line.has(role)) {
                say(false, &at, format!("no line of {} has {role}", self.module));
            }
        }
        for line in counts {
            let each = self.has.iter().filter(|argument| !ROLES.contains(&argument.as_str()));
            let whole = each.into_iter().all(|argument| line.has(argument));
            let bare = !self.lacks.iter().any(|argument| line.has(argument));
            say(whole && bare, &line.at, line.shown());
        }
        Ok(())
    }
}

impl PamModule {
    /// Whether a line's answer is heeded: the stack may stand on other sources of passwords than pam_unix, and on nothing
    /// beside what locks accounts or judges new passwords.
    fn rules(&self, lines: &[Line], line: &Line) -> Result<bool, Unseen> {
        let Some(at) = lines.iter().position(|one| std::ptr::eq(one, line)) else { return Ok(false) };
        // What is asked after a wrong password ends in a refusal either way.
        if line.has("authfail|authsucc") {
            return Ok(true);
        }
        if self.module == "pam_unix.so" { pam_walk::decides(lines, at) } else { pam_walk::bars(lines, at, &[]) }
    }
}

/// Only members of a group, of which there is none, become somebody else with su.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuRestricted {}

impl Mechanism for SuRestricted {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/pam.d/su".into(), GROUP.into()]
    }

    fn expects(&self) -> String {
        "auth required pam_wheel.so use_uid group=GROUP, and GROUP exists and is empty".into()
    }
}

impl SuRestricted {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let Some(lines) = pam::stack(machine, "su", "auth")? else {
            return Ok(Finding::not_applicable("there is no su"));
        };
        let mut finding = Finding::new();
        let reached = pam_walk::reached(&lines);
        let mut wheel = None;
        for line in reached.into_iter().filter(|line| line.module == "pam_wheel.so" && line.denies()) {
            let at = lines.iter().position(|one| std::ptr::eq(one, line)).unwrap_or_default();
            if wheel.is_none() && pam_walk::bars(&lines, at, &["pam_rootok.so"])? {
                wheel = Some(line);
            }
        }
        let Some(line) = wheel else {
            let found = "no line of auth that denies asks pam_wheel.so";
            finding.fact(Aspect::Stored, false, &At::file("/etc/pam.d/su"), found, self.expects());
            return Ok(finding);
        };
        let group = line.argument("group").unwrap_or_default();
        // `deny` turns it round, and `trust` and `root_only` leave others through.
        let strict = line.has("use_uid") && !line.has("deny|trust|root_only") && !group.is_empty();
        finding.fact(Aspect::Stored, strict, &line.at, line.shown(), self.expects());
        if !group.is_empty() {
            let users = machine.reader::<Users>()?;
            let (holds, at, found) = match users.group(group) {
                None => (false, At::file(GROUP), format!("there is no group {group}")),
                Some(entry) => {
                    let members = users.members(entry);
                    let shown = if members.is_empty() { "nobody".to_owned() } else { members.join(", ") };
                    (members.is_empty(), entry.at.clone(), format!("in {group}: {shown}"))
                }
            };
            finding.fact(Aspect::Stored, holds, &at, found, format!("{group} is empty"));
        }
        Ok(finding)
    }
}
