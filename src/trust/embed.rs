//! Puts a trust archive into a copy of a built binary, in the section that `section.rs` describes.

use super::section::{Before, NAME, content, open, seal};
use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader};

// Offsets in the ELF-64 file header, and the size and types of section headers (System V ABI, chapter 4).
const E_SHOFF: usize = 0x28;
const E_SHENTSIZE: usize = 0x3a;
const E_SHNUM: usize = 0x3c;
const E_SHSTRNDX: usize = 0x3e;
const ROW: usize = 64;
const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;

/// The section headers and the names that they point into.
struct Table {
    rows: Vec<u8>,
    names: Vec<u8>,
    names_index: u16,
}

/// A copy of a binary with an archive in it, in place of one that was there.
pub(super) fn put(mut binary: Vec<u8>, archive: &[u8]) -> Result<Vec<u8>, String> {
    // Every muster has the section's name in it, to look for it.
    if !binary.windows(NAME.len()).any(|window| window == NAME.as_bytes()) {
        return Err("it is no muster binary".into());
    }
    if let Some(previous) = content(&*binary)? {
        let (before, _) = open(previous)?;
        binary.truncate(usize::try_from(before.length).map_err(|_| "its length is wrong")?);
        point(&mut binary, before)?;
    }
    let header = FileHeader64::<LittleEndian>::parse(&*binary).map_err(|error| error.to_string())?;
    let before = Before {
        length: binary.len() as u64,
        e_shoff: header.e_shoff.get(LittleEndian),
        e_shnum: header.e_shnum.get(LittleEndian),
        e_shstrndx: header.e_shstrndx.get(LittleEndian).0,
    };
    let Table { mut rows, mut names, names_index } = table(&binary, before)?;
    align(&mut binary, 16);
    let section = seal(before, archive);
    rows.extend_from_slice(&row(names.len(), SHT_PROGBITS, binary.len(), section.len(), 16));
    binary.extend_from_slice(&section);
    names.extend_from_slice(NAME.as_bytes());
    names.push(0);
    let at = usize::from(names_index) * ROW;
    let moved = rows.get_mut(at + 24..at + 40).ok_or("its section name table is missing")?;
    moved[..8].copy_from_slice(&(binary.len() as u64).to_le_bytes());
    moved[8..].copy_from_slice(&(names.len() as u64).to_le_bytes());
    binary.extend_from_slice(&names);
    align(&mut binary, 8);
    let e_shoff = binary.len() as u64;
    let e_shnum = u16::try_from(rows.len() / ROW).map_err(|_| "it has too many sections")?;
    binary.extend_from_slice(&rows);
    point(&mut binary, Before { length: 0, e_shoff, e_shnum, e_shstrndx: names_index })?;
    Ok(binary)
}

/// The binary's section headers, or the least that can stand where it has none.
fn table(binary: &[u8], before: Before) -> Result<Table, String> {
    if before.e_shoff == 0 {
        let names = b"\0.shstrtab\0".to_vec();
        let rows = [[0; ROW], row(1, SHT_STRTAB, 0, 0, 1)].concat();
        return Ok(Table { rows, names, names_index: 1 });
    }
    let from = usize::try_from(before.e_shoff).map_err(|_| "its section headers are out of reach")?;
    let rows = binary.get(from..).and_then(|rest| rest.get(..usize::from(before.e_shnum) * ROW));
    let rows = rows.filter(|rows| !rows.is_empty()).ok_or("its section headers are out of reach")?.to_vec();
    let header = FileHeader64::<LittleEndian>::parse(binary).map_err(|error| error.to_string())?;
    let sections = header.sections(LittleEndian, binary).map_err(|error| error.to_string())?;
    let names = sections.section(object::SectionIndex(usize::from(before.e_shstrndx)));
    let names = names.and_then(|names| names.data(LittleEndian, binary)).map_err(|error| error.to_string())?;
    Ok(Table { rows, names: names.to_vec(), names_index: before.e_shstrndx })
}

/// Points the ELF header at a section header table.
fn point(binary: &mut [u8], to: Before) -> Result<(), String> {
    let header = binary.get_mut(..ROW).ok_or("it is too short")?;
    header[E_SHOFF..E_SHOFF + 8].copy_from_slice(&to.e_shoff.to_le_bytes());
    // A binary without section headers may say that each has no bytes, and then nobody finds any.
    header[E_SHENTSIZE..E_SHENTSIZE + 2].copy_from_slice(&(ROW as u16).to_le_bytes());
    header[E_SHNUM..E_SHNUM + 2].copy_from_slice(&to.e_shnum.to_le_bytes());
    header[E_SHSTRNDX..E_SHSTRNDX + 2].copy_from_slice(&to.e_shstrndx.to_le_bytes());
    Ok(())
}

fn row(name: usize, kind: u32, offset: usize, size: usize, alignment: u64) -> [u8; ROW] {
    let mut row = [0; ROW];
    // A section name table is far smaller than 4 GiB.
    row[..4].copy_from_slice(&(name as u32).to_le_bytes());
    row[4..8].copy_from_slice(&kind.to_le_bytes());
    row[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
    row[32..40].copy_from_slice(&(size as u64).to_le_bytes());
    row[48..56].copy_from_slice(&alignment.to_le_bytes());
    row
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

#[cfg(test)]
mod tests {
    use super::super::section::find;
    use super::*;
    use std::io::Write;

    fn read(binary: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let mut file = tempfile::tempfile().expect("scratch");
        file.write_all(binary).expect("written");
        find(file)
    }

    /// The running test binary stands in for muster's own.
    fn own() -> Vec<u8> {
        std::fs::read("/proc/self/exe").expect("own binary")
    }

    #[test]
    fn an_archive_goes_in_comes_out_and_is_replaced() {
        let plain = own();
        let first = put(plain.clone(), b"first archive").expect("embeds");
        let second = put(first.clone(), b"second").expect("embeds again");
        assert_eq!(read(&plain), Ok(None));
        assert_eq!(read(&first), Ok(Some(b"first archive".to_vec())));
        assert_eq!(read(&second), Ok(Some(b"second".to_vec())));
        assert_eq!(second, put(plain, b"second").expect("embeds"), "the first leaves no trace");
    }

    #[test]
    fn a_binary_without_section_headers_gets_some() {
        let mut plain = own();
        let none = Before { length: 0, e_shoff: 0, e_shnum: 0, e_shstrndx: 0 };
        point(&mut plain, none).expect("points");
        plain[E_SHENTSIZE..E_SHENTSIZE + 2].fill(0);
        assert_eq!(read(&put(plain, b"archive").expect("embeds")), Ok(Some(b"archive".to_vec())));
    }

    #[test]
    fn a_damaged_section_and_what_is_no_elf_are_errors() {
        let mut binary = put(own(), b"the archive itself").expect("embeds");
        let at = binary.windows(18).rposition(|window| window == b"the archive itself").expect("there");
        binary[at] ^= 1;
        assert!(read(&binary).expect_err("damaged").contains("damaged"));
        assert!(read(b"#!/bin/sh\n").is_err());
        assert!(put(b"#!/bin/sh\n".to_vec(), b"x").is_err());
        let stranger = std::fs::read("/bin/sh").expect("a binary");
        assert_eq!(put(stranger, b"x"), Err("it is no muster binary".into()));
    }
}
