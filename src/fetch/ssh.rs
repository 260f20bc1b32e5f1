//! git's protocol over SSH: `git-upload-pack` on a host whose key is pinned, with a key from memory.

use super::FetchError;
use super::address::Address;
use super::connection::connect;
use super::deploy_key::DeployKey;
use super::error::clean;
use super::transport::{Credentials, Dial};
use crate::trust::Realm;
use russh::client::{AuthResult, Config, Handle, Handler};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyBase64};
use russh::{ChannelMsg, Disconnect, Preferred};
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How much of the server's error output is kept.
const SAID_LIMIT: usize = 4 << 10;

/// A conversation as libgit2 sees it: blocking. The runtime runs only while libgit2 reads or writes.
pub(super) struct Stream {
    conversation: Conversation,
    runtime: Runtime,
    pending: io::Cursor<Vec<u8>>,
}

/// A conversation with `git-upload-pack`.
struct Conversation {
    dial: Arc<Dial>,
    session: Handle<Client>,
    channel: russh::Channel<russh::client::Msg>,
    said: Vec<u8>,
}

impl Conversation {
    async fn begin(dial: &Arc<Dial>) -> Result<Self, FetchError> {
        let Address::Ssh { user, host, port, path } = &dial.origin.address else { return Err(no_address(dial)) };
        dial.realm
            .knows_host(host, *port)
            .map_err(|source| FetchError::Host { host: dial.host.clone(), source: Box::new(source) })?;
        let mut session = handshake(dial, host, *port).await?;
        authenticate(dial, &mut session, user).await?;
        let limit = dial.clock.limits.handshake;
        let open = async {
            let channel = session.channel_open_session().await?;
            channel.exec(true, format!("git-upload-pack {}", quoted(path))).await?;
            Ok::<_, russh::Error>(channel)
        };
        let opened = dial.clock.wait("opening a channel to", &dial.host, limit, open).await?;
        let channel = opened.map_err(|error| broken(dial, &error))?;
        Ok(Self { dial: dial.clone(), session, channel, said: Vec::new() })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let idle = self.dial.clock.limits.idle;
        let sent = self.dial.clock.wait("sending to", &self.dial.host, idle, self.channel.data(bytes)).await?;
        sent.map_err(|_| FetchError::CutOff { host: self.dial.host.clone() })
    }

    /// The next piece of the server's output; empty when it has ended.
    async fn receive(&mut self) -> Result<Vec<u8>, FetchError> {
        let (host, idle) = (&self.dial.host, self.dial.clock.limits.idle);
        loop {
            match self.dial.clock.wait("waiting for data from", host, idle, self.channel.wait()).await? {
                Some(ChannelMsg::Data { data }) => {
                    self.dial.count(data.len())?;
                    return Ok(data.to_vec());
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    self.dial.count(data.len())?;
                    let room = SAID_LIMIT.saturating_sub(self.said.len());
                    self.said.extend_from_slice(&data[..data.len().min(room)]);
                }
                Some(ChannelMsg::Failure) => {
                    let said = "it does not run git-upload-pack".to_owned();
                    return Err(FetchError::Server { host: host.clone(), said });
                }
                // What the server says on its error output may still follow the end of its output.
                Some(ChannelMsg::Close) | None => return self.end(),
                Some(_) => {}
            }
        }
    }

    /// libgit2 stops reading once it has what it needs, so an end that it sees is an end too early.
    fn end(&self) -> Result<Vec<u8>, FetchError> {
        let host = self.dial.host.clone();
        match clean(&self.said) {
            said if said.is_empty() => Err(FetchError::CutOff { host }),
            said => Err(FetchError::Server { host, said }),
        }
    }
}

impl Stream {
    pub(super) fn open(dial: &Arc<Dial>) -> Result<Self, FetchError> {
        let runtime = runtime(&dial.host)?;
        let conversation = runtime.block_on(Conversation::begin(dial))?;
        Ok(Self { conversation, runtime, pending: io::Cursor::default() })
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.position() >= self.pending.get_ref().len() as u64 {
            let next = self.runtime.block_on(self.conversation.receive());
            self.pending = io::Cursor::new(next.map_err(|error| self.conversation.dial.fail(error))?);
        }
        self.pending.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.runtime.block_on(self.conversation.send(bytes));
        sent.map_err(|error| self.conversation.dial.fail(error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let bye = self.conversation.session.disconnect(Disconnect::ByApplication, "", "en");
        let _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_millis(200), bye).await });
    }
}

/// A runtime for one connection, on the thread that fetches.
pub(super) fn runtime(host: &str) -> Result<Runtime, FetchError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| FetchError::Connect { host: host.to_owned(), problem: error.to_string() })
}

async fn handshake(dial: &Arc<Dial>, host: &str, port: u16) -> Result<Handle<Client>, FetchError> {
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

async fn authenticate(dial: &Arc<Dial>, session: &mut Handle<Client>, user: &str) -> Result<(), FetchError> {
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

fn broken(dial: &Dial, error: &russh::Error) -> FetchError {
    let host = dial.host.clone();
    let problem = match error {
        russh::Error::UnsupportedAuthMethod => "the server takes RSA keys only with SHA-1; use an ed25519 key".into(),
        russh::Error::Disconnect | russh::Error::HUP => "the server ended the connection".into(),
        error => clean(error.to_string().as_bytes()),
    };
    FetchError::Ssh { host, problem }
}

fn no_address(dial: &Dial) -> FetchError {
    FetchError::Address { address: dial.host.clone(), problem: "it is not reached by SSH".into() }
}

/// A path as one word of a POSIX shell, which is what sshd gives the command to.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// Judges the server's key; nothing else of the session needs an answer.
struct Client {
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(super::quoted("/srv/it's $(here)"), r"'/srv/it'\''s $(here)'");
    }
}
