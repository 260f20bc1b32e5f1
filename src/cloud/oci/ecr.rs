//! ECR by its own API: no second login, the host's role, and IAM's words for what is denied.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html>

use super::way::onward;
use super::{ACCEPTED, MANIFEST, PAGES, REFERRERS, Staging, staged};
use crate::cloud::retry::until as trying;
use crate::cloud::{Answer, Call, CloudError, Instant, Kind, Service, Session, WebRequest, web};
use aws_sdk_ecr::types::{
    ArtifactStatus, ArtifactStatusFilter, ImageFailureCode, ImageIdentifier, ListImageReferrersFilter,
    SubjectIdentifier,
};
use oci_client::Reference;
use reqwest::Url;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

/// The most that one answer of `ListImageReferrers` has; 20 unless asked.
const PAGE: i32 = 50;

/// A repository of an account.
#[derive(Debug)]
pub(super) struct Place {
    account: String,
    region: String,
    name: String,
}

/// The same, and who asks.
#[derive(Debug)]
pub(super) struct Ecr {
    place: Place,
    session: Session,
}

impl Ecr {
    /// Whether a reference is ECR's: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, with `-fips` and `.cn`, and
    /// `ACCOUNT.dkr-ecr.REGION.on.aws`.
    pub(super) fn of(reference: &Reference) -> Option<Place> {
        let host = reference.registry();
        let (account, rest) = host.split_once('.')?;
        let rest = rest.strip_prefix("dkr.ecr-fips.").or_else(|| rest.strip_prefix("dkr.ecr."));
        let rest = rest.or_else(|| host.split_once('.')?.1.strip_prefix("dkr-ecr."))?;
        let (region, domain) = rest.split_once('.')?;
        let known = matches!(domain, "amazonaws.com" | "amazonaws.com.cn" | "on.aws");
        let number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (known && number).then(|| Place {
            account: account.to_owned(),
            region: region.to_owned(),
            name: reference.repository().to_owned(),
        })
    }

    pub(super) fn open(place: Place, session: &Session) -> Self {
        let home = place.region == session.region();
        let session = if home { session.clone() } else { session.in_region(&place.region) };
        Self { place, session }
    }

    fn call(&self, action: &'static str, of: &str) -> Call {
        Call::new(Service::Ecr, action, format!("{}/{} {of}", self.place.account, self.place.name))
    }

    pub(super) async fn manifest(&self, name: &str, staging: &Staging<'_>, until: Instant) -> Result<File, CloudError> {
        let call = self.call("BatchGetImage", name);
        let id = ImageIdentifier::builder();
        let id = if name.contains(':') { id.image_digest(name) } else { id.image_tag(name) }.build();
        let request = self.session.ecr().batch_get_image().registry_id(&self.place.account);
        let request = request.repository_name(&self.place.name).image_ids(id);
        let request = request.set_accepted_media_types(Some(ACCEPTED.map(str::to_owned).to_vec()));
        let output = match trying(&call, until, || request.clone().send()).await {
            Ok(output) => output,
            Err(answer) => return Err(self.session.failed(call, answer).await),
        };
        let text = output.images().iter().find_map(|image| image.image_manifest());
        let Some(text) = text else {
            let failure = output.failures().first();
            let why =
                failure.and_then(|failure| failure.failure_reason()).unwrap_or("no image, and no reason").to_owned();
            let code = failure.and_then(|failure| failure.failure_code());
            let kind = match code {
                Some(ImageFailureCode::ImageNotFound) => Kind::Missing,
                _ => Kind::Refused,
            };
            let answer = Answer::unanswered(kind, why);
            let code = code.map(|code| code.as_str().to_owned()).unwrap_or_default();
            return Err(self.session.failed(call, Answer { code, ..answer }).await);
        };
        if text.len() as u64 > MANIFEST {
            return Err(CloudError::TooLarge { what: call.to_string(), limit: MANIFEST });
        }
        let mut file = staged(staging, &call.resource)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.seek(SeekFrom::Start(0)));
        written.map_err(|error| CloudError::Staging { what: call.to_string(), why: error.to_string() })?;
        Ok(file)
    }

    /// Every referrer that can be pulled. All are asked for, because those that are only archived are then told of.
    pub(super) async fn referrers(&self, digest: &str, until: Instant) -> Result<Vec<String>, CloudError> {
        let call = self.call("ListImageReferrers", digest);
        let wrong = |why: &str| CloudError::Contract { call: call.clone(), why: why.to_owned() };
        let subject = SubjectIdentifier::builder().image_digest(digest).build();
        let subject = subject.map_err(|error| wrong(&error.to_string()))?;
        let filter = ListImageReferrersFilter::builder().artifact_status(ArtifactStatusFilter::Any).build();
        let request = self.session.ecr().list_image_referrers().registry_id(&self.place.account);
        let request = request.repository_name(&self.place.name).subject_id(subject).filter(filter).max_results(PAGE);
        let (mut found, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let request = request.clone().set_next_token(token.clone());
            let output = match trying(&call, until, || request.clone().send()).await {
                Ok(output) => output,
                Err(answer) => return Err(self.session.failed(call, answer).await),
            };
            for one in output.referrers() {
                match one.artifact_status() {
                    None | Some(ArtifactStatus::Active) => found.push(one.digest().to_owned()),
                    Some(status) => tracing::warn!("{call}: {} is {status}, and cannot be pulled", one.digest()),
                }
            }
            match output.next_token().filter(|next| !next.is_empty()) {
                _ if found.len() > REFERRERS => return Err(wrong("it has more referrers than are judged")),
                None => return Ok(found),
                next => token = next.map(str::to_owned),
            }
        }
        Err(wrong("the pages do not end"))
    }

    pub(super) async fn blob(
        &self,
        digest: &str,
        largest: u64,
        staging: &Staging<'_>,
        until: Instant,
    ) -> Result<File, CloudError> {
        let call = self.call("GetDownloadUrlForLayer", digest);
        let request = self.session.ecr().get_download_url_for_layer().registry_id(&self.place.account);
        let request = request.repository_name(&self.place.name).layer_digest(digest);
        let output = match trying(&call, until, || request.clone().send()).await {
            Ok(output) => output,
            Err(answer) => return Err(self.session.failed(call, answer).await),
        };
        let wrong = |why: String| CloudError::Registry { what: call.resource.clone(), status: None, why };
        // As if AWS itself had sent on: only an emulated AWS is on this host.
        let network = self.session.transport().network();
        let from = network.endpoint(Service::Ecr).unwrap_or("https://ecr.amazonaws.com").to_owned();
        let from = Url::parse(&from).map_err(|error| wrong(error.to_string()))?;
        let url = onward(&from, output.download_url().unwrap_or_default()).map_err(wrong)?;
        let request = WebRequest { follow: false, ..WebRequest::get(url.as_str()) };
        let file = staged(staging, &call.resource)?;
        let answer = web(self.session.transport(), &request, file, largest, until).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => {
                let why = format!("where ECR says that it is, the answer is {status}");
                Err(CloudError::Registry { what: call.resource.clone(), status: Some(status), why })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecr_is_known_by_its_host() {
        let of = |host: &str| Ecr::of(&format!("{host}/acme/shop:1").parse().expect("a reference"));
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
        ] {
            let place = of(host).expect(host);
            assert_eq!(
                (place.account.as_str(), place.region.as_str(), place.name.as_str()),
                ("123456789012", region, "acme/shop")
            );
        }
        for host in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "1234.dkr.ecr.eu-west-1.amazonaws.com",
            "registry.example.com",
            "x123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        ] {
            assert!(of(host).is_none(), "{host}");
        }
    }
}
