//! `authorized_key`: the keys by which a user may log in.

mod line;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, FileWrite, UserEntry};
use crate::roles::modules::files::draft::Draft;
use crate::roles::remote::Request;
use crate::roles::value::Value;
use line::{Key, Line};
use std::io::Read;
use std::path::{Path, PathBuf};

/// `authorized_key`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.authorized_key",
    aliases: &[],
    summary: "Adds and removes a user's authorised SSH keys.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("user", ParamKind::Str, "The user.").required(),
        Param::new("key", ParamKind::Str, "The keys, a line each, or a URL of them.").required(),
        Param::new("path", ParamKind::Path, "The file; `~/.ssh/authorized_keys` of the user by default."),
        Param::new("manage_dir", ParamKind::Bool, "Make the file's directory the user's own.").default("true"),
        Param::new("state", ParamKind::Str, "Whether they are there.")
            .default("present")
            .choices(&["absent", "present"]),
        Param::new("key_options", ParamKind::Str, "Options of the keys, in place of their own."),
        Param::new("exclusive", ParamKind::Bool, "Remove all other keys.").default("false"),
        Param::new("comment", ParamKind::Str, "The keys' comment, in place of their own."),
        Param::new("validate_certs", ParamKind::Bool, "Verify the certificate of a URL's server.").default("true"),
        Param::new("follow", ParamKind::Bool, "Follow a link at the path.").default("false"),
    ],
    file_attributes: false,
    examples: &[
        "ansible.posix.authorized_key:\n  user: root\n  key: ssh-ed25519 AAAA me\n  path: /keys\n  manage_dir: false\n",
    ],
};

struct AuthorizedKey {
    user: String,
    key: String,
    path: Option<String>,
    manage_directory: bool,
    present: bool,
    options: Option<String>,
    exclusive: bool,
    comment: Option<String>,
    verify: bool,
    follow: bool,
    told: Vec<(&'static str, Value)>,
}

/// Reads the arguments.
pub fn authorized_key(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let told = SPEC.params.iter().map(|param| (param.name, args.value(param.name).cloned().unwrap_or_default()));
    Ok(Box::new(AuthorizedKey {
        told: told.collect(),
        user: args.must("user")?,
        key: args.must("key")?,
        path: args.text("path"),
        manage_directory: args.flag("manage_dir"),
        present: args.must("state")? == "present",
        options: args.text("key_options"),
        exclusive: args.flag("exclusive"),
        comment: args.text("comment"),
        verify: args.flag("validate_certs"),
        follow: args.flag("follow"),
    }))
}

impl AuthorizedKey {
    /// The keys that the task names.
    fn keys(&self, eyes: &Eyes<'_>) -> Result<Vec<Key>, Failed> {
        let text = if self.key.starts_with("http") { self.fetched(eyes)? } else { self.key.clone() };
        let mut keys = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut key = Key::of(line).ok_or_else(|| Failed::new(format!("invalid key specified: {line}")))?;
            if let Some(options) = &self.options {
                key.options = line::options(options);
            }
            if let Some(comment) = &self.comment {
                key.comment.clone_from(comment);
            }
            keys.push(key);
        }
        Ok(keys)
    }

    fn fetched(&self, eyes: &Eyes<'_>) -> Result<String, Failed> {
        let wrong = || Failed::new(format!("Error getting key from: {}", self.key));
        let request = Request { url: self.key.clone(), verify: self.verify, follow: true, ..Request::default() };
        let response =
            eyes.remote.http(&request).map_err(|error| Failed { hint: Some(error.to_string()), ..wrong() })?;
        if response.status != 200 {
            return Err(wrong());
        }
        let mut text = String::new();
        response.body.reader().take(1 << 22).read_to_string(&mut text).map_err(|_| wrong())?;
        Ok(text)
    }

    /// Brings the file's lines to what is asked; whether any differs.
    fn alter(&self, lines: &mut Vec<Line>, keys: &[Key]) -> bool {
        let mut changed = false;
        let mut last = Vec::new();
        for key in keys {
            let have = lines.iter().position(|line| line.is(&key.key));
            match (self.present, have) {
                (false, Some(at)) => {
                    lines.remove(at);
                    changed = true;
                }
                (true, Some(at)) if lines[at] == Line::Key(key.clone()) => {}
                (true, have) => {
                    // A key that changes goes to the end, as a new one does.
                    if let Some(at) = have {
                        lines.remove(at);
                    }
                    last.retain(|line: &Line| !line.is(&key.key));
                    last.push(Line::Key(key.clone()));
                    changed = true;
                }
                (false, None) => {}
            }
        }
        lines.append(&mut last);
        if self.present && self.exclusive {
            let before = lines.len();
            lines.retain(|line| keys.iter().any(|key| line.is(&key.key)));
            changed |= lines.len() != before;
        }
        changed
    }

