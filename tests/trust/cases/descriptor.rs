//! A release descriptor that is a target of the update repository, signed by who may, and about something else.

use super::edit::{Edit, alter};
use super::{Outcome, told};
use crate::repository::{Repository, now};
use muster::host::Attributes;
use muster::release::{Descriptor, Layout, Order};
use muster::trust::Verified;
use muster::trust::tuf::{Client, Store};
use serde::Deserialize;
use serde_json::{Value, json};
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

const PATH: &str = "stable/shop/release.json";

fn benign() -> Value {
    json!({
        "schema": "muster.release/1", "application": "shop", "channel": "stable", "environment": "prod",
        "version": "1.5.0", "config_commit": "0123456789012345678901234567890123456789",
        "artifacts": [{"os": "linux", "architecture": "amd64", "path": "shop", "sha256": "ab".repeat(32), "size": 7,
                       "attestations": [{"path": "shop.sigstore.json", "sha256": "cd".repeat(32), "size": 9}]}],
    })
}

/// A host of production that runs the shop, on amd64.
fn order() -> Order {
    Order {
        app: "shop".into(),
        component: None,
        channel: "stable".into(),
        os: "linux".into(),
        arch: "amd64".into(),
        target: Some("{channel}/{app}/release.json".into()),
        environment: Some("prod".into()),
        parameter: String::new(),
        bucket: String::new(),
        registry: None,
        region: None,
        descriptor_key: String::new(),
        bundle_key: String::new(),
        artifact_key: "{app}/{path}".into(),
        layout: Layout::default(),
        destination: "/usr/local/bin/shop".into(),
        attributes: Attributes::default(),
        limit: 1 << 30,
        records: "/var/lib/muster/releases".into(),
        restart: None,
        unpack: None,
    }
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
        let judge = |text: &str| told(Descriptor::of_target(&signed(text), &order(), PATH));
        let mut bad = benign();
        alter(&mut bad, &self.edit, &benign);
        let bad = bad.to_string().replacen('{', &format!("{{{}", self.first), 1);
        Outcome { twin: judge(&benign().to_string()), attack: judge(&bad) }
    }
}
