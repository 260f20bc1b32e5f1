//! Signs a file as a release is: by a key as KMS has one, and keyless, by an instance made for it. For benches and peers.
//!
//!     cargo run --example trust-sign -- FILE DIRECTORY
//!
//! The directory gets `kms.sigstore.json`, `ci.sigstore.json`, `trusted_root.json`, `kms.pem`, and `trust.d`, whose realm
//! demands both signatures of application `shop` in channel `stable`.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "it sets a stage")]

#[path = "../instance/mod.rs"]
#[expect(dead_code, reason = "the attacks on Sigstore use all of it")]
mod instance;

use instance::{IDENTITY, ISSUER, Instance, Key, Log, Recipe};
use std::path::PathBuf;

fn main() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (file, directory) = (words.next().expect("FILE DIRECTORY"), words.next().expect("FILE DIRECTORY"));
    let (artifact, ours, kms) = (std::fs::read(file).unwrap(), Instance::new(), Key::new());
    let realm = directory.join("trust.d/prod");
    std::fs::create_dir_all(realm.join("keys")).unwrap();
    let root = ours.document().to_string();
    let policy = format!(
        "signers:\n  kms: {{key: kms, proof: none}}\n  ci: {{identity: \"{IDENTITY}\", issuer: \"{ISSUER}\"}}\n\
         rules:\n  - {{applications: [shop], channels: [stable], signatures: {{all: [kms, ci]}}}}\n"
    );
    let mut keyless = Recipe { artifact, ..Recipe::default() };
    // The issuer's older extension, which Fulcio writes too and sigstore-python asks for.
    keyless.claims.push((1, ISSUER.into()));
    let by_ci = ours.bundle(&keyless).to_string();
    let by_kms = ours.bundle(&Recipe { key: Some(&kms), log: Log::None, ..keyless }).to_string();
    for (path, text) in [
        (realm.join("keys/kms.pem"), kms.pem()),
        (realm.join("trusted_root.json"), root.clone()),
        (realm.join("policy.yaml"), policy),
        (directory.join("kms.pem"), kms.pem()),
        (directory.join("trusted_root.json"), root),
        (directory.join("kms.sigstore.json"), by_kms),
        (directory.join("ci.sigstore.json"), by_ci),
        (directory.join("identity"), format!("{IDENTITY}\n{ISSUER}\n")),
    ] {
        std::fs::write(path, text).unwrap();
    }
}
