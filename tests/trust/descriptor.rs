//! A release descriptor that is a target of the update repository, and the host that asks for it: what attacks and the fuzzer
//! begin with.

use muster::host::Attributes;
use muster::release::{Layout, Order};
use serde_json::{Value, json};

/// Its path in the repository.
pub const PATH: &str = "stable/shop/release.json";

/// What it says.
pub fn benign() -> Value {
    json!({
        "schema": "muster.release/1", "application": "shop", "channel": "stable", "environment": "prod",
        "version": "1.5.0", "config_commit": "0123456789012345678901234567890123456789",
        "artifacts": [{"os": "linux", "architecture": "amd64", "path": "shop", "sha256": "ab".repeat(32), "size": 7,
                       "attestations": [{"path": "shop.sigstore.json", "sha256": "cd".repeat(32), "size": 9}]}],
    })
}

/// A host of production that runs the shop, on amd64.
pub fn order() -> Order {
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
