//! One look at one thing.

use crate::host::{Command, Observe};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What a check looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// A systemd unit is active.
    Unit(String),
    /// A TCP port accepts a connection.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A URL answers.
    Http {
        /// Where.
        url: String,
        /// Accepted statuses; empty accepts 200 to 299.
        status: Vec<u16>,
        /// A text that the body must contain.
        body: Option<String>,
        /// Whether the certificate is verified.
        verify: bool,
    },
    /// A file is there.
    File {
        /// Where.
        path: PathBuf,
        /// A text that it must contain.
        contains: Option<String>,
        /// How long ago it may have been written.
        max_age: Option<Duration>,
    },
    /// A program ends with zero.
    Command(Vec<String>),
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(name) => write!(f, "unit {name}"),
            Self::Tcp { host, port } => write!(f, "tcp {host}:{port}"),
            Self::Http { url, .. } => write!(f, "http {url}"),
            Self::File { path, .. } => write!(f, "file {}", path.display()),
            Self::Command(argv) => write!(f, "command {}", argv.join(" ")),
        }
    }
}

/// What one look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is as it should be.
    Pass,
    /// It is not, yet.
    NotYet(String),
    /// It is not, and waiting does not help.
    Never(String),
}

/// The network, as checks need it. The boot hands it in.
pub trait Network {
    /// Connects, and lets go again.
    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<(), String>;
    /// GETs a URL: status, and the first 64 KiB of the body.
    fn get(&self, url: &str, verify: bool, timeout: Duration) -> Result<(u16, Vec<u8>), String>;
}

impl Probe {
    /// Looks once.
    pub fn look(&self, host: &dyn Observe, network: &dyn Network, now: SystemTime, timeout: Duration) -> Look {
        match self {
            Self::Unit(name) => unit(name, host, timeout),
            Self::Tcp { host, port } => {
                network.connect(host, *port, timeout).map_or_else(Look::NotYet, |()| Look::Pass)
            }
            Self::Http { url, status, body, verify } => match network.get(url, *verify, timeout) {
                Err(why) => Look::NotYet(why),
                Ok((code, _)) if !accepted(status, code) => Look::NotYet(format!("it answered {code}")),
                Ok((code, bytes)) => match body {
                    Some(want) if !contains(&bytes, want) => {
                        Look::NotYet(format!("it answered {code} without `{want}` in the first {} bytes", bytes.len()))
                    }
                    _ => Look::Pass,
                },
            },
            Self::File { path, contains: want, max_age } => file(path, want.as_deref(), *max_age, host, now),
            Self::Command(argv) => {
                let command = Command { timeout: Some(timeout), ..Command::new(argv.iter().cloned()) };
                match host.query(&command) {
                    Err(why) if why.kind() == std::io::ErrorKind::NotFound => Look::Never(format!("cannot run: {why}")),
                    Err(why) => Look::NotYet(format!("cannot run: {why}")),
                    Ok(output) if output.timed_out => Look::NotYet(format!("still running after {timeout:?}")),
                    Ok(output) if output.ok() => Look::Pass,
                    Ok(output) => Look::NotYet(format!("ended with {}{}", output.code, tail(&output.stderr))),
                }
            }
        }
    }
}

/// `failed` is final: systemd has given up on it, restarts included (a unit between restarts is `activating`).
fn unit(name: &str, host: &dyn Observe, timeout: Duration) -> Look {
    let argv = ["systemctl", "show", "--property=LoadState,ActiveState,SubState,Result", "--", name];
    let command = Command { timeout: Some(timeout), ..Command::new(argv) };
    let text = match host.query(&command) {
        Err(why) => return Look::NotYet(format!("systemctl cannot be asked: {why}")),
        Ok(output) if !output.ok() => return Look::NotYet(format!("systemctl ended with {}", output.code)),
        Ok(output) => output.text(),
    };
    let property = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("unknown").to_owned()
    };
    let state = format!("{} ({})", property("ActiveState"), property("SubState"));
    match (property("LoadState").as_str(), property("ActiveState").as_str()) {
        (_, "active") => Look::Pass,
        ("not-found", _) => Look::Never("there is no such unit".into()),
        (_, "failed") => Look::Never(format!("{state}, result {}", property("Result"))),
        _ => Look::NotYet(state),
    }
}

fn file(
    path: &std::path::Path,
    want: Option<&str>,
    max_age: Option<Duration>,
    host: &dyn Observe,
    now: SystemTime,
) -> Look {
    let stat = match host.stat(path, true) {
        Err(why) => return Look::NotYet(why.to_string()),
        Ok(None) => return Look::NotYet("it is not there".into()),
        Ok(Some(stat)) => stat,
    };
    if let Some(limit) = max_age {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        if now - stat.mtime > limit.as_secs_f64() {
            return Look::NotYet(format!("it was last written {:.0} s ago", now - stat.mtime));
        }
    }
    let Some(want) = want else { return Look::Pass };
    match host.read(path) {
        Ok(Some(bytes)) if contains(&bytes, want) => Look::Pass,
        Ok(_) => Look::NotYet(format!("it does not contain `{want}`")),
        Err(why) => Look::NotYet(why.to_string()),
    }
}

fn accepted(status: &[u16], code: u16) -> bool {
    if status.is_empty() { (200..300).contains(&code) } else { status.contains(&code) }
}

fn contains(bytes: &[u8], want: &str) -> bool {
    want.is_empty() || bytes.windows(want.len()).any(|window| window == want.as_bytes())
}

/// The last line of what a program said, for a message.
fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map_or_else(String::new, |line| format!(": {}", line.trim()))
}
