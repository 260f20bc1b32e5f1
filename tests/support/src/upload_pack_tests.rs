//! libgit2's own client against the serving side, over a socket pair.

use super::*;
use crate::{Key, Tree};
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{FetchOptions, Remote};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Once;

/// Serves the path after the scheme, in a thread of its own.
struct InProcess;

impl SmartSubtransport for InProcess {
    fn action(&self, url: &str, _: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let path = PathBuf::from(url.trim_start_matches("pair://"));
        let (near, far) = UnixStream::pair().expect("a pair");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                far.set_nonblocking(true).expect("set");
                let far = tokio::net::UnixStream::from_std(far).expect("a stream");
                let (mut from, mut to) = far.into_split();
                serve(&path, &mut from, &mut to).await.expect("served");
            });
        });
        Ok(Box::new(Near(near)))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

struct Near(UnixStream);

impl Read for Near {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Near {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn smart(remote: &Remote<'_>) -> Result<Transport, git2::Error> {
    Transport::smart(remote, false, InProcess)
}

/// Fetches `spec` into a repository, with a depth (0 is all), and counts the commits behind the fetched ref.
#[expect(
    unsafe_code,
    reason = "git2 asks that a transport be registered before any other thread uses libgit2; Once sees to that here"
)]
fn fetch(into: &git2::Repository, from: &crate::Repository, spec: &str, depth: i32) -> usize {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| unsafe { git2::transport::register("pair", smart).expect("registered") });
    let mut remote = into.remote_anonymous(&format!("pair://{}", from.path().display())).expect("a remote");
    let mut options = FetchOptions::new();
    remote.fetch(&[spec], Some(options.depth(depth)), None).expect("fetched");
    let mut walk = into.revwalk().expect("a walk");
    walk.push_ref(spec.rsplit(':').next().unwrap_or(spec)).expect("the ref");
    walk.count()
}

fn stage(commits: usize) -> (crate::Repository, tempfile::TempDir) {
    let repository = crate::Repository::new().expect("a repository");
    for number in 0..commits {
        let tree = Tree::default().file("roles/web/tasks/main.yml", format!("# {number}\n")).file("same", "same");
        repository.commit(&tree, &number.to_string(), None).expect("committed");
    }
    (repository, tempfile::tempdir().expect("a directory"))
}

const SPEC: &str = "+refs/heads/main:refs/fetched";

#[test]
fn all_history_comes_and_then_only_what_is_new() {
    let (repository, directory) = stage(3);
    let into = git2::Repository::init_bare(directory.path()).expect("a repository");
    assert_eq!(fetch(&into, &repository, SPEC, 0), 3);
    repository.commit(&Tree::default().file("new", "x"), "New", None).expect("committed");
    assert_eq!(fetch(&into, &repository, SPEC, 0), 4);
    assert_eq!(fetch(&into, &repository, SPEC, 0), 4);
}

#[test]
fn a_long_history_is_negotiated() {
    let (repository, directory) = stage(50);
    let into = git2::Repository::init_bare(directory.path()).expect("a repository");
    assert_eq!(fetch(&into, &repository, SPEC, 0), 50);
    repository.commit(&Tree::default().file("new", "x"), "New", None).expect("committed");
    assert_eq!(fetch(&into, &repository, SPEC, 0), 51);
}

#[test]
fn a_shallow_clone_is_one_commit_and_stays_small() {
    let (repository, directory) = stage(3);
    let into = git2::Repository::init_bare(directory.path()).expect("a repository");
    assert_eq!(fetch(&into, &repository, SPEC, 1), 1);
    assert!(into.is_shallow());
    repository.commit(&Tree::default().file("new", "x"), "New", None).expect("committed");
    assert_eq!(fetch(&into, &repository, SPEC, 1), 1);
    let head = into.find_reference("refs/fetched").expect("a ref").peel_to_commit().expect("a commit");
    assert!(head.tree().expect("a tree").get_name("new").is_some());
}

#[test]
fn tags_come_with_their_objects() {
    let (repository, directory) = stage(1);
    let head = repository.commit(&Tree::default(), "Empty", None).expect("committed");
    let tag = repository.tag("v1", &head, Some(&Key::generate("k").expect("a key"))).expect("tagged");
    let into = git2::Repository::init_bare(directory.path()).expect("a repository");
    assert_eq!(fetch(&into, &repository, "+refs/tags/v1:refs/tags/v1", 1), 1);
    assert!(into.find_tag(Oid::from_str(&tag).expect("an id")).is_ok());
}
