//! What is waited for: a file, a port, connections to a port.

use super::port::{Connections, contact};
use crate::roles::modules::{ArgError, Args, Eyes, Failed};
use crate::roles::pattern::Pattern;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

/// A file or a port.
#[derive(Clone)]
pub enum Target {
    File(String),
    Port { host: String, port: u16, patience: Duration },
    Drained { host: String, port: u16, connections: Connections },
}

/// The groups of a pattern that matched.
#[derive(Debug, Default, PartialEq)]
pub struct Matched {
    pub groups: Vec<Option<String>>,
    pub named: Vec<(String, Option<String>)>,
}

impl Target {
    /// Reads the arguments that name it; `None` is a mere pause.
    pub fn read(args: &Args) -> Result<Option<Self>, ArgError> {
        let host = args.must("host")?;
        if let Some(path) = args.text("path") {
            return Ok(Some(Self::File(path)));
        }
        let drained = args.must("state")? == "drained";
        let Some(port) = args.int("port").filter(|port| *port != 0) else {
            return if drained { Err(args.together("state=drained needs a port")) } else { Ok(None) };
        };
        let port = u16::try_from(port).map_err(|_| args.wrong("port", format!("{port} is no port")))?;
        if drained {
            return Ok(Some(Self::Drained { host, port, connections: Connections::read(args)? }));
        }
        let patience = Duration::from_secs(args.int("connect_timeout").unwrap_or(5).max(0).cast_unsigned());
        Ok(Some(Self::Port { host, port, patience }))
    }

    /// Whether the state is reached, and what matched; `None` where it is not yet.
    pub fn look(
        &self,
        eyes: &Eyes<'_>,
        state: &str,
        search: Option<&Pattern>,
        left: Duration,
    ) -> Result<Option<Matched>, Failed> {
        let gone = matches!(state, "absent" | "stopped");
        match self {
            Self::File(path) => {
                let path = eyes.expanded(path);
                let there =
                    eyes.exists(&path).map_err(|error| Failed::new(format!("Failed to stat {path}, {error}")))?;
                match search {
                    _ if gone => Ok((!there).then(Matched::default)),
                    Some(search) if there => found(search, &text(eyes, &path)?),
                    _ => Ok(there.then(Matched::default)),
                }
            }
            Self::Drained { host, port, connections } => {
                Ok((connections.count(eyes, host, *port)? == 0).then(Matched::default))
            }
            Self::Port { host, port, patience } => {
                let stream = contact(eyes, host, *port, if gone { *patience } else { left.min(*patience) })?;
                match (stream, search) {
                    (None, _) => Ok(gone.then(Matched::default)),
                    (Some(_), _) if gone => Ok(None),
                    (Some(stream), Some(search)) => listen(stream, search, left),
                    (Some(_), None) => Ok(Some(Matched::default())),
                }
            }
        }
    }

    /// What to say when time runs out.
    pub fn late(&self, state: &str, search: Option<&Pattern>) -> String {
        match (self, search) {
            (Self::Drained { host, port, .. }, _) => format!("Timeout when waiting for {host}:{port} to drain"),
            (Self::Port { host, port, .. }, _) if matches!(state, "absent" | "stopped") => {
                format!("Timeout when waiting for {host}:{port} to stop.")
            }
            (Self::File(path), _) if state == "absent" => format!("Timeout when waiting for {path} to be absent."),
            (Self::Port { host, port, .. }, Some(search)) => {
                format!("Timeout when waiting for search string {} in {host}:{port}", search.as_str())
            }
            (Self::Port { host, port, .. }, None) => format!("Timeout when waiting for {host}:{port}"),
            (Self::File(path), Some(search)) => {
                format!("Timeout when waiting for search string {} in {path}", search.as_str())
            }
            (Self::File(path), None) => format!("Timeout when waiting for file {path}"),
        }
    }
}

/// What cannot be read now may be readable at the next look.
fn text(eyes: &Eyes<'_>, path: &str) -> Result<String, Failed> {
    match eyes.host.read(Path::new(path)) {
        Ok(bytes) => Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()),
        Err(error) => {
            tracing::debug!(path, %error, "the file that is waited for cannot be read");
            Ok(String::new())
        }
    }
}

fn found(search: &Pattern, text: &str) -> Result<Option<Matched>, Failed> {
    let captures = search.captures(text).map_err(|error| Failed::new(error.to_string()))?;
    let Some(captures) = captures else { return Ok(None) };
    let names = search.groups();
    let group = |number: usize| captures.get(number).map(|group| group.as_str().to_owned());
    let groups = (1..names.len()).map(group).collect();
    let named = names.iter().enumerate().filter_map(|(number, name)| Some((name.clone()?, group(number)))).collect();
    Ok(Some(Matched { groups, named }))
}

/// Reads what a port says until the pattern matches, it falls silent for good, or time runs out.
fn listen(mut stream: Box<dyn Read>, search: &Pattern, left: Duration) -> Result<Option<Matched>, Failed> {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    let began = Instant::now();
    let (mut said, mut chunk) = (Vec::new(), [0; 1024]);
    // Nobody who is still being waited for after so much will say it.
    while began.elapsed() < left && said.len() < 16 << 20 {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), Interrupted | TimedOut | WouldBlock) => continue,
            Err(_) => break,
        }
        // As the module: what a port says has no groups in the result.
        if found(search, &String::from_utf8_lossy(&said))?.is_some() {
            return Ok(Some(Matched::default()));
        }
    }
    Ok(None)
}
