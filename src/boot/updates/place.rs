//! Where a TUF repository is, as settings and command lines write it.

use super::bucket::Bucket;
use super::directory::Directory;
use super::web::Web;
use crate::boot::reach::Reach;
use crate::cloud::{Instant, Session};
use crate::trust::tuf::{Refusal, Remote};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One metadata file takes no longer than this, however slowly it trickles.
pub(super) const METADATA: Duration = Duration::from_secs(60);

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A directory of this host.
    Directory(PathBuf),
    /// An address, ending in `/`.
    Web(String),
    /// A bucket, and a prefix that is empty or ends in `/`.
    Bucket(String, String),
}

/// How a repository is reached.
pub(super) struct Way {
    pub(super) reach: Arc<Reach>,
    /// Who asks, where a bucket is asked.
    pub(super) session: Option<Session>,
    /// The bucket's region, where it is not the caller's.
    pub(super) region: Option<String>,
    /// Whether S3's 403 for `N.root.json` says that there is none.
    pub(super) forbidden_is_missing: bool,
    /// For bytes too many to hold in memory.
    pub(super) staging: PathBuf,
    /// When the whole must have ended.
    pub(super) deadline: Instant,
}

impl Place {
    /// Reads `s3://bucket/prefix`, `https://host/path` or a directory, as `file:///path` or a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let slashed =
            |text: &str| if text.is_empty() || text.ends_with('/') { text.into() } else { format!("{text}/") };
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return match bucket.is_empty() {
                true => Err(format!("`{text}` names no bucket")),
                false => Ok(Self::Bucket(bucket.into(), slashed(prefix))),
            };
        }
        if text.starts_with("https://") || text.starts_with("http://127.0.0.1") || text.starts_with("http://localhost")
        {
            return Ok(Self::Web(slashed(text)));
        }
        if text.starts_with("http://") {
            return Err(format!("`{text}`: the connection would be open to anyone: use https or s3"));
        }
        match text.strip_prefix("file://").unwrap_or(text) {
            path if path.contains("://") || path.is_empty() => {
                Err(format!("`{text}` is no s3://, https:// or directory"))
            }
            path => Ok(Self::Directory(path.into())),
        }
    }

    /// The place below this one.
    pub(super) fn below(&self, name: &str) -> Self {
        match self {
            _ if name.is_empty() => self.clone(),
            Self::Directory(path) => Self::Directory(path.join(name)),
            Self::Web(base) => Self::Web(format!("{base}{name}/")),
            Self::Bucket(bucket, prefix) => Self::Bucket(bucket.clone(), format!("{prefix}{name}/")),
        }
    }

    /// Opens it: metadata lies here, and targets there.
    pub(super) fn open(&self, targets: &Self, way: Way) -> Result<Arc<dyn Remote>, String> {
        Ok(match (self, targets) {
            (Self::Directory(metadata), Self::Directory(targets)) => {
                Arc::new(Directory { metadata: metadata.clone(), targets: targets.clone() })
            }
            (Self::Web(metadata), Self::Web(targets)) => Arc::new(Web {
                reach: way.reach,
                metadata: metadata.clone(),
                targets: targets.clone(),
                staging: way.staging,
                deadline: way.deadline,
            }),
            (Self::Bucket(bucket, metadata), Self::Bucket(other, targets)) if bucket == other => Arc::new(Bucket {
                session: way.session.ok_or("a bucket is asked by somebody, and this host has no role")?,
                reach: way.reach,
                bucket: bucket.clone(),
                region: way.region,
                metadata: metadata.clone(),
                targets: targets.clone(),
                forbidden_is_missing: way.forbidden_is_missing,
                staging: way.staging,
                deadline: way.deadline,
            }),
            _ => {
                return Err(
                    "metadata and targets are of one kind: both in one bucket, on the web, or in directories".into()
                );
            }
        })
    }
}

/// A name that leads nowhere else: no `.` or `..`, nothing empty, nothing absolute, no control characters.
pub(super) fn plain(name: &str) -> Result<(), Refusal> {
    let part = |part: &str| part.is_empty() || part == "." || part == "..";
    match name.split('/').any(part) || name.chars().any(|c| c.is_control() || c == '\\') {
        true => Err(Refusal::new(format!("`{}` is no plain relative path", name.escape_default()))),
        false => Ok(()),
    }
}
