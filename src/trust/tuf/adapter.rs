//! A [`Remote`] as `sigstore-tuf` asks for one: every file is strict JSON, of a bounded size, with keys that count once,
//! before the library parses it.

use super::{Remote, TufError, keys};
use crate::trust::strict::strict;
use jiff::Timestamp;
use sigstore_tuf::{Error, Repository, UpdaterConfig};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Fetched<'a> = std::pin::Pin<Box<dyn Future<Output = sigstore_tuf::Result<Option<Vec<u8>>>> + Send + 'a>>;

/// The roots that one refresh follows: an image may be launched for years.
pub(super) const ROTATIONS: u32 = 1024;

/// The limits of one refresh, in bytes and numbers.
pub(super) fn limits() -> UpdaterConfig {
    let mut limits = UpdaterConfig::default();
    limits.max_root_rotations = ROTATIONS;
    limits
}

/// The remote, guarded.
pub(super) struct Guarded(pub(super) Arc<dyn Remote>);

impl Guarded {
    /// A metadata file that may be parsed.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, TufError> {
        let answer = self.0.metadata(name, limit).map_err(|refusal| refusal.of(name, limit))?;
        let Some(bytes) = answer.map(crate::trust::Untrusted::judge) else {
            return match is_root(name) {
                true => Ok(None),
                false => Err(TufError::Missing { file: name.to_owned() }),
            };
        };
        if bytes.len() as u64 > limit {
            return Err(TufError::TooLarge { file: name.to_owned(), limit });
        }
        judge(name, &bytes)?;
        Ok(Some(bytes))
    }
}

/// Judges a file's form before anything else reads it.
pub(super) fn judge(name: &str, bytes: &[u8]) -> Result<(), TufError> {
    strict(bytes, bytes.len()).map_err(|source| TufError::Json { file: name.to_owned(), source })?;
    keys::judge(name, bytes)
}

/// `N.root.json`: the one file that may be missing, because it ends the chain.
pub(super) fn is_root(name: &str) -> bool {
    name.strip_suffix(".root.json").is_some_and(|number| number.parse::<u64>().is_ok())
}

impl Repository for Guarded {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> Fetched<'a> {
        let read = self.read(name, max_length).map_err(|error| Error::transport_with_source(name, error));
        Box::pin(async move { read })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, _: u64) -> Fetched<'a> {
        // Targets are streamed by `target.rs`; the library would hold them in memory.
        Box::pin(async move { Err(Error::transport(format!("target {path} is not fetched this way"))) })
    }
}

/// Runs the library's future. A [`Remote`] blocks, so it never waits.
pub(super) fn run<T>(future: impl Future<Output = sigstore_tuf::Result<T>>, now: Timestamp) -> Result<T, TufError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(|error| told(error, now)),
        Poll::Pending => Err(TufError::Malformed { problem: "the client waits for nothing".into() }),
    }
}

/// The library's error in this room's words.
pub(super) fn told(error: Error, now: Timestamp) -> TufError {
    match error {
        Error::Expired { role, expires } => TufError::Expired { role, expires, now },
        Error::ThresholdNotMet { role, found, threshold } => TufError::Threshold { role, found, threshold },
        Error::DuplicateSignature { role, key_id } => TufError::SignedTwice { role, key: key_id },
        Error::Rollback { role, trusted, new } => TufError::Rollback { role, trusted, found: new },
        Error::BadRootVersion { trusted, new } => TufError::RootOrder { trusted, found: new },
        Error::IntegrityMismatch(problem) => TufError::Mismatch { problem },
        Error::TargetNotFound(target) => TufError::NotListed { target },
        Error::Transport { message, source } => match source.map(|source| source.downcast::<TufError>()) {
            Some(Ok(own)) => *own,
            Some(Err(other)) => TufError::Malformed { problem: format!("{message}: {other}") },
            None if message.starts_with("exceeded") => TufError::Rotations { limit: ROTATIONS },
            None => TufError::Malformed { problem: message },
        },
        other => {
            let mut problem = other.to_string();
            let mut cause = std::error::Error::source(&other);
            while let Some(error) = cause {
                problem = format!("{problem}: {error}");
                cause = error.source();
            }
            TufError::Malformed { problem }
        }
    }
}
