//! LVM's programs, and those that make and grow filesystems.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::BTreeMap;

/// Megabytes of a physical volume, and of an extent.
const DEVICE: f64 = 1000.0;
const EXTENT: f64 = 4.0;

/// Volume groups and what is in them; sizes in megabytes.
pub struct Volumes {
    /// The group of each physical volume.
    physical: BTreeMap<String, String>,
    /// By group and name: its size, and whether it can be used.
    logical: BTreeMap<(String, String), (f64, bool)>,
}

impl Default for Volumes {
    fn default() -> Self {
        let physical = [("/srv/disk".to_owned(), "old".to_owned())];
        let logical = [(("old".to_owned(), "root".to_owned()), (200.0, true))];
        Self { physical: physical.into(), logical: logical.into() }
    }
}

impl Volumes {
    fn size(&self, group: &str) -> f64 {
        self.physical.values().filter(|of| *of == group).map(|_| DEVICE).sum()
    }

    fn free(&self, group: &str) -> f64 {
        let used = self.logical.iter().filter(|((of, _), _)| of == group).map(|(_, (size, _))| size).sum::<f64>();
        self.size(group) - used
    }

    fn groups(&self) -> Vec<&String> {
        let mut names: Vec<&String> = self.physical.values().filter(|name| !name.is_empty()).collect();
        names.dedup();
        names
    }

    /// What follows `-L` or `-l`, in whole extents.
    fn asked(&self, group: &str, words: &[&str]) -> Option<f64> {
        let pair = words.windows(2).find(|pair| matches!(pair[0], "-L" | "-l"))?;
        let size = match pair[1].split_once('%') {
            Some((share, whole)) => {
                let whole = if whole == "FREE" { self.free(group) } else { self.size(group) };
                share.parse::<f64>().ok()? * whole / 100.0
            }
            None => {
                let digits = pair[1].trim_end_matches(char::is_alphabetic);
                digits.parse::<f64>().ok()? * if pair[1].ends_with('g') { 1024.0 } else { 1.0 }
            }
        };
        let extents = if pair[0] == "-l" { (size / EXTENT).floor() } else { (size / EXTENT).ceil() };
        Some(extents * EXTENT)
    }

    fn alter(&mut self, words: &[&str]) -> Option<Output> {
        let path = words.iter().find(|word| word.contains('/') && !word.starts_with('/'))?;
        let (group, name) = path.split_once('/')?;
        let key = (group.to_owned(), name.to_owned());
        match words[0] {
            "lvremove" => drop(self.logical.remove(&key)?),
            "lvchange" => self.logical.get_mut(&key)?.1 = words.contains(&"-ay"),
            _ => {
                let size = self.asked(group, words)?;
                if size - self.logical.get(&key)?.0 > self.free(group) {
                    return Some(said(5, ""));
                }
                self.logical.get_mut(&key)?.0 = size;
            }
        }
        Some(said(0, ""))
    }
}

impl Tool for Volumes {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let unit = words.windows(2).find(|pair| pair[0] == "--units").map_or("m", |pair| pair[1]);
        let scale = if unit == "g" { 1024.0 } else { 1.0 };
        let text = match words {
            ["pvs", .., "pv_name,vg_name", _, _] => {
                self.physical.iter().map(|(device, group)| format!("  {device};{group}\n")).collect()
            }
            ["vgs", .., "vg_name,pv_count,lv_count", _, _] => {
                let line = |name: &&String| {
                    let devices = self.physical.values().filter(|of| of == name).count();
                    let volumes = self.logical.keys().filter(|(of, _)| of == *name).count();
                    format!("  {name};{devices};{volumes}\n")
                };
                self.groups().iter().map(line).collect()
            }
            // As large as its device, but for what LVM keeps for itself.
            ["pvdisplay", ..] => "1048576000;1044381696;1048576;4194304\n".to_owned(),
            ["vgs", .., group] => {
                if self.size(group) == 0.0 {
                    return Some(said(5, ""));
                }
                let [size, free, extent] = [self.size(group), self.free(group), EXTENT].map(|number| number / scale);
                format!("  {group};{size};{free};{extent}\n")
            }
            ["lvs", .., group] => {
                let own = self.logical.iter().filter(|((of, _), _)| of == group);
                let state = |on: bool| if on { "-wi-a-----" } else { "-wi-------" };
                own.map(|((_, name), (size, on))| format!("  {name};{};{}\n", size / scale, state(*on))).collect()
            }
            _ => return None,
        };
        Some(said(0, text))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        match words {
            ["pvcreate", .., device] => drop(self.physical.insert((*device).to_owned(), String::new())),
            ["vgcreate", "-s", _, group, devices @ ..] | ["vgextend", group, devices @ ..] => {
                self.physical.extend(devices.iter().map(|device| ((*device).to_owned(), (*group).to_owned())));
            }
            ["vgreduce", "--force", _, devices @ ..] => {
                for device in devices {
                    self.physical.insert((*device).to_owned(), String::new());
                }
            }
            ["vgremove", "--force", group] => {
                self.physical.retain(|_, of| of != group);
                self.logical.retain(|(of, _), _| of != group);
            }
            ["lvcreate", "--yes", "-n", name, rest @ ..] => {
                let group = rest.get(2)?;
                let size = self.asked(group, rest)?;
                if size > self.free(group) {
                    return Some(said(5, ""));
                }
                self.logical.insert(((*group).to_owned(), (*name).to_owned()), (size, true));
            }
            ["lvextend" | "lvreduce" | "lvchange" | "lvremove", ..] => return self.alter(words),
            _ => return None,
        }
        Some(said(0, ""))
    }
}

/// The kind of filesystem on each device, and how many blocks it has.
pub struct Filesystems(BTreeMap<String, (String, u64)>);

/// More blocks than any device here has.
const WHOLE: u64 = 1 << 20;

impl Default for Filesystems {
    fn default() -> Self {
        Self(BTreeMap::from([("/srv/target".into(), ("ext4".into(), 1))]))
    }
}

impl Tool for Filesystems {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        Some(match words {
            ["blkid", .., device] => match self.0.get(*device) {
                Some((kind, _)) => said(0, format!("{kind}\n")),
                None => said(2, ""),
            },
            ["findmnt", ..] => said(1, ""),
            ["tune2fs", "-l", device] => {
                said(0, format!("Block size:               1\nBlock count:              {}\n", self.0.get(*device)?.1))
            }
            _ => return None,
        })
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        let (program, device) = (words.first()?, words.last()?);
        let kind = match *program {
            "wipefs" => {
                self.0.remove(*device);
                return Some(said(0, ""));
            }
            "resize2fs" => {
                self.0.get_mut(*device)?.1 = WHOLE;
                return Some(said(0, ""));
            }
            "mkswap" => "swap",
            other => other.strip_prefix("mkfs.")?,
        };
        self.0.insert((*device).to_owned(), (kind.to_owned(), WHOLE));
        Some(said(0, ""))
    }
}
