//! Who may do what: everything, but for what a test denies.

use crate::credentials::Principal;
use crate::encoding::matches;
use crate::error::{ApiError, Common};

/// A denied action on a resource; both are patterns with `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Such as `ssm:GetParameters` or `cloudformation:*`.
    pub action: String,
    /// An ARN pattern; `*` for everything.
    pub resource: String,
}

impl Denial {
    /// Denies an action on everything.
    pub fn of(action: &str) -> Self {
        Self { action: action.to_owned(), resource: "*".to_owned() }
    }

    /// Only on resources that match.
    pub fn on(mut self, resource: &str) -> Self {
        resource.clone_into(&mut self.resource);
        self
    }
}

/// The denials in force.
#[derive(Debug, Default)]
pub(crate) struct Policy(pub(crate) Vec<Denial>);

impl Policy {
    /// Whether the action on the resource is free.
    pub(crate) fn allows(&self, action: &str, resource: &str) -> bool {
        !self.0.iter().any(|rule| matches(&rule.action, action) && matches(&rule.resource, resource))
    }

    /// Refuses what is denied, in IAM's words.
    pub(crate) fn permit(&self, who: &Principal, action: &str, resource: &str) -> Result<(), ApiError> {
        if self.allows(action, resource) {
            return Ok(());
        }
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} \
             because no identity-based policy allows the {action} action",
            who.arn
        );
        Err(ApiError::common(Common::AccessDenied, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_caller_action_and_resource() {
        let policy = Policy(vec![Denial::of("ssm:Get*").on("*:parameter/prod/*")]);
        let arn = "arn:aws:sts::1:assumed-role/web/i-0".to_owned();
        let who = Principal { arn, user_id: String::new() };
        let refused = policy.permit(&who, "ssm:GetParameter", "arn:aws:ssm:r:1:parameter/prod/x").expect_err("denied");
        assert!(refused.message().starts_with(
            "User: arn:aws:sts::1:assumed-role/web/i-0 is not authorized to perform: ssm:GetParameter \
             on resource: arn:aws:ssm:r:1:parameter/prod/x"
        ));
        assert_eq!(policy.permit(&who, "ssm:GetParameter", "arn:aws:ssm:r:1:parameter/dev/x"), Ok(()));
    }
}
