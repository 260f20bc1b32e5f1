//! The part of `policy.yaml` that says what images must show before they are promoted.

use super::Age;
use super::attestations::CountText;
use crate::trust::image::{ImageRule, Patches, Run, Scans, Validation};
use crate::trust::policy::Severity;
use crate::trust::sigstore::Signer;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One rule, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageText {
    names: Vec<String>,
    channels: Vec<String>,
    validation: ValidationText,
    run: Option<RunText>,
    vulnerabilities: Option<ScansText>,
    patches: Option<PatchesText>,
    #[serde(default)]
    copies: CopiesText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidationText {
    signers: Vec<String>,
    profiles: Vec<String>,
    max_age: Age,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunText {
    signers: Vec<String>,
    max_age: Age,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScansText {
    scanners: Vec<String>,
    max_age: Age,
    #[serde(default)]
    budget: BTreeMap<Severity, CountText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchesText {
    max_age: Age,
}

/// Whose run, scan and patches a copy needs: its own, or those of the image that it is a copy of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CopiesText {
    #[default]
    Each,
    Original,
}

impl ImageText {
    /// The rule; lists that accept nothing and names of nobody are refused.
    pub(super) fn rule(&self, signers: &BTreeMap<String, Signer>) -> Result<ImageRule, String> {
        let rule = self.typed();
        let lists = [
            ("names", Some(&rule.names)),
            ("channels", Some(&rule.channels)),
            ("validation.signers", Some(&rule.validation.signers)),
            ("validation.profiles", Some(&rule.validation.profiles)),
            ("run.signers", rule.run.as_ref().map(|run| &run.signers)),
            ("vulnerabilities.scanners", rule.vulnerabilities.as_ref().map(|scans| &scans.scanners)),
        ];
        if let Some((name, _)) = lists.iter().find(|(_, list)| list.is_some_and(Vec::is_empty)) {
            return Err(format!("{name}: an empty list accepts nothing"));
        }
        let missing = rule.signers().find(|name| !signers.contains_key(*name)).map(str::to_owned);
        match missing {
            Some(missing) => Err(format!("`signers` has no `{missing}`")),
            None => Ok(rule),
        }
    }

    fn typed(&self) -> ImageRule {
        let validation = Validation {
            signers: self.validation.signers.clone(),
            profiles: self.validation.profiles.clone(),
            max_age: self.validation.max_age.0,
        };
        ImageRule {
            names: self.names.clone(),
            channels: self.channels.clone(),
            validation,
            run: self.run.as_ref().map(|run| Run { signers: run.signers.clone(), max_age: run.max_age.0 }),
            vulnerabilities: self.vulnerabilities.as_ref().map(|scans| Scans {
                scanners: scans.scanners.clone(),
                max_age: scans.max_age.0,
                budget: scans.budget.iter().map(|(severity, count)| (*severity, count.count())).collect(),
            }),
            patches: self.patches.as_ref().map(|patches| Patches { max_age: patches.max_age.0 }),
            copies: self.copies == CopiesText::Original,
        }
    }
}
