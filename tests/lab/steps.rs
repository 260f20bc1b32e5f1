//! What the lab proves, step by step.

use crate::Bench;
use crate::aws::{self, INSTANCE};
use crate::container::{Disk, Machine, until};
use crate::forge::Forge;
use crate::image::bake;
use crate::peers::{MINISTACK, MOTO, Peers};
use crate::registry::{self, Registry};
use std::process::Command;
use std::time::Duration;

/// A step's name and what it does.
pub type Step = (&'static str, fn(&Bench));

/// All steps, in order.
pub const STEPS: &[Step] = &[
    ("the packaged unit boots a host, again after a reboot, and a killed run is reported", boots),
    ("the same boot passes against moto and MiniStack", peers),
    ("a release comes from Debian's docker-registry by the fallback tag, and not without it", registry),
];

const LIMIT: Duration = Duration::from_secs(90);

fn boots(bench: &Bench) {
    let forge = Forge::new(&bench.work, &support::source().join("tests/lab/tree"));
    let aws = aws::start(&forge, INSTANCE);
    let disk = Disk::new(&bench.root, &bench.work, "disk");
    bake(bench, &disk, &forge, &aws.endpoint_url());

    // First boot: the unit runs, the service comes up, the signal arrives.
    let machine = Machine::boot(&disk);
    machine.wait_for(&["systemctl", "is-active", "muster-boot.service"], "active", LIMIT);
    assert_eq!(machine.text(&["systemctl", "is-active", "lab-web.service"]), "active");
    assert_eq!(machine.text(&["cat", "/etc/lab-web.conf"]), "environment=lab");
    let units = "systemd-analyze verify /usr/lib/systemd/system/muster-* 2>&1 && echo sound";
    assert_eq!(machine.text(&["sh", "-c", units]), "sound");
    let signals = aws.signals();
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert!(signals[0].success && signals[0].unique_id == INSTANCE, "{signals:?}");
    assert_eq!(aws.stack(aws::STACK).unwrap().status, "CREATE_COMPLETE");
    no_secret_is_left(&machine, &disk, &forge);
    // Converged again: nothing changes.
    let again = machine.run(&["muster", "converge", "--json"]);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.status.success(), "{said}{}", String::from_utf8_lossy(&again.stderr));
    assert!(said.contains("\"changed\":0"), "{said}");
    machine.power_off();

    // Second boot: converge is skipped, and it says so.
    let machine = Machine::boot(&disk);
    machine.wait_for(&["systemctl", "is-active", "muster-boot.service"], "active", LIMIT);
    assert_eq!(machine.text(&["systemctl", "is-active", "lab-web.service"]), "active");
    let journal = machine.journal();
    assert!(journal.contains("already"), "{journal}");
    assert_eq!(aws.signals().len(), 1, "a second boot signals nothing new");
    machine.power_off();
    drop(aws);

    // Third boot, as another instance of the same image: killed in the middle, and the failure is signalled.
    forge.change("roles/web/tasks/slow.yml", "- name: take a while\n  command: sleep 61\n");
    let aws = aws::start(&forge, "i-0bbbbbbbbbbbbbbbb");
    bake(bench, &disk, &forge, &aws.endpoint_url());
    let machine = Machine::boot(&disk);
    until("the slow task", LIMIT, || machine.run(&["pgrep", "-f", "^sleep 61"]).status.success().then_some(()));
    let main = machine.text(&["systemctl", "show", "--property=MainPID", "--value", "muster-boot.service"]);
    machine.run(&["kill", "-KILL", &main]);
    until("the failure signal", LIMIT, || (!aws.signals().is_empty()).then_some(()));
    let signals = aws.signals();
    assert!(!signals[0].success && signals[0].unique_id == "i-0bbbbbbbbbbbbbbbb", "{signals:?}");
    machine.power_off();
}

