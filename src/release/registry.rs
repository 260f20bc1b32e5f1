//! A release in a registry: a manifest that says what it is of, bundles that refer to it, and one layer.
//!
//! The manifest is the descriptor: its annotations are inside the digest that is signed. Whatever refers to it is fetched
//! by digest and judged; a registry that hides a signature has shown none.

use super::plan::{Source, fetch, release_id};
use super::proof::ATTESTATION;
use super::{Artifact, Descriptor, Order, ReleaseError};
use crate::trust::artifact::verify_file;
use crate::trust::bundle::BundlePolicy;
use crate::trust::manifest::{self, Manifest, ManifestError, OciDescriptor, OciImageIndex};
use crate::trust::policy::Asked;
use crate::trust::{Untrusted, attested, verify_release};
use std::io::Read;

/// The most bundles that are fetched.
const BUNDLES: usize = 64;
/// What a manifest says that it is of.
const APPLICATION: &str = "muster.release.application";
const COMPONENT: &str = "muster.release.component";
const CHANNEL: &str = "muster.release.channel";
/// Of the OCI image specification's own annotations.
const VERSION: &str = "org.opencontainers.image.version";
const TITLE: &str = "org.opencontainers.image.title";

/// A repository that is asked.
struct Home<'a> {
    order: &'a Order,
    source: &'a dyn Source,
    /// As the registry is asked, with the tag or digest that settings name.
    address: String,
}

fn refused(manifest: &str) -> impl Fn(ManifestError) -> ReleaseError {
    let manifest = manifest.to_owned();
    move |source| ReleaseError::Manifest { manifest: manifest.clone(), source }
}

/// Finds the manifest that settings name, believes it by its signatures, and reads which artifact it has for this host.
pub(super) fn resolve(
    order: &Order,
    pattern: &str,
    source: &dyn Source,
    policy: &BundlePolicy,
) -> Result<(Descriptor, String), ReleaseError> {
    let id = if pattern.contains("{release_id}") { release_id(order, source)? } else { String::new() };
    let home = Home { order, source, address: order.fill(pattern, &[("release_id", &id)]) };
    let shown = format!("oci://{}", home.address);
    let manifest = source.manifest(order, &home.address, None).map_err(fetch(&shown))?;
    let digest = manifest::name(&manifest).map_err(refused(&shown))?;
    if let Some((_, named)) = home.address.split_once('@') {
        let want = manifest::digest(named).map_err(refused(&shown))?;
        if want != digest {
            let (have, want) = (hex::encode(digest), hex::encode(want));
            return Err(refused(&shown)(ManifestError::Digest { have, want }));
        }
    }
    let bundles = home.bundles(digest)?;
    let bundle = format!("the {} bundles that refer to it", bundles.len());
    let unproven = |source| ReleaseError::Bundle { descriptor: shown.clone(), bundle: bundle.clone(), source };
    let (asked, now) = (Asked { application: &order.app, channel: &order.channel }, jiff::Timestamp::now());
    let signed = verify_release(manifest, &bundles, policy, &asked, now).map_err(unproven)?.into_inner();
    attested(digest, &bundles, policy, &asked, now).map_err(unproven)?;
    let manifest = Manifest::read(&signed.bytes).map_err(refused(&shown))?;
    let id = if id.is_empty() { format!("sha256:{}", hex::encode(digest)) } else { id };
    Ok((home.descriptor(manifest, id, &shown)?, signed.key))
}

/// Whether a manifest that a descriptor names has the descriptor's artifact; what is attested may then be about it.
pub(super) fn names(
    order: &Order,
    descriptor: &Descriptor,
    digest: [u8; 32],
    source: &dyn Source,
) -> Result<[u8; 32], ReleaseError> {
    let pattern = order.registry.as_deref().unwrap_or_default();
    let (id, version) = (descriptor.release_id.as_str(), descriptor.version.as_str());
    let address = order.fill(pattern, &[("release_id", id), ("version", version)]);
    let manifest = Home { order, source, address }.named(digest)?;
    let Manifest::Image(image) = &manifest else { return Err(not_named(descriptor)) };
    let artifact = &descriptor.artifact;
    let is = |layer: &OciDescriptor| {
        manifest::digest(&layer.digest).is_ok_and(|one| one == artifact.sha256)
            && u64::try_from(layer.size) == Ok(artifact.size)
    };
    if image.layers.iter().any(is) { Ok(digest) } else { Err(not_named(descriptor)) }
}

fn not_named(descriptor: &Descriptor) -> ReleaseError {
    let why = "the manifest that it names has no layer with the artifact's digest and size".to_owned();
    ReleaseError::Descriptor { descriptor: descriptor.app.clone(), why }
}

