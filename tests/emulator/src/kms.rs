//! KMS, as far as signing goes: keys of ECC_NIST_P256, their public halves, signatures over digests.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

use crate::account::Account;
use crate::credentials::Principal;
use crate::encoding::{base64, from_base64};
use crate::error::{ApiError, Common};
use crate::members::Members;
use crate::policy::Policy;
use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// The account's keys, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Store {
    keys: Vec<(String, EcdsaKeyPair)>,
}

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
}

impl Store {
    /// Makes a key; one that cannot be made is none, which its first use tells.
    pub(crate) fn generate(&mut self, id: &str) {
        self.keys
            .extend(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok().map(|pair| (id.to_owned(), pair)));
    }

    /// A key's public half, as DER.
    pub(crate) fn public(&self, id: &str) -> Option<Vec<u8>> {
        let (_, pair) = self.keys.iter().find(|(have, _)| have == id)?;
        pair.public_key().as_der().ok().map(|der| der.as_ref().to_vec())
    }

    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, input: &Value) -> Result<Value, ApiError> {
        match action {
            "GetPublicKey" => self.get_public_key(caller, input),
            "Sign" => self.sign(caller, input),
            _ => Err(ApiError::common(Common::UnknownAction, "")),
        }
    }

    fn key(&self, caller: &Caller, action: &str, members: &Members) -> Result<(String, &EcdsaKeyPair), ApiError> {
        let name = members.text("KeyId", 1, 2048)?.ok_or_else(|| ApiError::required("keyId"))?;
        let arn = |id: &str| caller.account.arn("kms", &format!("key/{id}"));
        let full = if name.starts_with("arn:") { name.clone() } else { arn(&name) };
        caller.policy.permit(caller.principal, &format!("kms:{action}"), &full)?;
        let found = self.keys.iter().find(|(id, _)| arn(id) == full);
        let (id, pair) =
            found.ok_or_else(|| ApiError::own("NotFoundException", format!("Key '{full}' does not exist")))?;
        Ok((arn(id), pair))
    }

    fn get_public_key(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["KeyId", "GrantTokens"])?;
        let (arn, pair) = self.key(caller, "GetPublicKey", &members)?;
        let der = pair.public_key().as_der().map_err(|_| ApiError::common(Common::Internal, ""))?;
        Ok(json!({
            "KeyId": arn,
            "PublicKey": base64(der.as_ref()),
            "CustomerMasterKeySpec": "ECC_NIST_P256",
            "KeySpec": "ECC_NIST_P256",
            "KeyUsage": "SIGN_VERIFY",
            "SigningAlgorithms": ["ECDSA_SHA_256"],
        }))
    }

    fn sign(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = ["KeyId", "Message", "MessageType", "SigningAlgorithm", "GrantTokens", "DryRun"];
        let members = Members::of(input, &known)?;
        let (arn, pair) = self.key(caller, "Sign", &members)?;
        let message = members.text("Message", 1, 8192)?.ok_or_else(|| ApiError::required("message"))?;
        let message = from_base64(&message).ok_or_else(|| ApiError::own("SerializationException", ""))?;
        let algorithm = members.text("SigningAlgorithm", 1, 64)?;
        let algorithm = algorithm.ok_or_else(|| ApiError::required("signingAlgorithm"))?;
        if algorithm != "ECDSA_SHA_256" {
            let message = format!("Algorithm {algorithm} is incompatible with key spec ECC_NIST_P256.");
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
            "RAW" => pair.sign(&aws_lc_rs::rand::SystemRandom::new(), &message),
            "DIGEST" => {
                let digest = Digest::import_less_safe(&message, &SHA256);
                let wrong = |_| ApiError::validation("Digest is invalid length for algorithm ECDSA_SHA_256.");
                pair.sign_digest(&digest.map_err(wrong)?)
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
        Ok(json!({ "KeyId": arn, "Signature": base64(signature.as_ref()), "SigningAlgorithm": algorithm }))
    }
}
