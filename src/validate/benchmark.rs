//! Benchmarks: controls as data, embedded, and read when a profile asks for them.

use super::control::Control;
use super::error::ValidateError;
use super::site::Site;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Every file below `benchmarks/`, in order. A benchmark may be split: the first of its files has its head.
const EMBEDDED: &[(&str, &str)] = &[
    ("benchmarks/ubuntu2404/modules.yaml", include_str!("../../benchmarks/ubuntu2404/modules.yaml")),
    ("benchmarks/ubuntu2404/filesystem.yaml", include_str!("../../benchmarks/ubuntu2404/filesystem.yaml")),
    ("benchmarks/ubuntu2404/packages.yaml", include_str!("../../benchmarks/ubuntu2404/packages.yaml")),
    ("benchmarks/ubuntu2404/apparmor.yaml", include_str!("../../benchmarks/ubuntu2404/apparmor.yaml")),
    ("benchmarks/ubuntu2404/boot.yaml", include_str!("../../benchmarks/ubuntu2404/boot.yaml")),
    ("benchmarks/ubuntu2404/kernel.yaml", include_str!("../../benchmarks/ubuntu2404/kernel.yaml")),
    ("benchmarks/ubuntu2404/banner.yaml", include_str!("../../benchmarks/ubuntu2404/banner.yaml")),
    ("benchmarks/ubuntu2404/desktop.yaml", include_str!("../../benchmarks/ubuntu2404/desktop.yaml")),
    ("benchmarks/ubuntu2404/services.yaml", include_str!("../../benchmarks/ubuntu2404/services.yaml")),
    ("benchmarks/ubuntu2404/time.yaml", include_str!("../../benchmarks/ubuntu2404/time.yaml")),
    ("benchmarks/ubuntu2404/cron.yaml", include_str!("../../benchmarks/ubuntu2404/cron.yaml")),
    ("benchmarks/ubuntu2404/network.yaml", include_str!("../../benchmarks/ubuntu2404/network.yaml")),
    ("benchmarks/ubuntu2404/firewall.yaml", include_str!("../../benchmarks/ubuntu2404/firewall.yaml")),
    ("benchmarks/ubuntu2404/ssh.yaml", include_str!("../../benchmarks/ubuntu2404/ssh.yaml")),
    ("benchmarks/ubuntu2404/sudo.yaml", include_str!("../../benchmarks/ubuntu2404/sudo.yaml")),
    ("benchmarks/ubuntu2404/pam.yaml", include_str!("../../benchmarks/ubuntu2404/pam.yaml")),
    ("benchmarks/ubuntu2404/accounts.yaml", include_str!("../../benchmarks/ubuntu2404/accounts.yaml")),
    ("benchmarks/ubuntu2404/logging.yaml", include_str!("../../benchmarks/ubuntu2404/logging.yaml")),
    ("benchmarks/ubuntu2404/audit.yaml", include_str!("../../benchmarks/ubuntu2404/audit.yaml")),
    ("benchmarks/ubuntu2404/aide.yaml", include_str!("../../benchmarks/ubuntu2404/aide.yaml")),
    ("benchmarks/ubuntu2404/files.yaml", include_str!("../../benchmarks/ubuntu2404/files.yaml")),
    ("benchmarks/ubuntu2404/users.yaml", include_str!("../../benchmarks/ubuntu2404/users.yaml")),
    ("benchmarks/rhel9/modules.yaml", include_str!("../../benchmarks/rhel9/modules.yaml")),
    ("benchmarks/rhel9/filesystem.yaml", include_str!("../../benchmarks/rhel9/filesystem.yaml")),
    ("benchmarks/rhel9/packages.yaml", include_str!("../../benchmarks/rhel9/packages.yaml")),
    ("benchmarks/rhel9/selinux.yaml", include_str!("../../benchmarks/rhel9/selinux.yaml")),
    ("benchmarks/rhel9/boot.yaml", include_str!("../../benchmarks/rhel9/boot.yaml")),
    ("benchmarks/rhel9/kernel.yaml", include_str!("../../benchmarks/rhel9/kernel.yaml")),
    ("benchmarks/rhel9/crypto.yaml", include_str!("../../benchmarks/rhel9/crypto.yaml")),
    ("benchmarks/rhel9/banner.yaml", include_str!("../../benchmarks/rhel9/banner.yaml")),
    ("benchmarks/rhel9/desktop.yaml", include_str!("../../benchmarks/rhel9/desktop.yaml")),
    ("benchmarks/rhel9/services.yaml", include_str!("../../benchmarks/rhel9/services.yaml")),
    ("benchmarks/rhel9/time.yaml", include_str!("../../benchmarks/rhel9/time.yaml")),
    ("benchmarks/rhel9/cron.yaml", include_str!("../../benchmarks/rhel9/cron.yaml")),
    ("benchmarks/rhel9/network.yaml", include_str!("../../benchmarks/rhel9/network.yaml")),
    ("benchmarks/rhel9/firewall.yaml", include_str!("../../benchmarks/rhel9/firewall.yaml")),
    ("benchmarks/rhel9/ssh.yaml", include_str!("../../benchmarks/rhel9/ssh.yaml")),
    ("benchmarks/rhel9/sudo.yaml", include_str!("../../benchmarks/rhel9/sudo.yaml")),
    ("benchmarks/rhel9/pam.yaml", include_str!("../../benchmarks/rhel9/pam.yaml")),
    ("benchmarks/rhel9/accounts.yaml", include_str!("../../benchmarks/rhel9/accounts.yaml")),
    ("benchmarks/rhel9/aide.yaml", include_str!("../../benchmarks/rhel9/aide.yaml")),
    ("benchmarks/rhel9/logging.yaml", include_str!("../../benchmarks/rhel9/logging.yaml")),
    ("benchmarks/rhel9/audit.yaml", include_str!("../../benchmarks/rhel9/audit.yaml")),
    ("benchmarks/rhel9/files.yaml", include_str!("../../benchmarks/rhel9/files.yaml")),
    ("benchmarks/rhel9/users.yaml", include_str!("../../benchmarks/rhel9/users.yaml")),
    ("benchmarks/muster.yaml", include_str!("../../benchmarks/muster.yaml")),
    ("benchmarks/seal.yaml", include_str!("../../benchmarks/seal.yaml")),
];

