//! What the firmware says of the board, the chassis and the product.

use super::sight::Sight;
use crate::roles::value::{Key, Map};

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
