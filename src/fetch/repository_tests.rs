//! Fetching from a path on this machine: references, movement, holes, and files read from objects.

use super::*;
use crate::fetch::{Credentials, Kind, Limits};
use git2::{IndexEntry, IndexTime, Signature};
use std::time::SystemTime;

/// A server's repository, a place for the copy, and a realm that trusts the key that signs.
struct Stage {
    scratch: tempfile::TempDir,
    server: git2::Repository,
    realm: Realm,
}

impl Stage {
    fn new() -> Self {
        set_up().expect("libgit2");
        let scratch = tempfile::tempdir().expect("scratch");
        let server = git2::Repository::init_bare(scratch.path().join("server")).expect("server");
        Self { scratch, server, realm: realm() }
    }

    fn copy(&self) -> Repository {
        Repository::open_or_init(&self.scratch.path().join("copy")).expect("copy")
    }

    fn origin(&self) -> Origin {
        let address = Address::Local(self.scratch.path().join("server"));
        Origin { address, credentials: Credentials::None, proxy: None, ca_bundle: None, limits: Limits::default() }
    }

    /// A commit of these files, signed.
    fn commit(&self, branch: &str, parents: &[Oid], files: &[(&str, u32, &str)]) -> Oid {
        let mut index = git2::Index::new().expect("index");
        for (path, mode, content) in files {
            let id = match mode {
                0o160000 => Oid::from_str(content).expect("id"),
                _ => self.server.blob(content.as_bytes()).expect("blob"),
            };
            let (ctime, mtime) = (IndexTime::new(0, 0), IndexTime::new(0, 0));
            let path = path.as_bytes().to_vec();
            let entry = IndexEntry {
                ctime,
                mtime,
                dev: 0,
                ino: 0,
                mode: *mode,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path,
            };
            index.add(&entry).expect("add");
        }
        let tree = self.server.find_tree(index.write_tree_to(&self.server).expect("tree")).expect("tree");
        let who = Signature::now("A", "a@example.org").expect("who");
        let parents: Vec<git2::Commit<'_>> =
            parents.iter().map(|id| self.server.find_commit(*id).expect("parent")).collect();
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let buffer = self.server.commit_create_buffer(&who, &who, "m", &tree, &parents).expect("buffer");
        let text = std::str::from_utf8(&buffer).expect("text");
        let id = self.server.commit_signed(text, &sign(text), None).expect("commit");
        self.server.reference(&format!("refs/heads/{branch}"), id, true, "test").expect("ref");
        id
    }
}

fn key() -> ssh_key::PrivateKey {
    use ssh_key::private::{Ed25519Keypair, KeypairData};
    ssh_key::PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&[3; 32])), "").expect("key")
}

