//! Verification summaries (slsa.dev/spec/v1.2/verification_summary): a verifier ran the heavy policy, the host reads one.

use super::approve::Asked;
use super::objection::Objection;
use crate::trust::sigstore::Evidence;
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;

/// Its predicate type.
pub(super) const PREDICATE: &str = "https://slsa.dev/verification_summary/v1";
/// How far a host's clock may be behind another's.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// What a summary must say.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Whose summary counts.
    pub signers: Vec<String>,
    /// The verifiers' ids.
    pub verifiers: Vec<String>,
    /// About what; `{application}` and `{channel}` stand for themselves.
    pub resource: String,
    /// Levels that must have been verified.
    pub levels: Vec<String>,
    /// How long ago it may have been verified.
    pub max_age: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verifier: Verifier,
    time_verified: Timestamp,
    resource_uri: String,
    verification_result: String,
    #[serde(default)]
    verified_levels: Vec<String>,
}

#[derive(Deserialize)]
struct Verifier {
    id: String,
}

/// Judges a verified summary.
pub(super) fn object(
    wanted: &Summary,
    evidence: &Evidence,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<(), Objection> {
    let statement = evidence.statement.as_ref().ok_or_else(|| Objection::Malformed("there is no statement".into()))?;
    let said = Predicate::deserialize(&statement.predicate).map_err(|error| Objection::Malformed(error.to_string()))?;
    if !wanted.verifiers.contains(&said.verifier.id) {
        return Err(Objection::Verifier(said.verifier.id));
    }
    let want = wanted.resource.replace("{application}", asked.application).replace("{channel}", asked.channel);
    if said.resource_uri != want {
        return Err(Objection::Resource { have: said.resource_uri, want });
    }
    if said.verification_result != "PASSED" {
        return Err(Objection::Failed(said.verification_result));
    }
    if let Some(lacking) =
        wanted.levels.iter().find(|want| !said.verified_levels.iter().any(|have| reaches(have, want)))
    {
        return Err(Objection::NotVerified(lacking.clone()));
    }
    fresh(said.time_verified, wanted.max_age, now)
}

/// Whether a level is this one, or a higher one of the same track.
fn reaches(have: &str, want: &str) -> bool {
    let split = |level: &str| {
        let (track, number) = level.rsplit_once("_LEVEL_")?;
        Some((track.to_owned(), number.parse::<u8>().ok()?))
    };
    match (split(have), split(want)) {
        (Some((have_track, have)), Some((want_track, want))) => have_track == want_track && have >= want,
        _ => have == want,
    }
}

/// Whether something was said within an age.
pub(in crate::trust) fn fresh(at: Timestamp, limit: Duration, now: Timestamp) -> Result<(), Objection> {
    let age = now.duration_since(at);
    if age < -SKEW {
        return Err(Objection::Future(at));
    }
    match jiff::SignedDuration::try_from(limit) {
        Ok(limit) if age > limit => Err(Objection::Stale { at, limit: format!("{limit:#}") }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_level_of_the_same_track_is_enough() {
        assert!(reaches("SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_2"));
        assert!(!reaches("SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_2"));
        assert!(!reaches("SLSA_SOURCE_LEVEL_3", "SLSA_BUILD_LEVEL_2"));
        assert!(reaches("REVIEWED", "REVIEWED"));
        assert!(!reaches("FAILED", "SLSA_BUILD_LEVEL_1"));
    }

    #[test]
    fn ages_have_both_ends() {
        let now: Timestamp = "2026-06-10T00:00:00Z".parse().expect("now");
        let day = Duration::from_secs(86400);
        assert_eq!(fresh("2026-06-09T12:00:00Z".parse().expect("at"), day, now), Ok(()));
        assert!(matches!(fresh("2026-06-08T12:00:00Z".parse().expect("at"), day, now), Err(Objection::Stale { .. })));
        assert!(matches!(fresh("2026-06-10T12:00:00Z".parse().expect("at"), day, now), Err(Objection::Future(_))));
    }
}
