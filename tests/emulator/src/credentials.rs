//! Access keys and who holds them.

use crate::account::Account;
use crate::encoding::{base64, opaque};
use jiff::Timestamp;

/// What a caller signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA...` for a user, `ASIA...` for a session.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: String,
    /// Sent along with a session's requests.
    pub session_token: Option<String>,
}

/// Who a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) arn: String,
    pub(crate) user_id: String,
}

/// A key in force, its holder and its end.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) credentials: Credentials,
    pub(crate) principal: Principal,
    pub(crate) expires: Option<Timestamp>,
}

/// Every key that was given out.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    /// The key of this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.credentials.access_key_id == id)
    }

    /// A session of a role, in force until `expires`.
    pub(crate) fn session(&mut self, account: &Account, role: &str, name: &str, expires: Timestamp) -> Key {
        let seed = format!("{role}/{name}/{}", self.0.len());
        let id = opaque(&format!("key {seed}"), 16).to_uppercase();
        let credentials = Credentials {
            access_key_id: format!("ASIA{id}"),
            secret_access_key: opaque(&format!("secret {seed}"), 40),
            session_token: Some(base64(opaque(&format!("token {seed}"), 240))),
        };
        let principal = Principal {
            arn: account.global_arn("sts", &format!("assumed-role/{role}/{name}")),
            user_id: format!("AROA{}:{name}", opaque(role, 17).to_uppercase()),
        };
        let key = Key { credentials, principal, expires: Some(expires) };
        self.0.push(key.clone());
        key
    }

    /// A key that does not end, of a user with this ARN.
    pub(crate) fn user(&mut self, arn: &str, credentials: Credentials) {
        let user_id = format!("AIDA{}", opaque(arn, 17).to_uppercase());
        let principal = Principal { arn: arn.to_owned(), user_id };
        self.0.push(Key { credentials, principal, expires: None });
    }
}
