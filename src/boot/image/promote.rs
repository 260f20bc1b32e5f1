//! `muster image promote`: gives images a name in a channel, once all that the realm demands of them is there. Every image
//! is judged before the first parameter is written.

use super::evidence::{ran, sound};
use super::publish::{Published, publish};
use super::way::Way;
use super::{read, refused};
use crate::cloud::{image, patch_state};
use crate::failure::{Failure, Stage};
use crate::settings::Sources;
use crate::trust::bundle::BundlePolicy;
use crate::trust::image::{
    ImageError, ImageFacts, ImageName, ImageRule, RunReport, Said, ValidationReport, judge, judge_scans,
};
use crate::trust::{TrustRoot, Untrusted, Verified};
use jiff::Timestamp;
use std::path::PathBuf;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Promoting {
    /// Where settings come from.
    pub sources: Sources,
    /// The realm, where it is not the settings'.
    pub realm: Option<String>,
    /// What is believed; `None` is this binary's own trust root.
    pub trust: Option<TrustRoot>,
    /// As rules call such images.
    pub name: String,
    /// As rules call it.
    pub channel: String,
    /// Where the parameters are: `PREFIX/NAME/CHANNEL`.
    pub prefix: String,
    /// The image of each region.
    pub images: Vec<ImageName>,
    /// Files of bundles.
    pub bundles: Vec<PathBuf>,
    /// Reports of scanners.
    pub scans: Vec<PathBuf>,
    /// Whether nothing is written.
    pub check: bool,
}

/// What was found and done.
#[derive(Clone, Debug, Default)]
pub struct Promoted {
    /// What was found about each image.
    pub found: Vec<(ImageName, Vec<String>)>,
    /// What was written; empty where nothing was to be.
    pub published: Vec<Published>,
}

/// What is judged by.
struct Court<'a> {
    policy: &'a BundlePolicy,
    rule: &'a ImageRule,
    bundles: Vec<Untrusted<Vec<u8>>>,
    scans: Vec<Untrusted<Vec<u8>>>,
    way: &'a Way,
    now: Timestamp,
}

/// Judges, then publishes.
pub fn promote(asked: &Promoting) -> Result<Promoted, Failure> {
    let way = Way::open(&asked.sources)?;
    let untrusted = |error| Failure::new(Stage::Verify, error);
    let root = asked.trust.clone().map_or_else(TrustRoot::load, Ok).map_err(untrusted)?;
    let named = asked.realm.as_deref().or_else(|| way.early.trust.realm.as_ref().map(|name| name.as_str()));
    let realm = root.realm(named).map_err(untrusted)?;
    let (number, rule) = realm.releases.images.rule(&asked.name, &asked.channel).map_err(refused)?;
    let all = |paths: &[PathBuf]| -> Result<Vec<Untrusted<Vec<u8>>>, Failure> {
        paths.iter().map(|path| read(path).map(Untrusted::new)).collect()
    };
    let (bundles, scans) = (all(&asked.bundles)?, all(&asked.scans)?);
    let court = Court { policy: &realm.releases, rule, bundles, scans, way: &way, now: Timestamp::now() };
    let mut promoted = Promoted::default();
    for name in &asked.images {
        let mut found = vec![format!("rule {number} of images in policy.yaml, realm {}", realm.name)];
        court.hear(name, &mut found)?;
        promoted.found.push((name.clone(), found));
    }
    if !asked.check {
        promoted.published = publish(asked, &way)?;
    }
    Ok(promoted)
}

