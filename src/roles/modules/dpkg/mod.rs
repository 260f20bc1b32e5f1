//! dpkg's database as it lies on disk: what is installed, in which version, and what it provides.

pub mod divert;

use super::{Eyes, Failed};
use std::collections::HashMap;

/// A package that dpkg knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version; empty where none is known.
    pub version: String,
    /// Architecture.
    pub architecture: String,
    /// Section.
    pub section: String,
    /// What is wanted: `install`, `hold`, `deinstall`, `purge`.
    pub want: String,
    /// What it is: `installed`, `config-files`, `half-configured`, ...
    pub state: String,
    /// Names that it provides.
    pub provides: Vec<String>,
}

impl Package {
    /// Whether it is installed and configured.
    pub fn is_installed(&self) -> bool {
        self.state == "installed"
    }
}

/// Every package that dpkg knows.
#[derive(Default)]
pub struct Database {
    packages: HashMap<String, Vec<Package>>,
}

impl Database {
    /// Reads `/var/lib/dpkg/status`.
    pub fn read(eyes: &Eyes<'_>) -> Result<Self, Failed> {
        Ok(Self::parse(&eyes.text("/var/lib/dpkg/status")?))
    }

    fn parse(text: &str) -> Self {
        let mut packages: HashMap<String, Vec<Package>> = HashMap::new();
        for stanza in text.split("\n\n") {
            let mut package = Package::default();
            for line in stanza.lines() {
                let Some((field, value)) = line.split_once(':') else { continue };
                let value = value.trim();
                match field {
                    "Package" => package.name = value.into(),
                    "Version" => package.version = value.into(),
                    "Architecture" => package.architecture = value.into(),
                    "Section" => package.section = value.into(),
                    "Status" => {
                        let mut words = value.split(' ');
                        package.want = words.next().unwrap_or_default().into();
                        package.state = words.next_back().unwrap_or_default().into();
                    }
                    "Provides" => package.provides = names(value),
                    _ => {}
                }
            }
            if !package.name.is_empty() {
                packages.entry(package.name.clone()).or_default().push(package);
            }
        }
        Self { packages }
    }

    /// A package by `name` or `name:architecture`; without one, that of dpkg's own architecture is preferred.
    pub fn find(&self, name: &str) -> Option<&Package> {
        let (name, architecture) = name.split_once(':').map_or((name, None), |(name, arch)| (name, Some(arch)));
        let known = self.packages.get(name)?;
        let native = self.packages.get("dpkg").and_then(|all| all.first()).map(|dpkg| dpkg.architecture.as_str());
        match architecture {
            Some("native") | None => {
                let fits = |package: &&Package| package.architecture == "all" || Some(&*package.architecture) == native;
                known.iter().find(fits).or_else(|| known.first().filter(|_| native.is_none()))
            }
            Some("any") => known.first(),
            Some(wanted) => known.iter().find(|package| package.architecture == wanted),
        }
    }

    /// The installed packages, by name.
    pub fn installed(&self) -> Vec<&Package> {
        let mut all: Vec<&Package> = self.packages.values().flatten().filter(|p| p.is_installed()).collect();
        all.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
        all
    }
}

/// The names in a dependency field, without versions.
fn names(field: &str) -> Vec<String> {
    field.split(',').filter_map(|part| part.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
                          Package: libc6\nStatus: hold ok installed\nArchitecture: i386\nVersion: 2.35\n\n\
                          Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n\n\
                          Package: postfix\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 3.7\n\
                          Provides: default-mta, mail-transport-agent (= 1)\nDescription: x\n Package: not this\n";

    #[test]
    fn packages_are_found_by_name_and_architecture() {
        let database = Database::parse(STATUS);
        assert_eq!(database.find("libc6").map(|p| p.version.as_str()), Some("2.36"));
        assert_eq!(database.find("libc6:i386").map(|p| (p.want.as_str(), p.is_installed())), Some(("hold", true)));
        let postfix = database.find("postfix").expect("postfix");
        assert!(!postfix.is_installed());
        assert_eq!(postfix.provides, ["default-mta", "mail-transport-agent"]);
        assert!(database.find("nope").is_none());
        assert_eq!(database.installed().len(), 3);
    }
}
