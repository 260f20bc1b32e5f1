//! What settings hold of secrets, for the redactor: they have no business there, and some are put there all the same.

use super::keys::Settings;
use super::node::secret_name;
use crate::secret::Redactor;
use serde_json::Value as Json;

/// A shorter text under such a name is a switch or a number, and would redact innocent words.
const SHORTEST: usize = 8;

impl Settings {
    /// Teaches the redactor the presigned address, the logins of proxies, and the variables whose names say secret.
    pub fn learn(&self, redactor: &Redactor) {
        if let Some(url) = &self.signal.wait_handle {
            redactor.learn(url.expose());
        }
        for url in self.network.proxy.iter().chain(self.network.endpoints.iter().map(|(_, url)| url)) {
            if let Some(password) = password(url.as_str()) {
                redactor.learn(password);
            }
        }
        for (name, value) in &self.environment {
            named(name.as_str(), value, redactor);
        }
        for (name, value) in &self.variables {
            variable(name, value, redactor);
        }
    }
}

fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (login, _) = rest.split('/').next()?.rsplit_once('@')?;
    login.split_once(':').map(|(_, password)| password)
}

fn variable(name: &str, value: &Json, redactor: &Redactor) {
    match value {
        Json::String(text) => named(name, text, redactor),
        Json::Array(items) => items.iter().for_each(|item| variable(name, item, redactor)),
        Json::Object(members) => members.iter().for_each(|(key, item)| variable(key, item, redactor)),
        _ => {}
    }
}

fn named(name: &str, text: &str, redactor: &Redactor) {
    if secret_name(name) && text.len() >= SHORTEST && !text.contains("{{") {
        redactor.learn(text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Written;
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_redacted_and_what_does_not_is_not() {
        let text = "environment: { API_TOKEN: hunter2hunter2, TIER: frontend-tier }
variables: { db: { password: swordfish1 }, token_ttl: '3600', secret_from: '{{ lookup(1) }}' }
network: { proxy: 'http://user:open-sesame@proxy:1' }
signal: { wait_handle: 'https://x.test/?Signature=presigned' }";
        let written = Written::of_text("muster.yaml", text).expect("parses");
        let settings = written.resolve(&serde_json::json!({})).expect("resolves");
        let redactor = Redactor::default();
        settings.learn(&redactor);
        for secret in ["hunter2hunter2", "swordfish1", "open-sesame", "https://x.test/?Signature=presigned"] {
            assert_eq!(redactor.scrub(secret), crate::secret::REDACTED, "{secret}");
        }
        for word in ["frontend-tier", "3600", "{{ lookup(1) }}", "user"] {
            assert_eq!(redactor.scrub(word), word);
        }
    }
}
