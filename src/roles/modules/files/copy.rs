//! `copy`: files of the tree, text of the task, or the machine's own files, put elsewhere.

use super::draft::{Draft, expand};
use super::file::{make_directories, shown};
use super::placement::{Placement, Source};
use crate::host::Kind;
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// `copy`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.copy",
    aliases: &[],
    summary: "Puts files or text in place.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("src", ParamKind::Path, "A file or directory: of the tree, or of the machine with `remote_src`."),
        Param::new("content", ParamKind::Raw, "The text itself; a list or mapping is written as JSON."),
        Param::new("dest", ParamKind::Path, "Where to; a trailing slash means a directory.").required(),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("force", ParamKind::Bool, "Replace a file with other content.").default("true"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
        Param::new("directory_mode", ParamKind::Mode, "Mode of directories that are made."),
        Param::new("remote_src", ParamKind::Bool, "The source is on the machine.").default("false"),
        Param::new("follow", ParamKind::Bool, "Follow a link at the destination.").default("false"),
        Param::new("local_follow", ParamKind::Bool, "Follow links in the source.").default("true").only(&["True"]),
        Param::new("checksum", ParamKind::Str, "The source's SHA-1."),
        Param::new("decrypt", ParamKind::Bool, "Decrypt a vaulted source.").default("true").only(&["True"]),
    ],
    file_attributes: true,
    examples: &[
        "copy:\n  content: |\n    one\n    two\n  dest: /app.conf\n  owner: daemon\n  mode: '0640'\n",
        "copy:\n  src: app.conf\n  dest: /srv/app/\n  directory_mode: '0750'\n",
    ],
};

enum From {
    Text(Vec<u8>),
    Tree(String),
    Machine(String),
}

struct Copy {
    from: From,
    to: Placement,
    preserve: bool,
    /// Whether the task says that links of the source are followed: what is not said is neither.
    follows: bool,
    sensitive: bool,
}

/// Reads the arguments.
pub fn copy(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let content = args.value("content").map(text);
    let remote = args.flag("remote_src");
    let from = match (content, args.text("src").filter(|src| !src.is_empty())) {
        (Some(_), Some(_)) => return Err(args.together("src and content are mutually exclusive")),
        (None, None) => return Err(args.together("src (or content) is required")),
        (Some(text), None) => From::Text(text),
        (None, Some(src)) if remote => From::Machine(src),
        (None, Some(src)) => From::Tree(src),
    };
    let to = Placement::read(args)?;
    if matches!(from, From::Text(_)) && to.dest.ends_with('/') {
        return Err(args.together("can not use content with a dir as dest"));
    }
    let preserve = args.text("mode").as_deref() == Some("preserve");
    let follows = args.is_given("local_follow");
    Ok(Box::new(Copy { from, to, preserve, follows, sensitive: args.has_secret() }))
}

/// `content` as bytes: text as it is, lists and mappings as JSON with Python's spacing, others as Python writes them.
fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::Str(text) => text.expose().as_bytes().to_vec(),
        Value::Bool(truth) => (if *truth { "True" } else { "False" }).into(),
        Value::Float(number) if number.fract() == 0.0 => format!("{number:.1}").into(),
        Value::List(_) | Value::Map(_) => {
            let mut out = String::new();
            json(value, &mut out);
            out.into_bytes()
        }
        other => other.to_json().to_string().into_bytes(),
    }
}

/// Python's `json.dumps`: a blank after each comma and colon, ASCII only. Secrets are written out.
fn json(value: &Value, out: &mut String) {
    match value {
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                json(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                json(&Value::str(key.to_string()), out);
                out.push_str(": ");
                json(item, out);
            }
            out.push('}');
        }
        Value::Str(text) => {
            let quoted = serde_json::to_string(text.expose()).unwrap_or_default();
            for c in quoted.chars() {
                if c.is_ascii() {
                    out.push(c);
                } else {
                    let mut units = [0; 2];
                    c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
            }
        }
        other => out.push_str(&other.to_json().to_string()),
    }
}

