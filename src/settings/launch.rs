//! What user-data may say: it chooses among what the image allows, and never widens it.

use super::error::SettingsError;
use super::keys::{Allow, Settings, matches};
use super::node::{Content, Node, Scalar};
use super::scalar::{Period, Word};
use super::secret_url::SecretUrl;
use super::typed;
use indexmap::IndexMap;

/// Judges a `muster:` document of user-data against what the image allows.
pub(crate) fn judge(document: &Node, allow: &Allow, deadline: Period) -> Result<(), SettingsError> {
    known_keys(document)?;
    for (path, node) in document.leaves() {
        if path.is_empty() {
            continue;
        }
        if scalar(node).is_some_and(Scalar::is_template) {
            return refuse(
                node,
                &path,
                ": it holds a template",
                "user-data is plain; templates belong to the image's settings",
            );
        }
        one(&path, node, allow, deadline)?;
    }
    Ok(())
}

fn one(path: &str, node: &Node, allow: &Allow, deadline: Period) -> Result<(), SettingsError> {
    let text = scalar(node).map(|scalar| scalar.text.as_str());
    let listed = |list: &Option<Vec<String>>, key: &str| match (list, text) {
        (Some(patterns), Some(text)) if matches(patterns, text) => Ok(()),
        (Some(_), _) => refuse(
            node,
            path,
            ": the image does not allow this one",
            &format!("allowed are those of `launch.allow.{key}`"),
        ),
        (None, _) => {
            refuse(node, path, "", &format!("the image would allow it with `launch: {{allow: {{{key}: [...]}}}}`"))
        }
    };
    let (first, rest) = path.split_once(['.', '[']).unwrap_or((path, ""));
    match (first, rest) {
        // Naming none adds none.
        ("roles", "") if matches!(&node.content, Content::List(items) if items.is_empty()) => Ok(()),
        ("roles", _) => listed(&allow.roles, "roles"),
        ("channel", "") => listed(&allow.channels, "channels"),
        ("repository", "ref") => listed(&allow.refs, "refs"),
        ("environment", name) => match allow.environment.iter().any(|allowed| allowed.as_str() == name) {
            true => Ok(()),
            false => refuse(node, path, "", "the image would allow it with `launch: {allow: {environment: [NAME]}}`"),
        },
        ("signal", _) if !allow.signal => refuse(node, path, "", "the image says `launch: {allow: {signal: false}}`"),
        ("signal", "wait_handle") => wait_handle(path, node, text, allow),
        (
            "signal",
            "cloudformation.stack"
            | "cloudformation.resource"
            | "cloudformation.region"
            | "cloudformation.from_tags"
            | "autoscaling.group"
            | "autoscaling.hook"
            | "autoscaling.from_group"
            | "instance_health",
        ) => Ok(()),
        ("deadline", "") => match text.and_then(Period::parse) {
            Some(shorter) if shorter <= deadline && !shorter.get().is_zero() => Ok(()),
            _ => {
                refuse(node, path, &format!(": the image's deadline is {deadline}"), "user-data may name a shorter one")
            }
        },
        _ => refuse(
            node,
            path,
            "",
            "user-data may name roles, channel, repository.ref, environment, signal and deadline; the rest is the image's",
        ),
    }
}

/// A handle elsewhere than at CloudFormation's would have root send to wherever whoever launches likes.
fn wait_handle(path: &str, node: &Node, text: Option<&str>, allow: &Allow) -> Result<(), SettingsError> {
    let url = text.and_then(SecretUrl::parse);
    let https = text.is_some_and(|text| text.starts_with("https://"));
    let named = url.as_ref().is_some_and(|url| matches(&allow.wait_handle_hosts, url.host()));
    // A host that the image names by hand may be one without a certificate, as an emulator on loopback.
    let exact = url.as_ref().is_some_and(|url| allow.wait_handle_hosts.iter().any(|host| host == url.host()));
    if named && (https || exact) {
        return Ok(());
    }
    refuse(
        node,
        path,
        ": it does not lead to CloudFormation",
        "other hosts are allowed by `launch.allow.wait_handle_hosts`",
    )
}

/// A slip is told apart from what only the image may say.
fn known_keys(document: &Node) -> Result<(), SettingsError> {
    let Content::Map(members) = &document.content else {
        return typed::read::<Settings>(document, true).map(drop);
    };
    for (key, member) in members {
        // A struct with required keys cannot be read from a part of it; its own keys are judged after the merge.
        if key != "repository" {
            let alone = Node {
                mark: document.mark.clone(),
                content: Content::Map(IndexMap::from([(key.clone(), member.clone())])),
            };
            typed::read::<Settings>(&alone, true)?;
        }
    }
    Ok(())
}

fn refuse(node: &Node, path: &str, why: &str, hint: &str) -> Result<(), SettingsError> {
    let place = node.mark.place();
    Err(SettingsError::Launch { place, path: path.to_owned(), why: why.to_owned(), hint: hint.to_owned() })
}

fn scalar(node: &Node) -> Option<&Scalar> {
    match &node.content {
        Content::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

/// The image's roles stay, and those of user-data come after them: choosing a role cannot drop a hardening one.
pub(crate) fn add_roles(baked: &Node, mut launch: Node) -> Node {
    let Some(Content::List(first)) = baked.get("roles").map(|node| &node.content) else { return launch };
    let name = |node: &Node| scalar(node).map(|scalar| scalar.text.clone());
    if let Content::Map(members) = &mut launch.content
        && let Some(member) = members.get_mut("roles")
        && let Content::List(added) = &mut member.value.content
    {
        let mut all = first.clone();
        all.extend(added.drain(..).filter(|role| !first.iter().any(|have| name(have) == name(role))));
        *added = all;
    }
    launch
}

/// What templates made of tags holds to the same lists.
pub(crate) fn judge_rendered(root: &Node, allow: &Allow) -> Result<(), SettingsError> {
    for (path, node) in root.leaves() {
        let Some(text) = scalar(node).filter(|scalar| scalar.rendered).map(|scalar| scalar.text.as_str()) else {
            continue;
        };
        let first = path.split('[').next().unwrap_or_default();
        let list = match first {
            "roles" => &allow.roles,
            "repository.ref" => &allow.refs,
            "channel" => &allow.channels,
            "releases" if path.ends_with(".channel") => &allow.channels,
            _ => continue,
        };
        if list.as_ref().is_some_and(|patterns| !matches(patterns, text)) {
            return Err(SettingsError::Value {
                place: Some(node.mark.place()),
                message: format!("the template gives `{text}`, which `launch.allow` does not allow"),
                hint: Some(
                    "tags are set by whoever launches: choose one that is allowed, or allow it in the image".into(),
                ),
                path,
            });
        }
    }
    Ok(())
}
