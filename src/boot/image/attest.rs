//! `muster image attest`: signs the validation report of an image, or the run report of an instance of it.

use super::evidence::{ran, sound};
use super::key::Key;
use super::way::Way;
use super::{read, refused};
use crate::boot::BOOT;
use crate::cloud::{image, image_of_instance};
use crate::failure::{Failure, Stage};
use crate::journal::History;
use crate::settings::Sources;
use crate::trust::image::{
    Binary, ImageError, ImageFacts, ImageName, RunReport, Unsigned, ValidationReport, statement,
};
use jiff::Timestamp;
use std::path::PathBuf;

/// What is attested.
#[derive(Clone, Debug)]
pub enum Told {
    /// The validation report of the machine that the image was made of.
    Validation(PathBuf),
    /// The boot of an instance of the image: what `muster status --json` said there.
    Run(PathBuf),
    /// The last boot of this very instance.
    OwnRun,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Attesting {
    /// Where settings come from.
    pub sources: Sources,
    /// What is attested.
    pub told: Told,
    /// Of which images: each gets an attestation of its own. None for this instance's own run.
    pub images: Vec<ImageName>,
    /// The one that was built, where the others are copies of it.
    pub original: Option<ImageName>,
    /// The image that it was built from.
    pub source: Option<String>,
    /// The snapshots, where they are known already; of a single image.
    pub snapshots: Vec<String>,
    /// The profile that it must have been judged by.
    pub profile: Option<String>,
    /// Whether EC2 is not asked: what is given is signed as it is.
    pub offline: bool,
    /// A file, or an ARN of KMS.
    pub key: String,
}

/// What was signed.
#[derive(Clone, Debug)]
pub struct Attested {
    /// The images.
    pub images: Vec<ImageName>,
    /// The bundles, one a line.
    pub bundles: String,
}

/// Signs. Nothing is signed that would not be promoted for what it says itself.
pub fn attest(asked: &Attesting) -> Result<Attested, Failure> {
    let way = Way::open(&asked.sources)?;
    let statements = match &asked.told {
        Told::Validation(path) => validations(asked, &read(path)?, &way)?,
        Told::Run(path) => {
            let text = read(path)?;
            let value = serde_json::from_slice(&text).map_err(|error| {
                Failure::message(Stage::Usage, format!("read {}: it is no JSON: {error}", path.display()))
            })?;
            vec![run(asked, &value, &way)?]
        }
        Told::OwnRun => vec![own_run(&way)?],
    };
    let mut attested = Attested { images: Vec::new(), bundles: String::new() };
    let mut key = None;
    for (image, unsigned) in statements {
        let key = match &key {
            Some(key) => key,
            None => key.insert(Key::open(&asked.key, &image.region, &way)?),
        };
        attested.bundles.push_str(&key.sign(&unsigned, &way)?);
        attested.images.push(image);
    }
    Ok(attested)
}

fn validations(asked: &Attesting, text: &[u8], way: &Way) -> Result<Vec<(ImageName, Unsigned)>, Failure> {
    let mut statements = Vec::new();
    for name in &asked.images {
        let report = sound(name, text).map_err(refused)?;
        if let Some(other) = asked.profile.as_ref().filter(|profile| **profile != report.profile) {
            let why = format!("the report is of profile {}, and the build says {other}", report.profile);
            return Err(refused(ImageError::new("image/validation", name, why)));
        }
        let sha256 = report.binary.clone().unwrap_or_default();
        let predicate = ValidationReport {
            image: facts(asked, name, way)?,
            profile: report.profile.clone(),
            muster: Binary { version: report.muster.clone(), sha256 },
            attested: Timestamp::now(),
            report: serde_json::to_value(&report).unwrap_or_default(),
        };
        let unsigned = statement(name, &[("report.json", text)], ValidationReport::TYPE, &predicate);
        statements.push((name.clone(), unsigned));
    }
    Ok(statements)
}

/// What an image is made of: as it is told, and as EC2 has it.
fn facts(asked: &Attesting, name: &ImageName, way: &Way) -> Result<ImageFacts, Failure> {
    let refuse = |why: String| ImageError::new("image/registered", name, why);
    let mut facts = ImageFacts {
        region: name.region.clone(),
        ami: name.ami.clone(),
        snapshots: asked.snapshots.clone(),
        source: asked.source.clone().unwrap_or_default(),
        original: asked.original.clone().filter(|original| original != name),
    };
    if !asked.offline {
        let session = way.session(&name.region)?;
        let seen = way.ask(image(&session, &name.ami, way.deadline))?;
        if seen.state != "available" {
            return Err(refused(refuse(format!("EC2 calls it {}, and not available", seen.state))));
        }
        if !facts.snapshots.is_empty() && facts.snapshots != seen.snapshots {
            let (told, has) = (facts.snapshots.join(", "), seen.snapshots.join(", "));
            return Err(refused(refuse(format!("its snapshots are {has}, and {told} were given"))));
        }
        facts.snapshots = seen.snapshots;
        // An encrypted copy's source is the copy's own original: what the build says comes first.
        if facts.source.is_empty() {
            facts.source = seen.source.unwrap_or_default();
        }
    }
    match facts.are_named() {
        true => Ok(facts),
        false => Err(refused(
            refuse("its snapshots or the image that it was built from are not known".into())
                .hint("give --snapshot and --source-ami, or Packer's manifest with --manifest"),
        )),
    }
}

/// A run that was told by somebody: EC2 says of which image the instance is.
fn run(asked: &Attesting, record: &serde_json::Value, way: &Way) -> Result<(ImageName, Unsigned), Failure> {
    let [name] = &asked.images[..] else {
        return Err(Failure::message(Stage::Usage, "a run is of an instance of one image: name it with --image"));
    };
    let (record, instance) = ran(&name.to_string(), record).map_err(refused)?;
    if !asked.offline {
        let session = way.session(&name.region)?;
        let of = way.ask(image_of_instance(&session, &instance, way.deadline))?;
        if of != name.ami {
            let why = format!("{instance} is an instance of {of}");
            return Err(refused(ImageError::new("image/run", name, why)));
        }
    }
    Ok(run_statement(name.clone(), instance, record))
}

/// The last boot of this instance, as its own state and its metadata have it.
fn own_run(way: &Way) -> Result<(ImageName, Unsigned), Failure> {
    let history = History::open(&way.state());
    let ids = history.ids().map_err(Failure::from)?;
    let record = ids.iter().rev().filter_map(|id| history.read(id).ok()).find(|record| record.command == BOOT);
    let record = record.ok_or_else(|| refused(ImageError::new("image/run", "this host", "it has not booted yet")))?;
    let identity = way.identity()?;
    let name = ImageName { region: identity.region, ami: identity.image_id };
    let value = serde_json::to_value(&record).unwrap_or_default();
    let (record, instance) = ran(&name.to_string(), &value).map_err(refused)?;
    if instance != identity.instance_id {
        let why = format!("its last boot was {instance}'s, and this is {}", identity.instance_id);
        return Err(refused(ImageError::new("image/run", &name, why)));
    }
    Ok(run_statement(name, instance, record))
}

fn run_statement(name: ImageName, instance: String, run: serde_json::Value) -> (ImageName, Unsigned) {
    let predicate = RunReport { image: name.clone(), instance, attested: Timestamp::now(), run };
    let unsigned = statement(&name, &[], RunReport::TYPE, &predicate);
    (name, unsigned)
}
