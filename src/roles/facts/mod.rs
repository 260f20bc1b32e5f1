//! Facts: what `setup` knows of the host, gathered section by section when first read.
//!
//! The values are those of `ansible -m setup`. Two are decided otherwise: `fqdn` comes from the host's name and
//! `/etc/hosts`, since no name server is asked; `python` is there where a `python3` is installed, since roles ask for
//! its version and muster has none of its own. Credentials of the instance are never facts.

mod board;
mod devices;
mod distribution;
mod hardware;
mod local;
mod network;
mod platform;
mod sight;
mod software;
mod storage;
mod virtualization;

use crate::fnmatch::matches;
use crate::host::Observe;
use crate::roles::value::{Key, Map, Value};
use sight::Sight;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A part of the facts that is gathered at once.
struct Section {
    /// `gather_subset`'s name for it.
    subset: &'static str,
    /// The facts that it may give, without `ansible_`.
    names: &'static [&'static str],
    /// Looks.
    gather: fn(&Sight<'_>) -> Map,
}

static SECTIONS: &[Section] = &[
    Section { subset: "platform", names: platform::NAMES, gather: platform::gather },
    Section { subset: "user", names: platform::USER, gather: platform::user },
    Section { subset: "env", names: &["env"], gather: platform::environment },
    Section { subset: "date_time", names: &["date_time"], gather: platform::date_time },
    Section { subset: "distribution", names: distribution::NAMES, gather: distribution::gather },
    Section { subset: "lsb", names: &["lsb"], gather: distribution::lsb },
    Section { subset: "pkg_mgr", names: &["pkg_mgr"], gather: software::package_manager },
    Section { subset: "service_mgr", names: &["service_mgr"], gather: software::service_manager },
    Section { subset: "selinux", names: &["selinux", "selinux_python_present"], gather: software::selinux },
    Section { subset: "apparmor", names: &["apparmor"], gather: software::apparmor },
    Section { subset: "fips", names: &["fips"], gather: software::fips },
    Section { subset: "caps", names: software::CAPABILITIES, gather: software::capabilities },
    Section { subset: "dns", names: &["dns"], gather: software::dns },
    Section { subset: "cmdline", names: &["cmdline", "proc_cmdline"], gather: software::command_line },
    Section { subset: "ssh_pub_keys", names: software::HOST_KEYS, gather: software::host_keys },
    Section { subset: "python", names: &["python", "python_version"], gather: software::python },
    Section { subset: "systemd", names: &["systemd"], gather: software::systemd },
    Section { subset: "hardware", names: hardware::PROCESSORS, gather: hardware::processors },
    Section { subset: "hardware", names: hardware::MEMORY, gather: hardware::memory },
    Section { subset: "hardware", names: board::BOARD, gather: board::board },
    Section { subset: "hardware", names: &["mounts"], gather: storage::mounts },
    Section { subset: "hardware", names: devices::NAMES, gather: devices::gather },
    Section { subset: "hardware", names: &["uptime_seconds", "loadavg"], gather: hardware::running },
    Section { subset: "virtual", names: virtualization::NAMES, gather: virtualization::gather },
    Section { subset: "network", names: network::NAMES, gather: network::gather },
    Section { subset: "local", names: &["local"], gather: local::gather },
];

/// What `gather_subset` always includes.
const MINIMUM: &[&str] = &[
    "platform",
    "user",
    "env",
    "date_time",
    "distribution",
    "lsb",
    "pkg_mgr",
    "service_mgr",
    "selinux",
    "apparmor",
    "fips",
    "caps",
    "dns",
    "cmdline",
    "python",
    "systemd",
    "ssh_pub_keys",
    "local",
];

/// A `gather_subset` that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("`gather_subset` has no subset `{0}`")]
pub struct UnknownSubset(pub String);

/// The host's facts, as far as they were read.
#[derive(Debug)]
pub struct Facts {
    environment: Vec<(String, String)>,
    directory: Mutex<String>,
    gathered: Mutex<BTreeMap<usize, Arc<Map>>>,
}

/// Where local facts are, unless a task says otherwise.
pub const DIRECTORY: &str = "/etc/ansible/facts.d";

/// What `setup` is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Subsets; none is all.
    pub subsets: Vec<String>,
    /// Patterns of names; none is all.
    pub filters: Vec<String>,
    /// The directory of local facts.
    pub directory: String,
}

impl Wanted {
    /// Every fact of some subsets, and the usual local facts.
    pub fn of(subsets: Vec<String>) -> Self {
        Self { subsets, filters: Vec::new(), directory: DIRECTORY.into() }
    }
}

impl Facts {
    /// Nothing gathered yet. `environment` is what roles see as `ansible_env`.
    pub fn new(environment: Vec<(String, String)>) -> Self {
        Self { environment, directory: Mutex::new(DIRECTORY.into()), gathered: Mutex::default() }
    }

    /// A fact by its name without `ansible_`, as `ansible_facts` has it.
    pub fn get(&self, host: &dyn Observe, name: &str) -> Option<Value> {
        let listed = SECTIONS.iter().position(|section| section.names.contains(&name));
        // An interface's facts are named like it.
        let index = match listed {
            Some(index) => index,
            None if network::is_interface(host, name) => {
                SECTIONS.iter().position(|section| section.subset == "network")?
            }
            None => return None,
        };
        self.section(host, index).get(&Key::from(name)).cloned()
    }

