//! `known_hosts`: the keys by which SSH knows other hosts.

mod entry;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::FileWrite;
use crate::roles::modules::files::draft::Draft;
use crate::roles::value::Value;
use entry::Entry;
use std::path::Path;

/// `known_hosts`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.known_hosts",
    aliases: &[],
    summary: "Adds and removes host keys.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The host.").required().aliases(&["host"]),
        Param::new("key", ParamKind::Str, "The whole line: host, type, key."),
        Param::new("path", ParamKind::Path, "The file.").default("~/.ssh/known_hosts"),
        Param::new("hash_host", ParamKind::Bool, "Hash the host's name.").default("false"),
        Param::new("state", ParamKind::Str, "Whether it is known.").default("present").choices(&["absent", "present"]),
    ],
    file_attributes: false,
    examples: &["known_hosts:\n  name: example.org\n  path: /known\n  key: example.org ssh-ed25519 AAAA\n"],
};

struct KnownHosts {
    name: String,
    key: Option<String>,
    path: String,
    hash: bool,
    present: bool,
}

/// Reads the arguments.
pub fn known_hosts(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let asked = KnownHosts {
        name: args.must("name")?,
        key: args.text("key").filter(|key| !key.is_empty()),
        path: args.must("path")?,
        hash: args.flag("hash_host"),
        present: args.must("state")? == "present",
    };
    if asked.present && asked.key.is_none() {
        return Err(args.together("No key specified when adding a host"));
    }
    let comma = asked.name.find(',').is_some_and(|at| !asked.name[..at].trim().is_empty());
    if comma && asked.key.is_some() {
        return Err(args.together(
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts \
             file.",
        ));
    }
    Ok(Box::new(asked))
}

/// What the file says of a host.
#[derive(Debug, Default, PartialEq)]
struct Found {
    there: bool,
    replace: bool,
    line: Option<usize>,
}

impl KnownHosts {
    /// The line to have, its host hashed where asked.
    fn line(&self, host: &str) -> Result<Option<(String, Entry)>, Failed> {
        let Some(key) = &self.key else { return Ok(None) };
        let mismatch = || Failed::new("Host parameter does not match hashed host field in supplied key");
        let mut line = key.trim_end_matches('\n').to_owned();
        let mut entry = Entry::of(&line).ok_or_else(mismatch)?;
        if self.hash {
            entry.host = entry::hashed(host);
            let words: Vec<&str> = key.split_whitespace().collect();
            let at = usize::from(entry.marker.is_some());
            let words = words.iter().enumerate().map(|(number, word)| if number == at { &entry.host } else { *word });
            line = words.collect::<Vec<_>>().join(" ");
        }
        if entry.is_about(host) { Ok(Some((line, entry))) } else { Err(mismatch()) }
    }

    fn find(&self, lines: &[&str], host: &str, wanted: Option<&Entry>) -> Found {
        let entries = lines.iter().enumerate().filter_map(|(number, line)| Some((number, Entry::of(line)?)));
        let about: Vec<(usize, Entry)> = entries.filter(|(_, entry)| entry.is_about(host)).collect();
        let Some(wanted) = wanted.filter(|_| !about.is_empty()) else {
            return Found { there: !about.is_empty(), ..Found::default() };
        };
        for (number, entry) in about {
            // A hash with another salt is the same host.
            let hashed = wanted.is_hashed() && entry.is_hashed();
            let same = entry
                == Entry { host: if hashed { entry.host.clone() } else { wanted.host.clone() }, ..wanted.clone() };
            if same {
                return Found { there: true, replace: false, line: Some(number) };
            }
            if entry.marker.is_none() && entry.kind == wanted.kind {
                return Found { there: true, replace: true, line: Some(number) };
            }
        }
        Found { there: true, replace: true, line: None }
    }

    /// The file's lines as they shall be.
    fn after(&self, lines: &[&str], host: &str, found: &Found, new: Option<&str>) -> String {
        let about = |line: &str| Entry::of(line).is_some_and(|entry| entry.marker.is_none() && entry.is_about(host));
        let mut kept = String::new();
        for (number, line) in lines.iter().enumerate() {
            let replaced = found.line == Some(number) && (found.replace || !self.present);
            // Without a key, all that is known of the host goes.
            let forgotten = !self.present && new.is_none() && about(line);
            if !replaced && !forgotten {
                kept.push_str(line);
            }
        }
        if let Some(new) = new.filter(|_| self.present) {
            // A last line without an end would swallow the key.
            if !kept.is_empty() && !kept.ends_with('\n') {
                kept.push('\n');
            }
            kept.push_str(&format!("{new}\n"));
        }
        kept
    }

    /// The result repeats the arguments.
    fn tell(&self, draft: &mut Draft<'_>, path: &str) {
        draft.set("name", self.name.as_str());
        draft.set("key", self.key.as_ref().map_or(Value::Null, |key| Value::str(key.as_str())));
        draft.set("path", path);
        draft.set("hash_host", self.hash);
        draft.set("state", if self.present { "present" } else { "absent" });
    }

