//! `file`: a path is a file, directory or link with its owner and mode, or is absent.

use super::chattr;
use super::draft::{Draft, expand};
use super::links;
use super::times::{Time, Times};
use super::wanted::{Wanted, state};
use crate::host::{Change, FileWrite, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// `file`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.file",
    aliases: &[],
    summary: "Sets owner, mode and kind of a path, or removes it.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "What is managed.").required().aliases(&["dest", "name"]),
        Param::new("state", ParamKind::Str, "What it shall be.").choices(&[
            "absent",
            "directory",
            "file",
            "hard",
            "link",
            "touch",
        ]),
        Param::new("src", ParamKind::Path, "Where a link leads to."),
        Param::new("recurse", ParamKind::Bool, "Set owner and mode of all below a directory.").default("false"),
        Param::new("force", ParamKind::Bool, "Replace what is in a link's way; link to what is absent.")
            .default("false"),
        Param::new("follow", ParamKind::Bool, "Follow a link at the path.").default("true"),
        Param::new("access_time", ParamKind::Str, "`preserve`, `now`, or a time."),
        Param::new("access_time_format", ParamKind::Str, "How that time is written.").default("%Y%m%d%H%M.%S"),
        Param::new("modification_time", ParamKind::Str, "`preserve`, `now`, or a time."),
        Param::new("modification_time_format", ParamKind::Str, "How that time is written.").default("%Y%m%d%H%M.%S"),
        Param::new("_diff_peek", ParamKind::Bool, "Of Ansible's own use: tell what the file is, and change nothing."),
        Param::new("attributes", ParamKind::Str, "Attributes of the file system, as chattr(1) takes them.")
            .aliases(&["attr"]),
    ],
    file_attributes: true,
    examples: &[
        "file:\n  path: /srv/app/current\n  state: directory\n  owner: daemon\n  mode: u=rwx,g=rx,o=\n",
        "file:\n  path: /run-here\n  src: /srv/elsewhere\n  state: link\n  force: true\n",
        "file:\n  path: /gone\n  state: absent\n",
    ],
};

pub(super) struct File {
    path: String,
    pub(super) state: Option<String>,
    pub(super) src: Option<String>,
    recurse: bool,
    pub(super) force: bool,
    pub(super) follow: bool,
    pub(super) times: Times,
    pub(super) wanted: Wanted,
    attributes: Option<String>,
    peek: bool,
}

/// Reads the arguments.
pub fn file(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let state = args.text("state");
    let times = Times::read(args, if state.as_deref() == Some("touch") { Time::Now } else { Time::Preserve })?;
    let file = File {
        path: args.must("path")?,
        src: args.text("src"),
        recurse: args.flag("recurse"),
        force: args.flag("force"),
        follow: args.flag("follow"),
        wanted: Wanted::read(args)?,
        times,
        state,
        attributes: args.text("attributes"),
        peek: args.value("_diff_peek").is_some(),
    };
    if file.recurse && file.state.as_deref().is_some_and(|state| state != "directory") {
        return Err(args.together("recurse option requires state to be 'directory'"));
    }
    if file.src.is_some() && !matches!(file.state.as_deref(), Some("link" | "hard")) {
        return Err(args.together("src option requires state to be 'link' or 'hard'"));
    }
    Ok(Box::new(file))
}