impl Module for Copy {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let dest = expand(eyes, &self.to.dest)?;
        match &self.from {
            From::Text(bytes) => {
                let source = Source { name: None, shown: String::new(), bytes: bytes.clone(), mode: None };
                self.single(&mut draft, &dest, source)?;
            }
            From::Machine(src) => {
                let src = expand(eyes, src)?;
                super::remote::copy(&self.to, &mut draft, &src, &dest, self.preserve, self.follows)?;
            }
            From::Tree(src) => {
                let path = match eyes.tree.resolve("files", src.trim_end_matches('/')) {
                    Err(missing) => return self.absolute(draft, src, &dest).unwrap_or(Err(missing)),
                    Ok(path) => path,
                };
                match eyes.tree.walk(&path) {
                    Ok(below) => self.directory(&mut draft, &path, below, src.ends_with('/'), dest)?,
                    Err(_) => {
                        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
                        let source = self.source(eyes, &path, &name)?;
                        draft.sensitive |= eyes.tree.sealed(&path);
                        self.single(&mut draft, &dest, source)?;
                    }
                }
            }
        }
        Ok(draft.finish(Some("backup_file")))
    }
}

impl Copy {
    /// A whole path that the tree does not have is this host's, as it is the controller's in Ansible.
    fn absolute(&self, mut draft: Draft<'_>, src: &str, dest: &str) -> Option<Result<Plan, Failed>> {
        let path = Path::new(src);
        let stat = path.is_absolute().then(|| draft.stat(path, true).ok().flatten()).flatten()?;
        let done = if stat.kind == Kind::Directory {
            super::remote::copy(&self.to, &mut draft, src, dest, self.preserve, true)
        } else {
            draft.read(path).and_then(|bytes| {
                let mode = self.preserve.then_some(stat.mode);
                let name = path.file_name().map(Path::new);
                self.single(
                    &mut draft,
                    dest,
                    Source { name, shown: shown(path), bytes: bytes.unwrap_or_default(), mode },
                )
            })
        };
        Some(done.map(|()| draft.finish(Some("backup_file"))))
    }

    fn source<'n>(&self, eyes: &Eyes<'_>, path: &Path, name: &'n Path) -> Result<Source<'n>, Failed> {
        let mode = if self.preserve { Some(eyes.tree.mode(path)?) } else { None };
        Ok(Source { name: Some(name), shown: shown(path), bytes: eyes.tree.read(path)?, mode })
    }

    fn single(&self, draft: &mut Draft<'_>, dest: &str, source: Source<'_>) -> Result<(), Failed> {
        let placed = self.to.put(draft, dest, source)?;
        if placed.kept {
            draft.set("dest", dest);
            return Ok(());
        }
        self.to.report(draft, &placed)
    }

