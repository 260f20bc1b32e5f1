//! The state seen at a place, in words that differ where anything there has changed since.

use crate::host::{Kind, Observe};
use std::path::Path;

/// What is at a path. A file is told by inode, size and times, not by its content: a digest of a short secret could
/// be guessed from the plan.
pub(super) fn seen(host: &dyn Observe, path: &Path) -> String {
    let stat = match host.stat(path, false) {
        Ok(Some(stat)) => stat,
        Ok(None) => return "absent".into(),
        Err(error) => return format!("could not be looked at: {error}"),
    };
    let owner = format!("{:04o} {}:{}", stat.mode, stat.uid, stat.gid);
    match stat.kind {
        Kind::Link => {
            let target = host.read_link(path).ok().flatten().unwrap_or_default();
            format!("link to {}", target.display())
        }
        // Its times change with everything in it.
        Kind::Directory => format!("directory {owner}"),
        Kind::File => {
            format!(
                "file {owner}, {} bytes, inode {}, changed {:.6}",
                stat.size,
                stat.inode,
                stat.ctime.max(stat.mtime)
            )
        }
        other => format!("{other:?} {owner}").to_lowercase(),
    }
}