fn sign(text: &str) -> String {
    let signature = key().sign("git", ssh_key::HashAlg::Sha512, text.as_bytes()).expect("signs");
    signature.to_pem(ssh_key::LineEnding::LF).expect("armor").trim_end().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
fn realm() -> Realm {
    let scratch = tempfile::tempdir().expect("scratch");
    std::fs::create_dir_all(scratch.path().join("prod")).expect("directory");
    let line = format!("ops {}\n", key().public_key().to_openssh().expect("public"));
    std::fs::write(scratch.path().join("prod/allowed_signers"), line).expect("file");
    crate::trust::TrustRoot::read(scratch.path()).expect("root").realms.remove(0)
}

const FILE: &[(&str, u32, &str)] = &[("a", 0o100644, "one")];

fn branch(name: &str) -> Reference {
    Reference::Branch(name.into())
}

#[test]
fn a_branch_is_fetched_verified_and_read() {
    let stage = Stage::new();
    let files: &[(&str, u32, &str)] = &[
        ("README", 0o100644, "hello"),
        ("bin/run", 0o100755, "#!/bin/sh\n"),
        ("current", 0o120000, "roles/../roles"),
        ("roles/web/tasks/main.yml", 0o100644, "- ping:\n"),
        ("roles/web/up", 0o120000, "../../README"),
        ("roles/web/out", 0o120000, "../../../etc/passwd"),
        ("loop", 0o120000, "loop"),
        ("vendor", 0o160000, "1111111111111111111111111111111111111111"),
        ("big.bin", 0o100644, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    ];
    let id = stage.commit("main", &[], files);
    let copy = stage.copy();
    let fetched = copy.fetch(&stage.origin(), &stage.realm, &branch("main"), None).expect("fetches");
    assert_eq!((fetched.id.as_str(), fetched.movement), (id.to_string().as_str(), Movement::First));
    let commit = crate::trust::verify_commit(fetched.candidate, &stage.realm, SystemTime::now()).expect("verified");
    let tree = copy.tree(&commit).expect("tree");
    assert_eq!(tree.read("README").expect("file"), b"hello");
    assert_eq!(tree.read("./current/web/tasks//main.yml").expect("through a link"), b"- ping:\n");
    assert_eq!(tree.read("roles/web/up").expect("link"), b"hello");
    for (path, kind) in [
        ("bin/run", Some(Kind::Executable)),
        ("README", Some(Kind::File)),
        ("roles/web/up", Some(Kind::File)),
        ("current", Some(Kind::Directory)),
        ("bin/none", None),
    ] {
        assert_eq!(tree.follow(path).expect(path), kind, "{path}");
    }
    assert_eq!(tree.kind("roles/web/up").expect("looks"), Some(Kind::Link));
    assert_eq!(tree.kind("nothing/here").expect("looks"), None);
    assert_eq!(tree.list("roles").expect("lists"), [("web".to_owned(), Kind::Directory)]);
    assert_eq!(tree.walk("roles").expect("walks").len(), 5);
    for (path, problem) in [
        ("roles/web/out", "out of the repository"),
        ("loop", "in a circle"),
        ("vendor/x", "submodule"),
        ("big.bin", "LFS"),
        ("../README", "no `..`"),
        ("/etc/passwd", "relative"),
        ("README/x", "not a directory"),
        ("absent", "does not exist"),
        ("bin", "not a file"),
    ] {
        let error = tree.read(path).expect_err(path).to_string();
        assert!(error.contains(problem), "{path}: {error}");
    }
}

#[test]
fn a_tree_is_checked_out_with_its_modes() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    stage.commit(
        "main",
        &[],
        &[
            ("bin/run", 0o100755, "#!"),
            ("gone", 0o120000, "nothing"),
            ("link", 0o120000, "bin/run"),
            ("x", 0o100644, "y"),
        ],
    );
    let copy = stage.copy();
    let fetched = copy.fetch(&stage.origin(), &stage.realm, &Reference::Head, None);
    let fetched =
        fetched.or_else(|_| copy.fetch(&stage.origin(), &stage.realm, &branch("main"), None)).expect("fetches");
    let commit = crate::trust::verify_commit(fetched.candidate, &stage.realm, SystemTime::now()).expect("verified");
    let to = stage.scratch.path().join("out");
    copy.tree(&commit).expect("tree").check_out(&to).expect("checks out");
    assert_eq!(std::fs::read(to.join("link")).expect("reads"), b"#!");
    let mode = |path: &str| to.join(path).metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("bin/run"), mode("x")), (0o755, 0o644));
}

#[test]
fn empty_unknown_and_unreachable_repositories() {
    let stage = Stage::new();
    let copy = stage.copy();
    let fetch = |copy: &Repository, reference| copy.fetch(&stage.origin(), &stage.realm, &reference, None);
    assert!(matches!(fetch(&copy, branch("main")), Err(FetchError::Empty { .. })));
    stage.commit("main", &[], FILE);
    assert!(matches!(fetch(&copy, branch("mian")), Err(FetchError::NoReference { .. })));
    let unknown = fetch(&copy, Reference::Commit("1".repeat(40)));
    assert!(matches!(unknown, Err(FetchError::NoReference { .. })), "{unknown:?}");
    let nowhere = Origin { address: Address::Local("/nowhere/at/all".into()), ..stage.origin() };
    assert!(matches!(copy.fetch(&nowhere, &stage.realm, &branch("main"), None), Err(FetchError::Git { .. })));
    assert!(fetch(&copy, branch("main")).is_ok());
}

