//! Metadata past its time, in each role (CVE-2026-6967: in delegations too).

use crate::host::shop;
use crate::repository::{Repository, days};
use muster::trust::tuf::TufError;
use serde_json::{Value, json};

fn expire(repository: &mut Repository, role: &str, at: jiff::Timestamp) {
    let at: Value = json!(at.to_string());
    match role {
        "timestamp" => repository.timestamp["expires"] = at,
        "snapshot" => repository.snapshot["expires"] = at,
        "root" => repository.rotate(|this| this.root["expires"] = at),
        other => repository.roles.get_mut(other).unwrap()["expires"] = at,
    }
    repository.next(&["targets", "shop"]);
}

#[test]
fn what_expired_yesterday_is_refused_and_what_expires_tomorrow_is_not() {
    for role in ["root", "timestamp", "snapshot", "targets", "shop"] {
        let mut repository = Repository::new();
        expire(&mut repository, role, days(-1));
        let refused = shop(&repository).unwrap_err();
        assert!(matches!(&refused, TufError::Expired { role: named, .. } if named == role), "{role}: {refused}");
        expire(&mut repository, role, days(1));
        shop(&repository).unwrap();
    }
}
