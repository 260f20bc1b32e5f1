//! Block devices and what `/dev` calls them, as `setup` tells of them.

use super::sight::{Sight, facts, int};
use crate::roles::value::{Key, Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const NAMES: &[&str] = &["devices", "device_links"];

/// Names of a device, by the kind of name.
type Links = [(&'static str, BTreeMap<String, BTreeSet<String>>); 4];

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let links = links(sight);
    let cards = sight.says(&["lspci", "-D"]).unwrap_or_default();
    let names = sight.list("/sys/block");
    let devices = names.iter().map(|name| (name.clone(), device(sight, name, &links, &cards)));
    let devices = Value::map(devices.collect::<Vec<_>>());
    let all = links.iter().map(|(kind, names)| {
        let named = names.iter().map(|(device, names)| (device.clone(), listed(Some(names))));
        (*kind, Value::map(named.collect::<Vec<_>>()))
    });
    facts([("devices", devices), ("device_links", Value::map(all.collect::<Vec<_>>()))])
}

fn listed(names: Option<&BTreeSet<String>>) -> Value {
    Value::list(names.into_iter().flatten().map(|name| Value::str(name.as_str())))
}

fn links(sight: &Sight<'_>) -> Links {
    let named = |directory: &str| {
        let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in sight.list(directory) {
            if let Some(target) = sight.link(&format!("{directory}/{name}")) {
                let device = target.rsplit('/').next().unwrap_or_default().to_owned();
                out.entry(device).or_default().insert(name);
            }
        }
        out
    };
    let mut masters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for device in sight.list("/sys/block") {
        for slave in sight.list(&format!("/sys/block/{device}/slaves")) {
            masters.entry(slave).or_default().insert(device.clone());
        }
    }
    [
        ("ids", named("/dev/disk/by-id")),
        ("uuids", named("/dev/disk/by-uuid")),
        ("labels", named("/dev/disk/by-label")),
        ("masters", masters),
    ]
}

fn links_of(links: &Links, name: &str) -> Value {
    Value::map(links.iter().map(|(kind, names)| (*kind, listed(names.get(name)))))
}

/// Those above it: device mapper's by their own names.
fn holders(sight: &Sight<'_>, directory: &str) -> Value {
    let directory = format!("{directory}/holders");
    let above = sight.list(&directory).into_iter().filter(|name| name.starts_with("dm-"));
    Value::list(above.map(|name| Value::str(sight.text(&format!("{directory}/{name}/dm/name")).unwrap_or(name))))
}

/// The size of a sector, as it is read and as a number.
fn sector(sight: &Sight<'_>, directory: &str) -> (Value, i64) {
    let size =
        ["logical_block_size", "hw_sector_size"].iter().find_map(|f| sight.text(&format!("{directory}/queue/{f}")));
    match size {
        Some(text) => {
            let number = text.parse().ok().filter(|size: &i64| *size > 0).unwrap_or(512);
            (text.into(), number)
        }
        None => (Value::Int(512), 512),
    }
}

/// Sectors, and the size for people; `size` counts in 512 bytes whatever a sector has.
fn extent(sight: &Sight<'_>, directory: &str, sector: i64) -> (i64, Value) {
    let units = sight.text(&format!("{directory}/size")).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let sectors = units.saturating_mul(512) / sector;
    (sectors, size_text(sectors.saturating_mul(sector)).into())
}

fn device(sight: &Sight<'_>, name: &str, links: &Links, cards: &str) -> Value {
    let base = format!("/sys/block/{name}");
    let target = sight.link(&base);
    let read = |file: &str| sight.text(&format!("{base}/{file}"));
    let optional = |file: &str| read(file).map_or(Value::Null, Value::from);
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| drop(out.insert(Key::from(name), value));
    // A kernel without links here is older than any that boots muster.
    put("virtual", Value::Int(1));
    put("links", links_of(links, name));
    for file in ["vendor", "model", "sas_address", "sas_device_handle"] {
        put(file, optional(&format!("device/{file}")));
    }
    if let Some(serial) = read("device/serial") {
        put("serial", serial.into());
    }
    put("removable", optional("removable"));
    let never = read("queue/discard_max_hw_bytes").as_deref() == Some("0");
    put("support_discard", if never { Value::str("0") } else { optional("queue/discard_granularity") });
    let ids = links.iter().find(|(kind, _)| *kind == "ids").and_then(|(_, names)| names.get(name));
    if let Some(wwn) = ids.into_iter().flatten().find_map(|id| id.strip_prefix("wwn-")) {
        put("wwn", wwn.into());
    }
    let parts = sight.list(&base).into_iter().filter(|part| {
        let rest = part.strip_prefix(name).map(|rest| rest.strip_prefix('p').unwrap_or(rest));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let parts = parts.map(|part| {
        let value = partition(sight, &base, &part, links);
        (part, value)
    });
    put("partitions", Value::map(parts.collect::<Vec<_>>()));
    put("rotational", optional("queue/rotational"));
    let scheduler = read("queue/scheduler").unwrap_or_default();
    let mode = scheduler.split_once('[').and_then(|(_, rest)| rest.rsplit_once(']')).map(|(mode, _)| mode.to_owned());
    put("scheduler_mode", mode.unwrap_or_default().into());
    let (size, number) = sector(sight, &base);
    let (sectors, text) = extent(sight, &base, number);
    put("sectorsize", size);
    put("sectors", int(sectors));
    put("size", text);
    put("host", card(target.as_deref().unwrap_or_default(), cards).into());
    put("holders", holders(sight, &base));
    Value::Map(out.into())
}

fn partition(sight: &Sight<'_>, base: &str, part: &str, links: &Links) -> Value {
    let base = format!("{base}/{part}");
    let (size, number) = sector(sight, &base);
    let (sectors, text) = extent(sight, &base, number);
    let uuids = links.iter().find(|(kind, _)| *kind == "uuids").and_then(|(_, names)| names.get(part)?.first());
    let start = sight.text(&format!("{base}/start"));
    Value::map([
        ("links", links_of(links, part)),
        ("start", start.map_or(Value::Int(0), Value::from)),
        ("sectorsize", size),
        ("sectors", int(sectors)),
        ("size", text),
        ("uuid", uuids.map_or(Value::Null, |uuid| Value::str(uuid.as_str()))),
        ("holders", holders(sight, &base)),
    ])
}

/// What `lspci` calls the card that a device is at.
fn card(path: &str, cards: &str) -> String {
    let address = |part: &&str| {
        let bytes = part.as_bytes();
        bytes.len() == 12 && [bytes[4], bytes[7], bytes[10]] == *b"::."
    };
    let Some(at) = path.split('/').rev().skip(1).find(address) else { return String::new() };
    let line = cards.lines().find_map(|line| line.strip_prefix(at)?.strip_prefix(' '));
    line.unwrap_or_default().to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "two places are shown")]
fn size_text(bytes: i64) -> String {
    let units = [("TB", 1i64 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match units.iter().find(|(_, limit)| bytes >= *limit) {
        Some((unit, limit)) => format!("{:.2} {unit}", bytes as f64 / *limit as f64),
        None => format!("{:.2} Bytes", bytes as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_told_by_its_address() {
        let path = "../devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1";
        assert_eq!(card(path, "0000:00:03.0 Other\n0000:00:04.0 Amazon.com, Inc. NVMe\n"), "Amazon.com, Inc. NVMe");
        assert_eq!(card("../devices/virtual/block/loop0", "0000:00:04.0 x\n"), "");
    }
}
