//! The judgement: bundles and a subject against a rule.

use super::error::{Attempt, PolicyError};
use super::objection::Objection;
use super::{Attestations, Policy, Rule, provenance, sbom, vex, vsa, vulnerabilities};
use crate::trust::sigstore::{Document, Evidence, Judge, Subject};
use std::collections::BTreeMap;

/// What cosign says of an image that it signs.
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// For what a policy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The application.
    pub application: &'a str,
    /// The channel.
    pub channel: &'a str,
}

/// What was found, where a policy is met.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The rule's number, from 1.
    pub rule: usize,
    /// Whom it demands, as text; empty where it demands none.
    pub quorum: String,
    /// The subject's SHA-256, in hexadecimal.
    pub sha256: String,
    /// Who signed, as the rule counts them.
    pub signatures: Vec<Evidence>,
    /// What was attested, by its kind.
    pub attestations: Vec<(&'static str, Evidence)>,
}

/// The bundles and the judge, while a rule is being decided.
struct Hearing<'a> {
    policy: &'a Policy,
    judge: &'a Judge<'a>,
    documents: &'a [Document],
    subject: &'a Subject,
    rule: usize,
}

impl Policy {
    /// Judges both signatures and attestations over one subject.
    pub(in crate::trust) fn approve(
        &self,
        judge: &Judge<'_>,
        documents: &[Document],
        subject: &Subject,
        asked: &Asked<'_>,
    ) -> Result<Approved, PolicyError> {
        let (number, rule) = self.rule(asked)?;
        let hearing = Hearing { policy: self, judge, documents, subject, rule: number };
        let signatures = hearing.signatures(rule)?;
        let attestations = hearing.attestations(&rule.attestations, asked)?;
        let quorum = rule.signatures.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok(Approved { rule: number, quorum, sha256: subject.hex(), signatures, attestations })
    }
}

impl Policy {
    /// Judges the signatures alone; that there are none is an error.
    pub(in crate::trust) fn signed(
        &self,
        judge: &Judge<'_>,
        documents: &[Document],
        subject: &Subject,
        asked: &Asked<'_>,
    ) -> Result<Vec<Evidence>, PolicyError> {
        let (number, rule) = self.rule(asked)?;
        if rule.signatures.is_none() {
            return Err(PolicyError::NoSignatures { rule: number });
        }
        Hearing { policy: self, judge, documents, subject, rule: number }.signatures(rule)
    }

    /// Judges the attestations alone.
    pub(in crate::trust) fn attested(
        &self,
        judge: &Judge<'_>,
        documents: &[Document],
        subject: &Subject,
        asked: &Asked<'_>,
    ) -> Result<Vec<(&'static str, Evidence)>, PolicyError> {
        let (number, rule) = self.rule(asked)?;
        Hearing { policy: self, judge, documents, subject, rule: number }.attestations(&rule.attestations, asked)
    }
}

