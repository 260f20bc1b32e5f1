//! Who may sign: the `allowed_signers` file (ssh-keygen(1)) and the list of keys that were revoked.

use super::TrustError;
use super::key::{SshKey, refused};
use super::{pattern, timestamp};
use jiff::Timestamp;

/// The namespace of git's signatures.
pub(super) const NAMESPACE: &str = "git";
const LINE_LIMIT: usize = 16 << 10;
const SIGNER_LIMIT: usize = 1024;

/// One line of `allowed_signers`.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who: literal names or simple globs.
    pub principals: Vec<String>,
    /// With what.
    pub key: SshKey,
    /// For what; empty is for anything, as OpenSSH has it.
    pub namespaces: Vec<String>,
    /// Not before.
    pub valid_after: Option<Timestamp>,
    /// Not after.
    pub valid_before: Option<Timestamp>,
}

impl Signer {
    /// Why this signer may not sign for git at an instant; `None` when it may.
    pub(super) fn objection(&self, now: Timestamp) -> Option<String> {
        if !self.namespaces.is_empty() && !self.namespaces.iter().any(|name| pattern::matches(name, NAMESPACE, false)) {
            return Some(format!("may sign for {} only, not for {NAMESPACE}", self.namespaces.join(", ")));
        }
        match (self.valid_after, self.valid_before) {
            (Some(after), _) if now < after => Some(format!("is not valid before {after}")),
            (_, Some(before)) if now > before => Some(format!("expired on {before}")),
            _ => None,
        }
    }

    /// Its principals as written.
    pub fn principal(&self) -> String {
        self.principals.join(",")
    }
}

/// Reads an `allowed_signers` file; `file` names it in errors.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Signer>, TrustError> {
    lines(file, text)?.map(|(number, line)| signer(file, number, line)).collect()
}

/// A key that was withdrawn: itself, or its fingerprint, which is all that may be known of one that was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The key.
    Key(SshKey),
    /// As OpenSSH prints it: `SHA256:` and 43 characters.
    Fingerprint(String),
    /// An OpenPGP key's or subkey's, as GnuPG prints it, written `openpgp:HEX`.
    OpenPgp(String),
}

impl Revoked {
    fn parse(line: &str) -> Result<Self, String> {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD_NO_PAD;
        let word = line.split_ascii_whitespace().next().unwrap_or_default();
        // A release key's, as `muster trust show` and messages print it.
        if let Some(digest) = word.strip_prefix("sha256:").and_then(|hex| hex::decode(hex).ok()) {
            return match digest.len() {
                32 => Ok(Self::Fingerprint(format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)))),
                _ => Err(format!("`{}` is no fingerprint", word.escape_default())),
            };
        }
        if let Some(hex) = word.strip_prefix("openpgp:") {
            return Self::openpgp(hex);
        }
        if matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!(
                "`{word}` is a fingerprint of which kind? write sha256:HEX of a release key, openpgp:HEX of an OpenPGP key"
            ));
        }
        let Some(digest) = word.strip_prefix("SHA256:") else { return SshKey::parse(line).map(Self::Key) };
        match STANDARD_NO_PAD.decode(digest) {
            Ok(digest) if digest.len() == 32 => Ok(Self::Fingerprint(word.to_owned())),
            _ => Err(format!("`{}` is no fingerprint", word.escape_default())),
        }
    }

    /// A version 4 fingerprint has 20 bytes, a version 6 one 32 (RFC 9580, section 5.5.4).
    fn openpgp(hex: &str) -> Result<Self, String> {
        if !cfg!(feature = "openpgp") {
            return Err(
                "OpenPGP keys are judged only where muster is built with the feature `openpgp`, and this one is not"
                    .into(),
            );
        }
        match hex::decode(hex) {
            Ok(bytes) if matches!(bytes.len(), 20 | 32) => Ok(Self::OpenPgp(hex.to_ascii_uppercase())),
            _ => Err(format!("`openpgp:{}` is no fingerprint", hex.escape_default())),
        }
    }

    /// Whether it is this digest, in hexadecimal.
    pub(super) fn is_sha256(&self, hex: &str) -> bool {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD_NO_PAD;
        let digest = hex::decode(hex).map(|digest| format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)));
        matches!((self, digest), (Self::Fingerprint(one), Ok(digest)) if *one == digest)
    }

    /// As OpenSSH prints it; an OpenPGP key as messages do.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => key.fingerprint(),
            Self::Fingerprint(fingerprint) => fingerprint.clone(),
            Self::OpenPgp(fingerprint) => format!("OpenPGP key {fingerprint}"),
        }
    }
}

