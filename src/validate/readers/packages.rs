//! Installed packages: dpkg's status, or rpm's database.

use super::rpm;
use crate::fnmatch::fits;
use crate::validate::machine::{Machine, Reader};
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

/// A package that is on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name, without the architecture.
    pub name: String,
    /// Its version, as its own tool prints it.
    pub version: String,
    /// dpkg's state where it is not `installed`.
    pub state: Option<String>,
    /// Where that was read.
    pub at: At,
}

/// Every package that is on the machine.
#[derive(Debug)]
pub struct Packages {
    /// In the order of the database.
    pub all: Vec<Package>,
    /// The database.
    pub database: At,
}

const DPKG: &str = "/var/lib/dpkg/status";

impl Reader for Packages {
    fn read(machine: &Machine<'_>) -> Result<Self, Unseen> {
        let dpkg = machine.text(DPKG)?;
        let all = dpkg.as_ref().map(|text| of_dpkg(text)).unwrap_or_default();
        if let Some(text) = dpkg.as_ref().filter(|_| !all.is_empty()) {
            return Ok(Self { all, database: text.whole() });
        }
        // A system of rpm's may have dpkg as a tool, whose own list is then empty.
        match (rpm::database(machine)?, dpkg) {
            (Some((at, all)), _) => Ok(Self { all, database: at }),
            (None, Some(text)) => Ok(Self { all, database: text.whole() }),
            (None, None) => Err(Unseen::new(DPKG, "is not there, and no database of rpm either")),
        }
    }
}

impl Packages {
    /// Packages whose name fits a pattern.
    pub fn named<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = &'a Package> {
        self.all.iter().filter(move |package| fits(pattern, &package.name))
    }
}

/// What was removed and left its configuration is not on the machine; what was half installed is.
fn of_dpkg(text: &Text) -> Vec<Package> {
    let mut all = Vec::new();
    let (mut name, mut version, mut status) = (None, "", "");
    let mut place = text.whole();
    let mut close = |name: Option<&str>, version: &str, status: &str, at: At| {
        let state = status.split_whitespace().nth(2).unwrap_or_default();
        if let Some(name) = name
            && !matches!(state, "" | "not-installed" | "config-files")
        {
            let state = (state != "installed").then(|| state.to_owned());
            all.push(Package { name: name.to_owned(), version: version.to_owned(), state, at });
        }
    };
    for (at, line) in text.lines() {
        if line.trim().is_empty() {
            close(name.take(), version, status, place.clone());
            (version, status) = ("", "");
        } else if let Some(value) = line.strip_prefix("Package:") {
            (name, place) = (Some(value.trim()), at);
        } else if let Some(value) = line.strip_prefix("Version:") {
            version = value.trim();
        } else if let Some(value) = line.strip_prefix("Status:") {
            status = value.trim();
        }
    }
    close(name, version, status, place);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_only_its_configuration_is_not_there() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: deinstall ok \
                      config-files\nVersion: 2\n\nPackage: c\nStatus: install reinstreq half-installed\nVersion: 3";
        let all = of_dpkg(&Text::new("/s", status.as_bytes()));
        let names: Vec<(&str, Option<u32>)> = all.iter().map(|one| (one.name.as_str(), one.at.line)).collect();
        assert_eq!(names, [("a", Some(1)), ("c", Some(9))]);
    }
}
