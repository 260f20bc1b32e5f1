//! The releases that settings name: planned, put in place, their units restarted; and put back when the run fails.

use super::grounds::Grounds;
use super::registries::Registries;
use super::remote::CloudRemote;
use super::supply::Supply;
use super::updates::Updates;
use super::way_back::{of_old, restart};
use crate::failure::{Failure, Stage};
use crate::host::{Attributes, Change, Host, HostError, Observe};
use crate::release::{self, Descriptor, Layout, Order, Planned, ReleaseError};
use crate::roles::remote::Remote;
use crate::roles::store::Store;
use crate::settings::Settings;
use crate::settings::keys::Release;
use std::path::Path;
use std::sync::Arc;

/// The largest artifact that is accepted: a full disk is no way to find out.
const LARGEST: u64 = 4 << 30;

/// What putting releases in place takes.
pub(super) struct Site<'a> {
    pub(super) grounds: &'a Grounds,
    pub(super) remote: &'a CloudRemote,
    pub(super) host: &'a mut dyn Host,
    /// The update repository, where releases name targets.
    pub(super) updates: Option<&'a Arc<Updates>>,
}

/// The commits of the config repository that the releases of the update repository pin.
pub(super) fn pins(updates: &Updates, settings: &Settings, architecture: &'static str) -> Result<Vec<String>, Failure> {
    let mut pins = Vec::new();
    for written in settings.releases.iter().filter(|written| written.target.is_some()) {
        let order = order(written, settings, architecture, Path::new(""), Some(updates))?;
        let path = order.target_path().unwrap_or_default();
        let signed = updates.descriptor(&path).map_err(|source| ReleaseError::Target { target: path.clone(), source });
        let descriptor = signed.and_then(|signed| Descriptor::of_target(&signed, &order, &path));
        pins.extend(descriptor.map_err(|error| Failure::new(Stage::Release, error))?.commit);
    }
    pins.sort();
    pins.dedup();
    Ok(pins)
}

/// Puts all of them in place, in order; `only` are those that come from the update repository.
pub(super) fn put_in_place(site: &mut Site<'_>, settings: &Settings, only: bool) -> Result<(), Failure> {
    for written in settings.releases.iter().filter(|written| !only || written.target.is_some()) {
        site.grounds.go_on()?;
        let (architecture, records) = (site.grounds.architecture, site.grounds.records.as_path());
        let mut order = order(written, settings, architecture, records, site.updates.map(Arc::as_ref))?;
        order.attributes = attributes(site.host.observe(), written)?;
        let policy = site.remote.release_keys().map_err(|error| {
            let failure = Failure::message(Stage::Release, error.message);
            Failure { hint: error.hint, ..failure }
        })?;
        let registries = Registries::new(site.remote, written.login.clone());
        let supply = Supply { store: Store(site.remote), registries, updates: site.updates.cloned(), tree: None };
        let planned = release::plan(&order, &supply, &policy, site.host.observe())
            .map_err(|error| Failure::new(Stage::Release, error))?;
        let label = label(&order);
        let version = &planned.descriptor.version;
        if planned.changes.is_empty() {
            site.grounds.run.line(&format!("release {label} {version} is in place"));
        } else {
            activate(site.host, &order, &planned)?;
            site.grounds.run.changed(&format!("release {label}: {version}, signed by {}", planned.key));
        }
        // The release stands: what is left over of older ones is no reason to fail.
        for change in &planned.settle {
            if let Err(error) = site.host.apply(change) {
                site.grounds.run.line(&format!("release {label}: what is left over stays: {error}"));
            }
        }
    }
    Ok(())
}

fn label(order: &Order) -> String {
    order.component.as_ref().map_or_else(|| order.app.clone(), |part| format!("{}.{part}", order.app))
}

/// Puts one in place and restarts its unit. Where that fails the release before takes its place again.
fn activate(host: &mut dyn Host, order: &Order, planned: &Planned) -> Result<(), Failure> {
    let (label, version) = (label(order), &planned.descriptor.version);
    // The record is written last: without it the next run does the restart that a kill or failure prevented.
    let is_record = |change: &&Change| matches!(change, Change::Write(write) if write.path.starts_with(&order.records));
    let (record, place): (Vec<&Change>, Vec<&Change>) = planned.changes.iter().partition(is_record);
    let placing = |error: HostError| {
        Failure::message(Stage::Release, format!("putting release {label} {version} in place: {error}"))
            .with_hint("the next run tries again")
    };
    let restarting = |error: HostError| {
        let unit = order.restart.as_deref().unwrap_or_default();
        Failure::message(Stage::Release, format!("restarting {unit} for release {label} {version}: {error}"))
            .with_hint(format!("see `journalctl -u {unit} -b`; the next run tries again"))
    };
    let placed = place.into_iter().try_for_each(|change| host.apply(change).map(drop)).map_err(placing);
    let begun = placed.and_then(|()| match &order.restart {
        Some(unit) => host.apply(&restart(unit)).map(drop).map_err(restarting),
        None => Ok(()),
    });
    let kept =
        begun.and_then(|()| record.into_iter().try_for_each(|change| host.apply(change).map(drop)).map_err(placing));
    kept.map_err(|failure| {
        let before = planned.previous.as_ref().map_or("what was there before it", |active| active.version.as_str());
        let back = match release::put_back(order, planned, host) {
            Ok(true) => of_old(host, &label, before, order.restart.as_deref()),
            Ok(false) if planned.replaced.is_some() => format!("release {label} stays at {before}"),
            Ok(false) => format!("no release of {label} was there before it"),
            Err(error) => format!("release {label} was not put back: {error}"),
        };
        failure.followed_by(&[back])
    })
}

/// The owner, group and mode that settings ask for.
fn attributes(host: &dyn Observe, written: &Release) -> Result<Attributes, Failure> {
    let unknown = |kind: &str, name: &str| {
        Failure::message(Stage::Release, format!("release {}: there is no {kind} `{name}`", written.app))
    };
    let uid = host.user(&written.owner).ok().flatten().ok_or_else(|| unknown("user", &written.owner))?.uid;
    let gid = host.group(&written.group).ok().flatten().ok_or_else(|| unknown("group", &written.group))?.gid;
    Ok(Attributes { mode: Some(written.mode.0), uid: Some(uid), gid: Some(gid) })
}

fn order(
    written: &Release,
    settings: &Settings,
    architecture: &str,
    records: &Path,
    updates: Option<&Updates>,
) -> Result<Order, Failure> {
    let failed = |message: String| Failure::message(Stage::Release, message);
    let channel = written.channel.as_ref().or(settings.channel.as_ref());
    let channel = channel.ok_or_else(|| failed(format!("release {} names no channel", written.app)))?;
    let layout = &written.layout;
    Ok(Order {
        app: written.app.to_string(),
        component: written.component.as_ref().map(ToString::to_string),
        channel: channel.to_string(),
        os: "linux".into(),
        arch: architecture.into(),
        target: written.target.clone(),
        environment: updates.map(|updates| updates.environment().to_owned()),
        parameter: written.parameter.clone(),
        bucket: written.bucket.clone().unwrap_or_default(),
        registry: written.registry(),
        region: written.region.as_ref().map(ToString::to_string),
        descriptor_key: written.descriptor.clone(),
        bundle_key: written.bundle.clone(),
        artifact_key: written.artifact_pattern(),
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
        attributes: Attributes::default(),
        limit: LARGEST,
        records: records.to_owned(),
        restart: written.restart.clone(),
        unpack: written.unpacking(),
    })
}
