//! `plan`, `apply`, `plan` is empty, whatever the arguments and whatever was there: declarative modules say what shall
//! be, so that what they did once is nothing to do again. Every module of the table is held so, or is named here.

mod content;
mod entries;
mod keys;
mod lines;
mod machine;
mod programs;
mod random;
mod services;
mod stores;
mod tools;

use super::files::stage::Stage;
use super::{TABLE, find};
use lines::{of_files, of_lines, of_tables};
use machine::Machine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use random::{Case, FILE, texts};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// How often each module is tried.
const CASES: u32 = 60;

/// Modules that are not held, and why.
const NOT_HELD: &[(&str, &[&str])] = &[
    (
        "the engine carries them out, and they alter no machine",
        &[
            "set_fact",
            "include_vars",
            "include_tasks",
            "import_tasks",
            "include_role",
            "import_role",
            "meta",
            "debug",
            "assert",
            "fail",
            "pause",
            "setup",
            "add_host",
            "group_by",
            "async_status",
            "validate_argument_spec",
        ],
    ),
    (
        "they declare nothing: each time they do what they are told",
        &["command", "shell", "script", "raw", "expect", "reboot", "tempfile"],
    ),
    (
        "they only look",
        &[
            "stat",
            "find",
            "slurp",
            "uri",
            "wait_for",
            "wait_for_connection",
            "package_facts",
            "service_facts",
            "ping",
            "getent",
            "ec2_metadata_facts",
            "openssl_csr_pipe",
        ],
    ),
    ("finding a safe prime takes minutes", &["openssl_dhparam"]),
    (
        "their program's store is not to be had here; cases run twice with the program itself, on a machine",
        &["apt_key", "git", "ufw", "acl"],
    ),
    (
        "their program's store is not to be had here; scripted answers hold what was done to be nothing to do again",
        &["dnf", "rpm_key", "selinux", "parted"],
    ),
    ("it takes a release from a registry; its second run is a test of the boot", &["release"]),
];

/// Modules that need something before them, or a program.
fn cases() -> impl Iterator<Item = &'static Case> {
    [content::CASES, entries::CASES, keys::CASES, services::CASES, stores::CASES].into_iter().flatten()
}

/// A machine, with something of everything.
fn stage(text: &str) -> Stage<Machine> {
    let mut stage = Stage::on(Machine::new());
    for (path, text) in [
        (FILE, text),
        ("/srv/target", "target\n"),
        ("/srv/directory/", ""),
        ("/srv/parts/10", "ten\n"),
        ("/srv/parts/20b", "twenty"),
        ("/srv/parts/.hidden", "hidden\n"),
        ("/etc/cron.d/", ""),
        ("/etc/yum.repos.d/", ""),
        ("/etc/apt/sources.list.d/", ""),
        ("/etc/apt/sources.list", "deb http://e.example/debian stable main\n"),
        ("/etc/fstab", "LABEL=root / ext4 defaults 0 1\nLABEL=data /srv xfs ro 0 0\n"),
        (
            "/etc/pam.d/common",
            "auth required pam_env.so\nauth [success=1 default=ignore] pam_unix.so nullok\nsession optional pam_umask.so umask=0022\n",
        ),
        ("/etc/sysctl.conf", "vm.swappiness = 60\n"),
        ("/etc/locale.gen", "# de_CH.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n"),
        ("/usr/share/i18n/SUPPORTED", "de_CH.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n"),
        ("/usr/share/zoneinfo/UTC", ""),
        ("/usr/share/zoneinfo/Europe/Berlin", ""),
        ("/usr/bin/apt-get", ""),
        ("/proc/modules", "br_netfilter 1 0 - Live 0x0\n"),
        ("/proc/sys/kernel/osrelease", "6.1.0\n"),
        ("/proc/sys/kernel/new", "0\n"),
        ("/proc/sys/vm/swappiness", "60\n"),
        ("/proc/sys/net/ipv4/ip_forward", "0\n"),
        ("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext4.ko\n"),
        (
            "/var/lib/dpkg/status",
            "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\nPackage: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.18\n\nPackage: curl\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 7\n",
        ),
        ("/root/.ssh/", ""),
    ] {
        stage = stage.file(path, text);
    }
    stage.programs = programs::programs;
    stage
        .link("/srv/link", "/srv/target")
        .source("some.j2", b"a=1\nfor {{ dest }}\n")
        .source("app.tar.gz", &super::files::unarchive::tests::packed("gz"))
}

