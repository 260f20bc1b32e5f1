//! What a task does, step by step: `fstab` is written, then something is mounted or unmounted, and undone where it fails.

use super::Asked;
use super::mounted::Mounts;
use crate::host::{Attributes, Change, Command, Effect, FileWrite};
use crate::roles::modules::programs::said;
use crate::roles::modules::{Diff, Eyes, Failed, Plan};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A task on its way: what it has done so far, to be undone where mounting fails.
pub(super) struct Work {
    pub(super) asked: Arc<Asked>,
    pub(super) changed: bool,
    pub(super) undo: Vec<Change>,
}

/// What follows a program that went well.
type After = Box<dyn FnOnce(Work, &Eyes<'_>) -> Result<Plan, Failed>>;
/// What follows one that did not, with what it said.
type Otherwise = Box<dyn FnOnce(&Eyes<'_>, Work, String) -> Result<Plan, Failed>>;

impl Work {
    pub(super) fn write_fstab(
        &mut self,
        eyes: &Eyes<'_>,
        plan: &mut Plan,
        before: &str,
        after: &str,
    ) -> Result<(), Failed> {
        let fstab = &self.asked.fstab;
        let there = eyes.exists(fstab)?;
        if there && !self.changed {
            return Ok(());
        }
        if !there {
            plan.changes.extend(directories(eyes, Path::new(fstab).parent().unwrap_or(Path::new("/")))?);
        }
        let file = |text: &str| FileWrite {
            follow: true,
            sensitive: self.asked.sensitive,
            ..FileWrite::new(fstab, text.as_bytes().to_vec())
        };
        if self.changed {
            let shown = |text: &str| (!self.asked.sensitive).then(|| text.to_owned());
            plan.diff.push(Diff {
                before_header: fstab.clone(),
                before: shown(before),
                after_header: fstab.clone(),
                after: shown(after),
            });
        }
        self.undo.push(Change::Write(file(before)));
        plan.changes.push(Change::Write(FileWrite { backup: self.asked.backup && there, ..file(after) }));
        Ok(())
    }

    pub(super) fn mounting(mut self, eyes: &Eyes<'_>, mut plan: Plan, mounts: &Mounts) -> Result<Plan, Failed> {
        let path = self.asked.entry.path.clone();
        let source = self.asked.entry.source.clone().unwrap_or_default();
        match self.asked.state.as_str() {
            "absent" | "absent_mount" if self.changed => {
                if mounts.any(&path) {
                    return Ok(self.then_run(
                        plan,
                        vec!["umount".into(), path],
                        Box::new(Self::removed),
                        Box::new(unmounting),
                    ));
                }
                Ok(self.then(plan, Self::removed))
            }
            "unmounted" if mounts.any(&path) => {
                self.changed = true;
                Ok(self.then_run(plan, vec!["umount".into(), path], done(), Box::new(unmounting)))
            }
            "remounted" => {
                self.changed = true;
                Ok(self.then(plan, Self::remounted))
            }
            "mounted" | "ephemeral" => {
                let made = directories(eyes, Path::new(&path))?;
                self.undo.extend(made.iter().rev().filter_map(removal));
                plan.changes.extend(made);
                let ephemeral = self.asked.state == "ephemeral";
                if !mounts.has(&path, &source) {
                    self.changed = true;
                    return Ok(self.then(plan, Self::mounted));
                }
                if ephemeral && !mounts.is_of(&path, &source) {
                    return Err(Failed::new(
                        "Ephemeral mount point is already mounted with a different source than the specified one. \
                         Failing in order to prevent an unwanted unmount or override operation. Try replacing this \
                         command with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different \
                         destination path.",
                    ));
                }
                self.changed |= ephemeral;
                if self.changed { Ok(self.then(plan, Self::remounted)) } else { Ok(self.finish(plan)) }
            }
            _ => Ok(self.finish(plan)),
        }
    }

    /// The plan with whether the task changed anything, and the backup's name once it is known.
    fn finish(self, mut plan: Plan) -> Plan {
        plan.changed = Some(self.changed);
        if self.asked.backup && !plan.changes.is_empty() {
            let changed = Some(self.changed);
            plan.next = Some(Box::new(move |_, effects| Ok(kept(effects, Plan { changed, ..Plan::default() }))));
        }
        plan
    }

    /// The plan's changes, and what follows.
    fn then(self, plan: Plan, next: fn(Self, &Eyes<'_>) -> Result<Plan, Failed>) -> Plan {
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| Ok(kept(effects, next(self, eyes)?));
        Plan { next: Some(Box::new(next)), ..plan }
    }

    /// The plan's changes, then a program, then what follows from how it ended.
    fn then_run(self, plan: Plan, words: Vec<String>, after: After, otherwise: Otherwise) -> Plan {
        let run = move |eyes: &Eyes<'_>, effects: &[Effect]| Ok(kept(effects, self.run(eyes, words, after, otherwise)));
        Plan { next: Some(Box::new(run)), ..plan }
    }

    fn run(self, eyes: &Eyes<'_>, words: Vec<String>, after: After, otherwise: Otherwise) -> Plan {
        let changed = Some(self.changed);
        let sensitive = self.asked.sensitive;
        let change = Change::Run(Command { sensitive, ..eyes.command(words) });
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| match said(effects) {
            Some((code, stdout, stderr)) if code != 0 => otherwise(eyes, self, format!("{stdout}{stderr}")),
            _ => after(self, eyes),
        };
        Plan { changes: vec![change], changed, next: Some(Box::new(next)), ..Plan::default() }
    }

    /// The mount point goes with its entry; as `rmdir`, which spares what lies in it.
    fn removed(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let path = self.asked.entry.path.clone();
        if self.asked.state != "absent" || !eyes.exists(&path)? {
            return Ok(self.finish(Plan::default()));
        }
        let words = vec!["rmdir".to_owned(), path.clone()];
        let failed = move |_: &Eyes<'_>, _: Self, said: String| Err(Failed::new(format!("Error rmdir {path}: {said}")));
        Ok(self.run(eyes, words, done(), Box::new(failed)))
    }

    fn mounted(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let words = self.asked.words(&[]);
        Ok(self.run(eyes, words, done(), Box::new(|_, work, said| work.undone(said))))
    }

    /// A remount, and where that is not possible an unmount and a mount.
    fn remounted(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let entry = &self.asked.entry;
        let with = self.asked.state == "remounted" && entry.options != "defaults";
        let options = if with { format!("remount,{}", entry.options) } else { "remount".to_owned() };
        let words = self.asked.words(&["-o", &options]);
        let again = |eyes: &Eyes<'_>, work: Self, _: String| {
            let words = vec!["umount".to_owned(), work.asked.entry.path.clone()];
            Ok(work.run(eyes, words, Box::new(Self::mounted), Box::new(|_, work, said| work.undone(said))))
        };
        let refused = |_: &Eyes<'_>, _: Self, _: String| {
            Err(Failed::new(
                "Options were specified with remounted, but the remount command failed. Failing in order to prevent \
                 an unexpected mount result. Try replacing this command with a \"state: unmounted\" followed by a \
                 \"state: mounted\" using the full desired mount options instead.",
            ))
        };
        let otherwise: Otherwise = if with { Box::new(refused) } else { Box::new(again) };
        Ok(self.run(eyes, words, done(), otherwise))
    }

    /// An entry that cannot be mounted may keep the host from booting: what was done is undone.
    fn undone(self, said: String) -> Result<Plan, Failed> {
        let verb = if self.asked.state == "remounted" { "remounting" } else { "mounting" };
        let message = format!("Error {verb} {}: {said}", self.asked.entry.path);
        if self.undo.is_empty() {
            return Err(Failed::new(message));
        }
        let failed = move |_: &Eyes<'_>, _: &[Effect]| Err(Failed::new(message));
        Ok(Plan { changes: self.undo, next: Some(Box::new(failed)), recovers: true, ..Plan::default() })
    }
}

fn done() -> After {
    Box::new(|work, _| Ok(work.finish(Plan::default())))
}

fn unmounting(_: &Eyes<'_>, work: Work, said: String) -> Result<Plan, Failed> {
    Err(Failed::new(format!("Error unmounting {}: {said}", work.asked.entry.path)))
}

/// A plan that tells of the backup that was made before it.
fn kept(effects: &[Effect], plan: Plan) -> Plan {
    match effects.iter().find_map(|effect| effect.backup.clone()) {
        Some(path) => plan.with("backup_file", path.to_string_lossy().into_owned()),
        None => plan,
    }
}

/// A directory and those above it that are not there, from the top.
fn directories(eyes: &Eyes<'_>, path: &Path) -> Result<Vec<Change>, Failed> {
    let mut missing: Vec<PathBuf> = Vec::new();
    for directory in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        if eyes.exists(&directory.to_string_lossy())? {
            break;
        }
        missing.push(directory.to_owned());
    }
    let make = |path: PathBuf| Change::MakeDirectory { path, attributes: Attributes::default() };
    Ok(missing.into_iter().rev().map(make).collect())
}

/// `rmdir`: should something be mounted there after all, it is spared.
fn removal(made: &Change) -> Option<Change> {
    match made {
        Change::MakeDirectory { path, .. } => {
            Some(Change::Run(Command::new(["rmdir".to_owned(), path.to_string_lossy().into_owned()])))
        }
        _ => None,
    }
}
