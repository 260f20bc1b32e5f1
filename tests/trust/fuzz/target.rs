//! The parsers that outside bytes reach, each with inputs that it takes.
#![expect(clippy::disallowed_methods, reason = "files of a trust directory and of a floor are read from one")]

use crate::instance::{IDENTITY, ISSUER, Instance, Key, Log, Recipe};
use crate::repository::{Repository, now};
use muster::cloud::token_address;
use muster::host::unpack::{Item, Limits, Packing, Refusal, Sink, walk};
use muster::trust::sigstore::{
    Judge, Keyless, Proof, ReleaseKey, Signatory, Signer, Subject, Text, TrustedRoot, documents,
};
use muster::trust::strict::strict;
use muster::trust::tuf::{Client, Floor, Store, TufError};
use muster::trust::{Candidate, TrustRoot, Untrusted, Verified, manifest, verify_commit};
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
    pub took: Duration,
}

impl Target {
    pub fn new(name: &'static str, seeds: Vec<Vec<u8>>, run: impl FnMut(&[u8]) -> Verdict + 'static) -> Self {
        Self { name, seeds, run: Box::new(run), taken: 0, refused: 0, took: Duration::ZERO }
    }

    pub fn count(&mut self, verdict: &Verdict, took: Duration) {
        self.took += took;
        match verdict {
            Verdict::Taken => self.taken += 1,
            _ => self.refused += 1,
        }
    }
}

pub fn told<T, E>(result: &Result<T, E>) -> Verdict {
    if result.is_ok() { Verdict::Taken } else { Verdict::Refused }
}

