//! Archives, read only: tar in its compressions, and zip. What an entry may ask for is judged here; nothing is written.

use crate::fnmatch;
use crate::host::{Content, durable};
use crate::roles::modules::Failed;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// More entries or bytes than any release has; a bomb has them.
const MOST_ENTRIES: usize = 500_000;
const MOST_BYTES: u64 = 16 << 30;
/// Larger files are staged on disk.
const IN_MEMORY: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug)]
pub enum Body {
    /// A file.
    File(Content),
    /// A directory.
    Directory,
    /// A symbolic link, and where to.
    Symlink(PathBuf),
    /// A hard link to another entry.
    Hardlink(PathBuf),
}

/// One entry. Its path is relative and has neither `..` nor links of the archive in it.
#[derive(Debug)]
pub struct Entry {
    /// The name as the archive lists it, directories with a slash.
    pub name: String,
    /// Where, below the destination.
    pub path: PathBuf,
    /// What.
    pub body: Body,
    /// Permission bits; `None` leaves them to the mask.
    pub mode: Option<u32>,
    /// Owner's and group's name and number; absent in zip.
    pub owner: Option<(String, u32)>,
    /// The same of the group.
    pub group: Option<(String, u32)>,
    /// Seconds since the epoch.
    pub mtime: i64,
}

/// Which entries are wanted, and how they are renamed.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of `exclude`.
    pub exclude: Vec<String>,
    /// Names of `include`; empty is all.
    pub include: Vec<String>,
    /// Names of `include` are patterns: tar's `--wildcards`.
    pub wildcards: bool,
    /// Leading directories to drop.
    pub strip: usize,
}

impl Selection {
    /// The entry's path with its leading directories dropped; `None` where it is not wanted.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, Failed> {
        let trimmed = name.trim_start_matches('/').trim_end_matches('/');
        let mut parts: Vec<&str> = Vec::new();
        for part in Path::new(trimmed).components() {
            match part {
                Component::Normal(part) => parts.extend(part.to_str()),
                Component::CurDir => {}
                _ => return Err(Failed::new(format!("the archive's entry `{name}` leaves the destination"))),
            }
        }
        if !self.wanted(&parts) || parts.len() <= self.strip {
            return Ok(None);
        }
        Ok(Some(parts[self.strip..].iter().collect()))
    }

    fn wanted(&self, parts: &[&str]) -> bool {
        let whole = parts.join("/");
        // GNU tar: an exclusion matches the name or a directory above it, from any of its parts on.
        let excluded = self.exclude.iter().map(|pattern| pattern.trim_end_matches('/')).any(|pattern| {
            (0..parts.len())
                .any(|from| (from + 1..=parts.len()).any(|to| fnmatch::matches(pattern, &parts[from..to].join("/"))))
        });
        let included = self.include.is_empty()
            || self
                .include
                .iter()
                .map(|name| name.trim_start_matches("./").trim_end_matches('/'))
                .any(|name| self.includes(name, &whole));
        included && !excluded
    }

    /// Whether an entry is the included one, or below it.
    fn includes(&self, name: &str, whole: &str) -> bool {
        let above = whole.match_indices('/').map(|(end, _)| &whole[..end]);
        std::iter::once(whole).chain(above).any(|part| part == name || self.wildcards && fnmatch::matches(name, part))
    }
}

/// Reads an archive. The name is Ansible's for its handler.
pub fn read(content: &Content, wanted: &Selection) -> Result<(&'static str, Vec<Entry>), Failed> {
    let broken = |error: io::Error| Failed::new(format!("the archive cannot be read: {error}"));
    let mut magic = [0_u8; 6];
    let mut start = content.reader();
    let count = start.read(&mut magic).map_err(broken)?;
    let reader = content.reader();
    let (handler, entries) = match &magic[..count] {
        [] => return Err(Failed::new("Invalid archive, the file is 0 bytes")),
        [b'P', b'K', 3 | 5, ..] => ("ZipArchive", super::zip::read(reader, wanted)?),
        [0x1f, 0x8b, ..] => ("TgzArchive", tar(flate2::read::MultiGzDecoder::new(reader), wanted)?),
        [b'B', b'Z', b'h', ..] => ("TarBzipArchive", tar(bzip2::read::MultiBzDecoder::new(reader), wanted)?),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => ("TarXzArchive", tar(lzma_rust2::XzReader::new(reader, true), wanted)?),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            ("TarZstdArchive", tar(zstd::stream::read::Decoder::new(reader).map_err(broken)?, wanted)?)
        }
        _ => ("TarArchive", tar(reader, wanted)?),
    };
    no_detours(&entries)?;
    Ok((handler, entries))
}

