//! The releases that settings name: planned, put in place, their units restarted where something changed.

use super::work::Work;
use crate::failure::{Failure, Stage};
use crate::host::{Attributes, Change, Host, Observe, UnitAction};
use crate::release::{self, Layout, Order};
use crate::roles::remote::Remote;
use crate::roles::store::Store;
use crate::settings::Settings;
use crate::settings::keys::Release;

/// The largest artifact that is accepted: a full disk is no way to find out.
const LARGEST: u64 = 4 << 30;

/// Puts all of them in place, in order.
pub(super) fn put_in_place(work: &mut Work, settings: &Settings) -> Result<(), Failure> {
    for written in &settings.releases {
        let order = order(work, settings, written)?;
        let label = written
            .component
            .as_ref()
            .map_or_else(|| written.app.to_string(), |part| format!("{}/{part}", written.app));
        let policy = work.remote.release_keys().map_err(|error| Failure::message(Stage::Release, error.message))?;
        let planned = release::plan(&order, &Store(&*work.remote), &policy, work.host.observe())
            .map_err(|error| Failure::new(Stage::Release, error))?;
        let version = &planned.descriptor.version;
        if planned.changes.is_empty() {
            work.grounds.run.line(&format!("release {label} {version} is in place"));
            continue;
        }
        // The record is written last: without it the next run does the restart that a kill or failure prevented.
        let is_record =
            |change: &&Change| matches!(change, Change::Write(write) if write.path.starts_with(&order.records));
        let (record, place): (Vec<&Change>, Vec<&Change>) = planned.changes.iter().partition(is_record);
        let failed = |error: crate::host::HostError| {
            Failure::message(Stage::Release, format!("putting release {label} {version} in place: {error}"))
                .with_hint("the release before it is kept; `muster release rollback` puts it back")
        };
        for change in place {
            work.host.apply(change).map_err(failed)?;
        }
        if let Some(unit) = &written.restart {
            let (name, scope) = (unit.clone(), None);
            let restart = Change::Unit { name, action: UnitAction::Restart, scope, no_block: false };
            work.host.apply(&restart).map_err(|error| {
                Failure::message(Stage::Release, format!("restarting {unit} for release {label}: {error}"))
            })?;
        }
        for change in record {
            work.host.apply(change).map_err(failed)?;
        }
        work.grounds.run.changed(&format!("release {label}: {version}, signed by {}", planned.key));
    }
    Ok(())
}

fn order(work: &Work, settings: &Settings, written: &Release) -> Result<Order, Failure> {
    let failed = |message: String| Failure::message(Stage::Release, message);
    let channel = written.channel.as_ref().or(settings.channel.as_ref());
    let channel = channel.ok_or_else(|| failed(format!("release {} names no channel", written.app)))?;
    let unknown = |kind: &str, name: &str| failed(format!("release {}: there is no {kind} `{name}`", written.app));
    let uid = work.host.user(&written.owner).ok().flatten().ok_or_else(|| unknown("user", &written.owner))?.uid;
    let gid = work.host.group(&written.group).ok().flatten().ok_or_else(|| unknown("group", &written.group))?.gid;
    let records = settings.state_directory.as_path().join("releases");
    let layout = &written.layout;
    Ok(Order {
        app: written.app.to_string(),
        component: written.component.as_ref().map(ToString::to_string),
        channel: channel.to_string(),
        os: "linux".into(),
        arch: work.grounds.architecture.into(),
        parameter: written.parameter.clone(),
        bucket: written.bucket.clone(),
        region: written.region.as_ref().map(ToString::to_string),
        descriptor_key: written.descriptor.clone(),
        bundle_key: written.bundle.clone(),
        artifact_key: written.artifact.clone(),
        layout: Layout {
            app: layout.app.clone(),
            component: layout.component.clone(),
            version: layout.version.clone(),
            release_id: layout.release_id.clone(),
            channel: layout.channel.clone(),
            artifacts: layout.artifacts.clone(),
            os: layout.os.clone(),
            arch: layout.arch.clone(),
            path: layout.path.clone(),
            sha256: layout.sha256.clone(),
            size: layout.size.clone(),
        },
        destination: written.destination.as_path().to_owned(),
        attributes: Attributes { mode: Some(written.mode.0), uid: Some(uid), gid: Some(gid) },
        limit: LARGEST,
        records,
    })
}
