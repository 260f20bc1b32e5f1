//! The lifecycle hooks that hold this host back, where settings leave it to the group to say which.

use super::audience::Audience;
use super::reach::{Caller, Reach};
use crate::cloud::Instant;
use crate::cloud::signal::{Messenger, Recipient};
use crate::failure::Explain;
use std::sync::Arc;
use std::time::Duration;

/// One answer of Auto Scaling, and a second try; and no more than a quarter of the time that there is to tell everybody.
const SEARCH: Duration = Duration::from_secs(8);

/// What to do where the group cannot be asked.
pub(super) const NAME_IT: &str =
    "name the hook, `signal: {autoscaling: {hook: NAME}}`, or say that there is none, `from_group: false`";

/// Asks which hooks they are and adds them to the audience. What is given is why that is not known yet: then the outcome
/// is owed to whichever they are and goes through the outbox like any other, because a hook that is forgotten gives the
/// host up.
pub(super) fn find(audience: &mut Audience, reach: &Reach, caller: &Caller, deadline: Instant) -> Option<String> {
    let Some((group, None)) = audience.hook() else { return None };
    let messenger = Messenger::new(caller.own.clone(), Some(Arc::clone(&reach.metadata)));
    let now = Instant::now();
    let until = now + SEARCH.min(deadline.saturating_duration_since(now) / 4);
    let group = group.map(str::to_owned);
    let asked = messenger.hooks(audience.instance(), group.as_deref(), None, until);
    match reach.wait(asked) {
        Ok(held) => {
            let named = |group, hook| Recipient::Lifecycle { group: Some(group), hook: Some(hook) };
            audience.found(held.into_iter().map(|held| named(held.group, held.hook)));
            None
        }
        Err(error) => {
            audience.found([Recipient::Lifecycle { group, hook: None }]);
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            Some(format!(
                "which lifecycle hook waits for this instance is not known yet, and is asked again when it is told: \
                 {error}{hint}; {NAME_IT}"
            ))
        }
    }
}
