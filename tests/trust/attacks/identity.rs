//! Valid signatures by somebody else: look-alikes of the identity, the issuer and the workflow's claims.

use super::{attack, ci, keyless};
use crate::instance::{IDENTITY, ISSUER, Recipe};
use muster::trust::sigstore::{Claim, Keyless, Signatory, Signer, SigstoreError, Text};

fn pattern() -> Signer {
    let identity = Text::pattern(r"https://github\.com/acme/[a-z]+/\.github/workflows/release\.yml@refs/heads/main");
    Signer::new("ci".into(), Signatory::Keyless(Keyless { identity: identity.expect("a pattern"), ..keyless() }))
}

fn claiming(claims: &[(&str, &str)]) -> Signer {
    let claim = |(name, text): &(&str, &str)| (Claim::named(name).expect("a claim"), Text::Exact((*text).into()));
    Signer::new("ci".into(), Signatory::Keyless(Keyless { claims: claims.iter().map(claim).collect(), ..keyless() }))
}

macro_rules! lookalike {
    ($name:ident, $signer:expr, $identity:expr) => {
        attack!(
            $name,
            $signer,
            Recipe::default(),
            |recipe, scene| {
                recipe.identities = vec![$identity.to_string()];
            },
            SigstoreError::Identity { .. }
        );
    };
}

lookalike!(an_identity_with_more_after_it, ci(), format!("{IDENTITY}-evil"));
lookalike!(an_identity_with_more_before_it, ci(), format!("https://evil.test/?{IDENTITY}"));
lookalike!(an_identity_of_another_case, ci(), IDENTITY.replace("acme", "Acme"));
lookalike!(an_identity_of_another_branch, ci(), IDENTITY.replace("main", "evil"));
lookalike!(an_identity_of_another_workflow, ci(), IDENTITY.replace("release.yml", "test.yml"));
lookalike!(an_identity_of_a_fork, ci(), IDENTITY.replace("acme", "evil"));
lookalike!(an_identity_with_a_trailing_slash, ci(), format!("{IDENTITY}/"));
lookalike!(an_identity_that_is_a_prefix, ci(), IDENTITY.trim_end_matches("main"));
lookalike!(a_pattern_with_more_after_it, pattern(), format!("{IDENTITY}/evil"));
lookalike!(a_pattern_with_more_before_it, pattern(), format!("https://evil.test/?{IDENTITY}"));
lookalike!(a_pattern_whose_dot_is_another_letter, pattern(), IDENTITY.replace("github.com", "githubxcom"));
lookalike!(a_pattern_that_a_percent_sign_passes, pattern(), IDENTITY.replace("shop", "shop%2f..%2fevil"));

macro_rules! issuer {
    ($name:ident, $issuer:expr) => {
        attack!(
            $name,
            ci(),
            Recipe::default(),
            |recipe, scene| {
                recipe.issuer = $issuer.to_string();
            },
            SigstoreError::Issuer { .. }
        );
    };
}

issuer!(another_issuer, "https://accounts.google.com");
issuer!(an_issuer_with_a_trailing_slash, format!("{ISSUER}/"));
issuer!(an_issuer_with_more_after_it, format!("{ISSUER}.evil.test"));
issuer!(an_issuer_that_is_empty, "");

macro_rules! claim {
    ($name:ident, $claim:expr, $want:expr, $arc:expr, $have:expr) => {
        attack!(
            $name,
            claiming(&[($claim, $want)]),
            Recipe::default(),
            |recipe, scene| {
                recipe.claims.retain(|(arc, _)| *arc != $arc);
                let have: Option<&str> = $have;
                recipe.claims.extend(have.map(|text| ($arc, text.to_owned())));
            },
            SigstoreError::Claim { .. }
        );
    };
}

claim!(
    another_repository,
    "source_repository",
    "https://github.com/acme/shop",
    12,
    Some("https://github.com/evil/shop")
);
claim!(another_commit, "source_repository_digest", "0123abc", 13, Some("fedcba9"));
claim!(another_ref, "source_repository_ref", "refs/heads/main", 14, Some("refs/pull/1/merge"));
claim!(another_trigger, "build_trigger", "push", 20, Some("pull_request_target"));
claim!(a_runner_of_their_own, "runner_environment", "github-hosted", 11, Some("self-hosted"));
claim!(a_claim_that_is_absent, "runner_environment", "github-hosted", 11, None);
claim!(another_workflow_trigger, "github_workflow_trigger", "push", 2, Some("workflow_dispatch"));
claim!(another_workflow_sha, "github_workflow_sha", "0123abc", 3, Some("fedcba9"));
claim!(another_workflow_name, "github_workflow_name", "Release", 4, Some("Release "));
claim!(another_workflow_repository, "github_workflow_repository", "acme/shop", 5, Some("acme/shop-fork"));
claim!(another_workflow_ref, "github_workflow_ref", "refs/heads/main", 6, Some("refs/heads/main2"));
