//! Heartbeats: while work goes on, the lifecycle hooks that wait for this host are told so.

use super::audience::Audience;
use super::reach::{Caller, Reach};
use crate::cloud::signal::{Held, Messenger, hooks};
use crate::cloud::{Instant, Session};
use std::sync::Arc;
use std::time::Duration;

/// The shortest heartbeat timeout that a hook may have is 30 s.
const OFTEN: Duration = Duration::from_secs(10);
/// Where the hook's own timeout cannot be asked for.
const USUAL: Duration = Duration::from_secs(60);

/// Beats until it is dropped.
pub(super) struct Heartbeat(Option<tokio::task::JoinHandle<()>>);

impl Heartbeat {
    /// Begins to beat, where a hook is known.
    pub(super) fn start(reach: &Reach, caller: &Caller, audience: &Audience, instance: &str, end: Instant) -> Self {
        let Some((group, hook)) = audience.hook() else { return Self(None) };
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (group, hook, instance, session) = (own(group), own(hook), instance.to_owned(), caller.own.clone());
        let messenger = Messenger::new(session.clone(), Some(Arc::clone(&reach.metadata)));
        Self(Some(reach.runtime().spawn(async move {
            let held = loop {
                // A hook may be attached after the instance was launched (kops #16582), and the permission to ask for it
                // too: it is looked for again.
                match messenger.hooks(&instance, group.as_deref(), hook.as_deref(), end).await {
                    Ok(held) if !held.is_empty() => break held,
                    Ok(_) => tokio::time::sleep(USUAL).await,
                    Err(error) => {
                        tracing::warn!("heartbeat: {error}");
                        tokio::time::sleep(USUAL).await;
                    }
                }
            };
            let mut shortest = pause(&session, &held[0], end).await;
            for more in &held[1..] {
                shortest = shortest.min(pause(&session, more, end).await);
            }
            while Instant::now() < end {
                for one in &held {
                    // A beat that is lost is no failure of the boot: the next one comes in time, or the outcome says more.
                    match messenger.heartbeat(one).await {
                        Ok(heard) => tracing::debug!("heartbeat: {heard}"),
                        Err(error) => tracing::warn!("heartbeat: {error}"),
                    }
                }
                tokio::time::sleep(shortest).await;
            }
        })))
    }
}

/// A third of what the hook waits between two beats.
async fn pause(session: &Session, held: &Held, end: Instant) -> Duration {
    let mut timeout = held.timeout;
    if timeout.is_none() {
        let found = hooks(session, &held.group, end).await.unwrap_or_default();
        timeout = found.into_iter().find(|one| one.name == held.hook).and_then(|one| one.heartbeat);
    }
    timeout.map_or(USUAL, |timeout| (timeout / 3).clamp(OFTEN, Duration::from_secs(600)))
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}
