//! Whether the certificate that signed is of whom it must be.

use super::document::Document;
use super::evidence::Who;
use super::signatory::Keyless;
use super::{Claim, SigstoreError};
use sigstore_crypto::x509::CertificateInfo;

/// A certificate has one name: of two, one could be shown to a person and another be matched.
pub(super) fn one_name(document: &Document) -> Result<(), SigstoreError> {
    use x509_cert::der::Decode;
    use x509_cert::ext::pkix::SubjectAltName;
    let malformed = |why: String| SigstoreError::Certificate(sigstore_verify::CertificateError::Malformed(why));
    let der = document.bundle.signing_certificate().ok_or_else(|| malformed("there is none".into()))?;
    let certificate = x509_cert::Certificate::from_der(der.as_bytes()).map_err(|error| malformed(error.to_string()))?;
    let extensions = certificate.tbs_certificate.extensions.unwrap_or_default();
    let names = extensions.iter().filter(|extension| {
        use x509_cert::der::oid::AssociatedOid;
        extension.extn_id == SubjectAltName::OID
    });
    let names: Vec<_> = names.map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes())).collect();
    match &names[..] {
        [Ok(names)] if names.0.len() == 1 => Ok(()),
        _ => Err(malformed("it must have exactly one subject alternative name".into())),
    }
}

/// Identity, issuer and claims of a verified certificate.
pub(super) fn authorise(certificate: &CertificateInfo, keyless: &Keyless) -> Result<Who, SigstoreError> {
    let shown = |text: Option<&str>| text.map_or("absent".to_owned(), |text| format!("`{}`", text.escape_default()));
    let identity = certificate.identity.as_ref().map(|identity| identity.as_str());
    let Some(identity) = identity.filter(|identity| keyless.identity.matches(identity)) else {
        return Err(SigstoreError::Identity { expected: keyless.identity.to_string(), actual: shown(identity) });
    };
    let issuer = certificate.issuer.as_deref();
    let Some(issuer) = issuer.filter(|issuer| keyless.issuer.matches(issuer)) else {
        return Err(SigstoreError::Issuer { expected: keyless.issuer.to_string(), actual: shown(issuer) });
    };
    for (claim, wanted) in &keyless.claims {
        let actual = Claim::of(*claim, &certificate.ci_claims);
        if !actual.is_some_and(|actual| wanted.matches(actual)) {
            let (expected, actual) = (wanted.to_string(), shown(actual));
            return Err(SigstoreError::Claim { name: claim.name(), expected, actual });
        }
    }
    Ok(Who::Identity { identity: identity.to_owned(), issuer: issuer.to_owned() })
}
