//! What a machine or a user may hand to `muster validate` that is not what it should be: a clear message or a verdict,
//! never a false pass, and never a wait without end.
#![expect(clippy::disallowed_methods, reason = "a test sets its stage")]

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

/// A root that would pass each control of `PROFILE`.
fn root() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("scratch");
    let at = |path: &str| scratch.path().join(path);
    for directory in ["root/etc/ssh", "root/etc/sudoers.d", "root/var/log", "root/var/lib/dpkg", "root/home"] {
        fs::create_dir_all(at(directory)).expect("directory");
    }
    for (path, text) in [
        ("root/etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n"),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("root/etc/group", "root:x:0:\n"),
        ("root/etc/ssh/sshd_config", "PermitRootLogin no\n"),
        ("root/etc/sudoers", "Defaults use_pty\nroot ALL=(ALL) ALL\n"),
        ("root/var/lib/dpkg/status", ""),
        ("profile.yaml", PROFILE),
    ] {
        fs::write(at(path), text).expect("file");
    }
    scratch
}

const PROFILE: &str = "\
profile: inputs
controls:
- {id: ssh, level: 1, area: a, title: t, check: {sshd_option: {name: PermitRootLogin, value: 'no'}}}
- {id: sudo, level: 1, area: a, title: t, check: {sudo_defaults: {has: use_pty}}}
- {id: walk, level: 1, area: a, title: t, check: {file_sweep: {what: world_writable}}}
- {id: log, level: 1, area: a, title: t, check: {file_mode: {path: /var/log/big, mode: 0o640, absent_ok: true}}}
- {id: text, level: 1, area: a, title: t, check: {file_content: {path: /etc/app.conf, has: ['^safe$'], absent_ok: true}}}
";

fn muster(scratch: &Path, arguments: &[&str]) -> Output {
    // No wait is without end: a test that hangs is one that failed.
    let mut command = Command::new("timeout");
    command.args(["20", env!("CARGO_BIN_EXE_muster"), "validate"]).args(arguments).current_dir(scratch);
    command.output().expect("muster runs")
}

/// The verdict of a control, and why there is none.
fn verdict(scratch: &Path, id: &str) -> (String, String) {
    let output = muster(scratch, &["--root", "root", "--profile", "profile.yaml", "--format", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 30 | 31)), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let result = report["results"].as_array().expect("results").iter().find(|one| one["id"] == id).expect(id);
    let word = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
    (word("verdict"), word("reason"))
}

#[test]
fn a_root_without_a_fault_passes() {
    let scratch = root();
    for id in ["ssh", "sudo", "walk"] {
        assert_eq!(verdict(scratch.path(), id).0, "pass", "{id}");
    }
}

