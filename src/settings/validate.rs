//! What no single value can tell: keys that exclude or need one another.

use super::error::SettingsError;
use super::keys::Settings;
use super::node::Node;
use super::scalar::Period;

/// CloudFormation waits no longer for a signal, and the unit's own limit is above it.
const LONGEST: Period = Period::seconds(12 * 3600);

/// Refuses settings that contradict themselves, naming the first fault where it stands.
pub(crate) fn validate(settings: &Settings, root: &Node) -> Result<(), SettingsError> {
    let Some((path, message)) = faults(settings).into_iter().next() else { return Ok(()) };
    let place = place(root, &path).map(|node| node.mark.place());
    Err(SettingsError::Value { place, path, message, hint: None })
}

fn faults(settings: &Settings) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: &str| faults.push((key.to_owned(), message.to_owned()));
    if settings.playbook.is_some() && !settings.roles.is_empty() {
        fault("playbook", "write `roles` or `playbook`, not both");
    }
    let outside = |path: &str| path.is_empty() || path.starts_with('/') || path.split('/').any(|step| step == "..");
    if settings.playbook.as_deref().is_some_and(outside) {
        fault("playbook", "expected a path within the repository");
    }
    if settings.deadline.get().is_zero() || settings.deadline > LONGEST {
        fault("deadline", "expected a time above 0s and up to 12h");
    }
    faults.extend(settings.repository.iter().flat_map(|repository| repository.faults()));
    faults.extend(settings.parameters.faults());
    faults.extend(settings.vault.iter().enumerate().flat_map(|(index, key)| key.faults(index)));
    faults.extend(settings.signal.faults());
    faults.extend(settings.compliance.iter().filter_map(|compliance| compliance.faults()));
    faults.extend(settings.hooks.iter().flat_map(|(name, hook)| hook.faults(name)));
    faults.extend(settings.health.iter().enumerate().flat_map(|(index, check)| check.faults(index)));
    faults.extend(settings.updates.iter().flat_map(|updates| updates.faults("updates")));
    let sigstore = settings.sigstore_updates.iter();
    faults.extend(sigstore.flat_map(|updates| updates.faults("sigstore_updates")));
    for (index, _) in settings.releases.iter().enumerate().filter(|(_, release)| release.target.is_some()) {
        if settings.updates.is_none() {
            let text = "a target comes from a TUF repository, and `updates` names none";
            faults.push((format!("releases[{index}].target"), text.to_owned()));
        }
    }
    let releases = settings.releases.iter().enumerate();
    faults.extend(releases.flat_map(|(index, release)| release.faults(index, settings.channel.as_ref())));
    faults
}

/// The value at a path, or what holds it.
fn place<'a>(root: &'a Node, path: &str) -> Option<&'a Node> {
    let mut path = path;
    loop {
        if let Some(node) = root.at(path) {
            return Some(node);
        }
        path = path.rfind(['.', '[']).map(|at| &path[..at])?;
    }
}