    /// Plans the file as it shall be.
    fn write(&self, draft: &mut Draft<'_>, path: &str, before: &str, after: &str, whole: bool) -> Result<(), Failed> {
        let there = draft.stat(Path::new(path), true)?.is_some();
        if !there && draft.stat(Path::new(path).parent().unwrap_or(Path::new("/")), true)?.is_none() {
            return Err(Failed::new(format!("Failed to write to file {path}: its directory does not exist")));
        }
        if whole {
            // As `ssh-keygen -R` does.
            draft.write(FileWrite::new(format!("{path}.old"), before.as_bytes().to_vec()))?;
        }
        draft.show(path, before.to_owned(), after.to_owned());
        draft.write(FileWrite::new(path, after.as_bytes().to_vec()))
    }
}

/// The result tells of the file before and after, asked for or not.
fn difference(path: &str, there: bool, before: String, after: String) -> Value {
    let header = if there { path } else { "/dev/null" };
    Value::map([
        ("before_header", Value::str(header)),
        ("before", Value::str(before)),
        ("after_header", Value::str(path)),
        ("after", Value::str(after)),
    ])
}

impl Module for KnownHosts {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        // A host that is to be hashed is not to be told, and its line has another salt each time.
        let mut draft = Draft::new(eyes, self.hash);
        let host = self.name.to_lowercase();
        let path = eyes.expanded(&self.path);
        let wanted = self.line(&host)?;
        let text = eyes.text(&path)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let found = self.find(&lines, &host, wanted.as_ref().map(|(_, entry)| entry));
        self.tell(&mut draft, &path);
        let mut after = text.clone();
        let unknown = !self.present && wanted.is_some() && found.line.is_none();
        if !unknown && (found.replace || found.there != self.present) {
            let new = wanted.as_ref().map(|(line, _)| line.as_str());
            after = self.after(&lines, &host, &found, new);
            self.write(&mut draft, &path, &text, &after, !self.present && new.is_none())?;
        }
        draft.set(
            "diff",
            difference(&path, eyes.host.stat(Path::new(&path), true).is_ok_and(|s| s.is_some()), text, after),
        );
        draft.set_path_members(Path::new(&path))?;
        Ok(draft.finish(None))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, plan};
    use crate::roles::modules::files::stage::{Stage, converges};
    use serde_json::json;

    const FILE: &str =
        "# mine\na.example ssh-rsa AAAA1\na.example ssh-ed25519 AAAA2\nb.example,10.0.0.2 ssh-rsa BBBB\n";

    fn stage() -> Stage {
        Stage::new().file("/k", FILE)
    }

    fn ask(name: &str, key: &str) -> serde_json::Value {
        json!({"name": name, "key": key, "path": "/k"})
    }

    #[test]
    fn a_key_is_added_replaced_or_let_be() {
        let mut stage = stage();
        assert!(!converges(&mut stage, "known_hosts", ask("A.example", "a.example ssh-rsa AAAA1 comment")).changed);
        assert!(converges(&mut stage, "known_hosts", ask("a.example", "a.example ssh-rsa AAAA9")).changed);
        assert!(stage.text("/k").ends_with("BBBB\na.example ssh-rsa AAAA9\n") && !stage.text("/k").contains("AAAA1"));
        converges(&mut stage, "known_hosts", ask("c.example", "c.example ssh-rsa CCCC"));
        assert_eq!(stage.text("/k").lines().count(), 5);
        let mut hashed = ask("d.example", "d.example ssh-rsa DDDD");
        hashed["hash_host"] = json!(true);
        assert!(converges(&mut stage, "known_hosts", hashed).changed);
        assert!(!stage.text("/k").contains("d.example") && stage.text("/k").contains("|1|"));
    }

    #[test]
    fn a_host_is_forgotten_whole_or_by_key() {
        let mut stage = stage();
        let one = json!({"name": "a.example", "key": "a.example ssh-rsa AAAA1", "path": "/k", "state": "absent"});
        assert!(converges(&mut stage, "known_hosts", one).changed);
        assert!(stage.text("/k").contains("AAAA2"));
        let all = json!({"name": "a.example", "path": "/k", "state": "absent"});
        let done = converges(&mut stage, "known_hosts", all);
        assert_eq!(
            (stage.text("/k").as_str(), done.result["state"].as_str()),
            ("# mine\nb.example,10.0.0.2 ssh-rsa BBBB\n", Some("file"))
        );
        assert!(stage.text("/k.old").contains("AAAA2"));
        let other = json!({"name": "b.example", "key": "b.example ssh-dss X", "path": "/k", "state": "absent"});
        assert!(!converges(&mut stage, "known_hosts", other).changed);
    }

    #[test]
    fn keys_that_are_not_the_hosts_are_refused() {
        let machine =
            Fake::default().file("/root/.ssh/known_hosts", "").file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        let refused = |arguments| plan(&machine, "known_hosts", arguments).err().expect("refused").message;
        assert!(refused(json!({"name": "a"})).contains("No key specified"));
        assert!(refused(ask("a", "b ssh-rsa X")).contains("does not match"));
        assert!(refused(ask("a,b", "a,b ssh-rsa X")).contains("Comma separated"));
        assert!(refused(json!({"name": "a", "key": "a ssh-rsa X", "path": "/no/k"})).contains("does not exist"));
        let arguments = json!({"name": "a", "key": "a ssh-rsa X", "path": "/root/.ssh/known_hosts"});
        assert_eq!(changes(&plan(&machine, "known_hosts", arguments).expect("plan")), ["write /root/.ssh/known_hosts"]);
    }
}
