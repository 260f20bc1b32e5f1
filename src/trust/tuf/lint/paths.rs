//! What delegations hand out: patterns that mean one thing, roles that do not meet, and what no host can reach.

use super::super::patterns;
use super::Judge;
use sigstore_tuf::{DelegatedRole, Delegations, Targets};

/// What reaches stable hosts takes two.
pub(super) fn least(role: &DelegatedRole) -> usize {
    let stable = |pattern: &String| pattern.split('/').any(|part| part == "stable");
    if role.paths.iter().flatten().any(stable) { 2 } else { 1 }
}

/// Hash bins say nothing of applications, and those of TAP 15 are followed by no host.
pub(super) fn bins(judge: &mut Judge, name: &str, block: &Delegations) {
    let hint = "delegate paths to roles by name, such as `stable/shop/*`";
    if block.extra.contains_key("succinct_roles") {
        judge.say("hash-bins", name, "it delegates to succinct hash bins, and a host finds nothing there".into(), hint);
    }
    for role in block.roles.iter().filter(|role| role.path_hash_prefixes.is_some()) {
        let message = "its paths are given by their hashes, which belong to no application".into();
        judge.say("hash-bins", &role.name, message, hint);
    }
}

/// One role's patterns.
pub(super) fn shape(judge: &mut Judge, role: &DelegatedRole) {
    let mut say = |rule, message, hint| judge.say(rule, &role.name, message, hint);
    if !role.terminating {
        let hint = "set terminating: otherwise roles listed after it may speak for its paths";
        say("terminating", "the search goes on after it".into(), hint);
    }
    if role.path_hash_prefixes.is_none() && role.paths.iter().flatten().next().is_none() {
        say("pattern", "it was delegated nothing".into(), "name its paths, or take the role out");
    }
    for pattern in role.paths.iter().flatten() {
        let mut alone = role.clone();
        (alone.paths, alone.path_hash_prefixes) = (Some(vec![pattern.clone()]), None);
        if pattern.contains("**") || pattern.contains(['{', '}']) {
            let hint = "write one `*` a directory, and one pattern a case: TUF knows no `**` and no `{a,b}`";
            say("pattern", format!("the pattern `{pattern}` means other things to other clients"), hint);
        } else if alone.matches_path("").is_err() {
            let hint = "close its `[...]`, and put something into it";
            say("pattern", format!("`{pattern}` is no pattern: a host that comes to it refuses every target"), hint);
        }
        if pattern.starts_with('*') {
            let hint = "begin patterns with a channel and an application, such as `stable/shop/*`";
            say("pattern", format!("the pattern `{pattern}` names no directory"), hint);
        }
    }
}

/// Paths that two roles of one list speak for.
pub(super) fn overlaps(judge: &mut Judge, roles: &[DelegatedRole]) {
    for (at, first) in roles.iter().enumerate() {
        for second in &roles[at + 1..] {
            let pairs = first.paths.iter().flatten().flat_map(|a| second.paths.iter().flatten().map(move |b| (a, b)));
            for (a, b) in pairs.filter(|(a, b)| patterns::overlap(a, b)) {
                let hint = "let each path belong to one role: with overlaps the order of the list decides";
                judge.say("overlap", &second.name, format!("`{b}` overlaps `{a}` of role {}", first.name), hint);
            }
        }
    }
}

/// Targets outside of a role's own paths are never found.
pub(super) fn unreachable(judge: &mut Judge, role: &DelegatedRole, targets: &Targets) {
    for path in targets.targets.keys().filter(|path| !role.matches_path(path).unwrap_or(false)) {
        let hint = "list it in the role that its path was delegated to";
        judge.say("outside", &role.name, format!("it lists `{path}`, which it was not delegated"), hint);
    }
}
