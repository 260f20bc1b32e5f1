//! `mount`: entries of `fstab`, and what is mounted.

mod fstab;
mod mounted;

use super::programs::said;
use super::{ArgError, Args, Diff, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, Command, Effect, FileWrite};
use crate::roles::value::{Key, Map, Value};
use fstab::Entry;
use mounted::Mounts;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `mount`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.mount",
    aliases: &[],
    summary: "Manages fstab and mounts.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The mount point.").required().aliases(&["name"]),
        Param::new("state", ParamKind::Str, "What it shall be.").required().choices(&[
            "absent",
            "absent_from_fstab",
            "absent_mount",
            "mounted",
            "present",
            "unmounted",
            "remounted",
            "ephemeral",
        ]),
        Param::new("src", ParamKind::Path, "The device, or what else is mounted."),
        Param::new("fstype", ParamKind::Str, "The filesystem's type."),
        Param::new("opts", ParamKind::Str, "Mount options."),
        Param::new("opts_no_log", ParamKind::Bool, "Keep the options out of results.").default("false"),
        Param::new("dump", ParamKind::Str, "For dump.").default("0"),
        Param::new("passno", ParamKind::Str, "For fsck.").default("0"),
        Param::new("fstab", ParamKind::Str, "Another file than /etc/fstab."),
        Param::new("boot", ParamKind::Bool, "Mount it at boot; otherwise `noauto` is added.").default("true"),
        Param::new("backup", ParamKind::Bool, "Keep the old fstab.").default("false"),
    ],
    file_attributes: false,
    examples: &["ansible.posix.mount:\n  path: /srv\n  src: LABEL=data\n  fstype: ext4\n  state: present\n"],
};

const FSTAB: &str = "/etc/fstab";

struct Asked {
    state: String,
    entry: Entry,
    fstab: String,
    boot: bool,
    backup: bool,
    sensitive: bool,
    warning: Option<&'static str>,
}

struct Mounting(Arc<Asked>);

/// Reads the arguments.
pub fn mount(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let state = args.must("state")?;
    let (source, kind, boot) = (args.text("src"), args.text("fstype"), args.flag("boot"));
    if matches!(state.as_str(), "mounted" | "present" | "ephemeral") {
        for (name, given) in [("src", source.is_some()), ("fstype", kind.is_some())] {
            if !given {
                return Err(args.together(format!("state is {state} but all of the following are missing: {name}")));
            }
        }
    }
    let mut options = args.text("opts").unwrap_or_else(|| "defaults".into());
    let noauto = options.split(',').any(|option| option == "noauto");
    if !boot {
        options.push_str(",noauto");
    }
    let entry = Entry {
        source,
        path: args.must("path")?,
        kind: kind.unwrap_or_default(),
        options,
        dump: args.must("dump")?,
        pass: args.must("passno")?,
    };
    Ok(Box::new(Mounting(Arc::new(Asked {
        entry,
        fstab: args.text("fstab").unwrap_or_else(|| FSTAB.into()),
        backup: args.flag("backup"),
        sensitive: args.has_secret() || args.flag("opts_no_log"),
        warning: (boot && noauto).then_some("Ignore the 'boot' due to 'opts' contains 'noauto'."),
        boot,
        state,
    }))))
}

/// A task on its way: what it has done so far, to be undone where mounting fails.
struct Work {
    asked: Arc<Asked>,
    changed: bool,
    undo: Vec<Change>,
}

impl Module for Mounting {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = &self.0;
        let path = eyes.expanded(&asked.entry.path);
        let entry =
            Entry { path, source: asked.entry.source.as_ref().map(|text| eyes.expanded(text)), ..asked.entry.clone() };
        let asked = Arc::new(Asked { entry, state: asked.state.clone(), fstab: asked.fstab.clone(), ..**asked });
        let mounts = Mounts::of(&eyes.text("/proc/self/mountinfo")?);
        let text = eyes.text(&asked.fstab)?;
        let mut plan = Plan { changed: Some(false), ..Plan::default() };
        plan.result = asked.told();
        if let Some(warning) = asked.warning {
            plan.warn(warning);
        }
        let (after, changed) = match asked.state.as_str() {
            "present" | "mounted" => asked.entry.set(&text),
            "absent" | "absent_mount" | "absent_from_fstab" => asked.entry.unset(&text),
            _ => (text.clone(), false),
        };
        let mut work = Work { asked: Arc::clone(&asked), changed, undo: Vec::new() };
        if asked.state != "ephemeral" {
            work.write_fstab(eyes, &mut plan, &text, &after)?;
        }
        work.mounting(eyes, plan, &mounts)
    }
}

impl Asked {
    /// The result repeats the arguments.
    fn told(&self) -> Map {
        let text = |text: &str| Value::str(text);
        let options =
            if self.sensitive { Value::secret(self.entry.options.as_str()) } else { text(&self.entry.options) };
        let source = self.entry.source.as_deref().map(|source| ("src", text(source)));
        let kind = Some(("fstype", text(&self.entry.kind))).filter(|_| !self.entry.kind.is_empty());
        let rest = [
            ("name", text(&self.entry.path)),
            ("opts", options),
            ("dump", text(&self.entry.dump)),
            ("passno", text(&self.entry.pass)),
            ("fstab", text(&self.fstab)),
            ("boot", text(if self.boot { "yes" } else { "no" })),
            ("backup_file", text("")),
        ];
        source.into_iter().chain(kind).chain(rest).map(|(name, value)| (Key::from(name), value)).collect()
    }

    /// `mount` and its words, those for another fstab among them.
    fn words(&self, first: &[&str]) -> Vec<String> {
        let mut words = vec!["mount".to_owned()];
        words.extend(first.iter().map(|word| (*word).to_owned()));
        if self.state == "ephemeral" {
            words.extend(["-t".to_owned(), self.entry.kind.clone()]);
            if self.entry.options != "defaults" {
                words.extend(["-o".to_owned(), self.entry.options.clone()]);
            }
            words.extend(self.entry.source.clone());
        } else if self.fstab != FSTAB {
            words.extend(["-T".to_owned(), self.fstab.clone()]);
        }
        words.push(self.entry.path.clone());
        words
    }
}

/// What follows a program that went well.
type After = Box<dyn FnOnce(Work, &Eyes<'_>) -> Result<Plan, Failed>>;
/// What follows one that did not, with what it said.
type Otherwise = Box<dyn FnOnce(&Eyes<'_>, Work, String) -> Result<Plan, Failed>>;

impl Work {
    fn write_fstab(&mut self, eyes: &Eyes<'_>, plan: &mut Plan, before: &str, after: &str) -> Result<(), Failed> {
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

    fn mounting(mut self, eyes: &Eyes<'_>, mut plan: Plan, mounts: &Mounts) -> Result<Plan, Failed> {
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

#[cfg(test)]
mod tests;
