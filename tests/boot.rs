//! Whole boots from outside: the main job, its second run, and every way in which it is refused.
#![expect(clippy::unwrap_used, reason = "a stage that cannot be set has failed the test")]

#[path = "boot/apart.rs"]
mod apart;
#[path = "boot/build.rs"]
mod build;
#[path = "boot/bundles.rs"]
mod bundles;
#[path = "boot/by_role.rs"]
mod by_role;
#[path = "boot/deploy_key.rs"]
mod deploy_key;
#[path = "boot/disks.rs"]
mod disks;
#[path = "stage/faults.rs"]
mod faults;
#[path = "boot/hooks.rs"]
mod hooks;
#[path = "boot/kills.rs"]
mod kills;
#[path = "boot/launch.rs"]
mod launch;
#[path = "boot/lifecycle.rs"]
mod lifecycle;
#[path = "boot/local.rs"]
mod local;
#[path = "boot/machine.rs"]
mod machine;
#[path = "boot/own_roles.rs"]
mod own_roles;
#[path = "boot/plans.rs"]
mod plans;
#[path = "boot/profiles.rs"]
mod profiles;
#[path = "boot/registries.rs"]
mod registries;
#[path = "boot/releases.rs"]
mod releases;
#[path = "boot/report.rs"]
mod report;
#[path = "boot/signal.rs"]
mod signal;
#[path = "boot/sigstore_updates.rs"]
mod sigstore_updates;
#[path = "stage/mod.rs"]
mod stage;
#[path = "boot/status.rs"]
mod status;
#[path = "boot/stops.rs"]
mod stops;
#[path = "trust/tuf/repository.rs"]
mod tuf_repository;
#[path = "boot/updates.rs"]
mod updates;

use muster::boot::{Ended, Mode, boot};
use muster::failure::Stage as At;
use stage::{INSTANCE, Plan, STACK, Stage};
use std::collections::BTreeMap;
use std::path::Path;

fn stage() -> Stage {
    Plan::new().unwrap().set().unwrap()
}

/// Every file outside of muster's own state, with its content.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if ["var/lib/muster", "run/muster"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                found.insert(name, Vec::new());
                walk(root, &path, found);
            } else {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

#[test]
fn a_host_boots_once_through() {
    let stage = stage();
    let Ended::Converged { counts, signals, commit } = stage.boot(false).unwrap() else {
        panic!("it did not converge")
    };
    assert_eq!(commit.len(), 40);
    assert_eq!(stage.read("/etc/platform.conf"), "environment=production\ndomain=example.com\n");
    assert_eq!(stage.read("/etc/web.conf"), "# Ansible managed\nport=8080\nworkers=4\ntimeout=30\n");
    assert_eq!(stage.read("/etc/web.token"), "s3cr3t-t0ken");
    assert_eq!(stage.read("/srv/web/reloaded"), "port 8080\n", "the handler ran");
    assert!(stage.read("/usr/local/bin/shop-api").contains("1.4.2"), "the release is in place");
    assert!(counts.changed > 5 && counts.failed == 0, "{counts:?}");
    let heard = stage.aws.signals();
    assert!(heard.len() == 1 && heard[0].success && heard[0].unique_id == INSTANCE, "{heard:?}");
    assert_eq!(stage.aws.stack(STACK.0).unwrap().status, "CREATE_COMPLETE");
    assert_eq!(signals.len(), 1, "{signals:?}");
}

#[test]
fn a_second_boot_skips_converge_and_a_converge_changes_nothing() {
    let stage = stage();
    stage.boot(false).unwrap();
    let before = files(&stage.root());
    let fetches = stage.git.fetches();
    assert!(matches!(stage.boot(false).unwrap(), Ended::AlreadyDone { .. }));
    assert_eq!(stage.git.fetches(), fetches, "a boot that is done fetches nothing");
    assert_eq!(stage.aws.signals().len(), 1, "nobody is told twice");
    let Ended::Converged { counts, .. } = boot(&stage.request(Mode::Converge)).unwrap() else {
        panic!("it did not converge")
    };
    assert_eq!(counts.changed, 0, "{counts:?}");
    assert_eq!(files(&stage.root()), before);
    assert_eq!(stage.aws.signals().len(), 1, "a converge tells nobody");
}

#[test]
fn after_a_failure_the_next_boot_does_it_all_again() {
    let broken = Plan::new().unwrap();
    let whole = broken.tree.clone();
    let tree =
        broken.tree.clone().replace("roles/web/templates/web.conf.j2", "{{ web_port }}", "{{ web_prot }}").unwrap();
    let stage = Plan { tree, ..broken }.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Converge);
    stage.repository.commit(&whole, "Mended", Some(&stage.signer)).unwrap();
    assert!(matches!(stage.boot(false).unwrap(), Ended::Converged { .. }));
    assert!(stage.read("/etc/web.conf").contains("port=8080"));
}

