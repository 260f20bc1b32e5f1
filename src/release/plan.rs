//! From an order to the changes that put a verified release in place.

use super::record::{self, Active, Record, previous_path};
use super::{Descriptor, Order, ReleaseError};
use crate::host::{Attributes, Change, Content, Digest, FileWrite, Observe};
use crate::trust::artifact::verify_file;
use crate::trust::bundle::BundlePolicy;
use crate::trust::policy::Asked;
use crate::trust::sigstore::Subject;
use crate::trust::{Untrusted, Verified, approve, attested, verify_release};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The most bytes of an attestation: an SBOM is large, a program is larger.
const ATTESTATION: u64 = 16 << 20;

/// Where releases come from. The boot hands it in; every method only reads.
pub trait Source {
    /// A parameter's value.
    fn parameter(&self, name: &str) -> Result<String, (String, Option<String>)>;
    /// A small object, in memory.
    fn document(&self, order: &Order, key: &str) -> Result<Untrusted<Vec<u8>>, (String, Option<String>)>;
    /// An artifact, on disk, in a file that has no name. No more than `limit` bytes.
    fn artifact(
        &self,
        order: &Order,
        key: &str,
        limit: u64,
    ) -> Result<Untrusted<std::fs::File>, (String, Option<String>)>;
    /// A target of the update repository, verified by TUF.
    fn target(&self, path: &str) -> Result<Verified<Vec<u8>>, ReleaseError> {
        let why = "no update repository is known here".to_owned();
        Err(ReleaseError::Descriptor { descriptor: path.to_owned(), why })
    }
}

/// What putting a release in place takes.
#[derive(Debug)]
pub struct Planned {
    /// The release.
    pub descriptor: Descriptor,
    /// The key that signed it.
    pub key: String,
    /// What to change, in order; nothing where it is in place already.
    pub changes: Vec<Change>,
    /// What was active before.
    pub previous: Option<Active>,
    /// The SHA-256 of the artifact that the changes replace; it is kept beside its successor.
    pub replaced: Option<String>,
}

/// Finds out which release is asked for, and verifies its descriptor. Gives the name of the key that signed it too.
pub fn resolve(
    order: &Order,
    source: &dyn Source,
    policy: &BundlePolicy,
) -> Result<(Descriptor, String), ReleaseError> {
    if let Some(path) = order.target_path() {
        let signed = source.target(&path)?;
        return Ok((Descriptor::of_target(&signed, order, &path)?, "TUF".into()));
    }
    let parameter = order.fill(&order.parameter, &[]);
    let id = source.parameter(&parameter).map_err(fetch(&parameter))?.trim().to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
    if id.is_empty() || id.len() > 128 || id.starts_with('.') || !id.chars().all(plain) {
        return Err(ReleaseError::Id { id, parameter });
    }
    let address = |key: &str| format!("s3://{}/{key}", order.bucket);
    let names = [("release_id", id.as_str())];
    let descriptor_key = order.fill(&order.descriptor_key, &names);
    let bundle_key = order.fill(&order.bundle_key, &names);
    let descriptor = source.document(order, &descriptor_key).map_err(fetch(&address(&descriptor_key)))?;
    let bundles = [source.document(order, &bundle_key).map_err(fetch(&address(&bundle_key)))?];
    let refuse =
        |source| ReleaseError::Bundle { descriptor: address(&descriptor_key), bundle: address(&bundle_key), source };
    let (asked, now) = (Asked { application: &order.app, channel: &order.channel }, jiff::Timestamp::now());
    let signed = verify_release(descriptor, &bundles, policy, &asked, now).map_err(refuse)?;
    let descriptor = Descriptor::read(&signed, order, &id, &address(&descriptor_key))?;
    attested(descriptor.artifact.sha256, &bundles, policy, &asked, now).map_err(refuse)?;
    Ok((descriptor, signed.into_inner().key))
}

