//! Why a policy is not met: which rule, who is missing, and what was wrong with what there was.

use super::objection::Objection;
use crate::failure::Explain;
use crate::trust::sigstore::SigstoreError;
use std::collections::BTreeSet;
use std::fmt;

/// One bundle that was tried for one signer, and why it did not count.
#[derive(Debug)]
pub struct Attempt {
    /// The signer's name in the policy.
    pub signer: String,
    /// SHA-256 of the bundle, in hexadecimal.
    pub bundle: String,
    /// Why it did not count.
    pub error: SigstoreError,
}

/// Why a policy is not met.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No rule.
    #[error("policy.yaml has no rule for application `{application}` in channel `{channel}`")]
    NoRule {
        /// Which.
        application: String,
        /// In which.
        channel: String,
    },
    /// A signature is needed here, and the rule demands none.
    #[error("rule {rule} of policy.yaml demands no signatures, which a release's descriptor needs")]
    NoSignatures {
        /// Its number, from 1.
        rule: usize,
    },
    /// Not enough signers.
    #[error("rule {rule} of policy.yaml demands {wanted}; {}", shown(.have, .tried))]
    Quorum {
        /// Its number, from 1.
        rule: usize,
        /// Who must have signed.
        wanted: String,
        /// Who has.
        have: Vec<String>,
        /// What else was tried.
        tried: Vec<Attempt>,
    },
    /// An attestation is not there.
    #[error("rule {rule} of policy.yaml demands {kind} signed by {}; {}", .signers.join(" or "), shown(&[], .tried))]
    Missing {
        /// The rule's number, from 1.
        rule: usize,
        /// What kind.
        kind: &'static str,
        /// By whom.
        signers: Vec<String>,
        /// What was tried.
        tried: Vec<Attempt>,
    },
    /// An attestation is there, verified, and says what the policy does not accept.
    #[error("the {kind} (bundle {bundle}): {objection}")]
    Attestation {
        /// What kind.
        kind: &'static str,
        /// SHA-256 of its bundle, in hexadecimal.
        bundle: String,
        /// What is wrong with it.
        objection: Objection,
    },
    /// There were too many ways to count the signatures.
    #[error("rule {rule} of policy.yaml could not be decided within its steps: fewer bundles or names")]
    Undecided {
        /// Its number, from 1.
        rule: usize,
    },
    /// The subject or a bundle could not be read.
    #[error(transparent)]
    Sigstore(#[from] SigstoreError),
}

impl PolicyError {
    /// What was tried and did not count.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Quorum { tried, .. } | Self::Missing { tried, .. } => tried,
            _ => &[],
        }
    }
}

impl Attempt {
    /// Whether it is a key's bundle, and the signer has a certificate, or the other way round.
    fn is_of_another_kind(&self) -> bool {
        matches!(self.error, SigstoreError::Kind { .. })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (bundle {}): {}", self.signer, &self.bundle[..12.min(self.bundle.len())], self.error)
    }
}

fn shown(have: &[String], tried: &[Attempt]) -> String {
    let counted = if have.is_empty() { "nobody has".to_owned() } else { format!("signed by {}", have.join(", ")) };
    // That a key's bundle is not a certificate's is noise beside what is wrong with the right kind.
    let (kinds, told): (Vec<&Attempt>, Vec<&Attempt>) = tried.iter().partition(|one| one.is_of_another_kind());
    let mut told: Vec<String> = told.iter().map(ToString::to_string).collect();
    if told.is_empty() {
        let lacking = kinds.iter().filter(|one| !have.contains(&one.signer)).filter_map(|one| match one.error {
            SigstoreError::Kind { wanted, .. } => Some(format!("{}: no bundle is signed {wanted}", one.signer)),
            _ => None,
        });
        told = lacking.collect::<BTreeSet<_>>().into_iter().collect();
    }
    match told[..] {
        [] => format!("{counted}, and there is no other bundle of this kind"),
        _ => format!("{counted}; {}", told.join("; ")),
    }
}

impl Explain for PolicyError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoRule { .. } => "add a rule to policy.yaml and embed the trust directory again",
            Self::NoSignatures { .. } => "say `signatures: {all: [...]}` in that rule",
            Self::Quorum { tried, .. } | Self::Missing { tried, .. } => {
                let told = tried.iter().filter(|one| !one.is_of_another_kind());
                return told.into_iter().find_map(|one| one.error.hint()).or_else(|| {
                    Some(
                        "have the missing sign too, and put that bundle beside the others: one JSON document a line"
                            .into(),
                    )
                });
            }
            Self::Attestation { .. } => "build or scan again, or say in policy.yaml that this is accepted",
            Self::Undecided { .. } => "name fewer signers in the rule",
            Self::Sigstore(error) => return error.hint(),
        };
        Some(text.to_owned())
    }
}