    fn write(&self, draft: &mut Draft<'_>, user: &UserEntry, path: &Path, text: String) -> Result<(), Failed> {
        let own = |mode| Attributes { mode: Some(mode), uid: Some(user.uid), gid: Some(user.gid) };
        let path = if self.follow { draft.canonical(path)? } else { path.to_owned() };
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        let directories = if self.manage_directory {
            let managed = self
                .path
                .as_ref()
                .map_or(directory.clone(), |path| Path::new(path).parent().unwrap_or(Path::new("/")).to_owned());
            match draft.stat(&managed, true)? {
                None => draft.make_directory(&managed, own(0o700)).map_err(|error| {
                    Failed::new(format!("Failed to create directory {} : {error}", managed.display()))
                })?,
                Some(stat) if (stat.mode, stat.uid, stat.gid) != (0o700, user.uid, user.gid) => {
                    draft.change(Change::SetAttributes { path: managed, attributes: own(0o700), follow: true })?;
                }
                Some(_) => {}
            }
            Vec::new()
        } else {
            directory.ancestors().map(Path::to_owned).collect::<Vec<PathBuf>>()
        };
        for directory in directories.into_iter().rev() {
            if draft.stat(&directory, true)?.is_none() {
                draft.make_directory(&directory, Attributes::default())?;
            }
        }
        let before = draft.stat(&path, true)?.map(|_| draft.read(&path)).transpose()?.flatten().unwrap_or_default();
        draft.show_bytes(&path.to_string_lossy(), &before, text.as_bytes());
        draft.write(FileWrite { attributes: own(0o600), ..FileWrite::new(&path, text.into_bytes()) })
    }
}

impl Module for AuthorizedKey {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let keys = self.keys(eyes)?;
        let user =
            eyes.host.user(&self.user).map_err(|error| Failed::new(format!("looking up {}: {error}", self.user)))?;
        let user = user.filter(|user| user.name == self.user);
        let user = user.ok_or_else(|| {
            let name = &self.user;
            Failed::new(format!("Failed to lookup user {name}: \"getpwnam(): name not found: '{name}'\""))
        })?;
        let path = match &self.path {
            Some(path) => PathBuf::from(eyes.expanded(path)),
            None => Path::new(&user.home).join(".ssh/authorized_keys"),
        };
        let bytes = draft.stat(&path, true)?.map(|_| draft.read(&path)).transpose()?.flatten().unwrap_or_default();
        let mut lines = Line::all(&String::from_utf8_lossy(&bytes));
        let changed = self.alter(&mut lines, &keys);
        if changed {
            let text: String = lines.iter().map(Line::text).collect();
            self.write(&mut draft, &user, &path, text)?;
        }
        for (name, value) in &self.told {
            draft.set(name, value.clone());
        }
        draft.set("keyfile", path.to_string_lossy().into_owned());
        if self.path.is_some() {
            draft.set_path_members(&path)?;
        }
        let mut plan = draft.finish(None);
        plan.changed = Some(changed);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::files::stage::{Stage, Web, converges};
    use serde_json::{Value as Json, json};

    const FILE: &str = "# mine\nssh-rsa AAAA1 one\nno-pty ssh-ed25519 AAAA2 two\n";

    fn stage() -> Stage {
        let mut stage = Stage::new().file("/root/", "").file("/k", FILE);
        stage.remote = Box::new(Web::new([("https://h/me.keys", "ssh-rsa U1\nssh-rsa U2 two\n")]));
        stage
    }

    fn ask(key: &str) -> Json {
        json!({"user": "root", "key": key, "path": "/k", "manage_dir": false})
    }

    #[test]
    fn a_key_is_added_altered_or_let_be() {
        let mut stage = stage();
        assert!(!converges(&mut stage, "authorized_key", ask("ssh-rsa AAAA1 one")).changed);
        assert!(converges(&mut stage, "authorized_key", ask("ssh-rsa AAAA1 other")).changed);
        assert_eq!(stage.text("/k"), "# mine\nno-pty ssh-ed25519 AAAA2 two\nssh-rsa AAAA1 other\n");
        let mut options = ask("ssh-rsa AAAA3 c");
        options["key_options"] = json!("from=\"10.0.0.0/8,x\",no-pty");
        let done = converges(&mut stage, "authorized_key", options);
        assert!(stage.text("/k").ends_with("from=\"10.0.0.0/8,x\",no-pty ssh-rsa AAAA3 c\n"));
        assert_eq!((&done.result["keyfile"], &done.result["exclusive"]), (&json!("/k"), &json!(false)));
        assert_eq!(stage.mode("/k"), 0o600);
    }

    #[test]
    fn keys_are_removed_or_alone() {
        let mut stage = stage();
        let mut absent = ask("ssh-ed25519 AAAA2");
        absent["state"] = json!("absent");
        converges(&mut stage, "authorized_key", absent);
        assert_eq!(stage.text("/k"), "# mine\nssh-rsa AAAA1 one\n");
        let mut alone = ask("https://h/me.keys");
        alone["exclusive"] = json!(true);
        converges(&mut stage, "authorized_key", alone);
        assert_eq!(stage.text("/k"), "ssh-rsa U1 \nssh-rsa U2 two\n");
    }

    #[test]
    fn the_users_own_directory_is_made() {
        let mut stage = stage();
        converges(&mut stage, "authorized_key", json!({"user": "root", "key": "ssh-rsa K\n# c\nssh-rsa L"}));
        assert_eq!((stage.mode("/root/.ssh"), stage.mode("/root/.ssh/authorized_keys")), (0o700, 0o600));
        let mut refused = |arguments| stage.run("authorized_key", arguments).err().expect("refused").message;
        assert!(refused(json!({"user": "nobody-here", "key": "ssh-rsa K"})).starts_with("Failed to lookup user"));
        assert_eq!(refused(ask("what is this")), "invalid key specified: what is this");
        assert_eq!(refused(ask("https://h/none")), "Error getting key from: https://h/none");
    }
}
