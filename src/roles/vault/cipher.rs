//! Ansible Vault's `AES256`: AES-256-CTR under a key by PBKDF2, judged by HMAC-SHA256 before it is opened.

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
const BLOCK: usize = 16;

/// What a passphrase and a salt come to.
struct Keys(Zeroizing<[u8; 80]>);

impl Keys {
    fn derive(passphrase: &[u8], salt: &[u8]) -> Self {
        let mut out = Zeroizing::new([0; 80]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, passphrase, &mut out[..]);
        Self(out)
    }

    fn mac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0[32..64])
    }

    fn cipher(&self) -> Option<(UnboundCipherKey, FixedLength<BLOCK>)> {
        let key = UnboundCipherKey::new(&AES_256, &self.0[..32]).ok()?;
        let start: [u8; BLOCK] = self.0[64..].try_into().ok()?;
        Some((key, FixedLength::from(start)))
    }
}

/// The text within; `None` where the passphrase is another or the text was altered.
pub(super) fn open(passphrase: &[u8], salt: &[u8], mac: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let keys = Keys::derive(passphrase, salt);
    hmac::verify(&keys.mac(), body, mac).ok()?;
    let (key, start) = keys.cipher()?;
    let mut out = Zeroizing::new(body.to_vec());
    DecryptingKey::ctr(key).ok()?.decrypt(&mut out, DecryptionContext::Iv128(start)).ok()?;
    let padding = usize::from(*out.last()?);
    let length = out.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
    out.truncate(length);
    Some(out)
}

/// The text closed: its MAC and its body.
pub(super) fn close(passphrase: &[u8], salt: &[u8], text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let keys = Keys::derive(passphrase, salt);
    let (key, start) = keys.cipher()?;
    let padding = BLOCK - text.len() % BLOCK;
    let mut body = Vec::with_capacity(text.len() + padding);
    body.extend_from_slice(text);
    body.resize(text.len() + padding, u8::try_from(padding).ok()?);
    EncryptingKey::ctr(key).ok()?.less_safe_encrypt(&mut body, EncryptionContext::Iv128(start)).ok()?;
    let mac = hmac::sign(&keys.mac(), &body).as_ref().to_vec();
    Some((mac, body))
}
