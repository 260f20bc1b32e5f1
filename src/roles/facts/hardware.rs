//! Processors, memory, and how long and how hard the machine runs.

use super::sight::{Sight, facts, int};
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
            "cpu cores" => put(&mut sockets, &socket, value.parse::<u16>().map_or(1, i64::from)),
            "siblings" => put(&mut cores, &core, value.parse::<u16>().map_or(1, i64::from)),
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
