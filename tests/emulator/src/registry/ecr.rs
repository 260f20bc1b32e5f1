//! The registry by ECR's API: three reads, their pages, and their failures.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html>

use super::Registry;
use crate::account::Account;
use crate::credentials::Principal;
use crate::encoding::{base64, from_base64};
use crate::error::{ApiError, Common};
use crate::members::Members;
use crate::policy::Policy;
use serde_json::{Value, json};

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
}

impl Registry {
    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, input: &Value, host: &str) -> Result<Value, ApiError> {
        match action {
            "BatchGetImage" => self.batch_get_image(caller, input),
            "ListImageReferrers" => self.list_image_referrers(caller, input),
            "GetDownloadUrlForLayer" => self.download_url(caller, input, host),
            _ => Err(ApiError::common(Common::UnknownAction, "")),
        }
    }

    /// The repository that an input names, if the caller may do this to it.
    fn repository(&self, caller: &Caller, action: &str, members: &Members) -> Result<String, ApiError> {
        let name = members.text("repositoryName", 2, 256)?.ok_or_else(|| ApiError::required("repositoryName"))?;
        let arn = caller.account.arn("ecr", &format!("repository/{name}"));
        caller.policy.permit(caller.principal, &format!("ecr:{action}"), &arn)?;
        let registry = members.text("registryId", 12, 12)?.unwrap_or_else(|| caller.account.id.clone());
        if registry != caller.account.id || !self.has(&name) {
            let message =
                format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
            return Err(ApiError::own("RepositoryNotFoundException", message));
        }
        Ok(name)
    }

    fn batch_get_image(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Members::of(input, &["registryId", "repositoryName", "imageIds", "acceptedMediaTypes"])?;
        members.texts("acceptedMediaTypes", 1, 100)?;
        let name = self.repository(caller, "BatchGetImage", &members)?;
        let ids = input["imageIds"].as_array().filter(|ids| !ids.is_empty() && ids.len() <= 100);
        let ids = ids.ok_or_else(|| ApiError::own("InvalidParameterException", "Invalid parameter at 'imageIds'"))?;
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in ids {
            let reference = id["imageDigest"].as_str().or(id["imageTag"].as_str()).unwrap_or_default();
            match self.manifest(&name, reference) {
                Some((digest, _)) if self.archived.contains(&digest) => failures.push(json!({
                    "imageId": id, "failureCode": "ImageInaccessible", "failureReason": "The image is archived"
                })),
                Some((digest, bytes)) => images.push(json!({
                    "registryId": caller.account.id, "repositoryName": name,
                    "imageId": {"imageDigest": digest}, "imageManifest": String::from_utf8_lossy(bytes),
                })),
                None => failures.push(json!({
                    "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"
                })),
            }
        }
        Ok(json!({"images": images, "failures": failures}))
    }

    fn list_image_referrers(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = ["registryId", "repositoryName", "subjectId", "filter", "nextToken", "maxResults"];
        let members = Members::of(input, &known)?;
        let most = members.number("maxResults", 1, 50)?.unwrap_or(20).min(self.page);
        let name = self.repository(caller, "ListImageReferrers", &members)?;
        let subject = input["subjectId"]["imageDigest"].as_str().ok_or_else(|| ApiError::required("subjectId"))?;
        // Whoever does not ask for more sees what is active.
        let every = input["filter"]["artifactStatus"] == "ANY";
        let status = |one: &Value| match one["digest"].as_str().is_some_and(|digest| self.archived.contains(digest)) {
            true => "ARCHIVED",
            false => "ACTIVE",
        };
        let mut all = self.about(&name, subject);
        all.iter_mut().for_each(|one| one["artifactStatus"] = json!(status(one)));
        all.retain(|one| every || one["artifactStatus"] == "ACTIVE");
        let from =
            match members.text("nextToken", 1, 4096)? {
                None => 0,
                Some(token) => from_base64(&token)
                    .and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<usize>().ok())
                    .ok_or_else(|| ApiError::own("InvalidParameterException", "Invalid parameter at 'nextToken'"))?,
            };
        let page: Vec<&Value> = all.iter().skip(from).take(most).collect();
        let mut answer = json!({"referrers": page});
        if self.endless || from + most < all.len() {
            answer["nextToken"] = json!(base64((from + most).to_string()));
        }
        Ok(answer)
    }

    fn download_url(&self, caller: &Caller, input: &Value, host: &str) -> Result<Value, ApiError> {
        let members = Members::of(input, &["registryId", "repositoryName", "layerDigest"])?;
        let name = self.repository(caller, "GetDownloadUrlForLayer", &members)?;
        let digest = members.text("layerDigest", 1, 1024)?.ok_or_else(|| ApiError::required("layerDigest"))?;
        if !self.blobs.contains_key(&(name.clone(), digest.clone())) {
            let message = format!("The following layers do not exist in the repository: '{digest}'");
            return Err(ApiError::own("LayersNotFoundException", message));
        }
        let here = format!("http://{host}/layers/{name}/{digest}");
        Ok(json!({"downloadUrl": self.onward.clone().unwrap_or(here), "layerDigest": digest}))
    }
}
