//! `apt_key`: keys that apt trusts for every source, by the old `apt-key` program.

use super::programs::said;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, keys};
use crate::host::{Change, Command, Effect};
use crate::roles::value::{Key, Map, Value};
use crate::secret::Secret;
use std::sync::Arc;

/// `apt_key`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.apt_key",
    aliases: &[],
    summary: "Adds and removes keys that apt trusts; `deb822_repository` ties a key to its source.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("id", ParamKind::Str, "The key's identifier."),
        Param::new("url", ParamKind::Str, "Where the key is."),
        Param::new("data", ParamKind::Str, "The key itself."),
        Param::new("file", ParamKind::Path, "A file of the key."),
        Param::new("keyserver", ParamKind::Str, "Who has the key."),
        Param::new("keyring", ParamKind::Path, "A file in /etc/apt/trusted.gpg.d."),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("validate_certs", ParamKind::Bool, "Verify the certificate of a URL's server.").default("true"),
    ],
    file_attributes: false,
    examples: &["apt_key:\n  id: '0123456789ABCDEF'\n  state: absent\n"],
};

struct Asked {
    id: Option<String>,
    url: Option<String>,
    data: Option<String>,
    file: Option<String>,
    keyserver: Option<String>,
    keyring: Option<String>,
    present: bool,
    verify: bool,
}

struct AptKey(Arc<Asked>);

/// Reads the arguments.
pub fn apt_key(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let some = |name| args.text(name).filter(|text| !text.is_empty());
    let asked = Asked {
        id: some("id"),
        url: some("url"),
        data: some("data"),
        file: some("file"),
        keyserver: some("keyserver"),
        keyring: some("keyring"),
        present: args.must("state")? == "present",
        verify: args.flag("validate_certs"),
    };
    if [&asked.url, &asked.data, &asked.file, &asked.keyserver].into_iter().flatten().count() > 1 {
        return Err(args.together("parameters are mutually exclusive: data|file|keyserver|url"));
    }
    if asked.id.is_none() && asked.keyserver.is_some() {
        return Err(args.together("Missing key_id, required with keyserver."));
    }
    Ok(Box::new(AptKey(Arc::new(asked))))
}

/// A key's identifier, in the lengths that the programs take.
#[derive(Clone)]
struct Identifier {
    whole: String,
    short: String,
    long: String,
}

impl Identifier {
    fn parse(text: &str) -> Option<Self> {
        let upper = text.to_uppercase();
        let whole = upper.strip_prefix("0X").unwrap_or(&upper).to_owned();
        let length = whole.len();
        if !whole.bytes().all(|byte| byte.is_ascii_hexdigit()) || !(length == 8 || length >= 16) {
            return None;
        }
        let tail = |count: usize| whole[length.saturating_sub(count)..].to_owned();
        Some(Self { short: tail(8), long: if length > 16 { tail(16) } else { whole.clone() }, whole })
    }

    fn is_in(&self, keys: &[String]) -> bool {
        let wanted = if self.whole.len() == 8 { &self.short } else { &self.long };
        keys.iter().any(|key| key == wanted)
    }
}

impl Asked {
    /// `apt-key`, for the keyring.
    fn words(&self, eyes: &Eyes<'_>, words: &[&str]) -> Vec<String> {
        let keyring = self.keyring.iter().flat_map(|path| ["--keyring".to_owned(), eyes.expanded(path)]);
        let rest = words.iter().map(|word| (*word).to_owned());
        std::iter::once("apt-key".to_owned()).chain(keyring).chain(rest).collect()
    }

