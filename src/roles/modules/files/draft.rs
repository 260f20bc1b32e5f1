//! A plan that is being made: each change is seen by what the module looks at next.

use super::wanted::path_members;
use crate::host::{Attributes, Change, FileWrite, Host, Observe, Overlay, Stat};
use crate::roles::modules::{Diff, Eyes, Failed, Plan, words};
use crate::roles::value::{Key, Map, Value};
use std::path::{Path, PathBuf};

/// Larger or binary texts are not shown, as in Ansible.
const MOST_SHOWN: usize = 104_448;

/// Changes so far, over the machine as it is.
pub struct Draft<'a> {
    /// What the module may look at.
    pub eyes: &'a Eyes<'a>,
    machine: Overlay<&'a dyn Observe>,
    plan: Plan,
    /// What `file` tells of the path before and after.
    told: (Map, Map),
    /// Whether texts may hold a secret: nothing of them is shown.
    pub sensitive: bool,
}

impl<'a> Draft<'a> {
    /// No changes yet.
    pub fn new(eyes: &'a Eyes<'a>, sensitive: bool) -> Self {
        Self { eyes, machine: Overlay::new(eyes.host), plan: Plan::default(), told: Default::default(), sensitive }
    }

    /// The machine with the changes so far.
    pub fn machine(&self) -> &dyn Observe {
        &self.machine
    }

    /// Plans one more change.
    pub fn change(&mut self, change: Change) -> Result<(), Failed> {
        self.machine.apply(&change)?;
        self.plan.changes.push(change);
        Ok(())
    }

    /// Plans a file's content. A new file belongs to the user that the task becomes.
    pub fn write(&mut self, mut file: FileWrite) -> Result<(), Failed> {
        file.sensitive |= self.sensitive;
        self.allow(&file.path, &file.attributes)?;
        if self.stat(&file.path, true)?.is_none() {
            let (uid, gid) = self.creator()?;
            file.attributes.uid = file.attributes.uid.or(uid);
            file.attributes.gid = file.attributes.gid.or(gid);
        }
        self.change(Change::Write(file))
    }

    /// Plans a directory. A new one belongs to the user that the task becomes.
    pub fn make_directory(&mut self, path: &Path, mut attributes: Attributes) -> Result<(), Failed> {
        self.allow(path, &attributes)?;
        let (uid, gid) = self.creator()?;
        attributes.uid = attributes.uid.or(uid);
        attributes.gid = attributes.gid.or(gid);
        self.change(Change::MakeDirectory { path: path.to_owned(), attributes })
    }

    /// Refuses to give something to another, where the user that the task becomes may not.
    fn allow(&self, path: &Path, wanted: &Attributes) -> Result<(), Failed> {
        let Some(uid) = wanted.uid else { return Ok(()) };
        let owner = match self.stat(path, false)? {
            Some(stat) => Some(stat.uid),
            None => self.creator()?.0,
        };
        match owner {
            Some(owner) if owner != uid && !self.may_give()? => {
                let path = path.display();
                Err(Failed::new(format!("chown failed: [Errno 1] Operation not permitted: '{path}'")))
            }
            _ => Ok(()),
        }
    }

    /// Plans a symbolic link. A new one belongs to the user that the task becomes.
    pub fn symlink(&mut self, path: &Path, target: &Path) -> Result<(), Failed> {
        self.change(Change::Symlink { path: path.to_owned(), target: target.to_owned() })?;
        let (uid, gid) = self.creator()?;
        if uid.is_none() {
            return Ok(());
        }
        let attributes = Attributes { mode: None, uid, gid };
        self.change(Change::SetAttributes { path: path.to_owned(), attributes, follow: false })
    }

    /// Owner and group of what the task makes, where they are not muster's own.
    pub fn creator(&self) -> Result<(Option<u32>, Option<u32>), Failed> {
        let Some(name) = self.eyes.become_user else { return Ok((None, None)) };
        let user = self.machine.user(name).map_err(|error| Failed::new(format!("look up user {name}: {error}")))?;
        let user = user.ok_or_else(|| Failed::new(format!("there is no user {name} to become")))?;
        // Where that is who muster is already, nothing needs saying.
        let own = self.machine.identity() == (user.uid, user.gid);
        Ok(if own { (None, None) } else { (Some(user.uid), Some(user.gid)) })
    }

