//! Bundles of the instance: a recipe is benign as it stands, and each attack alters one thing of it.

use super::der::{der, first, octets};
use super::{Instance, Key, at, base64};
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};
use serde_json::{Value, json};

/// How a signature is logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Not at all.
    None,
    /// Rekor v1: a promise with a time, and a proof.
    One,
    /// Rekor v2: a proof alone.
    Two,
}

/// What is signed, by whom, and what vouches for it.
pub struct Recipe<'a> {
    pub artifact: Vec<u8>,
    /// In place of a signature over the artifact.
    pub statement: Option<Value>,
    pub payload_type: &'static str,
    /// In place of a certificate.
    pub key: Option<&'a Key>,
    pub identities: Vec<String>,
    pub issuer: String,
    /// Fulcio's extensions by their last arc.
    pub claims: Vec<(u64, String)>,
    pub code_signing: bool,
    /// When the certificate is valid, in seconds around the instance's time.
    pub valid: (i64, i64),
    pub log: Log,
    /// The logs that have it, by number.
    pub logs: Vec<usize>,
    /// When, in seconds around the instance's time.
    pub logged: i64,
    pub stamped: Option<i64>,
    /// Whose parts are used in place of the instance's own.
    pub ca: Option<&'a Instance>,
    pub ct: Option<&'a Instance>,
    pub log_of: Option<&'a Instance>,
    pub tsa: Option<&'a Instance>,
    pub without_sct: bool,
    /// What the log entry is of, and what the timestamp is over, in place of this signature.
    pub entry_of: Option<Vec<u8>>,
    pub stamp_of: Option<Vec<u8>>,
}

pub const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";

impl Default for Recipe<'_> {
    fn default() -> Self {
        let claim = |arc, text: &str| (arc, text.to_owned());
        Self {
            artifact: b"release".to_vec(),
            statement: None,
            payload_type: "application/vnd.in-toto+json",
            key: None,
            identities: vec![IDENTITY.into()],
            issuer: ISSUER.into(),
            claims: vec![
                claim(2, "push"),
                claim(3, "0123abc"),
                claim(4, "Release"),
                claim(5, "acme/shop"),
                claim(6, "refs/heads/main"),
                claim(9, IDENTITY),
                claim(11, "github-hosted"),
                claim(12, "https://github.com/acme/shop"),
                claim(13, "0123abc"),
                claim(14, "refs/heads/main"),
                claim(20, "push"),
            ],
            code_signing: true,
            valid: (-60, 540),
            log: Log::One,
            logs: vec![0],
            logged: 0,
            stamped: None,
            ca: None,
            ct: None,
            log_of: None,
            tsa: None,
            without_sct: false,
            entry_of: None,
            stamp_of: None,
        }
    }
}

