//! The registry by the OCI distribution specification: manifests, blobs, referrers, and tokens.

use super::{Registry, list};
use crate::encoding::{base64, from_base64, percent_decode};
use crate::reply::Reply;
use crate::request::Request;
use serde_json::{Value, json};

const TOKEN: &str = "t0ken-of-the-registry";

fn refusal(status: u16, code: &str) -> Reply {
    let body = json!({"errors": [{"code": code, "message": code.to_lowercase()}]});
    Reply::new(status, "application/json", body.to_string())
}

impl Registry {
    /// Answers what is the registry's: its action, for the log, and the reply.
    pub(crate) fn serve(&self, request: &Request) -> Option<(String, Reply)> {
        let path = String::from_utf8_lossy(&percent_decode(&request.path)).into_owned();
        if path == "/token" {
            return Some(("token".into(), self.token(request)));
        }
        if let Some(rest) = path.strip_prefix("/layers/") {
            // A download address of ECR's, which carries its own permission.
            let (repository, digest) = rest.rsplit_once('/')?;
            return Some(("download".into(), self.bytes(repository, digest)));
        }
        let rest = path.strip_prefix("/v2/")?;
        let (kind, at) =
            ["/manifests/", "/blobs/", "/referrers/"].iter().find_map(|kind| Some((*kind, rest.rfind(kind)?)))?;
        let (repository, reference) = (&rest[..at], &rest[at + kind.len()..]);
        let action = kind.trim_matches('/').to_owned();
        let reply = match () {
            () if request.method != "GET" => refusal(405, "UNSUPPORTED"),
            () if !self.known(request) => self.challenge(request),
            () if self.forbidden => refusal(403, "DENIED"),
            () => match kind {
                "/manifests/" => self.manifest_reply(repository, reference),
                "/blobs/" => self.blob_reply(repository, reference),
                _ => self.referrers_reply(repository, reference, request),
            },
        };
        Some((action, reply))
    }

    fn known(&self, request: &Request) -> bool {
        let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        self.login.is_none() || token == Some(TOKEN)
    }

    fn challenge(&self, request: &Request) -> Reply {
        let host = request.header("host").unwrap_or_default();
        let asked = format!("Bearer realm=\"http://{host}/token\",service=\"registry\",scope=\"repository:x:pull\"");
        refusal(401, "UNAUTHORIZED").with("www-authenticate", asked)
    }

    fn token(&self, request: &Request) -> Reply {
        let wanted = self.login.as_ref().map(|(user, password)| base64(format!("{user}:{password}")));
        let given = request.header("authorization").and_then(|header| header.strip_prefix("Basic "));
        let scoped = request.query_parameter("scope").is_some_and(|scope| scope.ends_with(":pull"));
        match given.and_then(from_base64) == wanted.as_deref().and_then(from_base64) && scoped {
            true => Reply::new(200, "application/json", json!({"token": TOKEN}).to_string()),
            false => refusal(401, "UNAUTHORIZED"),
        }
    }

    fn manifest_reply(&self, repository: &str, reference: &str) -> Reply {
        if let Some(onward) = &self.manifests_onward {
            return Reply::new(307, "", "").with("location", onward.clone());
        }
        match self.manifest(repository, reference) {
            None => refusal(404, "MANIFEST_UNKNOWN"),
            Some((digest, bytes)) => {
                let kind = serde_json::from_slice::<Value>(bytes).ok();
                let kind = kind.and_then(|manifest| Some(manifest["mediaType"].as_str()?.to_owned()));
                Reply::new(200, &kind.unwrap_or_default(), bytes).with("docker-content-digest", digest)
            }
        }
    }

    fn blob_reply(&self, repository: &str, digest: &str) -> Reply {
        match &self.onward {
            Some(onward) => Reply::new(307, "", "").with("location", onward.clone()),
            None => self.bytes(repository, digest),
        }
    }

    fn bytes(&self, repository: &str, digest: &str) -> Reply {
        match self.blobs.get(&(repository.to_owned(), digest.to_owned())) {
            Some(bytes) => Reply::new(200, "application/octet-stream", bytes.clone()),
            None => refusal(404, "BLOB_UNKNOWN"),
        }
    }

    fn referrers_reply(&self, repository: &str, digest: &str, request: &Request) -> Reply {
        if !self.referrers {
            return Reply::new(404, "text/plain", "404 page not found");
        }
        let all = self.about(repository, digest);
        let from = request.query_parameter("from").and_then(|from| from.parse::<usize>().ok()).unwrap_or(0);
        let page: Vec<Value> = all.iter().skip(from).take(self.page).cloned().collect();
        let reply = Reply::new(200, "application/vnd.oci.image.index.v1+json", list(&page).to_string());
        if self.endless || from + self.page < all.len() {
            let next = format!("</v2/{repository}/referrers/{digest}?from={}>; rel=\"next\"", from + self.page);
            return reply.with("link", next);
        }
        reply
    }
}
