//! What `parted` says of a disk in its form for machines.

use crate::roles::value::Value;

/// A partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partition {
    /// Its number.
    pub number: i64,
    /// From, to and size, in the unit that was asked for.
    pub place: [f64; 3],
    /// The kind of filesystem.
    pub filesystem: String,
    /// Its name.
    pub name: String,
    /// Its flags.
    pub flags: Vec<String>,
}

/// A disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    device: String,
    /// Its size, in the unit that was asked for.
    pub size: f64,
    unit: String,
    /// Its partition table.
    pub table: String,
    model: String,
    blocks: [i64; 2],
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

/// A number and its unit.
pub fn quantity(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(text.len());
    let unit = text[end..].trim_start();
    let is_word = unit.chars().all(|c| c.is_ascii_alphanumeric() || c == '%' || c == '_');
    text[..end].parse().ok().filter(|_| is_word).map(|number| (number, unit))
}

impl Disk {
    /// Reads the output of `parted -m DEVICE unit UNIT print`.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).skip(1);
        let parts: Vec<&str> = lines.next()?.trim_end_matches(';').split(':').collect();
        let (size, unit) = quantity(parts.get(1)?)?;
        let number = |at: usize| parts.get(at).and_then(|text| text.parse().ok());
        let part = |line: &str| -> Option<Partition> {
            let parts: Vec<&str> = line.trim_end_matches(';').split(':').collect();
            let place = |at: usize| Some(quantity(parts.get(at)?)?.0);
            let flags = parts.get(6).copied().unwrap_or_default();
            Some(Partition {
                number: parts.first()?.parse().ok()?,
                place: [place(1)?, place(2)?, place(3)?],
                filesystem: parts.get(4)?.to_string(),
                name: parts.get(5)?.to_string(),
                flags: flags.split(", ").map(str::trim).filter(|flag| !flag.is_empty()).map(str::to_owned).collect(),
            })
        };
        Some(Self {
            device: parts.first()?.to_string(),
            size,
            unit: unit.to_lowercase(),
            table: parts.get(5)?.to_string(),
            model: parts.get(6).copied().unwrap_or_default().to_owned(),
            blocks: [number(3)?, number(4)?],
            partitions: lines.map(part).collect::<Option<_>>()?,
        })
    }

    /// The partition of a number.
    pub fn partition(&self, number: i64) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.number == number)
    }

    /// `disk` in the result.
    pub fn shown(&self) -> Value {
        Value::map([
            ("dev", Value::str(self.device.as_str())),
            ("size", Value::Float(self.size)),
            ("unit", Value::str(self.unit.as_str())),
            ("table", Value::str(self.table.as_str())),
            ("model", Value::str(self.model.as_str())),
            ("logical_block", Value::Int(self.blocks[0])),
            ("physical_block", Value::Int(self.blocks[1])),
        ])
    }

    /// `partitions` in the result.
    pub fn shown_partitions(&self) -> Value {
        let one = |partition: &Partition| {
            let [begin, end, size] = partition.place.map(Value::Float);
            Value::map([
                ("num", Value::Int(partition.number)),
                ("begin", begin),
                ("end", end),
                ("size", size),
                ("fstype", Value::str(partition.filesystem.as_str())),
                ("name", Value::str(partition.name.as_str())),
                ("flags", Value::list(partition.flags.iter().map(|flag| Value::str(flag.as_str())))),
                ("unit", Value::str(self.unit.as_str())),
            ])
        };
        Value::list(self.partitions.iter().map(one))
    }
}
