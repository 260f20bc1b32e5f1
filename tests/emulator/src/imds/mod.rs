//! The instance metadata service, version 2 only.

mod identity;
mod instance;
mod tree;

pub(crate) use identity::{public_key, verify};
pub use instance::{Instance, Metadata, Start};

use crate::account::Account;
use crate::credentials::{Key, Keys};
use crate::reply::Reply;
use crate::request::Request;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// An instance, its session tokens and its credentials.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) instance: Instance,
    pub(crate) launched: Timestamp,
    tokens: BTreeMap<String, Timestamp>,
    given: u32,
    key: Option<Key>,
}

/// What a metadata request may look at.
pub(crate) struct Around<'a> {
    pub(crate) account: &'a Account,
    pub(crate) keys: &'a mut Keys,
    pub(crate) now: Timestamp,
    pub(crate) target_state: Option<String>,
}

/// How long a role's credentials last, and how long before their end new ones appear.
const CREDENTIALS_LAST: SignedDuration = SignedDuration::from_hours(6);
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(15);

impl Machine {
    pub(crate) fn new(instance: Instance, launched: Timestamp) -> Self {
        Self { instance, launched, tokens: BTreeMap::new(), given: 0, key: None }
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, request: &Request, around: Around) -> Reply {
        let metadata = &mut self.instance.metadata;
        if let Start::Answers(status, left) = &mut metadata.start
            && *left > 0
        {
            *left -= 1;
            return refusal(*status);
        }
        if !metadata.enabled {
            return refusal(403);
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/latest/api/token") => self.give_token(request, around.now),
            ("PUT" | "GET" | "HEAD", "/latest/api/token" | "/latest/api/token/") => refusal(405),
            ("GET" | "HEAD", path) => match self.judge_token(request, around.now) {
                Some(refused) => refused,
                None => self.read(path, around),
            },
            _ => refusal(405),
        }
    }

    /// A session token. A request that came through a proxy is refused, as is one without a lifetime.
    fn give_token(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.header("x-forwarded-for").is_some() {
            return refusal(403);
        }
        let name = "x-aws-ec2-metadata-token-ttl-seconds";
        let lifetime = request.header(name).and_then(|text| text.parse::<i64>().ok());
        let Some(lifetime) = lifetime.filter(|seconds| (1..=21600).contains(seconds)) else {
            return refusal(400);
        };
        self.given += 1;
        let token = tree::token(&self.instance, self.given);
        self.tokens.insert(token.clone(), now + SignedDuration::from_secs(lifetime));
        if self.instance.metadata.too_many_hops {
            return Reply::never();
        }
        plain(200, token).with(name, lifetime.to_string())
    }

    fn judge_token(&self, request: &Request, now: Timestamp) -> Option<Reply> {
        let good = request
            .header("x-aws-ec2-metadata-token")
            .and_then(|token| self.tokens.get(token))
            .is_some_and(|expires| *expires > now);
        if good { None } else { Some(refusal(401)) }
    }

    fn read(&mut self, path: &str, around: Around) -> Reply {
        let Some(path) = below_version(path) else {
            return if path == "/" { plain(200, "1.0\n2021-03-23\nlatest") } else { refusal(404) };
        };
        self.renew(&path, around.account, around.keys, around.now);
        let seen = tree::Seen {
            instance: &self.instance,
            account: around.account,
            now: around.now,
            launched: self.launched,
            key: self.key.as_ref(),
            target_state: around.target_state,
        };
        let key_name = self.instance.key_pair.as_ref().map(|(name, _)| name.as_str());
        match tree::look(&tree::leaves(&seen), &path, key_name) {
            Some(body) if path == "user-data" => Reply::new(200, "application/octet-stream", body),
            Some(body) => plain(200, body),
            None => refusal(404),
        }
    }

    /// Sees to it that the role has credentials that last, once they may be seen at all.
    fn renew(&mut self, path: &str, account: &Account, keys: &mut Keys, now: Timestamp) {
        let late = &mut self.instance.metadata.credentials_late;
        if *late > 0 {
            *late -= u32::from(path.starts_with("meta-data/iam"));
            return;
        }
        self.credentials(account, keys, now);
    }

    /// The role's present credentials.
    pub(crate) fn credentials(&mut self, account: &Account, keys: &mut Keys, now: Timestamp) -> Option<&Key> {
        let role = self.instance.role.as_ref()?;
        let lasts = self.key.as_ref().and_then(|key| key.expires).is_some_and(|end| end - RENEWED_BEFORE > now);
        if !lasts {
            self.key = Some(keys.session(account, role, &self.instance.id, now + CREDENTIALS_LAST));
        }
        self.key.as_ref()
    }

    /// The identity document and its signature.
    pub(crate) fn identity(&self, account: &Account) -> Option<(String, String)> {
        let document = identity::document(&self.instance, account, self.launched);
        let signature = identity::signature(&document)?;
        Some((document, signature))
    }
}

/// A path below `/latest/` or a dated version.
fn below_version(path: &str) -> Option<String> {
    let (version, rest) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.get(1..)?, ""));
    let dated = version.len() == 10 && version.starts_with("20") && version.matches('-').count() == 2;
    if version == "latest" || dated {
        let decoded = crate::encoding::percent_decode(rest);
        return Some(String::from_utf8_lossy(&decoded).into_owned());
    }
    None
}

/// A metadata request's action, for faults and the log.
pub(crate) fn action(request: &Request) -> String {
    below_version(&request.path).unwrap_or_else(|| request.path.clone())
}

fn plain(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::new(status, "text/plain", body).with("server", "EC2ws")
}

/// A refusal in the service's own page.
pub(crate) fn refusal(status: u16) -> Reply {
    let reason = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        _ => "Service Unavailable",
    };
    let page = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\t\
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
         <head>\n  <title>{status} - {reason}</title>\n </head>\n \
         <body>\n  <h1>{status} - {reason}</h1>\n </body>\n</html>\n"
    );
    Reply::new(status, "text/html", page).with("server", "EC2ws")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
