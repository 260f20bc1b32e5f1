//! Profiles of the config repository by name: of the commit that ran here and is believed, and of no other.
#![expect(clippy::disallowed_methods, reason = "a test sets its stage")]

use super::Plan;
use muster::boot::{Mode, boot, profiles};
use muster::failure::Stage as At;
use muster::trust::TrustRoot;
use support::Key;

#[test]
fn profiles_are_those_of_the_commit_that_ran() {
    let mut plan = Plan::new().unwrap();
    let web = "profile: web\nextends: muster-image\nwithout: {ipv6-off: our load balancer speaks it}\n";
    plan.tree = plan.tree.file("benchmarks/web.yaml", web).file("benchmarks/README.md", "Ours.\n");
    let stage = plan.set().unwrap();
    let (request, root) = (stage.request(Mode::Converge), stage.root());
    let of = |trust: Option<&TrustRoot>| profiles(&request.sources, &root, trust);
    assert!(of(request.trust.as_ref()).unwrap().is_empty(), "nothing ran here yet");
    boot(&request).unwrap();
    let fetches = stage.git.fetches();
    assert_eq!(of(request.trust.as_ref()).unwrap(), [("web".to_owned(), web.to_owned())]);
    assert_eq!(stage.git.fetches(), fetches, "nothing is fetched");

    // Whoever is believed no longer has signed nothing.
    let other = Key::generate("other").unwrap().allowed_signer("other@example.com").unwrap();
    stage.put("trust.other/production/allowed_signers", &other);
    stage.put("trust.other/production/known_hosts", &stage.git.known_hosts());
    let other = TrustRoot::read(&stage.scratch().join("trust.other")).unwrap();
    assert_eq!(of(Some(&other)).unwrap_err().stage, At::Verify);

    // A copy that is gone is told, and not begun anew.
    std::fs::rename(root.join("var/lib/muster/repository"), root.join("var/lib/muster/gone")).unwrap();
    assert_eq!(of(request.trust.as_ref()).unwrap_err().stage, At::Repository);
    assert!(!root.join("var/lib/muster/repository").exists());
}
