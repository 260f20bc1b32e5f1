//! A certificate request (PKCS#10): read, made, and judged against what a task asks for.

use super::extensions::{JUDGED, meaning};
use super::key::Key;
use super::names::{attributes, subject};
use super::pem;
use super::signature::{Hash, algorithm, sign, stands};
use x509_cert::der::asn1::{Any, BitString, ObjectIdentifier, SetOfVec};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq, Version};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// `extensionRequest` (PKCS#9).
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// A request that was read.
pub struct Request {
    inner: CertReq,
    /// What it asks for.
    pub extensions: Vec<Extension>,
}

/// What a request is to say.
pub struct Wanted {
    /// The subject's attributes.
    pub subject: Vec<(ObjectIdentifier, String)>,
    /// Whether their order counts.
    pub ordered: bool,
    /// The extensions.
    pub extensions: Vec<Extension>,
    /// How it is signed.
    pub hash: Hash,
}

impl Request {
    /// Reads a PEM file.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let section = pem::first(bytes)?;
        if !matches!(section.label.as_str(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") {
            return None;
        }
        let inner = CertReq::from_der(&section.der).ok()?;
        let asked = inner.info.attributes.iter().find(|attribute| attribute.oid == EXTENSION_REQUEST);
        let extensions = match asked.and_then(|attribute| attribute.values.get(0)) {
            Some(any) => ExtensionReq::from_der(&any.to_der().ok()?).ok()?.0,
            None => Vec::new(),
        };
        Some(Self { inner, extensions })
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        &self.inner.info.subject
    }

    /// Its public key.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.inner.info.public_key
    }

    /// Whether its own key has signed it.
    pub fn is_signed(&self) -> bool {
        let Ok(text) = self.inner.info.to_der() else { return false };
        let Some(signature) = self.inner.signature.as_bytes() else { return false };
        stands(self.public_key(), self.inner.algorithm.oid, &text, signature)
    }

    /// Whether it says all that is wanted, for this key.
    pub fn is(&self, wanted: &Wanted, key: &Key) -> bool {
        let mut have = attributes(self.subject());
        let mut want = wanted.subject.clone();
        if !wanted.ordered {
            for names in [&mut have, &mut want] {
                names.sort();
                names.dedup();
            }
        }
        let said = |all: &[Extension], oid: ObjectIdentifier| {
            let found = all.iter().find(|extension| extension.extn_id == oid);
            found.map(|extension| (extension.critical, meaning(extension)))
        };
        let same = |oid: &ObjectIdentifier| said(&self.extensions, *oid) == said(&wanted.extensions, *oid);
        have == want
            && JUDGED.iter().all(same)
            && self.public_key().to_der().is_ok_and(|der| der == key.spki())
            && self.is_signed()
    }
}

/// Makes a request, as PEM.
pub fn make(wanted: &Wanted, key: &Key) -> Result<String, String> {
    let cannot = || "the private key cannot be used to sign certificate requests with this digest".to_owned();
    let info = CertReqInfo {
        version: Version::V1,
        subject: subject(&wanted.subject)?,
        public_key: SubjectPublicKeyInfoOwned::from_der(&key.spki()).map_err(|error| error.to_string())?,
        attributes: asked(&wanted.extensions)?,
    };
    let text = info.to_der().map_err(|error| error.to_string())?;
    let algorithm = algorithm(key, wanted.hash).ok_or_else(cannot)?;
    let signature = sign(key, wanted.hash, &text).ok_or_else(cannot)?;
    let signature = BitString::from_bytes(&signature).map_err(|error| error.to_string())?;
    let request = CertReq { info, algorithm, signature }.to_der().map_err(|error| error.to_string())?;
    Ok(pem::text("CERTIFICATE REQUEST", &request).to_string())
}

fn asked(extensions: &[Extension]) -> Result<x509_cert::attr::Attributes, String> {
    let mut all = SetOfVec::new();
    if extensions.is_empty() {
        return Ok(all);
    }
    let wrong = |error: x509_cert::der::Error| error.to_string();
    let list = Any::from_der(&ExtensionReq(extensions.to_vec()).to_der().map_err(wrong)?).map_err(wrong)?;
    let values = SetOfVec::try_from(vec![list]).map_err(wrong)?;
    all.insert(x509_cert::attr::Attribute { oid: EXTENSION_REQUEST, values }).map_err(wrong)?;
    Ok(all)
}

/// The bit string's content of a public key, for key identifiers.
pub fn key_bits(spki: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    spki.subject_public_key.as_bytes().unwrap_or_default().to_vec()
}
