//! A full disk and a read-only one, for real, in a mount namespace of the test's own.

use crate::apart::{in_namespace, mount};
use crate::stage::{Plan, Stage};
use muster::boot::{Mode, boot};
use muster::failure::Stage as At;

const TASKS: &str = r#"
- name: first
  copy: {dest: /etc/first, content: "first\n", mode: "0644"}
  notify: told
- name: big
  copy: {dest: /etc/app/big.conf, content: "{{ 'x' * 200000 }}", mode: "0644"}
- name: last
  copy: {dest: /etc/last, content: "last\n", mode: "0644"}
"#;

/// One role that writes below `/etc/app`, where something stands already.
fn set() -> Stage {
    let mut plan = Plan::new().unwrap();
    plan.tree = plan.tree.file("roles/disk/tasks/main.yml", TASKS).file(
        "roles/disk/handlers/main.yml",
        "- name: told\n  copy: {dest: /etc/told, content: \"told\\n\", mode: \"0644\"}\n",
    );
    plan.replace.push(("roles: [common, \"{{ tags.role }}\"]".into(), "roles: [disk]".into()));
    plan.replace.push(("/etc/web.conf, contains: \"port=8080\"".into(), "/etc/last".into()));
    let stage = plan.set().unwrap();
    stage.put("root/etc/app/keep", "");
    stage
}

/// The failure names its file and cause; what was done is named, what was there is whole, what is due is kept.
fn fails_whole(stage: &Stage, cause: &str) {
    let failure = stage.boot(false).unwrap_err();
    let said = failure.to_string();
    assert_eq!(failure.stage, At::Converge, "{said}");
    assert!(said.contains("/etc/app/big.conf") && said.contains(cause), "{said}");
    assert_eq!(stage.read("/etc/app/big.conf"), "old\n", "the previous content is intact");
    let names: Vec<_> = std::fs::read_dir(stage.root().join("etc/app")).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
    assert_eq!((stage.read("/etc/first").as_str(), stage.read("/etc/last").as_str()), ("first\n", ""));
    let record = stage.newest();
    assert!(record.changes.iter().any(|change| change.contains("first")), "{:?}", record.changes);
    assert!(stage.read("/var/lib/muster/handlers.json").contains("told"));
    assert!(!stage.aws.signals()[0].success);
}

fn next_run_finishes(stage: &Stage) {
    boot(&stage.request(Mode::Boot)).unwrap();
    assert_eq!(stage.read("/etc/app/big.conf").len(), 200_000);
    assert_eq!((stage.read("/etc/last").as_str(), stage.read("/etc/told").as_str()), ("last\n", "told\n"));
}

#[test]
fn a_full_disk_tears_nothing() {
    if !in_namespace("disks::a_full_disk_tears_nothing") {
        return;
    }
    let stage = set();
    let app = stage.root().join("etc/app").display().to_string();
    mount(&["-t", "tmpfs", "-o", "size=64k", "none", &app]);
    stage.put("root/etc/app/big.conf", "old\n");
    fails_whole(&stage, "No space left on device");
    mount(&["-o", "remount,size=1m", &app]);
    next_run_finishes(&stage);
}

#[test]
fn a_read_only_disk_tears_nothing() {
    if !in_namespace("disks::a_read_only_disk_tears_nothing") {
        return;
    }
    let stage = set();
    let app = stage.root().join("etc/app").display().to_string();
    mount(&["-t", "tmpfs", "-o", "size=1m", "none", &app]);
    stage.put("root/etc/app/big.conf", "old\n");
    mount(&["--bind", &app, &app]);
    mount(&["-o", "remount,bind,ro", &app]);
    fails_whole(&stage, "Read-only file system");
    mount(&["-o", "remount,bind,rw", &app]);
    next_run_finishes(&stage);
}
