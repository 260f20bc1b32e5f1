//! `update-alternatives`.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::BTreeMap;

/// Groups by name.
#[derive(Default)]
pub struct Alternatives(BTreeMap<String, Group>);

#[derive(Default)]
struct Group {
    link: String,
    /// What somebody has chosen.
    chosen: Option<String>,
    all: BTreeMap<String, Choice>,
}

/// Its priority, and the links that go with it: name, link, path.
struct Choice {
    priority: i64,
    followers: Vec<[String; 3]>,
}

impl Group {
    fn current(&self) -> &str {
        let best = self.all.iter().max_by_key(|(_, choice)| choice.priority).map(|(path, _)| path.as_str());
        self.chosen.as_deref().or(best).unwrap_or_default()
    }

    fn shown(&self, name: &str) -> String {
        let mode = if self.chosen.is_some() { "manual" } else { "auto" };
        let current = self.current();
        let mut text = format!(
            "{name} - {mode} mode\n  link best version is {current}\n  link currently points to {current}\n  link {name} is {}\n",
            self.link
        );
        let links = self.all.values().flat_map(|choice| &choice.followers);
        text.extend(links.map(|[name, link, _]| format!("  slave {name} is {link}\n")));
        for (path, choice) in &self.all {
            text.push_str(&format!("{path} - priority {}\n", choice.priority));
            text.extend(choice.followers.iter().map(|[name, _, path]| format!("  slave {name}: {path}\n")));
        }
        text
    }
}

impl Tool for Alternatives {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let ["update-alternatives", "--display", name] = words else { return None };
        Some(self.0.get(*name).map_or_else(|| said(2, ""), |group| said(0, group.shown(name))))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        match words {
            ["update-alternatives", "--install", link, name, path, priority, followers @ ..] => {
                let group = self.0.entry((*name).to_owned()).or_default();
                (*link).clone_into(&mut group.link);
                let follower = |words: &[&str]| match words {
                    ["--slave", link, name, path] => Some([*name, *link, *path].map(str::to_owned)),
                    _ => None,
                };
                let followers = followers.chunks(4).map(follower).collect::<Option<Vec<_>>>()?;
                let choice = Choice { priority: priority.parse().ok()?, followers };
                group.all.insert((*path).to_owned(), choice);
            }
            ["update-alternatives", "--remove", name, path] => {
                let group = self.0.get_mut(*name)?;
                group.all.remove(*path);
                group.chosen = group.chosen.take().filter(|chosen| chosen != path);
                if group.all.is_empty() {
                    self.0.remove(*name);
                }
            }
            ["update-alternatives", "--set", name, path] => {
                let group = self.0.get_mut(*name)?;
                if !group.all.contains_key(*path) {
                    return Some(said(2, ""));
                }
                group.chosen = Some((*path).to_owned());
            }
            ["update-alternatives", "--auto", name] => self.0.get_mut(*name)?.chosen = None,
            _ => return None,
        }
        Some(said(0, ""))
    }
}
