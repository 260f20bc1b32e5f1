//! The parsers that outside bytes reach, each with inputs that it takes.
#![expect(clippy::disallowed_methods, reason = "files of a trust directory and of a floor are read from one")]

use crate::instance::{IDENTITY, ISSUER, Instance, Key, Log, Recipe};
use crate::repository::{Repository, now};
use muster::host::unpack::{Item, Limits, Packing, Refusal, Sink, walk};
use muster::trust::sigstore::{
    Judge, Keyless, Proof, ReleaseKey, Signatory, Signer, Subject, Text, TrustedRoot, documents,
};
use muster::trust::strict::strict;
use muster::trust::tuf::{Client, Floor, Store};
use muster::trust::{Candidate, TrustRoot, Untrusted, manifest, verify_commit};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::SystemTime;

/// What became of an input.
pub enum Verdict {
    Taken,
    Refused,
    /// Believed, though its signed part is not what was signed.
    Forged,
}

/// Gives an input to a parser.
type Parse = Box<dyn FnMut(&[u8]) -> Verdict>;

/// A parser.
pub struct Target {
    pub name: &'static str,
    pub seeds: Vec<Vec<u8>>,
    pub run: Parse,
    pub taken: u64,
    pub refused: u64,
}

impl Target {
    fn new(name: &'static str, seeds: Vec<Vec<u8>>, run: impl FnMut(&[u8]) -> Verdict + 'static) -> Self {
        Self { name, seeds, run: Box::new(run), taken: 0, refused: 0 }
    }

    pub fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Taken => self.taken += 1,
            _ => self.refused += 1,
        }
    }
}

fn told<T, E>(result: &Result<T, E>) -> Verdict {
    if result.is_ok() { Verdict::Taken } else { Verdict::Refused }
}

/// Every one.
pub fn all() -> Vec<Target> {
    let mut targets =
        vec![bundles(), manifests(), trusted_roots(), archives(), metadata(), floors(), commits(), strictly()];
    targets.extend(realm_files());
    targets
}

/// Bundles, judged whole: whatever is altered, nobody else's signature over another file is believed.
fn bundles() -> Target {
    let (ours, key) = (Instance::new(), Key::new());
    let root = ours.root();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.test/p", "predicate": {"a": [1]},
        "subject": [{"name": "release", "digest": {"sha256": sigstore_crypto::sha256(b"release").to_hex()}}],
    });
    let recipes = [
        Recipe::default(),
        Recipe { log: Log::Two, stamped: Some(0), ..Recipe::default() },
        Recipe { statement: Some(statement), ..Recipe::default() },
        Recipe { key: Some(&key), log: Log::None, ..Recipe::default() },
    ];
    let seeds = recipes.iter().map(|recipe| ours.bundle(recipe).to_string().into_bytes()).collect();
    let keyless = Keyless {
        identity: Text::Exact(IDENTITY.into()),
        issuer: Text::Exact(ISSUER.into()),
        claims: Vec::new(),
        without_sct: false,
    };
    let ci = Signer::new("ci".into(), Signatory::Keyless(keyless));
    let kms = Signer { proof: Proof::None, ..Signer::key(ReleaseKey::from_pem("kms", &key.pem()).unwrap()) };
    Target::new("bundle", seeds, move |bytes| {
        let judge = Judge { root: Some(&root), roots: &Default::default(), now: jiff::Timestamp::now() };
        let Ok(all) = documents(&Untrusted::new(bytes.to_vec())) else { return Verdict::Refused };
        let mut verdict = Verdict::Refused;
        for (document, signer) in all.iter().flat_map(|one| [(one, &ci), (one, &kms)]) {
            let judged = |artifact: &[u8]| {
                judge.judge(document, &Subject::bytes(Untrusted::new(artifact.to_vec())), signer).is_ok()
            };
            if judged(b"released by a thief") {
                return Verdict::Forged;
            }
            if judged(b"release") {
                verdict = Verdict::Taken;
            }
        }
        verdict
    })
}

