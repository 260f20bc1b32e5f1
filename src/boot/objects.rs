//! Objects in S3, as roles and releases ask for them.

use super::remote::{CloudRemote, LARGEST, refused};
use crate::cloud;
use crate::host::Content;
use crate::roles::remote::{Object, ObjectName, RemoteError};
use std::sync::Arc;

impl CloudRemote {
    /// What nothing verifies.
    pub(super) fn download(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        let what = plain(name).to_string();
        self.downloads.allow(&what)?;
        let object = self.fetch_object(name)?;
        self.downloads.record(&what, &object.body)?;
        Ok(object)
    }

    /// What something else verifies.
    pub(super) fn fetch_object(&self, name: &ObjectName) -> Result<Object, RemoteError> {
        let name = plain(name);
        let session = self.session(&|| format!("object {name}"))?;
        let file = self.staged(&name.to_string())?;
        let fetched = cloud::object(session, &name, file, LARGEST, self.end());
        let fetched = self.reach.ask(fetched).map_err(refused)?;
        Ok(Object {
            body: Content::Staged(Arc::new(fetched.file)),
            size: fetched.head.size,
            etag: fetched.head.etag,
            version: fetched.head.version,
        })
    }

    /// Its size and its entity tag.
    pub(super) fn head_of(&self, name: &ObjectName) -> Result<Option<(u64, String)>, RemoteError> {
        let name = plain(name);
        let session = self.session(&|| format!("object {name}"))?;
        let head = cloud::object_head(session, &name, self.end());
        Ok(self.reach.ask(head).map_err(refused)?.map(|head| (head.size, head.etag)))
    }

    /// The keys below a prefix.
    pub(super) fn keys(&self, bucket: &str, prefix: &str, region: Option<&str>) -> Result<Vec<String>, RemoteError> {
        let session = self.session(&|| format!("objects s3://{bucket}/{prefix}"))?;
        let found = cloud::objects(session, bucket, prefix, region, self.end());
        self.reach.ask(found).map_err(refused)
    }
}

fn plain(name: &ObjectName) -> cloud::ObjectName {
    cloud::ObjectName {
        bucket: name.bucket.clone(),
        key: name.key.clone(),
        version: name.version.clone(),
        region: name.region.clone(),
    }
}