/// Every one.
pub fn all() -> Vec<Target> {
    let mut targets = vec![
        bundles(),
        manifests(),
        trusted_roots(),
        archives(),
        packed(),
        floors(),
        commits(),
        tags(),
        strictly(),
        binaries(),
        challenges(),
    ];
    targets.extend(metadata());
    targets.extend(realm_files());
    targets.extend(crate::deep::all());
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

fn tar() -> Vec<u8> {
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
    header.set_mode(0o644);
    builder.append_data(&mut header, long, &b"z"[..]).unwrap();
    builder.append_pax_extensions([("path", &b"p/q"[..]), ("mtime", b"1.5")]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    builder.append_data(&mut header, "p/q", &b"zz"[..]).unwrap();
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    link.set_mode(0o777);
    builder.append_link(&mut link, "a/l", "b").unwrap();
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn walked(bytes: &[u8], packing: Packing) -> Verdict {
    let limits = Limits { entries: 100, bytes: 1 << 20, ..Limits::default() };
    told(&walk(bytes, bytes.len() as u64, packing, &limits, &mut Nothing))
}

fn archives() -> Target {
    let plain = tar();
    let seeds = vec![plain.clone(), gzip(&plain), zstd::encode_all(&plain[..], 1).unwrap()];
    Target::new("archive", seeds, |bytes| {
        let packing = match bytes.get(..2) {
            Some([0x1f, 0x8b]) => Packing::Gzip,
            Some([0x28, 0xb5]) => Packing::Zstd,
            _ => Packing::Tar,
        };
        walked(bytes, packing)
    })
}

/// Altered before it is packed, and its headers' sums put right: what is odd is then the tar reader's to refuse.
fn packed() -> Target {
    let mut turn = 0;
    Target::new("archive, packed", vec![tar()], move |bytes| {
        let mut bytes = bytes.to_vec();
        let mut at = 0;
        while let Some(block) = bytes.get_mut(at..at + 512) {
            if block.iter().all(|byte| *byte == 0) {
                break;
            }
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            let size = std::str::from_utf8(&block[124..135]).ok().and_then(|text| usize::from_str_radix(text, 8).ok());
            at += 512 + size.unwrap_or_default().min(1 << 20).next_multiple_of(512);
        }
        turn += 1;
        match turn % 3 {
            0 => walked(&bytes, Packing::Tar),
            1 => walked(&gzip(&bytes), Packing::Gzip),
            _ => walked(&zstd::encode_all(&bytes[..], 1).unwrap(), Packing::Zstd),
        }
    })
}

/// The shop's release, as a host without a floor gets it. What it asked for is forgotten: millions ask.
pub fn fetched(repository: &Repository) -> Result<Verified<Vec<u8>>, TufError> {
    repository.server.alter(|served| served.asked.clear());
    let server = Arc::new(repository.server.clone());
    let mut client = Client::without_floor(&repository.anchor, server, Store::default())?;
    client.refresh(now())?;
    client.document("stable/shop/release.json", 1 << 20, now())
}

/// Each of a repository's files: a host that refreshes ends with what was signed, or with an error.
fn metadata() -> Vec<Target> {
    let file = |(target, name): (&'static str, &'static str)| {
        let repository = Repository::new();
        let mut root = repository.root.clone();
        root["version"] = json!(2);
        let next = repository.signed("root", &root);
        let seed = if name == "2.root.json" { next } else { repository.server.read(name) };
        Target::new(target, vec![seed], move |bytes| {
            repository.put(name, bytes.to_vec());
            match fetched(&repository) {
                Ok(found) if found.get() != b"shop 1.0" => Verdict::Forged,
                other => told(&other),
            }
        })
    };
    let files = [
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "1.snapshot.json"),
        ("targets.json", "1.targets.json"),
        ("shop.json", "1.shop.json"),
        ("2.root.json", "2.root.json"),
    ];
    files.into_iter().map(file).collect()
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

/// A signed tag of a commit.
fn tags() -> Target {
    let key = support::Key::generate("a").unwrap();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(scratch.path().join("prod")).unwrap();
    std::fs::write(scratch.path().join("prod/allowed_signers"), key.allowed_signer("ops").unwrap()).unwrap();
    let realm = TrustRoot::read(scratch.path()).unwrap().realms[0].clone();
    let commit = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@test> 1700000000 +0000\n\
                  committer A <a@test> 1700000000 +0000\n\nmessage\n";
    let sha1 = |kind: &str, bytes: &[u8]| {
        let object = [format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat();
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &object))
    };
    let id = sha1("commit", commit.as_bytes());
    let text = format!("object {id}\ntype commit\ntag v1\ntagger A <a@test> 1700000000 +0000\n\nmessage\n");
    let signed = format!("{text}{}", key.sign(text.as_bytes()).unwrap()).into_bytes();
    Target::new("tag", vec![signed], move |bytes| {
        let tag = muster::trust::Tag { name: "v1".into(), id: sha1("tag", bytes), bytes: bytes.to_vec() };
        let candidate = Candidate { id: id.clone(), bytes: commit.as_bytes().to_vec(), tag: Some(tag) };
        match verify_commit(Untrusted::new(candidate), &realm, SystemTime::now()) {
            Ok(_) if !bytes.starts_with(text.as_bytes()) => Verdict::Forged,
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

/// A binary with a trust root in it: its headers are altered, and a section whose digest is wrong is refused.
fn binaries() -> Target {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("trust.d");
    std::fs::create_dir_all(directory.join("prod")).unwrap();
    std::fs::write(directory.join("prod/known_hosts"), "# none yet\n").unwrap();
    // The least that is a file of ELF-64, and that has the section's name in it, as every muster has.
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    elf.resize(64, 0);
    elf.extend_from_slice(b".muster.trust");
    let binary = scratch.path().join("muster");
    std::fs::write(&binary, &elf).unwrap();
    let (root, seed) = TrustRoot::embed(&binary, &directory).unwrap();
    Target::new("binary", vec![seed], move |bytes| match TrustRoot::within(bytes) {
        Ok(Some(found)) if found.sha256 != root.sha256 => Verdict::Forged,
        Ok(Some(_)) => Verdict::Taken,
        _ => Verdict::Refused,
    })
}

/// What a registry asks for: the token is never fetched without TLS from another host, nor for more than to pull.
fn challenges() -> Target {
    let from = reqwest::Url::parse("https://registry.test/v2/").unwrap();
    let seeds = [
        r#"Bearer realm="https://auth.test/token",service="registry.test",scope="repository:acme/shop:pull""#,
        r#"Basic realm="Registry", charset="UTF-8""#,
        r#"Basic realm="a\"b", Bearer realm="https://auth.test/token?a=b", error="invalid_token""#,
    ];
    Target::new("challenge", seeds.map(|seed| seed.as_bytes().to_vec()).to_vec(), move |bytes| {
        let found = token_address(&String::from_utf8_lossy(bytes), &from, "acme/shop");
        let wrong = |url: &reqwest::Url| {
            url.scheme() != "https" || !url.as_str().ends_with("scope=repository%3Aacme%2Fshop%3Apull")
        };
        match &found {
            Ok(Some(url)) if wrong(url) => Verdict::Forged,
            other => told(other),
        }
    })
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
