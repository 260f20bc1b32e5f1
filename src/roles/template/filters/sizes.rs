//! Filters between numbers of bytes and what people write.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("human_readable", &["isbits", "unit"], human_readable),
    Filter::values("human_to_bytes", &["default_unit", "isbits"], human_to_bytes),
];

const UNITS: &[(char, f64)] = &[
    ('Y', 1_208_925_819_614_629_174_706_176.0),
    ('Z', 1_180_591_620_717_411_303_424.0),
    ('E', 1_152_921_504_606_846_976.0),
    ('P', 1_125_899_906_842_624.0),
    ('T', 1_099_511_627_776.0),
    ('G', 1_073_741_824.0),
    ('M', 1_048_576.0),
    ('K', 1024.0),
];

fn human_readable(value: &Value, args: &Args) -> Result<Value, String> {
    let size = python::to_float(value).filter(|_| !matches!(value, Value::Str(_)));
    let size = size.ok_or("human_readable() failed on bad input")?;
    let base = if args.flag(0, false) { "bits" } else { "Bytes" };
    let wanted = args.text(1).map(|unit| unit.to_uppercase());
    for (letter, limit) in UNITS {
        let chosen = match &wanted {
            Some(unit) => unit.starts_with(*letter),
            None => size >= *limit,
        };
        if chosen {
            let short = if base == "bits" { "b" } else { "B" };
            return Ok(Value::str(format!("{:.2} {letter}{short}", size / limit)));
        }
    }
    Ok(Value::str(format!("{size:.2} {base}")))
}

fn human_to_bytes(value: &Value, args: &Args) -> Result<Value, String> {
    let text = python::text(value);
    let written = text.trim();
    let split = written.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(written.len());
    let (digits, unit) = written.split_at(split);
    let number: f64 =
        digits.parse().map_err(|_| format!("human_to_bytes() can't interpret following string: {text}"))?;
    let unit = unit.trim();
    let default = args.text(0);
    let unit = if unit.is_empty() { default.as_deref().unwrap_or("B") } else { unit };
    let bits = args.flag(1, false);
    let letter = unit.chars().next().unwrap_or('B').to_ascii_uppercase();
    let wrong =
        || format!("human_to_bytes() failed to convert {text}. The suffix is not one of Y, Z, E, P, T, G, M, K, B");
    let rest = unit.get(1..).unwrap_or_default();
    let limit = match UNITS.iter().find(|(have, _)| *have == letter) {
        Some((_, limit)) => {
            let long = if bits { "bit" } else { "byte" };
            let short = if bits { "b" } else { "B" };
            let known = rest.is_empty() || rest == short || rest.to_lowercase().trim_end_matches('s').ends_with(long);
            if !known {
                return Err(wrong());
            }
            *limit
        }
        None if letter == 'B' => 1.0,
        None => return Err(wrong()),
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and no disk is that large")]
    Ok(Value::Int((number * limit).round_ties_even() as i64))
}