/// Metadata is the emulator's, because neither peer has a strict one; everything else is theirs.
fn peers(bench: &Bench) {
    let bench = &Bench { work: bench.work.join("peers"), ..bench.clone() };
    std::fs::create_dir_all(&bench.work).unwrap();
    let forge = Forge::new(&bench.work, &support::source().join("tests/lab/tree"));
    let peers = Peers::start(bench, &forge.deploy_key_file());
    let aws = aws::start(&forge, INSTANCE);
    let disk = Disk::new(&bench.root, &bench.work, "disk");
    bake(bench, &disk, &forge, MOTO);
    let settings = format!(
        "roles: [files]\n\
         repository:\n  url: {url}\n  deploy_key: {{secret: platform/deploy-key}}\n\
         trust: {{realm: lab}}\n\
         parameters: {{paths: [/platform]}}\n\
         network: {{endpoint_url: \"{MOTO}\", endpoints: {{cloudformation: \"{MINISTACK}\"}}}}\n\
         signal: {{cloudformation: {{stack: lab, resource: {resource}}}}}\n\
         deadline: 2m\n",
        url = forge.url(),
        resource = aws::RESOURCE,
    );
    disk.put("etc/muster/muster.yaml", settings, 0o644);
    let mut boot = Command::new(disk.root.join("usr/bin/muster"));
    crate::container::run(boot.arg("boot").arg("--root").arg(&disk.root));
    assert_eq!(disk.read("/etc/account.conf"), "environment=lab\n");
    assert_eq!(disk.read("/etc/account.token"), "s3cr3t-t0ken-of-the-lab");
    assert_eq!(Peers::stack_status(bench), "CREATE_COMPLETE");
    assert_eq!(aws.count("ssm", "GetParametersByPath"), 0, "the emulator was asked for nothing but metadata");
    drop(peers);
}

/// The registry lists nothing of itself: what signs an image is under the tag that is its digest.
fn registry(bench: &Bench) {
    if !Registry::is_installed() {
        println!("SKIPPED lab: docker-registry is not installed");
        return;
    }
    let bench = &Bench { work: bench.work.join("oci"), ..bench.clone() };
    std::fs::create_dir_all(&bench.work).unwrap();
    let forge = Forge::new(&bench.work, &support::source().join("tests/lab/tree"));
    let registry = Registry::start(&bench.work);
    let keys = bench.work.join("trust.d/lab/keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::copy(registry.public_key(), keys.join("release.pem")).unwrap();
    std::fs::write(keys.with_file_name("policy.yaml"), "releases: {unlogged: [release]}\n").unwrap();
    let aws = aws::start(&forge, INSTANCE);
    let disk = Disk::new(&bench.root, &bench.work, "disk");
    bake(bench, &disk, &forge, &aws.endpoint_url());
    let settings = format!(
        "roles: [files]\n\
         repository:\n  url: {url}\n  deploy_key: {{secret: platform/deploy-key}}\n\
         trust: {{realm: lab}}\n\
         parameters: {{paths: [/platform]}}\n\
         network: {{endpoint_url: \"{endpoint}\"}}\n\
         releases:\n  - {{app: shop, channel: stable, source: \"oci://{host}/{name}:{{channel}}\", destination: /usr/local/bin/shop}}\n\
         deadline: 2m\n",
        url = forge.url(),
        endpoint = aws.endpoint_url(),
        host = registry::HOST,
        name = registry::NAME,
    );
    disk.put("etc/muster/muster.yaml", settings, 0o644);
    let boot = || {
        let mut boot = Command::new(disk.root.join("usr/bin/muster"));
        boot.args(["boot", "--again", "--root"]).arg(&disk.root).output().unwrap()
    };
    let signed = registry.push("1.0.0", "shop 1.0.0\n");
    registry.sign(&signed);
    let first = boot();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(disk.read("/usr/local/bin/shop"), "shop 1.0.0\n");
    // Pushed, and signed by nobody: what runs goes on.
    let next = registry.push("2.0.0", "shop 2.0.0\n");
    let refused = boot();
    let said = format!("{}{}", String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
    assert!(!refused.status.success() && said.contains("the 0 bundles that refer to it"), "{said}");
    assert_eq!(disk.read("/usr/local/bin/shop"), "shop 1.0.0\n");
    registry.sign(&next);
    let second = boot();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(disk.read("/usr/local/bin/shop"), "shop 2.0.0\n");
    drop(registry);
}

/// Neither the deploy key nor a secure parameter is on disk, in the journal, or in any process's arguments.
fn no_secret_is_left(machine: &Machine, disk: &Disk, forge: &Forge) {
    let key = forge.deploy_key();
    let line = key.lines().nth(1).unwrap();
    let mut places = vec![machine.text(&["journalctl", "--no-pager", "--output=export"])];
    places.push(machine.text(&["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'"]));
    places.push(machine.text(&["sh", "-c", "find /var/lib/muster /run/muster /tmp /var/tmp -type f -exec cat {} +"]));
    for place in places {
        assert!(!place.contains(line), "a line of the deploy key was found");
        assert!(!place.contains("s3cr3t-t0ken-of-the-lab"), "a secure parameter was found");
    }
    assert!(disk.read("/etc/lab-web.token").contains("s3cr3t-t0ken-of-the-lab"), "where the role put it, it is");
}
