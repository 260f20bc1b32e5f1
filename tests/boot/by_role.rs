//! Releases that a role asks for (`muster.release`): from the update repository and from a registry, held to the same.

use crate::registries::{self, By};
use crate::stage::Stage;
use crate::updates;
use emulator::Secret;
use muster::boot::{Mode, boot};
use muster::failure::Stage as At;
use serde_json::json;

const PROGRAM: &str = "/usr/local/bin/by-role";

/// Commits a role whose one task is this, in place of the settings' own release.
fn asks(stage: &Stage, arguments: &str) {
    let task = format!(
        "- name: the shop\n  muster.release: {{app: shop, component: api, channel: stable, {arguments}, dest: {PROGRAM}}}\n"
    );
    let tree = stage.tree.clone().file("roles/shop/tasks/main.yml", task);
    stage.repository.commit(&tree, "By a role", Some(&stage.signer)).unwrap();
    let settings = stage.read("/etc/muster/muster.yaml");
    let own = |line: &&str| !line.starts_with("releases:") && !line.starts_with("  - {app: shop");
    let rest = settings.lines().filter(own).collect::<Vec<_>>().join("\n").replacen("[common", "[shop, common", 1);
    stage.put("root/etc/muster/muster.yaml", &format!("{rest}\n"));
}

#[test]
fn a_role_takes_a_release_from_the_update_repository() {
    let mut shop = updates::Shop::booted();
    asks(&shop.stage, "target: \"{channel}/{app}/release.json\"");
    boot(&shop.request(Mode::Converge)).unwrap();
    assert!(shop.stage.read(PROGRAM).contains("1.4.2"));
    for (field, value, words) in [
        ("environment", "test", ["environment", "test"]),
        ("channel", "canary", ["channel", "canary"]),
        ("config_commit", "0123456789012345678901234567890123456789", ["pins commit", "0123456789"]),
    ] {
        shop.publish("1.5.0", |descriptor| descriptor[field] = json!(value));
        let failure = boot(&shop.request(Mode::Converge)).unwrap_err();
        assert_eq!(failure.stage, At::Converge, "{failure}");
        assert!(words.iter().all(|word| failure.to_string().contains(word)), "{failure}");
        assert!(shop.stage.read(PROGRAM).contains("1.4.2"), "the release before stays");
    }
    shop.publish("1.5.0", |_| {});
    boot(&shop.request(Mode::Converge)).unwrap();
    assert!(shop.stage.read(PROGRAM).contains("1.5.0"));
}

#[test]
fn a_role_takes_a_release_from_a_registry() {
    for by in [By::Ecr, By::Tag] {
        let shop = registries::Shop::booted(by);
        let (login, host) = match by {
            By::Ecr => ("", "123456789012.dkr.ecr.us-east-1.amazonaws.com".to_owned()),
            _ => (", login: {user: robot, secret: platform/registry}", shop.stage.aws.registry_host()),
        };
        if by == By::Tag {
            shop.registry(|registry| registry.login = Some(("robot".into(), "pa55word".into())));
            shop.stage.aws.put_secret(Secret::string("platform/registry", "pa55word"));
        }
        asks(&shop.stage, &format!("source: \"oci://{host}/acme/shop:{{channel}}\"{login}"));
        shop.run(Mode::Converge).unwrap_or_else(|failure| panic!("{by:?}: {failure}"));
        assert!(shop.stage.read(PROGRAM).contains("1.4.2"), "{by:?}");
        // Pushed, and signed by nobody.
        let manifest = shop.push("1.5.0", |_| {});
        let failure = shop.run(Mode::Converge).unwrap_err();
        assert!(failure.stage == At::Converge && failure.to_string().contains("0 bundles"), "{by:?}: {failure}");
        assert!(shop.stage.read(PROGRAM).contains("1.4.2"), "{by:?}");
        shop.sign(&manifest, &manifest);
        shop.run(Mode::Converge).unwrap_or_else(|failure| panic!("{by:?}: {failure}"));
        assert!(shop.stage.read(PROGRAM).contains("1.5.0"), "{by:?}");
    }
}
