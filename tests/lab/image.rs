//! The image: the binary with its trust root, the units and the settings, baked as a golden AMI is.

use crate::Bench;
use crate::container::{Disk, run};
use crate::forge::Forge;
use std::process::Command;

/// Bakes muster into a disk.
pub fn bake(bench: &Bench, disk: &Disk, forge: &Forge, endpoint: &str) {
    let trust = bench.work.join("trust.d");
    forge.realm(&trust.join("lab"));
    let binary = disk.root.join("usr/bin/muster");
    let mut embed = Command::new(&bench.muster);
    run(embed.args(["trust", "embed"]).arg(&trust).arg("-o").arg(&binary));
    let units = support::source().join("systemd");
    for entry in std::fs::read_dir(units).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        disk.put(&format!("usr/lib/systemd/system/{name}"), std::fs::read(entry.path()).unwrap(), 0o644);
    }
    run(Command::new("systemctl").arg("--root").arg(&disk.root).args(["enable", "muster-boot.service"]));
    disk.put("etc/muster/muster.yaml", settings(forge, endpoint), 0o644);
}

fn settings(forge: &Forge, endpoint: &str) -> String {
    format!(
        "roles: [web]\n\
         repository:\n  url: {url}\n  deploy_key: {{secret: platform/deploy-key}}\n\
         trust: {{realm: lab}}\n\
         parameters: {{paths: [/platform]}}\n\
         network: {{endpoint_url: \"{endpoint}\"}}\n\
         health:\n  - {{unit: lab-web.service, deadline: 30s, interval: 200ms}}\n  - {{file: /run/lab-web.ready, deadline: 30s, interval: 200ms}}\n\
         signal: {{instance_health: true}}\n\
         deadline: 5m\n",
        url = forge.url(),
    )
}