impl Module for File {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let mut path = PathBuf::from(expand(eyes, &self.path)?);
        if self.peek {
            let head = draft.read(&path).ok().flatten().unwrap_or_default();
            let binary = head.iter().take(8192).any(|byte| *byte == 0);
            let plan = Plan { changed: Some(false), ..Plan::unchanged() };
            return Ok(plan.with("path", shown(&path)).with("appears_binary", binary));
        }
        let wants = self.state.as_deref();
        if let Some(name) = self.src.as_deref().and_then(|src| Path::new(src).file_name())
            && !matches!(wants, Some("link" | "absent"))
            && draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::Directory)
        {
            path.push(name);
        }
        let now = state(draft.stat(&path, false)?.as_ref());
        let wants = wants.unwrap_or(match now {
            "absent" if self.recurse => "directory",
            "absent" => "file",
            now => now,
        });
        if self.recurse && wants != "directory" {
            return Err(Failed::new("recurse option requires state to be 'directory'").with("path", shown(&path)));
        }
        draft.tell("path", shown(&path), shown(&path));
        if now != wants {
            draft.tell("state", now, wants);
        }
        match wants {
            "absent" => absent(&mut draft, &path, now)?,
            "directory" => self.directory(&mut draft, path.clone())?,
            "touch" => self.touch(&mut draft, &path, now)?,
            "link" => links::symbolic(self, &mut draft, &path, now)?,
            "hard" => links::hard(self, &mut draft, &path, now)?,
            _ => self.attributes(&mut draft, path.clone())?,
        }
        if (wants, now) != ("absent", "absent") {
            draft.told();
        }
        let plan = draft.finish(None);
        match &self.attributes {
            Some(flags) if wants != "absent" => chattr::set(eyes, &path, flags, plan),
            _ => Ok(plan),
        }
    }
}

/// A path as a result's member.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn absent(draft: &mut Draft<'_>, path: &Path, now: &str) -> Result<(), Failed> {
    if now == "directory" {
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        content(draft, path, 0, &mut directories, &mut files)?;
        let content = [("directories", Value::list(directories)), ("files", Value::list(files))];
        draft.tell_before("path_content", Value::map(content));
    }
    if now != "absent" {
        draft.show(&shown(path), format!("state: {now}\n"), "state: absent\n".into());
        draft.change(Change::Remove { path: path.to_owned() })?;
    }
    draft.set("path", shown(path));
    draft.set("state", "absent");
    Ok(())
}

/// What lies below a directory that goes, as `os.walk` lists it: links to directories are directories.
fn content(
    draft: &Draft<'_>,
    directory: &Path,
    depth: usize,
    directories: &mut Vec<Value>,
    files: &mut Vec<Value>,
) -> Result<(), Failed> {
    let names = draft.machine().list(directory).ok().flatten().unwrap_or_default();
    let mut below = Vec::new();
    for name in names {
        let path = directory.join(name);
        let is_directory =
            |follow| Ok::<_, Failed>(draft.stat(&path, follow)?.is_some_and(|it| it.kind == Kind::Directory));
        let list = if is_directory(true).unwrap_or(false) { &mut *directories } else { &mut *files };
        // More than these nobody reads, and a result is kept for the whole run.
        if list.len() < 10_000 {
            list.push(shown(&path).into());
        }
        if is_directory(false)? && depth < 200 {
            below.push(path);
        }
    }
    below.iter().try_for_each(|path| content(draft, path, depth + 1, directories, files))
}

impl File {
    /// Owner, mode and times, after which the result tells of the path.
    pub(super) fn settle(&self, draft: &mut Draft<'_>, path: &Path) -> Result<(), Failed> {
        self.wanted.settle(draft, path)?;
        self.times.settle(draft, path)?;
        Ok(())
    }

    /// `file_args['path']`: through a final link where links are followed.
    pub(super) fn target(&self, draft: &Draft<'_>, path: &Path) -> Result<PathBuf, Failed> {
        let is_link = draft.stat(path, false)?.is_some_and(|stat| stat.kind == Kind::Link);
        if self.follow && is_link { draft.canonical(path) } else { Ok(path.to_owned()) }
    }

    fn attributes(&self, draft: &mut Draft<'_>, path: PathBuf) -> Result<(), Failed> {
        let path = self.target(draft, &path)?;
        let now = state(draft.stat(&path, false)?.as_ref());
        if now != "file" && now != "hard" {
            let failed = Failed::new(format!("file ({}) is {now}, cannot continue", path.display()));
            return Err(failed.with("path", shown(&path)).with("state", now));
        }
        self.settle(draft, &path)?;
        draft.set("path", shown(&path));
        draft.set_path_members(&path)
    }