#[test]
fn the_branch_never_goes_back_unless_it_is_allowed() {
    let stage = stage();
    let Ended::Converged { commit: first, .. } = stage.boot(false).unwrap() else { panic!("it did not converge") };
    let newer = stage.tree.clone().file("roles/web/files/more", "more\n");
    stage.repository.commit(&newer, "Newer", Some(&stage.signer)).unwrap();
    boot(&stage.request(Mode::Converge)).unwrap();
    stage.repository.move_branch("main", &first).unwrap();
    let failure = boot(&stage.request(Mode::Converge)).unwrap_err();
    assert_eq!(failure.stage, At::Verify);
    assert!(failure.hint.unwrap().contains("--allow-rollback"));
    let mut allowed = stage.request(Mode::Converge);
    allowed.allow_rollback = Some(first);
    boot(&allowed).unwrap();
}

#[test]
fn the_parameters_of_the_tree_are_two_calls() {
    let stage = stage();
    stage.boot(false).unwrap();
    assert_eq!(stage.aws.count("ssm", "GetParametersByPath"), 1);
    // The tree's two lookups are one call, the release's id another.
    assert_eq!(stage.aws.count("ssm", "GetParameters"), 2);
}

#[test]
fn every_fault_is_refused_at_its_stage_and_says_what_it_must() {
    let mut wrong = Vec::new();
    for fault in faults::FAULTS {
        let stage = (fault.apply)(Plan::new().unwrap()).unwrap().set().unwrap();
        let before = files(&stage.root());
        let failure = match stage.boot(false) {
            Ok(ended) => {
                wrong.push(format!("{} ({}): it passed: {ended:?}", fault.name, fault.what));
                continue;
            }
            Err(failure) => failure,
        };
        let said = failure.to_string();
        if failure.stage != fault.stage {
            wrong.push(format!("{}: expected {}: {said}", fault.name, fault.stage));
        }
        for word in fault.says {
            if !said.contains(word) {
                wrong.push(format!("{}: it does not say `{word}`: {said}", fault.name));
            }
        }
        if failure.hint.is_none() {
            wrong.push(format!("{}: no hint: {said}", fault.name));
        }
        if fault.before_change && files(&stage.root()) != before {
            wrong.push(format!("{}: something was changed", fault.name));
        }
        if said.contains("s3cr3t-t0ken") || said.contains("hunter2") {
            wrong.push(format!("{}: a secret is in the message", fault.name));
        }
        let reached = fault.stage != At::Identity;
        let heard = stage.aws.signals();
        if reached && (heard.len() != 1 || heard[0].success) {
            wrong.push(format!("{}: the failure was not signalled: {heard:?}", fault.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_repository_that_cannot_be_reached_is_named_with_its_address() {
    let mut stage = stage();
    let address = stage.git.url();
    let port = address.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    // The server goes away, and another one listens elsewhere.
    stage.git = support::GitServer::start(&stage.repository, &support::Key::generate("deploy").unwrap()).unwrap();
    let before = files(&stage.root());
    let failure = stage.boot(false).unwrap_err();
    assert_eq!(failure.stage, At::Repository, "{failure}");
    assert!(failure.to_string().contains(&format!("127.0.0.1:{port}")) && failure.hint.is_some(), "{failure}");
    assert_eq!(files(&stage.root()), before);
    assert!(!stage.aws.signals()[0].success);
}

#[test]
fn no_secret_is_kept_in_the_state() {
    let stage = stage();
    stage.boot(false).unwrap();
    let key = stage.aws.requests();
    assert!(!key.is_empty());
    let mut all = String::new();
    for directory in ["var/lib/muster/runs", "var/lib/muster/outbox", "run/muster"] {
        for entry in std::fs::read_dir(stage.root().join(directory)).unwrap().flatten() {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()));
        }
    }
    assert!(all.contains(INSTANCE), "the state was read");
    assert!(!all.contains("s3cr3t-t0ken") && !all.contains("PRIVATE KEY"));
}

/// The sample's seventeen parameters are looked up fifty-three times; ansible-core 2.19 made the expected files from the
/// same roles and parameters.
#[test]
fn the_sample_web_node_is_two_calls_and_as_ansible_left_it() {
    let sample = support::Stage::new().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let put = |path: &Path, text: &str| {
        muster::host::durable::make_directory(path.parent().unwrap(), 0o755).unwrap();
        muster::host::durable::write(path, text.as_bytes(), 0o644).unwrap();
    };
    for (path, text) in sample.trust().unwrap() {
        put(&scratch.path().join("trust.d").join(path), &text);
    }
    let root = scratch.path().join("root");
    put(&root.join("etc/muster/muster.yaml"), &sample.settings());
    put(&root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    put(&root.join("etc/group"), "root:x:0:\n");
    let trust = muster::trust::TrustRoot::read(&scratch.path().join("trust.d")).unwrap();
    let sources = muster::settings::Sources { root: root.clone(), ..Default::default() };
    let mut request = stage().request(Mode::Boot);
    (request.trust, request.sources, request.root) = (Some(trust), sources, root.clone());
    boot(&request).unwrap();
    assert_eq!(sample.aws.count("ssm", "GetParameters"), 2, "seventeen names are two calls");
    for (path, content) in support::Stage::expected().unwrap().files() {
        let made = std::fs::read(root.join(path)).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&made), String::from_utf8_lossy(content), "{path}");
    }
    let lifecycle = sample.aws.lifecycle(support::Stage::INSTANCE).unwrap();
    assert!(lifecycle.waiting.is_empty() && lifecycle.completed.len() == 1, "{lifecycle:?}");
    assert_eq!(sample.aws.signals().len(), 1);
}

#[test]
fn two_musters_at_once_are_one() {
    let stage = stage();
    let directory = stage.root().join("run/muster");
    let now = jiff::Timestamp::now();
    let lock = muster::journal::Lock::take(&directory, "somebody else", std::time::Duration::ZERO, now).unwrap();
    let failure = stage.boot(false).unwrap_err();
    assert_eq!(failure.stage, At::Lock);
    assert!(failure.to_string().contains("somebody else"), "{failure}");
    assert_eq!(stage.aws.requests().len(), 0, "nothing was asked");
    drop(lock);
    stage.boot(false).unwrap();
}

#[test]
fn a_pending_handler_survives_a_failed_run_and_is_run_by_the_next() {
    let plan = Plan::new().unwrap();
    let whole = plan.tree.clone();
    let tasks = "roles/web/tasks/main.yml";
    let tree =
        whole.clone().replace(tasks, "    line: web nofile 65536", "    line: \"{{ nobody_set_this }}\"").unwrap();
    let stage = Plan { tree, ..plan }.set().unwrap();
    let failure = stage.boot(false).unwrap_err();
    assert_eq!(failure.stage, At::Converge, "{failure}");
    assert!(stage.read("/etc/web.conf").contains("port=8080"), "the configuration was changed before the failure");
    assert_eq!(stage.read("/srv/web/reloaded"), "", "the handler did not run");
    stage.repository.commit(&whole, "Mended", Some(&stage.signer)).unwrap();
    stage.boot(false).unwrap();
    assert_eq!(stage.read("/srv/web/reloaded"), "port 8080\n", "the next run owed it");
}

#[test]
fn a_run_that_was_killed_is_reported_by_the_next_boot() {
    let stage = stage();
    let state = stage.root().join("var/lib/muster");
    let mut record = muster::journal::Record::begin("muster boot", jiff::Timestamp::now());
    record.process = serde_json::from_value(gone(&serde_json::to_value(&record.process).unwrap())).unwrap();
    muster::journal::History::open(&state).save(&record).unwrap();
    stage.boot(false).unwrap();
    let heard = stage.aws.stack(STACK.0).unwrap();
    let events = format!("{:?}", heard.events);
    assert!(events.contains("FAIL"), "the stack heard of the failure: {events}");
    let kept = muster::journal::History::open(&state).read(&record.id).unwrap();
    assert_eq!(kept.state, muster::journal::State::Interrupted);
}

/// A process that cannot be there any more.
fn gone(process: &serde_json::Value) -> serde_json::Value {
    let mut process = process.clone();
    process["pid"] = 4_000_000.into();
    process
}

#[test]
fn a_failure_abandons_the_lifecycle_action_and_marks_the_instance() {
    let mut plan = Plan::new().unwrap();
    let hook = emulator::Hook::launching("boot").heartbeat(300);
    plan.aws = plan.aws.group(emulator::Group::new("web").hook(hook).launching(INSTANCE));
    plan.settings = "signal: {autoscaling: {group: web, hook: boot}, instance_health: true}\n".into();
    plan.signed = None;
    let stage = plan.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Verify);
    let lifecycle = stage.aws.lifecycle(INSTANCE).unwrap();
    assert!(lifecycle.waiting.is_empty() && lifecycle.completed.len() == 1, "{lifecycle:?}");
    assert!(!lifecycle.state.contains("InService"), "{lifecycle:?}");
    assert_eq!(stage.aws.count("autoscaling", "SetInstanceHealth"), 1);
}