    /// A directory of the tree. Its own name is kept unless the source ends in a slash.
    fn directory(
        &self,
        draft: &mut Draft<'_>,
        path: &Path,
        below: Vec<(PathBuf, bool)>,
        contents_only: bool,
        dest: String,
    ) -> Result<(), Failed> {
        let dest = if dest.ends_with('/') { dest } else { format!("{dest}/") };
        let base = if contents_only { PathBuf::new() } else { path.file_name().map(PathBuf::from).unwrap_or_default() };
        let (directories, files): (Vec<_>, Vec<_>) = below.into_iter().partition(|(_, is_directory)| *is_directory);
        let mut last = None;
        for (relative, _) in &files {
            let name = base.join(relative);
            let source = self.source(draft.eyes, &path.join(relative), &name)?;
            last = Some(self.to.put(draft, &dest, source)?);
        }
        let wanted = self.to.wanted.with_mode(self.to.directory_mode.clone());
        for (relative, _) in &directories {
            let directory = Path::new(&dest).join(&base).join(relative);
            make_directories(draft, &directory, &wanted)?;
            wanted.settle(draft, &directory)?;
        }
        match last {
            Some(placed) if files.len() == 1 && !placed.kept => self.to.report(draft, &placed),
            _ => {
                draft.unset(&["checksum", "md5sum"]);
                draft.set("dest", dest);
                draft.set("src", format!("{}{}", shown(path), if contents_only { "/" } else { "" }));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, converges};
    use serde_json::json;

    #[test]
    fn text_is_written_with_its_attributes_and_members() {
        let mut stage = Stage::new();
        let done =
            converges(&mut stage, "copy", json!({"content": "hello\n", "dest": "/f", "mode": "0640", "group": "bin"}));
        assert_eq!((stage.text("/f").as_str(), stage.mode("/f")), ("hello\n", 0o640));
        assert_eq!(done.result["checksum"], "f572d396fae9206628714fb2ce00f72e94f2258f");
        assert_eq!(done.result["md5sum"], "b1946ac92492d2347c6235b4d2611184");
        assert_eq!((&done.result["gid"], &done.result["size"]), (&json!(2), &json!(6)));
        let list = json!({"content": {"a": [1, "é"], "b": null}, "dest": "/j"});
        converges(&mut stage, "copy", list);
        assert_eq!(stage.text("/j"), r#"{"a": [1, "\u00e9"], "b": null}"#);
    }

    #[test]
    fn destinations_and_refusals() {
        let mut stage = Stage::new().file("/d/", "").file("/old", "old").source("app.conf", b"new");
        assert_eq!(
            converges(&mut stage, "copy", json!({"src": "app.conf", "dest": "/d"})).result["dest"],
            "/d/app.conf"
        );
        let made = json!({"src": "app.conf", "dest": "/x/y/", "directory_mode": "0700"});
        converges(&mut stage, "copy", made);
        assert_eq!((stage.mode("/x"), stage.text("/x/y/app.conf").as_str()), (0o700, "new"));
        // A whole path that the tree does not have is the host's own.
        converges(&mut stage, "copy", json!({"src": "/old", "dest": "/x/y/"}));
        assert_eq!((stage.text("/x/y/old").as_str(), stage.mode("/x/y/old")), ("old", 0o644));
        converges(&mut stage, "copy", json!({"src": "/x/y/", "dest": "/z"}));
        assert_eq!(stage.text("/z/app.conf"), "new");
        assert!(stage.run("copy", json!({"src": "/nowhere", "dest": "/z"})).is_err());
        let missing = stage.run("copy", json!({"src": "app.conf", "dest": "/no/f"})).err().expect("refused");
        assert_eq!(missing.message, "Destination directory /no does not exist");
        assert!(!stage.run("copy", json!({"src": "app.conf", "dest": "/old", "force": false})).expect("kept").changed);
        let sum = json!({"src": "app.conf", "dest": "/old", "checksum": "00"});
        assert!(stage.run("copy", sum).err().expect("refused").message.contains("expected checksum"));
        let kept = stage.run("copy", json!({"src": "app.conf", "dest": "/old", "backup": true})).expect("replaced");
        let backup = kept.result["backup_file"].as_str().expect("backup").to_owned();
        assert_eq!((stage.text("/old").as_str(), stage.text(&backup).as_str()), ("new", "old"));
    }

    #[test]
    fn a_link_is_replaced_unless_followed() {
        let mut stage = Stage::new().file("/real", "old").link("/l1", "/real").link("/l2", "/real");
        converges(&mut stage, "copy", json!({"content": "new", "dest": "/l1"}));
        assert_eq!(stage.text("/real"), "old");
        converges(&mut stage, "copy", json!({"content": "new", "dest": "/l2", "follow": true}));
        assert_eq!(stage.text("/real"), "new");
    }

    #[test]
    fn directories_keep_their_name_unless_a_slash_ends_them() {
        let mut stage = Stage::new().source("site/a", b"1").source("site/sub/b", b"2");
        converges(&mut stage, "copy", json!({"src": "site", "dest": "/one", "mode": "0600"}));
        converges(&mut stage, "copy", json!({"src": "site/", "dest": "/two"}));
        assert_eq!((stage.text("/one/site/sub/b").as_str(), stage.text("/two/sub/b").as_str()), ("2", "2"));
        assert_eq!(stage.mode("/one/site/a"), 0o600);
    }

    #[test]
    fn the_machines_own_files() {
        let mut stage = Stage::new().file("/src/a", "1").file("/src/sub/b", "2").file("/to/", "");
        converges(&mut stage, "copy", json!({"src": "/src/a", "dest": "/copy", "remote_src": true}));
        converges(&mut stage, "copy", json!({"src": "/src", "dest": "/to", "remote_src": true}));
        assert_eq!((stage.text("/copy").as_str(), stage.text("/to/src/sub/b").as_str()), ("1", "2"));
        let missing =
            stage.run("copy", json!({"src": "/none", "dest": "/x", "remote_src": true})).err().expect("refused");
        assert_eq!(missing.message, "Source /none not found");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let mut stage = Stage::new().source("key.j2", b"SECRET");
        let plan = stage.plan("template", &json!({"src": "key.j2", "dest": "/key"})).expect("planned");
        assert!(plan.diff.iter().all(|diff| diff.after.is_none()));
        assert!(
            plan.changes.iter().all(|change| !matches!(change, crate::host::Change::Write(file) if !file.sensitive))
        );
        let open = stage.run("copy", json!({"content": "open", "dest": "/open"})).expect("copied");
        assert_eq!(open.diff[0].after.as_deref(), Some("open"));
    }
}
