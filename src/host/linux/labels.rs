//! SELinux's labels on files: what one has, giving it another, and the policy's for what is made.

use super::look;
use super::root::Root;
use crate::host::Kind;
use crate::host::labels::{ATTRIBUTE, ENFORCE, FileContexts, directory, sources};
use nix::fcntl::OFlag;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Inode, size and time of each source: a policy that a task has altered is read again.
type Stamp = Vec<Option<(u64, u64, f64)>>;

/// The policy as last read.
#[derive(Debug, Default)]
pub struct Labels(Mutex<Option<(Stamp, Arc<FileContexts>)>>);

/// The policy; none where SELinux does not run.
fn policy(root: &Root) -> io::Result<Option<Arc<FileContexts>>> {
    if look::stat(root, Path::new(ENFORCE), true)?.is_none() {
        return Ok(None);
    }
    let text = |path: &Path| -> io::Result<Option<String>> {
        Ok(look::read(root, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let directory = directory(&text(Path::new("/etc/selinux/config"))?.unwrap_or_default());
    let mut stamp = Stamp::new();
    for source in sources(&directory) {
        stamp.push(look::stat(root, &source, true)?.map(|stat| (stat.inode, stat.size, stat.mtime)));
    }
    let mut held = root.labels.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((seen, policy)) = &*held
        && *seen == stamp
    {
        return Ok(Some(policy.clone()));
    }
    let policy = Arc::new(FileContexts::read(&directory, text)?);
    *held = Some((stamp, policy.clone()));
    Ok(Some(policy))
}

/// The policy's label for something of that kind at that path.
pub fn of_policy(root: &Root, path: &Path, kind: Kind) -> io::Result<Option<String>> {
    Ok(policy(root)?.and_then(|policy| policy.label(path, kind).map(str::to_owned)))
}

/// The label that a path has; none where SELinux does not run, or the file system has no labels.
pub fn have(root: &Root, path: &Path, follow: bool) -> io::Result<Option<String>> {
    if look::stat(root, Path::new(ENFORCE), true)?.is_none() {
        return Ok(None);
    }
    let mut value = vec![0_u8; 4096];
    match rustix::fs::getxattr(by_number(&place(root, path, follow)?), ATTRIBUTE, &mut value[..]) {
        Ok(size) => {
            let label = String::from_utf8_lossy(&value[..size]);
            Ok(Some(label.trim_end_matches('\0').to_owned()))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives a path a label; a final link is not followed.
pub fn set(root: &Root, path: &Path, label: &str) -> io::Result<()> {
    let place = place(root, path, false)?;
    Ok(rustix::fs::setxattr(by_number(&place), ATTRIBUTE, &stored(label), XattrFlags::empty())?)
}

/// Gives what was just made its label by the policy, before anyone can see it under its name.
pub fn mark(root: &Root, made: &OwnedFd, path: &Path, kind: Kind) -> io::Result<()> {
    let Some(label) = of_policy(root, path, kind)? else { return Ok(()) };
    taken(rustix::fs::fsetxattr(made, ATTRIBUTE, &stored(&label), XattrFlags::empty()))
}

/// The same for a symbolic link, which cannot be opened: by its name in an open directory.
pub fn mark_link(root: &Root, parent: &OwnedFd, name: &OsString, path: &Path) -> io::Result<()> {
    let Some(label) = of_policy(root, path, Kind::Link)? else { return Ok(()) };
    let link = by_number(parent).join(name);
    taken(rustix::fs::lsetxattr(link, ATTRIBUTE, &stored(&label), XattrFlags::empty()))
}

/// A file system without labels is no fault of whoever writes there.
fn taken(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// As libselinux stores it: with the zero at its end.
fn stored(label: &str) -> Vec<u8> {
    [label.as_bytes(), b"\0"].concat()
}

pub(super) fn place(root: &Root, path: &Path, follow: bool) -> io::Result<OwnedFd> {
    root.open_path(path, if follow { OFlag::O_PATH } else { OFlag::O_PATH | OFlag::O_NOFOLLOW })
}

/// Attributes are not read or set through `O_PATH` descriptors, but through their names in /proc.
pub(super) fn by_number(place: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", place.as_raw_fd()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use crate::host::{Attributes, Change, FileWrite, Host, Kind, Linux, Observe};
    use std::path::Path;

    const POLICY: &str = "/.* system_u:object_r:default_t:s0\n\
                          /etc(/.*)? system_u:object_r:etc_t:s0\n\
                          /etc/ssh(/.*)? system_u:object_r:sshd_etc_t:s0\n";

    /// A root in which SELinux seems to run; none where this machine does not let labels be set.
    fn stage() -> Option<(tempfile::TempDir, Linux)> {
        let scratch = tempfile::tempdir().expect("scratch");
        let probe = rustix::fs::setxattr(scratch.path(), super::ATTRIBUTE, b"x\0", super::XattrFlags::empty());
        if probe.is_err() {
            println!("SKIPPED SELinux labels: this user or file system cannot set them");
            return None;
        }
        let put = |path: &str, text: &str| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            std::fs::write(path, text).expect("file");
        };
        put("sys/fs/selinux/enforce", "1");
        put("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
        put("etc/selinux/targeted/contexts/files/file_contexts", POLICY);
        let host = Linux::new(scratch.path()).expect("root");
        Some((scratch, host))
    }

    fn label(host: &Linux, path: &str) -> Option<String> {
        let label = host.label(Path::new(path), false).expect("label")?;
        label.split(':').nth(2).map(str::to_owned)
    }

    #[test]
    fn what_is_made_gets_the_policys_label_and_what_is_replaced_keeps_its_own() {
        let Some((_scratch, mut host)) = stage() else { return };
        let attributes = Attributes::default();
        host.apply(&Change::MakeDirectory { path: "/etc/ssh".into(), attributes }).expect("directory");
        host.apply(&Change::Write(FileWrite::new("/etc/ssh/sshd_config", "a"))).expect("file");
        host.apply(&Change::Symlink { path: "/etc/link".into(), target: "/nowhere".into() }).expect("link");
        assert_eq!(label(&host, "/etc/ssh").as_deref(), Some("sshd_etc_t"));
        assert_eq!(label(&host, "/etc/ssh/sshd_config").as_deref(), Some("sshd_etc_t"));
        assert_eq!(label(&host, "/etc/link").as_deref(), Some("etc_t"));
        let own = Change::SetLabel { path: "/etc/ssh/sshd_config".into(), label: "u:r:own_t:s0".into() };
        host.apply(&own).expect("label");
        host.apply(&Change::Write(FileWrite::new("/etc/ssh/sshd_config", "b"))).expect("again");
        assert_eq!(label(&host, "/etc/ssh/sshd_config").as_deref(), Some("own_t"));
    }

    #[test]
    fn a_policy_that_a_task_alters_is_read_again() {
        let Some((scratch, host)) = stage() else { return };
        let of = |path: &str| host.policy_label(Path::new(path), Kind::File).expect("policy");
        assert_eq!(of("/srv/x").as_deref(), Some("system_u:object_r:default_t:s0"));
        let local = scratch.path().join("etc/selinux/targeted/contexts/files/file_contexts.local");
        std::fs::write(local, "/srv(/.*)? system_u:object_r:srv_t:s0\n").expect("local");
        assert_eq!(of("/srv/x").as_deref(), Some("system_u:object_r:srv_t:s0"));
    }

    #[test]
    fn without_selinux_nothing_has_a_label() {
        let Some((scratch, mut host)) = stage() else { return };
        std::fs::remove_file(scratch.path().join("sys/fs/selinux/enforce")).expect("off");
        host.apply(&Change::Write(FileWrite::new("/etc/new", "a"))).expect("file");
        assert_eq!(host.label(Path::new("/etc/new"), false).expect("label"), None);
        assert_eq!(host.policy_label(Path::new("/etc/new"), Kind::File).expect("policy"), None);
        std::fs::write(scratch.path().join("sys/fs/selinux/enforce"), "0").expect("on");
        assert_eq!(host.label(Path::new("/etc/new"), false).expect("label"), None, "nothing was set while it was off");
    }
}
