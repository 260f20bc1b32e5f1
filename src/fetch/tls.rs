//! What HTTPS stands on: whose certificates are believed.

use super::FetchError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// rustls with the given certificates, or the system's.
pub(super) fn configuration(bundle: Option<&[u8]>) -> Result<rustls::ClientConfig, FetchError> {
    let fail = |problem: String| FetchError::Setting { what: "the CA bundle".into(), problem };
    let mut roots = rustls::RootCertStore::empty();
    match bundle {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| fail(error.to_string()))?;
                roots.add(certificate).map_err(|error| fail(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(fail("it holds no certificate".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|error| fail(error.to_string()))?.with_root_certificates(roots).with_no_client_auth())
}
