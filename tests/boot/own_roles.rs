//! The plans of the roles that come with muster, on a machine of which nothing was done and nothing runs.

use crate::stage::{Plan, Stage};
use muster::boot::{Ended, LocalTree, Mode, Planning, Request, What, converge_tree};
use muster::failure::Failure;
use muster::roles::value::Map;
use std::path::Path;

const RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n";
const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n\n\
    Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.2p1\n";

/// A Debian, as far as its files tell.
fn debian() -> Stage {
    let mut plan = Plan::new().unwrap();
    plan.replace
        .push(("trust: {realm: production}".into(), "trust: {realm: production, unverified_trees: true}".into()));
    let stage = plan.set().unwrap();
    for (path, text) in [
        ("etc/os-release", RELEASE),
        ("etc/debian_version", "12.5\n"),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"),
        ("etc/shadow", "root:*:19000:0:99999:7:::\nadmin:$6$a$b:19000:0:99999:7:::\n"),
        ("etc/group", "root:x:0:\nsudo:x:27:admin\nadmin:x:1000:\n"),
        ("etc/ssh/sshd_config", "PasswordAuthentication no\n"),
        ("home/admin/.ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP admin\n"),
        ("var/lib/dpkg/status", STATUS),
    ] {
        stage.put(&format!("root/{path}"), text);
    }
    stage
}

/// The plan of a role, on a machine of which nothing runs.
fn plan(stage: &Stage, role: &str) -> Result<Ended, Failure> {
    let tree = LocalTree {
        path: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
        what: Some(What::Roles(vec![role.into()])),
        extra: Map::new(),
        groups: Vec::new(),
        vault: Vec::new(),
        verbosity: 0,
        host: "localhost".into(),
        host_vars: Map::new(),
        force_handlers: false,
        chroot: false,
    };
    converge_tree(&Request { planning: Planning::Plan, ..stage.request(Mode::Tree) }, &tree, &mut ())
}

#[test]
fn a_machine_without_the_agent_is_planned_and_what_depends_on_its_packages_is_decided_at_apply() {
    let stage = debian();
    let Ok(Ended::Planned { plan }) = plan(&stage, "base") else { panic!("a plan") };
    let step = |name: &str| plan.steps.iter().find(|step| step.task.ends_with(name)).map(|step| &step.undecided);
    let open = step("The agent is a package").expect("planned").as_deref();
    assert!(open.is_some_and(|why| why.contains("needs a value that is not known yet")), "{open:?}");
    assert_eq!(step("Lists of packages are new, on the Debian family"), Some(&None));
}

#[test]
fn a_seal_is_planned_from_files_alone() {
    let Ok(Ended::Planned { plan }) = plan(&debian(), "seal") else { panic!("a plan") };
    let keys = plan.steps.iter().find(|step| step.item.as_deref() == Some("/home/admin authorized_keys"));
    assert_eq!(keys.map(|step| step.changes.clone()), Some(vec!["remove /home/admin/.ssh/authorized_keys".into()]));
}

#[test]
fn a_role_that_has_to_ask_programs_says_so_where_none_may_run() {
    let failure = plan(&debian(), "hardening").expect_err("refused");
    let hint = failure.hint.clone().unwrap_or_default();
    assert!(format!("{failure} {hint}").contains("--chroot"), "{failure}");
}
