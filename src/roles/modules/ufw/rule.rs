//! One rule: its words on ufw's command line, and its lines in ufw's files.

use super::state::{State, has_ipv6, tuples};
use super::{ArgError, Args, Eyes, Failed};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A rule as a task describes it.
#[derive(Clone)]
pub struct Rule {
    action: String,
    delete: bool,
    route: bool,
    insert: Option<i64>,
    relative_to: String,
    direction: Option<String>,
    interface: Option<String>,
    interface_in: Option<String>,
    interface_out: Option<String>,
    log: bool,
    from: (String, Option<String>),
    to: (String, Option<String>),
    proto: Option<String>,
    app: Option<String>,
    comment: Option<String>,
}

impl Rule {
    /// Reads its arguments.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        let rule = Self {
            action: args.must("rule")?,
            delete: args.flag("delete"),
            route: args.flag("route"),
            insert: args.int("insert"),
            relative_to: args.must("insert_relative_to")?,
            direction: args.text("direction"),
            interface: args.text("interface"),
            interface_in: args.text("interface_in"),
            interface_out: args.text("interface_out"),
            log: args.flag("log"),
            from: (args.must("from_ip")?, args.text("from_port")),
            to: (args.must("to_ip")?, args.text("to_port")),
            proto: args.text("proto"),
            app: args.text("name"),
            comment: args.text("comment"),
        };
        if !matches!(rule.direction.as_deref(), None | Some("in" | "out")) {
            return Err(args.together(
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
            ));
        }
        if !rule.route && rule.interface_in.is_some() && rule.interface_out.is_some() {
            return Err(args.together("Only route rules can combine interface_in and interface_out"));
        }
        Ok(rule)
    }

    /// The command line; `place` is where it is inserted.
    pub fn words(&self, ufw: &str, place: Option<i64>) -> Vec<String> {
        let mut words = vec![ufw.to_owned()];
        let mut add = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
        for (wanted, word) in [(self.route, "route"), (self.delete, "delete")] {
            if wanted {
                add(&[word]);
            }
        }
        if let Some(place) = place {
            add(&["insert", &place.to_string()]);
        }
        add(&[&self.action]);
        let before = [
            (&["on"][..], &self.interface),
            (&["in", "on"], &self.interface_in),
            (&["out", "on"], &self.interface_out),
        ];
        if let Some(direction) = &self.direction {
            add(&[direction]);
        }
        for (prefix, value) in before {
            if let Some(value) = value {
                add(prefix);
                add(&[value]);
            }
        }
        if self.log {
            add(&["log"]);
        }
        for (word, (address, port)) in [("from", &self.from), ("to", &self.to)] {
            add(&[word, address]);
            if let Some(port) = port {
                add(&["port", port]);
            }
        }
        for (word, value) in [("proto", &self.proto), ("app", &self.app), ("comment", &self.comment)] {
            if let Some(value) = value {
                add(&[word, value]);
            }
        }
        words
    }

    /// The number that it is inserted at. `None` adds it at the end: ufw refuses a number past the last rule.
    pub fn place(&self, eyes: &Eyes<'_>, ufw: &str) -> Result<Option<i64>, Failed> {
        let Some(insert) = self.insert.filter(|_| !self.delete) else { return Ok(None) };
        if self.relative_to == "zero" {
            return Ok(Some(insert));
        }
        let listing = eyes.ask([ufw, "status", "numbered"])?.text();
        let numbered = |line: &str| {
            let (number, _) = line.strip_prefix('[')?.split_once(']')?;
            Some((number.trim().parse::<i64>().ok()?, line.contains("(v6)")))
        };
        let lines: Vec<(i64, bool)> = listing.lines().filter_map(numbered).collect();
        let last = lines.iter().map(|line| line.0).max().unwrap_or(0);
        let last_v4 = lines.iter().filter(|line| !line.1).map(|line| line.0).max();
        let base = match self.relative_to.as_str() {
            "first-ipv4" => 1,
            "last-ipv4" => last_v4.unwrap_or(1),
            "first-ipv6" => last_v4.map_or(1, |last| last + 1),
            _ if lines.iter().any(|line| line.1) => last,
            _ => last + 1,
        };
        Ok(Some(insert + base).filter(|place| *place <= last))
    }

    /// Whether the rule stands already, by ufw's own files alone. `false` where that does not decide.
    pub fn stands(&self, eyes: &Eyes<'_>) -> Result<bool, Failed> {
        let simple = !(self.delete || self.route || self.log || self.insert.is_some() || self.app.is_some());
        if !simple || self.interface_in.is_some() || self.interface_out.is_some() {
            return Ok(false);
        }
        let mut found = false;
        for (file, any, is_v6) in [("/etc/ufw/user.rules", "0.0.0.0/0", false), ("/etc/ufw/user6.rules", "::/0", true)]
        {
            let Some(tuple) = self.tuple(any, is_v6) else { continue };
            if is_v6 && !has_ipv6(eyes)? {
                continue;
            }
            if !tuples(&eyes.text(file)?).any(|line| line == tuple) {
                return Ok(false);
            }
            found = true;
        }
        Ok(found)
    }

    /// The line that stands for it in the file of one address family; `None` where it is not of that family.
    fn tuple(&self, any: &str, is_v6: bool) -> Option<String> {
        let address = |address: &str| {
            if address == "any" {
                return Some(any.to_owned());
            }
            let bare = address.split('/').next().unwrap_or_default();
            let fits = if is_v6 { bare.parse::<Ipv6Addr>().is_ok() } else { bare.parse::<Ipv4Addr>().is_ok() };
            fits.then(|| address.to_owned())
        };
        let port = |port: &Option<String>| port.clone().unwrap_or_else(|| "any".into());
        let (to, from) = (address(&self.to.0)?, address(&self.from.0)?);
        let direction = self.direction.as_deref().unwrap_or("in");
        let interface = self.interface.as_ref().map(|name| format!("_{name}")).unwrap_or_default();
        let comment = self.comment.as_ref().map(|text| format!(" comment={}", hex::encode(text))).unwrap_or_default();
        Some(format!(
            "### tuple ### {} {} {} {to} {} {from} {direction}{interface}{comment}",
            self.action,
            self.proto.as_deref().unwrap_or("any"),
            port(&self.to.1),
            port(&self.from.1),
        ))
    }

    /// Whether its command would change anything, by a dry run compared as the module's check mode compares it.
    pub fn changes(&self, eyes: &Eyes<'_>, words: &[String], before: &State) -> Result<bool, Failed> {
        let mut dry = words.to_vec();
        dry.insert(1, "--dry-run".into());
        let output = eyes.ask(dry)?;
        let text = output.text();
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failed::new(if error.is_empty() { text } else { error }));
        }
        let idle = |line: &str| line.contains("Skipping") || line.contains("Could not delete non-existent rule");
        if !text.is_empty() && text.lines().all(idle) {
            return Ok(false);
        }
        let new: Vec<String> = tuples(&text).collect();
        // A dry run shows only the rules of the family that it touches.
        let families: [fn(&str) -> bool; 2] = [is_v4, is_v6];
        for family in families {
            let bare = |address: &str| address.split('/').next().map(str::to_owned).unwrap_or_default();
            if family(&bare(&self.from.0)) || family(&bare(&self.to.0)) {
                let of = |lines: &[String]| -> Vec<String> {
                    let holds = |line: &&String| line.split([' ', '/']).any(family);
                    lines.iter().filter(holds).cloned().collect()
                };
                return Ok(of(&before.tuples) != of(&new));
            }
        }
        Ok(before.tuples != new)
    }
}

fn is_v4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}