    /// Every key that is trusted.
    fn trusted(&self, eyes: &Eyes<'_>, short: bool) -> Result<Vec<String>, Failed> {
        let output = eyes.ask(self.words(eyes, &["adv", "--list-public-keys", "--keyid-format=long"]))?;
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let failed = Failed::new("Unable to list public keys").with("rc", i64::from(output.code));
            return Err(failed.with("stdout", output.text()).with("stderr", error));
        }
        let keys = keys::listed(&output.text()).into_iter();
        let tail = |key: String| key.get(key.len().saturating_sub(8)..).unwrap_or_default().to_owned();
        Ok(if short { keys.map(tail).collect() } else { keys.collect() })
    }

    /// The key's bytes, where they are not a file's or a server's.
    fn bytes(&self, eyes: &Eyes<'_>) -> Result<Option<Vec<u8>>, Failed> {
        match (&self.data, &self.url) {
            (Some(data), _) => Ok(Some(data.clone().into_bytes())),
            (None, Some(url)) => keys::fetched(eyes, url, self.verify, "Failed to download key at").map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The identifier as given, or as the key says.
    fn identifier(&self, eyes: &Eyes<'_>, bytes: Option<&[u8]>) -> Result<Option<String>, Failed> {
        if let Some(id) = &self.id {
            return Ok(Some(id.clone()));
        }
        let (file, name, stdin) = match (&self.file, bytes) {
            (Some(file), _) => (eyes.expanded(file), file.as_str(), None),
            (None, Some(bytes)) => ("-".to_owned(), "inline data", Some(Secret::new(bytes.to_vec()))),
            (None, None) => return Ok(None),
        };
        let output = eyes.query(&Command { stdin, ..eyes.command(["gpg", "--with-colons", &file]) })?;
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failed::new(format!("Unable to extract key from '{name}'")).with("stderr", error));
        }
        Ok(keys::listed(&output.text()).into_iter().next())
    }

    /// The program that adds the key, and what its failure is called.
    fn adding(&self, eyes: &Eyes<'_>, id: &Identifier, bytes: Option<Vec<u8>>) -> Result<(Command, String), Failed> {
        if let Some(file) = &self.file {
            let file = eyes.expanded(file);
            let failed = format!("Unable to add a key from file {file}");
            return Ok((eyes.command(self.words(eyes, &["add", &file])), failed));
        }
        if let Some(server) = &self.keyserver {
            let mut words = self.words(eyes, &["adv", "--no-tty", "--keyserver", server]);
            let proxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].into_iter();
            let proxy = proxy.filter_map(|name| eyes.variable(name)).find(|proxy| !proxy.is_empty());
            words.extend(proxy.into_iter().flat_map(|it| ["--keyserver-options".into(), format!("http-proxy={it}")]));
            words.extend(["--recv".to_owned(), id.whole.clone()]);
            return Ok((eyes.command(words), format!("Error fetching key {} from keyserver: {server}", id.whole)));
        }
        let bytes = bytes.ok_or_else(|| Failed::new("No key to add: one of data, file, keyserver, url is required"))?;
        let command = eyes.command(self.words(eyes, &["add", "-"]));
        Ok((Command { stdin: Some(Secret::new(bytes)), ..command }, "Unable to add a key from binary data".into()))
    }
}

/// How often a key server is asked.
const TRIES: u32 = 5;

/// A change of what is trusted: asked for again where servers fail, and looked at afterwards.
struct Work {
    asked: Arc<Asked>,
    id: Identifier,
    command: Command,
    failed: String,
    told: Map,
}

impl Work {
    fn run(self, left: u32) -> Plan {
        let changes = vec![Change::Run(self.command.clone())];
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| match said(effects) {
            None => Ok(Plan { result: self.told, changed: Some(true), ..Plan::default() }),
            Some((code, ..)) if code != 0 && left > 1 => Ok(self.run(left - 1)),
            Some((code, stdout, stderr)) if code != 0 => {
                let failed = Failed { message: self.failed, result: self.told, ..Failed::default() };
                Err(failed.with("rc", i64::from(code)).with("stdout", stdout).with("stderr", stderr))
            }
            Some(_) => {
                let after = self.asked.trusted(eyes, self.id.whole.len() == 8)?;
                if self.id.is_in(&after) != self.asked.present {
                    let what = if self.asked.present { "failed to add the key" } else { "the key was not removed" };
                    let message = format!(
                        "apt-key did not return an error, but {what} (check that the id is correct and *not* a subkey)"
                    );
                    return Err(Failed { message, result: self.told, ..Failed::default() });
                }
                let plan = Plan { result: self.told, changed: Some(true), ..Plan::default() };
                Ok(plan.with("after", Value::list(after.into_iter().map(Value::from))))
            }
        };
        Plan { changes, changed: Some(true), next: Some(Box::new(next)), ..Plan::default() }
    }
}

