//! From an order to the changes that put a verified release in place.

use super::place::{Place, missing};
use super::record::{self, Active, Record};
use super::{Descriptor, Order, ReleaseError, content, program, proof, registry};
use crate::host::{Change, Observe};
use crate::trust::artifact::verify_file;
use crate::trust::bundle::BundlePolicy;
use crate::trust::policy::Asked;
use crate::trust::{Untrusted, Verified, attested, verify_release};

/// What could not be had, and what to do next.
pub type Refused = (String, Option<String>);

fn no_registry(address: &str) -> Refused {
    (format!("{address}: no registry is asked here"), None)
}

/// Where releases come from. The boot hands it in; every method only reads.
pub trait Source {
    /// A parameter's value.
    fn parameter(&self, name: &str) -> Result<String, Refused>;
    /// A small object, in memory.
    fn document(&self, order: &Order, key: &str) -> Result<Untrusted<Vec<u8>>, Refused>;
    /// An artifact, on disk, in a file that has no name. No more than `limit` bytes.
    fn artifact(&self, order: &Order, key: &str, limit: u64) -> Result<Untrusted<std::fs::File>, Refused>;
    /// A manifest of a registry's repository: the one that the address names, or another one of it by digest.
    fn manifest(&self, order: &Order, address: &str, name: Option<&str>) -> Result<Untrusted<Vec<u8>>, Refused> {
        let _ = (order, name);
        Err(no_registry(address))
    }
    /// The digests of what refers to a manifest, as the registry lists it.
    fn referrers(&self, order: &Order, address: &str, digest: &str) -> Result<Vec<String>, Refused> {
        let _ = (order, digest);
        Err(no_registry(address))
    }
    /// A blob of a registry's repository, as [`Source::artifact`].
    fn blob(
        &self,
        order: &Order,
        address: &str,
        digest: &str,
        limit: u64,
    ) -> Result<Untrusted<std::fs::File>, Refused> {
        let _ = (order, digest, limit);
        Err(no_registry(address))
    }
    /// The environment whose update repository it is: the host's realm. `None` where the order says so itself.
    fn environment(&self) -> Option<String> {
        None
    }
    /// Whether the config repository's commit that runs here is this one or came after it; else what runs here.
    fn holds(&self, commit: &str) -> Result<(), String> {
        let _ = commit;
        Ok(())
    }
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
    /// What is left over, to remove once the release stands: older bundles, and what a run that was killed left.
    pub settle: Vec<Change>,
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
    if let Some(pattern) = &order.registry {
        return registry::resolve(order, pattern, source, policy);
    }
    let id = release_id(order, source)?;
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

/// The release id that the parameter holds.
pub(super) fn release_id(order: &Order, source: &dyn Source) -> Result<String, ReleaseError> {
    let parameter = order.fill(&order.parameter, &[]);
    let id = source.parameter(&parameter).map_err(fetch(&parameter))?.trim().to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
    if id.is_empty() || id.len() > 128 || id.starts_with('.') || !id.chars().all(plain) {
        return Err(ReleaseError::Id { id, parameter });
    }
    Ok(id)
}

/// Resolves, verifies, and says what to change. The artifact is fetched only where another is in place; what is attested
/// of it is judged each time, because a key may have been revoked since, and a scan grows old.
pub fn plan(
    order: &Order,
    source: &dyn Source,
    policy: &BundlePolicy,
    host: &dyn Observe,
) -> Result<Planned, ReleaseError> {
    let (descriptor, key) = resolve(order, source, policy)?;
    if order.target.is_some() {
        if let Some(commit) = &descriptor.commit {
            let refuse = |have| {
                let (release, commit) = (order.target_path().unwrap_or_default(), commit.clone());
                ReleaseError::Commit { release, commit, have }
            };
            source.holds(commit).map_err(refuse)?;
        }
        proof::approved(order, &descriptor, source, policy)?;
    }
    let local = |error: std::io::Error| ReleaseError::Local {
        what: format!("looking at {}", order.destination.display()),
        message: error.to_string(),
    };
    let sha256 = hex::encode(descriptor.artifact.sha256);
    let written = Record::read(host, &record::path(order))?;
    let before = written.as_ref().filter(|record| record.unpacked == order.unpack.is_some());
    let artifact = || {
        let artifact = &descriptor.artifact;
        let (address, file) = file(order, &descriptor, source, (&artifact.path, &sha256, artifact.size))?;
        let verified = verify_file(file, artifact.sha256, artifact.size);
        Ok(verified.map_err(|source| ReleaseError::Artifact { artifact: address, source })?.into_inner())
    };
    let site = Place { order, descriptor: &descriptor, sha256: &sha256, before, host, artifact: &artifact };
    let mut changes = missing(&order.records, host).map_err(local)?;
    let placed = match order.unpack {
        None => program::place(&site),
        Some(keep) => content::place(&site, keep),
    }?;
    changes.extend(placed.changes);
    let active = Active {
        release_id: descriptor.release_id.clone(),
        version: descriptor.version.clone(),
        sha256: sha256.clone(),
    };
    let mut kept = placed.kept.into_iter();
    let record = Record {
        app: order.app.clone(),
        component: order.component.clone(),
        destination: order.destination.clone(),
        active,
        previous: kept.next(),
        older: kept.collect(),
        unpacked: order.unpack.is_some(),
        restart: order.restart.clone(),
    };
    if written.as_ref() == Some(&record) {
        // Nothing to write down: nothing to make room for either.
        changes
            .retain(|change| !matches!(change, Change::MakeDirectory { path, .. } if order.records.starts_with(path)));
    } else {
        changes.push(record.change(record::path(order)));
    }
    let previous = before.map(|record| record.active.clone());
    let replaced = placed.there.filter(|there| *there != sha256);
    Ok(Planned { descriptor, key, changes, previous, replaced, settle: placed.settle })
}

/// A file of a release, by its path and digest, with its address for people. Nobody has judged it yet.
pub(super) fn file(
    order: &Order,
    descriptor: &Descriptor,
    source: &dyn Source,
    (path, sha256, size): (&str, &str, u64),
) -> Result<(String, Untrusted<std::fs::File>), ReleaseError> {
    let (id, version) = (descriptor.release_id.as_str(), descriptor.version.as_str());
    let names = [("release_id", id), ("version", version), ("path", path), ("sha256", sha256)];
    if let Some(pattern) = &order.registry {
        let (home, digest) = (order.fill(pattern, &names), format!("sha256:{sha256}"));
        let address = format!("{digest} of oci://{home}");
        let found = source.blob(order, &home, &digest, size).map_err(fetch(&address))?;
        return Ok((address, found));
    }
    let key = order.fill(&order.artifact_key, &names);
    let address = match order.bucket.as_str() {
        "" => format!("target {key}"),
        bucket => format!("s3://{bucket}/{key}"),
    };
    let found = source.artifact(order, &key, size).map_err(fetch(&address))?;
    Ok((address, found))
}

/// What could not be fetched.
pub(super) fn fetch(what: &str) -> impl Fn((String, Option<String>)) -> ReleaseError {
    let what = what.to_owned();
    move |(message, hint)| ReleaseError::Fetch { what: what.clone(), message, hint }
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
mod tests;
