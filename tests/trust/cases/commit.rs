//! A signed commit of the config repository, and what is made of it.

use super::{Outcome, explained};
use crate::attacks::git::{TREE, judge, plain, realm, signed, trust, with_header};
use serde::Deserialize;
use support::Key;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Replaces text in the signed commit, once; `TREE` stands for its tree's id.
    #[serde(default)]
    replace: Option<(String, String)>,
    /// Signs it as another key does.
    #[serde(default)]
    by_another: bool,
    /// Signs it by nobody.
    #[serde(default)]
    unsigned: bool,
    /// A second signature, of somebody else.
    #[serde(default)]
    signed_again: bool,
    /// This in place of its signature.
    #[serde(default)]
    armor: Option<String>,
    /// The options of its signer's line for the attack (ssh-keygen(1), *ALLOWED SIGNERS*), and of the twin's.
    #[serde(default)]
    options: Option<String>,
    #[serde(default)]
    twin_options: Option<String>,
    /// The signer's key is in the list of those that were withdrawn.
    #[serde(default)]
    withdrawn: bool,
}

impl Case {
    pub fn run(&self) -> Outcome {
        let (key, other) = (Key::generate("a").expect("a key"), Key::generate("b").expect("a key"));
        let public = key.public_openssh().expect("a key");
        let line = |options: &Option<String>| match options {
            Some(options) => format!("ops {options} {public}\n"),
            None => format!("ops {public}\n"),
        };
        let good = signed(&key, &plain("message"));
        let twin = explained(judge(&realm(&line(&self.twin_options)), &good));
        let mut bad = good;
        if self.unsigned {
            bad = plain("message");
        }
        if self.by_another {
            bad = signed(&other, &plain("message"));
        }
        if self.signed_again {
            bad = with_header("gpgsig", &bad, &other.sign(b"x").expect("signed"));
        }
        if let Some(armor) = &self.armor {
            bad = with_header("gpgsig", &plain("message"), armor);
        }
        if let Some((from, to)) = &self.replace {
            let other = TREE.replace('4', "5");
            let (from, to) = (from.replace("TREE", TREE), to.replace("ANOTHER", &other).replace("TREE", TREE));
            assert!(bad.contains(&from), "{from}");
            bad = bad.replacen(&from, &to, 1);
        }
        let revoked = if self.withdrawn { public.as_str() } else { "" };
        let attack = match trust(&line(&self.options.clone().or_else(|| self.twin_options.clone())), revoked) {
            Ok(realm) => explained(judge(&realm, &bad)),
            Err(refusal) => Err(format!("{refusal:?}")),
        };
        Outcome { twin, attack }
    }
}
