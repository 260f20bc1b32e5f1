//! What is active, and what was before it: one small file an application and component.

use super::{Order, Planned, ReleaseError, content};
use crate::host::{Attributes, Change, FileWrite, Host, Observe};
use std::path::{Path, PathBuf};

/// A release in place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Active {
    /// The release id.
    pub release_id: String,
    /// The version, for people.
    pub version: String,
    /// The artifact's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// The record of an application's component.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The application.
    pub app: String,
    /// Its part, where it has parts.
    pub component: Option<String>,
    /// Where the artifact is.
    pub destination: PathBuf,
    /// What is there.
    pub active: Active,
    /// What was there before, kept at [`previous_path`] or, unpacked, beneath `releases`.
    pub previous: Option<Active>,
    /// What was there before that, as far as it is kept, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<Active>,
    /// Whether it is an archive that was unpacked: `current` in the destination leads to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpacked: bool,
    /// The unit that runs it, restarted when another release takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
}

/// Where the replaced artifact is kept: beside its successor, so that the way back is one rename.
pub(super) fn previous_path(destination: &Path) -> PathBuf {
    let name = destination.file_name().unwrap_or_default().to_string_lossy();
    destination.with_file_name(format!(".{name}.previous"))
}

/// Where an order's record is kept.
pub(super) fn path(order: &Order) -> PathBuf {
    let part = order.component.as_ref().map(|part| format!(".{part}")).unwrap_or_default();
    order.records.join(format!("{}{part}.json", order.app))
}

impl Record {
    /// As people name it: `app` or `app.component`.
    pub fn label(&self) -> String {
        self.component.as_ref().map_or_else(|| self.app.clone(), |part| format!("{}.{part}", self.app))
    }

    /// Every record in a directory, with its path, in order of name.
    pub fn all(host: &dyn Observe, directory: &Path) -> Result<Vec<(PathBuf, Self)>, ReleaseError> {
        let local = |error: std::io::Error| ReleaseError::Local {
            what: format!("listing {}", directory.display()),
            message: error.to_string(),
        };
        let mut records = Vec::new();
        for name in host.list(directory).map_err(local)?.unwrap_or_default() {
            let path = directory.join(&name);
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(Self::read(host, &path)?.map(|record| (path, record)));
            }
        }
        Ok(records)
    }

    /// Reads a record; none where there is none.
    pub fn read(host: &dyn Observe, path: &Path) -> Result<Option<Self>, ReleaseError> {
        let local = |message: String| ReleaseError::Local { what: format!("reading {}", path.display()), message };
        match host.read(path).map_err(|error| local(error.to_string()))? {
            None => Ok(None),
            Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| local(error.to_string())),
        }
    }

    /// The change that writes it.
    pub(super) fn change(&self, path: PathBuf) -> Change {
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        let attributes = Attributes { mode: Some(0o644), ..Attributes::default() };
        Change::Write(FileWrite { attributes, ..FileWrite::new(path, bytes) })
    }
}

/// Puts the previous release back in place, by one rename, and records it. Of programs there is then no previous one.
pub fn rollback(record_path: &Path, host: &mut dyn Host) -> Result<Record, ReleaseError> {
    let local =
        |message: String| ReleaseError::Local { what: format!("rolling back {}", record_path.display()), message };
    let record =
        Record::read(host.observe(), record_path)?.ok_or_else(|| local("no release is recorded here".into()))?;
    let previous = record.previous.clone().ok_or_else(|| local("no previous release is kept".into()))?;
    let destination = &record.destination;
    let change = if record.unpacked {
        let there = content::is_there(host.observe(), destination, &previous.sha256);
        if !there.map_err(|error| local(error.to_string()))? {
            let kept = content::directory(destination, &previous.sha256);
            return Err(local(format!("{}, which was kept, is gone", kept.display())));
        }
        content::swap(destination, &previous.sha256)
    } else {
        let kept = previous_path(destination);
        let digest = host.digest(&kept, crate::host::Digest::Sha256).map_err(|error| local(error.to_string()))?;
        if digest.as_deref() != Some(previous.sha256.as_str()) {
            return Err(local(format!("{} is not the release that was kept", kept.display())));
        }
        Change::Rename { from: kept, to: destination.clone() }
    };
    host.apply(&change).map_err(|error| local(error.to_string()))?;
    let mut older = record.older.clone().into_iter();
    let record = Record { active: previous, previous: older.next(), older: older.collect(), ..record };
    host.apply(&record.change(record_path.to_owned())).map_err(|error| local(error.to_string()))?;
    Ok(record)
}

/// Undoes an activation that did not get as far as its record: the artifact that was replaced takes its name again, by
/// one rename. `false` where nothing was replaced, or the replacement never took the name.
pub fn put_back(order: &Order, planned: &Planned, host: &mut dyn Host) -> Result<bool, ReleaseError> {
    let (kept, destination) = (previous_path(&order.destination), &order.destination);
    let local =
        |message: String| ReleaseError::Local { what: format!("putting {} back", destination.display()), message };
    let digest = |host: &dyn Observe, path: &Path| {
        host.digest(path, crate::host::Digest::Sha256).map_err(|error| local(error.to_string()))
    };
    let Some(replaced) = &planned.replaced else { return Ok(false) };
    if order.unpack.is_some() {
        let look = |error: std::io::Error| local(error.to_string());
        let there = content::current(host.observe(), destination).map_err(look)?;
        if there.as_ref() == Some(replaced)
            || !content::is_there(host.observe(), destination, replaced).map_err(look)?
        {
            return Ok(false);
        }
        host.apply(&content::swap(destination, replaced)).map_err(|error| local(error.to_string()))?;
        return Ok(true);
    }
    let there = digest(host.observe(), destination)?;
    if there.as_deref() == Some(replaced) || digest(host.observe(), &kept)?.as_deref() != Some(replaced) {
        return Ok(false);
    }
    host.apply(&Change::Rename { from: kept, to: destination.clone() }).map_err(|error| local(error.to_string()))?;
    // What was kept before that is gone: the record must not promise it.
    let path = path(order);
    if let Some(record) = Record::read(host.observe(), &path)?.filter(|record| record.previous.is_some()) {
        let record = Record { previous: None, ..record };
        host.apply(&record.change(path)).map_err(|error| local(error.to_string()))?;
    }
    Ok(true)
}
