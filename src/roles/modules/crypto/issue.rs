//! Certificates (RFC 5280): read, and issued for a request.

use super::asn1::value;
use super::extensions::{AUTHORITY_KEY, SUBJECT_KEY, extension};
use super::key::Key;
use super::names::attributes;
use super::pem;
use super::request::{Request, key_bits};
use super::signature::{Hash, algorithm, sign, stands};
use crate::host::{Digest, Hasher};
use std::time::Duration;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{BitString, GeneralizedTime, ObjectIdentifier, UtcTime};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

/// When to make a subject key identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKey {
    /// Where the request has none.
    IfMissing,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

/// A certificate that was read or issued.
pub struct Issued(Certificate);

/// Who issues, and how.
pub struct Issuer<'a> {
    /// Its name; the request's own for a self-signed certificate.
    pub name: Name,
    /// Its private key.
    pub key: &'a Key,
    /// The identifier of its key, where the certificate is to carry it.
    pub key_identifier: Option<Vec<u8>>,
    /// How it signs.
    pub hash: Hash,
    /// About the subject's key identifier.
    pub subject_key: SubjectKey,
    /// From when and until when, in seconds since the epoch.
    pub validity: (i64, i64),
}

/// The SHA-1 of a public key, as key identifiers are commonly made (RFC 5280, 4.2.1.2).
pub fn identifier(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    hex::decode(Hasher::of(Digest::Sha1, &key_bits(key))).unwrap_or_default()
}

fn find(all: &[Extension], oid: ObjectIdentifier) -> Option<&Extension> {
    all.iter().find(|extension| extension.extn_id == oid)
}

fn authority(identifier: &[u8]) -> Vec<u8> {
    value(0x30, &[&value(0x80, &[identifier])])
}

