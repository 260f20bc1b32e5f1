//! Where releases come from: parameters and objects of the cloud, as the release room asks for them.

use super::remote::{ObjectName, Remote, RemoteError};
use crate::host::Content;
use crate::release::{Order, Source};
use crate::trust::Untrusted;
use std::fs::File;
use std::io::Read;

/// A descriptor or bundle that is larger is none.
const DOCUMENT: u64 = 1 << 20;

type Refused = (String, Option<String>);

/// The network that roles have, as a source of releases.
pub struct Store<'a>(pub &'a dyn Remote);

impl Store<'_> {
    fn fetch(&self, order: &Order, key: &str, limit: u64) -> Result<Content, Refused> {
        let name = ObjectName {
            bucket: order.bucket.clone(),
            key: key.to_owned(),
            version: None,
            region: order.region.clone(),
        };
        let object = self.0.release_object(&name).map_err(refused)?;
        if object.size > limit {
            return Err((format!("it has {} bytes, and {limit} are allowed", object.size), None));
        }
        Ok(object.body)
    }
}

fn refused(error: RemoteError) -> Refused {
    (error.message, error.hint)
}

fn unread(error: std::io::Error) -> Refused {
    (format!("reading what was fetched: {error}"), None)
}

impl Source for Store<'_> {
    fn parameter(&self, name: &str) -> Result<String, Refused> {
        let found = self.0.parameters(&[name.to_owned()]).map_err(refused)?;
        match found.into_iter().next().flatten() {
            Some(parameter) => Ok(parameter.value.expose().clone()),
            None => Err((
                "there is no such parameter".into(),
                Some("the channel has no release yet, or the name is another".into()),
            )),
        }
    }

    fn document(&self, order: &Order, key: &str) -> Result<Untrusted<Vec<u8>>, Refused> {
        let bytes = match self.fetch(order, key, DOCUMENT)? {
            Content::Bytes(bytes) => bytes.to_vec(),
            Content::Staged(file) => {
                let mut bytes = Vec::new();
                (&*file).take(DOCUMENT).read_to_end(&mut bytes).map_err(unread)?;
                bytes
            }
        };
        Ok(Untrusted::new(bytes))
    }

    fn artifact(&self, order: &Order, key: &str, limit: u64) -> Result<Untrusted<File>, Refused> {
        match self.fetch(order, key, limit)? {
            Content::Staged(file) => file.try_clone().map(Untrusted::new).map_err(unread),
            Content::Bytes(_) => Err(("the object was not staged on disk".into(), None)),
        }
    }
}
