//! Ansible Vault: files and values of the tree that only those can read who have a passphrase. Passphrases and what
//! they open are in memory only. A value that no key opens fails where it is read, so that one tree can serve several
//! environments, each able to open its own.

mod cipher;
mod envelope;

pub(in crate::roles) use envelope::MARK;

use crate::roles::yaml::Node;
use crate::secret::{Redactor, Secret};
use envelope::Envelope;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// Where a passphrase comes from: it is asked for when something is to be opened, once.
pub type Source = Box<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>;

/// A key with its label.
struct Key {
    label: String,
    source: Source,
    known: OnceLock<Result<Secret<String>, String>>,
}

/// The keys of a run.
#[derive(Default)]
pub struct Vault {
    keys: Vec<Key>,
    redactor: Redactor,
    opened: Mutex<HashMap<String, Arc<Zeroizing<Vec<u8>>>>>,
}

/// A text that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Decryption failed ({problem}).")]
pub struct VaultError {
    /// Why not; with each key that could not be had.
    pub problem: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Vault {
    /// No keys yet; what is opened becomes known to the redactor.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, ..Self::default() }
    }

    /// With a key.
    #[must_use]
    pub fn with(mut self, label: impl Into<String>, source: Source) -> Self {
        self.keys.push(Key { label: label.into(), source, known: OnceLock::new() });
        self
    }

    /// Whether bytes are something encrypted.
    pub fn is_encrypted(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(MARK.as_bytes())
    }

    /// What is within. The key whose label the text names is tried first, then every other in order.
    pub fn open(&self, text: &str) -> Result<Arc<Zeroizing<Vec<u8>>>, VaultError> {
        let opened = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened().get(text) {
            return Ok(Arc::clone(known));
        }
        let envelope = Envelope::parse(text).map_err(|problem| VaultError { problem, hint: None })?;
        let mut keys: Vec<&Key> = self.keys.iter().collect();
        keys.sort_by_key(|key| Some(&key.label) != envelope.label.as_ref());
        let mut absent = Vec::new();
        for key in keys {
            let passphrase = match key.known.get_or_init(|| (key.source)()) {
                Ok(passphrase) => passphrase,
                Err(problem) => {
                    absent.push(format!("key `{}`: {problem}", key.label));
                    continue;
                }
            };
            let bytes = passphrase.expose().trim_end_matches(['\n', '\r']).as_bytes();
            if let Some(found) = cipher::open(bytes, &envelope.salt, &envelope.mac, &envelope.body) {
                let found = Arc::new(found);
                opened().insert(text.to_owned(), Arc::clone(&found));
                return Ok(found);
            }
        }
        Err(self.not_opened(&envelope, &absent))
    }

    /// The text of a value, which is a secret from here on.
    pub fn open_text(&self, text: &str) -> Result<String, VaultError> {
        let bytes = self.open(text)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| VaultError { problem: "what is within is no UTF-8 text".into(), hint: None })?;
        self.redactor.learn(text);
        Ok(text.to_owned())
    }

    /// Makes the texts of an encrypted file known to the redactor. Short ones are rather words than secrets (`present`,
    /// a port, a user's name), and would be taken out of innocent lines.
    pub fn learn(&self, opened: &Node) {
        opened.texts(&mut |text| {
            if text.len() >= SHORTEST {
                self.redactor.learn(text);
            }
        });
    }

    /// Makes what was derived from a secret known to the redactor. Of a text with several lines, as a rendered file is,
    /// only those that are no prose and no setting: keys have long lines without a blank.
    pub fn derived(&self, text: &str) {
        let text = text.trim();
        let keyed = |line: &str| line.len() >= 32 && !line.contains([' ', '=', ':']);
        let fits = |line: &str| (SHORTEST_DERIVED..=LONGEST_DERIVED).contains(&line.len());
        let alone = !text.contains('\n');
        for line in text.lines().map(str::trim).filter(|line| fits(line) && (alone || keyed(line))) {
            // Where the secret in it is known already, what stands around it may be seen.
            if self.redactor.scrub(line) == line {
                self.redactor.learn(line);
            }
        }
    }

    fn not_opened(&self, envelope: &Envelope, absent: &[String]) -> VaultError {
        let mut problem = "no vault secrets were found that could decrypt".to_owned();
        for reason in absent {
            problem.push_str("; ");
            problem.push_str(reason);
        }
        let label = envelope.label.as_deref().map(|label| format!(" `{label}`")).unwrap_or_default();
        let hint = match self.keys.is_empty() {
            true => format!("give its key{label}: `vault` in settings, or `--vault-id` and `--vault-password-file`"),
            false => format!("it was made with the key{label}; none of this run's keys opens it"),
        };
        VaultError { problem, hint: Some(hint) }
    }
}

/// A text closed under a passphrase, as the filter `vault` does.
pub(in crate::roles) fn close(text: &str, passphrase: &str, salt: Option<&str>, label: &str) -> Option<String> {
    let mut random = [0; 32];
    let salt = match salt {
        Some(salt) => salt.as_bytes(),
        None => {
            aws_lc_rs::rand::fill(&mut random).ok()?;
            &random
        }
    };
    let (mac, body) = cipher::close(passphrase.as_bytes(), salt, text.as_bytes())?;
    Some(Envelope { label: Some(label.to_owned()), salt: salt.to_vec(), mac, body }.text())
}

