//! Every way in which the program can alter a machine, as data that prints and compares.

use super::unpack::Unpack;
use super::{Command, Content, Output};
use std::path::PathBuf;

/// Owner, group and permission bits to set; what is `None` is left as it is (or the process's default when new).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// A file to put in place whole: written beside its target, then renamed over it.
#[derive(Clone, Debug)]
pub struct FileWrite {
    /// Where. A symbolic link here is replaced unless `follow`.
    pub path: PathBuf,
    /// What.
    pub content: Content,
    /// With which attributes. A new file without a mode is 0666 less the umask, as Ansible makes it.
    pub attributes: Attributes,
    /// Write to the file that a link at `path` points to.
    pub follow: bool,
    /// Keep the old file beside the new one, named as Ansible names backups.
    pub backup: bool,
    /// A program that judges the new content before the rename; `%s` in an argument is the new file.
    pub validate: Option<Command>,
    /// Write in place where a rename is not possible (a bind-mounted file), as Ansible's `unsafe_writes`.
    pub in_place: bool,
    /// Whether the content may hold a secret: it is then never shown in a diff.
    pub sensitive: bool,
}

impl FileWrite {
    /// Content at a path, with nothing else asked.
    pub fn new(path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            content: Content::Bytes(content.into().into()),
            attributes: Attributes::default(),
            follow: false,
            backup: false,
            validate: None,
            in_place: false,
            sensitive: false,
        }
    }
}

/// What can be done to a systemd unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitAction {
    /// `systemctl start`
    Start,
    /// `systemctl stop`
    Stop,
    /// `systemctl restart`
    Restart,
    /// `systemctl reload`
    Reload,
    /// `systemctl enable`
    Enable,
    /// `systemctl disable`
    Disable,
    /// `systemctl mask`
    Mask,
    /// `systemctl unmask`
    Unmask,
    /// `systemctl daemon-reload`, with an empty unit name
    DaemonReload,
    /// `systemctl daemon-reexec`, with an empty unit name
    DaemonReexec,
}

/// A line of passwd, with the shadow fields that roles can set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserEntry {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Primary group's number.
    pub gid: u32,
    /// Comment field.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// A line of group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupEntry {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Members beside those whose primary group it is.
    pub members: Vec<String>,
}

impl UserEntry {
    /// As `getent` prints it.
    pub fn line(&self) -> String {
        format!("{}:x:{}:{}:{}:{}:{}", self.name, self.uid, self.gid, self.gecos, self.home, self.shell)
    }
}

impl GroupEntry {
    /// As `getent` prints it.
    pub fn line(&self) -> String {
        format!("{}:x:{}:{}", self.name, self.gid, self.members.join(","))
    }
}

/// A change to the machine's accounts. Each variant is one run of the distribution's own tool (`useradd`, `groupmod`).
#[derive(Clone, Debug)]
pub enum Account {
    /// The tool's whole argument list; a password hash travels in a file or on standard input, never as an argument.
    Tool(Command),
    /// Sets a user's password hash through `chpasswd -e`, on standard input.
    Password {
        /// Whose.
        user: String,
        /// The crypt(3) hash.
        hash: crate::secret::Secret<String>,
    },
}

/// One alteration of a machine.
#[derive(Clone, Debug)]
pub enum Change {
    /// Put a file in place.
    Write(FileWrite),
    /// Make one directory whose parent exists.
    MakeDirectory {
        /// Where.
        path: PathBuf,
        /// With which attributes; without a mode 0777 less the umask.
        attributes: Attributes,
    },
    /// Set owner, group and mode.
    SetAttributes {
        /// Of what.
        path: PathBuf,
        /// To what.
        attributes: Attributes,
        /// Through a final symbolic link.
        follow: bool,
    },
    /// Set access and modification times, in seconds since the epoch.
    SetTimes {
        /// Of what.
        path: PathBuf,
        /// Access.
        atime: Option<f64>,
        /// Modification.
        mtime: Option<f64>,
    },
    /// Set the SELinux label; a final symbolic link is not followed.
    SetLabel {
        /// Of what.
        path: PathBuf,
        /// The whole context, `user:role:type:level`.
        label: String,
    },
    /// Make or replace a symbolic link in one step.
    Symlink {
        /// Where.
        path: PathBuf,
        /// To what, as written.
        target: PathBuf,
    },
    /// Make or replace a hard link in one step.
    HardLink {
        /// Where.
        path: PathBuf,
        /// To which file.
        target: PathBuf,
    },
    /// Rename within one filesystem.
    Rename {
        /// From.
        from: PathBuf,
        /// To.
        to: PathBuf,
    },
    /// Remove a file, link or whole directory tree, following no link.
    Remove {
        /// What.
        path: PathBuf,
    },
    /// Extract a verified archive into a new directory, whole or not at all.
    Unpack(Unpack),
    /// Run a program. A non-zero exit is an [`Effect`], not an error: the module judges it.
    Run(Command),
    /// Run a package manager's program. Beside [`Change::Run`] so that the package lock is waited for and named.
    Packages(Command),
    /// Act on a systemd unit.
    Unit {
        /// Its name, with suffix.
        name: String,
        /// What to do.
        action: UnitAction,
        /// `--user` or `--global` in place of the system's manager.
        scope: Option<String>,
        /// Do not wait for the job.
        no_block: bool,
    },
    /// Alter accounts.
    Account(Account),
    /// Start a program that goes on beside the run; [`super::Observe::job`] tells how it stands.
    Start {
        /// A name for it.
        job: String,
        /// What to run; its time is limited.
        command: Command,
    },
    /// Let time pass (`pause`, `until` delays).
    Wait(std::time::Duration),
}

/// What a change did.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// What a program said, for changes that run one.
    pub output: Option<Output>,
    /// Where the old file was kept.
    pub backup: Option<PathBuf>,
    /// When it began and how long it took.
    pub started: Option<std::time::SystemTime>,
    /// How long it took.
    pub elapsed: std::time::Duration,
}

impl Effect {
    /// Whether the change was carried out, as opposed to only laid over a machine.
    pub fn happened(&self) -> bool {
        self.started.is_some() || self.output.is_some()
    }
}
