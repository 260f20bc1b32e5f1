//! `firewalld`: what its zones let in, from their files.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;
use std::rc::Rc;

/// A question to firewalld.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewalld {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum What {
    /// The default zone lets in only what the site lists.
    Services,
    /// lo is trusted, and nobody else pretends to be the machine.
    Loopback,
}

/// The site's files come before the package's.
const DIRECTORIES: [&str; 2] = ["/etc/firewalld", "/usr/lib/firewalld"];
const CONF: &str = "/etc/firewalld/firewalld.conf";

impl Mechanism for Firewalld {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let look = || {
            let mut finding = Finding::new();
            match self.what {
                What::Services => self.services(machine, &mut finding)?,
                What::Loopback => self.loopback(machine, &mut finding)?,
            }
            if machine.running() {
                match machine.ask(&["firewall-cmd", "--state"]) {
                    Ok(output) => {
                        let state = output.text().trim().to_owned();
                        let at = At::file("firewall-cmd --state");
                        finding.fact(Aspect::Live, state == "running", &at, state.clone(), "running");
                    }
                    Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
                }
            }
            Ok(finding)
        };
        look().unwrap_or_else(|unseen: Unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [CONF, "/etc/firewalld/zones, else /usr/lib/firewalld/zones", "firewall-cmd --state"]
            .map(str::to_owned)
            .to_vec()
    }

    fn expects(&self) -> String {
        match self.what {
            What::Services => "the default zone lets in only ports that the site lists".into(),
            What::Loopback => {
                "lo is in the zone trusted, which drops the machine's own addresses from elsewhere".into()
            }
        }
    }
}

impl Firewalld {
    fn services(&self, machine: &Machine<'_>, finding: &mut Finding) -> Result<(), Unseen> {
        let none = || Unseen::new("the profile's site", "does not say which ports may listen");
        let allowed = machine.site().ports.clone().ok_or_else(none)?;
        let conf = machine.text(CONF)?;
        let lines = conf.iter().flat_map(|text| text.lines());
        let zone =
            lines.filter_map(|(_, line)| line.trim().strip_prefix("DefaultZone=")).last().unwrap_or("public").trim();
        let text = file(machine, "zones", zone)?
            .ok_or_else(|| Unseen::new(CONF, format!("names the zone {zone}, of which there is no file")))?;
        for (at, element) in elements(&text) {
            let ports = match name(&element) {
                "port" => vec![format!("{}/{}", attribute(&element, "port"), attribute(&element, "protocol"))],
                "service" => {
                    let service = attribute(&element, "name");
                    let text = file(machine, "services", service)?;
                    let text = text.ok_or_else(|| {
                        Unseen::new(&*at.file, format!("names the service {service}, of which there is no file"))
                    })?;
                    let of = elements(&text).into_iter().filter(|(_, element)| name(element) == "port");
                    of.map(|(_, port)| format!("{}/{}", attribute(&port, "port"), attribute(&port, "protocol")))
                        .collect()
                }
                _ => continue,
            };
            for port in ports {
                finding.fact(
                    Aspect::Stored,
                    allowed.contains(&port),
                    &at,
                    format!("{element} lets in {port}"),
                    self.expects(),
                );
            }
        }
        let target = elements(&text).into_iter().find(|(_, element)| name(element) == "zone");
        let open = target.as_ref().is_some_and(|(_, element)| attribute(element, "target") == "ACCEPT");
        let found = format!("zone {zone}{}", if open { " accepts everything" } else { "" });
        finding.fact(Aspect::Stored, !open, &text.whole(), found, self.expects());
        Ok(())
    }

    fn loopback(&self, machine: &Machine<'_>, finding: &mut Finding) -> Result<(), Unseen> {
        let text = file(machine, "zones", "trusted")?;
        let whole = text.as_ref().map_or_else(|| At::file("/etc/firewalld/zones/trusted.xml"), |text| text.whole());
        let all = text.map_or_else(Vec::new, |text| elements(&text));
        let lo = all.iter().find(|(_, element)| name(element) == "interface" && attribute(element, "name") == "lo");
        let found = if lo.is_some() { "lo is trusted" } else { "lo is in no file of the zone trusted" };
        finding.fact(Aspect::Stored, lo.is_some(), lo.map_or(&whole, |(at, _)| at), found, self.expects());
        for source in ["127.0.0.1", "::1"] {
            let rule = all.iter().position(|(_, element)| {
                name(element) == "source" && attribute(element, "address").split('/').next() == Some(source)
            });
            // A rule's elements stand together up to its end.
            let within = rule.map_or(&[][..], |at| &all[at..]);
            let within: Vec<&str> =
                within.iter().map(|(_, element)| name(element)).take_while(|name| *name != "/rule").collect();
            let drops = within.contains(&"drop");
            let at = rule.map_or(&whole, |at| &all[at].0);
            let found = format!("{source} from elsewhere is {}dropped", if drops { "" } else { "not " });
            finding.fact(Aspect::Stored, drops, at, found, self.expects());
        }
        Ok(())
    }
}

fn file(machine: &Machine<'_>, kind: &str, name: &str) -> Result<Option<Rc<Text>>, Unseen> {
    for directory in DIRECTORIES {
        if let Some(text) = machine.text(&format!("{directory}/{kind}/{name}.xml"))? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Elements of an XML file with their attributes, in order; comments are left out. firewalld's files have no text in them
/// that matters.
fn elements(text: &Text) -> Vec<(At, String)> {
    let mut all = Vec::new();
    let (mut comment, mut open): (bool, Option<(At, String)>) = (false, None);
    for (at, line) in text.lines() {
        let mut rest = line;
        while !rest.is_empty() {
            if comment {
                let Some((_, after)) = rest.split_once("-->") else { break };
                (comment, rest) = (false, after);
            } else if let Some((at, mut element)) = open.take() {
                let (body, after) = rest.split_once('>').map_or((rest, None), |(body, after)| (body, Some(after)));
                element.push(' ');
                element.push_str(body);
                match after {
                    Some(after) => {
                        all.push((at, element.trim().trim_end_matches('/').trim().to_owned()));
                        rest = after;
                    }
                    None => {
                        open = Some((at, element));
                        break;
                    }
                }
            } else {
                let Some((_, after)) = rest.split_once('<') else { break };
                if let Some(after) = after.strip_prefix("!--") {
                    (comment, rest) = (true, after);
                } else {
                    open = Some((at.clone(), String::new()));
                    rest = after;
                }
            }
        }
    }
    all
}

fn name(element: &str) -> &str {
    element.split_whitespace().next().unwrap_or_default()
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let start = [format!("{name}=\""), format!("{name}='")];
    let found = start.iter().find_map(|start| element.split_once(&format!(" {start}")).map(|(_, rest)| rest));
    found.and_then(|rest| rest.split(['"', '\'']).next()).unwrap_or_default()
}
