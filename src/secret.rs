//! Values that must not be seen: wiped on drop, opened by a visible word, scrubbed from every output.

use std::fmt;
use std::sync::{Arc, RwLock};
use zeroize::{Zeroize, Zeroizing};

/// A value with no `Display`, a redacted `Debug`, wiped when dropped and opened only by [`Secret::expose`].
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value in.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, in the open. Every use is a place to review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// What is printed in a secret's place.
pub const REDACTED: &str = "********";

/// Knows the run's secrets and removes them, and their base64 and percent-encoded forms, from text that leaves it.
///
/// Taint is the first defence; this is the second, for what child processes print. Clones share one list.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<Zeroizing<String>>>>);

/// A shorter text would redact innocent words.
const SHORTEST: usize = 4;

impl Redactor {
    /// Remembers a secret, each of its lines where it has several, and its encoded forms.
    pub fn learn(&self, secret: &str) {
        use base64::Engine;
        let mut forms: Vec<String> = vec![secret.trim().to_owned()];
        forms.extend(secret.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= 16));
        forms.push(base64::engine::general_purpose::STANDARD.encode(secret));
        forms.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret));
        forms.push(percent(secret));
        forms.push(serde_json::to_string(secret).unwrap_or_default().trim_matches('"').to_owned());
        let mut known = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for form in forms.into_iter().map(Zeroizing::new) {
            if form.len() >= SHORTEST && !known.contains(&form) {
                known.push(form);
            }
        }
        // The longest first, so that a secret that contains another is removed whole.
        known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without any secret that is known.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut out = text.to_owned();
        for secret in known.iter() {
            if out.contains(secret.as_str()) {
                out = out.replace(secret.as_str(), REDACTED);
            }
        }
        out
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

fn percent(text: &str) -> String {
    use fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(redacted)");
    }

    #[test]
    fn encoded_forms_are_scrubbed_too() {
        let redactor = Redactor::default();
        redactor.learn("p@ss word");
        for form in ["p@ss word", "cEBzcyB3b3Jk", "p%40ss%20word"] {
            assert_eq!(redactor.scrub(&format!("<{form}>")), "<********>", "{form}");
        }
        assert_eq!(redactor.scrub("pass"), "pass");
    }
}
