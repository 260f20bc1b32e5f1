//! What a descriptor of the update repository says must be attested of its artifact: there, by digest, and judged.

use super::plan::{Source, file};
use super::registry;
use super::{Descriptor, Order, ReleaseError};
use crate::trust::artifact::verify_file;
use crate::trust::bundle::BundlePolicy;
use crate::trust::policy::Asked;
use crate::trust::sigstore::Subject;
use crate::trust::{Untrusted, approve};
use std::io::Read;

/// The most bytes of an attestation: an SBOM is large, a program is larger.
pub(super) const ATTESTATION: u64 = 16 << 20;

/// Every attestation that the descriptor requires is there, with the bytes that it names: what is hidden is missed. Where
/// the realm has a policy, TUF and the policy must both agree: those who publish are not those who build.
pub(super) fn approved(
    order: &Order,
    descriptor: &Descriptor,
    source: &dyn Source,
    policy: &BundlePolicy,
) -> Result<(), ReleaseError> {
    let bundles = attestations(order, descriptor, source)?;
    if policy.policy.is_none() {
        return Ok(());
    }
    // What cosign attests of an artifact in a registry is about its manifest, which names the artifact.
    let subject = match descriptor.artifact.manifest {
        None => descriptor.artifact.sha256,
        Some(manifest) => registry::names(order, descriptor, manifest, source)?,
    };
    let (asked, now) = (Asked { application: &order.app, channel: &order.channel }, jiff::Timestamp::now());
    approve(Subject::digest(subject), &bundles, policy, &asked, now).map(drop).map_err(|source| {
        let descriptor = order.target_path().unwrap_or_default();
        ReleaseError::Bundle { descriptor, bundle: "the attestations that it names".into(), source }
    })
}

fn attestations(
    order: &Order,
    descriptor: &Descriptor,
    source: &dyn Source,
) -> Result<Vec<Untrusted<Vec<u8>>>, ReleaseError> {
    let mut bundles = Vec::new();
    for required in &descriptor.artifact.attestations {
        let sha256 = <[u8; 32]>::try_from(hex::decode(&required.sha256).unwrap_or_default());
        let sound = super::descriptor::is_plain(&required.path) && required.size <= ATTESTATION;
        let sha256 = sha256.ok().filter(|_| sound).ok_or_else(|| {
            let path = required.path.escape_default();
            let why =
                format!("the attestation `{path}` has no plain path, no SHA-256, or more than {ATTESTATION} bytes");
            ReleaseError::Descriptor { descriptor: descriptor.app.clone(), why }
        })?;
        let (attestation, found) = file(order, descriptor, source, (&required.path, &required.sha256, required.size))?;
        let refused = |source| ReleaseError::Attestation { attestation: attestation.clone(), source };
        let file = verify_file(found, sha256, required.size).map_err(refused)?.into_inner();
        let mut bytes = Vec::new();
        file.file.take(ATTESTATION).read_to_end(&mut bytes).map_err(|error| refused(error.into()))?;
        bundles.push(Untrusted::new(bytes));
    }
    Ok(bundles)
}
