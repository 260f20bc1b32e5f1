//! The judgement of one bundle by one signer.

use super::document::Document;
use super::evidence::{Evidence, Who};
use super::signatory::{Keyless, Proof, ReleaseKey, Signatory, Signer};
use super::subject::{Content, IN_MEMORY, Subject};
use super::{SigstoreError, bare, identity, log};
use jiff::Timestamp;
use sigstore_crypto::x509::FulcioCiClaims;
use sigstore_types::{ArtifactDigest, Sha256Hash};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::{Policy, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};

/// The public instance's name, which needs no file in the realm.
pub const PUBLIC: &str = "public-good";
/// How far a host's clock may be behind a log's.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// What bundles are judged with: trusted roots, and the time.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    /// The realm's `trusted_root.json`.
    pub root: Option<&'a TrustedRoot>,
    /// Its `trusted_roots/NAME.json`, by name.
    pub roots: &'a BTreeMap<String, TrustedRoot>,
    /// The time that ages are counted to.
    pub now: Timestamp,
}

impl Judge<'_> {
    /// Judges a bundle over a subject. What it gives was verified, by this signer, within its age.
    pub fn judge(&self, document: &Document, subject: &Subject, signer: &Signer) -> Result<Evidence, SigstoreError> {
        if document.statement.as_ref().is_some_and(|statement| !statement.is_about(&subject.sha256)) {
            let why = format!("none of the statement's subjects has sha256 {}", subject.hex());
            return Err(SigstoreError::Artifact(why));
        }
        if document.statement.is_none() && subject.pae {
            return Err(SigstoreError::CrossUse);
        }
        if let Signatory::Key(key) = &signer.signatory
            && key.revoked
        {
            return Err(SigstoreError::Revoked { name: key.name.clone(), fingerprint: key.fingerprint() });
        }
        if let Some(bare) = bare_entry(document) {
            return Err(SigstoreError::BareEntry(bare));
        }
        let evidence = match (&signer.signatory, document.is_by_key()) {
            (Signatory::Key(key), true) => self.by_key(document, subject, signer, key)?,
            (Signatory::Keyless(keyless), false) => self.keyless(document, subject, signer, keyless)?,
            (Signatory::Key(_), false) => {
                return Err(SigstoreError::Kind { is: "by a certificate", wanted: "by a key" });
            }
            (Signatory::Keyless(_), true) => {
                return Err(SigstoreError::Kind { is: "by a key", wanted: "by a certificate" });
            }
        };
        let have = evidence.logs.iter().map(|(log, _)| log).collect::<BTreeSet<_>>().len();
        if have < signer.logs && signer.proof == Proof::Log {
            return Err(SigstoreError::Logs { have, want: signer.logs });
        }
        self.in_time(&evidence, signer)?;
        Ok(evidence)
    }

    fn in_time(&self, evidence: &Evidence, signer: &Signer) -> Result<(), SigstoreError> {
        let Some(limit) = signer.max_age else { return Ok(()) };
        let at = evidence.signed_at.ok_or(SigstoreError::Unproven(Proof::Timestamp))?;
        let age = self.now.duration_since(at);
        if age < -SKEW {
            return Err(SigstoreError::Future { at, now: self.now });
        }
        match jiff::SignedDuration::try_from(limit) {
            Ok(limit) if age > limit => Err(SigstoreError::TooOld { at, limit: format!("{limit:#}") }),
            _ => Ok(()),
        }
    }

    fn root(&self, signer: &Signer) -> Result<Cow<'_, TrustedRoot>, SigstoreError> {
        let Some(name) = signer.trusted_root.as_deref() else {
            let missing = || SigstoreError::NoTrustedRoot("(trusted_root.json)".into());
            return self.root.map(Cow::Borrowed).ok_or_else(missing);
        };
        match self.roots.get(name) {
            Some(root) => Ok(Cow::Borrowed(root)),
            None if name == PUBLIC => super::public_root(false).map(Cow::Owned),
            None => Err(SigstoreError::NoTrustedRoot(format!("`{name}`"))),
        }
    }

    fn by_key(
        &self,
        document: &Document,
        subject: &Subject,
        signer: &Signer,
        key: &ReleaseKey,
    ) -> Result<Evidence, SigstoreError> {
        let who = Who::Key { name: key.name.clone(), fingerprint: key.fingerprint() };
        let found = found(document);
        sufficient(found, signer.proof)?;
        if found == Proof::None {
            bare::verify(document, subject, key)?;
            return Ok(evidence(document, subject, signer, who, Certified::default()));
        }
        let policy = PublicKeyVerificationPolicy::new(key.key.clone());
        let policy = if found == Proof::Log { policy } else { policy.skip_tlog_unsafe() };
        let root = self.root(signer)?;
        let result = verify(&Verifier::new(&root)?, document, subject, &policy)?;
        let (times, logs) = (result.verified_timestamps().to_vec(), log::proven(document, &root));
        Ok(evidence(document, subject, signer, who, Certified { times, logs, ..Certified::default() }))
    }

    fn keyless(
        &self,
        document: &Document,
        subject: &Subject,
        signer: &Signer,
        keyless: &Keyless,
    ) -> Result<Evidence, SigstoreError> {
        let found = found(document);
        sufficient(found, signer.proof)?;
        // Whoever it is, cryptography first; who it must be is judged below, with patterns and claims.
        let policy = VerificationPolicy::any_identity();
        let policy = if keyless.without_sct { policy.skip_sct() } else { policy };
        let policy = if found == Proof::Log { policy } else { policy.skip_tlog_unsafe() };
        let root = self.root(signer)?;
        let result = verify(&Verifier::new(&root)?, document, subject, &policy)?;
        let unverified = || SigstoreError::Incomplete("the certificate was not verified".into());
        let certificate = result.certificate().filter(|_| result.certificate_verified()).ok_or_else(unverified)?;
        identity::one_name(document)?;
        let who = identity::authorise(certificate, keyless)?;
        let certified = Certified {
            times: result.verified_timestamps().to_vec(),
            logs: log::proven(document, &root),
            valid: Some((certificate.not_before, certificate.not_after)),
            sct: result.sct_verified(),
            claims: certificate.ci_claims.clone(),
        };
        Ok(evidence(document, subject, signer, who, certified))
    }
}

