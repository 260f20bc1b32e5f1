//! `rpm_key`: keys by which rpm verifies packages.

use super::programs::said;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, keys};
use crate::host::{Attributes, Change, Command, Digest, Effect, FileWrite, Hasher};
use crate::secret::Secret;
use std::collections::BTreeSet;

/// `rpm_key`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.rpm_key",
    aliases: &[],
    summary: "Imports and removes keys of rpm.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("key", ParamKind::Str, "A URL, a file, or an identifier.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("fingerprint", ParamKind::StrList, "Fingerprints that the key must have."),
        Param::new("validate_certs", ParamKind::Bool, "Verify the certificate of a URL's server.").default("true"),
    ],
    file_attributes: false,
    examples: &["rpm_key:\n  key: /etc/pki/rpm-gpg/KEY\n  state: present\n"],
};

struct RpmKey {
    key: String,
    present: bool,
    fingerprints: BTreeSet<String>,
    verify: bool,
}

/// Where a key comes from.
enum Source {
    Fetched(Vec<u8>),
    File(String),
    Identifier,
}

/// Reads the arguments.
pub fn rpm_key(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let fingerprints = args.texts("fingerprint").into_iter().map(|text| text.replace(' ', "").to_uppercase());
    Ok(Box::new(RpmKey {
        key: args.must("key")?,
        present: args.must("state")? == "present",
        fingerprints: fingerprints.filter(|text| !text.is_empty()).collect(),
        verify: args.flag("validate_certs"),
    }))
}

