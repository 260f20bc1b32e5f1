//! What manages packages and services, and how the system is set up.

use super::sight::{Sight, facts, int};
use crate::roles::value::{Key, Map, Value};

pub(super) const CAPABILITIES: &[&str] = &["system_capabilities", "system_capabilities_enforced"];

pub(super) fn package_manager(sight: &Sight<'_>) -> Map {
    let managers = [
        ("/usr/bin/apt-get", "apt"),
        ("/usr/bin/yum", "yum"),
        ("/usr/bin/zypper", "zypper"),
        ("/usr/bin/pacman", "pacman"),
        ("/sbin/apk", "apk"),
    ];
    let dnf = sight.exists("/usr/bin/dnf").then(|| {
        let five = sight.link("/usr/bin/dnf").is_some_and(|target| target.ends_with("dnf5"));
        if five { "dnf5" } else { "dnf" }
    });
    let found = managers.iter().find(|(path, _)| sight.exists(path)).map(|(_, name)| *name);
    // Debian can have dnf installed, and the Red Hat family apt.
    let debian = sight.exists("/etc/debian_version");
    let name = if debian { found.or(dnf) } else { dnf.or(found) };
    facts([("pkg_mgr", name.unwrap_or("unknown").into())])
}

pub(super) fn service_manager(sight: &Sight<'_>) -> Map {
    let first = sight.text("/proc/1/comm").or_else(|| sight.link("/sbin/init"));
    let first = first.and_then(|name| name.rsplit('/').next().map(str::to_owned));
    let first = first.filter(|name| name != "init" && !name.ends_with("sh"));
    let systemd = || {
        let canary = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"];
        canary.iter().any(|path| sight.exists(path))
    };
    let offline = || sight.link("/sbin/init").is_some_and(|target| target.ends_with("systemd"));
    let name = match first.as_deref() {
        Some("procd") => "openwrt_init".to_owned(),
        Some("runit-init") => "runit".to_owned(),
        Some("svscan") => "svc".to_owned(),
        Some("openrc-init") => "openrc".to_owned(),
        Some(other) => other.to_owned(),
        None if systemd() || offline() => "systemd".to_owned(),
        None if sight.exists("/sbin/openrc") => "openrc".to_owned(),
        None if sight.exists("/etc/init.d/") => "sysvinit".to_owned(),
        None => "service".to_owned(),
    };
    facts([("service_mgr", name.into())])
}

pub(super) fn selinux(sight: &Sight<'_>) -> Map {
    let present = ("selinux_python_present", Value::Bool(true));
    if !sight.exists("/sys/fs/selinux/enforce") {
        return facts([("selinux", Value::map([("status", Value::from("disabled"))])), present]);
    }
    let config = sight.lines("/etc/selinux/config");
    let set = |name: &str| {
        let line = config.iter().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        line.map_or("unknown", str::trim).to_lowercase()
    };
    let enforcing = sight.text("/sys/fs/selinux/enforce").as_deref() == Some("1");
    let version = sight.text("/sys/fs/selinux/policyvers").and_then(|text| text.parse::<i64>().ok());
    let members = [
        ("status", Value::from("enabled")),
        ("policyvers", version.map_or_else(|| "unknown".into(), Value::Int)),
        ("config_mode", set("SELINUX").into()),
        ("mode", if enforcing { "enforcing" } else { "permissive" }.into()),
        ("type", set("SELINUXTYPE").into()),
    ];
    facts([("selinux", Value::map(members)), present])
}

pub(super) fn apparmor(sight: &Sight<'_>) -> Map {
    let status = if sight.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    facts([("apparmor", Value::map([("status", Value::from(status))]))])
}

pub(super) fn fips(sight: &Sight<'_>) -> Map {
    facts([("fips", Value::Bool(sight.text("/proc/sys/crypto/fips_enabled").as_deref() == Some("1")))])
}

pub(super) fn capabilities(sight: &Sight<'_>) -> Map {
    let Some(text) = sight.says(&["capsh", "--print"]) else {
        return facts([("system_capabilities", Value::list([])), ("system_capabilities_enforced", "N/A".into())]);
    };
    let current = text.lines().find_map(|line| line.strip_prefix("Current:")).unwrap_or_default().trim();
    if current == "=ep" {
        return facts([("system_capabilities", Value::list([])), ("system_capabilities_enforced", "False".into())]);
    }
    let listed = current.split('=').nth(1).unwrap_or_default();
    facts([
        ("system_capabilities", Value::list(listed.split(',').map(|name| Value::from(name.trim())))),
        ("system_capabilities_enforced", "True".into()),
    ])
}

