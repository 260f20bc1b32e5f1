//! A call that came to no result: what is said of it, and what to do next.

use crate::cloud::{Answer, Call, Kind, Service};

/// A call that came to no result, and what is known of the way it took.
#[derive(Debug)]
pub struct Asked {
    /// What was asked.
    pub call: Call,
    /// What came back.
    pub answer: Answer,
    /// As whom, where that is known.
    pub caller: Option<String>,
    /// Where: the endpoint set, or the region.
    pub endpoint: String,
    /// Through which proxy.
    pub proxy: Option<String>,
    /// The host's clock when the answer came.
    pub local_time: String,
}

impl Asked {
    pub(in crate::cloud) fn message(&self) -> String {
        let beside = self.answer.beside.as_ref().map(|said| format!("; {said}")).unwrap_or_default();
        self.said() + &beside
    }

    fn said(&self) -> String {
        let Self { call, answer, endpoint, .. } = self;
        let through = self.proxy.as_ref().map(|proxy| format!(" through proxy {proxy}")).unwrap_or_default();
        let said = if answer.code.is_empty() {
            answer.message.clone()
        } else {
            format!("{}: {}", answer.code, answer.message)
        };
        match answer.kind {
            Kind::Denied => self.denial(),
            Kind::Throttled => format!("{call} was throttled until the deadline ({said})"),
            Kind::Clock => {
                let theirs = answer.server_time.as_ref().filter(|time| differ(time, &self.local_time));
                let theirs = theirs.map(|time| format!(", AWS's says {time}")).unwrap_or_default();
                format!("{call}: the clock of this host is wrong: it says {}{theirs} ({said})", self.local_time)
            }
            Kind::Missing => format!("{call}: there is no such thing ({said})"),
            Kind::Credentials => format!("{call}: the credentials cannot be used ({said})"),
            Kind::Unreachable => format!("{call}: {endpoint} could not be reached{through} ({said})"),
            Kind::Silent => format!("{call}: {endpoint} gave no answer in time{through} ({said})"),
            Kind::Untrusted => format!("{call}: {endpoint} needs TLS, and {said}"),
            Kind::Fault if self.status() == 200 => {
                format!("{call}: something between this host and AWS answered in its place{through} ({said})")
            }
            Kind::Fault => format!("{call}: AWS failed until the deadline (HTTP {}, {said})", self.status()),
            Kind::Refused => format!("{call} was refused ({said})"),
        }
    }

    fn denial(&self) -> String {
        let said = Denial::read(&self.answer.message);
        let action = said.action.map_or_else(|| self.call.permission(), str::to_owned);
        let resource = said.resource.unwrap_or(&self.call.resource);
        let caller = said.caller.or(self.caller.as_deref()).unwrap_or("this host's credentials");
        let on = if resource.is_empty() { String::new() } else { format!(" on {resource}") };
        let because = said.because.map(|because| format!(" ({because})")).unwrap_or_default();
        format!("{action}{on} denied to {caller}{because}")
    }

    fn status(&self) -> u16 {
        self.answer.status.unwrap_or_default()
    }
}

impl Asked {
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self.answer.kind {
            Kind::Denied => {
                let action = Denial::read(&self.answer.message).action.map_or_else(|| self.call.permission(), str::to_owned);
                format!("allow {action} in the role's policy, or in the policy of the resource or its key")
            }
            Kind::Throttled if self.call.service == Service::Ssm => "Parameter Store's default is 40 calls a second for the whole account and region; higher throughput is an account setting".into(),
            Kind::Throttled => format!(
                "{} limits how often an account may call it in a region: what else calls it this often?",
                self.call.service.prefix()
            ),
            Kind::Clock => "is chrony running? 169.254.169.123 gives the time in every VPC".into(),
            Kind::Credentials => "the role may have been created a moment ago, or its credentials revoked".into(),
            Kind::Unreachable | Kind::Silent => match &self.proxy {
                Some(_) => "does the proxy allow this host name? no_proxy can name what is reached directly".into(),
                None => format!(
                    "a private subnet needs a NAT gateway, a proxy or the VPC endpoint com.amazonaws.REGION.{}",
                    self.call.service.prefix()
                ),
            },
            Kind::Untrusted => "install the package ca-certificates, or name a CA bundle in the settings".into(),
            Kind::Fault if self.status() == 200 => {
                "is the endpoint in settings the service's, and is there a portal or a proxy that answers for it?".into()
            }
            Kind::Missing | Kind::Fault | Kind::Refused => return None,
        })
    }
}

/// Whether two clocks tell different times, as HTTP and RFC 3339 write them; something in between may have a clock, too.
fn differ(theirs: &str, own: &str) -> bool {
    let theirs = jiff::fmt::rfc2822::parse(theirs).map(|zoned| zoned.timestamp());
    match (theirs, own.parse::<jiff::Timestamp>()) {
        (Ok(theirs), Ok(own)) => own.duration_since(theirs).abs() > jiff::SignedDuration::from_secs(60),
        _ => true,
    }
}

