//! How a verdict is told: as text, with the chain where it is asked for, and as one JSON document.

use crate::boot::Looked;
use crate::failure::Failure;
use crate::release::Judged;
use crate::trust::Commit;
use crate::trust::policy::{Approved, Asked};
use crate::trust::sigstore::{Evidence, Who};
use serde_json::{Value, json};
use std::fmt::Write;

/// A verdict that something would be believed.
pub(super) struct Verdict {
    what: String,
    /// Where the trust comes from.
    root: String,
    /// A line a reason.
    reasons: Vec<String>,
    /// A line a link, from what is embedded to the bytes.
    chain: Vec<String>,
    document: Value,
}

impl Verdict {
    pub(super) fn approved(what: &str, root: String, asked: &Asked<'_>, approved: Approved) -> Self {
        let rule = rule(Some(approved.rule), asked);
        let document = json!({
            "sha256": approved.sha256, "rule": approved.rule,
            "signatures": approved.signatures.iter().map(evidence).collect::<Vec<_>>(),
            "attestations": approved.attestations.iter().map(attestation).collect::<Vec<_>>(),
        });
        let mut verdict =
            Self { what: what.to_owned(), root, reasons: vec![rule.clone()], chain: vec![rule], document };
        verdict.signed(&approved.signatures);
        verdict.attested(&approved.attestations);
        verdict
    }

    pub(super) fn judged(what: &str, root: String, asked: &Asked<'_>, judged: Judged) -> Self {
        let rule = rule(judged.rule, asked);
        let document = json!({
            "version": judged.version, "release_id": judged.release_id, "artifacts": judged.artifacts, "rule": judged.rule,
            "signatures": judged.signatures.iter().map(evidence).collect::<Vec<_>>(),
            "attestations": judged.attestations.iter().map(attestation).collect::<Vec<_>>(),
        });
        let mut verdict =
            Self { what: what.to_owned(), root, reasons: vec![rule.clone()], chain: vec![rule], document };
        verdict.signed(&judged.signatures);
        for artifact in &judged.artifacts {
            verdict.reasons.push(format!("names artifact sha256 {artifact}"));
            verdict.chain.push(format!("the descriptor names artifact sha256 {artifact}"));
        }
        verdict.attested(&judged.attestations);
        verdict
    }

    pub(super) fn commit(root: String, commit: &Commit) -> Self {
        let by = format!("signed by {} ({})", commit.principal, commit.fingerprint);
        let tag = commit.tag.as_ref().map(|tag| format!("tag {tag} carries the signature"));
        let reasons = [Some(by), tag].into_iter().flatten().collect::<Vec<_>>();
        let chain = vec![format!("signer {} of allowed_signers", commit.principal), format!("tree {}", commit.tree)];
        Self { what: format!("commit {}", commit.id), root, reasons, chain, document: json!(commit) }
    }

    pub(super) fn repository(looked: &Looked) -> Self {
        let root = format!("realm {}, {}", looked.realm, looked.source);
        let floor = looked.floor.as_ref().map(|(least, baked)| {
            let (timestamp, targets) = (least.timestamp, least.targets);
            format!("above the floor of {baked}: timestamp {timestamp}, snapshot {}, targets {targets}", least.snapshot)
        });
        let now = looked.versions;
        let versions = format!(
            "root {}, timestamp {}, snapshot {}, targets {}",
            now.root, now.timestamp, now.snapshot, now.targets
        );
        let known =
            looked.targets.iter().map(|one| format!("{}: {} bytes, sha256 {}", one.path, one.length, one.sha256));
        let reasons = std::iter::once(versions).chain(floor.clone()).chain(known).collect();
        let links = looked.targets.iter().flat_map(|one| one.chain.iter().cloned());
        let chain = looked.chain.iter().cloned().chain(floor).chain(links).collect();
        let floor = looked.floor.as_ref().map(|(versions, baked)| json!({"versions": versions, "baked": baked}));
        let document =
            json!({"realm": looked.realm, "versions": looked.versions, "floor": floor, "targets": looked.targets});
        Self { what: format!("update repository {}", looked.repository), root, reasons, chain, document }
    }

    fn signed(&mut self, signatures: &[Evidence]) {
        for one in signatures {
            self.reasons.push(format!("signed by {}: {}", one.signer, one.who));
            self.chain.extend(one.chain.iter().map(|link| format!("{}: {link}", one.signer)));
        }
    }

    fn attested(&mut self, attestations: &[(&'static str, Evidence)]) {
        for (kind, one) in attestations {
            self.reasons.push(format!("{kind} by {}: {}", one.signer, one.who));
            self.chain.extend(one.chain.iter().map(|link| format!("{kind}: {link}")));
        }
    }

    pub(super) fn text(&self, explain: bool) -> String {
        let mut text = format!("pass  {}\n", self.what);
        for reason in &self.reasons {
            let _ = writeln!(text, "      {reason}");
        }
        if explain {
            let _ = writeln!(text, "chain\n      {}", self.root);
            for link in &self.chain {
                let _ = writeln!(text, "      -> {link}");
            }
        }
        text
    }

    pub(super) fn document(&self) -> String {
        let mut document = json!({
            "verdict": "pass", "what": self.what, "trust": self.root, "reasons": self.reasons, "chain": self.chain,
        });
        if let (Some(all), Some(own)) = (document.as_object_mut(), self.document.as_object()) {
            all.extend(own.clone());
        }
        format!("{document:#}\n")
    }

    /// A refusal, as the same kind of document.
    pub(super) fn refusal(failure: &Failure) -> String {
        let document = json!({
            "verdict": "fail", "stage": failure.stage.name(), "reasons": [failure.reason()], "rule": failure.rule,
            "hint": failure.hint,
        });
        format!("{document:#}\n")
    }
}

fn rule(number: Option<usize>, asked: &Asked<'_>) -> String {
    match number {
        Some(number) => {
            format!("rule {number} of policy.yaml, for application {} in channel {}", asked.application, asked.channel)
        }
        None => "the realm's keys, which no policy narrows".into(),
    }
}

fn evidence(one: &Evidence) -> Value {
    let who = match &one.who {
        Who::Key { name, fingerprint } => json!({"key": name, "fingerprint": fingerprint}),
        Who::Identity { identity, issuer } => json!({"identity": identity, "issuer": issuer}),
    };
    json!({
        "signer": one.signer, "who": who, "signed_at": one.signed_at, "bundle": one.bundle,
        "logs": one.logs.iter().map(|(log, index)| json!({"log": log, "index": index})).collect::<Vec<_>>(),
        "timestamps": one.timestamps, "chain": one.chain,
    })
}

fn attestation((kind, one): &(&'static str, Evidence)) -> Value {
    let mut document = evidence(one);
    document["kind"] = json!(kind);
    document["predicate_type"] = json!(one.statement.as_ref().map(|said| &said.predicate_type));
    document
}