fn manifests() -> Target {
    let image = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "a/b",
        "config": {"mediaType": "a/b", "digest": format!("sha256:{}", "ab".repeat(32)), "size": 2},
        "layers": [{"mediaType": "a/b", "digest": format!("sha256:{}", "cd".repeat(32)), "size": 7, "annotations": {"a": "b"}}],
        "subject": {"mediaType": "a/b", "digest": format!("sha256:{}", "ef".repeat(32)), "size": 7},
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "a/b", "digest": format!("sha256:{}", "ab".repeat(32)), "size": 2,
            "platform": {"os": "linux", "architecture": "amd64"},
            "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        }],
    });
    let seeds = [image, index].map(|one| one.to_string().into_bytes()).to_vec();
    Target::new("manifest", seeds, |bytes| {
        let read = manifest::Manifest::read(bytes);
        let _ = manifest::subject(Untrusted::new(bytes.to_vec()));
        let _ = manifest::referrers(&Untrusted::new(bytes.to_vec()));
        if let Ok(read) = &read {
            let _ = manifest::bundle(read, &[0; 32]);
        }
        told(&read)
    })
}

fn trusted_roots() -> Target {
    let seeds = vec![Instance::new().document().to_string().into_bytes()];
    Target::new("trusted root", seeds, |bytes| {
        told(&std::str::from_utf8(bytes).map_err(drop).and_then(|text| TrustedRoot::from_json(text).map_err(drop)))
    })
}

struct Nothing;

impl Sink for Nothing {
    fn take(&mut self, _: &Item, bytes: &mut dyn Read) -> Result<(), Refusal> {
        let _ = std::io::copy(bytes, &mut std::io::sink());
        Ok(())
    }
}

fn archives() -> Target {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, data) in
        [("a/b", &b"text"[..]), ("a/c", &[0; 600]), ("d/long-name-that-needs-no-more-than-its-header", b"")]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, data).unwrap();
    }
    let long = "x/".repeat(60) + "y";
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    builder.append_data(&mut header, long, &b"z"[..]).unwrap();
    let plain = builder.into_inner().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let seeds = vec![plain.clone(), encoder.finish().unwrap(), zstd::encode_all(&plain[..], 1).unwrap()];
    let limits = Limits { entries: 100, bytes: 1 << 20, ..Limits::default() };
    Target::new("archive", seeds, move |bytes| {
        let packing = match bytes.get(..2) {
            Some([0x1f, 0x8b]) => Packing::Gzip,
            Some([0x28, 0xb5]) => Packing::Zstd,
            _ => Packing::Tar,
        };
        told(&walk(bytes, bytes.len() as u64, packing, &limits, &mut Nothing))
    })
}

/// Each of a repository's files in turn: a host that refreshes ends with what was signed, or with an error.
fn metadata() -> Target {
    let repository = Repository::new();
    let names = ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.shop.json", "2.root.json"];
    let seeds: Vec<Vec<u8>> =
        names[..4].iter().map(|name| repository.server.read(name)).chain([repository.anchor.clone()]).collect();
    let (mut turn, good) = (0, seeds.clone());
    Target::new("metadata", seeds, move |bytes| {
        turn = (turn + 1) % names.len();
        let name = names[turn];
        repository.put(name, bytes.to_vec());
        let outcome = Client::without_floor(&repository.anchor, Arc::new(repository.server.clone()), Store::default())
            .and_then(|mut client| {
                client.refresh(now())?;
                client.document("stable/shop/release.json", 1024, now())
            });
        match name {
            "2.root.json" => repository.server.alter(|served| drop(served.metadata.remove(name))),
            _ => repository.put(name, good[turn].clone()),
        }
        match outcome {
            Ok(found) if found.get() != b"shop 1.0" => Verdict::Forged,
            other => told(&other),
        }
    })
}

