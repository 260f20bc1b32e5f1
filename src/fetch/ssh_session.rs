//! An SSH session up to authentication: the host's key is a pinned one, the user's comes from memory.

use super::FetchError;
use super::connection::connect;
use super::deploy_key::DeployKey;
use super::error::clean;
use super::transport::{Credentials, Dial};
use crate::trust::Realm;
use russh::Preferred;
use russh::client::{AuthResult, Config, Handle, Handler};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyBase64};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) async fn handshake(dial: &Arc<Dial>, host: &str, port: u16) -> Result<Handle<Client>, FetchError> {
    let stream = connect(&dial.clock, host, port, dial.origin.proxy.as_ref()).await?;
    let refusal = Arc::new(Mutex::new(None));
    let client = Client { realm: dial.realm.clone(), host: host.to_owned(), port, refusal: refusal.clone() };
    let config = Arc::new(Config {
        preferred: Preferred { key: Cow::Owned(host_key_order(&dial.realm, host, port)), ..Preferred::DEFAULT },
        nodelay: true,
        ..Config::default()
    });
    let limit = dial.clock.limits.handshake;
    let greeting = russh::client::connect_stream(config, stream, client);
    let shaken = dial.clock.wait("shaking hands with", &dial.host, limit, greeting).await?;
    shaken.map_err(|error| match refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(source) => FetchError::Host { host: dial.host.clone(), source: Box::new(source) },
        None => broken(dial, &error),
    })
}

/// Asks first for the key types that are pinned, as OpenSSH does, so that a host with several keys shows a known one.
/// RSA with SHA-1 is never asked for.
fn host_key_order(realm: &Realm, host: &str, port: u16) -> Vec<Algorithm> {
    let pinned = realm.hosts.algorithms(host, port);
    let known = |algorithm: &Algorithm| {
        let name = if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() };
        pinned.iter().any(|pinned| pinned == name)
    };
    let all = Preferred::DEFAULT.key;
    let mut order: Vec<Algorithm> =
        all.iter().filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None })).cloned().collect();
    order.sort_by_key(|algorithm| !known(algorithm));
    order
}

pub(super) async fn authenticate(dial: &Arc<Dial>, session: &mut Handle<Client>, user: &str) -> Result<(), FetchError> {
    let Credentials::Key(key) = &dial.origin.credentials else {
        return Err(FetchError::Key { problem: "none is configured, and SSH needs one".into() });
    };
    let limit = dial.clock.limits.handshake;
    let attempt = async {
        let hash = hash(session, key).await?;
        session.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key.0.clone(), hash)).await
    };
    match dial.clock.wait("authenticating with", &dial.host, limit, attempt).await? {
        Ok(AuthResult::Success) => Ok(()),
        Ok(AuthResult::Failure { .. }) => {
            let who = format!("deploy key {} for user {user}", key.fingerprint());
            Err(FetchError::Refused { host: dial.host.clone(), who })
        }
        Err(error) => Err(broken(dial, &error)),
    }
}

/// The digest for RSA signatures: what the server names in `server-sig-algs` (RFC 8308), never SHA-1.
async fn hash(session: &Handle<Client>, key: &DeployKey) -> Result<Option<HashAlg>, russh::Error> {
    if !matches!(key.0.algorithm(), Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    match session.best_supported_rsa_hash().await? {
        Some(Some(hash)) => Ok(Some(hash)),
        Some(None) => Err(russh::Error::UnsupportedAuthMethod),
        None => Ok(Some(HashAlg::Sha256)),
    }
}

pub(super) fn broken(dial: &Dial, error: &russh::Error) -> FetchError {
    let host = dial.host.clone();
    let problem = match error {
        russh::Error::UnsupportedAuthMethod => "the server takes RSA keys only with SHA-1; use an ed25519 key".into(),
        russh::Error::Disconnect | russh::Error::HUP => "the server ended the connection".into(),
        error => clean(error.to_string().as_bytes()),
    };
    FetchError::Ssh { host, problem }
}

/// Judges the server's key; nothing else of the session needs an answer.
pub(super) struct Client {
    realm: Realm,
    host: String,
    port: u16,
    refusal: Arc<Mutex<Option<crate::trust::TrustError>>>,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &russh::keys::PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let wire = match shown {
            russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } => key.public_key_bytes(),
            // Certificates are not asked for; a server that shows one is not the pinned one.
            russh::keys::PublicKeyOrCertificate::Certificate(_) => Vec::new(),
        };
        match self.realm.judge_host(&self.host, self.port, &wire) {
            Ok(()) => Ok(true),
            Err(error) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(false)
            }
        }
    }
}
