//! A report: every control's verdict with its evidence, in a schema that stays.

use super::control::{Control, FixedBy};
use super::drift::Drift;
use super::judge::Judged;
use super::profile::Profile;
use super::system::System;
use super::verdict::{Aspect, Evidence, State, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The schema's name. What is added keeps it; what changes its meaning does not.
pub const SCHEMA: &str = "muster.validation/1";

/// What was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The directory, `/` for the running system.
    pub root: String,
    /// Whether it is a running system.
    pub running: bool,
    /// What it holds.
    pub system: System,
}

/// One control's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The control's id.
    pub id: String,
    /// Its level.
    pub level: u8,
    /// Its title.
    pub title: String,
    /// Its area.
    pub area: String,
    /// The result, and its reason where it is neither pass nor fail.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How each fact stands.
    pub facts: Facts,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// The waiver that excuses it, or did until it expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waived>,
    /// Tasks that bring it about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_by: Vec<FixedBy>,
}

/// The three facts of a control; absent where the control does not ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What the files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<State>,
    /// What the running system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<State>,
    /// What the next start will make of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboot: Option<State>,
}

impl Facts {
    fn of(evidence: &[Evidence]) -> Self {
        let fact = |aspect: Aspect| {
            let states: Vec<State> = evidence.iter().filter(|one| one.aspect == aspect).map(|one| one.state).collect();
            [State::Broken, State::NotLooked, State::Holds].into_iter().find(|state| states.contains(state))
        };
        Self { stored: fact(Aspect::Stored), live: fact(Aspect::Live), reboot: fact(Aspect::Reboot) }
    }
}

impl Judgement {
    /// What reports call it: a control that is excused is `waived`, and never a pass.
    pub fn standing(&self) -> &'static str {
        match &self.waiver {
            Some(waiver) if !waiver.expired => "waived",
            _ => self.verdict.name(),
        }
    }

    /// A control and what it came to.
    pub fn of(control: &Control, judged: Judged) -> Self {
        Self {
            id: control.id.clone(),
            level: control.level,
            title: control.title.clone(),
            area: control.area.clone(),
            verdict: judged.verdict,
            facts: Facts::of(&judged.evidence),
            evidence: judged.evidence,
            waiver: None,
            fixed_by: control.fixed_by.clone(),
        }
    }
}

/// Who excused a control, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day.
    pub expires: jiff::civil::Date,
    /// Whether that day is over: the control then fails as if there were no waiver.
    pub expired: bool,
}

/// How many controls came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Passed.
    pub pass: usize,
    /// Failed, and nobody excused it.
    pub fail: usize,
    /// Did not apply.
    pub not_applicable: usize,
    /// Could not be looked at, and nobody excused it.
    pub could_not_look: usize,
    /// Failed or could not be looked at, and is excused.
    pub waived: usize,
    /// Of the failures, those whose waiver has expired.
    pub expired: usize,
}

/// A whole report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// muster's version.
    pub muster: String,
    /// SHA-256 of the program that judged, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// Whether only controls that were named were judged: such a report says nothing of the whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The profile's name.
    pub profile: String,
    /// Its title.
    pub title: String,
    /// Its benchmarks.
    pub benchmarks: Vec<String>,
    /// What was judged.
    pub subject: Subject,
    /// When.
    pub started: jiff::Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How many came to what.
    pub summary: Summary,
    /// What became of controls since another report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Controls that the profile leaves out, each with its reason.
    pub without: BTreeMap<String, String>,
    /// Every control, in the profile's order.
    pub results: Vec<Judgement>,
}

impl Report {
    /// Counts results into a report.
    pub fn new(
        profile: &Profile,
        subject: Subject,
        started: jiff::Timestamp,
        took: Duration,
        results: Vec<Judgement>,
    ) -> Self {
        let mut report = Self {
            schema: SCHEMA.into(),
            muster: env!("CARGO_PKG_VERSION").into(),
            binary: None,
            partial: false,
            profile: profile.name.clone(),
            title: profile.title.clone(),
            benchmarks: profile.versions.clone(),
            subject,
            started,
            seconds: took.as_secs_f64(),
            summary: Summary::default(),
            drift: None,
            without: profile.without.clone(),
            results,
        };
        report.count();
        report
    }

    /// Counts the results anew.
    pub fn count(&mut self) {
        let mut summary = Summary::default();
        for result in &self.results {
            let expired = result.waiver.as_ref().map(|waiver| waiver.expired);
            *match (&result.verdict, expired) {
                (Verdict::Fail | Verdict::CouldNotLook { .. }, Some(false)) => &mut summary.waived,
                (Verdict::Pass, _) => &mut summary.pass,
                (Verdict::Fail, _) => &mut summary.fail,
                (Verdict::NotApplicable { .. }, _) => &mut summary.not_applicable,
                (Verdict::CouldNotLook { .. }, _) => &mut summary.could_not_look,
            } += 1;
            summary.expired += usize::from(expired == Some(true));
        }
        self.summary = summary;
    }
}
