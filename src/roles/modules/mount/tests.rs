//! What is written and run, over a scripted machine.

use crate::roles::modules::fake::{Fake, changes, follow, plan};
use crate::roles::modules::{Failed, Plan};
use serde_json::{Value as Json, json};

const MOUNTED: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:2 / /srv rw - ext4 /dev/sdb rw\n";

fn machine(mounts: &str) -> Fake {
    let fstab = "/dev/sda1 / ext4 defaults 0 1\n/dev/sdb /srv ext4 noatime 0 0\n";
    Fake::default().file("/etc/fstab", fstab).file("/proc/self/mountinfo", mounts).file("/srv/x", "")
}

fn ask(mounts: &str, arguments: Json) -> Result<Plan, Failed> {
    plan(&machine(mounts), "mount", arguments)
}

fn srv(state: &str, options: &str) -> Json {
    json!({"path": "/srv", "src": "/dev/sdb", "fstype": "ext4", "opts": options, "state": state})
}

/// Every step's changes, each program ending with the next code.
fn run(first: Plan, codes: &[i32]) -> Result<(Vec<String>, Option<bool>), Failed> {
    let (mut plan, mut codes, mut all, mut changed) = (first, codes.iter(), Vec::new(), None);
    loop {
        let lines = changes(&plan);
        changed = plan.changed.or(changed);
        let programs = plan.changes.iter().filter(|change| matches!(change, crate::host::Change::Run(_))).count();
        let outputs: Vec<_> = codes.by_ref().take(programs).map(|code| (*code, "", "no")).collect();
        all.extend(lines);
        if plan.next.is_none() {
            return Ok((all, changed));
        }
        plan = follow(plan, &machine(MOUNTED), &outputs)?;
    }
}

#[test]
fn an_entry_is_written_where_it_differs() {
    let same = ask(MOUNTED, srv("present", "noatime")).expect("plan");
    assert!(same.changes.is_empty() && same.changed == Some(false));
    let other = run(ask(MOUNTED, srv("present", "ro")).expect("plan"), &[]).expect("done");
    assert_eq!(other, (vec!["write /etc/fstab".into()], Some(true)));
    let off = json!({"name": "/srv", "src": "/dev/sdb", "fstype": "ext4", "opts": "noatime", "state": "present",
        "boot": false});
    let off = ask(MOUNTED, off).expect("plan");
    assert!(off.diff[0].after.as_ref().expect("after").ends_with("/dev/sdb /srv ext4 noatime,noauto 0 0\n"));
}

#[test]
fn a_mount_is_made_once_and_remounted_where_its_entry_changes() {
    let there = ask(MOUNTED, srv("mounted", "noatime")).expect("plan");
    assert!(there.changes.is_empty() && there.changed == Some(false));
    let new = run(ask("", srv("mounted", "noatime")).expect("plan"), &[0]).expect("done");
    assert_eq!(new, (vec!["mount /srv".into()], Some(true)));
    let again = run(ask(MOUNTED, srv("mounted", "ro")).expect("plan"), &[0]).expect("done");
    assert_eq!(again.0, ["write /etc/fstab", "mount -o remount /srv"]);
    let round = run(ask(MOUNTED, srv("mounted", "ro")).expect("plan"), &[32, 0, 0]).expect("done");
    assert_eq!(round.0[1..], ["mount -o remount /srv", "umount /srv", "mount /srv"]);
}

#[test]
fn a_mount_that_fails_leaves_the_old_fstab() {
    let arguments = json!({"path": "/new/dir", "src": "/dev/x", "fstype": "xfs", "state": "mounted"});
    let first = ask(MOUNTED, arguments).expect("plan");
    assert_eq!(first.changes.len(), 3, "fstab and two directories: {:?}", changes(&first));
    let mount = follow(first, &machine(MOUNTED), &[]).expect("mounts");
    assert_eq!(changes(&mount), ["mount /new/dir"]);
    let undo = follow(mount, &machine(MOUNTED), &[(32, "", "wrong fs type")]).expect("undoes");
    assert_eq!(changes(&undo), ["write /etc/fstab", "rmdir /new/dir", "rmdir /new"]);
    let failed = follow(undo, &machine(MOUNTED), &[]).err().expect("failed");
    assert_eq!(failed.message, "Error mounting /new/dir: wrong fs type");
}

#[test]
fn absence_unmounts_and_spares_what_lies_below() {
    let gone = run(ask(MOUNTED, json!({"path": "/srv", "state": "absent"})).expect("plan"), &[0, 0]).expect("done");
    assert_eq!(gone, (["write /etc/fstab", "umount /srv", "rmdir /srv"].map(str::to_owned).to_vec(), Some(true)));
    let full = run(ask("", json!({"path": "/srv", "state": "absent"})).expect("plan"), &[1]).expect_err("failed");
    assert_eq!(full.message, "Error rmdir /srv: no");
    let stays = run(ask("", json!({"path": "/srv", "state": "absent_from_fstab"})).expect("plan"), &[]).expect("done");
    assert_eq!(stays.0, ["write /etc/fstab"]);
    let never = ask(MOUNTED, json!({"path": "/other", "state": "absent"})).expect("plan");
    assert!(never.changes.is_empty() && never.changed == Some(false));
    let unmounted =
        run(ask(MOUNTED, json!({"path": "/srv", "state": "unmounted"})).expect("plan"), &[0]).expect("done");
    assert_eq!(unmounted, (vec!["umount /srv".into()], Some(true)));
    assert!(ask("", json!({"path": "/srv", "state": "unmounted"})).expect("plan").changes.is_empty());
}

#[test]
fn remounts_and_ephemeral_mounts() {
    let with = json!({"path": "/srv", "state": "remounted", "opts": "ro"});
    let refused = run(ask(MOUNTED, with).expect("plan"), &[1]).expect_err("failed");
    assert!(refused.message.starts_with("Options were specified with remounted"));
    let ephemeral = run(ask("", srv("ephemeral", "noatime")).expect("plan"), &[0]).expect("done");
    assert_eq!(ephemeral.0, ["mount -t ext4 -o noatime /dev/sdb /srv"]);
    let other = json!({"path": "/srv", "src": "/dev/other", "fstype": "ext4", "state": "ephemeral"});
    assert!(ask(MOUNTED, other).err().expect("failed").message.starts_with("Ephemeral mount point is already"));
    let lacking = ask("", json!({"path": "/srv", "state": "mounted", "src": "x"})).err().expect("refused");
    assert!(lacking.message.contains("missing: fstype"));
}