impl Issued {
    /// Reads a PEM file's first certificate.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let section = pem::first(bytes).filter(|section| section.label.ends_with("CERTIFICATE"))?;
        Certificate::from_der(&section.der).ok().map(Self)
    }

    /// As PEM.
    pub fn text(&self) -> Result<String, String> {
        let der = self.0.to_der().map_err(|error| error.to_string())?;
        Ok(pem::text("CERTIFICATE", &der).to_string())
    }

    /// Issues a certificate for a public key.
    pub fn make(
        subject: &Name,
        key: &SubjectPublicKeyInfoOwned,
        asked: &[Extension],
        issuer: &Issuer<'_>,
    ) -> Result<Self, String> {
        let cannot = || "the private key cannot be used to sign certificates with this digest".to_owned();
        let wrong = |error: x509_cert::der::Error| error.to_string();
        let algorithm = algorithm(issuer.key, issuer.hash).ok_or_else(cannot)?;
        let mut serial = [0_u8; 20];
        aws_lc_rs::rand::fill(&mut serial).map_err(|_| "the machine gives no random numbers".to_owned())?;
        // Positive, and of full length.
        serial[0] = serial[0] & 0x7f | 0x40;
        let extensions = extensions(key, asked, issuer)?;
        let tbs = TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&serial).map_err(wrong)?,
            signature: algorithm.clone(),
            issuer: issuer.name.clone(),
            validity: Validity { not_before: time(issuer.validity.0)?, not_after: time(issuer.validity.1)? },
            subject: subject.clone(),
            subject_public_key_info: key.clone(),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: (!extensions.is_empty()).then_some(extensions),
        };
        let text = tbs.to_der().map_err(wrong)?;
        let signature = sign(issuer.key, issuer.hash, &text).ok_or_else(cannot)?;
        let signature = BitString::from_bytes(&signature).map_err(wrong)?;
        Ok(Self(Certificate { tbs_certificate: tbs, signature_algorithm: algorithm, signature }))
    }

    /// Its public key.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.0.tbs_certificate.subject_public_key_info
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        &self.0.tbs_certificate.subject
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.0.tbs_certificate.issuer
    }

    /// Whether it says nothing but whose key it is, as one for an empty request does.
    pub fn is_bare(&self, subject_key: SubjectKey) -> bool {
        let mut others = self.extensions().iter().filter(|one| one.extn_id != SUBJECT_KEY);
        let plain = subject_key != SubjectKey::Never || self.extensions().is_empty();
        self.subject().is_empty() && others.next().is_none() && plain
    }

    fn extensions(&self) -> &[Extension] {
        self.0.tbs_certificate.extensions.as_deref().unwrap_or_default()
    }

    /// The identifier of its own key: as it says, or made.
    pub fn key_identifier(&self) -> Vec<u8> {
        let said = find(self.extensions(), SUBJECT_KEY);
        let said = said.and_then(|said| x509_cert::der::asn1::OctetString::from_der(said.extn_value.as_bytes()).ok());
        said.map_or_else(|| identifier(self.public_key()), |octets| octets.as_bytes().to_vec())
    }

    /// From when and until when, in seconds since the epoch.
    pub fn validity(&self) -> (i64, i64) {
        let seconds = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        let validity = self.0.tbs_certificate.validity;
        (seconds(validity.not_before), seconds(validity.not_after))
    }

    /// Its serial number in decimal digits.
    pub fn serial(&self) -> String {
        let mut bytes = self.0.tbs_certificate.serial_number.as_bytes().to_vec();
        let mut digits = Vec::new();
        while bytes.iter().any(|byte| *byte != 0) {
            let mut rest = 0_u32;
            for byte in &mut bytes {
                let number = rest << 8 | u32::from(*byte);
                *byte = u8::try_from(number / 10).unwrap_or(0);
                rest = number % 10;
            }
            digits.push(char::from_digit(rest, 10).unwrap_or('0'));
        }
        if digits.is_empty() { "0".into() } else { digits.into_iter().rev().collect() }
    }

    /// Whether it says what a request asks for.
    pub fn answers(&self, request: &Request, subject_key: SubjectKey, with_authority: bool) -> bool {
        let judged = |all: &[Extension]| {
            let skip =
                |oid| oid == SUBJECT_KEY && subject_key != SubjectKey::Never || oid == AUTHORITY_KEY && with_authority;
            let mut all: Vec<Extension> = all.iter().filter(|one| !skip(one.extn_id)).cloned().collect();
            all.sort_by_key(|one| one.extn_id);
            all
        };
        request.is_signed()
            && request.public_key() == self.public_key()
            && attributes(request.subject()) == attributes(self.subject())
            && judged(&request.extensions) == judged(self.extensions())
    }

    /// Whether the identifier of its key is there as the task wants it.
    pub fn identifies_key(&self, asked: &[Extension], subject_key: SubjectKey) -> bool {
        if subject_key == SubjectKey::Never {
            return true;
        }
        let Some(have) = find(self.extensions(), SUBJECT_KEY) else { return false };
        match find(asked, SUBJECT_KEY).filter(|_| subject_key == SubjectKey::IfMissing) {
            Some(asked) => asked.extn_value == have.extn_value,
            None => have.extn_value.as_bytes() == value(0x04, &[&identifier(self.public_key())]),
        }
    }

    /// Whether this key has signed it, under this name, and the key's identifier is the one given.
    pub fn is_by(&self, key: &SubjectPublicKeyInfoOwned, name: &Name, key_identifier: Option<&[u8]>) -> bool {
        let Ok(text) = self.0.tbs_certificate.to_der() else { return false };
        let Some(signature) = self.0.signature.as_bytes() else { return false };
        let said = find(self.extensions(), AUTHORITY_KEY).map(|said| said.extn_value.as_bytes());
        stands(key, self.0.signature_algorithm.oid, &text, signature)
            && attributes(name) == attributes(&self.0.tbs_certificate.issuer)
            && key_identifier.is_none_or(|identifier| said == Some(&authority(identifier)))
    }
}

fn extensions(
    key: &SubjectPublicKeyInfoOwned,
    asked: &[Extension],
    issuer: &Issuer<'_>,
) -> Result<Vec<Extension>, String> {
    let dropped = |oid| {
        oid == SUBJECT_KEY && issuer.subject_key == SubjectKey::Always
            || oid == AUTHORITY_KEY && issuer.key_identifier.is_some()
    };
    let mut all: Vec<Extension> = asked.iter().filter(|one| !dropped(one.extn_id)).cloned().collect();
    if issuer.subject_key != SubjectKey::Never && find(&all, SUBJECT_KEY).is_none() {
        all.push(extension(SUBJECT_KEY, false, value(0x04, &[&identifier(key)]))?);
    }
    if let Some(identifier) = &issuer.key_identifier {
        all.push(extension(AUTHORITY_KEY, false, authority(identifier))?);
    }
    Ok(all)
}

/// Until 2049 in two digits of year, from 2050 in four (RFC 5280, 4.1.2.5).
fn time(moment: i64) -> Result<Time, String> {
    let wrong = |_| format!("{moment} seconds since 1970 cannot be written in a certificate");
    let since = Duration::from_secs(u64::try_from(moment).map_err(|_| format!("{moment} is before 1970"))?);
    if let Ok(short) = UtcTime::from_unix_duration(since) {
        return Ok(Time::UtcTime(short));
    }
    GeneralizedTime::from_unix_duration(since).map(Time::GeneralTime).map_err(wrong)
}
