//! Who this host is: the identity document, tags and placement, and the root volume it boots from.

use super::reach::Reach;
use super::root_volume::root_volume;
use crate::cloud::Identity;
use crate::failure::{Failure, Stage};
use crate::host::Observe;
use crate::journal::HostKey;
use std::collections::BTreeMap;

/// What metadata says of this instance.
pub(super) struct Instance {
    pub(super) identity: Identity,
    /// `None` where the instance does not show its tags.
    pub(super) tags: Option<BTreeMap<String, String>>,
    placement: BTreeMap<String, String>,
    /// As `InService`; `None` outside of Auto Scaling.
    pub(super) lifecycle: Option<String>,
    pub(super) user_data: Option<Vec<u8>>,
    /// As `vol-...`; `None` where the device does not tell.
    pub(super) root_volume: Option<String>,
}

impl Instance {
    /// Asks metadata, within its own budget.
    pub(super) fn learn(reach: &Reach, host: &dyn Observe) -> Result<Self, Failure> {
        let asked = reach.ask(async {
            let metadata = &reach.metadata;
            let identity = metadata.identity().await?;
            let tags = metadata.tags().await?;
            let placement = metadata.placement().await?;
            let lifecycle = metadata.target_lifecycle_state().await?;
            let user_data = metadata.user_data().await?;
            Ok((identity, tags, placement, lifecycle, user_data))
        });
        let (identity, tags, placement, lifecycle, user_data) =
            asked.map_err(|error| Failure::new(Stage::Identity, error))?;
        Ok(Self { identity, tags, placement, lifecycle, user_data, root_volume: root_volume(host) })
    }

    /// As templates in settings see it.
    pub(super) fn facts(&self) -> serde_json::Value {
        let identity = &self.identity;
        serde_json::json!({
            "instance": {
                "id": identity.instance_id,
                "region": identity.region,
                "account_id": identity.account_id,
                "availability_zone": identity.availability_zone,
                "image_id": identity.image_id,
                "type": identity.instance_type,
                "architecture": identity.architecture,
                "private_ip": identity.private_ip,
            },
            "placement": self.placement,
            "tags": self.tags.clone().unwrap_or_default(),
        })
    }

    /// A tag, where tags are shown.
    pub(super) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.as_ref()?.get(name).map(String::as_str)
    }

    /// What a boot is done for: a replaced root volume, or an image made of this instance, is another host.
    pub(super) fn key(&self) -> HostKey {
        HostKey {
            instance: self.identity.instance_id.clone(),
            image: self.identity.image_id.clone(),
            volume: self.root_volume.clone().unwrap_or_else(|| "unknown".into()),
        }
    }

    /// Which stretch of its life in an Auto Scaling group this is. A start changes when it was launched, a reboot does
    /// not; a warm pool's instance is taken to the pool first and into service later.
    pub(super) fn stretch(&self) -> Option<String> {
        let since = self.identity.pending_time.as_deref().unwrap_or("an unknown time");
        self.lifecycle.as_ref().map(|target| format!("to {target} since {since}"))
    }

    /// Whether Auto Scaling takes it into service or into the warm pool: a launch hook may wait for it. Metadata says so
    /// without any permission.
    pub(super) fn is_launched_by_group(&self) -> bool {
        self.lifecycle.as_deref().is_some_and(|target| target == "InService" || target.starts_with("Warmed:"))
    }

    /// As release descriptors name architectures.
    pub(super) fn architecture(&self) -> &'static str {
        architecture(&self.identity.architecture)
    }
}

/// Descriptors name architectures as Go and Debian do.
fn architecture(name: &str) -> &'static str {
    match name {
        "arm64" | "aarch64" => "arm64",
        "i386" | "i686" => "386",
        _ => "amd64",
    }
}
