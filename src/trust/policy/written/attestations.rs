//! The part of `policy.yaml` that says what must have been attested.

use super::Age;
use crate::trust::policy::parameters;
use crate::trust::policy::{Attestations, Format, Provenance, Sbom, Severity, Summary, Vulnerabilities};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What must have been attested, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttestationsText {
    provenance: Option<ProvenanceText>,
    vsa: Option<SummaryText>,
    sbom: Option<SbomText>,
    vulnerabilities: Option<VulnerabilitiesText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenanceText {
    signers: Vec<String>,
    builders: BTreeMap<String, u8>,
    level: u8,
    build_types: Vec<String>,
    source: String,
    refs: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    slsa_v0_2: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SummaryText {
    signers: Vec<String>,
    verifiers: Vec<String>,
    resource: String,
    levels: Vec<String>,
    max_age: Age,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SbomText {
    signers: Vec<String>,
    formats: Vec<Format>,
    licences: Option<Vec<String>>,
    #[serde(default)]
    unlicensed: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number, or `any`")]
pub(super) enum CountText {
    Count(usize),
    Word(AnyText),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AnyText {
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VulnerabilitiesText {
    signers: Vec<String>,
    scanners: Vec<String>,
    max_age: Age,
    #[serde(default)]
    budget: BTreeMap<Severity, CountText>,
    #[serde(default)]
    vex: Vec<String>,
}

impl AttestationsText {
    /// What must have been attested; lists that accept nothing are refused.
    pub(super) fn read(&self) -> Result<Attestations, String> {
        let filled = |what: &str, lists: &[&[String]]| match lists.iter().any(|list| list.is_empty()) {
            true => Err(format!("{what}: an empty list accepts nothing")),
            false => Ok(()),
        };
        if let Some(one) = &self.provenance {
            filled("provenance", &[&one.signers, &one.build_types, &one.refs])?;
            if !one.builders.values().any(|level| *level >= one.level) {
                return Err(format!("provenance: no builder is of level {}", one.level));
            }
            if let Some((beneath, path)) = parameters::covered(&one.parameters) {
                return Err(format!(
                    "provenance: parameter `{beneath}` is never looked at, because `{path}` covers it"
                ));
            }
        }
        if let Some(one) = &self.vsa {
            filled("vsa", &[&one.signers, &one.verifiers, &one.levels])?;
        }
        if let Some(one) = &self.sbom {
            filled("sbom", &[&one.signers])?;
            if one.formats.is_empty() || one.licences.as_ref().is_some_and(Vec::is_empty) {
                return Err("sbom: an empty list accepts nothing".into());
            }
        }
        if let Some(one) = &self.vulnerabilities {
            filled("vulnerabilities", &[&one.signers, &one.scanners])?;
        }
        Ok(self.typed())
    }

    fn typed(&self) -> Attestations {
        Attestations {
            provenance: self.provenance.as_ref().map(|one| Provenance {
                signers: one.signers.clone(),
                builders: one.builders.clone(),
                level: one.level,
                build_types: one.build_types.clone(),
                source: one.source.clone(),
                refs: one.refs.clone(),
                parameters: one.parameters.clone(),
                legacy: one.slsa_v0_2,
            }),
            vsa: self.vsa.as_ref().map(|one| Summary {
                signers: one.signers.clone(),
                verifiers: one.verifiers.clone(),
                resource: one.resource.clone(),
                levels: one.levels.clone(),
                max_age: one.max_age.0,
            }),
            sbom: self.sbom.as_ref().map(|one| Sbom {
                signers: one.signers.clone(),
                formats: one.formats.clone(),
                licences: one.licences.clone(),
                unlicensed: one.unlicensed.clone(),
            }),
            vulnerabilities: self.vulnerabilities.as_ref().map(|one| Vulnerabilities {
                signers: one.signers.clone(),
                scanners: one.scanners.clone(),
                max_age: one.max_age.0,
                budget: one.budget.iter().map(|(severity, count)| (*severity, count.count())).collect(),
                vex: one.vex.clone(),
            }),
        }
    }
}

impl CountText {
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Word(AnyText::Any) => None,
        }
    }
}
