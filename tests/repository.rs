//! The config repository over SSH, from the server to files believed: the sample as it should be, and what is refused.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use muster::fetch::{Address, Credentials, DeployKey, FetchError, Fetched, Limits, Origin, Reference, Repository};
use muster::secret::Secret;
use muster::settings::Written;
use muster::trust::{TrustError, TrustRoot, verify_commit};
use std::time::SystemTime;
use support::{Key, Stage, Tree};
use tempfile::TempDir;

/// The sample's stage, and the host's side of it: what it trusts, and where its copy is.
struct Host {
    stage: Stage,
    directory: TempDir,
}

impl Host {
    fn new(stage: Stage) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let host = Self { stage, directory };
        for (path, text) in host.stage.trust().expect("files") {
            host.trust(&path, &text);
        }
        host
    }

    fn trust(&self, path: &str, text: &str) {
        let path = self.directory.path().join("trust.d").join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn root(&self) -> TrustRoot {
        TrustRoot::read(&self.directory.path().join("trust.d")).expect("a trust root")
    }

    fn copy(&self) -> Repository {
        Repository::open_or_init(&self.directory.path().join("copy")).expect("a copy")
    }

    fn fetch_as(&self, key: &Key, last: Option<&str>) -> Result<Fetched, FetchError> {
        let origin = Origin {
            address: Address::parse(&self.stage.git.url()).expect("an address"),
            credentials: Credentials::Key(DeployKey::parse(&Secret::new(key.private_openssh().expect("text")))?),
            proxy: None,
            ca_bundle: None,
            limits: Limits::default(),
        };
        let root = self.root();
        let realm = root.realm(Some(Stage::REALM)).expect("a realm");
        self.copy().fetch(&origin, realm, &Reference::Branch("main".to_owned()), last)
    }

    fn fetch(&self, last: Option<&str>) -> Result<Fetched, FetchError> {
        self.fetch_as(&self.stage.deploy_key, last)
    }

    fn judged(&self, fetched: Fetched) -> Result<muster::trust::Verified<muster::trust::Commit>, TrustError> {
        let root = self.root();
        verify_commit(fetched.candidate, root.realm(Some(Stage::REALM)).expect("a realm"), SystemTime::now())
    }
}

fn host() -> Host {
    Host::new(Stage::new().expect("a stage"))
}

#[test]
fn the_samples_tree_is_fetched_believed_and_read() {
    let host = host();
    let fetched = host.fetch(None).expect("fetched");
    let commit = host.judged(fetched).expect("ours");
    assert_eq!(commit.get().principal, "config@example.com");
    let tree = host.copy().tree(&commit).expect("a tree");
    let sample = Stage::tree().expect("the sample");
    for (path, content) in sample.files() {
        assert_eq!(tree.read(path).expect(path), content, "{path}");
    }
}

#[test]
fn a_later_fetch_brings_what_is_new_and_going_back_is_refused() {
    let host = host();
    let before = host.stage.repository.commit(&Stage::tree().expect("the sample"), "Again", Some(&host.stage.signer));
    let first = host.fetch(None).expect("fetched").id;
    assert_eq!(first, before.expect("committed"));
    // A first clone has the newest commit and nothing before it.
    let shallow = || std::fs::read_to_string(host.directory.path().join("copy/shallow")).unwrap_or_default();
    assert_eq!(shallow().trim(), first);
    let tree = Stage::tree().expect("the sample").file("new", "x");
    let second = host.stage.repository.commit(&tree, "More", Some(&host.stage.signer)).expect("committed");
    let fetched = host.fetch(Some(&first)).expect("fetched");
    assert_eq!((fetched.id.as_str(), shallow().trim()), (second.as_str(), first.as_str()), "only what is new came");
    fetched.permit(None).expect("forward");
    assert_eq!(host.judged(fetched).expect("ours").get().id, second);
    host.stage.repository.move_branch("main", &first).expect("moved");
    let back = host.fetch(Some(&second)).expect("fetched");
    assert!(back.permit(None).is_err());
    back.permit(Some(&first)).expect("named");
}

#[test]
fn unsigned_and_foreign_commits_are_not_believed() {
    let unsigned = Stage::with(Stage::account(), &Stage::tree().expect("the sample"), false).expect("a stage");
    let unsigned = Host::new(unsigned);
    let fetched = unsigned.fetch(None).expect("fetched");
    assert!(matches!(unsigned.judged(fetched), Err(TrustError::Unsigned { .. })));
    let host = host();
    let stranger = Key::generate("stranger").expect("a key");
    host.stage.repository.commit(&Tree::default().file("a", "b"), "Mine", Some(&stranger)).expect("committed");
    let fetched = host.fetch(None).expect("fetched");
    assert!(host.judged(fetched).is_err());
}

#[test]
fn another_host_key_or_deploy_key_ends_it() {
    let host = host();
    let other = Key::generate("other").expect("a key");
    let refused = host.fetch_as(&other, None).expect_err("refused");
    assert!(matches!(refused, FetchError::Refused { .. }), "{refused}");
    assert!(!refused.to_string().contains(&other.private_openssh().expect("text")));
    host.trust(&format!("{}/known_hosts", Stage::REALM), &host.stage.git.pinned_as(&other));
    let stranger = host.fetch(None).expect_err("another host");
    assert!(matches!(stranger, FetchError::Host { .. }), "{stranger}");
    assert_eq!(host.stage.git.fetches(), 0);
    host.trust(&format!("{}/known_hosts", Stage::REALM), &host.stage.git.known_hosts());
    host.fetch(None).expect("the right ones");
}

#[test]
fn the_stages_settings_are_settings() {
    let stage = Stage::new().expect("a stage");
    let written = Written::of_text("muster.yaml", &stage.settings()).expect("read");
    let facts = serde_json::json!({ "tags": { "role": "web" } });
    let settings = written.resolve(&facts).expect("resolved");
    assert_eq!(settings.roles.len(), 1);
    assert_eq!(settings.repository.map(|repository| repository.url), Some(stage.git.url()));
}
