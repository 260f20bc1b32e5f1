//! Which keys may say what of which images: the part of `policy.yaml` called `images`, typed.

use super::ImageError;
use crate::trust::pattern;
use crate::trust::policy::Severity;
use crate::trust::sigstore::Signer;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a realm demands of images before they are promoted.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Who may sign, by the names that rules use.
    pub signers: BTreeMap<String, Signer>,
    /// In order; the first that fits decides.
    pub rules: Vec<ImageRule>,
}

/// What is demanded of some images in some channels.
#[derive(Clone, Debug)]
pub struct ImageRule {
    /// Names or simple globs.
    pub names: Vec<String>,
    /// Names or simple globs.
    pub channels: Vec<String>,
    /// What a validation must be.
    pub validation: Validation,
    /// What the run of an instance must be; not demanded where it is `None`.
    pub run: Option<Run>,
    /// What a scan for vulnerabilities must be; not demanded where it is `None`.
    pub vulnerabilities: Option<Scans>,
    /// What patch compliance must be; not demanded where it is `None`.
    pub patches: Option<Patches>,
    /// Whether run, scan and patches of the image that was built stand for its copies, which are the same bytes.
    pub copies: bool,
}

/// What a validation must be.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Whose counts.
    pub signers: Vec<String>,
    /// By which profiles.
    pub profiles: Vec<String>,
    /// How long ago it may have been attested.
    pub max_age: Duration,
}

/// What the run of an instance must be.
#[derive(Clone, Debug)]
pub struct Run {
    /// Whose counts.
    pub signers: Vec<String>,
    /// How long ago it may have been attested.
    pub max_age: Duration,
}

/// What a scan for vulnerabilities must be.
#[derive(Clone, Debug)]
pub struct Scans {
    /// `trivy`, `grype`.
    pub scanners: Vec<String>,
    /// How long ago it may have been made.
    pub max_age: Duration,
    /// How many of each severity are accepted; none where nothing is said, any where it is `None`.
    pub budget: BTreeMap<Severity, Option<usize>>,
}

/// What patch compliance must be.
#[derive(Clone, Copy, Debug)]
pub struct Patches {
    /// How long ago Patch Manager may have looked.
    pub max_age: Duration,
}

impl Images {
    /// The rule for an image's name in a channel, with its number from 1.
    pub fn rule(&self, name: &str, channel: &str) -> Result<(usize, &ImageRule), ImageError> {
        let any = |globs: &[String], text: &str| globs.iter().any(|glob| pattern::matches(glob, text, false));
        let at = self.rules.iter().position(|rule| any(&rule.names, name) && any(&rule.channels, channel));
        at.map(|at| (at + 1, &self.rules[at])).ok_or_else(|| {
            let why = format!("policy.yaml has no rule for images of this name in channel `{channel}`");
            ImageError::new("image/rule", name, why)
                .hint("add one under `images:` in policy.yaml, and embed the trust directory again")
        })
    }
}

impl ImageRule {
    /// Every signer that it names.
    pub(in crate::trust) fn signers(&self) -> impl Iterator<Item = &str> {
        let run = self.run.iter().flat_map(|run| &run.signers);
        self.validation.signers.iter().chain(run).map(String::as_str)
    }
}
