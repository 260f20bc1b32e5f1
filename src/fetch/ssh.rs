//! git's protocol over SSH: `git-upload-pack` on a host whose key is pinned, with a key from memory.

use super::FetchError;
use super::address::Address;
use super::error::clean;
use super::ssh_session::{Client, authenticate, broken, handshake};
use super::transport::Dial;
use russh::client::Handle;
use russh::{ChannelMsg, Disconnect};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the server's error output is waited for after its output has ended.
const AFTERWARDS: Duration = Duration::from_secs(2);
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

    /// The next piece of the server's output. Its end is an error: libgit2 stops reading once it has what it needs.
    async fn receive(&mut self) -> Result<Vec<u8>, FetchError> {
        let host = &self.dial.host;
        let (mut limit, mut ended) = (self.dial.clock.limits.idle, false);
        loop {
            let wait = self.dial.clock.wait("waiting for data from", host, limit, self.channel.wait());
            let message = match wait.await {
                Err(FetchError::Timeout { .. }) if ended => return Err(self.end()),
                message => message?,
            };
            match message {
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
                Some(ChannelMsg::Eof) => (limit, ended) = (AFTERWARDS.min(limit), true),
                Some(ChannelMsg::Close) | None => return Err(self.end()),
                Some(_) => {}
            }
        }
    }

    fn end(&self) -> FetchError {
        let host = self.dial.host.clone();
        match clean(&self.said) {
            said if said.is_empty() => FetchError::CutOff { host },
            said => FetchError::Server { host, said },
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

fn no_address(dial: &Dial) -> FetchError {
    FetchError::Address { address: dial.host.clone(), problem: "it is not reached by SSH".into() }
}

/// A path as one word of a POSIX shell, which is what sshd gives the command to.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(super::quoted("/srv/it's $(here)"), r"'/srv/it'\''s $(here)'");
    }
}
