//! `pip`, `snap` and `subscription-manager`.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::BTreeMap;

/// Python distributions and their versions.
pub struct Pip(BTreeMap<String, String>);

impl Default for Pip {
    fn default() -> Self {
        Self(BTreeMap::from([("six".into(), "1.16".into())]))
    }
}

/// A name without what is asked of its version.
fn bare(name: &str) -> &str {
    name.split(['=', '<', '>']).next().unwrap_or_default()
}

impl Tool for Pip {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let ["/usr/bin/pip3", "list", "--format=freeze"] = words else { return None };
        Some(said(0, self.0.iter().map(|(name, version)| format!("{name}=={version}\n")).collect::<String>()))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        match words {
            ["/usr/bin/pip3", "uninstall", "-y", names @ ..] => {
                let gone: Vec<_> = names.iter().filter_map(|name| self.0.remove(bare(name))).collect();
                Some(said(0, if gone.is_empty() { "" } else { "Successfully uninstalled" }))
            }
            ["/usr/bin/pip3", "install", rest @ ..] => {
                let mut text = "Requirement already satisfied";
                for name in rest.iter().filter(|word| !word.starts_with('-')) {
                    let (name, wanted) = (bare(name), name.split_once("==").map(|(_, version)| version));
                    let version = match (wanted, self.0.get(name)) {
                        (Some(version), _) => version,
                        (None, Some(_)) => continue,
                        (None, None) => "2.0",
                    };
                    if self.0.insert(name.to_owned(), version.to_owned()).as_deref() != Some(version) {
                        text = "Successfully installed";
                    }
                }
                Some(said(0, text))
            }
            _ => None,
        }
    }
}

/// Snaps by name.
pub struct Snaps(BTreeMap<String, Snap>);

struct Snap {
    channel: String,
    off: bool,
    settings: BTreeMap<String, String>,
}

impl Snap {
    fn from(channel: &str) -> Self {
        Self { channel: channel.to_owned(), off: false, settings: BTreeMap::new() }
    }
}

impl Default for Snaps {
    fn default() -> Self {
        Self(BTreeMap::from([("lxd".into(), Snap::from("latest/stable"))]))
    }
}

impl Tool for Snaps {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        match words {
            ["snap", "list"] => {
                let notes = |snap: &Snap| if snap.off { "disabled" } else { "-" };
                let line =
                    |(name, snap): (&String, &Snap)| format!("{name} 1.0 5 {} maker {}\n", snap.channel, notes(snap));
                let lines: String = self.0.iter().map(line).collect();
                Some(said(0, format!("Name Version Rev Tracking Publisher Notes\n{lines}")))
            }
            ["snap", "version"] => Some(said(0, "snap 2.60\nsnapd 2.60\nseries 16\n")),
            ["snap", "get", "-d", name] => {
                let settings = &self.0.get(*name)?.settings;
                let inner: serde_json::Map<_, _> =
                    settings.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
                Some(said(0, serde_json::Value::Object(inner).to_string()))
            }
            _ => None,
        }
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        let ["snap", verb, rest @ ..] = words else { return None };
        let channel = rest.windows(2).find(|pair| pair[0] == "--channel").map(|pair| pair[1]);
        let full = |channel: &str| if channel.contains('/') { channel.to_owned() } else { format!("latest/{channel}") };
        let names = rest.iter().filter(|word| !word.starts_with('-') && Some(**word) != channel);
        if *verb == "set" {
            let settings = &mut self.0.get_mut(*rest.first()?)?.settings;
            let pairs = rest[1..].iter().filter_map(|pair| pair.split_once('='));
            settings.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
            return Some(said(0, ""));
        }
        for name in names {
            match (*verb, self.0.get_mut(*name)) {
                ("install", None) => {
                    self.0.insert((*name).to_owned(), Snap::from(&full(channel.unwrap_or("stable"))));
                }
                ("refresh", Some(snap)) => snap.channel = full(channel.unwrap_or("stable")),
                ("enable", Some(snap)) => snap.off = false,
                ("disable", Some(snap)) => snap.off = true,
                ("remove", Some(_)) => drop(self.0.remove(*name)),
                _ => return Some(said(1, "")),
            }
        }
        Some(said(0, ""))
    }
}

/// Repositories of a subscription, and whether each is on.
pub struct Subscriptions(BTreeMap<String, bool>);

impl Default for Subscriptions {
    fn default() -> Self {
        let all = [("rhel-9-baseos", true), ("rhel-9-appstream", true), ("codeready", false)];
        Self(all.map(|(name, on)| (name.to_owned(), on)).into())
    }
}

impl Tool for Subscriptions {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let ["subscription-manager", "repos", "--list"] = words else { return None };
        let entry = |(id, on): (&String, &bool)| {
            format!(
                "Repo ID:   {id}\nRepo Name: {id}\nRepo URL:  https://cdn.example/{id}\nEnabled:   {}\n\n",
                i32::from(*on)
            )
        };
        Some(said(0, self.0.iter().map(entry).collect::<String>()))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        let ["subscription-manager", "repos", rest @ ..] = words else { return None };
        for pair in rest.chunks(2) {
            let [verb, id] = pair else { return None };
            *self.0.get_mut(*id)? = *verb == "--enable";
        }
        Some(said(0, "done\n"))
    }
}
