//! Trying again until a deadline, with growing pauses and jitter.

use super::{Answer, Call, Instant, Kind};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;
use std::time::Duration;

/// Growing pauses. Each is drawn from the upper half of its range: ten thousand hosts that began together drift apart.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses from about `first` to about `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// The next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(10))
    }
}

/// AWS learns a new role's credentials within this; those that it does not know then are wrong.
const UNKNOWN: Duration = Duration::from_secs(60);

/// Sends until there is a result, an answer that will not change, or no time left; then the last answer is given.
pub(super) async fn until<T, E, S, F>(call: &Call, deadline: Instant, mut send: S) -> Result<T, Answer>
where
    S: FnMut() -> F,
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    again(call, deadline, || {
        let sent = send();
        async { sent.await.map_err(|error| Answer::of(&error)) }
    })
    .await
}

/// The same for requests that are no SDK's.
pub(super) async fn again<T, S, F>(call: &Call, deadline: Instant, mut send: S) -> Result<T, Answer>
where
    S: FnMut() -> F,
    F: Future<Output = Result<T, Answer>>,
{
    let mut backoff = Backoff::default();
    let mut last: Option<Answer> = None;
    let unknown = Instant::now() + UNKNOWN;
    loop {
        match tokio::time::timeout_at(deadline, send()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(answer)) => {
                let never = answer.kind == Kind::Credentials && Instant::now() > unknown;
                if never || !answer.may_pass() {
                    return Err(answer);
                }
                tracing::debug!("{call}: {}; trying again", answer.message);
                last = Some(answer);
            }
            Err(_) => return Err(last.unwrap_or_else(|| Answer::unanswered(Kind::Silent, "no answer in time"))),
        }
        let pause = backoff.pause();
        if Instant::now() + pause >= deadline {
            return Err(last.unwrap_or_else(|| Answer::unanswered(Kind::Silent, "no answer in time")));
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_differ() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let pauses: Vec<Duration> = (0..8).map(|_| backoff.pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(50) && pauses[0] <= Duration::from_millis(100));
        assert!(pauses[7] >= Duration::from_millis(500) && pauses[7] <= Duration::from_secs(1));
        let other: Vec<Duration> = (0..8).map(|_| Backoff::default().pause()).collect();
        assert!(other.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
