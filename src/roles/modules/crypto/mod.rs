//! Modules about keys, requests and certificates, and what they share.

mod asn1;
pub mod certificate;
pub mod csr;
pub mod dhparam;
mod extensions;
mod fingerprint;
mod issue;
mod key;
pub mod keypair;
mod names;
mod openssh;
mod pem;
pub mod privatekey;
mod request;
mod signature;
mod target;
#[cfg(test)]
mod tests;
mod validity;
