//! The lifecycle hook that holds this host back, where settings leave it to the group to say which.

use super::audience::Audience;
use super::reach::{Caller, Reach};
use crate::cloud::signal::{Messenger, Recipient};
use crate::cloud::{Instant, Kind};
use crate::failure::Explain;
use std::sync::Arc;
use std::time::Duration;

/// One answer of Auto Scaling, and a second try; and no more than a quarter of the time that there is to tell everybody. A
/// host that cannot ask (no permission, no way there) is no worse off than one without a hook. Where Auto Scaling is
/// merely busy, the outcome is owed to whichever hook it is, and goes through the outbox like any other.
const SEARCH: Duration = Duration::from_secs(8);

/// Asks which hook it is and adds it to the audience. What is given is why that is not known, for the run's notes.
pub(super) fn find(audience: &mut Audience, reach: &Reach, caller: &Caller, deadline: Instant) -> Option<String> {
    let Some((group, None)) = audience.hook() else { return None };
    let messenger = Messenger::new(caller.own.clone(), Some(Arc::clone(&reach.metadata)));
    let now = Instant::now();
    let until = now + SEARCH.min(deadline.saturating_duration_since(now) / 4);
    let asked = messenger.hook(audience.instance(), group, None, until);
    match reach.wait(asked) {
        Ok(Some(held)) => {
            audience.found(Some(Recipient::Lifecycle { group: Some(held.group), hook: Some(held.hook) }));
            None
        }
        Ok(None) => {
            audience.found(None);
            None
        }
        Err(error) if matches!(error.kind(), Some(Kind::Throttled | Kind::Fault)) => {
            let group = group.map(str::to_owned);
            audience.found(Some(Recipient::Lifecycle { group, hook: None }));
            Some(format!("which lifecycle hook waits for this instance is asked again when it is told: {error}"))
        }
        Err(error) => {
            audience.found(None);
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            Some(format!(
                "this instance is in an Auto Scaling group, and which lifecycle hook waits for it is not known: \
                 {error}{hint}; name it, `signal: {{autoscaling: {{hook: NAME}}}}`, or say that there is none, \
                 `from_group: false`"
            ))
        }
    }
}
