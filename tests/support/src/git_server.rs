//! An SSH server on loopback that serves one repository to one key, as a git host serves deploy keys.

use crate::{Error, Key, Repository, upload_pack};
use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The repository's path, as clients name it.
const PATH: &str = "/config.git";

/// A running server; it stops with this value.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    host_key: Key,
    fetches: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl Drop for GitServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl GitServer {
    /// Serves a repository to whoever holds the deploy key.
    ///
    /// # Errors
    /// When no port on loopback can be had.
    pub fn start(repository: &Repository, deploy_key: &Key) -> Result<Self, Error> {
        let host_key = Key::generate("host")?;
        let config = Arc::new(Config {
            keys: vec![host_key.private().clone()],
            auth_rejection_time: Duration::ZERO,
            inactivity_timeout: Some(Duration::from_secs(60)),
            ..Config::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let fetches = Arc::new(AtomicUsize::new(0));
        let client = Client {
            allowed: deploy_key.private().public_key().clone(),
            repository: repository.path().to_owned(),
            fetches: Arc::clone(&fetches),
            channels: BTreeMap::new(),
        };
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, client) = (Arc::clone(&config), client.fresh());
                tokio::spawn(async move {
                    // A client that goes away in the middle is its own affair.
                    if let Ok(session) = run_stream(config, stream, client).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Ok(Self { address, host_key, fetches, runtime: Some(runtime) })
    }

    /// Where the repository is: `ssh://git@127.0.0.1:PORT/config.git`.
    pub fn url(&self) -> String {
        format!("ssh://git@{}{PATH}", self.address)
    }

    /// The line of `known_hosts` that pins this server.
    pub fn known_hosts(&self) -> String {
        self.pinned_as(&self.host_key)
    }

    /// A line of `known_hosts` that pins another key for this server.
    pub fn pinned_as(&self, key: &Key) -> String {
        let key = key.public_openssh().unwrap_or_default();
        format!("[{}]:{} {key}\n", self.address.ip(), self.address.port())
    }

    /// How often the repository was asked for.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// One connection.
struct Client {
    allowed: PublicKey,
    repository: PathBuf,
    fetches: Arc<AtomicUsize>,
    channels: BTreeMap<ChannelId, Channel<Msg>>,
}

impl Client {
    fn fresh(&self) -> Self {
        Self {
            allowed: self.allowed.clone(),
            repository: self.repository.clone(),
            fetches: Arc::clone(&self.fetches),
            channels: BTreeMap::new(),
        }
    }
}

impl Handler for Client {
    type Error = Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Error> {
        let known = user == "git" && key.public_key.key_data() == self.allowed.key_data();
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Error> {
        let Some(channel) = self.channels.remove(&id) else { return Ok(()) };
        session.channel_success(id)?;
        let command = String::from_utf8_lossy(command).into_owned();
        let repository = self.repository.clone();
        self.fetches.fetch_add(1, Ordering::SeqCst);
        // A client that goes away in the middle is its own affair.
        tokio::spawn(async move { run(channel, &command, repository).await.unwrap_or_default() });
        Ok(())
    }
}

/// Runs the one command that this server has, and ends the channel with its status.
async fn run(channel: Channel<Msg>, command: &str, repository: PathBuf) -> Result<(), Error> {
    let (mut from, to) = channel.split();
    let path = command.strip_prefix("git-upload-pack ").map(|path| path.trim_matches('\''));
    let served = match path {
        Some(PATH) => upload_pack::serve(&repository, &mut from.make_reader(), &mut to.make_writer()).await,
        other => Err(format!("'{}' does not appear to be a git repository", other.unwrap_or(command)).into()),
    };
    if let Err(error) = &served {
        to.extended_data(1, format!("fatal: {error}\n").as_bytes()).await?;
    }
    to.exit_status(if served.is_ok() { 0 } else { 128 }).await?;
    to.eof().await?;
    to.close().await?;
    Ok(())
}

#[cfg(test)]
#[path = "git_server_tests.rs"]
mod tests;
