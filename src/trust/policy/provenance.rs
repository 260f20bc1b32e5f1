//! SLSA provenance: who built it, how, from what (slsa.dev/spec/v1.2/build-provenance, and v0.2 where the policy says).

use super::objection::Objection;
use super::parameters;
use crate::trust::pattern;
use crate::trust::sigstore::{Evidence, Who};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const V1: &str = "https://slsa.dev/provenance/v1";
const V02: &str = "https://slsa.dev/provenance/v0.2";

/// What provenance must say.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Whose provenance counts.
    pub signers: Vec<String>,
    /// Builders, and the SLSA build level that each is trusted for.
    pub builders: BTreeMap<String, u8>,
    /// The least level.
    pub level: u8,
    /// The kinds of build that are understood.
    pub build_types: Vec<String>,
    /// The repository, as `https://host/owner/name`.
    pub source: String,
    /// Branches and tags, as names or simple globs (`refs/tags/v*`).
    pub refs: Vec<String>,
    /// External parameters, by dotted path; `*` is any value.
    pub parameters: BTreeMap<String, Value>,
    /// Whether v0.2 is taken too.
    pub legacy: bool,
}

impl Provenance {
    /// Whether a predicate is such provenance.
    pub(super) fn takes(&self, kind: &str) -> bool {
        kind == V1 || self.legacy && kind == V02
    }
}

/// What both versions say.
struct Built {
    builder: String,
    build_type: String,
    sources: Vec<Source>,
    parameters: Value,
}

/// A git repository at a commit.
struct Source {
    repository: String,
    reference: Option<String>,
    commit: Option<String>,
}

impl Source {
    /// Reads `git+https://host/owner/name@refs/heads/main`.
    fn read(uri: &str, digest: &BTreeMap<String, String>) -> Option<Self> {
        let rest = uri.strip_prefix("git+")?;
        // An `@` before the path is a login's.
        let path = rest.find("://").map_or(0, |at| at + 3);
        let path = path + rest[path..].find('/').unwrap_or(rest.len() - path);
        let at = rest[path..].find('@').map(|at| path + at);
        let (repository, reference) = at.map_or((rest, None), |at| (&rest[..at], Some(rest[at + 1..].to_owned())));
        let commit = digest.get("gitCommit").or_else(|| digest.get("sha1")).cloned();
        Some(Self { repository: repository.to_owned(), reference, commit })
    }
}

/// Judges verified provenance.
pub(super) fn object(wanted: &Provenance, evidence: &Evidence) -> Result<(), Objection> {
    let statement = evidence.statement.as_ref().ok_or_else(|| Objection::Malformed("there is no statement".into()))?;
    let built = match statement.predicate_type.as_str() {
        V1 => v1(&statement.predicate)?,
        _ => v02(&statement.predicate)?,
    };
    let have = *wanted.builders.get(&built.builder).ok_or_else(|| Objection::Builder(built.builder.clone()))?;
    if have < wanted.level {
        return Err(Objection::Level { have, want: wanted.level });
    }
    if !wanted.build_types.contains(&built.build_type) {
        return Err(Objection::BuildType(built.build_type));
    }
    let Some(source) = built.sources.iter().find(|source| source.repository == wanted.source) else {
        let have = built.sources.iter().map(|source| source.repository.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Objection::Source { have, want: wanted.source.clone() });
    };
    let reference = source.reference.as_deref().unwrap_or_default();
    if !wanted.refs.iter().any(|glob| pattern::matches(glob, reference, false)) {
        return Err(Objection::Ref(reference.to_owned()));
    }
    parameters::object(&built.parameters, &wanted.parameters)?;
    match evidence.who {
        Who::Key { .. } => Ok(()),
        Who::Identity { .. } => certified(wanted, evidence, &built, source),
    }
}

/// What the certificate authority saw must be what the builder says.
fn certified(wanted: &Provenance, evidence: &Evidence, built: &Built, source: &Source) -> Result<(), Objection> {
    let claims = &evidence.claims;
    for (field, attested, claim) in [
        ("builder", Some(built.builder.as_str()), &claims.build_signer_uri),
        ("source repository", Some(source.repository.as_str()), &claims.source_repository_uri),
        ("source ref", source.reference.as_deref(), &claims.source_repository_ref),
        ("source commit", source.commit.as_deref(), &claims.source_repository_digest),
    ] {
        if attested.is_none() || attested != claim.as_deref() {
            let attested = attested.unwrap_or("absent").to_owned();
            let certified = claim.as_deref().map_or("nothing of it".to_owned(), |claim| format!("`{claim}`"));
            return Err(Objection::Certificate { field, attested, certified });
        }
    }
    let runner = claims.runner_environment.as_deref().unwrap_or("unknown");
    match wanted.level >= 3 && matches!(runner, "self-hosted" | "unknown") {
        true => Err(Objection::Runner(runner.to_owned())),
        false => Ok(()),
    }
}

fn read<'a, T: Deserialize<'a>>(predicate: &'a Value) -> Result<T, Objection> {
    T::deserialize(predicate).map_err(|error| Objection::Malformed(error.to_string()))
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Material {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

fn v1(predicate: &Value) -> Result<Built, Objection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Predicate {
        build_definition: Definition,
        run_details: Details,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Definition {
        build_type: String,
        external_parameters: Value,
        #[serde(default)]
        resolved_dependencies: Vec<Material>,
    }
    #[derive(Deserialize)]
    struct Details {
        builder: Id,
    }
    let Predicate { build_definition: definition, run_details } = read(predicate)?;
    let sources = definition.resolved_dependencies.iter().filter_map(|one| Source::read(&one.uri, &one.digest));
    Ok(Built {
        builder: run_details.builder.id,
        build_type: definition.build_type,
        sources: sources.collect(),
        parameters: definition.external_parameters,
    })
}

fn v02(predicate: &Value) -> Result<Built, Objection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Predicate {
        builder: Id,
        build_type: String,
        invocation: Invocation,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Invocation {
        config_source: Material,
        #[serde(default)]
        parameters: Value,
    }
    let Predicate { builder, build_type, invocation } = read(predicate)?;
    let source = Source::read(&invocation.config_source.uri, &invocation.config_source.digest);
    Ok(Built {
        builder: builder.id,
        build_type,
        sources: source.into_iter().collect(),
        parameters: invocation.parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_with_and_without_its_ref() {
        let digest = BTreeMap::from([("gitCommit".to_owned(), "abc".to_owned())]);
        let source = Source::read("git+https://github.com/acme/shop@refs/tags/v1", &digest).expect("git");
        assert_eq!(source.repository, "https://github.com/acme/shop");
        assert_eq!(source.reference.as_deref(), Some("refs/tags/v1"));
        assert_eq!(source.commit.as_deref(), Some("abc"));
        let login = Source::read("git+ssh://git@github.com/acme/shop", &digest).expect("git");
        assert_eq!((login.repository.as_str(), login.reference), ("ssh://git@github.com/acme/shop", None));
        assert!(Source::read("https://github.com/acme/shop@refs/heads/main", &digest).is_none());
    }
}
