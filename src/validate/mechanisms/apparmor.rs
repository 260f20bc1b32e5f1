//! `apparmor`: profiles as they are written, and as the kernel has them.

use super::Mechanism;
use crate::host::Kind;
use crate::validate::machine::Machine;
use crate::validate::readers::container::{borrowed, kernel_fact};
use crate::validate::readers::units::Units;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// What every profile has to do.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apparmor {
    /// `complain`: at least that. `enforce`: nothing less.
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Complain,
    Enforce,
}

const DIRECTORY: &str = "/etc/apparmor.d";
const LOADED: &str = "/sys/kernel/security/apparmor/profiles";
/// The security modules that the running kernel has.
const MODULES: &str = "/sys/kernel/security/lsm";

impl Mechanism for Apparmor {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![format!("{DIRECTORY}, with disable and force-complain"), LOADED.into()]
    }

    fn expects(&self) -> String {
        match self.state {
            State::Complain => "every profile is loaded, and enforced or complaining".into(),
            State::Enforce => "every profile is enforced".into(),
        }
    }
}

impl Apparmor {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let (forced, disabled) =
            (machine.names(&format!("{DIRECTORY}/force-complain"))?, machine.names(&format!("{DIRECTORY}/disable"))?);
        let (mut profiles, mut wrong, mut names) = (0, 0, Vec::new());
        let mut broken = |at: &At, found: String| {
            wrong += 1;
            finding.fact(Aspect::Stored, false, at, found, self.expects());
        };
        for name in machine.names(DIRECTORY)? {
            let path = format!("{DIRECTORY}/{name}");
            // What dpkg and rpm leave beside a file is no profile (apparmor's skip list).
            let left = [".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-bak", ".rpmnew", ".rpmsave", "~"];
            let file = machine.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::File);
            if !file || name.starts_with('.') || name == "README" || left.iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let Some(text) = machine.text(&path)? else { continue };
            let headers: Vec<(At, &str)> = text.lines().filter(|(_, line)| header(line)).collect();
            profiles += headers.len();
            if disabled.contains(&name) {
                broken(&At::file(&format!("{DIRECTORY}/disable/{name}")), format!("{name} is not loaded"));
            } else if forced.contains(&name) && self.state == State::Enforce {
                broken(&At::file(&format!("{DIRECTORY}/force-complain/{name}")), format!("{name} only complains"));
            }
            for (at, line) in headers {
                if !disabled.contains(&name) {
                    names.extend(named(line).map(|name| (name.to_owned(), at.clone())));
                }
                if self.state == State::Enforce && flags(line).contains(&"complain") {
                    broken(&at, line.trim().to_owned());
                }
            }
        }
        if wrong == 0 {
            let found = format!("{profiles} profiles");
            finding.fact(Aspect::Stored, profiles > 0, &At::file(DIRECTORY), found, self.expects());
        }
        match machine.reader::<Units>().map(|units| units.withheld("apparmor.service")) {
            Ok(None) => {}
            Ok(Some(at)) => {
                let found = "the unit that loads profiles is not started";
                finding.fact(Aspect::Reboot, false, &at, found, "apparmor.service is started");
            }
            Err(unseen) => finding.could_not_look(Aspect::Reboot, &unseen),
        }
        if machine.running() {
            match self.live(machine, &names, &mut finding) {
                Ok(()) => {}
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        Ok(finding)
    }

    /// Each line of the kernel's list is `name (mode)`. A profile that the vendor wrote as unconfined confines nobody by
    /// design, and is shown.
    fn live(&self, machine: &Machine<'_>, names: &[(String, At)], finding: &mut Finding) -> Result<(), Unseen> {
        let Some(text) = machine.text(LOADED)? else {
            let Some(modules) = machine.text(MODULES)? else {
                let why = borrowed(machine).map_or(String::new(), |why| format!("; {why}"));
                return Err(Unseen::new(LOADED, format!("is not there{why}")));
            };
            let found = format!("the kernel has no profiles, its security modules are {}", modules.as_str().trim());
            kernel_fact(machine, finding, false, &modules.whole(), &found, &self.expects());
            return Ok(());
        };
        let (mut loaded, mut wrong) = (Vec::new(), false);
        for (at, line) in text.lines() {
            let Some((name, mode)) = line.rsplit_once(" (") else { continue };
            let mode = mode.trim_end_matches(')');
            loaded.push(name);
            match (mode, self.state) {
                ("enforce" | "kill" | "prompt" | "user", _) | ("complain", State::Complain) => {}
                ("unconfined", _) => finding.show(Aspect::Live, &at, line),
                _ => {
                    wrong = true;
                    finding.fact(Aspect::Live, false, &at, line, self.expects());
                }
            }
        }
        for (name, at) in names.iter().filter(|(name, _)| !loaded.contains(&name.as_str())) {
            wrong = true;
            kernel_fact(machine, finding, false, at, &format!("{name} is not loaded"), &self.expects());
        }
        for pid in machine.names("/proc")?.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            let program = machine.link(&format!("/proc/{pid}/exe")).ok().flatten();
            let Some(program) = program.filter(|program| loaded.contains(&program.as_str())) else { continue };
            // A process may be gone by now.
            let file = format!("/proc/{pid}/attr/current");
            let Some(confined) = machine.text(&file).ok().flatten() else { continue };
            if confined.as_str().trim() == "unconfined" {
                wrong = true;
                let found = format!("{program} runs unconfined, and has a profile");
                finding.fact(Aspect::Live, false, &At::file(&file), found, self.expects());
            }
        }
        if !wrong {
            let found = format!("{} profiles are loaded", loaded.len());
            finding.fact(Aspect::Live, !loaded.is_empty(), &text.whole(), found, self.expects());
        }
        Ok(())
    }
}

/// Whether a line begins a profile of its own: one without blanks before it.
fn header(line: &str) -> bool {
    let begins = ["profile ", "/", "@{", "\"/"].iter().any(|start| line.starts_with(start));
    begins && line.split('#').next().unwrap_or_default().trim_end().ends_with('{')
}

/// The name that the kernel has of a profile: its path as written where it has no other. One with a variable, or of
/// another namespace, is known to the parser alone.
fn named(line: &str) -> Option<&str> {
    let line = line.strip_prefix("profile ").unwrap_or(line).trim_start();
    let name = match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => line.split_whitespace().next()?,
    };
    let name = if name.matches('{').count() > name.matches('}').count() { name.strip_suffix('{')? } else { name };
    (!name.is_empty() && !name.contains("@{") && !name.starts_with(':')).then_some(name)
}

fn flags(line: &str) -> Vec<&str> {
    let Some((_, rest)) = line.split_once("flags") else { return Vec::new() };
    let within = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    within.map(|(flags, _)| flags.split([',', ' ']).filter(|flag| !flag.is_empty()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_as_the_kernel_has_it() {
        for (line, name) in [
            ("/usr/sbin/a flags=(attach_disconnected) {", Some("/usr/sbin/a")),
            ("/{,usr/}sbin/dhclient {", Some("/{,usr/}sbin/dhclient")),
            ("profile a /usr/sbin/a{", Some("a")),
            ("profile a{", Some("a")),
            ("\"/opt/a b\" {", Some("/opt/a b")),
            ("profile \"a b\" /x {", Some("a b")),
            ("@{bin}/a {", None),
            ("profile :space:a {", None),
        ] {
            assert_eq!(named(line), name, "{line}");
        }
    }
}
