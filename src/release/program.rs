//! An artifact put in place as it is: one file, written beside the old one and renamed over it.

use super::ReleaseError;
use super::place::{Place, Placed, differs, unrecorded};
use super::record::{Active, previous_path};
use crate::host::{Change, Content, Digest, FileWrite};
use std::sync::Arc;

/// What to change.
pub(super) fn place(site: &Place<'_>) -> Result<Placed, ReleaseError> {
    let (order, host) = (site.order, site.host);
    let local = |error| site.local(error);
    let there = host.digest(&order.destination, Digest::Sha256).map_err(local)?;
    let mut changes = Vec::new();
    if there.as_deref() == Some(site.sha256) {
        let stat = host.stat(&order.destination, true).map_err(local)?;
        if stat.is_some_and(|stat| differs(&order.attributes, &stat)) {
            let (path, attributes) = (order.destination.clone(), order.attributes.clone());
            changes.push(Change::SetAttributes { path, attributes, follow: true });
        }
    } else {
        let verified = (site.artifact)()?;
        if there.is_some() {
            // A hard link keeps the old file when the rename takes its name: there is no instant without one.
            let (path, target) = (previous_path(&order.destination), order.destination.clone());
            changes.push(Change::HardLink { path, target });
        }
        let write = FileWrite::new(&order.destination, Vec::new());
        let content = Content::Staged(Arc::new(verified.file));
        changes.push(Change::Write(FileWrite { content, attributes: order.attributes.clone(), ..write }));
    }
    let kept = kept(site, there.clone()).map_err(local)?.into_iter().collect();
    Ok(Placed { there, changes, kept, settle: Vec::new() })
}

/// What is kept beside the artifact is the one that it replaced; a record of anything else would mislead a rollback.
fn kept(site: &Place<'_>, there: Option<String>) -> std::io::Result<Option<Active>> {
    let sha256 = site.sha256;
    Ok(match (site.before, there) {
        (Some(record), _) if record.active.sha256 == sha256 => record.previous.clone(),
        // A run was ended between the artifact and its record: what the record calls active is kept beside it.
        (Some(record), Some(there)) if there == sha256 => {
            let beside = site.host.digest(&previous_path(&site.order.destination), Digest::Sha256)?;
            (beside.as_deref() == Some(record.active.sha256.as_str())).then(|| record.active.clone())
        }
        (Some(record), Some(there)) if record.active.sha256 == there => Some(record.active.clone()),
        (_, Some(there)) if there != sha256 => Some(unrecorded(there)),
        _ => None,
    })
}