fn is_identifier(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    digits.len() >= 8 && digits.is_char_boundary(8) && digits[..8].bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What gpg says of a key; its bytes travel on standard input.
fn gpg(eyes: &Eyes<'_>, program: &str, words: &[&str], source: &Source) -> Result<String, Failed> {
    let fixed = [program, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode"];
    let (file, stdin) = match source {
        Source::File(path) => (path.as_str(), None),
        Source::Fetched(bytes) => ("-", Some(Secret::new(bytes.clone()))),
        Source::Identifier => return Err(Failed::new("When importing a key, a valid file must be given")),
    };
    let argv = fixed.into_iter().chain(words.iter().copied()).chain([file]);
    let output = eyes.query(&Command { stdin, ..eyes.command(argv) })?;
    if output.ok() { Ok(output.text()) } else { Err(Failed::new(String::from_utf8_lossy(&output.stderr).into_owned())) }
}

fn field(output: &str, record: &str, number: usize) -> BTreeSet<String> {
    let lines = output.lines().map(str::trim).filter(|line| line.starts_with(record));
    lines.filter_map(|line| line.split(':').nth(number)).map(str::to_owned).collect()
}

impl RpmKey {
    fn source(&self, eyes: &Eyes<'_>) -> Result<Source, Failed> {
        if self.key.contains("://") {
            let bytes = keys::fetched(eyes, &self.key, self.verify, "failed to fetch key at")?;
            let text = String::from_utf8_lossy(&bytes);
            if !text.contains(keys::ARMOR) || !text.contains("-----END PGP PUBLIC KEY BLOCK-----") {
                return Err(Failed::new(format!("Not a public key: {}", keys::shown(&self.key))));
            }
            return Ok(Source::Fetched(bytes));
        }
        if is_identifier(&self.key) {
            return Ok(Source::Identifier);
        }
        let path = eyes.expanded(&self.key);
        if eyes.exists(&path)? {
            Ok(Source::File(path))
        } else {
            Err(Failed::new(format!("Not a valid key {}", self.key)))
        }
    }

    fn identifier(&self, eyes: &Eyes<'_>, program: &str, source: &Source) -> Result<String, Failed> {
        let text = match source {
            Source::Identifier => self.key.trim().to_uppercase(),
            _ => {
                let output = gpg(eyes, program, &[], source)?;
                let first = output.lines().find_map(|line| line.trim().strip_prefix("pub:"));
                let identifier = first.and_then(|line| line.split(':').nth(3)).map(str::to_uppercase);
                identifier.ok_or_else(|| Failed::new("Unexpected gpg output"))?
            }
        };
        Ok(text.strip_prefix("0X").unwrap_or(&text).to_owned())
    }

    fn is_imported(&self, eyes: &Eyes<'_>, program: &str, identifier: &str) -> Result<bool, Failed> {
        let installed = eyes.ask(["rpm", "-q", "gpg-pubkey"])?;
        if !installed.ok() {
            return Ok(false);
        }
        let described = eyes.ask(["rpm", "-q", "gpg-pubkey", "--qf", "%{description}"])?;
        let listed = gpg(eyes, program, &[], &Source::Fetched(described.stdout))?;
        Ok(listed.lines().filter_map(|line| line.split(':').nth(4)).any(|have| have.contains(identifier)))
    }

    /// Refuses a key without the fingerprints that it must have.
    fn judge(&self, eyes: &Eyes<'_>, program: &str, source: &Source) -> Result<(), Failed> {
        if self.fingerprints.is_empty() {
            return Ok(());
        }
        let words = ["--import", "--import-options", "show-only", "--dry-run"];
        let have = field(&gpg(eyes, program, &words, source)?, "fpr:", 9);
        if have.is_empty() {
            return Err(Failed::new("Unexpected gpg output"));
        }
        if self.fingerprints.is_subset(&have) {
            return Ok(());
        }
        let list = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
        let message = format!(
            "The specified fingerprint, '{}', does not match any key fingerprints in '{}'",
            list(&self.fingerprints),
            list(&have)
        );
        Err(Failed::new(message))
    }
}

/// A program, and after it the file that it read goes.
fn run(eyes: &Eyes<'_>, words: Vec<String>, staged: Option<FileWrite>) -> Plan {
    let staged_at = staged.as_ref().map(|file| file.path.clone());
    let change = Change::Packages(eyes.command(words));
    let next = move |_: &Eyes<'_>, effects: &[Effect]| {
        let verdict = match said(effects) {
            Some((code, _, error)) if code != 0 => Err(Failed::new(error).with("rc", i64::from(code))),
            _ => Ok(Plan { changed: Some(true), ..Plan::default() }),
        };
        match staged_at {
            None => verdict,
            Some(path) => Ok(Plan {
                changes: vec![Change::Remove { path }],
                changed: Some(true),
                next: Some(Box::new(move |_, _| verdict)),
                ..Plan::default()
            }),
        }
    };
    let changes = staged.map(Change::Write).into_iter().chain([change]).collect();
    Plan { changes, changed: Some(true), next: Some(Box::new(next)), ..Plan::default() }
}

impl Module for RpmKey {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let find = |name: &str| {
            let found = eyes.host.find_program(name);
            found.map_err(|error| Failed::new(format!("looking for {name}: {error}")))
        };
        let missing = |name: &str| Failed::new(format!("Failed to find required executable \"{name}\" in paths"));
        find("rpm")?.ok_or_else(|| missing("rpm"))?;
        let program = if find("gpg")?.is_some() { "gpg" } else { "gpg2" };
        find(program)?.ok_or_else(|| missing("gpg2"))?;
        let source = self.source(eyes)?;
        let identifier = self.identifier(eyes, program, &source)?;
        if self.is_imported(eyes, program, &identifier)? == self.present {
            return Ok(Plan::unchanged());
        }
        if !self.present {
            let short = identifier.get(identifier.len().saturating_sub(8)..).unwrap_or_default().to_lowercase();
            let words = ["rpm", "--erase", "--allmatches", &format!("gpg-pubkey-{short}")].map(str::to_owned);
            return Ok(run(eyes, words.to_vec(), None));
        }
        self.judge(eyes, program, &source)?;
        let (path, staged) = match source {
            Source::File(path) => (path, None),
            Source::Identifier => return Err(Failed::new("When importing a key, a valid file must be given")),
            Source::Fetched(bytes) => {
                // One key has one name, so that a reviewed plan can be held to it.
                let path = format!("/var/tmp/muster-key-{}", &Hasher::of(Digest::Sha256, &bytes)[..16]);
                let attributes = Attributes { mode: Some(0o600), ..Attributes::default() };
                let file = FileWrite { attributes, ..FileWrite::new(&path, bytes) };
                (path, Some(file))
            }
        };
        Ok(run(eyes, vec!["rpm".into(), "--import".into(), path], staged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan, plan_values};
    use crate::roles::modules::files::stage::Web;
    use crate::roles::value::Value;
    use serde_json::json;

    const PUB: &str = "pub:-:4096:1:0123456789ABCDEF:1::::\nfpr:::::::::AAAA0123456789ABCDEF:\n";
    const GPG: &str = "gpg --no-tty --batch --with-colons --fixed-list-mode";

    fn machine() -> Fake {
        Fake::default()
            .file("/usr/bin/rpm", "")
            .file("/usr/bin/gpg", "")
            .file("/k", "key")
            .answer("rpm -q gpg-pubkey", 1, "")
            .answer(&format!("{GPG} /k"), 0, PUB)
            .answer(&format!("{GPG} -"), 0, PUB)
            .answer(&format!("{GPG} --import --import-options show-only --dry-run /k"), 0, PUB)
    }

    #[test]
    fn a_key_is_imported_once() {
        let ask = |machine: &Fake, arguments| changes(&plan(machine, "rpm_key", arguments).expect("plan")).join(", ");
        assert_eq!(ask(&machine(), json!({"key": "/k"})), "rpm --import /k");
        let there =
            machine().answer("rpm -q gpg-pubkey", 0, "x").answer("rpm -q gpg-pubkey --qf %{description}", 0, "y");
        assert_eq!(ask(&there, json!({"key": "/k"})), "");
        assert_eq!(
            ask(&there, json!({"key": "0x89abcdef", "state": "absent"})),
            "rpm --erase --allmatches gpg-pubkey-89abcdef"
        );
        assert_eq!(ask(&machine(), json!({"key": "89ABCDEF", "state": "absent"})), "");
        let good = json!({"key": "/k", "fingerprint": "AAAA 0123 4567 89AB CDEF"});
        assert_eq!(ask(&machine(), good), "rpm --import /k");
    }

    #[test]
    fn a_fetched_key_is_staged_and_goes_again() {
        let armored = format!("{}\nx\n-----END PGP PUBLIC KEY BLOCK-----\n", keys::ARMOR);
        let web = Web::new([("https://h/key", armored.as_str()), ("https://h/html", "<html>")]);
        let ask = |url: &str| plan_values(&machine(), &web, "rpm_key", &Value::from_json(&json!({"key": url})));
        let import = ask("https://h/key").expect("plan");
        assert!(changes(&import)[1].starts_with("rpm --import /var/tmp/muster-key-"));
        let gone = follow(import, &machine(), &[(0, "", ""), (1, "", "bad key")]).expect("removes");
        assert!(changes(&gone)[0].starts_with("remove /var/tmp/muster-key-"));
        assert_eq!(ask("https://h/html").err().expect("refused").message, "Not a public key: https://h/html");
        assert!(
            ask("https://h/none").err().expect("refused").message.starts_with("failed to fetch key at https://h/none")
        );
    }

    #[test]
    fn keys_that_are_not_what_they_should_be_are_refused() {
        let refused = |arguments| plan(&machine(), "rpm_key", arguments).err().expect("refused").message;
        assert!(refused(json!({"key": "/k", "fingerprint": ["BBBB"]})).contains("does not match any key fingerprints"));
        assert_eq!(refused(json!({"key": "/none"})), "Not a valid key /none");
        assert!(refused(json!({"key": "89ABCDEF"})).contains("a valid file must be given"));
        assert!(
            plan(&Fake::default(), "rpm_key", json!({"key": "/k"})).err().expect("failed").message.contains("\"rpm\"")
        );
    }
}
