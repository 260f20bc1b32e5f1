//! What apt is asked, over a scripted machine.

use crate::roles::modules::fake::{Fake, changes, follow, plan};
use crate::roles::value::{Key, Value};
use serde_json::json;

const OPTIONS: &str =
    "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=600";

fn machine() -> Fake {
    let status = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
                  Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10\n\n\
                  Package: exim\nStatus: install ok installed\nArchitecture: amd64\nVersion: 4\nProvides: mta\n\n\
                  Package: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 3\n";
    let table = |name: &str, installed: &str| {
        format!(
            "{name}:\n  Installed: {installed}\n  Candidate: 7.88.1-11\n  Version table:\n     7.88.1-11 500\n        \
             500 http://x bookworm/main\n     7.88.1-10 500\n        100 /var/lib/dpkg/status\n"
        )
    };
    Fake::default()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/old.list", "/etc/old\n")
        .file("/var/lib/apt/extended_states", "Package: exim\nAuto-Installed: 1\n\nPackage: curl\nAuto-Installed: 0\n")
        .file("/var/lib/apt/lists/x", "")
        .answer("apt-cache policy curl", 0, &table("curl", "7.88.1-10"))
        .answer("apt-cache policy jq", 0, &table("jq", "(none)"))
        .answer("apt-cache policy nope", 0, "")
        .answer("apt-cache showpkg nope", 0, "")
        .answer("apt-cache policy mta", 0, "mta:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n")
        .answer("apt-cache showpkg mta", 0, "Package: mta\nReverse Provides: \nexim 4 (= )\n")
        .answer("apt-cache pkgnames", 0, "curl\ncurlie\nexim\n")
}

fn asked(arguments: serde_json::Value) -> String {
    let lines = changes(&plan(&machine(), "apt", arguments).expect("plan"));
    lines.join(", ").replace(OPTIONS, "OPTIONS")
}

#[test]
fn only_what_lacks_is_installed() {
    assert_eq!(asked(json!({"name": ["curl", "jq"]})), "apt-get -y OPTIONS install jq=7.88.1-11");
    assert_eq!(asked(json!({"name": "curl"})), "");
    assert_eq!(asked(json!({"name": "curl=7.88.1-10"})), "");
    assert_eq!(asked(json!({"name": "curl>=7.80"})), "");
    assert_eq!(asked(json!({"name": "curl=7.88.1-11"})), "apt-get -y OPTIONS install curl=7.88.1-11");
    assert_eq!(asked(json!({"name": "curl=7.88*"})), "apt-get -y OPTIONS install curl=7.88*");
    assert_eq!(asked(json!({"name": "curl", "state": "latest"})), "apt-get -y OPTIONS install curl=7.88.1-11");
    assert_eq!(
        asked(json!({"name": "jq", "install_recommends": false, "allow_downgrade": true})),
        "apt-get -y OPTIONS install jq=7.88.1-11 -o APT::Install-Recommends=no --allow-downgrades"
    );
    assert_eq!(asked(json!({"name": "jq", "only_upgrade": true})), "");
}

#[test]
fn virtual_and_automatic_packages() {
    assert_eq!(asked(json!({"name": "mta"})), "");
    let marked = plan(&machine(), "apt", json!({"name": "exim"})).expect("plan");
    assert_eq!((changes(&marked), marked.changed), (vec!["apt-mark manual exim".to_owned()], Some(false)));
}

#[test]
fn what_is_not_to_be_had_is_named() {
    let failed = |arguments| plan(&machine(), "apt", arguments).err().expect("failed").message;
    assert_eq!(failed(json!({"name": "nope"})), "No package matching 'nope' is available");
    assert_eq!(failed(json!({"name": "jq=9"})), "no available installation candidate for jq=9");
    assert_eq!(failed(json!({"name": "x*"})), "No package(s) matching 'x*' available");
    assert!(failed(json!({"name": "a=1=2"})).contains("invalid package spec"));
    assert!(failed(json!({"name": "a", "upgrade": "dist"})).contains("mutually exclusive"));
}

#[test]
fn packages_are_removed_and_purged() {
    assert_eq!(asked(json!({"name": ["curl", "nope"], "state": "absent"})), "apt-get -y OPTIONS -q remove curl");
    assert_eq!(asked(json!({"name": "old", "state": "absent"})), "");
    assert_eq!(
        asked(json!({"name": "old", "state": "absent", "purge": true})),
        "apt-get -y OPTIONS -q --purge remove old"
    );
    assert_eq!(asked(json!({"name": "cur*", "state": "absent"})), "apt-get -y OPTIONS -q remove curl");
}

#[test]
fn lists_are_fetched_when_old_and_tried_again() {
    let machine = machine();
    let first = plan(&machine, "apt", json!({"name": "jq", "update_cache": true})).expect("plan");
    assert_eq!(first.changed, Some(false));
    let again = follow(first, &machine, &[(100, "", "E: no network")]).expect("again");
    assert_eq!(changes(&again).len(), 2);
    let second = follow(again, &machine, &[(0, "", "")]).expect("second");
    assert!(changes(&second)[0].ends_with("install jq=7.88.1-11"));
    let done = follow(second, &machine, &[(0, "did it", "")]).expect("done");
    assert_eq!(done.changed, Some(true));
    let once = json!({"update_cache": true, "update_cache_retries": 1});
    let failed = follow(plan(&machine, "apt", once).expect("plan"), &machine, &[(100, "", "E: no network")]);
    assert!(failed.err().expect("failed").message.ends_with("after 1 retries: E: no network"));
}

#[test]
fn an_upgrade_is_simulated_first() {
    let line = "apt-get --simulate -y OPTIONS dist-upgrade".replace("OPTIONS", OPTIONS);
    let idle =
        machine().answer(&line, 0, "Reading...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n");
    let nothing = plan(&idle, "apt", json!({"upgrade": "dist"})).expect("plan");
    assert!(nothing.changes.is_empty() && nothing.changed == Some(false));
    let busy = machine().answer(&line, 0, "Reading...\n1 upgraded, 0 newly installed, 0 to remove.\n");
    let upgrade = plan(&busy, "apt", json!({"upgrade": "dist"})).expect("plan");
    assert_eq!(changes(&upgrade), [line.replace("--simulate ", "")]);
    let failed = follow(upgrade, &busy, &[(100, "out", "E: broken")]).err().expect("failed");
    assert!(failed.message.ends_with("failed: E: broken"));
    assert_eq!(failed.result.get(&Key::from("rc")), Some(&Value::Int(100)));
}

#[test]
fn services_are_held_back_meanwhile() {
    let plan = plan(&machine(), "apt", json!({"name": "jq", "policy_rc_d": 101})).expect("plan");
    let lines = changes(&plan);
    assert_eq!((lines[0].as_str(), lines[2].as_str()), ("write /usr/sbin/policy-rc.d", "remove /usr/sbin/policy-rc.d"));
}
