//! Objects from S3, streamed to a file of the caller's under a size limit.

use super::retry::{Backoff, until};
use super::transport::SILENCE;
use super::{Answer, Call, CloudError, Instant, Kind, Service, Session};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use tokio::time::timeout_at;

/// Which object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectName {
    /// Bucket name.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// A version of it.
    pub version: Option<String>,
    /// The bucket's region, where it is not the session's.
    pub region: Option<String>,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// Its bytes.
    pub size: u64,
    /// Its entity tag, unquoted.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// An object that was fetched.
#[derive(Debug)]
pub struct FetchedObject {
    /// The bytes; the file stands at its beginning.
    pub file: File,
    /// What they are.
    pub head: ObjectHead,
}

/// A list that never ends is a service gone wrong.
const MOST_PAGES: usize = 10_000;

/// Fetches an object into a file, whose content it becomes. The transfer may take until the deadline, but is begun again
/// when it stays silent or breaks off; more than `largest` bytes are refused before they are stored.
pub async fn object(
    session: &Session,
    name: &ObjectName,
    mut file: File,
    largest: u64,
    deadline: Instant,
) -> Result<FetchedObject, CloudError> {
    let call = Call::new(Service::S3, "GetObject", name.to_string());
    let staging = |error: std::io::Error| CloudError::Staging { what: name.to_string(), why: error.to_string() };
    let mut session = at_home(session, name);
    let mut backoff = Backoff::default();
    loop {
        let request = session.s3().get_object().bucket(&name.bucket).key(&name.key);
        let request = request.set_version_id(name.version.clone()).checksum_mode(ChecksumMode::Enabled);
        let output = match until(&call, deadline, || request.clone().send()).await {
            Ok(output) => output,
            Err(answer) => match elsewhere(&session, &answer) {
                Some(home) => {
                    session = home;
                    continue;
                }
                None => return Err(session.failed(call, answer).await),
            },
        };
        let head = ObjectHead {
            size: output.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
            etag: unquoted(output.e_tag.as_deref()),
            version: output.version_id.clone(),
        };
        if head.size > largest {
            return Err(CloudError::TooLarge { what: name.to_string(), limit: largest });
        }
        match receive(output, &mut file, largest, deadline).await {
            Ok(size) => {
                file.seek(SeekFrom::Start(0)).map_err(staging)?;
                return Ok(FetchedObject { file, head: ObjectHead { size, ..head } });
            }
            Err(Broken::TooLarge) => return Err(CloudError::TooLarge { what: name.to_string(), limit: largest }),
            Err(Broken::Disk(error)) => return Err(staging(error)),
            Err(Broken::Transfer(why)) => {
                let pause = backoff.pause();
                if Instant::now() + pause >= deadline {
                    let answer = Answer::unanswered(Kind::Unreachable, format!("the transfer broke off: {why}"));
                    return Err(session.failed(call, answer).await);
                }
                tracing::debug!("{call}: the transfer broke off: {why}; beginning again");
                tokio::time::sleep(pause).await;
            }
        }
    }
}

enum Broken {
    TooLarge,
    Disk(std::io::Error),
    Transfer(String),
}

async fn receive(output: GetObjectOutput, file: &mut File, largest: u64, deadline: Instant) -> Result<u64, Broken> {
    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(Broken::Disk)?;
    let mut body = output.body;
    let mut size = 0;
    loop {
        let silence = (Instant::now() + SILENCE).min(deadline);
        match timeout_at(silence, body.next()).await {
            Ok(Some(Ok(bytes))) => {
                size += bytes.len() as u64;
                if size > largest {
                    return Err(Broken::TooLarge);
                }
                file.write_all(&bytes).map_err(Broken::Disk)?;
            }
            Ok(Some(Err(error))) => return Err(Broken::Transfer(super::chain::chain(&error))),
            Ok(None) => return Ok(size),
            Err(_) => return Err(Broken::Transfer("it stayed silent".into())),
        }
    }
}

/// An object's size and entity tag; `None` where there is none. S3 says so only to who may list the bucket.
pub async fn object_head(
    session: &Session,
    name: &ObjectName,
    deadline: Instant,
) -> Result<Option<ObjectHead>, CloudError> {
    let call = Call::new(Service::S3, "HeadObject", name.to_string());
    let mut session = at_home(session, name);
    loop {
        let request = session.s3().head_object().bucket(&name.bucket).key(&name.key);
        let request = request.set_version_id(name.version.clone());
        match until(&call, deadline, || request.clone().send()).await {
            Ok(output) => {
                return Ok(Some(ObjectHead {
                    size: output.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
                    etag: unquoted(output.e_tag.as_deref()),
                    version: output.version_id,
                }));
            }
            Err(answer) if answer.kind == Kind::Missing => return Ok(None),
            Err(answer) => match elsewhere(&session, &answer) {
                Some(home) => session = home,
                None => return Err(session.failed(call, answer).await),
            },
        }
    }
}

