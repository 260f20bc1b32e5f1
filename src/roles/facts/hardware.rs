//! Processors, memory, the board, mounts and block devices.

use super::sight::{Sight, facts, int};
use crate::host::Command;
use crate::roles::value::{Key, Map, Value};
use std::collections::HashMap;

pub(super) const PROCESSORS: &[&str] = &[
    "processor",
    "processor_count",
    "processor_cores",
    "processor_threads_per_core",
    "processor_vcpus",
    "processor_nproc",
    "flags",
];
pub(super) const MEMORY: &[&str] = &["memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb", "memory_mb"];
pub(super) const BOARD: &[&str] = &[
    "bios_date",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "form_factor",
    "product_name",
    "product_serial",
    "product_uuid",
    "product_version",
    "system_vendor",
];

pub(super) fn processors(sight: &Sight<'_>) -> Map {
    let (mut names, mut flags) = (Vec::new(), Vec::new());
    let (mut vendors, mut models, mut count, mut all) = (0, 0, 0, 0);
    let mut sockets: Vec<(String, i64)> = Vec::new();
    let mut cores: Vec<(String, i64)> = Vec::new();
    let (mut socket, mut core) = (String::new(), String::new());
    let put = |list: &mut Vec<(String, i64)>, key: &str, value: i64| match list.iter_mut().find(|(k, _)| k == key) {
        Some(entry) => entry.1 = value,
        None => list.push((key.to_owned(), value)),
    };
    for line in sight.lines("/proc/cpuinfo") {
        let (key, value) = line.split_once(':').map_or((line.trim(), ""), |(k, v)| (k.trim(), v.trim()));
        match key {
            "flags" => flags = value.split_whitespace().map(Value::from).collect(),
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                names.push(Value::from(value));
                all += 1;
                vendors += i64::from(key == "vendor_id");
                models += i64::from(key == "model name");
                count += i64::from(key == "processor");
            }
            "physical id" => {
                value.clone_into(&mut socket);
                if !sockets.iter().any(|(k, _)| k == value) {
                    put(&mut sockets, value, 1);
                }
            }
            "core id" => {
                value.clone_into(&mut core);
                put(&mut cores, value, 1);
            }
            "cpu cores" => put(&mut sockets, &socket, value.parse().unwrap_or(1)),
            "siblings" => put(&mut cores, &core, value.parse().unwrap_or(1)),
            _ => {}
        }
    }
    if vendors > 0 && vendors == models {
        all = vendors;
    }
    if ["aarch", "arm", "powerpc"].iter().any(|arch| std::env::consts::ARCH.starts_with(arch)) {
        all = count;
    }
    let processor_count = if sockets.is_empty() { all } else { i64::try_from(sockets.len()).unwrap_or(1) };
    let per_socket = sockets.first().map_or(1, |(_, cores)| (*cores).max(1));
    // Python's `round` of a quotient of whole numbers.
    let threads = (2 * cores.first().map_or(1, |(_, siblings)| *siblings) + per_socket - 1) / (2 * per_socket);
    let mut out = facts([
        ("processor", Value::list(names)),
        ("processor_count", Value::Int(processor_count)),
        ("processor_cores", Value::Int(per_socket)),
        ("processor_threads_per_core", Value::Int(threads)),
        ("processor_vcpus", Value::Int(threads * processor_count * per_socket)),
        ("processor_nproc", std::thread::available_parallelism().map_or(Value::Int(count), |n| int(n.get()))),
    ]);
    if !flags.is_empty() {
        out.insert(Key::from("flags"), Value::list(flags));
    }
    out
}

pub(super) fn memory(sight: &Sight<'_>) -> Map {
    let lines = sight.lines("/proc/meminfo");
    let kilobytes: HashMap<&str, i64> = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name, value.split_whitespace().next()?.parse().ok()?)))
        .collect();
    if kilobytes.is_empty() {
        return Map::new();
    }
    let megabytes = |name: &str| kilobytes.get(name).map_or(0, |kb| kb / 1024);
    let (total, free) = (megabytes("MemTotal"), megabytes("MemFree"));
    let real = |name: &str| kilobytes.get(name).copied().unwrap_or(0);
    let nocache = (real("MemFree") + real("Cached") + real("Buffers")) / 1024;
    let swap = (megabytes("SwapTotal"), megabytes("SwapFree"));
    let group = |members: &[(&str, i64)]| Value::map(members.iter().map(|(name, n)| (*name, Value::Int(*n))));
    let detail = Value::map([
        ("real", group(&[("total", total), ("used", total - free), ("free", free)])),
        ("nocache", group(&[("free", nocache), ("used", total - nocache)])),
        (
            "swap",
            group(&[
                ("total", swap.0),
                ("free", swap.1),
                ("used", swap.0 - swap.1),
                ("cached", megabytes("SwapCached")),
            ]),
        ),
    ]);
    facts([
        ("memtotal_mb", Value::Int(total)),
        ("memfree_mb", Value::Int(free)),
        ("swaptotal_mb", Value::Int(swap.0)),
        ("swapfree_mb", Value::Int(swap.1)),
        ("memory_mb", detail),
    ])
}