    fn touch(&self, draft: &mut Draft<'_>, path: &Path, now: &str) -> Result<(), Failed> {
        if now == "absent" {
            let parent = path.parent().unwrap_or(Path::new("/"));
            if draft.stat(parent, true)?.is_none() {
                let message = "Error, could not touch target.: No such file or directory";
                return Err(Failed::new(message).with("path", shown(path)));
            }
            draft.show(&shown(path), "state: absent\n".into(), "state: touch\n".into());
            // Owner and mode are right before the name is there.
            let mut write = FileWrite::new(path, Vec::new());
            write.attributes = self.wanted.resolve(draft.machine(), &fresh(draft, Kind::File))?;
            draft.write(write)?;
        }
        let target = self.target(draft, path)?;
        self.settle(draft, &target)?;
        draft.set("dest", shown(path));
        draft.set_path_members(path)
    }

    fn directory(&self, draft: &mut Draft<'_>, path: PathBuf) -> Result<(), Failed> {
        let path = self.target(draft, &path)?;
        match state(draft.stat(&path, false)?.as_ref()) {
            "absent" => make_directories(draft, &path, &self.wanted).map_err(|error| {
                let message = format!("There was an issue creating {} as requested: {error}", path.display());
                Failed::new(message).with("path", shown(&path))
            })?,
            "directory" => {}
            now => {
                let failed = Failed::new(format!("{} already exists as a {now}", path.display()));
                return Err(failed.with("path", shown(&path)));
            }
        }
        self.settle(draft, &path)?;
        if self.recurse {
            self.settle_below(draft, &path, 0)?;
        }
        draft.set("path", shown(&path));
        draft.set_path_members(&path)
    }