/// The keys in a bucket that begin with a prefix.
pub async fn objects(
    session: &Session,
    bucket: &str,
    prefix: &str,
    region: Option<&str>,
    deadline: Instant,
) -> Result<Vec<String>, CloudError> {
    let name = ObjectName {
        bucket: bucket.into(),
        key: prefix.into(),
        region: region.map(str::to_owned),
        ..ObjectName::default()
    };
    let call = Call::new(Service::S3, "ListObjectsV2", name.to_string());
    let mut session = at_home(session, &name);
    let mut keys = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let request = session.s3().list_objects_v2().bucket(bucket).prefix(prefix);
        let request = request.set_continuation_token(token.clone());
        match until(&call, deadline, || request.clone().send()).await {
            Ok(output) => {
                keys.extend(output.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
                match output.next_continuation_token.filter(|next| !next.is_empty()) {
                    None => return Ok(keys),
                    next => token = next,
                }
            }
            Err(answer) => match elsewhere(&session, &answer) {
                Some(home) => session = home,
                None => return Err(session.failed(call, answer).await),
            },
        }
    }
    Err(CloudError::Contract { call, why: "the pages do not end".into() })
}

fn at_home(session: &Session, name: &ObjectName) -> Session {
    match &name.region {
        Some(region) if region != session.region() => session.in_region(region),
        _ => session.clone(),
    }
}

/// A bucket in another region says which. Asked there once.
fn elsewhere(session: &Session, answer: &Answer) -> Option<Session> {
    let region = answer.bucket_region.as_deref().filter(|region| *region != session.region())?;
    let moved = matches!(answer.status, Some(301 | 307 | 400));
    moved.then(|| session.in_region(region))
}

fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::*;
    use std::io::Read;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn named(key: &str) -> ObjectName {
        ObjectName { bucket: "b".into(), key: key.into(), ..ObjectName::default() }
    }

    #[tokio::test]
    async fn an_object_is_staged_and_a_broken_transfer_begun_again() {
        let calls = AtomicUsize::new(0);
        let server = Server::start(move |request| {
            assert_eq!(request.path.split('?').next(), Some("/b/dir/app"));
            let reply = Reply::text(200, "0123456789").with("etag", "\"e1\"").with("x-amz-version-id", "v1");
            if calls.fetch_add(1, Ordering::SeqCst) == 0 { reply.short_by(5) } else { reply }
        })
        .await;
        let staging = tempfile::tempfile().expect("staging");
        let fetched = object(&server.session(), &named("dir/app"), staging, 100, soon()).await;
        let mut fetched = fetched.expect("fetched");
        let mut text = String::new();
        fetched.file.read_to_string(&mut text).expect("read");
        assert_eq!(text, "0123456789");
        assert_eq!(fetched.head, ObjectHead { size: 10, etag: "e1".into(), version: Some("v1".into()) });
    }

    #[tokio::test]
    async fn an_object_over_the_limit_is_refused() {
        let server = Server::start(|_| Reply::text(200, "0123456789")).await;
        let staging = tempfile::tempfile().expect("staging");
        let error = object(&server.session(), &named("k"), staging, 9, soon()).await.expect_err("too large");
        assert!(matches!(&error, CloudError::TooLarge { what, limit: 9 } if what == "s3://b/k"), "{error}");
    }

    #[tokio::test]
    async fn absent_denied_and_moved_are_told_apart() {
        let server = Server::start(|request| match request.path.as_str() {
            path if path.contains("absent") => Reply::text(404, ""),
            path if path.contains("denied") => Reply::text(403, ""),
            path if path.contains("Action") => Reply::text(500, ""),
            _ if request.method == "POST" => Reply::text(
                200,
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::1:assumed-role/web/i-1</Arn>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
            ),
            _ if request.header("authorization").is_some_and(|value| value.contains("eu-central-1")) => {
                Reply::text(200, "").with("etag", "\"e\"")
            }
            _ => Reply::text(301, "").with("x-amz-bucket-region", "eu-central-1"),
        })
        .await;
        let session = server.session();
        assert_eq!(object_head(&session, &named("absent"), soon()).await.expect("asked"), None);
        let error = object_head(&session, &named("denied"), soon()).await.expect_err("denied").to_string();
        assert_eq!(error, "s3:GetObject on s3://b/denied denied to arn:aws:sts::1:assumed-role/web/i-1");
        let moved = object_head(&session, &named("moved"), soon()).await.expect("asked").expect("there");
        assert_eq!(moved.etag, "e");
    }

    #[tokio::test]
    async fn every_page_of_keys_is_read() {
        let server = Server::start(|request| {
            let last = request.path.contains("continuation-token=more");
            let (key, next) = if last { ("p/2", "") } else { ("p/1", "<NextContinuationToken>more</NextContinuationToken>") };
            Reply::text(
                200,
                &format!("<ListBucketResult><IsTruncated>{}</IsTruncated>{next}<Contents><Key>{key}</Key></Contents></ListBucketResult>", !last),
            )
        })
        .await;
        let keys = objects(&server.session(), "b", "p/", None, soon()).await.expect("keys");
        assert_eq!(keys, ["p/1", "p/2"]);
    }
}