/// A file of controls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Which benchmark the file is part of.
    benchmark: String,
    #[serde(default)]
    head: Option<Head>,
    controls: Vec<Control>,
}

/// What a benchmark is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its title.
    pub title: String,
    /// Whose numbering its ids follow, and which version of it.
    pub version: String,
    /// Systems that it is for, as os-release names them: `ubuntu 24.04`, `rhel 9`, `any`.
    #[serde(rename = "for")]
    pub systems: Vec<String>,
    /// What a site has that says nothing else.
    #[serde(default)]
    pub site: Site,
}

/// A benchmark.
#[derive(Debug)]
pub struct Benchmark {
    /// Its name.
    pub name: String,
    /// What it is.
    pub head: Head,
    /// Its controls, in the order written.
    pub controls: Vec<Control>,
}

/// Names of the embedded benchmarks.
pub fn names() -> Vec<String> {
    let name = |(file, _): &(&str, &str)| {
        let name = file.trim_start_matches("benchmarks/").split(['/', '.']).next();
        name.unwrap_or_default().to_owned()
    };
    let mut names: Vec<String> = EMBEDDED.iter().map(name).collect();
    names.dedup();
    names
}

/// Reads an embedded benchmark: `benchmarks/NAME.yaml`, or the files of `benchmarks/NAME/`.
pub fn embedded(name: &str) -> Result<Benchmark, ValidateError> {
    let (file, directory) = (format!("benchmarks/{name}.yaml"), format!("benchmarks/{name}/"));
    let mut head = None;
    let mut controls = Vec::new();
    for (path, text) in EMBEDDED.iter().filter(|(path, _)| *path == file || path.starts_with(&directory)) {
        let document: Document = serde_yaml::from_str(text).map_err(|error| ValidateError::yaml(path, text, &error))?;
        if document.benchmark != name {
            let message = format!("says that it is of the benchmark `{}`", document.benchmark);
            return Err(ValidateError::Document { what: (*path).to_owned(), message, place: None });
        }
        head = head.or(document.head);
        controls.extend(document.controls);
    }
    let Some(head) = head else {
        return Err(ValidateError::Unknown { what: "benchmark", name: name.to_owned(), known: names() });
    };
    unique(name, &controls)?;
    Ok(Benchmark { name: name.to_owned(), head, controls })
}

/// An id stands for one control.
pub fn unique(what: &str, controls: &[Control]) -> Result<(), ValidateError> {
    let mut seen = BTreeSet::new();
    match controls.iter().find(|control| !seen.insert(control.id.as_str())) {
        Some(twice) => {
            let message = format!("the control {} stands there twice", twice.id);
            Err(ValidateError::Document { what: what.to_owned(), message, place: None })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_benchmark_is_sound() {
        for name in names() {
            let benchmark = embedded(&name).expect("read");
            assert!(!benchmark.controls.is_empty() && !benchmark.head.systems.is_empty(), "{name}");
            for control in &benchmark.controls {
                let Control { id, level, title, when, otherwise, .. } = control;
                assert!(matches!(level, 1 | 2) && !title.is_empty(), "{name} {id}");
                assert_eq!(when.is_some(), otherwise.is_some(), "{name} {id}: a condition has its reason");
                assert!(control.fixed_by.is_empty() || control.by_hand.is_none(), "{name} {id}: either a task or none");
            }
        }
    }
}
