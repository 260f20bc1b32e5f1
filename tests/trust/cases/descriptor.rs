//! A release descriptor that is a target of the update repository, signed by who may, and about something else.

use super::edit::{Edit, alter};
use super::{Outcome, explained};
use crate::descriptor::{PATH, benign, order};
use crate::repository::{Repository, now};
use muster::release::Descriptor;
use muster::trust::Verified;
use muster::trust::tuf::{Client, Store};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(default)]
    edit: Vec<Edit>,
    /// Text before what comes after its first bracket.
    #[serde(default)]
    first: String,
}

/// The descriptor as a host without a floor gets it.
fn signed(text: &str) -> Verified<Vec<u8>> {
    let mut repository = Repository::new();
    repository.add("shop", PATH, text.as_bytes());
    repository.next(&["shop"]);
    let server = Arc::new(repository.server.clone());
    let mut client = Client::without_floor(&repository.anchor, server, Store::default()).expect("a client");
    client.refresh(now()).expect("refreshed");
    client.document(PATH, 1 << 20, now()).expect("the target")
}

impl Case {
    pub fn run(&self) -> Outcome {
        let judge = |text: &str| explained(Descriptor::of_target(&signed(text), &order(), PATH));
        let mut bad = benign();
        alter(&mut bad, &self.edit, &benign);
        let bad = bad.to_string().replacen('{', &format!("{{{}", self.first), 1);
        Outcome { twin: judge(&benign().to_string()), attack: judge(&bad) }
    }
}
