//! rpm's database: an SQLite table of headers, each a list of tags (rpm's own format of headers).

use super::packages::Package;
use super::sqlite::{Column, Damaged, Database};
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::path::Path;

/// Where the distributions have it.
const PLACES: &[&str] = &["/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"];
/// A database of another sort, older than any release that is judged here.
const OLD: &str = "/var/lib/rpm/Packages";
const LARGEST: u64 = 1 << 30;

/// The packages of a machine that has one.
pub fn database(machine: &Machine<'_>) -> Result<Option<(At, Vec<Package>)>, Unseen> {
    for place in PLACES {
        if machine.exists(place)? {
            return Ok(Some((At::file(place), packages(machine, place)?)));
        }
    }
    if machine.exists(OLD)? {
        return Err(Unseen::new(OLD, "is of Berkeley DB, which is not read"));
    }
    Ok(None)
}

fn bytes(machine: &Machine<'_>, path: &str) -> Result<Vec<u8>, Unseen> {
    match machine.stat(path, true)? {
        Some(stat) if stat.size > LARGEST => Err(Unseen::new(path, format!("has {} bytes", stat.size))),
        Some(_) => {
            let read = machine.observe().read(Path::new(path));
            Ok(read.map_err(|error| Unseen::new(path, error.to_string()))?.unwrap_or_default())
        }
        None => Ok(Vec::new()),
    }
}

fn packages(machine: &Machine<'_>, place: &str) -> Result<Vec<Package>, Unseen> {
    let damaged = |why: Damaged| Unseen::new(place, why);
    if !bytes(machine, &format!("{place}-journal"))?.is_empty() {
        return Err(Unseen::new(place, "has a journal of a change that broke off"));
    }
    let (file, log) = (bytes(machine, place)?, bytes(machine, &format!("{place}-wal"))?);
    let database = Database::new(&file, &log).map_err(damaged)?;
    let mut packages = Vec::new();
    for row in database.rows("Packages").map_err(damaged)? {
        let Some(Column::Bytes(header)) = row.last() else { return Err(damaged("a row has no header")) };
        let (name, version) = header_of(header).map_err(damaged)?;
        // Keys that sign packages stand among them.
        if name != "gpg-pubkey" {
            packages.push(Package { name, version, state: None, at: At::file(place) });
        }
    }
    Ok(packages)
}

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const TEXT: u32 = 6;

/// A header's name, and its version with the release.
fn header_of(header: &[u8]) -> Result<(String, String), Damaged> {
    let word = |at: usize| -> Result<u32, Damaged> {
        let four = header.get(at..at + 4).ok_or("a header ends too early")?;
        Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
    };
    let (tags, data) = (word(0)? as usize, word(4)? as usize);
    let store = header.get(8 + 16 * tags..).filter(|store| store.len() >= data).ok_or("a header ends too early")?;
    let mut found = [None, None, None];
    for tag in 0..tags {
        let at = 8 + 16 * tag;
        let slot = match word(at)? {
            NAME => 0,
            VERSION => 1,
            RELEASE => 2,
            _ => continue,
        };
        if word(at + 4)? != TEXT {
            return Err("a header's name is no text");
        }
        let text = store.get(word(at + 8)? as usize..).ok_or("a header's text is outside of it")?;
        let end = text.iter().position(|byte| *byte == 0).ok_or("a header's text has no end")?;
        found[slot] = Some(String::from_utf8_lossy(&text[..end]).into_owned());
    }
    let [Some(name), version, release] = found else { return Err("a header has no name") };
    let version = [version, release].into_iter().flatten().collect::<Vec<_>>().join("-");
    Ok((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_s_tags_are_read() {
        let mut header = Vec::new();
        let words = |header: &mut Vec<u8>, words: &[u32]| words.iter().for_each(|w| header.extend(w.to_be_bytes()));
        words(&mut header, &[2, 12, NAME, TEXT, 0, 1, VERSION, TEXT, 5, 1]);
        header.extend_from_slice(b"bash\x005.1.8\0\0");
        assert_eq!(header_of(&header), Ok(("bash".into(), "5.1.8".into())));
        assert!(header_of(&header[..20]).is_err());
    }
}