/// The parts of AWS's own denial, `User: A is not authorized to perform: B on resource: C because D`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cloud) struct Denial<'a> {
    pub(in crate::cloud) caller: Option<&'a str>,
    action: Option<&'a str>,
    resource: Option<&'a str>,
    because: Option<&'a str>,
}

impl<'a> Denial<'a> {
    pub(in crate::cloud) fn read(message: &'a str) -> Self {
        let after = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
        let word = |text: &'a str| text.split_whitespace().next().map(|word| word.trim_end_matches(['.', ',']));
        Self {
            caller: after("User: ").and_then(word),
            action: after("not authorized to perform: ").and_then(word),
            // A wildcard says less than what was asked for.
            resource: after("on resource: ")
                .and_then(word)
                .map(|word| word.trim_matches('"'))
                .filter(|word| *word != "*"),
            because: message.find("because ").map(|at| message[at..].trim_end_matches('.')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CloudError;
    use crate::failure::Explain;

    fn asked(answer: Answer) -> CloudError {
        CloudError::Asked(Box::new(Asked {
            call: Call::new(Service::Ssm, "GetParameters", "/a/b"),
            answer,
            caller: Some("arn:aws:sts::123:assumed-role/web/i-0abc".into()),
            endpoint: "ssm in eu-west-1".into(),
            proxy: None,
            local_time: "2031-01-01T00:00:00Z".into(),
        }))
    }

    #[test]
    fn a_denial_shows_caller_action_and_resource_as_aws_names_them() {
        let message = "User: arn:aws:sts::123:assumed-role/web/i-0abc is not authorized to perform: ssm:GetParameters on \
                       resource: arn:aws:ssm:eu-west-1:123:parameter/a/b because no identity-based policy allows the \
                       ssm:GetParameters action";
        let error = asked(Answer::answered(400, "AccessDeniedException", message.into(), None));
        assert_eq!(
            error.to_string(),
            "ssm:GetParameters on arn:aws:ssm:eu-west-1:123:parameter/a/b denied to \
             arn:aws:sts::123:assumed-role/web/i-0abc (because no identity-based policy allows the ssm:GetParameters action)"
        );
        assert!(error.hint().expect("hint").contains("ssm:GetParameters"));
    }

    #[test]
    fn a_denial_that_says_nothing_is_filled_from_what_is_known() {
        let error = asked(Answer::answered(403, "AccessDenied", "Access Denied".into(), None));
        assert_eq!(error.to_string(), "ssm:GetParameters on /a/b denied to arn:aws:sts::123:assumed-role/web/i-0abc");
    }

    #[test]
    fn a_wrong_clock_is_named_with_both_times() {
        let answer = Answer::answered(
            403,
            "RequestTimeTooSkewed",
            "skewed".into(),
            Some("Sun, 22 Nov 2026 07:00:00 GMT".into()),
        );
        let text = asked(answer).to_string();
        assert!(text.contains("2031-01-01T00:00:00Z") && text.contains("Sun, 22 Nov 2026 07:00:00 GMT"), "{text}");
    }

    #[test]
    fn what_cannot_be_reached_names_the_endpoint_and_the_way_out() {
        let error = asked(Answer::unanswered(Kind::Unreachable, "tcp connect error"));
        assert!(error.to_string().contains("ssm in eu-west-1"), "{error}");
        assert!(error.hint().expect("hint").contains("com.amazonaws.REGION.ssm"));
    }

    fn told(call: Call, answer: Answer) -> CloudError {
        let (caller, proxy) = (None, None);
        let (endpoint, local_time) = ("here".to_owned(), "now".to_owned());
        CloudError::Asked(Box::new(Asked { call, answer, caller, endpoint, proxy, local_time }))
    }

    #[test]
    fn two_clocks_are_shown_where_they_differ() {
        assert!(!differ("Sun, 22 Nov 2026 17:48:08 GMT", "2026-11-22T17:48:20Z"));
        assert!(differ("Sun, 22 Nov 2026 18:48:08 GMT", "2026-11-22T17:48:08Z"));
        assert!(differ("yesterday", "2026-11-22T17:48:08Z"));
    }

    #[test]
    fn a_hint_is_about_the_service_and_the_action_that_refused() {
        let throttled = || Answer::answered(400, "Throttling", "Rate exceeded".into(), None);
        let hint = |service, action, answer| told(Call::new(service, action, "x"), answer).hint().unwrap_or_default();
        assert!(hint(Service::Ssm, "GetParameters", throttled()).contains("Parameter Store"));
        let signal = hint(Service::CloudFormation, "SignalResource", throttled());
        assert!(signal.contains("cloudformation") && !signal.contains("Parameter Store"), "{signal}");
        let denied = |said: &str| Answer::answered(400, "AccessDeniedException", said.into(), None);
        let by_key = denied("User: arn:aws:x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k");
        assert!(hint(Service::Ssm, "GetParametersByPath", by_key).starts_with("allow kms:Decrypt in"));
        assert!(
            hint(Service::Ssm, "GetParametersByPath", denied("no")).starts_with("allow ssm:GetParametersByPath in")
        );
    }
}
