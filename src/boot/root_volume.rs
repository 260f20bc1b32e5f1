//! Which EBS volume the root filesystem lies on: through partitions, LVM and RAID down to the disks.

use crate::host::Observe;
use std::path::Path;

/// LVM on RAID on partitions is three deep.
const DEEPEST: usize = 8;

/// The volume's id as `vol-...`, those of a root on several disks joined by `+`.
///
/// A Nitro instance's EBS volume is an NVMe disk whose serial number is the volume's id without the dash; udev repeats it
/// in `/dev/disk/by-id`. A Xen instance's `xvda` tells nothing, and the metadata's block device mapping has names only:
/// there it is `None`.
/// <https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html>
pub(super) fn root_volume(host: &dyn Observe) -> Option<String> {
    let device = mounted(host).or_else(|| numbered(host))?;
    let mut disks = Vec::new();
    below(host, &device, DEEPEST, &mut disks);
    let mut volumes = disks.iter().map(|disk| volume(host, disk)).collect::<Option<Vec<String>>>()?;
    volumes.sort();
    volumes.dedup();
    (!volumes.is_empty()).then(|| volumes.join("+"))
}

fn text(host: &dyn Observe, path: &str) -> Option<String> {
    String::from_utf8(host.read(Path::new(path)).ok()??).ok()
}

fn last_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

/// The block device's name in `/sys`, as the table of mounts has it. The last line for `/` is the one that is seen.
fn mounted(host: &dyn Observe) -> Option<String> {
    let mounts = text(host, "/proc/self/mounts")?;
    let device = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (device, place) = (fields.next()?, fields.next()?);
            (place == "/").then_some(device)
        })
        .next_back()?;
    let path = Path::new(device);
    // `/dev/mapper/vg-root` is a link to `../dm-0`.
    let target = host.read_link(path).ok().flatten();
    let name = last_name(target.as_deref().unwrap_or(path))?;
    let known = device.starts_with("/dev/") && host.stat(Path::new(&sys(&name)), true).ok()?.is_some();
    known.then_some(name)
}

/// The same by the device's number: the table may say `/dev/root`.
fn numbered(host: &dyn Observe) -> Option<String> {
    let device = host.stat(Path::new("/"), true).ok()??.device;
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    last_name(&host.read_link(Path::new(&format!("/sys/dev/block/{major}:{minor}"))).ok()??)
}

fn sys(name: &str) -> String {
    format!("/sys/class/block/{name}")
}

/// The disks below a block device.
fn below(host: &dyn Observe, name: &str, depth: usize, disks: &mut Vec<String>) {
    let slaves = host.list(Path::new(&format!("{}/slaves", sys(name)))).ok().flatten().unwrap_or_default();
    if !slaves.is_empty() && depth > 0 {
        for slave in slaves.iter().filter_map(|slave| slave.to_str()) {
            below(host, slave, depth - 1, disks);
        }
        return;
    }
    let is_partition = text(host, &format!("{}/partition", sys(name))).is_some();
    // A partition's directory lies in its disk's.
    let disk = host.read_link(Path::new(&sys(name))).ok().flatten().filter(|_| is_partition);
    disks.push(disk.and_then(|path| last_name(path.parent()?)).unwrap_or_else(|| name.to_owned()));
}

fn volume(host: &dyn Observe, disk: &str) -> Option<String> {
    let serial = text(host, &format!("{}/device/serial", sys(disk)));
    serial.as_deref().and_then(volume_id).or_else(|| {
        let links = host.list(Path::new("/dev/disk/by-id")).ok()??;
        links.iter().filter_map(|link| link.to_str()).find_map(|link| {
            let target = host.read_link(Path::new(&format!("/dev/disk/by-id/{link}"))).ok()??;
            (last_name(&target)? == disk).then(|| volume_id(link)).flatten()
        })
    })
}

/// `vol0123456789abcdef0`, with or without a dash, alone or at the end of a name.
fn volume_id(text: &str) -> Option<String> {
    let (_, rest) = text.trim().rsplit_once("vol")?;
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let plain = matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| format!("vol-{digits}"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;
    use crate::host::Linux;
    use std::os::unix::fs::symlink;

    const ONE: &str = "vol0123456789abcdef0";

    struct Scene(tempfile::TempDir);

    impl Scene {
        fn mounted(device: &str) -> Self {
            let scene = Self(tempfile::tempdir().expect("scratch"));
            scene.file(
                "proc/self/mounts",
                &format!("rootfs / rootfs rw 0 0\n{device} / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"),
            );
            scene
        }
        fn file(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            std::fs::write(path, text).expect("file");
        }
        fn link(&self, path: &str, target: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            symlink(target, path).expect("link");
        }
        /// A disk with one partition, as sysfs has them.
        fn disk(&self, disk: &str, partition: &str, serial: Option<&str>) {
            self.file(&format!("sys/devices/{disk}/{partition}/partition"), "1\n");
            self.link(&format!("sys/class/block/{disk}"), &format!("../../devices/{disk}"));
            self.link(&format!("sys/class/block/{partition}"), &format!("../../devices/{disk}/{partition}"));
            if let Some(serial) = serial {
                self.file(&format!("sys/devices/{disk}/device/serial"), &format!("{serial}  \n"));
            }
        }
        fn volume(&self) -> Option<String> {
            root_volume(&Linux::new(self.0.path()).expect("root"))
        }
    }

    #[test]
    fn a_nitro_root_is_its_disk_s_serial() {
        let scene = Scene::mounted("/dev/nvme0n1p1");
        scene.disk("nvme0n1", "nvme0n1p1", Some(ONE));
        assert_eq!(scene.volume().as_deref(), Some("vol-0123456789abcdef0"));
    }

    #[test]
    fn lvm_and_raid_lead_to_their_disks() {
        let scene = Scene::mounted("/dev/mapper/vg-root");
        scene.link("dev/mapper/vg-root", "../dm-0");
        scene.file("sys/class/block/dm-0/slaves/nvme0n1p3/x", "");
        scene.file("sys/class/block/dm-0/slaves/nvme1n1p1/x", "");
        scene.disk("nvme0n1", "nvme0n1p3", Some(ONE));
        scene.disk("nvme1n1", "nvme1n1p1", Some("vol0fffffffffffffff0"));
        assert_eq!(scene.volume().as_deref(), Some("vol-0123456789abcdef0+vol-0fffffffffffffff0"));
    }

    #[test]
    fn udev_s_links_tell_where_sysfs_does_not() {
        let scene = Scene::mounted("/dev/nvme0n1p1");
        scene.disk("nvme0n1", "nvme0n1p1", None);
        scene.link("dev/disk/by-id/nvme-nvme.1d0f-0001", "../../nvme0n1");
        scene.link(&format!("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{ONE}"), "../../nvme0n1");
        assert_eq!(scene.volume().as_deref(), Some("vol-0123456789abcdef0"));
    }

    #[test]
    fn a_xen_root_and_one_that_is_no_device_tell_nothing() {
        let scene = Scene::mounted("/dev/xvda1");
        scene.disk("xvda", "xvda1", None);
        assert_eq!(scene.volume(), None);
        assert_eq!(Scene::mounted("overlay").volume(), None);
    }
}
