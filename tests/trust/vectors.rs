//! sigstore-conformance's bundles (`test/assets/bundle-verify`), each judged twice: by file and by digest.

use muster::trust::Untrusted;
use muster::trust::sigstore::{
    Judge, Keyless, ReleaseKey, Signatory, Signer, SigstoreError, Subject, Text, TrustedRoot, documents, public_root,
};
use std::path::PathBuf;

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// One case: a directory of the suite.
struct Case {
    directory: PathBuf,
}

impl Case {
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.directory.join(name)).ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.read(name).map(|bytes| String::from_utf8(bytes).expect("text").trim().to_owned())
    }

    fn artifact(&self) -> PathBuf {
        let own = self.directory.join("artifact");
        if own.exists() { own } else { self.directory.with_file_name("a.txt") }
    }

    fn signer(&self) -> Option<Signer> {
        if let Some(pem) = self.text("key.pub") {
            return ReleaseKey::from_pem("case", &pem).ok().map(Signer::key);
        }
        let exact = |name: &str, usual: &str| Text::Exact(self.text(name).unwrap_or_else(|| usual.to_owned()));
        let keyless = Keyless {
            identity: exact("identity", IDENTITY),
            issuer: exact("issuer", ISSUER),
            claims: Vec::new(),
            without_sct: false,
        };
        Some(Signer::new("case".into(), Signatory::Keyless(keyless)))
    }

    /// The verdict; `None` is a case whose key is none.
    fn judge(&self, subject: &Subject) -> Option<Result<(), SigstoreError>> {
        let root = match self.text("trusted_root.json") {
            Some(text) => match TrustedRoot::from_json(&text) {
                Ok(root) => root,
                Err(_) => return None,
            },
            None => public_root(false).expect("the public root"),
        };
        let signer = self.signer()?;
        let bundle = Untrusted::new(self.read("bundle.sigstore.json").expect("a bundle"));
        let judge =
            Judge { root: Some(&root), roots: &Default::default(), now: "2026-11-22T00:00:00Z".parse().expect("now") };
        let documents = match documents(&bundle) {
            Ok(documents) => documents,
            Err(error) => return Some(Err(error)),
        };
        let [document] = &documents[..] else { panic!("{} bundles", documents.len()) };
        Some(judge.judge(document, subject, &signer).map(|_| ()))
    }
}

#[test]
fn every_vector_twice() {
    let suite = support::source().join("../shared/data/sigstore-conformance/bundle-verify");
    if !suite.is_dir() {
        println!("SKIPPED sigstore-conformance: {} is not here", suite.display());
        return;
    }
    let (mut verdicts, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(&suite).expect("suite").flatten().filter(|entry| entry.path().is_dir()) {
        let case = Case { directory: entry.path() };
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = std::fs::File::open(case.artifact()).expect("artifact");
        let digest = sigstore_crypto::sha256(&std::fs::read(case.artifact()).expect("artifact"));
        let subjects = [
            ("file", Subject::file(Untrusted::new(file)).expect("read")),
            ("digest", Subject::digest(*digest.as_bytes())),
        ];
        for (form, subject) in subjects {
            let verdict = case.judge(&subject);
            let accepted = matches!(verdict, Some(Ok(())));
            verdicts += 1;
            if accepted == name.ends_with("_fail") {
                wrong.push(format!("{name} by {form}: {verdict:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(verdicts, 140, "70 cases, each twice");
}