/// A text opened under one passphrase, as the filter `unvault` does.
pub(in crate::roles) fn open_with(text: &str, passphrase: &str) -> Result<String, VaultError> {
    let passphrase = Secret::new(passphrase.to_owned());
    Vault::default().with("default", Box::new(move || Ok(passphrase.clone()))).open_text(text)
}

/// In bytes: what `[:6]` takes of a secret says much of it; a word such as `True` says little, and stands everywhere.
const SHORTEST_DERIVED: usize = 6;
const LONGEST_DERIVED: usize = 4096;

/// In bytes; what is shorter is still hidden wherever muster shows a value itself.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// By `ansible-vault encrypt_string --vault-id @p1`, and `--vault-id prod@p2`.
    const ONE: &str = "$ANSIBLE_VAULT;1.1;AES256\n38616435306563343161346431393432663462393765373731656538353566613663353035633831\n3832653763366437313036643735306632366363396335350a303732393636343065396333633635\n34393366613933306232323734343161356361366133656161656662643637383837643337343636\n6266363963346633630a333332386261383233376530386539333033356466316265633463313539\n65633266653038373937363737303064363238646265623532613266646264666264\n";
    const TWO: &str = "$ANSIBLE_VAULT;1.2;AES256;prod\n31313931316562326361653935393937616131326438316134396635343932363836363864633433\n3932343137646330303363636435323035353833393136330a653838653663663165303633396562\n30613238626361656334393561653837316632633061323436656337343638363738613561343665\n6437306636643465370a316638353065623739346361393937313638353133613833306664346366\n6462\n";

    fn key(passphrase: &str) -> Source {
        let passphrase = Secret::new(passphrase.to_owned());
        Box::new(move || Ok(passphrase.clone()))
    }

    #[test]
    fn what_ansible_vault_made_is_opened_by_any_key_that_fits() {
        let vault = Vault::default().with("default", key("one\n")).with("prod", key("two"));
        assert_eq!(vault.open_text(ONE).expect("opens"), "s3cret {{ 1+1 }}");
        assert_eq!(vault.open_text(TWO).expect("opens"), "prodsecret");
        let other = Vault::default().with("other", key("two"));
        assert_eq!(other.open_text(TWO).expect("opens"), "prodsecret", "a label is a hint only");
        let error = other.open_text(ONE).expect_err("another key");
        assert_eq!(error.to_string(), "Decryption failed (no vault secrets were found that could decrypt).");
        let gone = Vault::default().with("prod", Box::new(|| Err("access denied".into())));
        assert!(gone.open_text(TWO).expect_err("no key").to_string().contains("key `prod`: access denied"));
    }

    #[test]
    fn what_was_altered_is_not_opened() {
        let vault = Vault::default().with("prod", key("two"));
        let altered = TWO.replacen("6462\n", "6463\n", 1);
        assert!(vault.open(&altered).is_err());
        assert!(vault.open(&TWO.replace("1.2", "1.0")).is_err());
        assert!(vault.open("$ANSIBLE_VAULT;1.1;AES256\nzz").is_err());
    }

    #[test]
    fn what_is_closed_is_what_ansible_closes() {
        let closed = close("x", "pw", Some("saltsalt"), "filter_default").expect("closes");
        assert_eq!(
            closed,
            "$ANSIBLE_VAULT;1.2;AES256;filter_default\n373336313663373437333631366337340a6534346631346236383136626636653361366534396165\n63653836386563623363356565383234376364376136643662346435663235353236386265363864\n330a3163643633613931346165636565656432303530616637353933653839663134\n"
        );
        assert_eq!(open_with(&closed, "pw").expect("opens"), "x");
        assert!(open_with(&closed, "other").is_err());
    }

    #[test]
    fn the_redactor_knows_long_texts_of_an_encrypted_file() {
        let redactor = Redactor::default();
        let vault = Vault::new(redactor.clone());
        let text = "user: deploy\ndatabase: {hosts: [one], password: correct-horse}\n";
        vault.learn(&crate::roles::yaml::read_hidden("v.yml", text).expect("reads").root);
        assert_eq!(redactor.scrub("deploy correct-horse one"), "deploy ******** one");
    }

    #[test]
    fn the_redactor_knows_what_was_derived_and_leaves_settings_alone() {
        let redactor = Redactor::default();
        let vault = Vault::new(redactor.clone());
        let key = "MC4CAQAwBQYDK2VwBCIEIG7nXlJv0yV6cLw3bSdB3tWkZc1x";
        vault.derived("S3CR3T-T0KEN");
        vault.derived(&format!("port = 8080-and-more-of-a-long-line\n{key}\n"));
        vault.derived("True");
        vault.derived("/etc/S3CR3T-T0KEN/conf");
        let said = redactor.scrub(&format!("S3CR3T-T0KEN {key} port = 8080-and-more-of-a-long-line True"));
        assert_eq!(said, "******** ******** port = 8080-and-more-of-a-long-line True");
        assert_eq!(redactor.scrub("/etc/S3CR3T-T0KEN/conf"), "/etc/********/conf");
    }

    #[test]
    fn the_redactor_knows_what_was_opened() {
        let redactor = Redactor::default();
        let vault = Vault::new(redactor.clone()).with("prod", key("two"));
        vault.open_text(TWO).expect("opens");
        assert_eq!(redactor.scrub("a prodsecret b"), "a ******** b");
    }
}