#[test]
fn an_access_control_list_gives_what_the_bits_do_not_show() {
    let scratch = root();
    let path = scratch.path().join("root/var/log/big");
    fs::write(&path, "x").expect("file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
    // Version 2; owner rw, the user 1000 r, group r, mask r, nobody else anything.
    let entries = [(1_u16, 6_u16, u32::MAX), (2, 4, 1000), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let entry = |(tag, rights, id): (u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = [2_u32.to_le_bytes().to_vec(), entries.into_iter().flat_map(entry).collect()].concat();
    assert_eq!(verdict(scratch.path(), "log").0, "pass");
    let set = rustix::fs::setxattr(&path, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
    if set.is_err() {
        println!("SKIPPED access control lists: this file system has none");
        return;
    }
    assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o7777, 0o640, "the bits are the same");
    assert_eq!(verdict(scratch.path(), "log").0, "fail");
}

#[test]
fn a_fifo_where_a_file_should_be_is_not_waited_for() {
    let scratch = root();
    let path = scratch.path().join("root/etc/ssh/sshd_config");
    fs::remove_file(&path).expect("removed");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let (word, why) = verdict(scratch.path(), "ssh");
    assert_eq!(word, "could-not-look");
    assert!(why.contains("sshd_config") && why.contains("fifo"), "{why}");
    assert_eq!(verdict(scratch.path(), "walk").0, "pass", "the walk passes it by");
}

#[test]
fn links_that_lead_to_one_another_end() {
    let scratch = root();
    let etc = scratch.path().join("root/etc");
    fs::remove_file(etc.join("sudoers")).expect("removed");
    symlink("sudoers", etc.join("sudoers")).expect("link");
    symlink("..", scratch.path().join("root/home/up")).expect("link");
    let (word, why) = verdict(scratch.path(), "sudo");
    assert_eq!(word, "could-not-look", "{why}");
    assert!(why.contains("/etc/sudoers"), "{why}");
    assert_eq!(verdict(scratch.path(), "walk").0, "pass");
}

#[test]
fn a_log_of_two_gigabytes_is_looked_at_and_not_read() {
    let scratch = root();
    for (name, id) in [("root/var/log/big", "log"), ("root/etc/app.conf", "text")] {
        let file = fs::File::create(scratch.path().join(name)).expect("file");
        file.set_len(2 << 30).expect("sparse");
        file.set_permissions(fs::Permissions::from_mode(0o640)).expect("mode");
        let (word, why) = verdict(scratch.path(), id);
        match id {
            "log" => assert!(word == "pass" || std::env::var("USER").is_ok_and(|user| user != "root"), "{word} {why}"),
            _ => assert!(word == "could-not-look" && why.contains("2147483648 bytes"), "{word} {why}"),
        }
    }
}

#[test]
fn bytes_that_are_no_text_and_a_last_line_without_an_end_are_read() {
    let scratch = root();
    let path = scratch.path().join("root/etc/ssh/sshd_config");
    fs::write(&path, b"# \xff\xfe\nPermitRootLogin no").expect("write");
    assert_eq!(verdict(scratch.path(), "ssh").0, "pass");
    fs::write(&path, b"PermitRootLogin yes\xff\nPermitRootLogin no").expect("write");
    assert_ne!(verdict(scratch.path(), "ssh").0, "pass", "the first value is another word");
    fs::write(scratch.path().join("root/etc/app.conf"), b"safe\xc3").expect("write");
    assert_ne!(verdict(scratch.path(), "text").0, "pass");
    fs::write(scratch.path().join("root/etc/app.conf"), b"\xc3\nsafe").expect("write");
    assert_eq!(verdict(scratch.path(), "text").0, "pass");
}

#[test]
fn what_may_not_be_read_is_said() {
    let scratch = root();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    for path in ["root/etc/sudoers", "root/home"] {
        fs::set_permissions(scratch.path().join(path), fs::Permissions::from_mode(0o000)).expect("mode");
    }
    // Root reads everything: whoever runs the tests, muster runs as somebody else, from where everybody can run it.
    let binary = scratch.path().join("muster");
    fs::copy(env!("CARGO_BIN_EXE_muster"), &binary).expect("copied");
    let mut command = Command::new("timeout");
    command.args(["20", binary.to_str().expect("path"), "validate", "--root", "root", "--profile", "profile.yaml"]);
    command.args(["--format", "json"]).current_dir(scratch.path());
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    }
    let output = command.output().expect("muster runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    for (id, place) in [("sudo", "/etc/sudoers"), ("walk", "/home")] {
        let result = report["results"].as_array().expect("results").iter().find(|one| one["id"] == id).expect(id);
        assert_eq!(result["verdict"], "could-not-look", "{result}");
        assert!(result["reason"].as_str().is_some_and(|why| why.contains(place)), "{result}");
    }
    fs::set_permissions(scratch.path().join("root/home"), fs::Permissions::from_mode(0o755)).expect("mode");
}

#[test]
fn input_that_cannot_be_judged_by_is_refused_with_its_own_code() {
    let scratch = root();
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).expect("write");
    let waiver = "- {control: ssh, owner: o, reason: r, scope: {profiles: [inputs]}";
    write("without.yaml", &format!("{waiver}}}\n"));
    write("torn.yaml", &format!("{waiver}, expires: 2027-01-01\n"));
    write("date.yaml", &format!("{waiver}, expires: 2027-02-30}}\n"));
    write("other.yaml", &format!("{waiver}, expires: 2027-01-01, until: forever}}\n"));
    fs::create_dir(scratch.path().join("empty")).expect("directory");
    assert!(Command::new("mkfifo").arg(scratch.path().join("fifo.yaml")).status().expect("mkfifo").success());
    write("large.yaml", &" ".repeat((1 << 20) + 1));
    let of = ["--profile", "profile.yaml", "--root", "root"];
    for (arguments, said) in [
        (&["--profile", "ubuntu2404-cis-l3", "--root", "root"][..], &["ubuntu2404-cis-l3", "did you mean"][..]),
        (&["--profile", "nothing.yaml", "--root", "root"], &["nothing.yaml", "No such file"]),
        (&["--profile", "profile.yaml", "--root", "empty"], &["not the root of a Linux system", "etc/os-release"]),
        (&["--profile", "profile.yaml", "--root", "profile.yaml"], &["profile.yaml"]),
        (&["--profile", "rhel9-cis-l1", "--root", "root"], &["rhel9-cis-l1", "debian"]),
        (&[&of[..], &["--waivers", "without.yaml"]].concat(), &["without.yaml", "expires"]),
        (&[&of[..], &["--waivers", "torn.yaml"]].concat(), &["torn.yaml"]),
        (&[&of[..], &["--waivers", "date.yaml"]].concat(), &["date.yaml", "expires"]),
        (&[&of[..], &["--waivers", "other.yaml"]].concat(), &["other.yaml", "until"]),
        (&[&of[..], &["--waivers", "fifo.yaml"]].concat(), &["fifo.yaml", "is a FIFO"]),
        (&[&of[..], &["--waivers", "large.yaml"]].concat(), &["large.yaml", "a list of waivers may be (1 MiB)"]),
        (&["--profile", "fifo.yaml", "--root", "root"], &["fifo.yaml", "is a FIFO"]),
        (&["--profile", "large.yaml", "--root", "root"], &["large.yaml", "a profile may be (1 MiB)"]),
        (&[&of[..], &["--against", "fifo.yaml"]].concat(), &["fifo.yaml", "is a FIFO"]),
        (&[&of[..], &["--against", "/dev/zero"]].concat(), &["/dev/zero", "no regular file"]),
        (&[&of[..], &["--against", "profile.yaml"]].concat(), &["profile.yaml"]),
        (&[&of[..], &["--only", "5.9.9"]].concat(), &["5.9.9"]),
    ] {
        let output = muster(scratch.path(), arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(27), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: nothing was judged");
        said.iter().for_each(|word| assert!(text.contains(word), "{arguments:?}: {word}: {text}"));
    }
}
