//! Modules about disks: partitions, filesystems, volume groups and logical volumes.

pub mod filesystem;
pub mod lvg;
pub mod lvol;
pub mod parted;
mod partitions;
