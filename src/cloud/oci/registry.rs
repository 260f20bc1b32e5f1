//! The OCI distribution specification 1.1, as far as pulling goes: one request at a time, through muster's own transport.

use super::challenge::{Challenge, login_for, token};
use super::way::{HOPS, is_loopback, onward};
use super::{ACCEPTED, Login, MANIFEST, PAGES, Staging, staged};
use crate::cloud::{CloudError, Instant, Transport, WebRequest, WebResponse, web};
use crate::secret::Secret;
use oci_client::Reference;
use reqwest::Url;
use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// The most bytes of a token's answer.
const TOKEN: u64 = 64 << 10;

/// A repository as its registry serves it.
#[derive(Debug)]
pub(super) struct Registry {
    transport: Transport,
    base: String,
    name: String,
    login: Option<Login>,
    /// What answered the last challenge.
    authorization: Mutex<Option<Secret<String>>>,
}

/// One question.
struct Ask<'a> {
    /// For people.
    what: String,
    url: String,
    accept: &'a [&'a str],
    largest: u64,
    /// Whether its answer may lie elsewhere: blobs' do.
    onward: bool,
}

impl Registry {
    pub(super) fn open(reference: &Reference, transport: Transport, login: Option<Login>) -> Self {
        let host = reference.resolve_registry();
        let local = Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url));
        let base = format!("{}://{host}", if local { "http" } else { "https" });
        Self { transport, base, name: reference.repository().to_owned(), login, authorization: Mutex::default() }
    }

    fn ask<'a>(&self, kind: &str, name: &str, accept: &'a [&'a str], largest: u64) -> Ask<'a> {
        let what = format!("{kind} {name} of {}/{}", self.base, self.name);
        Ask {
            what,
            url: format!("{}/v2/{}/{kind}/{name}", self.base, self.name),
            accept,
            largest,
            onward: kind == "blobs",
        }
    }

    pub(super) async fn manifest(&self, name: &str, staging: &Staging<'_>, until: Instant) -> Result<File, CloudError> {
        Ok(self.get(&self.ask("manifests", name, &ACCEPTED, MANIFEST), staging, until).await?.body)
    }

    pub(super) async fn blob(
        &self,
        digest: &str,
        largest: u64,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<File, CloudError> {
        Ok(self.get(&self.ask("blobs", digest, &[], largest), staging, until).await?.body)
    }

    /// The referrers API page by page; where a registry has none, the list under the tag that stands for it.
    pub(super) async fn referrers(
        &self,
        digest: &str,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<Vec<File>, CloudError> {
        let mut ask = self.ask("referrers", digest, &ACCEPTED[1..2], MANIFEST);
        let mut pages = Vec::new();
        loop {
            match self.get(&ask, staging, until).await {
                Ok(answer) => {
                    let next = self.next(&ask, &answer)?;
                    pages.push(answer.body);
                    match next {
                        None => return Ok(pages),
                        Some(_) if pages.len() >= PAGES => return Err(ask.wrong("its pages do not end")),
                        Some(url) => ask.url = url,
                    }
                }
                Err(error) if error.is_missing() && pages.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        match self.manifest(&digest.replacen(':', "-", 1), staging, until).await {
            Ok(list) => Ok(vec![list]),
            Err(error) if error.is_missing() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The next page, which is one of the same list.
    fn next(&self, ask: &Ask<'_>, answer: &WebResponse) -> Result<Option<String>, CloudError> {
        let links = answer.headers.iter().filter(|(name, _)| name == "link").flat_map(|(_, value)| value.split(','));
        let mut next =
            links.filter(|link| link.split(';').skip(1).any(|one| one.replace('"', "").trim() == "rel=next"));
        let Some(link) = next.next() else { return Ok(None) };
        let target = link.split(['<', '>']).nth(1).unwrap_or_default();
        let url = Url::parse(&ask.url)
            .and_then(|from| from.join(target))
            .map_err(|_| ask.wrong("its next page is nowhere"))?;
        let beneath = format!("{}/v2/{}/referrers/", self.base, self.name);
        match url.as_str().starts_with(&beneath) && url.as_str() != ask.url {
            true => Ok(Some(url.into())),
            false => Err(ask.wrong("its next page is not of this list")),
        }
    }

    async fn get(&self, ask: &Ask<'_>, staging: &Staging<'_>, until: Instant) -> Result<WebResponse, CloudError> {
        let mut answer = self.send(ask, &ask.url, true, staging, until).await?;
        if answer.status == 401 && self.answer(ask, &answer, staging, until).await? {
            answer = self.send(ask, &ask.url, true, staging, until).await?;
        }
        let mut url = Url::parse(&ask.url).map_err(|_| ask.wrong("its address cannot be read"))?;
        for _ in 0..HOPS {
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                break;
            }
            if !ask.onward {
                return Err(ask.wrong("it sends on elsewhere, which only blobs may"));
            }
            let to = answer.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.as_str());
            let to = onward(&url, to.unwrap_or_default()).map_err(|why| ask.wrong(&why))?;
            // Who asks is the registry's to know, and nobody else's.
            let same = to.origin() == url.origin() && to.as_str().starts_with(&self.base);
            url = to;
            answer = self.send(ask, url.as_str(), same, staging, until).await?;
        }
        let refused = |why: &str| CloudError::Registry {
            what: ask.what.clone(),
            status: Some(answer.status),
            why: why.to_owned(),
        };
        Err(match answer.status {
            200 => return Ok(answer),
            301..=399 => ask.wrong("it sends on without end"),
            401 if self.login.is_none() => refused("the registry asks for a login (401)"),
            401 => refused("the registry does not take the login (401)"),
            403 => refused("denied (403)"),
            404 => refused("there is no such thing (404)"),
            status => refused(&format!("the registry answered {status}")),
        })
    }

    async fn send(
        &self,
        ask: &Ask<'_>,
        url: &str,
        known: bool,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<WebResponse, CloudError> {
        let mut request = WebRequest { follow: false, ..WebRequest::get(url) };
        if !ask.accept.is_empty() {
            request.headers.push(("accept".into(), ask.accept.join(", ")));
        }
        let authorization = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match authorization.filter(|_| known) {
            Some(text) if !text.expose().is_empty() => {
                request.headers.push(("authorization".into(), format!("Bearer {}", text.expose())));
            }
            // An empty text stands for the login itself.
            Some(_) => request.basic = self.login.as_ref().map(|one| (one.user.clone(), one.password.clone())),
            None => {}
        }
        web(&self.transport, &request, staged(staging, &ask.what)?, ask.largest, until).await
    }

    /// Answers a challenge; `false` where there is nothing to answer it with.
    async fn answer(
        &self,
        ask: &Ask<'_>,
        refused: &WebResponse,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<bool, CloudError> {
        let from = Url::parse(&ask.url).map_err(|_| ask.wrong("its address cannot be read"))?;
        let header = refused.headers.iter().find(|(name, _)| name == "www-authenticate");
        let Some((_, header)) = header else { return Ok(false) };
        let known = match Challenge::read(header, &from, &self.name).map_err(|why| ask.wrong(&why))? {
            Challenge::Basic if self.login.is_none() => return Ok(false),
            Challenge::Basic => Secret::new(String::new()),
            Challenge::Bearer(realm) => {
                let login = login_for(&realm, self.login.as_ref());
                let basic = login.map(|one| (one.user.clone(), one.password.clone()));
                let request = WebRequest { follow: false, basic, ..WebRequest::get(realm.as_str()) };
                let what = format!("token for {}", ask.what);
                let answer = web(&self.transport, &request, staged(staging, &what)?, TOKEN, until).await?;
                if matches!(answer.status, 401 | 403) {
                    return Ok(false);
                }
                let mut bytes = Vec::new();
                let read = answer.body.take(TOKEN).read_to_end(&mut bytes);
                let found = read.ok().filter(|_| answer.status == 200).and_then(|_| token(&bytes));
                Secret::new(found.ok_or_else(|| ask.wrong("whom it names for a token gives none"))?)
            }
        };
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(true)
    }
}

impl Ask<'_> {
    fn wrong(&self, why: &str) -> CloudError {
        CloudError::Registry { what: self.what.clone(), status: None, why: why.to_owned() }
    }
}