/// Whether it did something; `None` where it was refused as a whole, before anything was altered.
fn holds(stage: &mut Stage<Machine>, module: &str, given: &Json, text: &str) -> Result<Option<bool>, TestCaseError> {
    let Ok(first) = stage.run(module, given.clone()) else { return Ok(None) };
    prop_assert!(first.unknown.is_empty(), "{} {}: {:?}", module, given, first.unknown);
    prop_assert!(!first.changed || first.changes > 0, "{} {} over {:?}", module, given, text);
    let again = stage.run(module, given.clone());
    let again = again.map_err(|error| TestCaseError::fail(format!("{module} {given} over {text:?}: {error}")))?;
    prop_assert!(
        !again.changed && again.changes == 0,
        "{} {} over {:?} changes again: {:?}",
        module,
        given,
        text,
        again.diff
    );
    Ok(Some(first.changed))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_was_done_once_is_nothing_to_do_again(
        text in texts(), (module, given) in prop_oneof![of_files(), of_lines(), of_tables()],
    ) {
        // After a last line without its end, `insertafter` glues the new one to it, in the original too.
        let ended = module == "lineinfile" && !text.is_empty() && !text.ends_with('\n');
        let text = if ended { format!("{text}\n") } else { text };
        holds(&mut stage(&text), module, &given, &text)?;
    }
}

#[test]
fn modules_that_need_more_do_it_once_too() {
    let mut wrong = Vec::new();
    for case in cases() {
        let config =
            Config { cases: CASES, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
        let mut tried: BTreeMap<Option<bool>, u32> = BTreeMap::new();
        let seen = std::cell::RefCell::new(&mut tried);
        let ran = TestRunner::new(config).run(&(texts(), (case.given)()), |(text, given)| {
            let mut stage = stage(&text);
            (case.before)(&mut stage);
            let did = holds(&mut stage, case.module, &given, &text)?;
            *seen.borrow_mut().entry(did).or_default() += 1;
            Ok(())
        });
        if let Err(error) = ran {
            wrong.push(format!("{}: {error}", case.module));
            continue;
        }
        // Arguments that are refused, or that ask for what is there, prove nothing.
        let [refused, did] = [None, Some(true)].map(|key| tried.get(&key).copied().unwrap_or_default());
        if refused > CASES / 2 || did < CASES / 20 {
            wrong.push(format!("{}: {tried:?}", case.module));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_held_or_is_named() {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(1), ..Config::default() });
    let strategy = prop_oneof![of_files(), of_lines(), of_tables()];
    let mut held: BTreeSet<&str> =
        (0..500).map(|_| strategy.new_tree(&mut runner).expect("a case").current().0).collect();
    held.extend(cases().map(|case| case.module));
    let full = |name: &str| find(name).unwrap_or_else(|| panic!("no module {name}")).spec.name;
    let held: BTreeSet<&str> = held.into_iter().map(full).collect();
    let named: BTreeSet<&str> = NOT_HELD.iter().flat_map(|(_, names)| *names).map(|name| full(name)).collect();
    let both: Vec<&&str> = held.intersection(&named).collect();
    assert!(both.is_empty(), "held, and named as if they were not: {both:?}");
    let neither: Vec<&str> =
        TABLE.iter().map(|row| row.spec.name).filter(|name| !held.contains(name) && !named.contains(name)).collect();
    assert!(neither.is_empty(), "neither held nor named: {neither:?}");
}
