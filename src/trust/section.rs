//! The trust archive inside a built binary: the ELF section `.muster.trust`, so that an image build needs no compiler.
//!
//! The section is appended to the file, followed by a new section name table and a new section header table; the ELF
//! header's `e_shoff`, `e_shnum` and `e_shstrndx` then name these. Nothing that is loaded moves, so a stripped static
//! binary runs as before, and `readelf -S` lists it. Its content, integers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `muster.trust` and `\0\0\0\1` |
//! | 8, 8, 2, 2, 4 | the file's length, `e_shoff`, `e_shnum` and `e_shstrndx` before, and zero: how to take it out again |
//! | 8 | the archive's length |
//! | n | the archive (`archive.rs`) |
//! | 32 | SHA-256 of all the bytes above |

use super::archive;
use aws_lc_rs::digest::{SHA256, digest};
use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, SectionHeader};
use object::read::{ReadCache, ReadRef};
use std::fs::File;

/// The section's name.
pub(super) const NAME: &str = ".muster.trust";
const MAGIC: &[u8; 16] = b"muster.trust\0\0\0\x01";
const HEAD: usize = 16 + 24 + 8;

type Header = FileHeader64<LittleEndian>;

/// How the binary was before: its length, and where its section headers were.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub(super) length: u64,
    pub(super) e_shoff: u64,
    pub(super) e_shnum: u16,
    pub(super) e_shstrndx: u16,
}

/// The archive in a binary's section, if it has one. Reads headers and the section, never the whole file.
pub(super) fn find(file: File) -> Result<Option<Vec<u8>>, String> {
    match content(&ReadCache::new(file))? {
        Some(content) => open(content).map(|(_, archive)| Some(archive.to_vec())),
        None => Ok(None),
    }
}

/// The section's content, if there is such a section.
pub(super) fn content<'d, R: ReadRef<'d>>(bytes: R) -> Result<Option<&'d [u8]>, String> {
    let show = |error: object::read::Error| error.to_string();
    let header = Header::parse(bytes).map_err(show)?;
    let sections = header.sections(LittleEndian, bytes).map_err(show)?;
    let Some((_, section)) = sections.section_by_name(LittleEndian, NAME.as_bytes()) else { return Ok(None) };
    if section.sh_size(LittleEndian) > (archive::LIMIT + HEAD + 32) as u64 {
        return Err(format!("its section {NAME} is too large"));
    }
    section.data(LittleEndian, bytes).map(Some).map_err(show)
}

/// The section's content taken apart, once its digest is right.
pub(super) fn open(content: &[u8]) -> Result<(Before, &[u8]), String> {
    let damaged = || format!("its section {NAME} is damaged");
    let (signed, sum) = content.split_last_chunk::<32>().ok_or_else(damaged)?;
    if digest(&SHA256, signed).as_ref() != sum {
        return Err(damaged());
    }
    let (head, archive) = signed.split_at_checked(HEAD).ok_or_else(damaged)?;
    if !head.starts_with(MAGIC) || word(head, 40) != Some(archive.len() as u64) {
        return Err(damaged());
    }
    let half = |at| u16::from_le_bytes([head[at], head[at + 1]]);
    let before = Before {
        length: word(head, 16).ok_or_else(damaged)?,
        e_shoff: word(head, 24).ok_or_else(damaged)?,
        e_shnum: half(32),
        e_shstrndx: half(34),
    };
    Ok((before, archive))
}

/// The section's content for an archive.
pub(super) fn seal(before: Before, archive: &[u8]) -> Vec<u8> {
    let mut content = MAGIC.to_vec();
    content.extend_from_slice(&before.length.to_le_bytes());
    content.extend_from_slice(&before.e_shoff.to_le_bytes());
    content.extend_from_slice(&before.e_shnum.to_le_bytes());
    content.extend_from_slice(&before.e_shstrndx.to_le_bytes());
    content.extend_from_slice(&[0; 4]);
    content.extend_from_slice(&(archive.len() as u64).to_le_bytes());
    content.extend_from_slice(archive);
    let sum = digest(&SHA256, &content);
    content.extend_from_slice(sum.as_ref());
    content
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|chunk| u64::from_le_bytes(*chunk))
}