pub(super) fn dns(sight: &Sight<'_>) -> Map {
    let mut out = Map::new();
    for line in sight.lines("/etc/resolv.conf") {
        let mut words = line.split_whitespace();
        let Some(first) = words.next().filter(|word| !word.starts_with(['#', ';'])) else { continue };
        let rest: Vec<Value> = words.clone().map(Value::from).collect();
        match first {
            "nameserver" => {
                let key = Key::from("nameservers");
                let mut all = out.get(&key).and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
                all.extend(rest);
                out.insert(key, Value::list(all));
            }
            "domain" => out.extend(rest.into_iter().next().map(|domain| (Key::from("domain"), domain))),
            "search" | "sortlist" => {
                out.insert(Key::from(first), Value::list(rest));
            }
            "options" => {
                let options = words.map(|word| match word.split_once(':') {
                    Some((name, value)) if !value.is_empty() => (name, Value::from(value)),
                    _ => (word.trim_end_matches(':'), Value::Bool(true)),
                });
                out.insert(Key::from("options"), Value::map(options));
            }
            _ => {}
        }
    }
    facts([("dns", Value::Map(out.into()))])
}

pub(super) fn command_line(sight: &Sight<'_>) -> Map {
    let text = sight.text("/proc/cmdline").unwrap_or_default();
    let (mut last, mut all) = (Map::new(), Map::new());
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').map_or((word, Value::Bool(true)), |(n, v)| (n, Value::from(v)));
        let key = Key::from(name);
        // What is given several times is a list in the second form.
        let together = match (all.get(&key), &value) {
            (Some(Value::List(have)), value) => Value::list(have.iter().cloned().chain([value.clone()])),
            (Some(have), value) => Value::list([have.clone(), value.clone()]),
            (None, value) => value.clone(),
        };
        all.insert(key.clone(), together);
        last.insert(key, value);
    }
    facts([("cmdline", Value::Map(last.into())), ("proc_cmdline", Value::Map(all.into()))])
}

pub(super) fn python(sight: &Sight<'_>) -> Map {
    let Some(path) = sight.host.find_program("python3").ok().flatten() else { return Map::new() };
    let path = path.display().to_string();
    let Some(text) = sight.says(&["python3", "--version"]) else { return Map::new() };
    let version = text.trim().trim_start_matches("Python ").to_owned();
    let numbers: Vec<i64> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    let number = |at: usize| int(numbers.get(at).copied().unwrap_or(0));
    let parts = Value::map([
        ("major", number(0)),
        ("minor", number(1)),
        ("micro", number(2)),
        ("releaselevel", "final".into()),
        ("serial", Value::Int(0)),
    ]);
    let info = Value::list([number(0), number(1), number(2), "final".into(), Value::Int(0)]);
    let members = [
        ("version", parts),
        ("version_info", info),
        ("executable", path.into()),
        ("has_sslcontext", Value::Bool(true)),
        ("type", "cpython".into()),
    ];
    facts([("python", Value::map(members)), ("python_version", version.into())])
}

pub(super) fn systemd(sight: &Sight<'_>) -> Map {
    let Some(text) = sight.says(&["systemctl", "--version"]) else { return Map::new() };
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok());
    let Some(version) = version else { return Map::new() };
    let features = lines.next().unwrap_or_default();
    facts([("systemd", Value::map([("features", Value::from(features)), ("version", Value::Int(version))]))])
}

pub(super) const HOST_KEYS: &[&str] = &[
    "ssh_host_key_rsa_public",
    "ssh_host_key_rsa_public_keytype",
    "ssh_host_key_ecdsa_public",
    "ssh_host_key_ecdsa_public_keytype",
    "ssh_host_key_ed25519_public",
    "ssh_host_key_ed25519_public_keytype",
];

/// The host's public keys, as `ssh` knows it by.
pub(super) fn host_keys(sight: &Sight<'_>) -> Map {
    let mut out = Map::new();
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let Some(text) = sight.text(&format!("/etc/ssh/ssh_host_{kind}_key.pub")) else { continue };
        let mut words = text.split_whitespace();
        if let (Some(keytype), Some(key)) = (words.next(), words.next()) {
            out.insert(Key::from(format!("ssh_host_key_{kind}_public").as_str()), key.into());
            out.insert(Key::from(format!("ssh_host_key_{kind}_public_keytype").as_str()), keytype.into());
        }
    }
    out
}
