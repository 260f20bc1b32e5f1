//! Reads an archive once, from its first byte to its last, and hands over what is taken.

use super::entry::{self, Item, ItemKind, Taken};
use super::guard::Guard;
use super::limits::{Counted, Hashed, Limits, WINDOW_LOG};
use super::{Packing, Refusal};
use std::io::{self, BufRead, BufReader, Read};
use tar::{Archive, Entry, EntryType};

/// What is done with entries.
pub trait Sink {
    /// Takes an entry; `bytes` are a file's.
    fn take(&mut self, item: &Item, bytes: &mut dyn Read) -> Result<(), Refusal>;
}

/// What an archive was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// SHA-256 of all its bytes, as they came in.
    pub sha256: [u8; 32],
    /// How many entries.
    pub entries: u64,
}

/// Extended headers that are taken; they say nothing that this reader and another could see differently.
const EXTENDED: [&str; 11] =
    ["path", "linkpath", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"];

/// Reads an archive of `size` bytes. The digest is of the bytes that were extracted, not of a second look at them.
pub fn walk(
    source: impl Read,
    size: u64,
    packing: Packing,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Summary, Refusal> {
    let mut input = BufReader::with_capacity(64 << 10, Hashed::new(source));
    let entries = match packing {
        Packing::Tar => entries(Counted::new(&mut input, limits, None), limits, sink)?,
        Packing::Gzip => {
            let decoder = flate2::bufread::GzDecoder::new(&mut input);
            entries(Counted::new(decoder, limits, Some(size)), limits, sink)?
        }
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut input).map_err(malformed)?.single_frame();
            decoder.window_log_max(WINDOW_LOG).map_err(malformed)?;
            entries(Counted::new(decoder, limits, Some(size)), limits, sink)?
        }
    };
    // What the decompressor did not take is not of the archive.
    match input.fill_buf() {
        Ok([]) => {}
        Ok(_) => return Err(Refusal::Trailing),
        Err(error) => return Err(malformed(error)),
    }
    let sha256 = input.into_inner().hash.finish();
    let sha256 = sha256.as_ref().try_into().map_err(|_| Refusal::Malformed("no digest".into()))?;
    Ok(Summary { sha256, entries })
}

/// An error of a reader; one of ours inside it is what it is about.
fn malformed(error: io::Error) -> Refusal {
    match error.downcast::<Refusal>() {
        Ok(refusal) => refusal,
        // tar wraps errors in errors of its own, and keeps their text.
        Err(error) => Refusal::Malformed(error.to_string()),
    }
}

fn entries(reader: impl Read, limits: &Limits, sink: &mut dyn Sink) -> Result<u64, Refusal> {
    let mut archive = Archive::new(Kept { reader: Guard::new(reader), refusal: None });
    let outcome = each(&mut archive, limits, sink);
    let mut kept = archive.into_inner();
    // A reader's own refusal says more than what tar made of it.
    let taken = outcome.map_err(|error| kept.refusal.take().unwrap_or(error))?;
    let mut rest = [0; 4096];
    loop {
        match kept.read(&mut rest) {
            Ok(0) => return Ok(taken),
            // Archives are padded with zeros to whole records.
            Ok(count) if rest[..count].iter().all(|&byte| byte == 0) => {}
            Ok(_) => return Err(Refusal::Trailing),
            Err(error) => return Err(kept.refusal.take().unwrap_or_else(|| malformed(error))),
        }
    }
}

/// Keeps the refusal of the reader beneath, which tar would flatten into text.
struct Kept<R> {
    reader: R,
    refusal: Option<Refusal>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Refusal>()) => {
                self.refusal = error.downcast().ok();
                Err(io::ErrorKind::FileTooLarge.into())
            }
            other => other,
        }
    }
}