/// Reads a list of plain public keys and fingerprints, one a line.
pub(super) fn parse_revoked(file: &str, text: &str) -> Result<Vec<Revoked>, TrustError> {
    if text.starts_with("SSHKRL") {
        let problem = "a binary key revocation list is not supported".to_owned();
        return Err(TrustError::File { file: file.to_owned(), problem });
    }
    lines(file, text)?
        .map(|(number, line)| Revoked::parse(line).map_err(|problem| TrustError::line(file, number, line, problem)))
        .collect()
}

/// The lines that are neither blank nor a comment, with their numbers.
pub(super) fn lines<'a>(file: &str, text: &'a str) -> Result<impl Iterator<Item = (usize, &'a str)>, TrustError> {
    let all: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if let Some((number, line)) = all.iter().find(|(_, line)| line.len() > LINE_LIMIT) {
        return Err(TrustError::line(file, *number, line, format!("the line is longer than {LINE_LIMIT} bytes")));
    }
    if all.len() > SIGNER_LIMIT {
        let (number, line) = all[SIGNER_LIMIT];
        return Err(TrustError::line(file, number, line, format!("there are more than {SIGNER_LIMIT} entries")));
    }
    Ok(all.into_iter())
}

fn signer(file: &str, number: usize, line: &str) -> Result<Signer, TrustError> {
    let fail = |problem: String| TrustError::line(file, number, line, problem);
    let (principals, rest) = word(line).ok_or_else(|| fail("an unfinished quotation".into()))?;
    let principals: Vec<String> = unquote(principals).split(',').map(str::to_owned).collect();
    if let Some(bad) = principals.iter().find(|name| name.is_empty() || name.starts_with('!')) {
        return Err(fail(format!("principal `{bad}` is refused: only names and simple globs are supported")));
    }
    let (first, after) = word(rest).ok_or_else(|| fail("an unfinished quotation".into()))?;
    let mut signer = Signer {
        principals,
        // Replaced below; a line without a key is an error.
        key: match refused(first) {
            None => SshKey::parse(rest).map_err(fail)?,
            Some(problem) if after.is_empty() || first.is_empty() => return Err(fail(format!("no key: {problem}"))),
            Some(problem) if first.starts_with("sk-") || first.starts_with("ssh-") || first.starts_with("ecdsa-") => {
                return Err(fail(problem));
            }
            Some(_) => SshKey::parse(after).map_err(fail)?,
        },
        namespaces: Vec::new(),
        valid_after: None,
        valid_before: None,
    };
    if refused(first).is_some() {
        for option in split_options(first) {
            signer.option(option).map_err(|problem| {
                let hint = "supported: namespaces=\"git\", valid-after=\"YYYYMMDD[HHMM[SS]]Z\", valid-before=...";
                fail(problem).hinting(hint)
            })?;
        }
    }
    if let (Some(after), Some(before)) = (signer.valid_after, signer.valid_before)
        && before <= after
    {
        return Err(fail(format!("valid-before {before} is not later than valid-after {after}")));
    }
    Ok(signer)
}

impl Signer {
    fn option(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(unquote(value))));
        // OpenSSH compares option names without regard to case, and refuses a repeated one.
        let lower = name.to_ascii_lowercase();
        let time = |value: Option<&str>, slot: &mut Option<Timestamp>| {
            let value = value.ok_or_else(|| format!("`{name}` needs a value"))?;
            let instant = timestamp::parse(value).ok_or_else(|| format!("`{value}` is no timestamp"))?;
            match slot.replace(instant) {
                Some(_) => Err(format!("`{name}` is given twice")),
                None => Ok(()),
            }
        };
        match lower.as_str() {
            "namespaces" => {
                if !self.namespaces.is_empty() {
                    return Err("`namespaces` is given twice".into());
                }
                self.namespaces = value.unwrap_or_default().split(',').map(str::to_owned).collect();
                match self.namespaces.iter().find(|name| name.is_empty() || name.starts_with('!')) {
                    Some(bad) => {
                        Err(format!("namespace `{bad}` is refused: only names and simple globs are supported"))
                    }
                    None => Ok(()),
                }
            }
            "valid-after" => time(value, &mut self.valid_after),
            "valid-before" => time(value, &mut self.valid_before),
            "cert-authority" => Err("`cert-authority` is not supported: list the signers' own keys".into()),
            _ => Err(format!("option `{}` is not known", name.escape_default())),
        }
    }
}

