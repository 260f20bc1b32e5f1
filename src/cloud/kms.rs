//! Keys that never leave KMS: their public half, and signatures over digests.

use super::retry::until;
use super::{Call, CloudError, Instant, Service, Session};
use aws_lc_rs::digest;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};

/// A key that KMS signs with.
#[derive(Clone, Debug)]
pub struct KmsKey {
    /// Its ARN.
    pub arn: String,
    /// Its public half, a DER SubjectPublicKeyInfo.
    pub public: Vec<u8>,
    algorithm: SigningAlgorithmSpec,
    digest: &'static digest::Algorithm,
    session: Session,
}

/// How cosign writes such a key.
const SCHEME: &str = "awskms:///";

/// A key by its ARN, its alias' ARN, or either behind `awskms:///`. It is asked in its own region.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>
pub async fn kms_key(session: &Session, name: &str, deadline: Instant) -> Result<KmsKey, CloudError> {
    let name = name.strip_prefix(SCHEME).unwrap_or(name);
    let region = name.split(':').nth(3).filter(|region| !region.is_empty() && *region != session.region());
    let session = region.map_or_else(|| session.clone(), |region| session.in_region(region));
    let call = Call::new(Service::Kms, "GetPublicKey", name);
    let request = session.kms().get_public_key().key_id(name);
    let output = match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => output,
        Err(answer) => return Err(session.failed(call, answer).await),
    };
    let wrong = |why: String| CloudError::Contract { call: call.clone(), why };
    if output.key_usage() != Some(&KeyUsageType::SignVerify) {
        return Err(wrong("the key is not one that signs: make it with KeyUsage SIGN_VERIFY".into()));
    }
    // The schemes that verification knows; a DSSE envelope is longer than what Ed25519 keys sign in KMS.
    let (algorithm, digest) = match output.key_spec() {
        Some(KeySpec::EccNistP256) => (SigningAlgorithmSpec::EcdsaSha256, &digest::SHA256),
        Some(KeySpec::EccNistP384) => (SigningAlgorithmSpec::EcdsaSha384, &digest::SHA384),
        Some(KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096) => {
            (SigningAlgorithmSpec::RsassaPkcs1V15Sha256, &digest::SHA256)
        }
        other => {
            let spec = other.map_or("no KeySpec", KeySpec::as_str);
            return Err(wrong(format!("{spec} is not supported: ECC_NIST_P256, ECC_NIST_P384 and RSA keys are")));
        }
    };
    let (arn, public) = (output.key_id, output.public_key);
    let public = public.ok_or_else(|| wrong("there is no public key in the answer".into()))?.into_inner();
    Ok(KmsKey { arn: arn.unwrap_or_else(|| name.to_owned()), public, algorithm, digest, session })
}

/// Signs a message: its digest alone is sent.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>
pub async fn kms_sign(key: &KmsKey, message: &[u8], deadline: Instant) -> Result<Vec<u8>, CloudError> {
    let call = Call::new(Service::Kms, "Sign", &key.arn);
    let digest = digest::digest(key.digest, message);
    let request = key.session.kms().sign().key_id(&key.arn).message(Blob::new(digest.as_ref()));
    let request = request.message_type(MessageType::Digest).signing_algorithm(key.algorithm.clone());
    match until(&call, deadline, || request.clone().send()).await {
        Ok(output) => match output.signature {
            Some(signature) => Ok(signature.into_inner()),
            None => Err(CloudError::Contract { call, why: "there is no signature in the answer".into() }),
        },
        Err(answer) => Err(key.session.failed(call, answer).await),
    }
}
