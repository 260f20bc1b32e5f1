//! Zip archives, read only.

use super::archive::{Body, Entry, Selection, shown, stage};
use crate::roles::modules::Failed;
use std::io::{Read, Seek};

/// Reads every wanted entry.
pub fn read(reader: impl Read + Seek, wanted: &Selection) -> Result<Vec<Entry>, Failed> {
    let broken = |error: String| Failed::new(format!("the archive cannot be read: {error}"));
    let mut archive = zip::ZipArchive::new(reader).map_err(|error| broken(error.to_string()))?;
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).map_err(|error| broken(error.to_string()))?;
        let name = file.name().map_err(|error| broken(error.to_string()))?.into_owned();
        let Some(path) = wanted.path(&name)? else { continue };
        total += file.size();
        let mode = file.unix_mode().map(|mode| mode & 0o7777).filter(|mode| *mode != 0);
        let mtime = file.last_modified().and_then(local).unwrap_or(0);
        let body = if file.is_dir() {
            Body::Directory
        } else if file.is_symlink() {
            let mut target = String::new();
            file.take(4096).read_to_string(&mut target).map_err(|error| broken(error.to_string()))?;
            Body::Symlink(target.into())
        } else {
            Body::File(stage(&mut file, total).map_err(|error| broken(error.to_string()))?)
        };
        entries.push(Entry { name: shown(&path, &body), path, body, mode, owner: None, group: None, mtime });
    }
    Ok(entries)
}

/// Zip's times are the local clock's.
fn local(time: zip::DateTime) -> Option<i64> {
    let part = |value: u8| i8::try_from(value).ok();
    let civil = jiff::civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
        0,
    );
    Some(civil.ok()?.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp().as_second())
}
