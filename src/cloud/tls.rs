//! Whom TLS trusts: the host's certificates and the bundle that settings name.

use super::CloudError;
use base64::Engine;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::path::Path;
use std::sync::Arc;

/// Certificates that were read and can be used.
#[derive(Clone, Debug)]
pub struct Roots {
    store: Arc<RootCertStore>,
    pem: String,
}

/// Where distributions keep their bundle: Debian, RHEL, SUSE, Alpine. One file read in place of a directory of hundreds.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl Roots {
    /// The host's certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured) and a bundle's. That there are none at
    /// all is no error yet: it is one when something needs TLS.
    pub fn load(bundle: Option<&Path>) -> Result<Self, CloudError> {
        let mut roots = Self::of_host();
        if let Some(path) = bundle {
            let refuse = |why: String| CloudError::CaBundle { path: path.to_owned(), why };
            let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
            let certificates = CertificateDer::pem_slice_iter(&bytes)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| refuse(error.to_string()))?;
            let added = certificates.iter().filter(|certificate| roots.add(certificate)).count();
            if added == 0 {
                return Err(refuse("it holds no certificate that can be used".into()));
            }
        }
        Ok(roots)
    }

    /// The host's certificates alone.
    pub(super) fn of_host() -> Self {
        let mut roots = Self::none();
        for certificate in native() {
            roots.add(&certificate);
        }
        roots
    }

    /// Nobody is trusted.
    pub(super) fn none() -> Self {
        Self { store: Arc::new(RootCertStore::empty()), pem: String::new() }
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// The certificates as PEM, which is what the SDK's client takes.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// A client that verifies servers by these certificates.
    pub fn client(&self) -> Result<ClientConfig, CloudError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| CloudError::Client { what: "TLS", why: error.to_string() })?;
        Ok(builder.with_root_certificates(Arc::clone(&self.store)).with_no_client_auth())
    }

    /// A client that verifies no certificate: only for a role that says `validate_certs: false`.
    pub(super) fn unverified() -> Result<ClientConfig, CloudError> {
        let mut client = Self::none().client()?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        client.dangerous().set_certificate_verifier(Arc::new(Anyone(schemes)));
        Ok(client)
    }

    fn add(&mut self, certificate: &CertificateDer<'static>) -> bool {
        // A certificate that cannot be parsed would make the SDK's client panic.
        if Arc::make_mut(&mut self.store).add(certificate.clone()).is_err() {
            return false;
        }
        self.pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = base64::engine::general_purpose::STANDARD.encode(certificate);
        for line in text.as_bytes().chunks(64) {
            self.pem.push_str(&String::from_utf8_lossy(line));
            self.pem.push('\n');
        }
        self.pem.push_str("-----END CERTIFICATE-----\n");
        true
    }
}

/// Believes every certificate.
#[derive(Debug)]
struct Anyone(Vec<SignatureScheme>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

fn native() -> Vec<CertificateDer<'static>> {
    let chosen = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    let bundle = BUNDLES.iter().map(Path::new).find(|path| !chosen && path.is_file());
    let result = match bundle {
        Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    };
    for error in &result.errors {
        tracing::warn!("the host's certificates: {error}");
    }
    result.certs
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::failure::Explain;

    #[test]
    fn a_bundle_that_holds_no_certificate_is_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("ca.pem");
        std::fs::write(&path, "no certificate\n").expect("write");
        let error = Roots::load(Some(&path)).expect_err("refused");
        assert!(error.to_string().contains("ca.pem"), "{error}");
        assert!(error.hint().is_some());
        assert!(Roots::load(Some(&scratch.path().join("absent.pem"))).is_err());
    }

    #[test]
    fn what_is_trusted_is_given_to_both_clients() {
        let roots = Roots::load(None).expect("roots");
        let listed = CertificateDer::pem_slice_iter(roots.pem().as_bytes()).count();
        assert_eq!(listed, roots.store.len());
        assert!(Roots::none().is_empty() && Roots::none().client().is_ok());
    }
}
