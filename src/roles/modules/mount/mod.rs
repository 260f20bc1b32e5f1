//! `mount`: entries of `fstab`, and what is mounted.

mod fstab;
mod mounted;
mod work;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::{Key, Map, Value};
use fstab::Entry;
use mounted::Mounts;
use std::sync::Arc;
use work::Work;

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

#[cfg(test)]
mod tests;