impl Hearing<'_> {
    /// Who signed, as the rule counts them; nobody where it demands none.
    fn signatures(&self, rule: &Rule) -> Result<Vec<Evidence>, PolicyError> {
        let Some(quorum) = &rule.signatures else { return Ok(Vec::new()) };
        let (mut found, mut tried) = (Vec::new(), Vec::new());
        let signs = |document: &&Document| document.statement().is_none_or(|said| said.predicate_type == SIGN);
        for name in quorum.names() {
            let (more, failed) = self.by(name, &signs);
            found.extend(more);
            tried.extend(failed);
        }
        let mut signed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for evidence in &found {
            let actors = signed.entry(evidence.signer.clone()).or_default();
            if !actors.contains(&evidence.actor()) {
                actors.push(evidence.actor());
            }
        }
        let undecided = |()| PolicyError::Undecided { rule: self.rule };
        let Some(counted) = quorum.met(&signed).map_err(undecided)? else {
            let have = signed.into_keys().collect();
            return Err(PolicyError::Quorum { rule: self.rule, wanted: quorum.to_string(), have, tried });
        };
        let counts = |one: &Evidence| counted.iter().any(|(name, actor)| *name == one.signer && *actor == one.actor());
        Ok(found.into_iter().filter(counts).collect())
    }

    /// Every bundle of a sort that verifies as signed by this signer, and why the others do not.
    fn by(&self, name: &str, sort: &dyn Fn(&&Document) -> bool) -> (Vec<Evidence>, Vec<Attempt>) {
        let (mut found, mut tried) = (Vec::new(), Vec::new());
        // A policy is read only where every name is a signer's.
        let Some(signer) = self.policy.signers.get(name) else { return (found, tried) };
        for document in self.documents.iter().filter(sort) {
            match self.judge.judge(document, self.subject, signer) {
                Ok(evidence) => found.push(evidence),
                Err(error) => {
                    let (signer, bundle) = (name.to_owned(), document.sha256.clone());
                    tried.push(Attempt { signer, bundle, error });
                }
            }
        }
        (found, tried)
    }

    /// Every attestation of these types by one of these signers. None at all is an error.
    fn attestations_by(
        &self,
        kind: &'static str,
        signers: &[String],
        fits: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Evidence>, PolicyError> {
        let (mut found, mut tried) = (Vec::new(), Vec::new());
        let sort = |document: &&Document| document.statement().is_some_and(|said| fits(&said.predicate_type));
        for name in signers {
            let (more, failed) = self.by(name, &sort);
            found.extend(more);
            tried.extend(failed);
        }
        match found.is_empty() {
            true => Err(PolicyError::Missing { rule: self.rule, kind, signers: signers.to_vec(), tried }),
            false => Ok(found),
        }
    }

    fn attestations(
        &self,
        wanted: &Attestations,
        asked: &Asked<'_>,
    ) -> Result<Vec<(&'static str, Evidence)>, PolicyError> {
        let mut found = Vec::new();
        if let Some(wanted) = &wanted.provenance {
            let all = self.attestations_by("SLSA provenance", &wanted.signers, &|kind| wanted.takes(kind))?;
            found.push(("SLSA provenance", first(all, "SLSA provenance", |one| provenance::object(wanted, one))?));
        }
        if let Some(wanted) = &wanted.vsa {
            let kind = "verification summary";
            let all = self.attestations_by(kind, &wanted.signers, &|kind| kind == vsa::PREDICATE)?;
            found.push((kind, first(all, kind, |one| vsa::object(wanted, one, asked, self.judge.now))?));
        }
        if let Some(wanted) = &wanted.sbom {
            let all = self.attestations_by("SBOM", &wanted.signers, &|kind| sbom::format(kind).is_some())?;
            found.push(("SBOM", first(all, "SBOM", |one| sbom::object(wanted, one))?));
        }
        if let Some(wanted) = &wanted.vulnerabilities {
            let kind = "vulnerability scan";
            let all = self.attestations_by(kind, &wanted.signers, &vulnerabilities::takes)?;
            let excused = match &wanted.vex[..] {
                [] => Vec::new(),
                // There need not be any.
                signers => self.attestations_by("VEX", signers, &vex::takes).unwrap_or_default(),
            };
            let newest =
                vulnerabilities::newest(all).map_err(|(bundle, objection)| rejected(kind, bundle, objection))?;
            let refuse = |objection| rejected(kind, newest.bundle.clone(), objection);
            vulnerabilities::object(wanted, &newest, &excused, self.subject, self.judge.now).map_err(refuse)?;
            found.push((kind, newest));
        }
        Ok(found)
    }
}

fn rejected(kind: &'static str, bundle: String, objection: Objection) -> PolicyError {
    PolicyError::Attestation { kind, bundle, objection }
}

/// The first that there is no objection to; else what is wrong with the first.
fn first(
    all: Vec<Evidence>,
    kind: &'static str,
    object: impl Fn(&Evidence) -> Result<(), Objection>,
) -> Result<Evidence, PolicyError> {
    let mut refused = None;
    for one in all {
        match object(&one) {
            Ok(()) => return Ok(one),
            Err(objection) => {
                refused.get_or_insert((one.bundle.clone(), objection));
            }
        }
    }
    let (bundle, objection) = refused.unwrap_or((String::new(), Objection::Malformed("there is none".into())));
    Err(rejected(kind, bundle, objection))
}
