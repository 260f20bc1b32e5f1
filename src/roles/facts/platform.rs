//! The machine's names, the user, the environment, the time.

use super::sight::{Sight, facts, int};
use crate::roles::value::{Key, Map, Value};

pub(super) const NAMES: &[&str] = &[
    "system",
    "kernel",
    "kernel_version",
    "machine",
    "architecture",
    "userspace_architecture",
    "userspace_bits",
    "hostname",
    "nodename",
    "fqdn",
    "domain",
    "machine_id",
    "is_chroot",
];
pub(super) const USER: &[&str] = &[
    "user_id",
    "user_uid",
    "user_gid",
    "user_gecos",
    "user_dir",
    "user_shell",
    "real_user_id",
    "effective_user_id",
    "real_group_id",
    "effective_group_id",
];

/// The processor's architecture as the kernel names it. The program runs on the machine that it describes.
fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i686",
        other => other,
    }
}

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let node = sight.text("/proc/sys/kernel/hostname").or_else(|| sight.text("/etc/hostname"));
    let node = node.unwrap_or_else(|| "localhost".into());
    let full = full_name(sight, &node);
    let domain = full.split_once('.').map_or("", |(_, domain)| domain).to_owned();
    let bits = if machine().contains("64") { "64" } else { "32" };
    let mut out = facts([
        ("system", "Linux".into()),
        ("machine", machine().into()),
        ("architecture", machine().into()),
        ("userspace_bits", bits.into()),
        ("nodename", node.as_str().into()),
        ("hostname", node.split('.').next().unwrap_or_default().into()),
        ("fqdn", full.into()),
        ("domain", domain.into()),
        ("is_chroot", Value::Bool(false)),
    ]);
    if machine() == "x86_64" {
        out.insert(Key::from("userspace_architecture"), "x86_64".into());
    }
    let files = [("kernel", "/proc/sys/kernel/osrelease"), ("kernel_version", "/proc/sys/kernel/version")];
    for (name, path) in files {
        out.extend(sight.text(path).map(|text| (Key::from(name), text.into())));
    }
    let id = sight.text("/var/lib/dbus/machine-id").or_else(|| sight.text("/etc/machine-id"));
    out.extend(id.and_then(|id| id.lines().next().map(|line| (Key::from("machine_id"), line.into()))));
    out
}

/// The first name with a domain that `/etc/hosts` has beside the host's own.
fn full_name(sight: &Sight<'_>, node: &str) -> String {
    if node.contains('.') {
        return node.to_owned();
    }
    for line in sight.lines("/etc/hosts") {
        let line = line.split('#').next().unwrap_or_default();
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        if names.contains(&node) {
            let best = names.iter().find(|name| name.contains('.')).or_else(|| names.first());
            return (*best.unwrap_or(&node)).to_owned();
        }
    }
    node.to_owned()
}

pub(super) fn user(sight: &Sight<'_>) -> Map {
    let uid = nix::unistd::getuid().as_raw();
    let gid = nix::unistd::getgid().as_raw();
    let mut out = facts([
        ("real_user_id", int(uid)),
        ("effective_user_id", int(nix::unistd::geteuid().as_raw())),
        ("real_group_id", int(gid)),
        ("effective_group_id", int(gid)),
    ]);
    if let Ok(Some(entry)) = sight.host.user(&uid.to_string()) {
        out.extend(facts([
            ("user_id", entry.name.into()),
            ("user_uid", int(entry.uid)),
            ("user_gid", int(entry.gid)),
            ("user_gecos", entry.gecos.into()),
            ("user_dir", entry.home.into()),
            ("user_shell", entry.shell.into()),
        ]));
    }
    out
}

pub(super) fn environment(sight: &Sight<'_>) -> Map {
    facts([("env", Value::map(sight.environment.iter().map(|(name, value)| (name, value.as_str().into()))))])
}

pub(super) fn date_time(_: &Sight<'_>) -> Map {
    let now = jiff::Zoned::now();
    let utc = now.with_time_zone(jiff::tz::TimeZone::UTC);
    let micros = format!("{:06}", now.subsec_nanosecond() / 1000);
    let part = |format: &str| Value::from(now.strftime(format).to_string());
    let epoch = now.timestamp().as_second().to_string();
    let members = [
        ("year", part("%Y")),
        ("month", part("%m")),
        ("weekday", part("%A")),
        ("weekday_number", part("%w")),
        ("weeknumber", part("%W")),
        ("day", part("%d")),
        ("hour", part("%H")),
        ("minute", part("%M")),
        ("second", part("%S")),
        ("epoch", epoch.as_str().into()),
        ("epoch_int", epoch.as_str().into()),
        ("date", part("%Y-%m-%d")),
        ("time", part("%H:%M:%S")),
        ("iso8601_micro", format!("{}.{micros}Z", utc.strftime("%Y-%m-%dT%H:%M:%S")).into()),
        ("iso8601", utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()),
        ("iso8601_basic", format!("{}{micros}", now.strftime("%Y%m%dT%H%M%S")).into()),
        ("iso8601_basic_short", part("%Y%m%dT%H%M%S")),
        ("tz", part("%Z")),
        ("tz_dst", part("%Z")),
        ("tz_offset", part("%z")),
    ];
    facts([("date_time", Value::map(members))])
}
