//! A private Sigstore instance: a certificate authority with its transparency log, two logs for signatures, and a
//! timestamp authority, all made for one test.

mod bundle;
mod der;
mod timestamp;

pub use bundle::{IDENTITY, ISSUER, Log, Recipe};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster::trust::sigstore::TrustedRoot;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};
use std::time::Duration;

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A key, for certificates and for everything else.
pub struct Key {
    pub pair: KeyPair,
    pub signer: sigstore_crypto::KeyPair,
    pub spki: Vec<u8>,
}

impl Key {
    pub fn new() -> Self {
        let pair = KeyPair::generate().expect("key");
        let signer = sigstore_crypto::KeyPair::from_pkcs8_der(&pair.serialize_der()).expect("the same key");
        let spki = signer.public_key_der().expect("public").as_bytes().to_vec();
        Self { pair, signer, spki }
    }

    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.signer.sign(bytes).expect("signature").as_bytes().to_vec()
    }

    /// What logs are called: SHA-256 of the key.
    pub fn id(&self) -> [u8; 32] {
        *sigstore_crypto::sha256(&self.spki).as_bytes()
    }

    pub fn pem(&self) -> String {
        sigstore_types::DerPublicKey::new(self.spki.clone()).to_pem()
    }
}

/// A time, as certificates have it.
pub fn at(seconds: i64) -> impl Fn(&mut rcgen::CertificateParams, bool) {
    move |params, end| {
        let time = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).expect("after 1970"));
        if end { params.not_after = time } else { params.not_before = time }
    }
}

/// A root authority.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub certificate: Vec<u8>,
    pub spki: Vec<u8>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = Key::new();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let certificate = params.self_signed(&key.pair).expect("root").der().to_vec();
        Self { issuer: Issuer::new(params, key.pair), certificate, spki: key.spki }
    }
}

/// The instance.
pub struct Instance {
    pub ca: Authority,
    pub ct: Key,
    pub logs: [Key; 2],
    pub tsa: Authority,
    pub tsa_key: Key,
    pub tsa_certificate: Vec<u8>,
    /// When everything happens: an hour ago.
    pub now: i64,
}

impl Instance {
    pub fn new() -> Self {
        let (ca, tsa, tsa_key) = (Authority::new("test authority"), Authority::new("test stamps"), Key::new());
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "test stamp");
        params.serial_number = Some(7_u64.into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let tsa_certificate = params.signed_by(&tsa_key.pair, &tsa.issuer).expect("leaf").der().to_vec();
        let now = jiff::Timestamp::now().as_second() - 3600;
        Self { ca, ct: Key::new(), logs: [Key::new(), Key::new()], tsa, tsa_key, tsa_certificate, now }
    }

    /// Its trusted root, as JSON.
    pub fn document(&self) -> Value {
        let window = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &Key| {
            json!({
                "baseUrl": "https://log.test", "hashAlgorithm": "SHA2_256", "logId": {"keyId": base64(&key.id())},
                "publicKey": {"rawBytes": base64(&key.spki), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window},
            })
        };
        let authority = |chain: &[&[u8]]| {
            let certificates: Vec<Value> = chain.iter().map(|one| json!({"rawBytes": base64(one)})).collect();
            json!({
                "subject": {"organization": "test", "commonName": "test"}, "uri": "https://authority.test",
                "certChain": {"certificates": certificates}, "validFor": window,
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": self.logs.iter().map(log).collect::<Vec<_>>(),
            "certificateAuthorities": [authority(&[&self.ca.certificate])],
            "ctlogs": [log(&self.ct)],
            "timestampAuthorities": [authority(&[&self.tsa_certificate, &self.tsa.certificate])],
        })
    }

    /// Its trusted root.
    pub fn root(&self) -> TrustedRoot {
        TrustedRoot::from_json(&self.document().to_string()).expect("a trusted root")
    }
}