impl Instance {
    /// A bundle after a recipe.
    pub fn bundle(&self, recipe: &Recipe<'_>) -> Value {
        let leaf = Key::new();
        let signer = recipe.key.unwrap_or(&leaf);
        let certificate = recipe.key.is_none().then(|| self.certificate(recipe, &leaf));
        let payload = recipe.statement.as_ref().map(|statement| statement.to_string().into_bytes());
        let pae = payload.as_ref().map(|payload| sigstore_types::pae(recipe.payload_type, payload));
        let signature = signer.sign(pae.as_ref().unwrap_or(&recipe.artifact));
        let pem = certificate.as_ref().map_or_else(|| signer.pem(), |der| pem("CERTIFICATE", der));
        let logs = match recipe.log {
            Log::None => Vec::new(),
            _ => recipe
                .logs
                .iter()
                .map(|log| self.entry(recipe, *log, &signature, &pem, certificate.as_deref(), signer, &payload))
                .collect(),
        };
        let stamper = recipe.tsa.unwrap_or(self);
        let over = recipe.stamp_of.as_ref().unwrap_or(&signature);
        let stamps =
            recipe.stamped.iter().map(|at| json!({"signedTimestamp": base64(&stamper.stamp(over, self.now + at))}));
        let mut material = json!({
            "tlogEntries": logs,
            "timestampVerificationData": {"rfc3161Timestamps": stamps.collect::<Vec<_>>()},
        });
        match &certificate {
            Some(der) => material["certificate"] = json!({"rawBytes": base64(der)}),
            None => material["publicKey"] = json!({"hint": ""}),
        }
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
        });
        match payload {
            Some(payload) => {
                bundle["dsseEnvelope"] = json!({
                    "payloadType": recipe.payload_type, "payload": base64(&payload),
                    "signatures": [{"sig": base64(&signature)}],
                });
            }
            None => {
                let digest = sigstore_crypto::sha256(&recipe.artifact).to_base64();
                bundle["messageSignature"] = json!({
                    "messageDigest": {"algorithm": "SHA2_256", "digest": digest}, "signature": base64(&signature),
                });
            }
        }
        bundle
    }

    fn certificate(&self, recipe: &Recipe<'_>, leaf: &Key) -> Vec<u8> {
        let ca = recipe.ca.unwrap_or(self);
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.serial_number = Some(42_u64.into());
        // As Fulcio has it; other verifiers than ours ask for both.
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        at(self.now + recipe.valid.0)(&mut params, false);
        at(self.now + recipe.valid.1)(&mut params, true);
        let name = |text: &String| SanType::URI(text.as_str().try_into().expect("a URI"));
        params.subject_alt_names = recipe.identities.iter().map(name).collect();
        if recipe.code_signing {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        }
        let fulcio =
            |arc: u64, content: Vec<u8>| CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, arc], content);
        let text = |text: &str| der(0x0c, &[text.as_bytes()]);
        params.custom_extensions.push(fulcio(8, text(&recipe.issuer)));
        for (arc, claim) in &recipe.claims {
            let content = if *arc < 8 { claim.as_bytes().to_vec() } else { text(claim) };
            params.custom_extensions.push(fulcio(*arc, content));
        }
        let before = params.signed_by(&leaf.pair, &ca.ca.issuer).expect("certificate").der().to_vec();
        if recipe.without_sct {
            return before;
        }
        let (_, parts) = first(&before);
        let (tbs, _) = first(parts);
        let ct = &recipe.ct.unwrap_or(self).ct;
        let list = sct(ct, &ca.ca.spki, tbs, self.now);
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], octets(&list)));
        params.signed_by(&leaf.pair, &ca.ca.issuer).expect("certificate").der().to_vec()
    }

    #[expect(clippy::too_many_arguments, reason = "a log entry is of everything at once")]
    fn entry(
        &self,
        recipe: &Recipe<'_>,
        log: usize,
        signature: &[u8],
        pem: &str,
        certificate: Option<&[u8]>,
        signer: &Key,
        payload: &Option<Vec<u8>>,
    ) -> Value {
        let key = &recipe.log_of.unwrap_or(self).logs[log];
        let of = recipe.entry_of.as_ref().unwrap_or(&recipe.artifact);
        let pae = payload.as_ref().map(|payload| sigstore_types::pae(recipe.payload_type, payload));
        let (kind, version, body) = match (recipe.log, payload) {
            (Log::Two, _) => {
                let digest = sigstore_crypto::sha256(pae.as_ref().unwrap_or(of)).to_base64();
                let verifier = match certificate {
                    Some(der) => {
                        json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": base64(der)}})
                    }
                    None => {
                        json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": base64(&signer.spki)}})
                    }
                };
                let spec = json!({"hashedRekordV002": {
                    "data": {"algorithm": "SHA2_256", "digest": digest},
                    "signature": {"content": base64(signature), "verifier": verifier},
                }});
                ("hashedrekord", "0.0.2", json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec}))
            }
            (_, None) => {
                let spec = json!({
                    "data": {"hash": {"algorithm": "sha256", "value": sigstore_crypto::sha256(of).to_hex()}},
                    "signature": {"content": base64(signature), "publicKey": {"content": base64(pem.as_bytes())}},
                });
                ("hashedrekord", "0.0.1", json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}))
            }
            (_, Some(payload)) => {
                let of = recipe.entry_of.as_ref().unwrap_or(payload);
                let hash =
                    |bytes: &[u8]| json!({"algorithm": "sha256", "value": sigstore_crypto::sha256(bytes).to_hex()});
                let spec = json!({
                    "envelopeHash": hash(b"envelope"), "payloadHash": hash(of),
                    "signatures": [{"signature": base64(signature), "verifier": base64(pem.as_bytes())}],
                });
                ("dsse", "0.0.1", json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}))
            }
        };
        let body = body.to_string().into_bytes();
        let mut entry = json!({
            "logIndex": "1", "logId": {"keyId": base64(&key.id())}, "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": proof(key, &body), "canonicalizedBody": base64(&body),
        });
        if recipe.log == Log::One {
            let time = self.now + recipe.logged;
            let promised = format!(
                r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":1}}"#,
                base64(&body),
                hex::encode(key.id())
            );
            entry["integratedTime"] = json!(time.to_string());
            entry["inclusionPromise"] = json!({"signedEntryTimestamp": base64(&key.sign(promised.as_bytes()))});
        }
        entry
    }
}

/// The second leaf of a tree of two, and the log's word on that tree.
fn proof(key: &Key, body: &[u8]) -> Value {
    let hash = |parts: &[&[u8]]| *sigstore_crypto::sha256(&parts.concat()).as_bytes();
    let (before, leaf) = (hash(&[&[0], b"the entry before"]), hash(&[&[0], body]));
    let root = hash(&[&[1], &before, &leaf]);
    let note = format!("log.test\n2\n{}\n", base64(&root));
    let signed = [&key.id()[..4], &key.sign(note.as_bytes())].concat();
    let checkpoint = format!("{note}\n\u{2014} log.test {}\n", base64(&signed));
    json!({
        "logIndex": "1", "treeSize": "2", "rootHash": base64(&root), "hashes": [base64(&before)],
        "checkpoint": {"envelope": checkpoint},
    })
}

/// A list of one signed certificate timestamp (RFC 6962, sections 3.2 and 3.3).
fn sct(ct: &Key, issuer: &[u8], tbs: &[u8], now: i64) -> Vec<u8> {
    let time = (now as u64 * 1000).to_be_bytes();
    let issuer = sigstore_crypto::sha256(issuer);
    let length = &(tbs.len() as u32).to_be_bytes()[1..];
    let signed = [&[0, 0][..], &time, &[0, 1], issuer.as_bytes(), length, tbs, &[0, 0]].concat();
    let signature = ct.sign(&signed);
    let size = (signature.len() as u16).to_be_bytes();
    let one = [&[0][..], &ct.id(), &time, &[0, 0], &[4, 3], &size, &signature].concat();
    let prefixed = [&(one.len() as u16).to_be_bytes()[..], &one].concat();
    [&(prefixed.len() as u16).to_be_bytes()[..], &prefixed].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("text")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
