//! `listening`, `wireless`: who can reach the running machine.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::sockets::{Listener, listeners};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Ports that others reach.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listening {
    /// `loopback`: the ports below are reached by the machine alone. `site`: others reach the site's ports alone.
    only: Only,
    /// For `loopback`.
    #[serde(default)]
    ports: Vec<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Only {
    Loopback,
    Site,
}

impl Mechanism for Listening {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        if self.only == Only::Loopback && !machine.running() {
            return Finding::not_applicable("an image has no sockets: what its servers are told is judged by itself");
        }
        let mut finding = Finding::new();
        let open: Vec<Listener> = match listeners(machine) {
            Ok(all) => all.into_iter().filter(|one| !one.loopback).collect(),
            Err(unseen) => return Finding::unseen(Aspect::Live, &unseen),
        };
        let allowed = |one: &Listener| match (self.only, &machine.site().ports) {
            (Only::Loopback, _) => Some(!self.ports.contains(&one.port)),
            (Only::Site, ports) => ports.as_ref().map(|ports| ports.contains(&one.name())),
        };
        let mut wrong = false;
        for one in &open {
            match allowed(one) {
                Some(true) => finding.show(Aspect::Live, &one.at, format!("others reach {}", one.name())),
                Some(false) => {
                    wrong = true;
                    finding.fact(Aspect::Live, false, &one.at, format!("others reach {}", one.name()), self.expects());
                }
                None => {
                    let unseen = Unseen::new("the profile's site", "does not say which ports may listen");
                    finding.could_not_look(Aspect::Live, &unseen);
                    return finding;
                }
            }
        }
        if !wrong {
            let found = format!("others reach {} sockets, and none that they should not", open.len());
            finding.fact(Aspect::Live, true, &At::file("/proc/net"), found, self.expects());
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        match self.only {
            Only::Loopback => format!("ports {:?} are reached by the machine alone", self.ports),
            Only::Site => "others reach only the ports that the site lists".into(),
        }
    }
}

/// No wireless interface.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wireless {}

const INTERFACES: &str = "/sys/class/net";

impl Mechanism for Wireless {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        if !machine.running() {
            return Finding::not_applicable("a machine's interfaces are not in its image");
        }
        let look = || {
            let mut finding = Finding::new();
            let names = machine.names(INTERFACES)?;
            if names.is_empty() {
                return Err(Unseen::new(INTERFACES, "lists no interface"));
            }
            for name in &names {
                let at = At::file(&format!("{INTERFACES}/{name}"));
                let wireless = machine.exists(&format!("{INTERFACES}/{name}/wireless"))?
                    || machine.exists(&format!("{INTERFACES}/{name}/phy80211"))?;
                let found = format!("{name} is {}wireless", if wireless { "" } else { "not " });
                finding.fact(Aspect::Live, !wireless, &at, found, self.expects());
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen| Finding::unseen(Aspect::Live, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec![INTERFACES.into()]
    }

    fn expects(&self) -> String {
        "no interface is wireless".into()
    }
}