/// The first word of a text, quotations kept together, and what follows it. `None` for an unfinished quotation.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut quoted = false;
    let end = text
        .char_indices()
        .find(|&(_, character)| {
            quoted ^= character == '"';
            !quoted && character.is_ascii_whitespace()
        })
        .map_or(text.len(), |(index, _)| index);
    (!quoted).then(|| (&text[..end], text[end..].trim_start()))
}

fn split_options(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        !quoted && character == ','
    })
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5g9oFyHNDvG5TDrAFhrHVkFHkMbaEJwC5DQTGaCyWW";

    fn one(line: &str) -> Result<Signer, String> {
        parse("allowed_signers", line).map(|mut all| all.remove(0)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_supported_forms() {
        let text = format!(
            "# who\n\na@example.org {KEY} comment here\n*@b.org,c namespaces=\"git,file\",valid-after=\"20260101Z\",Valid-Before=20270101 {KEY}\n"
        );
        let all = parse("allowed_signers", &text).expect("parses");
        assert_eq!(all[0].principal(), "a@example.org");
        assert_eq!(all[1].principals, ["*@b.org", "c"]);
        assert_eq!(all[1].namespaces, ["git", "file"]);
        let at = |text: &str| text.parse().expect("instant");
        assert_eq!(all[1].objection(at("2026-06-01T00:00:00Z")), None);
        assert_eq!(
            all[1].objection(at("2025-06-01T00:00:00Z")).expect("early"),
            "is not valid before 2026-01-01T00:00:00Z"
        );
        assert_eq!(all[1].objection(at("2027-06-01T00:00:00Z")).expect("late"), "expired on 2027-01-01T00:00:00Z");
        assert_eq!(one(&format!("\"a b\" {KEY}")).expect("quoted").principals, ["a b"]);
    }

    #[test]
    fn what_is_not_supported_is_refused_with_its_line() {
        for (line, problem) in [
            (format!("a cert-authority {KEY}"), "cert-authority"),
            (format!("a restrict {KEY}"), "option `restrict` is not known"),
            (format!("a namespaces=\"git\",frobnicate=\"1\" {KEY}"), "option `frobnicate`"),
            (format!("!a {KEY}"), "principal `!a`"),
            (format!("a namespaces=\"!git\" {KEY}"), "namespace `!git`"),
            (format!("a valid-after=\"tomorrow\" {KEY}"), "no timestamp"),
            (format!("a valid-after=20270101,valid-before=20260101 {KEY}"), "not later"),
            (format!("a valid-after=20260101,valid-after=20260102 {KEY}"), "twice"),
            (format!("a namespaces=\"git {KEY}"), "quotation"),
            ("a".into(), "no key"),
            ("a ssh-dss AAAAB3NzaC1kc3M=".into(), "DSA"),
            ("a ssh-ed25519-cert-v01@openssh.com AAAA".into(), "certificate"),
            ("a ssh-ed25519 AAAA".into(), "cannot be read"),
        ] {
            let error = parse("allowed_signers", &format!("\n{line}")).expect_err(&line);
            let TrustError::Line { place, problem: found, .. } = error else { panic!("{line}") };
            assert_eq!(place.line, 2);
            assert!(found.contains(problem), "{line}: {found}");
        }
    }

    #[test]
    fn a_signer_for_files_only_may_not_sign_for_git() {
        let now = Timestamp::now();
        let objection =
            |namespaces: &str| one(&format!("a namespaces=\"{namespaces}\" {KEY}")).expect("parses").objection(now);
        assert_eq!(objection("git"), None);
        assert_eq!(objection("g*"), None);
        assert!(objection("file").is_some());
    }

    #[test]
    fn a_fingerprint_says_of_which_kind_it_is() {
        let print = "0123456789abcdef0123456789ABCDEF01234567";
        let read = |text: &str| parse_revoked("revoked_keys", text).map(|all| all[0].fingerprint());
        let refused = read(print).expect_err("of which kind").to_string();
        assert!(refused.contains("openpgp:HEX"), "{refused}");
        match cfg!(feature = "openpgp") {
            true => {
                let read = read(&format!("openpgp:{print}")).expect("reads");
                assert_eq!(read, format!("OpenPGP key {}", print.to_uppercase()));
            }
            false => {
                let refused = read(&format!("openpgp:{print}")).expect_err("without the feature").to_string();
                assert!(refused.contains("the feature `openpgp`"), "{refused}");
            }
        }
        assert!(read("openpgp:0123").is_err());
    }

    #[test]
    fn a_binary_revocation_list_is_refused_by_name() {
        assert!(parse_revoked("revoked_keys", "SSHKRL\n\0").is_err());
        assert_eq!(parse_revoked("revoked_keys", KEY).expect("plain").len(), 1);
    }
}
