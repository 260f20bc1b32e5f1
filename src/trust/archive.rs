//! The trust directory as one run of bytes, for the binary to hold. `build.rs` compiles this file too, so it knows only std.
//!
//! The format: `muster-trust-1\n`, the number of files, then for each file, sorted by path, the length of its path, its path, the length of
//! its content, its content; numbers are 32 bits, little-endian. The same directory always gives the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A trust directory's files: `realm/file` to content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A file or directory that cannot be taken, and why.
pub type Refusal = (PathBuf, String);

const MAGIC: &[u8] = b"muster-trust-1\n";
const FILE_LIMIT: u64 = 1 << 20;
const FILES_LIMIT: usize = 512;

/// The most bytes of an archive.
pub const LIMIT: usize = 8 << 20;

/// Reads a directory of realms. Symbolic links and anything that is neither file nor directory are refused; with
/// `owned`, also what somebody other than root owns or may write.
pub fn read(directory: &Path, owned: bool) -> Result<Files, Refusal> {
    let mut files = Files::new();
    walk(directory, "", owned, 0, &mut files)?;
    match files.values().map(Vec::len).sum::<usize>() {
        0 => Err((directory.to_owned(), "it holds no realm".into())),
        total if total > LIMIT => Err((directory.to_owned(), format!("it holds more than {LIMIT} bytes"))),
        _ => Ok(files),
    }
}

fn walk(path: &Path, name: &str, owned: bool, depth: u8, files: &mut Files) -> Result<(), Refusal> {
    let refuse = |problem: String| (path.to_owned(), problem);
    let stat = fs::symlink_metadata(path).map_err(|error| refuse(error.to_string()))?;
    if owned && (stat.uid() != 0 || stat.mode() & 0o022 != 0) {
        return Err(refuse("it must belong to root, and neither group nor others may write it".into()));
    }
    if stat.is_file() {
        if depth < 2 {
            return Err(refuse("a file is expected inside a realm's directory".into()));
        }
        if stat.len() > FILE_LIMIT || files.len() >= FILES_LIMIT {
            return Err(refuse(format!(
                "there are more than {FILES_LIMIT} files, or one larger than {FILE_LIMIT} bytes"
            )));
        }
        files.insert(name.to_owned(), fs::read(path).map_err(|error| refuse(error.to_string()))?);
        return Ok(());
    }
    if !stat.is_dir() || depth > 2 {
        return Err(refuse("only files and directories are taken, three deep at most; no symbolic links".into()));
    }
    let entries = fs::read_dir(path).map_err(|error| refuse(error.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|error| refuse(error.to_string()))?;
        let file = entry.file_name();
        let file = file
            .to_str()
            .filter(|file| file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
        let file = file.ok_or_else(|| (entry.path(), "names are letters, digits, `.`, `_` and `-`".to_owned()))?;
        let name = if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") };
        walk(&entry.path(), &name, owned, depth + 1, files)?;
    }
    Ok(())
}

/// The files as one run of bytes.
pub fn pack(files: &Files) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(files.len() as u32).to_le_bytes());
    for (name, content) in files {
        for part in [name.as_bytes(), content] {
            // Both are bounded by FILE_LIMIT, far below 32 bits.
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

/// The files again.
pub fn unpack(bytes: &[u8]) -> Result<Files, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin as a trust archive does")?;
    let (count, mut rest) = rest.split_first_chunk::<4>().ok_or("it is cut off")?;
    let mut part = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some(part.to_vec())
    };
    let mut files = Files::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let name = String::from_utf8(part().ok_or("it is cut off")?).map_err(|_| "a file's name is not text")?;
        if files.insert(name, part().ok_or("it is cut off")?).is_some() {
            return Err("it holds a file twice".into());
        }
    }
    match rest.is_empty() {
        true => Ok(files),
        false => Err("bytes follow its last file".into()),
    }
}