/// Resolves, verifies, and says what to change. The artifact is fetched only where another is in place.
pub fn plan(
    order: &Order,
    source: &dyn Source,
    policy: &BundlePolicy,
    host: &dyn Observe,
) -> Result<Planned, ReleaseError> {
    let (descriptor, key) = resolve(order, source, policy)?;
    let local = |error: std::io::Error| ReleaseError::Local {
        what: format!("looking at {}", order.destination.display()),
        message: error.to_string(),
    };
    let sha256 = hex::encode(descriptor.artifact.sha256);
    let there = host.digest(&order.destination, Digest::Sha256).map_err(local)?;
    let before = Record::read(host, &record::path(order))?;
    let previous = before.as_ref().map(|record| record.active.clone());
    let mut changes = missing(&order.records, host).map_err(local)?;
    if there.as_deref() == Some(sha256.as_str()) {
        let stat = host.stat(&order.destination, true).map_err(local)?;
        if stat.is_some_and(|stat| differs(&order.attributes, &stat)) {
            let (path, attributes) = (order.destination.clone(), order.attributes.clone());
            changes.push(Change::SetAttributes { path, attributes, follow: true });
        }
    } else {
        let artifact_key = place(order, &descriptor, &descriptor.artifact.path, &sha256);
        let address = address(order, &artifact_key);
        if order.target.is_some() {
            let bundles = attestations(order, &descriptor, source)?;
            approved(order, &descriptor, &bundles, policy)?;
        }
        let size = descriptor.artifact.size;
        let file = source.artifact(order, &artifact_key, size).map_err(fetch(&address))?;
        let verified = verify_file(file, descriptor.artifact.sha256, size)
            .map_err(|source| ReleaseError::Artifact { artifact: address, source })?
            .into_inner();
        if there.is_some() {
            // A hard link keeps the old file when the rename takes its name: there is no instant without one.
            let (path, target) = (previous_path(&order.destination), order.destination.clone());
            changes.push(Change::HardLink { path, target });
        }
        let write = FileWrite::new(&order.destination, Vec::new());
        let content = Content::Staged(Arc::new(verified.file));
        changes.push(Change::Write(FileWrite { content, attributes: order.attributes.clone(), ..write }));
    }
    let replaced = there.clone().filter(|there| *there != sha256);
    let active = Active {
        release_id: descriptor.release_id.clone(),
        version: descriptor.version.clone(),
        sha256: sha256.clone(),
    };
    let kept = kept(order, before.as_ref(), there, &sha256, host).map_err(local)?;
    let (app, component) = (order.app.clone(), order.component.clone());
    let (destination, restart) = (order.destination.clone(), order.restart.clone());
    let record = Record { app, component, destination, active, previous: kept, restart };
    if before.as_ref() == Some(&record) {
        // Nothing to write down: nothing to make room for either.
        changes.retain(|change| !matches!(change, Change::MakeDirectory { .. }));
    } else {
        changes.push(record.change(record::path(order)));
    }
    Ok(Planned { descriptor, key, changes, previous, replaced })
}

/// Where a file of a release is.
fn place(order: &Order, descriptor: &Descriptor, path: &str, sha256: &str) -> String {
    let (id, version) = (descriptor.release_id.as_str(), descriptor.version.as_str());
    order.fill(&order.artifact_key, &[("release_id", id), ("version", version), ("path", path), ("sha256", sha256)])
}

/// A file's address, for people.
fn address(order: &Order, key: &str) -> String {
    match order.bucket.as_str() {
        "" => format!("target {key}"),
        bucket => format!("s3://{bucket}/{key}"),
    }
}

