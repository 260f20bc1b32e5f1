//! An SSH client against the server: who is let in, and what for.

use super::*;
use crate::Tree;
use russh::ChannelMsg;
use russh::client;
use russh::keys::PrivateKeyWithHashAlg;

/// A client that pins the host's key.
struct Pinned(PublicKey);

impl client::Handler for Pinned {
    type Error = Error;

    async fn check_server_key(&mut self, key: &russh::keys::PublicKeyOrCertificate) -> Result<bool, Error> {
        Ok(
            matches!(key, russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } if key.key_data() == self.0.key_data()),
        )
    }
}

/// What a command printed on both streams and its status; nothing, if the key was refused.
fn ask(server: &GitServer, key: &Key, command: &str) -> Option<(String, u32)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pinned = Pinned(server.host_key.private().public_key().clone());
        let config = Arc::new(client::Config::default());
        let mut session = client::connect(config, server.address, pinned).await.expect("connected");
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.private().clone()), None);
        if !session.authenticate_publickey("git", key).await.expect("asked").success() {
            return None;
        }
        let mut channel = session.channel_open_session().await.expect("a channel");
        channel.exec(true, command).await.expect("asked");
        channel.data(&b"0000"[..]).await.expect("sent");
        let (mut text, mut status) = (String::new(), 255);
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => {
                    text.push_str(&String::from_utf8_lossy(&data));
                }
                ChannelMsg::ExitStatus { exit_status } => status = exit_status,
                _ => {}
            }
        }
        Some((text, status))
    })
}

#[test]
fn one_key_reads_one_repository() {
    let repository = Repository::new().expect("a repository");
    let head = repository.commit(&Tree::default().file("a", "b"), "First", None).expect("committed");
    let (key, stranger) = (Key::generate("a").expect("a key"), Key::generate("b").expect("a key"));
    let server = GitServer::start(&repository, &key).expect("started");
    let (refs, status) = ask(&server, &key, "git-upload-pack '/config.git'").expect("let in");
    assert!(refs.contains(&format!("{head} refs/heads/main\n")) && status == 0, "{status} {refs}");
    let (other, status) = ask(&server, &key, "git-upload-pack '/other.git'").expect("let in");
    assert_eq!((other.as_str(), status), ("fatal: '/other.git' does not appear to be a git repository\n", 128));
    assert_eq!(ask(&server, &key, "git-receive-pack '/config.git'").expect("let in").1, 128);
    assert_eq!(ask(&server, &stranger, "git-upload-pack '/config.git'"), None);
    assert_eq!(server.fetches(), 3);
}