impl Court<'_> {
    fn hear(&self, name: &ImageName, found: &mut Vec<String>) -> Result<(), Failure> {
        let facts = self.validated(name, found)?;
        self.registered(&facts)?;
        // A copy is the same bytes: its rule may let what was found of the original stand for it.
        let stands = match facts.original.as_ref().filter(|_| self.rule.copies) {
            Some(original) => {
                found.push(format!("a copy of {original}, whose run, scan and patches stand for it"));
                let facts = self.validated(original, &mut Vec::new())?;
                self.registered(&facts)?;
                facts
            }
            None => facts,
        };
        let instance = self.ran(&stands.name(), found)?;
        self.patched(&stands.name(), instance.as_deref(), found)?;
        match judge_scans(&stands, &self.scans, self.rule, self.now).map_err(refused)? {
            Some(told) => found.push(told),
            None => found.push("no scan for vulnerabilities is demanded".into()),
        }
        Ok(())
    }

    /// The signed validation, by a profile of the rule's, and a pass.
    fn validated(&self, name: &ImageName, found: &mut Vec<String>) -> Result<ImageFacts, Failure> {
        let said = judge::<ValidationReport>(name, &self.bundles, self.policy, self.rule, self.now);
        let refuse = |why: String| refused(ImageError::new("image/validation", name, why));
        let said: Verified<Said<ValidationReport>> =
            said.map_err(refused)?.ok_or_else(|| refuse("the rule demands no validation".into()))?;
        let Said { predicate, evidence } = said.into_inner();
        let report = sound(name, predicate.report.to_string().as_bytes()).map_err(refused)?;
        let profiles = &self.rule.validation.profiles;
        if report.profile != predicate.profile || !profiles.contains(&report.profile) {
            let wanted = profiles.join(" or ");
            return Err(refuse(format!("it was judged by profile {}, and {wanted} is wanted", report.profile)));
        }
        if report.binary.as_deref() != Some(predicate.muster.sha256.as_str()) {
            return Err(refuse("the statement and the report in it name two different programs".into()));
        }
        let (counts, waived) = (report.summary, report.summary.waived);
        found.push(format!(
            "{}: {} passed, {} do not apply, {waived} waived; signed by {}",
            report.profile, counts.pass, counts.not_applicable, evidence.signer
        ));
        Ok(predicate.image)
    }

    /// What was attested is what EC2 has, and can be launched.
    fn registered(&self, facts: &ImageFacts) -> Result<(), Failure> {
        let session = self.way.session(&facts.region)?;
        let seen = self.way.ask(image(&session, &facts.ami, self.way.deadline))?;
        let refuse = |why: String| Err(refused(ImageError::new("image/registered", facts.name(), why)));
        match (seen.state.as_str(), seen.snapshots == facts.snapshots) {
            ("available", true) => Ok(()),
            ("available", false) => {
                let (has, told) = (seen.snapshots.join(", "), facts.snapshots.join(", "));
                refuse(format!("its snapshots are {has}, and {told} were attested"))
            }
            (other, _) => refuse(format!("EC2 calls it {other}, and not available")),
        }
    }

    /// The signed run of an instance of that very image; the instance.
    fn ran(&self, name: &ImageName, found: &mut Vec<String>) -> Result<Option<String>, Failure> {
        let said = judge::<RunReport>(name, &self.bundles, self.policy, self.rule, self.now).map_err(refused)?;
        let Some(said) = said else {
            found.push("no run is demanded".into());
            return Ok(None);
        };
        let Said { predicate, evidence } = said.into_inner();
        let (_, instance) = ran(&name.to_string(), &predicate.run).map_err(refused)?;
        if instance != predicate.instance {
            let why = format!("the statement is about {}, and the run in it about {instance}", predicate.instance);
            return Err(refused(ImageError::new("image/run", name, why)));
        }
        found.push(format!("{instance} booted from {} and is in order; signed by {}", name.ami, evidence.signer));
        Ok(Some(instance))
    }

    fn patched(&self, name: &ImageName, instance: Option<&str>, found: &mut Vec<String>) -> Result<(), Failure> {
        let Some(wanted) = self.rule.patches else {
            found.push("no patch compliance is demanded".into());
            return Ok(());
        };
        let refuse = |why: String| refused(ImageError::new("image/patches", name, why));
        let Some(instance) = instance else {
            return Err(refuse("patch compliance is an instance's, and the rule demands no run of one".into()));
        };
        let session = self.way.session(&name.region)?;
        let state = self.way.ask(patch_state(&session, instance, self.way.deadline))?;
        let state = state.ok_or_else(|| {
            let failure = refuse(format!("Patch Manager has never looked at {instance}"));
            failure.with_hint("run AWS-RunPatchBaseline with Operation Scan on it, while it is there")
        })?;
        let age = self.now.duration_since(state.ended);
        if jiff::SignedDuration::try_from(wanted.max_age).is_ok_and(|limit| age > limit) {
            return Err(refuse(format!("Patch Manager looked at {instance} last at {}", state.ended)));
        }
        if !state.open.is_empty() {
            let open: Vec<String> = state.open.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let why = format!("{instance} does not comply with baseline {}: {}", state.baseline, open.join(", "));
            return Err(refuse(why));
        }
        found.push(format!("patches: {instance} complies with {}, looked at {:.0}", state.baseline, state.ended));
        Ok(())
    }
}