/// What the library verified beside the signature.
#[derive(Default)]
struct Certified {
    times: Vec<Timestamp>,
    logs: Vec<(String, u64)>,
    valid: Option<(Timestamp, Timestamp)>,
    sct: bool,
    claims: FulcioCiClaims,
}

/// What the bundle brings to prove its time.
fn found(document: &Document) -> Proof {
    let material = &document.bundle.verification_material;
    let stamped = !material.timestamp_verification_data.rfc3161_timestamps.is_empty();
    match (material.tlog_entries.is_empty(), stamped) {
        (false, _) => Proof::Log,
        (true, true) => Proof::Timestamp,
        (true, false) => Proof::None,
    }
}

fn sufficient(found: Proof, wanted: Proof) -> Result<(), SigstoreError> {
    match (wanted, found) {
        (Proof::Log, Proof::Timestamp | Proof::None) | (Proof::Timestamp, Proof::None) => {
            Err(SigstoreError::Unproven(wanted))
        }
        _ => Ok(()),
    }
}

/// An entry that proves nothing. The library asks for one proof among all entries; here each must have its own.
fn bare_entry(document: &Document) -> Option<usize> {
    let entries = &document.bundle.verification_material.tlog_entries;
    entries.iter().position(|entry| entry.inclusion_proof.is_none() && entry.inclusion_promise.is_none())
}

/// Hands the subject over in the cheapest form that the key's scheme takes: the digest, the file, its bytes.
fn verify(
    verifier: &Verifier,
    document: &Document,
    subject: &Subject,
    policy: &dyn Policy,
) -> Result<VerificationResult, SigstoreError> {
    use sigstore_verify::Error::UnsupportedArtifact;
    let bundle = &document.bundle;
    let digest = ArtifactDigest::sha256(Sha256Hash::new(subject.sha256));
    let mut file = match &subject.content {
        Content::Bytes(bytes) => return Ok(verifier.verify(bytes.as_slice(), bundle, policy)?),
        Content::Digest => return Ok(verifier.verify(digest, bundle, policy)?),
        Content::File(file) => file,
    };
    match verifier.verify(digest, bundle, policy) {
        Err(UnsupportedArtifact(_)) => {}
        other => return Ok(other?),
    }
    file.seek(SeekFrom::Start(0))?;
    let result = match verifier.verify_reader(file, bundle, policy) {
        Err(UnsupportedArtifact(why)) => {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.take(IN_MEMORY + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > IN_MEMORY {
                return Err(SigstoreError::Incomplete(why));
            }
            verifier.verify(bytes.as_slice(), bundle, policy)
        }
        other => other,
    };
    file.seek(SeekFrom::Start(0))?;
    Ok(result?)
}

fn evidence(document: &Document, subject: &Subject, signer: &Signer, who: Who, certified: Certified) -> Evidence {
    let material = &document.bundle.verification_material;
    let logs = certified.logs;
    let timestamps = material.timestamp_verification_data.rfc3161_timestamps.len();
    let signed_at = certified.times.iter().min().copied();
    let root = signer.trusted_root.as_deref().unwrap_or("trusted_root.json");
    let mut chain = Vec::new();
    match certified.valid {
        Some((from, until)) => {
            chain.push(format!("certificate of {who}, by an authority of {root}, valid {from} to {until}"));
            chain.extend(certified.sct.then(|| format!("in a certificate transparency log of {root}")));
        }
        None => chain.push(format!("{who}, embedded")),
    }
    chain.extend(signed_at.map(|at| format!("signed by {at}")));
    chain.extend(
        logs.iter().map(|(log, index)| format!("entry {index} of log {}, of {root}", &log[..16.min(log.len())])),
    );
    chain.extend((timestamps > 0).then(|| format!("{timestamps} RFC 3161 timestamps, by an authority of {root}")));
    let what = document.statement.as_ref().map_or("signature".to_owned(), |said| said.predicate_type.clone());
    chain.push(format!("{what} over sha256 {}", subject.hex()));
    Evidence {
        signer: signer.name.clone(),
        who,
        signed_at,
        logs,
        timestamps,
        claims: certified.claims,
        statement: document.statement.clone(),
        bundle: document.sha256.clone(),
        chain,
    }
}