/// An entry below a link of the same archive could land anywhere.
fn no_detours(entries: &[Entry]) -> Result<(), Failed> {
    let links: HashSet<&Path> =
        entries.iter().filter(|e| matches!(e.body, Body::Symlink(_))).map(|e| e.path.as_path()).collect();
    for entry in entries {
        let link = entry.path.ancestors().skip(1).find(|ancestor| links.contains(ancestor));
        if let Some(link) = link {
            let link = link.display();
            return Err(Failed::new(format!("the archive's entry `{}` lies below its own link `{link}`", entry.name)));
        }
    }
    Ok(())
}

fn tar(reader: impl Read, wanted: &Selection) -> Result<Vec<Entry>, Failed> {
    let broken = |error: io::Error| Failed::new(format!("the archive cannot be read: {error}"));
    let mut archive = tar::Archive::new(reader);
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = text(&entry.path_bytes())?;
        let Some(path) = wanted.path(&name)? else { continue };
        let header = entry.header().clone();
        let link = match entry.link_name_bytes() {
            Some(bytes) => Some(text(&bytes)?),
            None => None,
        };
        let body = match (header.entry_type(), link) {
            (tar::EntryType::Directory, _) => Body::Directory,
            (tar::EntryType::Symlink, Some(target)) => Body::Symlink(target.into()),
            (tar::EntryType::Link, Some(target)) => match wanted.path(&target)? {
                Some(target) => Body::Hardlink(target),
                None => return Err(Failed::new(format!("the archive's entry `{name}` is a link to what is left out"))),
            },
            (tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse, _) => {
                total += entry.size();
                Body::File(stage(&mut entry, total).map_err(broken)?)
            }
            (tar::EntryType::XGlobalHeader, _) => continue,
            (kind, _) => {
                return Err(Failed::new(format!(
                    "the archive's entry `{name}` is of a kind ({kind:?}) that is not unpacked"
                )));
            }
        };
        let owner = |name: Option<&[u8]>, id: io::Result<u64>| {
            let name = name.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
            id.ok().and_then(|id| u32::try_from(id).ok()).map(|id| (name, id))
        };
        entries.push(Entry {
            name: shown(&path, &body),
            path,
            body,
            mode: Some(header.mode().map_err(broken)? & 0o7777),
            owner: owner(header.username_bytes(), header.uid()),
            group: owner(header.groupname_bytes(), header.gid()),
            mtime: header.mtime().map_err(broken)?.cast_signed(),
        });
        if entries.len() > MOST_ENTRIES {
            return Err(Failed::new(format!("the archive has more than {MOST_ENTRIES} entries")));
        }
    }
    if entries.is_empty() {
        return Err(Failed::new("the archive has no entries that are wanted, or is no archive"));
    }
    Ok(entries)
}

fn text(bytes: &[u8]) -> Result<String, Failed> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Failed::new(format!("the archive's entry `{}` has a name that is not UTF-8", String::from_utf8_lossy(bytes)))
    })?;
    Ok(text.to_owned())
}

/// A name as `tar --list` and `zipinfo` write it.
pub fn shown(path: &Path, body: &Body) -> String {
    let slash = if matches!(body, Body::Directory) { "/" } else { "" };
    format!("{}{slash}", path.display())
}

/// Takes a file's bytes in; `total` is what the archive has given so far with it.
pub fn stage(mut reader: impl Read, total: u64) -> io::Result<Content> {
    if total > MOST_BYTES {
        return Err(io::Error::other(format!("it unpacks to more than {MOST_BYTES} bytes")));
    }
    let mut bytes = Vec::new();
    (&mut reader).take(IN_MEMORY).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < IN_MEMORY {
        return Ok(Content::Bytes(bytes.into()));
    }
    let mut file = durable::staging(Path::new("/var/tmp")).or_else(|_| durable::staging(&std::env::temp_dir()))?;
    io::copy(&mut io::Cursor::new(bytes).chain(reader.take(MOST_BYTES)), &mut file)?;
    Ok(Content::Staged(Arc::new(file)))
}
