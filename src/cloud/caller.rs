//! As whom AWS sees this host: needs no permission, so it is also a probe of credentials.

use super::retry::until;
use super::{Answer, Call, Instant, Kind, Service, Session};
use std::time::Duration;

/// The ARN behind a session's credentials. Short: it is asked for an error message.
pub(super) async fn ask(session: &Session) -> Result<String, Answer> {
    let call = Call::new(Service::Sts, "GetCallerIdentity", "");
    let request = session.sts().get_caller_identity();
    let deadline = Instant::now() + Duration::from_secs(5);
    let output = until(&call, deadline, || request.clone().send()).await?;
    output.arn.ok_or_else(|| Answer::unanswered(Kind::Refused, "sts:GetCallerIdentity named nobody"))
}
