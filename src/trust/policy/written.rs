//! `policy.yaml` as written, and from it the policy: unknown keys, twice-written keys and names of nothing are refused.

mod attestations;
mod images;

use super::{Policy, Quorum, Rule};
use crate::failure::Place;
use crate::trust::TrustError;
use crate::trust::image::{ImageRule, Images};
use crate::trust::sigstore::{Claim, Keyless, PUBLIC, Proof, ReleaseKey, Signatory, Signer, Text};
use attestations::AttestationsText;
use images::ImageText;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A policy is a few pages.
const LIMIT: usize = 256 << 10;
/// The most signers that one rule may name.
const NAMES: usize = 16;

/// `policy.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping with `signers` and `rules`")]
pub(in crate::trust) struct Written {
    #[serde(default)]
    releases: Releases,
    /// The ARNs that KMS has for keys, and the keys' names (without `.pem`).
    #[serde(default)]
    kms: BTreeMap<String, String>,
    #[serde(default)]
    signers: BTreeMap<String, SignerText>,
    #[serde(default)]
    rules: Vec<RuleText>,
    #[serde(default)]
    images: Vec<ImageText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Releases {
    /// Names of keys (without `.pem`) whose bundles need neither a log entry nor a timestamp: what `cosign` writes for
    /// a KMS key without a transparency log. For realms without rules.
    #[serde(default)]
    unlogged: Vec<String>,
}

/// A text, or `{regex: PATTERN}`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, or `{regex: PATTERN}`")]
enum TextText {
    Exact(String),
    Pattern(PatternText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternText {
    regex: String,
}

/// A length of time in weeks, days, hours, minutes and seconds: `90d`, `12h`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Age(Duration);

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse = || format!("`{}` is no length of time such as 90d or 12h", text.escape_default());
        let span: jiff::Span = text.parse().map_err(|_| refuse())?;
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| refuse())?;
        Duration::try_from(duration).ok().filter(|age| !age.is_zero()).map(Self).ok_or_else(refuse)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerText {
    key: Option<String>,
    identity: Option<TextText>,
    issuer: Option<TextText>,
    #[serde(default)]
    claims: BTreeMap<String, TextText>,
    trusted_root: Option<String>,
    #[serde(default)]
    proof: Proof,
    logs: Option<usize>,
    max_age: Option<Age>,
    #[serde(default)]
    without_sct: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    applications: Vec<String>,
    channels: Vec<String>,
    signatures: Option<QuorumText>,
    #[serde(default)]
    attestations: AttestationsText,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a signer's name, or `all`, `any`, or `threshold` with `of`")]
enum MemberText {
    Signer(String),
    Quorum(QuorumText),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{all: [...]}`, `{any: [...]}`, or `{threshold: N, of: [...]}`")]
struct QuorumText {
    all: Option<Vec<MemberText>>,
    any: Option<Vec<MemberText>>,
    threshold: Option<usize>,
    of: Option<Vec<MemberText>>,
}

/// Reads `policy.yaml`; `file` names it in errors.
pub(in crate::trust) fn read(file: &str, text: &str) -> Result<Written, TrustError> {
    if text.len() > LIMIT {
        let problem = format!("it has {} bytes; {LIMIT} are read at most", text.len());
        return Err(TrustError::File { file: file.to_owned(), problem });
    }
    let refuse = |error: serde_yaml::Error| match error.location() {
        None => TrustError::File { file: file.to_owned(), problem: error.to_string() },
        Some(at) => {
            let excerpt = text.lines().nth(at.line().saturating_sub(1)).map(|line| line.chars().take(120).collect());
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let (line, column) = (number(at.line()), number(at.column()));
            let place = Place { file: file.to_owned(), line, column, excerpt };
            TrustError::Line { place, problem: error.to_string(), hint: None }
        }
    };
    // A mapping keeps the last of two equal keys silently; a value refuses them.
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(refuse)?;
    if value.is_null() {
        return Ok(Written::default());
    }
    serde_yaml::from_str(text).map_err(refuse)
}

impl Written {
    /// The names of keys that need no log where there are no rules.
    pub(in crate::trust) fn unlogged(&self) -> &[String] {
        &self.releases.unlogged
    }

    /// Keys by the ARNs that KMS has for them.
    pub(in crate::trust) fn kms(&self) -> &BTreeMap<String, String> {
        &self.kms
    }

    /// The policy of releases, `None` where the file has no rules, and that of images. `keys` and `roots` are what the
    /// realm has.
    pub(in crate::trust) fn policy(
        &self,
        keys: &[ReleaseKey],
        roots: &[&str],
    ) -> Result<(Option<Policy>, Images), String> {
        if self.rules.is_empty() && self.images.is_empty() {
            return match self.signers.keys().next() {
                Some(name) => Err(format!("signer `{name}` is named, and there are no rules")),
                None => Ok((None, Images::default())),
            };
        }
        if !self.releases.unlogged.is_empty() && !self.rules.is_empty() {
            return Err("`releases.unlogged` is for realms without rules: say `proof: none` of the signer".into());
        }
        let signer = |(name, text): (&String, &SignerText)| {
            let signer = text.signer(name, keys, roots).map_err(|problem| format!("signers.{name}: {problem}"))?;
            Ok((name.clone(), signer))
        };
        let signers: BTreeMap<String, Signer> = self.signers.iter().map(signer).collect::<Result<_, String>>()?;
        let rule = |(at, text): (usize, &RuleText)| {
            text.rule(&signers).map_err(|problem| format!("rules, number {}: {problem}", at + 1))
        };
        let rules: Vec<Rule> = self.rules.iter().enumerate().map(rule).collect::<Result<_, String>>()?;
        if let Some((dead, by)) = Policy::shadowed(&rules) {
            return Err(format!("rules, number {dead}: it never decides, because number {by} fits all that it fits"));
        }
        let image = |(at, text): (usize, &ImageText)| {
            text.rule(&signers).map_err(|problem| format!("images, number {}: {problem}", at + 1))
        };
        let images: Vec<ImageRule> = self.images.iter().enumerate().map(image).collect::<Result<_, String>>()?;
        let of_images = images.iter().flat_map(ImageRule::signers);
        let used: BTreeSet<&str> = rules.iter().flat_map(Rule::names).chain(of_images).collect();
        if let Some(idle) = signers.keys().find(|name| !used.contains(name.as_str())) {
            return Err(format!("signer `{idle}` is named by no rule"));
        }
        let images = Images { signers: signers.clone(), rules: images };
        Ok(((!rules.is_empty()).then_some(Policy { signers, rules }), images))
    }
}

impl Rule {
    /// Every signer that it names.
    fn names(&self) -> BTreeSet<&str> {
        let asked = &self.attestations;
        let lists = [
            asked.provenance.as_ref().map(|one| &one.signers),
            asked.vsa.as_ref().map(|one| &one.signers),
            asked.sbom.as_ref().map(|one| &one.signers),
            asked.vulnerabilities.as_ref().map(|one| &one.signers),
            asked.vulnerabilities.as_ref().map(|one| &one.vex),
        ];
        let attesters = lists.into_iter().flatten().flatten().map(String::as_str);
        self.signatures.iter().flat_map(Quorum::names).chain(attesters).collect()
    }
}

impl TextText {
    fn text(&self) -> Result<Text, String> {
        match self {
            Self::Exact(text) if text.is_empty() => Err("an empty text matches nobody".into()),
            Self::Exact(text) => Ok(Text::Exact(text.clone())),
            Self::Pattern(pattern) => Text::pattern(&pattern.regex),
        }
    }
}

impl SignerText {
    fn signer(&self, name: &str, keys: &[ReleaseKey], roots: &[&str]) -> Result<Signer, String> {
        let signatory = match (&self.key, &self.identity, &self.issuer) {
            (Some(key), None, None) => {
                if !self.claims.is_empty() || self.without_sct {
                    return Err("`claims` and `without_sct` are of certificates, and this signer is a key".into());
                }
                let found = keys.iter().find(|have| have.name == *key);
                Signatory::Key(found.ok_or_else(|| format!("keys/ has no `{key}.pem`"))?.clone())
            }
            (None, Some(identity), Some(issuer)) => Signatory::Keyless(self.keyless(identity, issuer)?),
            _ => return Err("a signer is known by `key`, or by `identity` and `issuer`".into()),
        };
        if self.proof == Proof::None && matches!(signatory, Signatory::Keyless(_)) {
            return Err("a certificate is judged at a proven time: `proof` must be `log` or `timestamp`".into());
        }
        if self.proof == Proof::None && self.max_age.is_some() {
            return Err("`max_age` needs a proven time, and `proof: none` has none".into());
        }
        let logs = self.logs.unwrap_or(1);
        if logs == 0 || self.logs.is_some() && self.proof != Proof::Log {
            return Err("`logs` is 1 or more, and needs `proof: log`".into());
        }
        if let Some(root) = self.trusted_root.as_deref().filter(|root| *root != PUBLIC && !roots.contains(root)) {
            return Err(format!("trusted_roots/ has no `{root}.json`"));
        }
        let (trusted_root, proof) = (self.trusted_root.clone(), self.proof);
        let max_age = self.max_age.map(|age| age.0);
        Ok(Signer { name: name.to_owned(), signatory, trusted_root, proof, logs, max_age })
    }

    fn keyless(&self, identity: &TextText, issuer: &TextText) -> Result<Keyless, String> {
        let claim = |(name, text): (&String, &TextText)| {
            let claim = Claim::named(name);
            let known =
                || format!("claim `{name}` is not known; there are {}", Claim::names().collect::<Vec<_>>().join(", "));
            Ok((claim.ok_or_else(known)?, text.text()?))
        };
        let claims = self.claims.iter().map(claim).collect::<Result<_, String>>()?;
        Ok(Keyless { identity: identity.text()?, issuer: issuer.text()?, claims, without_sct: self.without_sct })
    }
}

impl QuorumText {
    fn quorum(&self) -> Result<Quorum, String> {
        let (count, members) = match (&self.all, &self.any, self.threshold, &self.of) {
            (Some(all), None, None, None) => (all.len(), all),
            (None, Some(any), None, None) => (1, any),
            (None, None, Some(count), Some(of)) => (count, of),
            _ => return Err("signatures are `all: [...]`, `any: [...]`, or `threshold: N` with `of: [...]`".into()),
        };
        if count == 0 || count > members.len() {
            return Err(format!("{count} of {} signers can never be met", members.len()));
        }
        let members: Vec<Quorum> = members
            .iter()
            .map(|member| match member {
                MemberText::Signer(name) => Ok(Quorum::Signer(name.clone())),
                MemberText::Quorum(quorum) => quorum.quorum(),
            })
            .collect::<Result<_, String>>()?;
        let mut seen = BTreeSet::new();
        let twice = members.iter().find(|member| !seen.insert(member.to_string()));
        match twice {
            Some(member) => Err(format!("`{member}` is there twice")),
            None => Ok(Quorum::Threshold(count, members)),
        }
    }
}

impl RuleText {
    fn rule(&self, signers: &BTreeMap<String, Signer>) -> Result<Rule, String> {
        let rule = Rule {
            applications: self.applications.clone(),
            channels: self.channels.clone(),
            signatures: self.signatures.as_ref().map(QuorumText::quorum).transpose()?,
            attestations: self.attestations.read()?,
        };
        if rule.applications.is_empty() || rule.channels.is_empty() {
            return Err("it names no application or no channel".into());
        }
        let names = rule.names();
        if names.is_empty() {
            return Err("it demands nothing: `signatures` or `attestations` must name a signer".into());
        }
        if names.len() > NAMES {
            return Err(format!("it names {} signers; {NAMES} are judged at most", names.len()));
        }
        match names.iter().find(|name| !signers.contains_key(**name)) {
            Some(missing) => Err(format!("`signers` has no `{missing}`")),
            None => Ok(rule),
        }
    }
}

#[cfg(test)]
mod tests;
