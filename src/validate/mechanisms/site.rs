//! `site`: what the site has chosen, for controls that speak of one choice only.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::site::{Firewall, Logging};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::fmt::Debug;

/// What the site has to have chosen. What is not named is not asked.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    firewall: Option<Firewall>,
    logging: Option<Logging>,
}

impl Mechanism for Choice {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let mut finding = Finding::new();
        let site = machine.site();
        chosen(&mut finding, "firewall", self.firewall, site.firewall);
        chosen(&mut finding, "logging", self.logging, site.logging);
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec!["the profile's site".into()]
    }

    fn expects(&self) -> String {
        format!("the site has {}", self.firewall.map_or(word(&self.logging), |firewall| word(&firewall)))
    }
}

fn word(choice: &impl Debug) -> String {
    format!("{choice:?}").to_lowercase()
}

fn chosen<T: Debug + PartialEq>(finding: &mut Finding, name: &str, wanted: Option<T>, has: Option<T>) {
    match (wanted, has) {
        (None, _) => {}
        (Some(wanted), Some(has)) => {
            let at = At::file("the profile's site");
            finding.fact(Aspect::Stored, has == wanted, &at, format!("{name}: {}", word(&has)), word(&wanted));
        }
        (Some(_), None) => {
            let unseen = Unseen::new("the profile's site", format!("does not say which {name} there is"));
            finding.could_not_look(Aspect::Stored, &unseen);
        }
    }
}