pub(super) fn board(sight: &Sight<'_>) -> Map {
    const FORMS: &[&str] = &[
        "Unknown",
        "Other",
        "Unknown",
        "Desktop",
        "Low Profile Desktop",
        "Pizza Box",
        "Mini Tower",
        "Tower",
        "Portable",
        "Laptop",
        "Notebook",
        "Hand Held",
        "Docking Station",
        "All In One",
        "Sub Notebook",
        "Space-saving",
        "Lunch Box",
        "Main Server Chassis",
        "Expansion Chassis",
        "Sub Chassis",
        "Bus Expansion Chassis",
        "Peripheral Chassis",
        "RAID Chassis",
        "Rack Mount Chassis",
        "Sealed-case PC",
        "Multi-system",
        "CompactPCI",
        "AdvancedTCA",
        "Blade",
    ];
    let mut out = Map::new();
    for name in BOARD {
        let file = match *name {
            "form_factor" => "chassis_type",
            "system_vendor" => "sys_vendor",
            other => other,
        };
        let text = sight.text(&format!("/sys/devices/virtual/dmi/id/{file}"));
        let value = match (text, *name) {
            (Some(text), "form_factor") => text
                .parse::<usize>()
                .ok()
                .and_then(|at| FORMS.get(at))
                .map_or_else(|| format!("unknown ({text})"), |s| (*s).into()),
            (text, _) => text.unwrap_or_else(|| "NA".into()),
        };
        out.insert(Key::from(*name), value.into());
    }
    out
}

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
                ("size_total", Value::Int(total * size)),
                ("size_available", Value::Int(available * size)),
                ("block_size", Value::Int(*size)),
                ("block_total", Value::Int(*total)),
                ("block_available", Value::Int(*available)),
                ("block_used", Value::Int(total - available)),
                ("inode_total", Value::Int(*inodes)),
                ("inode_available", Value::Int(*inodes_free)),
                ("inode_used", Value::Int(inodes - inodes_free)),
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

pub(super) fn devices(sight: &Sight<'_>) -> Map {
    let devices = sight.list("/sys/block").into_iter().map(|name| {
        let base = format!("/sys/block/{name}");
        let read = |file: &str| sight.text(&format!("{base}/{file}"));
        let optional = |text: Option<String>| text.map_or(Value::Null, Value::from);
        let bytes = read("size").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0) * 512;
        let sector = read("queue/physical_block_size");
        let partitions = sight.list(&base).into_iter().filter(|part| part.starts_with(&name)).map(|part| {
            let read = |file: &str| sight.text(&format!("{base}/{part}/{file}"));
            let bytes = read("size").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0) * 512;
            let members = [
                ("start", optional(read("start"))),
                ("sectors", optional(read("size"))),
                ("size", size_text(bytes).into()),
            ];
            (part.clone(), Value::map(members))
        });
        let members = [
            ("model", optional(read("device/model"))),
            ("vendor", optional(read("device/vendor"))),
            ("removable", optional(read("removable"))),
            ("rotational", optional(read("queue/rotational"))),
            ("sectors", optional(read("size"))),
            ("sectorsize", optional(sector)),
            ("size", size_text(bytes).into()),
            ("partitions", Value::map(partitions.collect::<Vec<_>>())),
        ];
        (name.clone(), Value::map(members))
    });
    facts([("devices", Value::map(devices.collect::<Vec<_>>()))])
}

#[expect(clippy::cast_precision_loss, reason = "two places are shown")]
fn size_text(bytes: i64) -> String {
    let units = [("TB", 1i64 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match units.iter().find(|(_, limit)| bytes >= *limit) {
        Some((unit, limit)) => format!("{:.2} {unit}", bytes as f64 / *limit as f64),
        None => format!("{:.2} Bytes", bytes as f64),
    }
}

pub(super) fn running(sight: &Sight<'_>) -> Map {
    let mut out = Map::new();
    let uptime = sight.text("/proc/uptime").and_then(|text| text.split('.').next()?.parse::<i64>().ok());
    out.extend(uptime.map(|seconds| (Key::from("uptime_seconds"), Value::Int(seconds))));
    if let Some(text) = sight.text("/proc/loadavg") {
        let numbers = text.split_whitespace().take(3).map(|word| Value::Float(word.parse().unwrap_or(0.0)));
        out.insert(Key::from("loadavg"), Value::map(["1m", "5m", "15m"].into_iter().zip(numbers)));
    }
    out
}
