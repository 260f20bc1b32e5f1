//! Who must have signed what: `policy.yaml`, typed and closed, and its judgement over one digest.
//!
//! The first rule that names application and channel decides; where none does, nothing is believed. Signatures and
//! attestations are counted only once each was verified over exactly this subject.

mod approve;
mod error;
mod licence;
mod objection;
mod parameters;
mod provenance;
mod quorum;
mod sbom;
mod scan;
mod vex;
mod vsa;
mod vulnerabilities;
mod written;

pub use approve::{Approved, Asked};
pub use error::{Attempt, PolicyError};
pub use objection::Objection;
pub use provenance::Provenance;
pub use quorum::Quorum;
pub use sbom::{Format, Sbom};
pub(super) use scan::scanned;
pub use vsa::Summary;
pub(super) use vsa::fresh;
pub(super) use vulnerabilities::within;
pub use vulnerabilities::{Severity, Vulnerabilities};
pub(super) use written::{Written, read};

use super::pattern;
use super::sigstore::Signer;
use std::collections::BTreeMap;

/// What `policy.yaml` demands.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Who may sign, by the names that rules use.
    pub signers: BTreeMap<String, Signer>,
    /// In order; the first that fits decides.
    pub rules: Vec<Rule>,
}

/// What is demanded of some applications in some channels.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Names or simple globs.
    pub applications: Vec<String>,
    /// Names or simple globs.
    pub channels: Vec<String>,
    /// Who must have signed.
    pub signatures: Option<Quorum>,
    /// What must have been attested.
    pub attestations: Attestations,
}

/// What must have been attested; `None` is not demanded.
#[derive(Clone, Debug, Default)]
pub struct Attestations {
    /// How it was built.
    pub provenance: Option<Provenance>,
    /// What a verifier found.
    pub vsa: Option<Summary>,
    /// What it is made of.
    pub sbom: Option<Sbom>,
    /// What is known to be wrong with it.
    pub vulnerabilities: Option<Vulnerabilities>,
}

impl Policy {
    /// The rule for an application in a channel, with its number from 1.
    pub fn rule(&self, asked: &Asked<'_>) -> Result<(usize, &Rule), PolicyError> {
        let any = |globs: &[String], name: &str| globs.iter().any(|glob| pattern::matches(glob, name, false));
        let fits = |rule: &&Rule| any(&rule.applications, asked.application) && any(&rule.channels, asked.channel);
        let at = self.rules.iter().position(|rule| fits(&rule)).ok_or_else(|| PolicyError::NoRule {
            application: asked.application.to_owned(),
            channel: asked.channel.to_owned(),
        })?;
        Ok((at + 1, &self.rules[at]))
    }

    /// A rule that never decides, and the earlier one that fits all that it fits, by their numbers: a strict rule after a
    /// broad one demands nothing.
    fn shadowed(rules: &[Rule]) -> Option<(usize, usize)> {
        let within =
            |globs: &[String], of: &[String]| globs.iter().all(|one| of.iter().any(|all| pattern::covers(all, one)));
        rules.iter().enumerate().find_map(|(at, rule)| {
            let covers = |earlier: &Rule| {
                within(&rule.applications, &earlier.applications) && within(&rule.channels, &earlier.channels)
            };
            rules[..at].iter().position(covers).map(|by| (at + 1, by + 1))
        })
    }
}