impl Home<'_> {
    /// A manifest by its digest.
    fn named(&self, digest: [u8; 32]) -> Result<Manifest, ReleaseError> {
        let name = format!("sha256:{}", hex::encode(digest));
        let shown = format!("{name} of oci://{}", self.address);
        let bytes = self.source.manifest(self.order, &self.address, Some(&name)).map_err(fetch(&shown))?;
        Ok(manifest::verify(bytes, digest).map_err(refused(&shown))?.into_inner())
    }

    /// Every bundle that refers to a manifest.
    fn bundles(&self, about: [u8; 32]) -> Result<Vec<Untrusted<Vec<u8>>>, ReleaseError> {
        let name = format!("sha256:{}", hex::encode(about));
        let what = format!("the referrers of {name} of oci://{}", self.address);
        let referrers = self.source.referrers(self.order, &self.address, &name).map_err(fetch(&what))?;
        if referrers.len() > BUNDLES {
            let message = format!("there are {}, and {BUNDLES} are judged at most", referrers.len());
            return Err(ReleaseError::Fetch { what, message, hint: None });
        }
        let mut bundles = Vec::new();
        for referrer in referrers {
            let digest = manifest::digest(&referrer).map_err(refused(&what))?;
            let Some((blob, size)) = manifest::bundle(&self.named(digest)?, &about) else { continue };
            let name = format!("sha256:{}", hex::encode(blob));
            let attestation = format!("{name} of oci://{}", self.address);
            if size > ATTESTATION {
                let message = format!("it has {size} bytes, and {ATTESTATION} are allowed");
                return Err(ReleaseError::Fetch { what: attestation, message, hint: None });
            }
            let found = self.source.blob(self.order, &self.address, &name, size).map_err(fetch(&attestation))?;
            let wrong = |source| ReleaseError::Attestation { attestation: attestation.clone(), source };
            let file = verify_file(found, blob, size).map_err(wrong)?.into_inner();
            let mut bytes = Vec::new();
            file.file.take(ATTESTATION).read_to_end(&mut bytes).map_err(|error| wrong(error.into()))?;
            bundles.push(Untrusted::new(bytes));
        }
        Ok(bundles)
    }

    /// Holds a verified manifest against what the host asked for, and finds its artifact for this host.
    fn descriptor(&self, manifest: Manifest, id: String, shown: &str) -> Result<Descriptor, ReleaseError> {
        let order = self.order;
        let wrong = |why: String| ReleaseError::Descriptor { descriptor: shown.to_owned(), why };
        let component = order.component.clone().unwrap_or_default();
        for (field, name, want) in [
            ("application", APPLICATION, &order.app),
            ("component", COMPONENT, &component),
            ("channel", CHANNEL, &order.channel),
        ] {
            let have = manifest.annotation(name).unwrap_or_default();
            if have != want {
                let (descriptor, have, want) = (shown.to_owned(), have.to_owned(), want.to_owned());
                return Err(ReleaseError::Mismatch { descriptor, field, have, want });
            }
        }
        let version = manifest.annotation(VERSION).unwrap_or(&id).to_owned();
        let image = match manifest {
            Manifest::Image(image) => *image,
            Manifest::Index(index) => match self.named(platform(&index, order).map_err(wrong)?)? {
                Manifest::Image(image) => *image,
                Manifest::Index(_) => return Err(wrong("an index of it leads to another index".into())),
            },
        };
        let [layer] = &image.layers[..] else {
            return Err(wrong(format!("it has {} layers, and a release has one", image.layers.len())));
        };
        let artifact = artifact(layer, order).map_err(wrong)?;
        let (app, channel) = (order.app.clone(), order.channel.clone());
        Ok(Descriptor {
            app,
            component: order.component.clone(),
            version,
            release_id: id,
            channel,
            artifact,
            commit: None,
        })
    }
}

/// The one manifest of an index for this host.
fn platform(index: &OciImageIndex, order: &Order) -> Result<[u8; 32], String> {
    let fits = |os: String, arch: String| os == order.os && arch == order.arch;
    let mut fitting = index
        .manifests
        .iter()
        .filter(|one| one.platform.as_ref().is_some_and(|on| fits(on.os.to_string(), on.architecture.to_string())));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => manifest::digest(&one.digest).map_err(|error| error.to_string()),
        (None, _) => Err(format!("it has nothing for {} {}", order.os, order.arch)),
        _ => Err(format!("it has several manifests for {} {}", order.os, order.arch)),
    }
}

/// The layer as an artifact, by the name that its title or its media type gives it.
fn artifact(layer: &OciDescriptor, order: &Order) -> Result<Artifact, String> {
    let title = layer.annotations.as_ref().and_then(|all| all.get(TITLE)).cloned();
    let ending = [("tar+gzip", ".tar.gz"), ("tar+zstd", ".tar.zst"), (".tar", ".tar"), ("tar.gzip", ".tar.gz")]
        .iter()
        .find(|(kind, _)| layer.media_type.ends_with(kind));
    let path = title.unwrap_or_else(|| format!("{}{}", order.app, ending.map_or("", |(_, ending)| ending)));
    if !super::descriptor::is_plain(&path) {
        return Err(format!("the title `{}` of its layer is not a plain relative path", path.escape_default()));
    }
    let sha256 = manifest::digest(&layer.digest).map_err(|error| error.to_string())?;
    let size = u64::try_from(layer.size).ok().filter(|size| *size <= order.limit);
    let size = size.ok_or_else(|| format!("its layer has {} bytes, and {} are allowed", layer.size, order.limit))?;
    Ok(Artifact { path, sha256, size, manifest: None, attestations: Vec::new() })
}
