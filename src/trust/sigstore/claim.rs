//! What a Fulcio certificate claims of the workflow that signed (fulcio `docs/oid-info.md`), by name.

use sigstore_crypto::x509::FulcioCiClaims;

/// One claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim(usize);

type Look = fn(&FulcioCiClaims) -> &Option<String>;

/// The names, as policies write them. The last five are those of cosign's `--certificate-github-workflow-*`.
const CLAIMS: &[(&str, Look)] = &[
    ("build_signer_uri", |claims| &claims.build_signer_uri),
    ("build_signer_digest", |claims| &claims.build_signer_digest),
    ("runner_environment", |claims| &claims.runner_environment),
    ("source_repository", |claims| &claims.source_repository_uri),
    ("source_repository_digest", |claims| &claims.source_repository_digest),
    ("source_repository_ref", |claims| &claims.source_repository_ref),
    ("source_repository_identifier", |claims| &claims.source_repository_identifier),
    ("source_repository_owner", |claims| &claims.source_repository_owner_uri),
    ("source_repository_owner_identifier", |claims| &claims.source_repository_owner_identifier),
    ("build_config", |claims| &claims.build_config_uri),
    ("build_config_digest", |claims| &claims.build_config_digest),
    ("build_trigger", |claims| &claims.build_trigger),
    ("run_invocation", |claims| &claims.run_invocation_uri),
    ("source_repository_visibility", |claims| &claims.source_repository_visibility_at_signing),
    ("deployment_environment", |claims| &claims.deployment_environment),
    ("token_subject", |claims| &claims.token_subject),
    ("github_workflow_trigger", |claims| &claims.deprecated_github.workflow_trigger),
    ("github_workflow_sha", |claims| &claims.deprecated_github.workflow_sha),
    ("github_workflow_name", |claims| &claims.deprecated_github.workflow_name),
    ("github_workflow_repository", |claims| &claims.deprecated_github.workflow_repository),
    ("github_workflow_ref", |claims| &claims.deprecated_github.workflow_ref),
];

impl Claim {
    /// The claim of a name.
    pub fn named(name: &str) -> Option<Self> {
        CLAIMS.iter().position(|(known, _)| *known == name).map(Self)
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CLAIMS.iter().map(|(name, _)| *name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        CLAIMS[self.0].0
    }

    /// What a certificate claims.
    pub fn of(self, claims: &FulcioCiClaims) -> Option<&str> {
        CLAIMS[self.0].1(claims).as_deref()
    }
}