    /// What a path is.
    pub fn stat(&self, path: &Path, follow: bool) -> Result<Option<Stat>, Failed> {
        self.machine.stat(path, follow).map_err(|error| looking(path, &error))
    }

    /// Whether the user that the task becomes may list a directory; muster itself may.
    pub fn may_list(&self, path: &Path) -> Result<bool, Failed> {
        let Some(_) = self.eyes.become_user else { return Ok(true) };
        let path = path.display().to_string();
        Ok(self.eyes.ask(["test", "-r", &path, "-a", "-x", &path])?.ok())
    }

    /// Whether the user that the task becomes may give files to another.
    pub fn may_give(&self) -> Result<bool, Failed> {
        Ok(self.creator()?.0.is_none_or(|uid| uid == 0))
    }

    /// A file's content.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Failed> {
        self.machine.read(path).map_err(|error| Failed::new(format!("read {}: {error}", path.display())))
    }

    /// A path without symbolic links.
    pub fn canonical(&self, path: &Path) -> Result<PathBuf, Failed> {
        self.machine.canonical(path).map_err(|error| looking(path, &error))
    }

    /// Shows people how a text changes.
    pub fn show(&mut self, header: &str, before: String, after: String) {
        if before == after {
            return;
        }
        let visible =
            |text: String| (!self.sensitive && text.len() <= MOST_SHOWN && !text.contains('\0')).then_some(text);
        self.plan.diff.push(Diff {
            before_header: header.to_owned(),
            before: visible(before),
            after_header: header.to_owned(),
            after: visible(after),
        });
    }

    /// Tells programs how a property of the path changes, in the words of `file`'s `diff`.
    pub fn tell(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.told.0.insert(Key::from(name), before.into());
        self.told.1.insert(Key::from(name), after.into());
    }

    /// Tells something of the path as it was.
    pub fn tell_before(&mut self, name: &str, before: impl Into<Value>) {
        self.told.0.insert(Key::from(name), before.into());
    }

    /// What was told, as the member `diff` of the result.
    pub fn told(&mut self) {
        let (before, after) = std::mem::take(&mut self.told);
        let side = |map: Map| Value::Map(map.into());
        self.set("diff", Value::map([("before", side(before)), ("after", side(after))]));
    }

    /// Shows people how a file's content changes.
    pub fn show_bytes(&mut self, header: &str, before: &[u8], after: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.show(header, text(before), text(after));
    }

    /// Adds a member to the result.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.plan.result.insert(Key::from(key), value.into());
    }

    /// Takes members of the result away.
    pub fn unset(&mut self, names: &[&str]) {
        for name in names {
            self.plan.result.shift_remove(&Key::from(*name));
        }
    }

    /// Adds what Ansible adds to every result that has a path.
    pub fn set_path_members(&mut self, path: &Path) -> Result<(), Failed> {
        for (key, value) in path_members(self, path)? {
            self.set(key, value);
        }
        Ok(())
    }

    /// The plan. Where a backup is made, its name joins the result under `backup` once it is known.
    pub fn finish(mut self, backup: Option<&'static str>) -> Plan {
        if let Some(key) = backup
            && self.plan.changes.iter().any(|change| matches!(change, Change::Write(file) if file.backup))
        {
            self.plan.next = Some(Box::new(move |_, effects| {
                let name = effects.iter().find_map(|effect| effect.backup.clone());
                let plan = Plan { changed: Some(true), ..Plan::unchanged() };
                Ok(match name {
                    Some(name) => plan.with(key, name.to_string_lossy().into_owned()),
                    None => plan,
                })
            }));
        }
        self.plan
    }
}

fn looking(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("look at {}: {error}", path.display()))
}

/// A path as written, `~` and `$VAR` expanded as the task's user sees them.
pub fn expand(eyes: &Eyes<'_>, text: &str) -> Result<String, Failed> {
    let variable = |name: &str| eyes.environment.iter().find(|(have, _)| have == name).map(|(_, value)| value.clone());
    let home = |user: &str| {
        let name = if user.is_empty() { eyes.become_user.unwrap_or("root") } else { user };
        eyes.host.user(name).ok().flatten().map(|user| user.home)
    };
    let path = words::expand_home(&words::expand_variables(text, variable), home);
    match eyes.tree.directory() {
        _ if path.starts_with('/') => Ok(path),
        Some(directory) => Ok(crate::roles::load::tidy(&directory.join(path)).display().to_string()),
        None => Err(Failed::new(format!("the path `{text}` is not absolute"))),
    }
}
