//! As whom AWS is asked: known from the start of a boot, or found out at the first question of a local tree's roles.

use super::reach::{Caller, Reach};
use crate::cloud::{CloudError, Session};
use crate::failure::Explain;
use crate::roles::remote::RemoteError;
use std::sync::OnceLock;
use std::time::Duration;

/// Nobody who runs a local tree waits minutes for credentials that a boot would wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A session, or why there is none and a hint.
type Found = Result<Box<Session>, (String, Option<String>)>;

/// As whom AWS is asked.
pub(super) enum Who {
    /// The boot has found out.
    Known(Box<Caller>),
    /// To be found out, once: by settings and the environment, else by instance metadata.
    Asked(OnceLock<Found>),
}

impl Who {
    /// To be found out when something is asked.
    pub(super) fn unknown() -> Self {
        Self::Asked(OnceLock::new())
    }

    /// The session in which something is asked; `what` says what, for the error.
    pub(super) fn session(&self, reach: &Reach, what: &dyn Fn() -> String) -> Result<&Session, RemoteError> {
        let cell = match self {
            Self::Known(caller) => return Ok(&caller.session),
            Self::Asked(cell) => cell,
        };
        let found =
            cell.get_or_init(|| find_out(reach).map(Box::new).map_err(|error| (error.to_string(), error.hint())));
        found.as_deref().map_err(|(error, hint)| RemoteError {
            message: format!("{}: this run knows no AWS account: {error}", what()),
            hint: Some(format!(
                "set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the value with -e{}",
                hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
            )),
            missing: false,
        })
    }
}

fn find_out(reach: &Reach) -> Result<Session, CloudError> {
    let region = match &reach.transport.network().region {
        Some(region) => region.clone(),
        None => reach.ask(reach.metadata.identity())?.region,
    };
    let caller = reach.caller(&region);
    reach.ask(crate::cloud::wait_for_credentials(&caller.session, PATIENCE, |_| {}))?;
    Ok(caller.session)
}
