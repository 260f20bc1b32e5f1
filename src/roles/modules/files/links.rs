//! `file`'s symbolic and hard links.

use super::draft::{Draft, expand};
use super::file::{File, shown};
use crate::host::{Change, Kind};
use crate::roles::modules::Failed;
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// `state: link`
pub fn symbolic(file: &File, draft: &mut Draft<'_>, path: &Path, now: &str) -> Result<(), Failed> {
    let failed = |message: String| Failed::new(message).with("path", shown(path));
    let old = draft.machine().read_link(path).map_err(|error| failed(error.to_string()))?;
    // Without `src` an existing link stays as it is.
    let src = match &file.src {
        Some(src) if src.starts_with(['~', '$']) => Some(PathBuf::from(expand(draft.eyes, src)?)),
        Some(src) => Some(PathBuf::from(src)),
        None if file.follow && draft.stat(path, true)?.is_some() => old.clone(),
        None => None,
    };
    if let Some(src) = &src {
        let base = if now == "directory" { path } else { path.parent().unwrap_or(Path::new("/")) };
        let absolute = base.join(src);
        if !file.force && draft.stat(&absolute, true)?.is_none() {
            let hint = "src file does not exist, use 'force=yes' if you really want to create the link";
            return Err(failed(format!("{hint}: {}", absolute.display())).with("src", shown(src)));
        }
    }
    let in_the_way = matches!(now, "directory" | "file" | "hard");
    if in_the_way && !file.force {
        return Err(failed(format!("refusing to convert from {now} to symlink for {}", path.display())));
    }
    if now == "directory" {
        let names = draft.machine().list(path).map_err(|error| failed(error.to_string()))?;
        if names.is_some_and(|names| !names.is_empty()) {
            return Err(failed(format!("the directory {} is not empty, refusing to convert it", path.display())));
        }
    }
    let Some(src) = src else {
        if old.is_none() {
            return Err(failed("src is required for creating new symlinks".into()));
        }
        settle(file, draft, path)?;
        return finish(draft, path, None);
    };
    if old.as_ref() != Some(&src) {
        if now == "directory" {
            draft.change(Change::Remove { path: path.to_owned() })?;
        }
        if let Some(old) = &old {
            draft.tell("src", shown(old), shown(&src));
        }
        let before = old.map_or(format!("state: {now}\n"), |old| format!("src: {}\n", old.display()));
        draft.show(&shown(path), before, format!("src: {}\n", src.display()));
        draft.symlink(path, &src)?;
    }
    settle(file, draft, path)?;
    finish(draft, path, Some(&src))
}

fn settle(file: &File, draft: &mut Draft<'_>, path: &Path) -> Result<(), Failed> {
    let target = file.target(draft, path)?;
    let is_link = draft.stat(path, false)?.is_some_and(|stat| stat.kind == Kind::Link);
    if file.follow && is_link && draft.stat(&target, true)?.is_none() {
        let warning =
            "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.";
        draft.set("warnings", Value::list([Value::str(warning)]));
        return Ok(());
    }
    file.settle(draft, &target)
}

fn finish(draft: &mut Draft<'_>, path: &Path, src: Option<&Path>) -> Result<(), Failed> {
    draft.set("dest", shown(path));
    draft.set("src", src.map_or(Value::Null, |src| shown(src).into()));
    draft.set_path_members(path)
}

/// `state: hard`
pub fn hard(file: &File, draft: &mut Draft<'_>, path: &Path, now: &str) -> Result<(), Failed> {
    // Told as it is written, also where it lies beneath the directory in which programs run.
    let written = match &file.src {
        Some(src) if src.starts_with(['~', '$']) => Some(expand(draft.eyes, src)?),
        src => src.clone(),
    };
    let failed = |message: &str| {
        let src = written.as_ref().map_or(Value::Null, |src| src.as_str().into());
        Failed::new(message).with("dest", shown(path)).with("src", src)
    };
    let src = match &file.src {
        Some(src) => Some(PathBuf::from(expand(draft.eyes, src)?)),
        None if now == "hard" => None,
        None => return Err(Failed::new("src is required for creating new hardlinks")),
    };
    if let Some(src) = &src {
        let Some(target) = draft.stat(src, true)? else { return Err(failed("src does not exist")) };
        let same =
            draft.stat(path, false)?.is_some_and(|stat| (stat.inode, stat.device) == (target.inode, target.device));
        if !same {
            if !file.force && now != "absent" {
                let message = match now {
                    "hard" => "Cannot link, different hard link exists at destination".to_owned(),
                    "directory" => "Cannot link: different hard link exists at destination".to_owned(),
                    "link" => "Cannot link, link exists at destination".to_owned(),
                    now => format!("Cannot link, {now} exists at destination"),
                };
                return Err(failed(&message));
            }
            if now == "directory" {
                return Err(failed("Error while replacing: Is a directory"));
            }
            let link = draft.stat(src, false)?.is_some_and(|stat| stat.kind == Kind::Link);
            let target = if file.follow && link { draft.canonical(src)? } else { src.clone() };
            draft.show(&shown(path), format!("state: {now}\n"), format!("src: {}\n", src.display()));
            draft.change(Change::HardLink { path: path.to_owned(), target })?;
        }
    }
    file.settle(draft, path)?;
    finish(draft, path, written.as_deref().map(Path::new))
}
