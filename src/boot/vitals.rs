//! Health checks as settings write them, and the network that they look through.

use super::reach::Reach;
use crate::health::{Check, Clock, Network, Probe};
use crate::settings::Period;
use crate::settings::keys::{self, HealthCheck};
use std::time::{Duration, Instant, SystemTime};

/// Enough of a body to find a text in.
const BODY: usize = 64 * 1024;

/// The checks that settings ask for.
pub(super) fn checks(written: &[HealthCheck]) -> Vec<Check> {
    written.iter().filter_map(check).collect()
}

fn check(written: &HealthCheck) -> Option<Check> {
    let probe = match written.probe()? {
        keys::Probe::Unit(name) => Probe::Unit(name.to_owned()),
        keys::Probe::Tcp(host, port) => Probe::Tcp { host: host.to_owned(), port },
        keys::Probe::Http(url) => Probe::Http {
            url: url.as_str().to_owned(),
            status: written.status.clone(),
            body: written.body.clone(),
            verify: written.verify,
        },
        keys::Probe::File(path) => Probe::File {
            path: path.as_path().to_owned(),
            contains: written.contains.clone(),
            max_age: written.max_age.map(Period::get),
        },
        keys::Probe::Command(argv) => Probe::Command(argv.to_vec()),
    };
    Some(Check {
        name: written.name.clone().unwrap_or_else(|| probe.to_string()),
        probe,
        timeout: written.timeout.get(),
        interval: written.interval.get(),
        deadline: written.deadline.get(),
        successes: written.successes,
    })
}

/// The network, as checks look through it.
pub(super) struct Looking<'a>(pub(super) &'a Reach);

impl Looking<'_> {
    fn until<T>(&self, look: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        self.0.unless_stopped(look).unwrap_or_else(|| Err("the run was stopped from outside".into()))
    }
}

/// Time as a run has it: no sleep is longer than the run.
pub(super) struct RunClock<'a>(pub(super) &'a Reach);

impl Clock for RunClock<'_> {
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, time: Duration) {
        self.0.unless_stopped(async { tokio::time::sleep(time).await });
    }
    fn stopped(&self) -> bool {
        self.0.is_stopped()
    }
}

impl Network for Looking<'_> {
    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<(), String> {
        self.until(async {
            let connect = async {
                let addresses = self.0.transport.dns().addresses(host).await.map_err(|error| error.to_string())?;
                let mut last = format!("{host} has no address");
                for address in addresses {
                    match tokio::net::TcpStream::connect((address, port)).await {
                        Ok(_) => return Ok(()),
                        Err(error) => last = format!("{address}: {error}"),
                    }
                }
                Err(last)
            };
            tokio::time::timeout(timeout, connect).await.map_err(|_| format!("no answer within {timeout:?}"))?
        })
    }

    fn get(&self, url: &str, verify: bool, timeout: Duration) -> Result<(u16, Vec<u8>), String> {
        self.until(async {
            let client = self.0.transport.web_with(verify, true, false).map_err(|error| error.to_string())?;
            let plain = |error: reqwest::Error| {
                let error = error.without_url();
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
            };
            let mut answer = client.get(url).timeout(timeout).send().await.map_err(plain)?;
            let status = answer.status().as_u16();
            let mut body = Vec::new();
            while body.len() < BODY {
                match answer.chunk().await.map_err(plain)? {
                    Some(chunk) => body.extend_from_slice(&chunk),
                    None => break,
                }
            }
            body.truncate(BODY);
            Ok((status, body))
        })
    }
}
