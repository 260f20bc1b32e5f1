//! What must hold before the host is said to be in service.

use crate::settings::scalar::{Path, Period, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One check. Exactly one of `unit`, `tcp`, `http`, `file` and `command` says what is looked at.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Its name in messages.
    #[serde(default)]
    pub name: Option<String>,
    /// A systemd unit that must be active.
    #[serde(default)]
    pub unit: Option<String>,
    /// A TCP port that must accept, as `host:port`.
    #[serde(default)]
    pub tcp: Option<String>,
    /// An address that must answer.
    #[serde(default)]
    pub http: Option<Url>,
    /// The statuses that pass. 200 to 299 where none is written.
    #[serde(default)]
    pub status: Vec<u16>,
    /// A text that the body must contain.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether the server's certificate is verified.
    #[serde(default = "yes")]
    pub verify: bool,
    /// A file that must be there.
    #[serde(default)]
    pub file: Option<Path>,
    /// A text that the file must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// How long ago the file may have been written.
    #[serde(default)]
    pub max_age: Option<Period>,
    /// A program and its arguments that must end with zero.
    #[serde(default)]
    pub command: Vec<String>,
    /// How long one look may take.
    #[serde(default = "seconds::<5>")]
    pub timeout: Period,
    /// How long to wait between two looks.
    #[serde(default = "seconds::<2>")]
    pub interval: Period,
    /// When to give up.
    #[serde(default = "seconds::<120>")]
    pub deadline: Period,
    /// How many looks in a row must pass.
    #[serde(default = "one")]
    pub successes: u32,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

const fn seconds<const N: u64>() -> Period {
    Period::seconds(N)
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe<'a> {
    /// A systemd unit.
    Unit(&'a str),
    /// A TCP port.
    Tcp(&'a str, u16),
    /// An address.
    Http(&'a Url),
    /// A file.
    File(&'a Path),
    /// A program.
    Command(&'a [String]),
}

impl HealthCheck {
    /// What it looks at; `None` is refused when settings are validated.
    pub fn probe(&self) -> Option<Probe<'_>> {
        let mut probes: Vec<Probe<'_>> = Vec::new();
        probes.extend(self.unit.as_deref().map(Probe::Unit));
        probes.extend(self.tcp.as_deref().and_then(address).map(|(host, port)| Probe::Tcp(host, port)));
        probes.extend(self.http.as_ref().map(Probe::Http));
        probes.extend(self.file.as_ref().map(Probe::File));
        probes.extend((!self.command.is_empty()).then_some(Probe::Command(&self.command)));
        if probes.len() == 1 { probes.pop() } else { None }
    }

    /// What is wrong, and with which key, for the check at an index.
    pub(in crate::settings) fn faults(&self, index: usize) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: &str| faults.push((format!("health[{index}]{key}"), message.to_owned()));
        if self.tcp.as_deref().is_some_and(|text| address(text).is_none()) {
            fault(".tcp", "expected `host:port`");
        } else if self.probe().is_none() {
            fault("", "write one of `unit`, `tcp`, `http`, `file` and `command`");
        }
        if self.http.is_none() && (!self.status.is_empty() || self.body.is_some() || !self.verify) {
            fault("", "`status`, `body` and `verify` go with `http`");
        }
        if self.file.is_none() && (self.contains.is_some() || self.max_age.is_some()) {
            fault("", "`contains` and `max_age` go with `file`");
        }
        if self.successes == 0 {
            fault(".successes", "expected at least 1");
        }
        if self.timeout.get().is_zero() || self.deadline.get().is_zero() {
            fault("", "a check needs time: `timeout` and `deadline` are longer than 0s");
        }
        faults
    }
}

/// `host:port`, an IPv6 address in brackets.
fn address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty() && (bare.is_some() || !host.contains(':'))).then_some((host, port))
}