fn each<R: Read>(archive: &mut Archive<R>, limits: &Limits, sink: &mut dyn Sink) -> Result<u64, Refusal> {
    let (mut taken, mut count) = (Taken::default(), 0);
    for entry in archive.entries().map_err(malformed)? {
        let mut entry = entry.map_err(malformed)?;
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            global(&mut entry)?;
            continue;
        }
        let item = judge(&mut entry, limits)?;
        taken.take(&item, limits)?;
        sink.take(&item, &mut entry)?;
        count += 1;
    }
    Ok(count)
}

/// A global header holds for all that follows: only a comment, as `git archive` writes its commit, is taken.
fn global<R: Read>(entry: &mut Entry<'_, R>) -> Result<(), Refusal> {
    let mut bytes = Vec::new();
    entry.take(64 << 10).read_to_end(&mut bytes).map_err(malformed)?;
    for extension in tar::PaxExtensions::new(&bytes) {
        let key = extension.map_err(malformed)?.key().unwrap_or_default().to_owned();
        if key != "comment" {
            return Err(Refusal::Extended { path: "(all that follows)".into(), key });
        }
    }
    Ok(())
}

fn judge<R: Read>(entry: &mut Entry<'_, R>, limits: &Limits) -> Result<Item, Refusal> {
    let name = entry.path_bytes().into_owned();
    let shown = || String::from_utf8_lossy(&name[..name.len().min(200)]).escape_default().to_string();
    let kind = entry.header().entry_type();
    if !matches!(kind, EntryType::Regular | EntryType::Directory | EntryType::Symlink) {
        return Err(Refusal::Kind { path: shown(), kind: noun(kind) });
    }
    extended(entry, &shown())?;
    let path = entry::names(&name, kind == EntryType::Directory, limits)?;
    let size = entry.size();
    let kind = match kind {
        EntryType::Directory => ItemKind::Directory,
        EntryType::Regular => ItemKind::File(size),
        _ => ItemKind::Link(entry::link(&path, &entry.link_name_bytes().unwrap_or_default())?),
    };
    if !matches!(kind, ItemKind::File(_)) && size != 0 {
        return Err(Refusal::Malformed(format!("`{}` has content and is no file", path.join("/"))));
    }
    let mode = entry.header().mode().map_err(malformed)?;
    if mode & 0o7000 != 0 {
        return Err(Refusal::Mode { path: path.join("/"), mode: mode & 0o7777 });
    }
    let owner = if kind == ItemKind::Directory { 0o700 } else { 0o400 };
    Ok(Item { path, kind, mode: mode & 0o755 | owner })
}

/// An extended header may give a longer name, not another size: some readers take the one size and some the other.
fn extended<R: Read>(entry: &mut Entry<'_, R>, shown: &str) -> Result<(), Refusal> {
    let header = entry.header().entry_size().map_err(malformed)?;
    let Some(extensions) = entry.pax_extensions().map_err(malformed)? else { return Ok(()) };
    let mut seen = Vec::new();
    for extension in extensions {
        let extension = extension.map_err(malformed)?;
        let key = extension.key().map_err(|_| Refusal::Malformed("an extended header is not UTF-8".into()))?;
        if !EXTENDED.contains(&key) || seen.contains(&key) {
            return Err(Refusal::Extended { path: shown.to_owned(), key: key.escape_default().to_string() });
        }
        if key == "size" && extension.value().ok().and_then(|value| value.parse().ok()) != Some(header) {
            let value = String::from_utf8_lossy(extension.value_bytes()).escape_default().to_string();
            return Err(Refusal::Sizes { path: shown.to_owned(), header, extended: value });
        }
        seen.push(key);
    }
    Ok(())
}

fn noun(kind: EntryType) -> String {
    match kind {
        EntryType::Link => "hard link".into(),
        EntryType::Char => "character device".into(),
        EntryType::Block => "block device".into(),
        EntryType::Fifo => "named pipe".into(),
        EntryType::Continuous => "contiguous file".into(),
        EntryType::GNUSparse => "sparse file".into(),
        other => format!("entry of type {:?}", char::from(other.as_byte())),
    }
}
