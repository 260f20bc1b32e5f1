//! Whether this is a machine, a virtual one or a container: what is found first counts, as in Ansible.

use super::sight::{Sight, facts};
use crate::roles::value::{Map, Value};
use std::collections::BTreeSet;

pub(super) const NAMES: &[&str] =
    &["virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"];

#[derive(Default)]
struct Found {
    first: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Found {
    fn guest(&mut self, name: &str) {
        self.guest.insert(name.to_owned());
        self.first.get_or_insert_with(|| (name.to_owned(), "guest"));
    }

    fn host(&mut self, name: &str) {
        self.host.insert(name.to_owned());
        self.first.get_or_insert_with(|| (name.to_owned(), "host"));
    }
}

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let mut found = Found::default();
    containers(sight, &mut found);
    machines(sight, &mut found);
    let modules: Vec<String> = sight
        .lines("/proc/modules")
        .iter()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    let loaded = |name: &str| modules.iter().any(|have| have == name);
    if loaded("kvm") {
        found.host("kvm");
    }
    if loaded("vboxdrv") {
        found.host("virtualbox");
    }
    if loaded("virtio") {
        found.host.insert("kvm".into());
        found.first.get_or_insert_with(|| ("kvm".into(), "guest"));
    }
    // Without kvm's module a device says the same.
    if sight.exists("/dev/kvm") {
        found.host("kvm");
    }
    let (kind, role) = found.first.unwrap_or_else(|| ("NA".into(), "NA"));
    let list = |names: BTreeSet<String>| Value::list(names.into_iter().map(Value::from));
    facts([
        ("virtualization_type", kind.into()),
        ("virtualization_role", role.into()),
        ("virtualization_tech_guest", list(found.guest)),
        ("virtualization_tech_host", list(found.host)),
    ])
}

fn containers(sight: &Sight<'_>, found: &mut Found) {
    for line in sight.lines("/proc/1/cgroup") {
        if line.contains("/docker/") || (line.contains("/docker-") && line.contains(".scope")) {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    for variable in sight.text("/proc/1/environ").unwrap_or_default().split('\0') {
        match variable.strip_prefix("container=") {
            Some(kind @ ("lxc" | "podman")) => found.guest(kind),
            Some(kind) if !kind.is_empty() => found.guest("container"),
            _ => {}
        }
    }
    let systemd = sight.text("/run/systemd/container");
    if let Some(kind) = &systemd {
        found.guest(kind);
    }
    if sight.exists("/.dockerenv") || sight.exists("/.dockerinit") {
        found.guest("docker");
    }
    let kinds = ["docker", "lxc", "podman", "containerd"];
    if systemd.is_some() || kinds.iter().any(|kind| found.guest.contains(*kind)) {
        found.guest.insert("container".into());
    }
}

fn machines(sight: &Sight<'_>, found: &mut Found) {
    let board = |file: &str| sight.text(&format!("/sys/devices/virtual/dmi/id/{file}")).unwrap_or_default();
    if sight.exists("/proc/xen") {
        let control = sight.text("/proc/xen/capabilities").is_some_and(|text| text.contains("control_d"));
        if control { found.host("xen") } else { found.guest("xen") }
    }
    let (product, vendor, bios) = (board("product_name"), board("sys_vendor"), board("bios_vendor"));
    match product.as_str() {
        "KVM" | "KVM Server" | "Bochs" | "AHV" | "CloudStack KVM Hypervisor" => found.guest("kvm"),
        "OpenStack Compute" | "OpenStack Nova" => found.guest("openstack"),
        name if name.starts_with("VMware") => found.guest("VMware"),
        _ => {}
    }
    match bios.as_str() {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" | "Linode" => found.guest("kvm"),
        _ => {}
    }
    match vendor.as_str() {
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => found.guest("kvm"),
        "Microsoft Corporation" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        "oVirt" | "KubeVirt" => found.guest(&vendor),
        _ => {}
    }
    if sight
        .lines("/proc/cpuinfo")
        .iter()
        .any(|line| line.starts_with("model name") && line.contains("QEMU Virtual CPU"))
    {
        found.guest("kvm");
    }
}
