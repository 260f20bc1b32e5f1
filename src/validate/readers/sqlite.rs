//! The rows of one table of an SQLite file, read from its pages (sqlite.org/fileformat2.html): enough for rpm's database,
//! with what its write-ahead log has that the file does not have yet.

use std::collections::BTreeMap;

/// As deep as a tree of pages can be, and as many pages as a value can lie on.
const DEEPEST: usize = 32;

/// A database file and its write-ahead log.
pub struct Database<'a> {
    file: &'a [u8],
    page_size: usize,
    usable: usize,
    /// Pages that the log has newer, by number.
    newer: BTreeMap<u32, &'a [u8]>,
}

/// Why a file is no such database, or a damaged one.
pub type Damaged = &'static str;

/// A column's value; numbers are not needed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Bytes, or a text's bytes.
    Bytes(Vec<u8>),
    /// A whole number.
    Number(i64),
    /// NULL or a fraction.
    Other,
}

fn be16(bytes: &[u8], at: usize) -> Result<usize, Damaged> {
    let two = bytes.get(at..at + 2).ok_or("a page ends too early")?;
    Ok(usize::from(u16::from_be_bytes([two[0], two[1]])))
}

fn be32(bytes: &[u8], at: usize) -> Result<u32, Damaged> {
    let four = bytes.get(at..at + 4).ok_or("a page ends too early")?;
    Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// A number of one to nine bytes, seven bits each, and where it ends.
fn varint(bytes: &[u8], mut at: usize) -> Result<(i64, usize), Damaged> {
    let mut value: i64 = 0;
    for index in 0..9 {
        let byte = *bytes.get(at).ok_or("a number ends too early")?;
        at += 1;
        if index == 8 {
            return Ok(((value << 8) | i64::from(byte), at));
        }
        value = (value << 7) | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok((value, at))
}

fn size(number: i64) -> Result<usize, Damaged> {
    usize::try_from(number).map_err(|_| "a size is negative")
}

impl<'a> Database<'a> {
    /// Takes a file, and its log where there is one.
    pub fn new(file: &'a [u8], log: &'a [u8]) -> Result<Self, Damaged> {
        if !file.starts_with(b"SQLite format 3\0") {
            return Err("is no SQLite database");
        }
        let page_size = match be16(file, 16)? {
            1 => 65536,
            size if size.is_power_of_two() && size >= 512 => size,
            _ => return Err("has an impossible page size"),
        };
        let reserved = usize::from(*file.get(20).ok_or("ends too early")?);
        let newer = log_pages(log, page_size)?;
        Ok(Self { file, page_size, usable: page_size - reserved, newer })
    }

    fn page(&self, number: u32) -> Result<&'a [u8], Damaged> {
        if let Some(page) = self.newer.get(&number) {
            return Ok(page);
        }
        let from = (number as usize).checked_sub(1).ok_or("page 0 is named")? * self.page_size;
        self.file.get(from..from + self.page_size).ok_or("a page is missing")
    }

    /// Every row of a table, by its name.
    pub fn rows(&self, table: &str) -> Result<Vec<Vec<Column>>, Damaged> {
        let mut schema = Vec::new();
        self.walk(1, 0, &mut schema)?;
        // type, name, tbl_name, rootpage, sql
        let named = schema.iter().find(|row| {
            let text = |index: usize, want: &str| row.get(index) == Some(&Column::Bytes(want.as_bytes().to_vec()));
            text(0, "table") && text(1, table)
        });
        let Some(Column::Number(root)) = named.and_then(|row| row.get(3)) else { return Err("has no such table") };
        let mut rows = Vec::new();
        self.walk(u32::try_from(*root).map_err(|_| "a root page is impossible")?, 0, &mut rows)?;
        Ok(rows)
    }

    fn walk(&self, number: u32, depth: usize, rows: &mut Vec<Vec<Column>>) -> Result<(), Damaged> {
        if depth > DEEPEST {
            return Err("its pages go round in a circle");
        }
        let page = self.page(number)?;
        let header = if number == 1 { 100 } else { 0 };
        let cells = be16(page, header + 3)?;
        let (interior, first) = match page.get(header) {
            Some(0x05) => (true, header + 12),
            Some(0x0d) => (false, header + 8),
            _ => return Err("a page is of no table"),
        };
        for cell in 0..cells {
            let at = be16(page, first + 2 * cell)?;
            if interior {
                self.walk(be32(page, at)?, depth + 1, rows)?;
            } else {
                rows.push(record(&self.payload(page, at)?)?);
            }
        }
        if interior { self.walk(be32(page, header + 8)?, depth + 1, rows) } else { Ok(()) }
    }

    /// A cell's bytes, with those on overflow pages.
    fn payload(&self, page: &[u8], at: usize) -> Result<Vec<u8>, Damaged> {
        let (total, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        let (total, usable) = (size(total)?, self.usable);
        let most = usable - 35;
        let local = if total <= most {
            total
        } else {
            let least = (usable - 12) * 32 / 255 - 23;
            let some = least + (total - least) % (usable - 4);
            if some <= most { some } else { least }
        };
        if total > self.file.len() + self.newer.len() * self.page_size {
            return Err("a row is larger than the file");
        }
        let mut bytes = page.get(at..at + local).ok_or("a row ends too early")?.to_vec();
        let mut next = if local < total { be32(page, at + local)? } else { 0 };
        while bytes.len() < total {
            let page = self.page(next)?;
            let take = (total - bytes.len()).min(usable - 4);
            bytes.extend_from_slice(page.get(4..4 + take).ok_or("a row ends too early")?);
            next = be32(page, 0)?;
        }
        Ok(bytes)
    }
}

fn record(payload: &[u8]) -> Result<Vec<Column>, Damaged> {
    let (header, mut at) = varint(payload, 0)?;
    let header = size(header)?;
    let mut body = header;
    let mut columns = Vec::new();
    while at < header {
        let (kind, next) = varint(payload, at)?;
        at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => size(kind)?,
            5 => 6,
            6 | 7 => 8,
            kind if kind >= 12 => size((kind - 12) / 2)?,
            _ => return Err("a value has an impossible type"),
        };
        let bytes = payload.get(body..body + length).ok_or("a value ends too early")?;
        body += length;
        columns.push(match kind {
            8 | 9 => Column::Number(kind - 8),
            1..=6 => {
                let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
                Column::Number(bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
            }
            kind if kind >= 12 => Column::Bytes(bytes.to_vec()),
            _ => Column::Other,
        });
    }
    Ok(columns)
}

/// Pages of the log's last commit. Frames after it, of an older log, or that are torn, do not count.
fn log_pages(log: &[u8], page_size: usize) -> Result<BTreeMap<u32, &[u8]>, Damaged> {
    let mut pages = BTreeMap::new();
    if log.is_empty() {
        return Ok(pages);
    }
    let big = match be32(log, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Err("its log is none of SQLite"),
    };
    if be32(log, 8)? as usize != page_size {
        return Err("its log has pages of another size");
    }
    let mut sum = checksum((0, 0), &log[..24], big);
    let mut pending = Vec::new();
    for frame in log.get(32..).unwrap_or_default().chunks_exact(24 + page_size) {
        let (head, page) = frame.split_at(24);
        sum = checksum(checksum(sum, &head[..8], big), page, big);
        let whole = head[8..16] == log[16..24] && (be32(head, 16)?, be32(head, 20)?) == sum;
        if !whole {
            break;
        }
        pending.push((be32(head, 0)?, page));
        if be32(head, 4)? != 0 {
            pages.extend(pending.drain(..));
        }
    }
    Ok(pages)
}

fn checksum(start: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = [four[0], four[1], four[2], four[3]];
        if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    bytes.chunks_exact(8).fold(start, |(first, second), eight| {
        let first = first.wrapping_add(word(&eight[..4])).wrapping_add(second);
        (first, second.wrapping_add(word(&eight[4..])).wrapping_add(first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_records_are_read() {
        assert_eq!(varint(&[0x81, 0x00], 0), Ok((128, 2)));
        // header of 4 bytes: one byte, a text of one letter, NULL
        let record = record(&[4, 1, 15, 0, 0xff, b'a']).expect("record");
        assert_eq!(record, [Column::Number(-1), Column::Bytes(b"a".to_vec()), Column::Other]);
    }

    #[test]
    fn what_is_no_database_is_damaged_and_never_empty() {
        assert!(Database::new(b"", b"").is_err());
        let mut file = b"SQLite format 3\0\x02\x00\x01\x01\x00".to_vec();
        file.resize(512, 0);
        assert!(Database::new(&file, b"").expect("opened").rows("Packages").is_err());
        assert!(Database::new(&file, b"garbage!garbage!garbage!garbage!").is_err());
    }
}
