//! The only door to the machine: looking ([`Observe`]), altering ([`Host`]), and what an alteration is ([`Change`]).

mod change;
mod command;
mod content;
mod describe;
mod digest;
pub mod durable;
mod error;
mod labels;
pub mod linux;
mod observe;
mod overlay;
mod subject;
pub mod unpack;
mod void;

pub use change::{Account, Attributes, Change, Effect, FileWrite, GroupEntry, UnitAction, UserEntry};
pub use command::{Command, Dialog, Output, Question};
pub use content::{Content, Reader};
pub use digest::Hasher;
pub use error::HostError;
pub use linux::Linux;
pub use linux::program::{end_programs_at, interrupt};
pub use observe::{Granted, Observe, Through, Unwalked, Visit};
pub use overlay::Overlay;
pub use subject::Subject;
pub use void::Void;

/// What kind of thing a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    Character,
    /// A block device.
    Block,
}

/// What `stat(2)` says of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    /// Hard links.
    pub links: u64,
    /// Blocks of 512 bytes that it takes up.
    pub blocks: u64,
    /// Bytes that are best read and written at once.
    pub block_size: u64,
    /// Which device it stands for, where it is one.
    pub device_type: u64,
    /// Seconds since the epoch, with the fraction.
    pub atime: f64,
    /// Seconds since the epoch, with the fraction.
    pub mtime: f64,
    /// Seconds since the epoch, with the fraction.
    pub ctime: f64,
}

impl Stat {
    /// What most file systems say of what was not made yet.
    const BLOCK: u64 = 4096;

    /// Of what is about to be made.
    pub const fn unmade(kind: Kind, mode: u32, (uid, gid): (u32, u32)) -> Self {
        Self {
            kind,
            mode,
            uid,
            gid,
            size: 0,
            inode: 0,
            device: 0,
            links: 1,
            blocks: 0,
            block_size: Self::BLOCK,
            device_type: 0,
            atime: 0.0,
            mtime: 0.0,
            ctime: 0.0,
        }
    }
}

/// A digest's algorithm, as Ansible's `checksum_algorithm` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// For `stat` and old `checksum:` values only; decides nothing about trust.
    Md5,
    /// Ansible's default for files; decides nothing about trust.
    Sha1,
    /// 224 bits.
    Sha224,
    /// 256 bits.
    Sha256,
    /// 384 bits.
    Sha384,
    /// 512 bits.
    Sha512,
}

/// A machine that can be altered.
pub trait Host: Observe {
    /// Carries out one change. It is whole or not at all where the kernel can give that.
    fn apply(&mut self, change: &Change) -> Result<Effect, HostError>;
    /// Takes back what a change that failed has left.
    fn recover(&mut self, change: &Change) -> Result<Effect, HostError> {
        self.apply(change)
    }
    /// Whether each change is held to one that was reviewed, so that several must not become one.
    fn is_held(&self) -> bool {
        false
    }
    /// The same machine, to look at.
    fn observe(&self) -> &dyn Observe;
}
