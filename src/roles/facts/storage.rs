//! Mounts.

use super::sight::{Sight, facts, int};
use crate::host::Command;
use crate::roles::value::{Map, Value};
use std::collections::HashMap;

pub(super) fn mounts(sight: &Sight<'_>) -> Map {
    let lines = match sight.lines("/proc/self/mounts") {
        lines if lines.is_empty() => sight.lines("/etc/mtab"),
        lines => lines,
    };
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| line.split_whitespace().map(unescaped).collect::<Vec<_>>())
        .filter(|row| row.len() >= 6 && row[2] != "none" && (row[0].starts_with(['/', '\\']) || row[0].contains(":/")))
        .collect();
    let paths: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    let sizes = sizes(sight, &paths);
    let ids: HashMap<String, String> = sight
        .list("/dev/disk/by-uuid")
        .into_iter()
        .filter_map(|id| {
            let target = sight.link(&format!("/dev/disk/by-uuid/{id}"))?;
            Some((format!("/dev/{}", target.rsplit('/').next()?), id))
        })
        .collect();
    let mounts = rows.iter().map(|row| {
        let mut out = facts([
            ("mount", row[1].as_str().into()),
            ("device", row[0].as_str().into()),
            ("fstype", row[2].as_str().into()),
            ("options", row[3].as_str().into()),
            ("dump", int(row[4].parse::<i64>().unwrap_or(0))),
            ("passno", int(row[5].parse::<i64>().unwrap_or(0))),
            ("uuid", ids.get(&row[0]).map_or("N/A", String::as_str).into()),
        ]);
        if let Some([size, total, available, inodes, inodes_free]) = sizes.get(row[1].as_str()) {
            out.extend(facts([
                ("size_total", Value::Int(total.saturating_mul(*size))),
                ("size_available", Value::Int(available.saturating_mul(*size))),
                ("block_size", Value::Int(*size)),
                ("block_total", Value::Int(*total)),
                ("block_available", Value::Int(*available)),
                ("block_used", Value::Int(total.saturating_sub(*available))),
                ("inode_total", Value::Int(*inodes)),
                ("inode_available", Value::Int(*inodes_free)),
                ("inode_used", Value::Int(inodes.saturating_sub(*inodes_free))),
            ]));
        }
        Value::Map(out.into())
    });
    facts([("mounts", Value::list(mounts))])
}

/// The kernel writes blanks and backslashes in octal.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// Block size, blocks, blocks to be had, inodes, free inodes of each file system.
fn sizes(sight: &Sight<'_>, paths: &[&str]) -> HashMap<String, [i64; 5]> {
    let mut argv = vec!["stat", "-f", "-c", "%S %b %a %c %d %n"];
    argv.extend(paths);
    // One file system that cannot be asked makes it fail, and the others are told all the same.
    let Ok(output) = sight.host.query(&Command::new(argv)) else { return HashMap::new() };
    let mut out = HashMap::new();
    for line in output.text().lines() {
        let mut words = line.splitn(6, ' ');
        let numbers: Vec<i64> = words.by_ref().take(5).filter_map(|word| word.parse().ok()).collect();
        if let (Ok(numbers), Some(path)) = (<[i64; 5]>::try_from(numbers), words.next()) {
            out.insert(path.to_owned(), numbers);
        }
    }
    out
}
