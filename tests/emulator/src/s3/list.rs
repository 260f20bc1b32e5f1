//! ListObjectsV2: pages, prefixes and delimiters.

use super::get::token_text;
use super::{Caller, Object, Store};
use crate::clock::rfc3339;
use crate::encoding::{base64, percent_encode};
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Request;
use crate::xml::Xml;
use std::collections::BTreeMap;

/// What a listing shows under one name: an object, or all that shares a prefix.
enum Entry<'a> {
    Object(&'a Object),
    Prefix,
}

impl Store {
    pub(super) fn list(&self, caller: &Caller, bucket: &str, request: &Request) -> Result<Reply, ApiError> {
        self.require_bucket(bucket)?;
        caller.permit("s3:ListBucket", bucket, "")?;
        let query = |name: &str| request.query_parameter(name).unwrap_or_default();
        let (prefix, delimiter) = (query("prefix"), query("delimiter"));
        let most = match query("max-keys").as_str() {
            "" => 1000,
            text => text.parse::<usize>().map_err(|_| invalid("Provided max-keys not an integer", text))?.min(1000),
        };
        let token = query("continuation-token");
        let after = if token.is_empty() {
            query("start-after")
        } else {
            token_text(&token).ok_or_else(|| invalid("The continuation token provided is incorrect", &token))?
        };
        let entries = self.entries(bucket, &prefix, &delimiter);
        let mut left = entries.into_iter().filter(|(name, _)| *name > after);
        let page: Vec<(String, Entry)> = left.by_ref().take(most).collect();
        let truncated = left.next().is_some();
        let encoded = |name: &str| {
            if query("encoding-type") == "url" { percent_encode(name.as_bytes(), true) } else { name.to_owned() }
        };
        let mut xml = Xml::declared();
        xml.nested("ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", |xml| {
            xml.leaf("Name", bucket);
            xml.leaf("Prefix", &encoded(&prefix));
            xml.leaf("KeyCount", &page.len().to_string());
            xml.leaf("MaxKeys", &most.to_string());
            xml.leaf("IsTruncated", if truncated { "true" } else { "false" });
            if let Some((name, _)) = page.last().filter(|_| truncated) {
                xml.leaf("NextContinuationToken", &base64(name));
            }
            for (name, entry) in &page {
                self.entry(xml, &encoded(name), entry);
            }
        });
        Ok(Reply::new(200, "application/xml", xml.finish()))
    }

    /// Names in order, those with the delimiter after the prefix rolled up.
    fn entries(&self, bucket: &str, prefix: &str, delimiter: &str) -> BTreeMap<String, Entry<'_>> {
        let mut entries = BTreeMap::new();
        for object in self.objects.iter().filter(|object| object.bucket == bucket) {
            let Some(rest) = object.key.strip_prefix(prefix) else { continue };
            match rest.find(delimiter).filter(|_| !delimiter.is_empty()) {
                Some(at) => {
                    let shared = format!("{prefix}{}", &rest[..at + delimiter.len()]);
                    entries.insert(shared, Entry::Prefix);
                }
                None => {
                    entries.insert(object.key.clone(), Entry::Object(object));
                }
            }
        }
        entries
    }

    fn entry(&self, xml: &mut Xml, name: &str, entry: &Entry) {
        match entry {
            Entry::Prefix => xml.nested("CommonPrefixes", |xml| xml.leaf("Prefix", name)),
            Entry::Object(object) => {
                let current = object.versions.len() - 1;
                xml.nested("Contents", |xml| {
                    xml.leaf("Key", name);
                    xml.leaf("LastModified", &rfc3339(self.modified));
                    xml.leaf("ETag", &object.etag(current));
                    xml.leaf("Size", &object.versions[current].len().to_string());
                    xml.leaf("StorageClass", "STANDARD");
                });
            }
        }
    }
}

fn invalid(message: &str, value: &str) -> ApiError {
    ApiError::validation(message).detail("ArgumentValue", value)
}
