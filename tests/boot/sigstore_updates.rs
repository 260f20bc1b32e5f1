//! Sigstore's trusted roots from a TUF repository of their own: it begins at a root of its own and has a floor of its own.

use crate::boot;
use crate::stage::{Plan, Stage};
use crate::tuf_repository::Repository;
use muster::boot::{Baked, Baking, Mode, bake};
use muster::failure::{Failure, Stage as At};
use muster::settings::Sources;
use muster::trust::TrustRoot;
use sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

const TARGET: &str = "trusted_root.json";

struct Site {
    stage: Stage,
    tuf: Repository,
}

impl Site {
    fn new() -> Self {
        let stage = Plan::new().unwrap().set().unwrap();
        let settings = format!(
            "sigstore_updates: {{repository: \"file://{}\", root: sigstore, clock: any, trusted_roots: {{public-good: {TARGET}}}}}\ndeadline: 2m",
            stage.scratch().join("sigstore").display()
        );
        stage.set("deadline: 2m", &settings);
        let mut tuf = Repository::new();
        tuf.add("targets", TARGET, SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes());
        tuf.next(&["targets"]);
        let site = Self { stage, tuf };
        site.publish();
        site.stage.put("trust.d/production/tuf/sigstore.json", std::str::from_utf8(&site.tuf.anchor).unwrap());
        site
    }

    fn publish(&self) {
        self.tuf.server.alter(|served| {
            for (directory, files) in [("metadata", &served.metadata), ("targets", &served.targets)] {
                for (name, bytes) in files {
                    self.stage.put(&format!("sigstore/{directory}/{name}"), std::str::from_utf8(bytes).unwrap());
                }
            }
        });
    }

    fn trust(&self) -> TrustRoot {
        TrustRoot::read(&self.stage.scratch().join("trust.d")).unwrap()
    }

    fn bake(&self) -> Result<Baked, Failure> {
        let root = self.stage.root();
        let sources = Sources { root: root.clone(), ..Sources::default() };
        bake(&Baking { sources, root, replace: false, trust: Some(self.trust()) })
    }

    fn converge(&self) -> Result<muster::boot::Ended, Failure> {
        boot(&muster::boot::Request { trust: Some(self.trust()), ..self.stage.request(Mode::Converge) })
    }

    fn refused(&self, words: &[&str]) {
        let failure = self.converge().unwrap_err();
        assert_eq!(failure.stage, At::Updates, "{failure}");
        assert!(words.iter().all(|word| failure.to_string().contains(word)) && failure.hint.is_some(), "{failure}");
    }
}

#[test]
fn trusted_roots_come_from_a_repository_of_their_own_above_a_floor_of_its_own() {
    let mut site = Site::new();
    site.refused(&["no TUF floor", "production@sigstore"]);
    let baked = site.bake().unwrap();
    assert!(baked.directory.ends_with("floor/production@sigstore") && baked.sigstore.is_none(), "{baked:?}");
    site.converge().unwrap();
    let old = site.tuf.server.read("timestamp.json");
    site.tuf.next(&["targets"]);
    site.publish();
    site.converge().unwrap();
    site.stage.put("sigstore/metadata/timestamp.json", std::str::from_utf8(&old).unwrap());
    site.refused(&["goes back", "timestamp"]);
    site.publish();
    // What is listed and is no trusted root.
    site.tuf.add("targets", TARGET, b"{}");
    site.tuf.next(&["targets"]);
    site.publish();
    site.refused(&[TARGET, "no trusted root"]);
    site.tuf.add("targets", TARGET, SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes());
    site.tuf.next(&["targets"]);
    site.publish();
    site.converge().unwrap();
}

#[test]
fn a_repository_of_its_own_needs_a_root_of_its_own() {
    let site = Site::new();
    site.bake().unwrap();
    site.stage.set("root: sigstore", "root: other");
    site.refused(&["tuf/other.json", "production"]);
    site.stage.set("root: other, ", "");
    let failure = site.converge().unwrap_err();
    assert!(failure.stage == At::Settings && failure.to_string().contains("sigstore_updates.root"), "{failure}");
}
