//! What muster's tests and example stand on beside the emulated AWS: keys, a signed config repository made on the spot,
//! and an SSH server on loopback that serves it, all in this process. Nothing is needed but Rust.
//!
//! ```
//! use support::{GitServer, Key, Repository, Tree};
//!
//! let (signer, deploy_key) = (Key::generate("signer")?, Key::generate("deploy")?);
//! let repository = Repository::new()?;
//! let tree = Tree::default().file("roles/web/tasks/main.yml", "[]\n");
//! repository.commit(&tree, "First", Some(&signer))?;
//! let server = GitServer::start(&repository, &deploy_key)?;
//! assert!(server.url().starts_with("ssh://git@127.0.0.1:"));
//! assert!(server.known_hosts().contains(" ssh-ed25519 "));
//! # Ok::<(), support::Error>(())
//! ```

mod git_server;
mod key;
mod packet;
mod repository;
mod source;
mod stage;
mod tree;
mod upload_pack;

pub use git_server::GitServer;
pub use key::Key;
pub use repository::Repository;
pub use source::source;
pub use stage::Stage;
pub use tree::Tree;

/// Whatever went wrong while the stage was set; a test shows it and fails.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
