//! A TUF repository in a bucket. Without `s3:ListBucket`, S3 answers 403 for a key that is not there; only where
//! settings say so, and only for the root that ends the chain, is that read as absence.

use super::place::{METADATA, plain};
use super::web::{refused, staged, whole};
use crate::boot::reach::Reach;
use crate::cloud::{self, CloudError, Instant, Kind, ObjectName, Session};
use crate::trust::Untrusted;
use crate::trust::tuf::{Refusal, Remote};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// A bucket, with the prefixes of metadata and targets.
pub(super) struct Bucket {
    pub(super) reach: Arc<Reach>,
    pub(super) session: Session,
    pub(super) bucket: String,
    pub(super) region: Option<String>,
    pub(super) metadata: String,
    pub(super) targets: String,
    pub(super) forbidden_is_missing: bool,
    pub(super) staging: PathBuf,
    pub(super) deadline: Instant,
}

const LIST: &str = "grant s3:ListBucket on the repository's prefix, so that S3 says what is missing, \
                    or set `updates.treat_403_as_missing`";

impl Bucket {
    fn get(&self, key: String, limit: u64, until: Instant) -> Result<File, CloudError> {
        let name = ObjectName { bucket: self.bucket.clone(), key, version: None, region: self.region.clone() };
        let file = staged(&self.staging).map_err(|refusal| CloudError::Staging {
            what: name.to_string(),
            why: match refusal {
                Refusal::Failed { message, .. } => message,
                Refusal::TooLarge => "no room".into(),
            },
        })?;
        let asked = cloud::object(&self.session, &name, file, limit, until);
        Ok(self.reach.ask(asked)?.file)
    }
}

/// `N.root.json`, which ends the chain where it is missing.
fn is_root(name: &str) -> bool {
    name.strip_suffix(".root.json").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Remote for Bucket {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Untrusted<Vec<u8>>>, Refusal> {
        plain(name)?;
        let until = self.deadline.min(Instant::now() + METADATA);
        match self.get(format!("{}{name}", self.metadata), limit, until) {
            Ok(file) => Ok(Some(Untrusted::new(whole(file)?))),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) if error.kind() == Some(Kind::Denied) && is_root(name) => match self.forbidden_is_missing {
                true => Ok(None),
                false => Err(Refusal::Failed { message: error.to_string(), hint: Some(LIST.into()) }),
            },
            Err(error) => Err(refused(error)),
        }
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Untrusted<File>>, Refusal> {
        plain(path)?;
        match self.get(format!("{}{path}", self.targets), limit, self.deadline) {
            Ok(file) => Ok(Some(Untrusted::new(file))),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
}
