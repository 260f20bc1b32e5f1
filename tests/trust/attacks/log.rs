//! Transparency logs: entries of something else, of another time, of nobody's log, counted twice or not there.

use super::{Scene, attack, by_key, ci, tamper};
use crate::instance::{Key, Log, Recipe, base64};
use muster::trust::sigstore::{Signer, SigstoreError, TrustedRoot};
use serde_json::json;
use sigstore_verify::{TimestampError, TransparencyLogError as Bad};

fn two() -> Recipe<'static> {
    Recipe { log: Log::Two, stamped: Some(0), ..Recipe::default() }
}

attack!(
    a_log_that_is_not_ours,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.log_of = Some(&scene.evil);
    },
    SigstoreError::Log(Bad::InclusionPromise(_) | Bad::UnknownLog { .. })
);

attack!(
    a_second_generation_log_that_is_not_ours,
    ci(),
    two(),
    |recipe, scene| {
        recipe.log_of = Some(&scene.evil);
    },
    SigstoreError::Log(Bad::Checkpoint(_))
);

// CVE-2022-36056, CVE-2026-22703: an entry of the log that is of something else.
attack!(
    an_entry_of_another_artifact,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.entry_of = Some(b"another".to_vec());
    },
    SigstoreError::Artifact(_)
);

attack!(
    a_second_generation_entry_of_another_artifact,
    ci(),
    two(),
    |recipe, scene| {
        recipe.entry_of = Some(b"another".to_vec());
    },
    SigstoreError::Artifact(_)
);

tamper!(
    an_entry_of_another_signature,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let other = scene.ours.bundle(&Recipe::default());
        bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    },
    SigstoreError::Log(Bad::EntryMismatch(_)) | SigstoreError::Certificate(_)
);

attack!(
    an_entry_after_the_certificate_s_time,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.logged = 1800;
    },
    SigstoreError::Certificate(_)
);

attack!(
    an_entry_before_the_certificate_s_time,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.logged = -1800;
    },
    SigstoreError::Certificate(_)
);

attack!(
    an_entry_of_the_future,
    ci(),
    Recipe::default(),
    |recipe, scene| {
        recipe.logged = 864_000;
        recipe.valid = (-60, 1_728_000);
    },
    SigstoreError::Log(Bad::IntegratedTime(_))
);

// TOB-SIGSTORE: a time that nobody signed.
tamper!(
    a_time_that_the_log_did_not_promise,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!((scene.ours.now + 1).to_string());
    },
    SigstoreError::Log(Bad::InclusionPromise(_))
);

tamper!(
    an_index_that_the_log_did_not_promise,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("2");
    },
    SigstoreError::Log(Bad::InclusionPromise(_))
);

tamper!(
    a_proof_of_another_path,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"][0] = base64(&[7; 32]).into();
    },
    SigstoreError::Log(Bad::InclusionProof(_))
);

tamper!(
    a_proof_of_too_few_hashes,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"] = json!([]);
    },
    SigstoreError::Log(Bad::InclusionProof(_))
);

tamper!(
    a_proof_beyond_the_tree,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["logIndex"] = json!("2");
    },
    SigstoreError::Incomplete(_)
);

tamper!(
    a_proof_of_another_root,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["rootHash"] = base64(&[7; 32]).into();
    },
    SigstoreError::Incomplete(_)
);

tamper!(
    a_checkpoint_that_was_altered,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let note = &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"];
        *note = note.as_str().expect("text").replacen("log.test", "log.tesT", 1).into();
    },
    SigstoreError::Log(Bad::Checkpoint(_))
);

tamper!(
    a_checkpoint_of_nobody,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let note = &mut bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"];
        let text = note.as_str().expect("text").split('\u{2014}').next().expect("a body").to_owned();
        *note = text.into();
    },
    SigstoreError::Shape(_) | SigstoreError::Log(Bad::Checkpoint(_))
);

