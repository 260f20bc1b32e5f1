//! The owner, group and mode that a task asks for.

use super::draft::Draft;
use super::label::{WantedLabel, label};
use super::mode::{Mode, shown};
use crate::host::{Attributes, Change, Kind, Observe, Stat};
use crate::roles::modules::{ArgError, Args, Failed};
use crate::roles::value::Value;
use std::path::Path;

/// What `owner`, `group` and `mode` ask for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Permission bits.
    pub mode: Option<Mode>,
    /// A user's name or number.
    pub owner: Option<String>,
    /// A group's name or number.
    pub group: Option<String>,
    /// Parts of the SELinux label.
    pub label: WantedLabel,
}

impl Wanted {
    /// Reads the common arguments; `preserve`, which some modules take as a mode, is left to them.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        let mode = match args.value("mode") {
            None => None,
            Some(value) if value.as_str() == Some("preserve") => None,
            Some(value) if value.as_str() == Some("") => None,
            Some(value) => Some(Mode::read(value).map_err(|problem| args.wrong("mode", problem))?),
        };
        Ok(Self { mode, owner: args.text("owner"), group: args.text("group"), label: WantedLabel::read(args) })
    }

    /// The same owner and group with another mode.
    #[must_use]
    pub fn with_mode(&self, mode: Option<Mode>) -> Self {
        Self { mode, ..self.clone() }
    }

    /// All that is asked for, as numbers, for something that is or will be as `base` says.
    pub fn resolve(&self, host: &dyn Observe, base: &Stat) -> Result<Attributes, Failed> {
        let uid = self.owner.as_deref().map(|owner| uid(host, owner)).transpose()?;
        let gid = self.group.as_deref().map(|group| gid(host, group)).transpose()?;
        // A link's own mode cannot be set, and Ansible lets that be.
        let mode = self.mode.as_ref().filter(|_| base.kind != Kind::Link);
        let mode = mode.map(|mode| mode.bits(base.mode, base.kind == Kind::Directory, host.umask()));
        Ok(Attributes { mode, uid, gid })
    }

    /// Sets what differs; whether anything did.
    pub fn settle(&self, draft: &mut Draft<'_>, path: &Path) -> Result<bool, Failed> {
        let Some(now) = draft.stat(path, false)? else { return Ok(false) };
        let labelled = self.label.settle(draft, path, now.kind)?;
        Ok(self.settle_attributes(draft, path, &now)? || labelled)
    }

    fn settle_attributes(&self, draft: &mut Draft<'_>, path: &Path, now: &Stat) -> Result<bool, Failed> {
        let wanted = self.resolve(draft.machine(), now)?;
        let attributes = Attributes {
            mode: wanted.mode.filter(|mode| *mode != now.mode),
            uid: wanted.uid.filter(|uid| *uid != now.uid),
            gid: wanted.gid.filter(|gid| *gid != now.gid),
        };
        if attributes == Attributes::default() {
            return Ok(false);
        }
        if attributes.uid.is_some() && !draft.may_give()? {
            let message = format!("chown failed: [Errno 1] Operation not permitted: '{}'", path.display());
            return Err(Failed::new(message));
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut note = |name: &str, old: String, new: Option<String>| {
            if let Some(new) = new {
                before.push(format!("{name}: {old}\n"));
                after.push(format!("{name}: {new}\n"));
            }
        };
        if let Some(uid) = attributes.uid {
            draft.tell("owner", i64::from(now.uid), i64::from(uid));
        }
        if let Some(gid) = attributes.gid {
            draft.tell("group", i64::from(now.gid), i64::from(gid));
        }
        if let Some(mode) = attributes.mode {
            draft.tell("mode", shown(now.mode), shown(mode));
        }
        note("owner", now.uid.to_string(), attributes.uid.map(|uid| uid.to_string()));
        note("group", now.gid.to_string(), attributes.gid.map(|gid| gid.to_string()));
        note("mode", shown(now.mode), attributes.mode.map(shown));
        draft.show(&format!("{} (attributes)", path.display()), before.concat(), after.concat());
        draft.change(Change::SetAttributes { path: path.to_owned(), attributes, follow: false })?;
        Ok(true)
    }
}

fn uid(host: &dyn Observe, owner: &str) -> Result<u32, Failed> {
    if let Ok(number) = owner.parse() {
        return Ok(number);
    }
    let found = host.user(owner).map_err(|error| Failed::new(format!("look up user {owner}: {error}")))?;
    found.map(|user| user.uid).ok_or_else(|| Failed::new(format!("chown failed: failed to look up user {owner}")))
}

fn gid(host: &dyn Observe, group: &str) -> Result<u32, Failed> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let found = host.group(group).map_err(|error| Failed::new(format!("look up group {group}: {error}")))?;
    found.map(|group| group.gid).ok_or_else(|| Failed::new(format!("chgrp failed: failed to look up group {group}")))
}

/// What a path is, in `file`'s words.
pub fn state(stat: Option<&Stat>) -> &'static str {
    match stat {
        None => "absent",
        Some(stat) if stat.kind == Kind::Link => "link",
        Some(stat) if stat.kind == Kind::Directory => "directory",
        Some(stat) if stat.links > 1 => "hard",
        Some(_) => "file",
    }
}

/// The members that Ansible adds to every result that has a path (`add_path_info`).
pub fn path_members(draft: &Draft<'_>, path: &Path) -> Result<Vec<(&'static str, Value)>, Failed> {
    let Some(stat) = draft.stat(path, false)? else { return Ok(Vec::new()) };
    let Some(target) = draft.stat(path, true)? else { return Ok(Vec::new()) };
    let machine = draft.machine();
    let owner = machine.user(&stat.uid.to_string()).ok().flatten().map_or(stat.uid.to_string(), |user| user.name);
    let group = machine.group(&stat.gid.to_string()).ok().flatten().map_or(stat.gid.to_string(), |group| group.name);
    let state = if stat.kind == Kind::Link { "link" } else { state(Some(&target)) };
    let secontext = label(draft, path)?.map(|label| ("secontext", label.into()));
    let members = vec![
        ("uid", Value::Int(stat.uid.into())),
        ("gid", Value::Int(stat.gid.into())),
        ("owner", owner.into()),
        ("group", group.into()),
        ("mode", shown(stat.mode).into()),
        ("state", state.into()),
        ("size", Value::Int(stat.size.cast_signed())),
    ];
    Ok(members.into_iter().chain(secontext).collect())
}
