//! Commits as `git commit -S` and `git tag -s` make them, judged here and by `git verify-commit`.

use crate::forge::{Forge, installed, run};
use muster::trust::{Candidate, Commit, Realm, Tag, TrustError, Untrusted, verify_commit};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::SystemTime;

fn object(forge: &Forge, kind: &str, id: &str) -> Vec<u8> {
    forge.git("signer").args(["cat-file", kind, id]).output().unwrap().stdout
}

fn judge(forge: &Forge, id: &str, realm: &Realm) -> Result<Commit, TrustError> {
    let candidate = Candidate { id: id.into(), bytes: object(forge, "commit", id), tag: None };
    verify_commit(Untrusted::new(candidate), realm, SystemTime::now()).map(|commit| commit.get().clone())
}

/// What git says of it with the same `allowed_signers`.
fn git_accepts(forge: &Forge, id: &str, signers: &str) -> bool {
    std::fs::write(forge.path("allowed_signers"), signers).unwrap();
    forge.git("signer").args(["verify-commit", id]).output().unwrap().status.success()
}

/// Stores a commit of these bytes.
fn store(forge: &Forge, bytes: &[u8]) -> String {
    let mut git = forge.git("signer");
    git.args(["hash-object", "-t", "commit", "-w", "--literally", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn every_kind_of_key_as_git_signs() {
    if !installed("signatures", &["git", "ssh-keygen"]) {
        return;
    }
    let forge = Forge::new();
    for (name, arguments) in [
        ("s1", &["-t", "ed25519"][..]),
        ("s2", &["-t", "ecdsa", "-b", "256"]),
        ("s3", &["-t", "ecdsa", "-b", "384"]),
        ("s4", &["-t", "rsa", "-b", "3072"]),
    ] {
        forge.key(name, arguments);
        let id = forge.commit_signed_by(name, name);
        let signers = format!("*@example.com namespaces=\"git\" {}\n", forge.public(name));
        let realm = forge.realm_of(&signers, "");
        let commit = judge(&forge, &id, &realm).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(git_accepts(&forge, &id, &signers));
        let line = run(Command::new("ssh-keygen").arg("-lf").arg(forge.path(name)));
        assert_eq!(commit.fingerprint, line.split(' ').nth(1).unwrap());
        assert_eq!(commit.tree, run(forge.git(name).args(["rev-parse", &format!("{id}^{{tree}}")])));
        run(forge.git(name).args(["tag", "-s", "-m", "release\n\nnotes", &format!("tag-{name}")]));
        let tag = run(forge.git(name).args(["rev-parse", &format!("tag-{name}")]));
        let bytes = object(&forge, "commit", &id);
        let tag = Tag { name: format!("tag-{name}"), bytes: object(&forge, "tag", &tag), id: tag };
        let candidate = Candidate { id, bytes, tag: Some(tag) };
        let verified = verify_commit(Untrusted::new(candidate), &realm, SystemTime::now()).unwrap();
        assert_eq!(verified.get().tag.as_deref(), Some(format!("tag-{name}").as_str()));
    }
}

#[test]
fn attacks_with_gits_own_answer_beside() {
    if !installed("attacks", &["git", "ssh-keygen"]) {
        return;
    }
    let forge = Forge::new();
    let good = run(forge.git("signer").args(["rev-parse", "HEAD"]));
    let signers = format!("s@example.com {}\n", forge.public("signer"));
    let realm = forge.realm_of(&signers, "");
    assert!(judge(&forge, &good, &realm).is_ok() && git_accepts(&forge, &good, &signers));
    let text = String::from_utf8(object(&forge, "commit", &good)).unwrap();

    let tampered = store(&forge, text.replace("first", "f1rst").as_bytes());
    assert!(matches!(judge(&forge, &tampered, &realm), Err(TrustError::Tampered { .. })));
    assert!(!git_accepts(&forge, &tampered, &signers));

    run(forge.git("signer").args(["commit", "-q", "--allow-empty", "-m", "unsigned"]));
    let unsigned = run(forge.git("signer").args(["rev-parse", "HEAD"]));
    assert!(matches!(judge(&forge, &unsigned, &realm), Err(TrustError::Unsigned { .. })));
    let stranger = forge.commit_signed_by("other", "stranger");
    assert!(matches!(judge(&forge, &stranger, &realm), Err(TrustError::Signer { .. })));

    // An expired key and a commit that claims an older date: git believes the date.
    let expired = format!("s@example.com valid-before=\"20200101Z\" {}\n", forge.public("signer"));
    let mut backdate = forge.git("signer");
    backdate.args(["commit", "-q", "-S", "--allow-empty", "-m", "old"]);
    run(backdate.env("GIT_COMMITTER_DATE", "2019-06-01T00:00:00Z").env("GIT_AUTHOR_DATE", "2019-06-01T00:00:00Z"));
    let backdated = run(forge.git("signer").args(["rev-parse", "HEAD"]));
    assert!(git_accepts(&forge, &backdated, &expired), "git judges at the commit's own date");
    assert!(matches!(judge(&forge, &backdated, &forge.realm_of(&expired, "")), Err(TrustError::NotNow { .. })));
    assert!(judge(&forge, &backdated, &forge.realm_of(&signers, "")).is_ok());

    // A signature for files, made by ssh-keygen over the very payload.
    let (before, rest) = text.split_once("gpgsig ").unwrap();
    let payload = format!("{before}\n{}", rest.split_once("\n\n").unwrap().1);
    let path = forge.path("payload");
    for (namespace, accepted) in [("file", false), ("git", true)] {
        std::fs::write(&path, &payload).unwrap();
        let _ = std::fs::remove_file(forge.path("payload.sig"));
        run(Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(forge.path("signer"))
            .arg(&path));
        let armor = std::fs::read_to_string(forge.path("payload.sig")).unwrap();
        let (headers, body) = payload.split_once("\n\n").unwrap();
        let commit = format!("{headers}\ngpgsig {}\n\n{body}", armor.trim_end().replace('\n', "\n "));
        let id = store(&forge, commit.as_bytes());
        assert_eq!(judge(&forge, &id, &realm).is_ok(), accepted, "{namespace}");
        assert_eq!(git_accepts(&forge, &id, &signers), accepted, "{namespace}");
    }
}