tamper!(
    an_entry_without_a_promise_or_a_stamp,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("an entry").remove("inclusionPromise");
    },
    SigstoreError::Timestamp(TimestampError::NoVerifiedTimestamp(_))
);

tamper!(
    an_entry_without_a_proof,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("an entry").remove("inclusionProof");
    },
    SigstoreError::Incomplete(_)
);

// CVE-2022-23649: an entry that is claimed, and nothing that shows it. The library asks one proof of all entries together.
tamper!(
    a_second_entry_that_proves_nothing,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries");
        let mut bare = entries[0].clone();
        let members = bare.as_object_mut().expect("an entry");
        members.remove("inclusionProof");
        members.remove("inclusionPromise");
        entries.push(bare);
    },
    SigstoreError::BareEntry(1)
);

tamper!(
    no_entry_at_all,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    },
    SigstoreError::Unproven(_)
);

tamper!(
    an_entry_of_a_kind_that_is_not_known,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["kindVersion"] =
            json!({"kind": "hashedrekord", "version": "0.0.9"});
    },
    SigstoreError::Shape(_)
);

tamper!(
    an_entry_read_as_another_kind,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["kindVersion"] = json!({"kind": "dsse", "version": "0.0.1"});
    },
    SigstoreError::Incomplete(_) | SigstoreError::Log(_)
);

tamper!(
    an_index_below_zero,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = json!("-1");
    },
    SigstoreError::Shape(_)
);

tamper!(
    more_entries_than_are_judged,
    ci(),
    Recipe::default(),
    |bundle, scene| {
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries");
        *entries = vec![entries[0].clone(); 17];
    },
    SigstoreError::Ambiguous(_)
);

fn twice() -> Signer {
    Signer { logs: 2, ..ci() }
}

// CVE-2026-49834: one log that counts for two.
attack!(
    one_log_where_two_are_wanted,
    twice(),
    Recipe { logs: vec![0, 1], ..Recipe::default() },
    |recipe, scene| {
        recipe.logs = vec![0, 0];
    },
    SigstoreError::Logs { have: 1, want: 2 }
);

tamper!(
    one_log_under_two_names,
    twice(),
    Recipe { logs: vec![0, 1], ..two() },
    |bundle, scene| {
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries");
        let name = entries[1]["logId"].clone();
        entries[1] = entries[0].clone();
        entries[1]["logId"] = name;
    },
    SigstoreError::Logs { have: 1, want: 2 }
);

// CVE-2026-54787: a log key outside its time.
#[test]
fn a_log_whose_time_was_over() {
    let mut scene = Scene::new();
    let recipe = Recipe::default();
    scene.recipe(&recipe, &ci()).expect("the benign twin");
    let mut document = scene.ours.document();
    document["tlogs"][0]["publicKey"]["validFor"]["end"] = "2021-01-01T00:00:00Z".into();
    scene.root = TrustedRoot::from_json(&document.to_string()).expect("a trusted root");
    let refusal = scene.recipe(&recipe, &ci()).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Log(_)), "{refusal:?}");
}

#[test]
fn a_key_s_entry_of_another_artifact() {
    let (scene, key) = (Scene::new(), Key::new());
    let mut recipe = Recipe { key: Some(&key), ..Recipe::default() };
    scene.recipe(&recipe, &by_key(&key)).expect("the benign twin");
    recipe.entry_of = Some(b"another".to_vec());
    let refusal = scene.recipe(&recipe, &by_key(&key)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Artifact(_)), "{refusal:?}");
}

#[test]
fn a_key_s_entry_of_nobody_s_log() {
    let (scene, key) = (Scene::new(), Key::new());
    let mut recipe = Recipe { key: Some(&key), ..Recipe::default() };
    scene.recipe(&recipe, &by_key(&key)).expect("the benign twin");
    recipe.log_of = Some(&scene.evil);
    let refusal = scene.recipe(&recipe, &by_key(&key)).expect_err("refused");
    assert!(matches!(refusal, SigstoreError::Log(_)), "{refusal:?}");
}
