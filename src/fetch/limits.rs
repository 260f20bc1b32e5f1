//! How long each wait may take, and how much may come.

use super::FetchError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The limits of one fetch.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a name to resolve and a connection to stand, the proxy's included.
    pub connect: Duration,
    /// For the SSH handshake, and then for authentication; each.
    pub handshake: Duration,
    /// Between one byte and the next.
    pub idle: Duration,
    /// For all of it.
    pub whole: Duration,
    /// For all that is received.
    pub bytes: u64,
    /// The run is asked to end when this says so: then no wait goes on.
    pub stopped: Option<Arc<AtomicBool>>,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(15),
            handshake: seconds(15),
            idle: seconds(30),
            whole: seconds(300),
            bytes: 512 << 20,
            stopped: None,
        }
    }
}

/// How often a wait looks whether the run is asked to end.
const LOOK: Duration = Duration::from_millis(100);

/// The limits of a fetch that has begun.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) limits: Limits,
    end: Instant,
}

impl Clock {
    pub(super) fn start(limits: Limits) -> Self {
        let end = Instant::now() + limits.whole;
        Self { limits, end }
    }

    /// Waits for something, as long as this wait and the whole fetch may take.
    pub(super) async fn wait<T>(
        &self,
        attempt: &'static str,
        host: &str,
        limit: Duration,
        what: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        let left = self.end.saturating_duration_since(Instant::now());
        tokio::select! {
            biased;
            () = self.stopped() => Err(FetchError::Stopped { attempt, host: host.to_owned() }),
            answer = tokio::time::timeout(limit.min(left), what) => answer.map_err(|_| match left <= limit {
                true => FetchError::Deadline { host: host.to_owned(), limit: self.limits.whole },
                false => FetchError::Timeout { attempt, host: host.to_owned(), limit },
            }),
        }
    }

    /// Comes back when the run is asked to end.
    async fn stopped(&self) {
        let Some(stopped) = &self.limits.stopped else { return std::future::pending().await };
        while !stopped.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK).await;
        }
    }
}