impl Module for AptKey {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = &self.0;
        for name in ["apt-key", "gpg"] {
            let found =
                eyes.host.find_program(name).map_err(|error| Failed::new(format!("looking for {name}: {error}")))?;
            if found.is_none() {
                let mut failed = Failed::new(format!("Failed to find required executable \"{name}\" in paths"));
                failed.hint = Some("apt-key is gone from newer systems: use deb822_repository with signed_by".into());
                return Err(failed);
            }
        }
        // A key whose identifier is known is fetched only where it is not there.
        let bytes = if asked.id.is_none() { asked.bytes(eyes)? } else { None };
        let given = asked.identifier(eyes, bytes.as_deref())?;
        let id = given.as_deref().and_then(Identifier::parse).ok_or_else(|| Failed::new("Invalid key_id"))?;
        let before = asked.trusted(eyes, id.whole.len() == 8)?;
        let there = id.is_in(&before);
        let plan = Plan::unchanged()
            .with("id", given.unwrap_or_default())
            .with("short_id", id.short.as_str())
            .with("fp", id.long.as_str())
            .with("key_id", id.whole.as_str())
            .with("before", Value::list(before.into_iter().map(Value::from)));
        if there == asked.present {
            return Ok(plan);
        }
        let (command, failed) = if asked.present {
            let bytes = if bytes.is_some() { bytes } else { asked.bytes(eyes)? };
            asked.adding(eyes, &id, bytes)?
        } else {
            let failed = format!("Unable to remove a key with id {}", id.short);
            (eyes.command(asked.words(eyes, &["del", &id.short])), failed)
        };
        let tries = if asked.present && asked.keyserver.is_some() { TRIES } else { 1 };
        let mut told = plan.result;
        told.shift_remove(&Key::from("changed"));
        Ok(Work { asked: Arc::clone(asked), id, command, failed, told }.run(tries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    const LIST: &str = "apt-key adv --list-public-keys --keyid-format=long";

    fn machine(keys: &str) -> Fake {
        Fake::default()
            .file("/usr/bin/apt-key", "")
            .file("/usr/bin/gpg", "")
            .answer(LIST, 0, keys)
            .answer("gpg --with-colons -", 0, "pub:-:4096:1:0123456789ABCDEF:1::\n")
            .answer("gpg --with-colons /k", 0, "pub:-:4096:1:0123456789ABCDEF:1::\n")
    }

    const THERE: &str = "pub   rsa4096/0123456789ABCDEF 2020-01-01 [SC]\n";

    #[test]
    fn a_key_is_added_once_and_looked_for_afterwards() {
        let there = plan(&machine(THERE), "apt_key", json!({"data": "key"})).expect("plan");
        assert!(there.changes.is_empty());
        let told = |plan: &Plan, name: &str| plan.result.get(&Key::from(name)).expect(name).to_json();
        assert_eq!(
            (told(&there, "short_id"), told(&there, "before")),
            (json!("89ABCDEF"), json!(["0123456789ABCDEF"]))
        );
        let add = || plan(&machine(""), "apt_key", json!({"file": "/k", "keyring": "/r"}));
        assert!(add().err().is_some(), "the keyring's own list has no answer");
        let add = plan(&machine(""), "apt_key", json!({"file": "/k"})).expect("plan");
        assert_eq!(changes(&add), ["apt-key add /k"]);
        let done = follow(add, &machine(THERE), &[(0, "", "")]).expect("added");
        assert_eq!((done.changed, told(&done, "after")), (Some(true), json!(["0123456789ABCDEF"])));
        let lost = plan(&machine(""), "apt_key", json!({"data": "key"})).expect("plan");
        assert!(
            follow(lost, &machine(""), &[(0, "", "")]).err().expect("failed").message.contains("failed to add the key")
        );
    }

    #[test]
    fn servers_are_asked_again_and_keys_removed() {
        let ask = json!({"keyserver": "hkps://k", "id": "0x0123456789ABCDEF"});
        let mut step = plan(&machine(""), "apt_key", ask).expect("plan");
        for _ in 1..TRIES {
            assert!(changes(&step)[0].ends_with("--recv 0123456789ABCDEF"));
            step = follow(step, &machine(""), &[(2, "", "no")]).expect("again");
        }
        let failed = follow(step, &machine(""), &[(2, "", "no")]).err().expect("failed");
        assert_eq!(failed.message, "Error fetching key 0123456789ABCDEF from keyserver: hkps://k");
        let gone = plan(&machine(THERE), "apt_key", json!({"id": "89ABCDEF", "state": "absent"})).expect("plan");
        assert_eq!(changes(&gone), ["apt-key del 89ABCDEF"]);
        assert!(
            plan(&machine(""), "apt_key", json!({"id": "89ABCDEF", "state": "absent"}))
                .expect("plan")
                .changes
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let refused = |arguments| plan(&machine(""), "apt_key", arguments).err().expect("refused").message;
        assert_eq!(refused(json!({"id": "xyz", "data": "k"})), "Invalid key_id");
        assert!(refused(json!({"url": "u", "data": "k"})).contains("mutually exclusive"));
        assert!(refused(json!({"keyserver": "k"})).contains("Missing key_id"));
        assert!(plan(&Fake::default(), "apt_key", json!({"id": "89ABCDEF"})).err().expect("failed").hint.is_some());
    }
}
