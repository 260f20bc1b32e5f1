//! `fetch`: a copy of a file of the host, kept beside it: the host and the one who runs the play are the same machine.

use super::draft::{Draft, expand};
use super::file::{make_plain_directories, shown};
use crate::host::{Digest, FileWrite, Hasher, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::path::{Component, Path, PathBuf};

/// `fetch`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.fetch",
    aliases: &[],
    summary: "Copies a file of the host to a directory of the same host.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("src", ParamKind::Str, "The file.").required(),
        Param::new("dest", ParamKind::Str, "The directory below which it is kept; an absolute path.").required(),
        Param::new("flat", ParamKind::Bool, "Keep it as `dest` itself, not below the host's name.").default("false"),
        Param::new("fail_on_missing", ParamKind::Bool, "Fail where there is no such file.").default("true"),
        Param::new("validate_checksum", ParamKind::Bool, "Compare digests afterwards; a copy here cannot differ.")
            .default("true"),
    ],
    file_attributes: false,
    examples: &["fetch:\n  src: /etc/app.conf\n  dest: /kept/\n"],
};

struct Fetch {
    src: String,
    dest: String,
    flat: bool,
    must_exist: bool,
}

/// Reads the arguments.
pub fn fetch(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Fetch {
        src: args.must("src")?,
        dest: args.must("dest")?,
        flat: args.flag("flat"),
        must_exist: args.flag("fail_on_missing"),
    }))
}

/// `os.path.normpath` of an absolute path.
fn normal(path: &str) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

impl Fetch {
    fn target(&self, draft: &Draft<'_>, source: &str) -> Result<PathBuf, Failed> {
        if !self.dest.starts_with(['/', '~']) {
            let mut failed = Failed::new(format!("fetch: dest `{}` is relative, and would lie in the tree", self.dest));
            failed.hint = Some("the tree is not written to: give an absolute path".into());
            return Err(failed);
        }
        let dest = expand(draft.eyes, &self.dest)?;
        if !self.flat {
            return Ok(normal(&format!("{dest}/{}/{source}", draft.eyes.inventory_hostname)));
        }
        let is_directory =
            |path: &str| Ok::<_, Failed>(draft.stat(Path::new(path), true)?.is_some_and(|s| s.kind == Kind::Directory));
        if !dest.ends_with('/') && is_directory(&dest)? {
            return Err(Failed::new(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            ));
        }
        let dest =
            if dest.ends_with('/') { format!("{dest}{}", source.rsplit('/').next().unwrap_or_default()) } else { dest };
        if is_directory(&dest)? {
            return Err(Failed::new(format!(
                "calculated dest '{dest}' is an existing directory, use another path that does not point to an existing \
                 directory"
            )));
        }
        Ok(normal(&dest))
    }

    /// What a source that cannot be fetched is: a failure, or something to be told.
    fn without(&self, source: &str, message: &str) -> Result<Plan, Failed> {
        if self.must_exist {
            return Err(Failed::new(message).with("file", source).with("changed", false));
        }
        Ok(Plan::unchanged().with("file", source).with("msg", message))
    }
}

impl Module for Fetch {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let source = expand(eyes, &self.src)?;
        match draft.stat(Path::new(&source), true)? {
            None => return self.without(&source, "the remote file does not exist, not transferring, ignored"),
            Some(stat) if stat.kind == Kind::Directory => {
                let ignored = if self.must_exist { "" } else { ", not transferring, ignored" };
                let message = format!("remote file is a directory, fetch cannot work on directories{ignored}");
                return self.without(&source, &message);
            }
            Some(_) => {}
        }
        let bytes = draft.read(Path::new(&source))?.unwrap_or_default();
        let target = self.target(&draft, &source)?;
        let sum = Hasher::of(Digest::Sha1, &bytes);
        draft.set("md5sum", Hasher::of(Digest::Md5, &bytes));
        draft.set("dest", shown(&target));
        draft.set("checksum", sum.as_str());
        let there = draft.stat(&target, true)?.is_some_and(|stat| stat.kind == Kind::File);
        if there && draft.read(&target)?.as_ref() == Some(&bytes) {
            draft.set("file", source);
            return Ok(draft.finish(None));
        }
        draft.set("remote_md5sum", Value::Null);
        draft.set("remote_checksum", sum);
        make_plain_directories(&mut draft, target.parent().unwrap_or(Path::new("/")))?;
        draft.write(FileWrite { follow: true, ..FileWrite::new(&target, bytes) })?;
        Ok(draft.finish(None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, converges};
    use serde_json::json;

    #[test]
    fn a_file_is_kept_below_the_hosts_name_or_flat() {
        let mut stage = Stage::new().file("/etc/app", "x").file("/flat/d/", "");
        let done = converges(&mut stage, "fetch", json!({"src": "/etc/app", "dest": "/kept"}));
        assert_eq!(stage.text("/kept/localhost/etc/app"), "x");
        assert_eq!(done.result["dest"], "/kept/localhost/etc/app");
        assert_eq!(done.result["checksum"], done.result["remote_checksum"]);
        converges(&mut stage, "fetch", json!({"src": "/etc/app", "dest": "/flat/", "flat": true}));
        assert_eq!(stage.text("/flat/app"), "x");
        let mut refused = |dest: &str| {
            let arguments = json!({"src": "/etc/app", "dest": dest, "flat": true});
            stage.run("fetch", arguments).err().expect("refused").message
        };
        assert!(refused("/flat/d").contains("use a trailing slash"));
        assert!(refused("here").contains("would lie in the tree"));
    }

    #[test]
    fn what_is_not_there_fails_or_is_told() {
        let mut stage = Stage::new().file("/etc/d/", "");
        let missing = stage.run("fetch", json!({"src": "/none", "dest": "/kept"})).err().expect("failed");
        assert_eq!(missing.message, "the remote file does not exist, not transferring, ignored");
        let told = json!({"src": "/etc/d", "dest": "/kept", "fail_on_missing": false});
        let told = stage.run("fetch", told).expect("told");
        assert!(!told.changed && told.result["msg"].as_str().expect("msg").contains("cannot work on directories"));
    }
}
