//! The ground of one run: the machine's own root, with what is written to it kept apart and thrown away.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::path::{Path, PathBuf};
use support::Error;

/// The directories that a boot writes to.
const WRITTEN: [&str; 3] = ["/etc", "/srv", "/var/lib"];

/// Overlays over the directories that a boot writes to, and a memory file system for the run's scratch. They go with
/// this value. It stands in a mount namespace of its own, which `benches/run` makes.
pub struct Ground<'a> {
    work: &'a Path,
    mounted: Vec<PathBuf>,
}

impl<'a> Ground<'a> {
    /// Lays the ground, scratch in `work`.
    ///
    /// # Errors
    /// When something cannot be mounted.
    pub fn new(work: &'a Path) -> Result<Self, Error> {
        let none = None::<&str>;
        mount(Some("tmpfs"), work, Some("tmpfs"), MsFlags::empty(), none)?;
        let mut ground = Self { work, mounted: Vec::new() };
        for directory in WRITTEN.map(Path::new) {
            ground.over(directory, directory)?;
        }
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
        ground.mounted.push(PathBuf::from("/run"));
        Ok(ground)
    }

    /// Lays an overlay over `lower` at `target`.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn over(&mut self, lower: &Path, target: &Path) -> Result<(), Error> {
        let over = self.work.join("over").join(self.mounted.len().to_string());
        let (upper, scratch) = (over.join("upper"), over.join("work"));
        for directory in [upper.as_path(), scratch.as_path(), target] {
            std::fs::create_dir_all(directory)?;
        }
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), scratch.display());
        mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
        self.mounted.push(target.to_owned());
        Ok(())
    }
}

impl Drop for Ground<'_> {
    fn drop(&mut self) {
        for directory in self.mounted.iter().rev() {
            let _ = umount2(directory, MntFlags::MNT_DETACH);
        }
        let _ = umount2(self.work, MntFlags::MNT_DETACH);
    }
}