/// Every attestation that the descriptor requires is there, with the bytes that it names: what is hidden is missed.
fn attestations(
    order: &Order,
    descriptor: &Descriptor,
    source: &dyn Source,
) -> Result<Vec<Untrusted<Vec<u8>>>, ReleaseError> {
    let mut bundles = Vec::new();
    for required in &descriptor.artifact.attestations {
        let key = place(order, descriptor, &required.path, &required.sha256);
        let attestation = address(order, &key);
        let sha256 = <[u8; 32]>::try_from(hex::decode(&required.sha256).unwrap_or_default());
        let sound = super::descriptor::is_plain(&required.path) && required.size <= ATTESTATION;
        let sha256 = sha256.ok().filter(|_| sound).ok_or_else(|| {
            let path = required.path.escape_default();
            let why =
                format!("the attestation `{path}` has no plain path, no SHA-256, or more than {ATTESTATION} bytes");
            ReleaseError::Descriptor { descriptor: descriptor.app.clone(), why }
        })?;
        let file = source.artifact(order, &key, required.size).map_err(fetch(&attestation))?;
        let refused = |source| ReleaseError::Attestation { attestation: attestation.clone(), source };
        let file = verify_file(file, sha256, required.size).map_err(refused)?.into_inner();
        let mut bytes = Vec::new();
        file.file.take(ATTESTATION).read_to_end(&mut bytes).map_err(|error| refused(error.into()))?;
        bundles.push(Untrusted::new(bytes));
    }
    Ok(bundles)
}

/// Where the realm has a policy, TUF and the policy must both agree: those who publish are not those who build.
fn approved(
    order: &Order,
    descriptor: &Descriptor,
    bundles: &[Untrusted<Vec<u8>>],
    policy: &BundlePolicy,
) -> Result<(), ReleaseError> {
    if policy.policy.is_none() {
        return Ok(());
    }
    let (asked, now) = (Asked { application: &order.app, channel: &order.channel }, jiff::Timestamp::now());
    approve(Subject::digest(descriptor.artifact.sha256), bundles, policy, &asked, now).map(drop).map_err(|source| {
        let descriptor = order.target_path().unwrap_or_default();
        ReleaseError::Bundle { descriptor, bundle: "the attestations that it names".into(), source }
    })
}

/// What is kept beside the artifact is the one that it replaced; a record of anything else would mislead a rollback.
fn kept(
    order: &Order,
    before: Option<&Record>,
    there: Option<String>,
    sha256: &str,
    host: &dyn Observe,
) -> std::io::Result<Option<Active>> {
    Ok(match (before, there) {
        (Some(record), _) if record.active.sha256 == sha256 => record.previous.clone(),
        // A run was ended between the artifact and its record: what the record calls active is kept beside it.
        (Some(record), Some(there)) if there == sha256 => {
            let beside = host.digest(&previous_path(&order.destination), Digest::Sha256)?;
            (beside.as_deref() == Some(record.active.sha256.as_str())).then(|| record.active.clone())
        }
        (Some(record), Some(there)) if record.active.sha256 == there => Some(record.active.clone()),
        (_, Some(there)) if there != sha256 => {
            Some(Active { release_id: "unrecorded".into(), version: "unrecorded".into(), sha256: there })
        }
        _ => None,
    })
}

/// The directories that a path lacks, the outermost first.
fn missing(path: &Path, host: &dyn Observe) -> std::io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for directory in path.ancestors().filter(|directory| directory.parent().is_some()) {
        if host.stat(directory, true)?.is_some() {
            break;
        }
        let attributes = Attributes { mode: Some(0o755), ..Attributes::default() };
        changes.insert(0, Change::MakeDirectory { path: directory.to_owned(), attributes });
    }
    Ok(changes)
}

fn differs(want: &Attributes, have: &crate::host::Stat) -> bool {
    want.mode.is_some_and(|mode| mode != have.mode)
        || want.uid.is_some_and(|uid| uid != have.uid)
        || want.gid.is_some_and(|gid| gid != have.gid)
}

fn fetch(what: &str) -> impl Fn((String, Option<String>)) -> ReleaseError {
    let what = what.to_owned();
    move |(message, hint)| ReleaseError::Fetch { what: what.clone(), message, hint }
}

#[cfg(test)]
mod tests;
