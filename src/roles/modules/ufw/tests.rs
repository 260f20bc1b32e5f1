//! What ufw is asked, over a scripted machine.

use crate::roles::modules::fake::{Fake, changes, follow, plan};
use serde_json::json;

const SSH: &str = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";
const SSH6: &str = "### tuple ### allow tcp 22 ::/0 any ::/0 in\n";

fn machine(status: &str) -> Fake {
    Fake::default()
        .file("/usr/bin/ufw", "")
        .file("/etc/default/ufw", "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n")
        .file("/etc/ufw/user.rules", &format!("*filter\n{SSH}-A x\n"))
        .file("/etc/ufw/user6.rules", &format!("*filter\n{SSH6}-A x\n"))
        .answer("/usr/bin/ufw status verbose", 0, status)
}

const ACTIVE: &str = "Status: active\nLogging: on (low)\n";

fn asked(machine: &Fake, arguments: serde_json::Value) -> String {
    changes(&plan(machine, "community.general.ufw", arguments).expect("plan")).join(", ")
}

#[test]
fn a_rule_that_stands_asks_no_program() {
    let machine = machine(ACTIVE).answer("/usr/bin/ufw status verbose", 1, "");
    let plan = plan(&machine, "ufw", json!({"rule": "allow", "port": 22, "proto": "tcp"})).expect("plan");
    assert!(plan.changes.is_empty());
    let commands = plan.result.get(&crate::roles::value::Key::from("commands")).expect("commands").to_json();
    assert_eq!(commands, json!(["/usr/bin/ufw allow from any to any port 22 proto tcp"]));
}

#[test]
fn other_rules_are_tried_dry_first() {
    let line = "/usr/bin/ufw --dry-run allow in on eth0 from 10.0.0.0/8 to any port 80 proto tcp comment web ui";
    let ask = json!({"rule": "allow", "to_port": "80", "proto": "tcp", "direction": "in", "interface": "eth0",
        "src": "10.0.0.0/8", "comment": "web ui"});
    let new = format!("{SSH}### tuple ### allow tcp 80 0.0.0.0/0 any 10.0.0.0/8 in_eth0 comment=77656220756\n");
    let adds = machine(ACTIVE).answer(line, 0, &new);
    assert_eq!(asked(&adds, ask.clone()), line.replace("--dry-run ", ""));
    let skips = machine(ACTIVE).answer(line, 0, "Skipping adding existing rule\n");
    assert_eq!(asked(&skips, ask), "");
    let delete = json!({"rule": "deny", "name": "Nope", "delete": true, "route": true});
    let nothing = "Could not delete non-existent rule\nCould not delete non-existent rule (v6)\n";
    let gone = machine(ACTIVE).answer("/usr/bin/ufw --dry-run route delete deny from any to any app Nope", 0, nothing);
    assert_eq!(asked(&gone, delete), "");
}

#[test]
fn state_policy_and_logging_change_only_where_they_differ() {
    let on = machine(ACTIVE);
    let off = machine("Status: inactive\n");
    assert_eq!(asked(&on, json!({"state": "enabled", "policy": "deny"})), "");
    assert_eq!(asked(&off, json!({"state": "enabled"})), "/usr/bin/ufw -f enable");
    assert_eq!(asked(&on, json!({"state": "reloaded"})), "/usr/bin/ufw -f reload");
    assert_eq!(asked(&on, json!({"default": "deny", "direction": "outgoing"})), "/usr/bin/ufw default deny outgoing");
    assert_eq!(asked(&on, json!({"default": "allow", "direction": "outgoing"})), "");
    assert_eq!(asked(&on, json!({"logging": "on"})), "");
    assert_eq!(asked(&on, json!({"logging": "full"})), "/usr/bin/ufw logging full");
}

#[test]
fn what_changed_is_seen_by_looking_again() {
    let first = plan(&machine("Status: inactive\n"), "ufw", json!({"state": "enabled"})).expect("plan");
    let second = follow(first, &machine(ACTIVE), &[(0, "", "")]).expect("second");
    assert_eq!(second.changed, Some(true));
    let same = plan(&machine(ACTIVE), "ufw", json!({"default": "reject"})).expect("plan");
    assert_eq!(follow(same, &machine(ACTIVE), &[(0, "", "")]).expect("second").changed, Some(false));
    let failed = plan(&machine(ACTIVE), "ufw", json!({"state": "reset"})).expect("plan");
    let failed = follow(failed, &machine(ACTIVE), &[(1, "", "ERROR: no\n")]).err().expect("failed");
    assert_eq!(failed.message, "ERROR: no\n");
}

#[test]
fn a_rule_is_inserted_where_rules_are() {
    let listing = "Status: active\n\n[ 1] 22/tcp ALLOW IN Anywhere\n[ 2] 22/tcp (v6) ALLOW IN Anywhere (v6)\n";
    let ask = json!({"rule": "deny", "insert": 0, "insert_relative_to": "first-ipv6", "src": "fe80::1"});
    let line = "/usr/bin/ufw insert 2 deny from fe80::1 to any";
    let machine = machine(ACTIVE).answer("/usr/bin/ufw status numbered", 0, listing).answer(
        &line.replace("ufw ", "ufw --dry-run "),
        0,
        &format!("### tuple ### deny any any ::/0 any fe80::1 in\n{SSH6}"),
    );
    assert_eq!(asked(&machine, ask), line);
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    let refused = |arguments| plan(&machine(ACTIVE), "ufw", arguments).err().expect("refused").message;
    assert!(refused(json!({"port": "22"})).contains("one of the following is required"));
    assert!(refused(json!({"rule": "allow", "interface": "eth0"})).contains("required by 'interface'"));
    assert!(refused(json!({"default": "deny", "direction": "in"})).contains("For default"));
    assert!(refused(json!({"rule": "allow", "direction": "routed"})).contains("For rules"));
}