#[test]
fn tags_and_commits() {
    let stage = Stage::new();
    let first = stage.commit("main", &[], FILE);
    let second = stage.commit("main", &[first], &[("a", 0o100644, "two")]);
    let who = Signature::now("A", "a@example.org").expect("who");
    let target = stage.server.find_object(first, None).expect("there");
    let tag = stage.server.tag("v1", &target, &who, "v1", false).expect("tag");
    stage.server.tag_lightweight("light", &target, false).expect("tag");
    let copy = stage.copy();
    let fetch = |reference| copy.fetch(&stage.origin(), &stage.realm, &reference, Some(&second.to_string()));
    let fetched = fetch(Reference::Tag("v1".into())).expect("fetches");
    assert_eq!((fetched.id.as_str(), fetched.movement), (first.to_string().as_str(), Movement::Pinned));
    let commit = crate::trust::verify_commit(fetched.candidate, &stage.realm, SystemTime::now()).expect("verified");
    assert_eq!(commit.get().tag, None, "the unsigned tag {tag} leaves it to the commit");
    let named = fetch(Reference::Name("light".into())).expect("fetches");
    assert_eq!((named.id.as_str(), named.movement), (first.to_string().as_str(), Movement::Behind));
    assert_eq!(fetch(Reference::Name("main".into())).expect("fetches").movement, Movement::Same);
    assert_eq!(fetch(Reference::Tag("light".into())).expect("fetches").id, first.to_string());
    assert_eq!(fetch(Reference::Commit(first.to_string())).expect("fetches").id, first.to_string());
    assert_eq!(fetch(Reference::Commit(second.to_string())).expect("fetches").id, second.to_string());
}

#[test]
fn a_branch_never_goes_back() {
    let stage = Stage::new();
    let first = stage.commit("main", &[], FILE);
    let second = stage.commit("main", &[first], &[("a", 0o100644, "two")]);
    let aside = stage.commit("aside", &[first], &[("a", 0o100644, "three")]);
    let copy = stage.copy();
    let moved = |to: Oid, last: Option<Oid>| {
        stage.server.reference("refs/heads/main", to, true, "test").expect("ref");
        let last = last.map(|last| last.to_string());
        copy.fetch(&stage.origin(), &stage.realm, &branch("main"), last.as_deref()).expect("fetches")
    };
    for (to, last, movement, permitted) in [
        (first, None, Movement::First, true),
        (first, Some(first), Movement::Same, true),
        (second, Some(first), Movement::Forward, true),
        (first, Some(second), Movement::Behind, false),
        (aside, Some(second), Movement::Aside, false),
    ] {
        let fetched = moved(to, last);
        assert_eq!(fetched.movement, movement);
        assert_eq!(fetched.permit(None).is_ok(), permitted, "{movement:?}");
        assert!(fetched.permit(Some(&to.to_string()[..12])).is_ok());
        assert!(
            permitted || fetched.permit(Some("")).is_err() && fetched.permit(Some(&second.to_string()[..12])).is_err()
        );
    }
    let unknown = moved(second, Some(Oid::from_str(&"7".repeat(40)).expect("id")));
    assert_eq!(unknown.movement, Movement::Unknown);
    assert!(matches!(unknown.permit(None), Err(FetchError::Rollback { .. })));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests break things")]
fn a_copy_with_holes_or_torn_is_fetched_again() {
    let stage = Stage::new();
    stage.commit("main", &[], FILE);
    let objects = stage.scratch.path().join("copy/objects");
    let read = |copy: &Repository| {
        let fetched = copy.fetch(&stage.origin(), &stage.realm, &branch("main"), None)?;
        let commit = crate::trust::verify_commit(fetched.candidate, &stage.realm, SystemTime::now()).expect("verified");
        copy.tree(&commit)?.read("a")
    };
    let empty = || {
        for entry in std::fs::read_dir(&objects).expect("lists") {
            let path = entry.expect("entry").path();
            std::fs::remove_dir_all(&path).expect("removed");
        }
    };
    read(&stage.copy()).expect("reads");
    empty();
    assert_eq!(read(&stage.copy()).expect("fetches what is missing"), b"one");
    std::fs::write(stage.scratch.path().join("copy/HEAD"), "").expect("torn");
    assert_eq!(read(&stage.copy()).expect("begins anew"), b"one");
    // Objects that are lost between fetching and reading.
    let copy = stage.copy();
    let fetched = copy.fetch(&stage.origin(), &stage.realm, &branch("main"), None).expect("fetches");
    let commit = crate::trust::verify_commit(fetched.candidate, &stage.realm, SystemTime::now()).expect("verified");
    empty();
    assert!(matches!(copy.tree(&commit), Err(FetchError::Incomplete { .. })));
    assert_eq!(read(&stage.copy()).expect("fetches again"), b"one");
}