    /// Every name that may be a fact here, without `ansible_`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        SECTIONS.iter().flat_map(|section| section.names.iter().copied())
    }

    /// Every fact, without `ansible_`.
    pub fn all(&self, host: &dyn Observe) -> Map {
        let mut out = Map::new();
        for index in 0..SECTIONS.len() {
            out.extend(self.section(host, index).iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        out
    }

    /// What `setup` returns: the facts of some subsets (`all`, `min`, `network`, `!hardware`, ...) whose names match
    /// one of the filters, with `ansible_`. They are gathered anew; local facts from that directory from now on.
    pub fn gather(&self, host: &dyn Observe, wanted: &Wanted) -> Result<Map, UnknownSubset> {
        let Wanted { subsets, filters, directory } = wanted;
        let chosen = chosen(subsets)?;
        self.directory.lock().unwrap_or_else(PoisonError::into_inner).clone_from(directory);
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut out = Map::new();
        for (index, section) in SECTIONS.iter().enumerate() {
            if chosen.contains(&section.subset) {
                for (key, value) in self.section(host, index).iter() {
                    let name = format!("ansible_{key}");
                    let matches = |filter: &String| {
                        let long = filter.strip_prefix("ansible_").unwrap_or(filter);
                        matches(long, &key.to_string()) || matches(filter, &name)
                    };
                    if filters.is_empty() || filters.iter().any(matches) {
                        out.insert(Key::from(name.as_str()), value.clone());
                    }
                }
            }
        }
        Ok(out)
    }

    fn section(&self, host: &dyn Observe, index: usize) -> Arc<Map> {
        if let Some(map) = self.gathered.lock().unwrap_or_else(PoisonError::into_inner).get(&index) {
            return map.clone();
        }
        let directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sight = Sight { host, environment: &self.environment, directory: &directory };
        let map = Arc::new((SECTIONS[index].gather)(&sight));
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).insert(index, map.clone());
        map
    }
}

fn chosen(subsets: &[String]) -> Result<Vec<&'static str>, UnknownSubset> {
    let all: Vec<&'static str> = SECTIONS.iter().map(|section| section.subset).collect();
    let expand = |name: &str| match name {
        "all" => Ok(all.clone()),
        "min" => Ok(MINIMUM.to_vec()),
        // Kinds of facts that muster does not gather are nothing to leave out or put in.
        "facter" | "ohai" => Ok(Vec::new()),
        "interfaces" | "default_ipv4" | "default_ipv6" => Ok(vec!["network"]),
        "mounts" | "devices" | "processor" | "memory" | "dmi" => Ok(vec!["hardware"]),
        other => match all.iter().find(|subset| **subset == other) {
            Some(subset) => Ok(vec![*subset]),
            None => Err(UnknownSubset(other.to_owned())),
        },
    };
    let (mut added, mut named, mut without) = (MINIMUM.to_vec(), Vec::new(), Vec::new());
    if subsets.is_empty() {
        added.extend(&all);
    }
    for subset in subsets {
        match subset.strip_prefix('!') {
            // `!all` leaves the minimum, which only `!min` takes away.
            Some("all") => without.extend(all.iter().filter(|subset| !MINIMUM.contains(subset))),
            Some(subset) => without.extend(expand(subset)?),
            None => {
                let subsets = expand(subset)?;
                if subset != "all" && subset != "min" {
                    named.extend(subsets.iter().copied());
                }
                added.extend(subsets);
            }
        }
    }
    // What is asked for by its name stays, whatever is left out.
    added.retain(|subset| named.contains(subset) || !without.contains(subset));
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Linux, Void};
    use std::path::Path;

    #[test]
    fn an_empty_machine_has_few_facts_and_no_trouble() {
        let facts = Facts::new(vec![("SERVICE".into(), "web".into())]);
        let host = Void::new();
        assert_eq!(facts.get(&host, "env"), Some(Value::map([("SERVICE", "web".into())])));
        assert_eq!(facts.get(&host, "system"), Some("Linux".into()));
        assert_eq!(facts.get(&host, "nope"), None);
        assert!(facts.all(&host).contains_key(&Key::from("date_time")));
    }

    #[test]
    fn subsets_and_filters_choose() {
        let host = Linux::new(Path::new("/")).expect("a host");
        let facts = Facts::new(Vec::new());
        let gather = |subsets: &[&str], filters: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            let wanted = Wanted { subsets: owned(subsets), filters: owned(filters), directory: DIRECTORY.into() };
            facts.gather(&host, &wanted)
        };
        let few = gather(&["!all"], &[]).expect("known");
        assert!(few.contains_key(&Key::from("ansible_os_family")) && !few.contains_key(&Key::from("ansible_mounts")));
        // As ansible-core's `setup` answers: memory, whether there is an environment, and the distribution.
        for (subsets, memory, environment, distribution) in [
            (&["!hardware"][..], false, true, true),
            (&["!all", "!min", "env"], false, true, false),
            (&["!all", "hardware"], true, true, true),
            (&["!network", "all"], true, true, true),
            (&["!hardware", "hardware"], true, true, true),
            (&["hardware", "!min"], true, false, false),
            (&["!env"], false, false, true),
            (&[], true, true, true),
        ] {
            let found = gather(subsets, &[]).expect("known");
            let has = |name: &str| found.contains_key(&Key::from(name));
            let have = (has("ansible_memtotal_mb"), has("ansible_env"), has("ansible_distribution"));
            assert_eq!(have, (memory, environment, distribution), "{subsets:?}");
        }
        let one = gather(&["all"], &["ansible_distribution"]).expect("known");
        assert_eq!(one.len(), 1);
        assert!(gather(&["nope"], &[]).is_err());
    }
}
