//! KMS, as far as signing goes: keys of some kinds, their public halves, signatures over digests.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

use crate::account::Account;
use crate::credentials::Principal;
use crate::encoding::{base64, from_base64};
use crate::error::{ApiError, Common};
use crate::members::Members;
use crate::policy::Policy;
use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

/// What a key of KMS is: its KeySpec, and what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECC_NIST_P256
    #[default]
    P256,
    /// ECC_NIST_P384
    P384,
    /// ECC_SECG_P256K1
    P256K1,
    /// RSA_2048
    Rsa2048,
    /// RSA_3072
    Rsa3072,
    /// RSA_4096
    Rsa4096,
    /// RSA_2048 that encrypts, and does not sign.
    Encrypting,
}

impl KeyKind {
    /// KeySpec, the algorithm that it signs with, and that one's digest.
    fn row(self) -> (&'static str, &'static str, &'static Algorithm) {
        match self {
            Self::P256 => ("ECC_NIST_P256", "ECDSA_SHA_256", &SHA256),
            Self::P384 => ("ECC_NIST_P384", "ECDSA_SHA_384", &SHA384),
            Self::P256K1 => ("ECC_SECG_P256K1", "ECDSA_SHA_256", &SHA256),
            Self::Rsa2048 | Self::Encrypting => ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", &SHA256),
            Self::Rsa3072 => ("RSA_3072", "RSASSA_PKCS1_V1_5_SHA_256", &SHA256),
            Self::Rsa4096 => ("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_256", &SHA256),
        }
    }

    fn generate(self) -> Result<Pair, Unspecified> {
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::generate(algorithm).map(Pair::Ec);
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa);
        match self {
            Self::P256 => ec(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Self::P384 => ec(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Self::P256K1 => ec(&ECDSA_P256K1_SHA256_ASN1_SIGNING),
            Self::Rsa2048 | Self::Encrypting => rsa(KeySize::Rsa2048),
            Self::Rsa3072 => rsa(KeySize::Rsa3072),
            Self::Rsa4096 => rsa(KeySize::Rsa4096),
        }
    }
}

#[derive(Debug)]
enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Pair {
    fn public(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ec(pair) => pair.public_key().as_der().ok().map(|der| der.as_ref().to_vec()),
            Self::Rsa(pair) => pair.public_key().as_der().ok().map(|der| der.as_ref().to_vec()),
        }
    }

    fn sign(&self, digest: &Digest) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Ec(pair) => pair.sign_digest(digest).map(|signature| signature.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, digest, &mut signature).map(|()| signature)
            }
        }
    }
}

/// The account's keys, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Store {
    keys: Vec<(String, KeyKind, Pair)>,
}

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
}

impl Store {
    /// Makes a key; one that cannot be made is none, which its first use tells.
    pub(crate) fn generate(&mut self, id: &str, kind: KeyKind) {
        self.keys.extend(kind.generate().ok().map(|pair| (id.to_owned(), kind, pair)));
    }

    /// A key's public half, as DER.
    pub(crate) fn public(&self, id: &str) -> Option<Vec<u8>> {
        self.keys.iter().find(|(have, ..)| have == id)?.2.public()
    }

    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, input: &Value) -> Result<Value, ApiError> {
        match action {
            "GetPublicKey" => self.get_public_key(caller, input),
            "Sign" => self.sign(caller, input),
            _ => Err(ApiError::common(Common::UnknownAction, "")),
        }
    }

    fn key(&self, caller: &Caller, action: &str, members: &Members) -> Result<(String, KeyKind, &Pair), ApiError> {
        let name = members.text("KeyId", 1, 2048)?.ok_or_else(|| ApiError::required("keyId"))?;
        let arn = |id: &str| caller.account.arn("kms", &format!("key/{id}"));
        let full = if name.starts_with("arn:") { name.clone() } else { arn(&name) };
        caller.policy.permit(caller.principal, &format!("kms:{action}"), &full)?;
        let found = self.keys.iter().find(|(id, ..)| arn(id) == full);
        let (id, kind, pair) =
            found.ok_or_else(|| ApiError::own("NotFoundException", format!("Key '{full}' does not exist")))?;
        Ok((arn(id), *kind, pair))
    }

    fn get_public_key(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["KeyId", "GrantTokens"])?;
        let (arn, kind, pair) = self.key(caller, "GetPublicKey", &members)?;
        let der = pair.public().ok_or_else(|| ApiError::common(Common::Internal, ""))?;
        let (spec, algorithm, _) = kind.row();
        let mut answer = json!({
            "KeyId": arn, "PublicKey": base64(&der), "CustomerMasterKeySpec": spec, "KeySpec": spec,
        });
        if kind == KeyKind::Encrypting {
            answer["KeyUsage"] = "ENCRYPT_DECRYPT".into();
            answer["EncryptionAlgorithms"] = json!(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]);
        } else {
            answer["KeyUsage"] = "SIGN_VERIFY".into();
            answer["SigningAlgorithms"] = json!([algorithm]);
        }
        Ok(answer)
    }

    fn sign(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = ["KeyId", "Message", "MessageType", "SigningAlgorithm", "GrantTokens", "DryRun"];
        let members = Members::of(input, &known)?;
        let (arn, key, pair) = self.key(caller, "Sign", &members)?;
        let message = members.text("Message", 1, 8192)?.ok_or_else(|| ApiError::required("message"))?;
        let message = from_base64(&message).ok_or_else(|| ApiError::own("SerializationException", ""))?;
        let algorithm = members.text("SigningAlgorithm", 1, 64)?;
        let algorithm = algorithm.ok_or_else(|| ApiError::required("signingAlgorithm"))?;
        let (spec, signs, hash) = key.row();
        if key == KeyKind::Encrypting {
            let message = format!("{arn} key usage is ENCRYPT_DECRYPT which is not valid for Sign.");
            return Err(ApiError::own("InvalidKeyUsageException", message));
        }
        if algorithm != signs {
            let message = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
            return Err(ApiError::own("InvalidKeyUsageException", message));
        }
        let kind = members.text("MessageType", 1, 32)?.unwrap_or_else(|| "RAW".to_owned());
        let signed = match kind.as_str() {
            "RAW" if message.len() > 4096 => {
                return Err(ApiError::constraint(
                    "message",
                    "message",
                    "Member must have length less than or equal to 4096",
                ));
            }
            "RAW" => pair.sign(&aws_lc_rs::digest::digest(hash, &message)),
            "DIGEST" => {
                let digest = Digest::import_less_safe(&message, hash);
                let wrong = |_| ApiError::validation(format!("Digest is invalid length for algorithm {algorithm}."));
                pair.sign(&digest.map_err(wrong)?)
            }
            _ => {
                return Err(ApiError::constraint(
                    &kind,
                    "messageType",
                    "Member must satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]",
                ));
            }
        };
        let signature = signed.map_err(|_| ApiError::common(Common::Internal, ""))?;
        Ok(json!({ "KeyId": arn, "Signature": base64(&signature), "SigningAlgorithm": algorithm }))
    }
}
