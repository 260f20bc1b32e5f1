//! What Packer's post-processor `manifest` wrote of a build: the image of each region, and what the template added.

use super::read;
use crate::failure::{Failure, Stage};
use crate::trust::image::ImageName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Manifest {
    builds: Vec<Build>,
    #[serde(default)]
    last_run_uuid: String,
}

#[derive(Deserialize)]
struct Build {
    name: String,
    #[serde(default)]
    artifact_id: String,
    #[serde(default)]
    packer_run_uuid: String,
    #[serde(default)]
    custom_data: Option<BTreeMap<String, String>>,
}

/// One build of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The image and its copies.
    pub images: Vec<ImageName>,
    /// The one that was built, where the template says in which region that was.
    pub original: Option<ImageName>,
    /// The image that it was built from.
    pub source: Option<String>,
    /// The profile that it was judged by.
    pub profile: Option<String>,
}

/// The newest build of a name; of the last run's only one where none is named.
pub fn built(path: &Path, name: Option<&str>) -> Result<Built, Failure> {
    parse(&read(path)?, name)
        .map_err(|why| Failure::message(Stage::Usage, format!("Packer's manifest {}: {why}", path.display())))
}

fn parse(text: &[u8], name: Option<&str>) -> Result<Built, String> {
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let known = || {
        let mut names: Vec<&str> = manifest.builds.iter().map(|build| build.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let build = match name {
        Some(name) => manifest.builds.iter().rfind(|build| build.name == name),
        None => {
            let last = |build: &&Build| build.packer_run_uuid == manifest.last_run_uuid;
            let mut last = manifest.builds.iter().filter(last);
            let one = last.next();
            if last.next().is_some() {
                return Err(format!("the last run has several builds: choose one with --build ({})", known()));
            }
            one
        }
    };
    let build = build.ok_or_else(|| format!("it has no such build; there are {}", known()))?;
    let images: Result<Vec<ImageName>, String> = build.artifact_id.split(',').map(str::parse).collect();
    let images = images.map_err(|why| format!("artifact_id of build {}: {why}", build.name))?;
    let custom = build.custom_data.clone().unwrap_or_default();
    let original = custom.get("region").and_then(|region| images.iter().find(|image| image.region == *region)).cloned();
    let value = |key: &str| custom.get(key).cloned();
    Ok(Built { images, original, source: value("source_ami"), profile: value("profile") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_build_that_is_meant_is_read() {
        let build = |name: &str, run: &str, artifact: &str| {
            json!({"name": name, "builder_type": "amazon-ebs", "build_time": 1, "files": null, "artifact_id": artifact,
                   "packer_run_uuid": run, "custom_data": {"region": "eu-west-1", "source_ami": "ami-01234567"}})
        };
        let (a, b) = ("us-east-1:ami-0aaaaaaa,eu-west-1:ami-0bbbbbbb", "eu-west-1:ami-0ccccccc");
        let manifest =
            json!({"builds": [build("x", "1", b), build("x", "2", a), build("y", "2", b)], "last_run_uuid": "2"});
        let text = manifest.to_string();
        let built = parse(text.as_bytes(), Some("x")).expect("reads");
        assert_eq!(built.images.len(), 2);
        assert_eq!(built.original.as_ref().map(|image| image.ami.as_str()), Some("ami-0bbbbbbb"));
        assert_eq!(built.source.as_deref(), Some("ami-01234567"));
        assert!(parse(text.as_bytes(), None).expect_err("several").contains("x, y"));
        assert!(parse(text.as_bytes(), Some("z")).expect_err("none").contains("no such build"));
        let one = json!({"builds": [build("x", "1", a), build("y", "2", b)], "last_run_uuid": "2"}).to_string();
        assert_eq!(parse(one.as_bytes(), None).expect("reads").images[0].ami, "ami-0ccccccc");
        let bad = json!({"builds": [build("x", "1", "docker:abc")], "last_run_uuid": "1"}).to_string();
        assert!(parse(bad.as_bytes(), None).is_err());
    }
}
