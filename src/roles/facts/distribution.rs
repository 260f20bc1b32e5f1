//! Which Linux this is.

use super::sight::{Sight, facts};
use crate::roles::value::{Key, Map, Value};
use std::collections::HashMap;

pub(super) const NAMES: &[&str] = &[
    "distribution",
    "distribution_version",
    "distribution_major_version",
    "distribution_minor_version",
    "distribution_release",
    "distribution_file_path",
    "distribution_file_variety",
    "distribution_file_parsed",
    "os_family",
];

/// os-release's ID, Ansible's name, its family.
const KNOWN: &[(&str, &str, &str)] = &[
    ("ubuntu", "Ubuntu", "Debian"),
    ("debian", "Debian", "Debian"),
    ("raspbian", "Raspbian", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("kali", "Kali", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("amzn", "Amazon", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("centos", "CentOS", "RedHat"),
    ("fedora", "Fedora", "RedHat"),
    ("ol", "OracleLinux", "RedHat"),
    ("openeuler", "openEuler", "RedHat"),
    ("sles", "SLES", "Suse"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("alpine", "Alpine", "Alpine"),
    ("arch", "Archlinux", "Archlinux"),
];

fn release(sight: &Sight<'_>) -> HashMap<String, String> {
    let lines = match sight.lines("/etc/os-release") {
        lines if lines.is_empty() => sight.lines("/usr/lib/os-release"),
        lines => lines,
    };
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    lines.iter().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.trim().to_owned(), unquoted(v))).collect()
}

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let os = release(sight);
    let field = |name: &str| os.get(name).cloned().unwrap_or_default();
    let id = field("ID");
    let known = KNOWN.iter().find(|row| row.0 == id);
    let (name, family) = match known {
        Some((_, name, family)) => ((*name).to_owned(), (*family).to_owned()),
        // Ansible has a distribution that it does not know be a family of its own.
        None if id.is_empty() => ("Linux".to_owned(), "Linux".to_owned()),
        None => {
            let name = field("NAME").split_whitespace().next().unwrap_or_default().to_owned();
            (name.clone(), name)
        }
    };
    let mut version = field("VERSION_ID");
    let mut out = Map::new();
    if id == "debian" {
        // os-release has the major version only.
        if let Some(point) = sight.text("/etc/debian_version").filter(|t| t.starts_with(|c: char| c.is_ascii_digit())) {
            if let Some((_, minor)) = point.split_once('.') {
                out.insert(Key::from("distribution_minor_version"), minor.into());
            }
            version = point;
        }
    }
    if id == "amzn" {
        let minor = version.split_once('.').map_or("NA", |(_, minor)| minor).to_owned();
        out.insert(Key::from("distribution_minor_version"), minor.into());
    }
    let bracketed = field("VERSION").split_once('(').map(|(_, rest)| rest.trim_end_matches(')').to_owned());
    let codename = match field("VERSION_CODENAME") {
        text if !text.is_empty() => text,
        _ => bracketed.filter(|text| !text.is_empty()).unwrap_or_else(|| "NA".into()),
    };
    let (path, variety) = match family.as_str() {
        "RedHat" if id != "amzn" => ("/etc/redhat-release", "RedHat"),
        "RedHat" => ("/etc/os-release", "Amazon"),
        "Debian" => ("/etc/os-release", "Debian"),
        _ => ("/etc/os-release", name.as_str()),
    };
    out.extend(facts([
        ("distribution", name.as_str().into()),
        ("distribution_version", version.as_str().into()),
        ("distribution_major_version", version.split('.').next().unwrap_or_default().into()),
        ("distribution_release", codename.into()),
        ("distribution_file_path", path.into()),
        ("distribution_file_variety", variety.into()),
        ("distribution_file_parsed", Value::Bool(true)),
        ("os_family", family.into()),
    ]));
    out
}

/// What `lsb_release` says, or the file that it reads.
pub(super) fn lsb(sight: &Sight<'_>) -> Map {
    let mut found: Vec<(&str, String)> = Vec::new();
    if let Some(text) = sight.says(&["lsb_release", "-a"]) {
        for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let name = match key {
                "Distributor ID" => "id",
                "Description" => "description",
                "Release" => "release",
                "Codename" => "codename",
                _ => continue,
            };
            found.push((name, value.trim().to_owned()));
        }
    } else {
        for (key, value) in sight.lines("/etc/lsb-release").iter().filter_map(|line| line.split_once('=')) {
            let name = match key {
                "DISTRIB_ID" => "id",
                "DISTRIB_DESCRIPTION" => "description",
                "DISTRIB_RELEASE" => "release",
                "DISTRIB_CODENAME" => "codename",
                _ => continue,
            };
            found.push((name, value.trim_matches('"').to_owned()));
        }
    }
    if let Some((_, release)) = found.iter().find(|(name, _)| *name == "release") {
        found.push(("major_release", release.split('.').next().unwrap_or_default().to_owned()));
    }
    facts([("lsb", Value::map(found.into_iter().map(|(name, value)| (name, Value::from(value)))))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Linux;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests set the stage")]
    fn distributions_are_named_as_ansible_names_them() {
        let rows = [
            ("ID=ubuntu\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble\n", "Ubuntu", "24", "noble", "Debian"),
            ("ID=\"rhel\"\nVERSION_ID=\"9.4\"\nVERSION=\"9.4 (Plow)\"\n", "RedHat", "9", "Plow", "RedHat"),
            ("ID=\"amzn\"\nVERSION_ID=\"2023\"\nVERSION=\"2023\"\n", "Amazon", "2023", "NA", "RedHat"),
        ];
        for (text, name, major, codename, family) in rows {
            let root = tempfile::tempdir().expect("a directory");
            std::fs::create_dir(root.path().join("etc")).expect("etc");
            std::fs::write(root.path().join("etc/os-release"), text).expect("os-release");
            let host = Linux::new(root.path()).expect("a host");
            let facts = gather(&Sight { host: &host, environment: &[], directory: "" });
            let fact = |key: &str| facts.get(&Key::from(key)).and_then(|v| v.as_str().map(str::to_owned));
            assert_eq!(fact("distribution").as_deref(), Some(name));
            assert_eq!(fact("distribution_major_version").as_deref(), Some(major));
            assert_eq!(fact("distribution_release").as_deref(), Some(codename));
            assert_eq!(fact("os_family").as_deref(), Some(family));
        }
    }
}
