//! The Security Token Service: who am I, and becoming another role.

use crate::account::Account;
use crate::clock::rfc3339;
use crate::credentials::{Keys, Principal};
use crate::encoding::{matches, opaque};
use crate::error::{ApiError, Common};
use crate::form::Form;
use crate::policy::Policy;
use crate::xml::Xml;
use jiff::{SignedDuration, Timestamp};

/// What a call may look at.
pub(crate) struct Around<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) keys: &'a mut Keys,
    /// Roles that may be assumed, as ARN patterns.
    pub(crate) roles: &'a [String],
    pub(crate) now: Timestamp,
}

/// Answers one call.
pub(crate) fn answer(around: Around, action: &str, form: &Form) -> Result<Xml, ApiError> {
    match action {
        // Needs no permission, even under an explicit denial.
        "GetCallerIdentity" => caller_identity(&around, form),
        "AssumeRole" => assume_role(around, form),
        _ => Err(ApiError::common(Common::UnknownAction, "")),
    }
}

fn caller_identity(around: &Around, form: &Form) -> Result<Xml, ApiError> {
    form.only(&[])?;
    let mut xml = Xml::default();
    xml.leaf("Arn", &around.principal.arn);
    xml.leaf("UserId", &around.principal.user_id);
    xml.leaf("Account", &around.account.id);
    Ok(xml)
}

fn assume_role(around: Around, form: &Form) -> Result<Xml, ApiError> {
    form.only(&["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy", "SourceIdentity"])?;
    let role = form.required("RoleArn", 20, 2048)?;
    let name = form.required("RoleSessionName", 2, 64)?;
    let seconds = form.number("DurationSeconds", 900, 43200)?.unwrap_or(3600);
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    if !name.chars().all(allowed) {
        let pattern = "Member must satisfy regular expression pattern: [\\w+=,.@-]*";
        return Err(ApiError::constraint(name, "roleSessionName", pattern));
    }
    let session = around.principal.arn.contains(":assumed-role/");
    if session && seconds > 3600 {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(ApiError::validation(message));
    }
    around.policy.permit(around.principal, "sts:AssumeRole", role)?;
    if !around.roles.iter().any(|pattern| matches(pattern, role)) {
        let who = &around.principal.arn;
        let message = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(ApiError::common(Common::AccessDenied, message));
    }
    let role_name = role.rsplit('/').next().unwrap_or(role);
    let expires = around.now + SignedDuration::from_secs(seconds);
    let key = around.keys.session(around.account, role_name, name, expires);
    let mut xml = Xml::default();
    xml.nested("AssumedRoleUser", |xml| {
        xml.leaf("AssumedRoleId", &format!("AROA{}:{name}", opaque(role_name, 17).to_uppercase()));
        xml.leaf("Arn", &key.principal.arn);
    });
    xml.nested("Credentials", |xml| {
        xml.leaf("AccessKeyId", &key.credentials.access_key_id);
        xml.leaf("SecretAccessKey", &key.credentials.secret_access_key);
        xml.leaf("SessionToken", key.credentials.session_token.as_deref().unwrap_or_default());
        xml.leaf("Expiration", &rfc3339(expires));
    });
    Ok(xml)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::pairs;

    fn ask(action: &str, query: &str) -> Result<String, ApiError> {
        let (account, mut keys, policy) = (Account::default(), Keys::default(), Policy::default());
        let now = Timestamp::UNIX_EPOCH;
        let principal = keys.session(&account, "web", "i-0", now).principal;
        let roles = ["arn:aws:iam::123456789012:role/deploy".to_owned()];
        let around =
            Around { principal: &principal, account: &account, policy: &policy, keys: &mut keys, roles: &roles, now };
        answer(around, action, &Form::new(pairs(query, true))).map(Xml::finish)
    }

    #[test]
    fn the_caller_is_named() {
        let xml = ask("GetCallerIdentity", "").expect("an identity");
        assert!(xml.starts_with("<Arn>arn:aws:sts::123456789012:assumed-role/web/i-0</Arn><UserId>AROA"));
    }

    #[test]
    fn only_trusted_roles_are_assumed() {
        let role = "RoleArn=arn:aws:iam::123456789012:role/deploy&RoleSessionName=s-1";
        assert!(ask("AssumeRole", role).expect("a session").contains("assumed-role/deploy/s-1</Arn>"));
        let other = ask("AssumeRole", &role.replace("deploy", "admin")).expect_err("refused");
        assert_eq!(
            other.message(),
            "User: arn:aws:sts::123456789012:assumed-role/web/i-0 is not authorized to perform: sts:AssumeRole \
             on resource: arn:aws:iam::123456789012:role/admin"
        );
        for more in ["&DurationSeconds=899", "&DurationSeconds=3601", "&Colour=red"] {
            assert!(ask("AssumeRole", &format!("{role}{more}")).is_err(), "{more}");
        }
        assert!(ask("AssumeRole", "RoleSessionName=s-1").is_err());
    }
}
