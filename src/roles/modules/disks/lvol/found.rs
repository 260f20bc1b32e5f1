//! What LVM tells of a volume group and of its volumes.

use super::Volume;
use super::size::Size;
use crate::host::Output;
use crate::roles::modules::{Eyes, Failed};

/// A logical volume that is there.
#[derive(Clone, Debug)]
pub(super) struct Have {
    pub(super) name: String,
    pub(super) size: f64,
    pub(super) active: bool,
}

/// A volume group that is there.
pub(super) struct Group {
    pub(super) size: f64,
    pub(super) free: f64,
    pub(super) extent: f64,
}

impl Volume {
    /// The group and its volumes; `None` where there is no such group.
    pub(super) fn look(&self, eyes: &Eyes<'_>) -> Result<Result<(Group, Vec<Have>), Output>, Failed> {
        let scale = self.size.as_ref().map_or_else(|| "m".into(), Size::scale);
        let ask = |program: &str, all: Option<&str>, fields: &str| {
            let words = ["--noheadings", "--nosuffix", "-o", fields, "--units", &scale, "--separator", ";", &self.vg];
            eyes.ask(std::iter::once(program).chain(all).chain(words))
        };
        let groups = ask("vgs", None, "vg_name,size,free,vg_extent_size")?;
        if !groups.ok() {
            return Ok(Err(groups));
        }
        let volumes = ask("lvs", Some("-a"), "lv_name,size,lv_attr")?;
        if !volumes.ok() {
            return Ok(Err(volumes));
        }
        let row = rows(&groups).into_iter().next().unwrap_or_default();
        let group = Group { size: number(&row, 1), free: number(&row, 2), extent: number(&row, 3).max(1.0) };
        let have = |row: Vec<String>| Have {
            name: row.first().cloned().unwrap_or_default().replace(['[', ']'], ""),
            size: number(&row, 1),
            active: row.get(2).and_then(|attributes| attributes.chars().nth(4)) == Some('a'),
        };
        Ok(Ok((group, rows(&volumes).into_iter().map(have).collect())))
    }
}

fn rows(output: &Output) -> Vec<Vec<String>> {
    let row = |line: &str| line.trim().split(';').map(str::to_owned).collect();
    output.text().lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

fn number(row: &[String], at: usize) -> f64 {
    row.get(at).and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}