    /// All below a directory. Links are not followed unless `follow`, and then only as far as links do not nest.
    fn settle_below(&self, draft: &mut Draft<'_>, directory: &Path, depth: usize) -> Result<(), Failed> {
        if depth > 200 {
            return Err(Failed::new(format!("Could not recursively set attributes on {}", directory.display())));
        }
        let names =
            draft.machine().list(directory).map_err(|e| Failed::new(format!("{}: {e}", directory.display())))?;
        for name in names.unwrap_or_default() {
            let path = directory.join(name);
            let Some(stat) = draft.stat(&path, false)? else { continue };
            self.settle(draft, &path)?;
            match stat.kind {
                Kind::Directory => self.settle_below(draft, &path, depth + 1)?,
                Kind::Link if self.follow => {
                    let Some(target) = draft.stat(&path, true)? else { continue };
                    let real = draft.canonical(&path)?;
                    // A link to a directory above would never end.
                    if target.kind == Kind::Directory && !path.starts_with(&real) {
                        self.settle_below(draft, &real, depth + 1)?;
                    }
                    self.settle(draft, &real)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A file or directory that is about to be made, before anything is asked of it.
pub fn fresh(draft: &Draft<'_>, kind: Kind) -> crate::host::Stat {
    let most = if kind == Kind::Directory { 0o777 } else { 0o666 };
    crate::host::Stat::unmade(kind, most & !draft.machine().umask(), draft.machine().identity())
}

/// Makes a directory and its missing parents, all with the same attributes.
pub(super) fn make_directories(draft: &mut Draft<'_>, path: &Path, wanted: &Wanted) -> Result<(), Failed> {
    let mut missing: Vec<PathBuf> = Vec::new();
    for ancestor in path.ancestors() {
        if draft.stat(ancestor, true)?.is_some() {
            break;
        }
        missing.push(ancestor.to_owned());
    }
    for directory in missing.into_iter().rev() {
        let attributes = wanted.resolve(draft.machine(), &fresh(draft, Kind::Directory))?;
        draft.show(&shown(&directory), "state: absent\n".into(), "state: directory\n".into());
        draft.make_directory(&directory, attributes)?;
        wanted.settle(draft, &directory)?;
    }
    Ok(())
}

/// Makes missing directories with nothing asked of them.
pub(super) fn make_plain_directories(draft: &mut Draft<'_>, path: &Path) -> Result<(), Failed> {
    make_directories(draft, path, &Wanted::default())
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, converges};
    use crate::host::{Kind, Observe};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn a_directory_and_its_parents_get_the_attributes() {
        let mut stage = Stage::new();
        let done =
            converges(&mut stage, "file", json!({"path": "/a/b", "state": "directory", "mode": "u=rwx,g=rx,o="}));
        assert!(done.changed);
        assert_eq!((stage.mode("/a"), stage.mode("/a/b")), (0o750, 0o750));
        assert_eq!(done.result["mode"], "0750");
        assert_eq!((&done.result["state"], &done.result["owner"]), (&json!("directory"), &json!("root")));
    }

    #[test]
    fn a_path_without_a_state_keeps_its_kind() {
        let mut stage = Stage::new().file("/etc/app", "x");
        let done = converges(&mut stage, "file", json!({"path": "/etc/app", "mode": 0o600, "owner": "daemon"}));
        assert_eq!((&done.result["mode"], &done.result["uid"]), (&json!("0600"), &json!(1)));
        let error = stage.run("file", json!({"path": "/etc/none", "mode": "0600"})).err().expect("refused");
        assert_eq!(error.message, "file (/etc/none) is absent, cannot continue");
        let unknown = stage.run("file", json!({"path": "/etc/app", "owner": "nobody-here"})).err().expect("refused");
        assert_eq!(unknown.message, "chown failed: failed to look up user nobody-here");
    }

    #[test]
    fn recursion_reaches_all_and_follows_no_link_out() {
        let mut stage = Stage::new().file("/a/b/c", "").file("/out/d", "").link("/a/link", "/out");
        let arguments =
            json!({"path": "/a", "state": "directory", "recurse": true, "mode": "g-rwX,o-rwX", "follow": false});
        converges(&mut stage, "file", arguments);
        assert_eq!((stage.mode("/a/b"), stage.mode("/a/b/c"), stage.mode("/out/d")), (0o700, 0o600, 0o644));
    }

    #[test]
    fn links_are_made_moved_and_refused_as_by_ansible() {
        let mut stage = Stage::new().file("/etc/one", "1").file("/etc/two", "2").file("/full/x", "");
        let link = |src: &str, path: &str| json!({"src": src, "path": path, "state": "link"});
        assert!(converges(&mut stage, "file", link("/etc/one", "/etc/link")).changed);
        assert!(converges(&mut stage, "file", link("two", "/etc/link")).changed);
        assert_eq!(stage.text("/etc/link"), "2");
        let missing = stage.run("file", link("/none", "/etc/l2")).err().expect("refused");
        assert!(missing.message.starts_with("src file does not exist, use 'force=yes'"), "{missing}");
        let convert = stage.run("file", link("one", "/etc/two")).err().expect("refused");
        assert_eq!(convert.message, "refusing to convert from file to symlink for /etc/two");
        let mut forced = link("/etc/one", "/full");
        forced["force"] = json!(true);
        let full = stage.run("file", forced).err().expect("refused");
        assert_eq!(full.message, "the directory /full is not empty, refusing to convert it");
        let hard = json!({"src": "/etc/one", "path": "/etc/hard", "state": "hard"});
        assert_eq!(converges(&mut stage, "file", hard).result["state"], "hard");
    }

    #[test]
    fn touch_makes_and_always_changes_unless_times_are_kept() {
        let mut stage = Stage::new();
        let touch = json!({"path": "/t", "state": "touch", "mode": "0600"});
        assert!(stage.run("file", touch.clone()).expect("first").changed);
        assert!(stage.run("file", touch).expect("second").changed);
        let kept = json!({"path": "/t", "state": "touch", "access_time": "preserve", "modification_time": "preserve"});
        assert!(!converges(&mut stage, "file", kept).changed);
        let at =
            json!({"path": "/t", "state": "touch", "access_time": "preserve", "modification_time": "202001020304.05"});
        assert!(converges(&mut stage, "file", at).changed);
    }

    #[test]
    fn absent_removes_whatever_is_there() {
        let mut stage = Stage::new().file("/a/b/c", "").link("/l", "/a");
        assert!(converges(&mut stage, "file", json!({"path": "/l", "state": "absent"})).changed);
        assert_eq!(stage.machine.stat(Path::new("/a"), false).expect("stat").expect("stays").kind, Kind::Directory);
        assert!(converges(&mut stage, "file", json!({"path": "/a", "state": "absent"})).changed);
        assert!(stage.machine.stat(Path::new("/a"), false).expect("stat").is_none());
    }
}