fn floors() -> Target {
    let repository = Repository::new();
    let scratch = tempfile::tempdir().unwrap();
    let mut client =
        Client::without_floor(&repository.anchor, Arc::new(repository.server.clone()), Store::default()).unwrap();
    client.refresh(now()).unwrap();
    client.raised(&repository.anchor, now()).unwrap().write(scratch.path()).unwrap();
    let path = scratch.path().join("floor.json");
    let seed = std::fs::read(&path).unwrap();
    Target::new("floor", vec![seed], move |bytes| {
        let _kept = &scratch;
        std::fs::write(&path, bytes).unwrap();
        told(&Floor::read(scratch.path(), &repository.anchor))
    })
}

fn commits() -> Target {
    let key = support::Key::generate("a").unwrap();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(scratch.path().join("prod")).unwrap();
    std::fs::write(scratch.path().join("prod/allowed_signers"), key.allowed_signer("ops").unwrap()).unwrap();
    let realm = TrustRoot::read(scratch.path()).unwrap().realms[0].clone();
    let plain = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@test> 1700000000 +0000\n\
                 committer A <a@test> 1700000000 +0000\n\nmessage\n";
    let folded = key.sign(plain.as_bytes()).unwrap().trim_end().replace('\n', "\n ");
    let signed = plain.replacen("\n\n", &format!("\ngpgsig {folded}\n\n"), 1).into_bytes();
    let first = signed.clone();
    Target::new("commit", vec![signed], move |bytes| {
        let object = [format!("commit {}\0", bytes.len()).as_bytes(), bytes].concat();
        let id = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &object));
        let candidate = Candidate { id, bytes: bytes.to_vec(), tag: None };
        match verify_commit(Untrusted::new(candidate), &realm, SystemTime::now()) {
            // The armour around a signature is nobody's: only what is signed must be what was signed.
            Ok(_) if without_signature(bytes) != without_signature(&first) => Verdict::Forged,
            other => told(&other),
        }
    })
}

fn without_signature(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut inside = false;
    let kept = text.split_inclusive('\n').filter(|line| {
        inside = line.starts_with("gpgsig ") || (inside && line.starts_with(' '));
        !inside
    });
    kept.collect::<String>().into_bytes()
}

fn strictly() -> Target {
    let seeds = vec![br#"{"a": [1, 2.5, "x\u00e9", {"b": null}], "c": true}"#.to_vec(), b"[[[[[[[[]]]]]]]]".to_vec()];
    Target::new("strict JSON", seeds, |bytes| told(&strict(bytes, 1 << 20)))
}

/// The files of a trust directory, which an operator writes and an archive carries.
fn realm_files() -> Vec<Target> {
    let policy = "kms: {\"arn:aws:kms:eu-west-1:1:key/2\": release}\nsigners:\n  kms: {key: release, proof: none}\n\
                  rules:\n  - {applications: [shop], channels: [stable], signatures: {threshold: 1, of: [kms]}}\n";
    let key = support::Key::generate("a").unwrap();
    let line = key.allowed_signer("ops").unwrap();
    let (kind, public) = line.split_once("ssh-ed25519 ").map_or(("", ""), |(_, key)| ("ssh-ed25519", key.trim()));
    let hosts = format!("git.test,[git.test]:2222 {kind} {public}\n");
    let release = Key::new().pem();
    let files = [
        ("policy.yaml", policy.to_owned()),
        ("allowed_signers", line),
        ("known_hosts", hosts),
        ("revoked_keys", format!("SHA256:{}\n", "A".repeat(43))),
        ("keys/release.pem", release.clone()),
    ];
    let target = |(name, seed): (&'static str, String)| {
        let (scratch, release) = (tempfile::tempdir().unwrap(), release.clone());
        let realm = scratch.path().join("prod");
        std::fs::create_dir_all(realm.join("keys")).unwrap();
        std::fs::write(realm.join("keys/release.pem"), release).unwrap();
        Target::new(name, vec![seed.into_bytes()], move |bytes| {
            std::fs::write(realm.join(name), bytes).unwrap();
            told(&TrustRoot::read(scratch.path()))
        })
    };
    files.into_iter().map(target).collect()
}
