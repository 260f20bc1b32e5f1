//! `repositories`, `package_keys`, `gpgcheck`: whom the machine takes software from, and how it knows them.

use super::Mechanism;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::readers::repositories::Sources;
use crate::validate::readers::{apt_conf, settings};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Every repository that is on is on the site's list.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repositories {}

/// Every file of keys that packages are checked with is on the site's list.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageKeys {}

/// Signatures are checked, everywhere.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpgcheck {
    /// Those of the repositories' own lists (dnf's repo_gpgcheck), and not those of packages.
    #[serde(default)]
    metadata: bool,
}

/// Judges names by a list of the site's.
fn listed(names: &[(At, String)], allowed: Option<&Vec<String>>, what: &str) -> Finding {
    let mut finding = Finding::new();
    let Some(allowed) = allowed else {
        names.iter().for_each(|(at, name)| finding.show(Aspect::Stored, at, name.clone()));
        let unseen = Unseen::new("the profile's site", format!("does not say which {what} are approved"));
        finding.could_not_look(Aspect::Stored, &unseen);
        return finding;
    };
    for (at, name) in names {
        let holds = allowed.iter().any(|pattern| fits(pattern, name));
        finding.fact(Aspect::Stored, holds, at, name.clone(), allowed.join(" or "));
    }
    if names.is_empty() {
        let unseen = Unseen::new("/etc/apt and /etc/yum.repos.d", format!("have no {what}"));
        finding.could_not_look(Aspect::Stored, &unseen);
    }
    finding
}

impl Mechanism for Repositories {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        match machine.reader::<Sources>() {
            Ok(sources) => {
                let names: Vec<(At, String)> = sources.0.iter().map(|one| (one.at.clone(), one.url.clone())).collect();
                listed(&names, machine.site().repositories.as_ref(), "repositories")
            }
            Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
        }
    }

    fn reads(&self) -> Vec<String> {
        ["/etc/apt/sources.list and sources.list.d", "/etc/yum.repos.d, /etc/yum/repos.d and /etc/distro.repos.d"]
            .map(str::to_owned)
            .to_vec()
    }

    fn expects(&self) -> String {
        "every repository is on the site's list".into()
    }
}

/// Where keys are kept that count without being named.
const KEYS: &[&str] = &["/etc/apt/trusted.gpg.d", "/etc/apt/keyrings", "/etc/pki/rpm-gpg"];

impl Mechanism for PackageKeys {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let mut names = Vec::new();
            for directory in KEYS {
                let here = machine.names(directory)?.into_iter();
                names.extend(here.map(|name| (At::file(&format!("{directory}/{name}")), name)));
            }
            if machine.exists("/etc/apt/trusted.gpg")? {
                names.push((At::file("/etc/apt/trusted.gpg"), "trusted.gpg".to_owned()));
            }
            for source in &machine.reader::<Sources>()?.0 {
                let named = ["signed-by", "gpgkey"].iter().filter_map(|name| source.options.get(*name));
                for file in named.flat_map(|value| value.split([' ', ','])).filter(|file| file.contains('/')) {
                    let name = file.rsplit('/').next().unwrap_or_default().to_owned();
                    if !names.iter().any(|(_, known)| *known == name) {
                        names.push((source.at.clone(), name));
                    }
                }
            }
            Ok(listed(&names, machine.site().package_keys.as_ref(), "package keys"))
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        KEYS.iter().map(|directory| (*directory).to_owned()).collect()
    }

    fn expects(&self) -> String {
        "every file of keys is on the site's list".into()
    }
}

const DNF: &str = "/etc/dnf/dnf.conf";

impl Mechanism for Gpgcheck {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [DNF, "/etc/yum.repos.d", "/etc/apt/apt.conf.d", "apt's sources"].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        let what = if self.metadata { "repo_gpgcheck" } else { "gpgcheck" };
        format!("{what} is on in dnf.conf, and off in no repository; apt trusts nothing unsigned")
    }
}

impl Gpgcheck {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let key = if self.metadata { "repo_gpgcheck" } else { "gpgcheck" };
        let mut finding = Finding::new();
        let on = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "1" | "yes" | "true");
        if machine.exists(DNF)? {
            let main = settings::sections(machine, DNF, None)?;
            let last = main.iter().rev().find(|one| one.section == "main" && one.key == key);
            let (holds, at, found) = match last {
                Some(one) => (on(&one.value), one.at.clone(), format!("{key}={}", one.value)),
                None => (false, At::file(DNF), format!("{key} is not set")),
            };
            finding.fact(Aspect::Stored, holds, &at, found, format!("{key}=1"));
        }
        let loose = |value: &str| apt_conf::truth(value) == Some(true);
        let (mut apt, mut wrong) = (false, false);
        for source in &machine.reader::<Sources>()?.0 {
            let yum = source.at.file.ends_with(".repo");
            apt |= !yum;
            let off = if yum {
                source.options.get(key).filter(|value| !on(value)).map(|value| format!("{key}={value}"))
            } else {
                let lax = ["trusted", "allow-insecure", "allow-weak"];
                let lax = lax.iter().find(|name| source.options.get(**name).is_some_and(|value| loose(value)));
                lax.map(|name| format!("{name}=yes"))
            };
            if let Some(found) = off {
                wrong = true;
                finding.fact(Aspect::Stored, false, &source.at, format!("{found} for {}", source.url), self.expects());
            }
        }
        if apt {
            const LAX: [&str; 4] = [
                "APT::Get::AllowUnauthenticated",
                "Acquire::AllowInsecureRepositories",
                "Acquire::AllowWeakRepositories",
                "Acquire::AllowDowngradeToInsecureRepositories",
            ];
            let all = apt_conf::read(machine)?;
            for name in LAX {
                let last = all.iter().rev().find(|one| one.key.eq_ignore_ascii_case(name));
                if let Some(one) = last.filter(|one| loose(&one.value)) {
                    wrong = true;
                    finding.fact(Aspect::Stored, false, &one.at, format!("{name} {}", one.value), self.expects());
                }
            }
            if !wrong {
                let found = "every source is checked";
                finding.fact(Aspect::Stored, true, &At::file("/etc/apt"), found, self.expects());
            }
        }
        Ok(finding)
    }
}
