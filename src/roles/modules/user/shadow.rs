//! A user's line of `/etc/shadow`.

use super::{Eyes, Failed};
use crate::secret::Secret;

/// A line's fields; empty where there is none.
pub struct Entry {
    hash: Secret<String>,
    fields: Vec<Option<i64>>,
}

impl Entry {
    /// The line of a user.
    pub fn read(eyes: &Eyes<'_>, user: &str) -> Result<Self, Failed> {
        let text = Secret::new(eyes.text("/etc/shadow")?);
        let line = text.expose().lines().find(|line| line.split(':').next() == Some(user)).unwrap_or_default();
        let hash = line.split(':').nth(1).unwrap_or_default().to_owned();
        let fields = line.split(':').map(|field| field.parse().ok()).collect();
        Ok(Self { hash: Secret::new(hash), fields })
    }

    /// The password's hash; empty where none is known.
    pub fn hash(&self) -> &str {
        self.hash.expose()
    }

    /// The day on which the account expires.
    pub fn expires(&self) -> Option<i64> {
        self.fields.get(7).copied().flatten()
    }
}

/// How long a password may stand.
#[derive(Clone, Copy)]
pub struct Age {
    /// Days before which it cannot be changed.
    pub min: Option<i64>,
    /// Days after which it must be changed.
    pub max: Option<i64>,
    /// Days of warning.
    pub warn: Option<i64>,
}

impl Age {
    /// `chage`'s words for what differs.
    pub fn differs(self, entry: &Entry) -> Option<Vec<String>> {
        let wanted = [(3, "-m", self.min), (4, "-M", self.max), (5, "-W", self.warn)];
        let differing = wanted.into_iter().filter_map(|(field, flag, days)| {
            // An empty field is -1 to getspnam.
            let have = entry.fields.get(field).copied().flatten().unwrap_or(-1);
            days.filter(|days| *days != have).map(|days| [flag.to_owned(), days.to_string()])
        });
        let words: Vec<String> = differing.flatten().collect();
        (!words.is_empty()).then_some(words)
    }
}

/// Whether a password looks like a crypt(3) hash, by Ansible's measure.
pub fn looks_hashed(password: &str) -> bool {
    if ["", "*", "!", "*************"].contains(&password) {
        return true;
    }
    let parts: Vec<&str> = password.split('$').collect();
    let [_, method, .., digest] = parts[..] else { return false };
    let length = match method {
        "1" => Some(22),
        "5" | "y" => Some(43),
        "6" => Some(86),
        _ => None,
    };
    parts.len() >= 3
        && !password.contains([':', '*', '!'])
        && digest.chars().all(|letter| letter.is_ascii_alphanumeric() || "./=".contains(letter))
        && length.is_none_or(|length| digest.len() == length)
}
