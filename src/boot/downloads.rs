//! What roles download that nothing verifies: refused where settings say so, else recorded with its source and digest.

use super::remote::{CloudRemote, LARGEST, refused};
use crate::cloud;
use crate::host::{Content, Digest, Hasher};
use crate::journal::Run;
use crate::roles::remote::{RemoteError, Request, Response};
use std::sync::Arc;
use std::time::Duration;

/// A role that names no timeout waits this long for a download to end.
const PATIENCE: Duration = Duration::from_secs(600);

/// What happens to downloads of roles that nothing verifies.
pub(super) struct Downloads {
    /// They are recorded here, with source and digest.
    pub(super) run: Arc<Run>,
    /// They are refused.
    pub(super) refuse: bool,
}

impl Downloads {
    /// Before the first byte.
    pub(super) fn allow(&self, what: &str) -> Result<(), RemoteError> {
        if !self.refuse {
            return Ok(());
        }
        Err(RemoteError {
            message: format!("downloading {what}: nothing verifies it, and settings refuse unverified downloads"),
            hint: Some("publish it as a signed release, or set `unverified_downloads: warn`".into()),
            missing: false,
        })
    }

    /// After the last.
    pub(super) fn record(&self, what: &str, body: &Content) -> Result<(), RemoteError> {
        let digest = Hasher::of_reader(Digest::Sha256, body.reader());
        let digest = digest.map_err(|error| RemoteError {
            message: format!("reading what was downloaded from {what}: {error}"),
            hint: None,
            missing: false,
        })?;
        self.run.note(&format!("unverified download: {what}, sha256 {digest}"));
        Ok(())
    }
}

impl CloudRemote {
    /// One request of a role's, and its answer's body.
    pub(super) fn web(&self, request: &Request) -> Result<Response, RemoteError> {
        let what = shown(&request.url);
        self.downloads.allow(&what)?;
        let deadline = self.end().min(cloud::Instant::now() + request.timeout.unwrap_or(PATIENCE));
        let asked = cloud::WebRequest {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            basic: request.basic.clone(),
            verify: request.verify,
            follow: request.follow,
            direct: request.direct,
        };
        let file = self.staged(&request.url)?;
        let answer =
            self.reach.ask(cloud::web(&self.reach.transport, &asked, file, LARGEST, deadline)).map_err(refused)?;
        let body = Content::Staged(Arc::new(answer.body));
        self.downloads.record(&what, &body)?;
        Ok(Response { status: answer.status, url: answer.url, headers: answer.headers, body, size: answer.size })
    }
}

/// An address without login and query, which may be secrets.
fn shown(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => bare.to_owned(),
    }
}
