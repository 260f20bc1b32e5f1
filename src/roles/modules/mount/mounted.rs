//! What is mounted where, as the kernel says in `/proc/self/mountinfo`.

use std::path::Path;

/// A mount.
#[derive(Clone, Debug, PartialEq)]
struct Mount {
    id: String,
    parent: String,
    device: String,
    root: String,
    path: String,
    source: String,
}

/// Every mount, in order.
#[derive(Debug, Default)]
pub struct Mounts(Vec<Mount>);

/// `\040` and its kin.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let code = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u8::from_str_radix(d, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Mounts {
    /// Of the file's text (proc_pid_mountinfo(5)).
    pub fn of(text: &str) -> Self {
        let mount = |line: &str| {
            let (mount, source) = line.split_once(" - ")?;
            let fields: Vec<&str> = mount.split(' ').collect();
            let field = |at: usize| fields.get(at).map(|field| unescaped(field));
            Some(Mount {
                id: field(0)?,
                parent: field(1)?,
                device: field(2)?,
                root: field(3)?,
                path: field(4)?,
                source: unescaped(source.split(' ').nth(1)?),
            })
        };
        Self(text.lines().filter_map(mount).collect())
    }

    /// The topmost mount at a path.
    fn at(&self, path: &str) -> Option<&Mount> {
        self.0.iter().rev().find(|mount| mount.path == path)
    }

    /// Whether anything is mounted there, a bind mount of the same filesystem too.
    pub fn any(&self, path: &str) -> bool {
        self.at(path).is_some()
    }

    /// Python's `os.path.ismount`: the path is on another device than its parent.
    fn is_mount(&self, path: &str) -> bool {
        let Some(mount) = self.at(path) else { return false };
        let above =
            Path::new(path).parent().map(|parent| parent.ancestors().find_map(|p| self.at(&p.to_string_lossy())));
        above.flatten().is_none_or(|above| above.device != mount.device)
    }

    /// Whether a path has this source: another device, or a bind mount of that directory.
    pub fn has(&self, path: &str, source: &str) -> bool {
        self.is_mount(path) || self.binds(path, source)
    }

    /// Whether exactly this is mounted there.
    pub fn is_of(&self, path: &str, source: &str) -> bool {
        self.binds(path, source) || self.at(path).is_some_and(|mount| mount.source == source)
    }

    fn binds(&self, path: &str, source: &str) -> bool {
        self.at(path).is_some_and(|mount| self.shown(mount) == source)
    }

    /// The directory that is bound, as seen from the mount above; the device where there is none above.
    fn shown(&self, mount: &Mount) -> String {
        let above = self.0.iter().rev().find(|above| above.id == mount.parent && mount.parent != "1");
        let Some(above) = above else { return mount.source.clone() };
        let root = match mount.root.strip_prefix(&above.root) {
            Some(rest) if above.root.len() > 1 && rest.starts_with('/') => rest,
            _ => &mount.root,
        };
        if above.path == "/" { root.to_owned() } else { format!("{}{root}", above.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
        30 22 0:25 / /tmp rw - tmpfs tmpfs rw\n\
        31 22 8:1 /srv/a /mnt/b\\040c rw shared:1 - ext4 /dev/sda1 rw\n";

    #[test]
    fn mounts_are_told_apart() {
        let mounts = Mounts::of(TABLE);
        assert!(mounts.any("/tmp") && !mounts.any("/var") && mounts.any("/mnt/b c"));
        assert!(mounts.has("/tmp", "whatever") && mounts.is_of("/tmp", "tmpfs") && !mounts.is_of("/tmp", "x"));
        assert!(mounts.has("/mnt/b c", "/srv/a") && !mounts.has("/mnt/b c", "/srv/x"));
        assert!(mounts.has("/", "/dev/sda1") && !Mounts::default().any("/"));
    }
}
