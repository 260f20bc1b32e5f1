//! A user's key pair for SSH.

use super::{ArgError, Args, Eyes, Failed, tool, warn};
use crate::host::{Attributes, Change, Command, UserEntry};
use crate::roles::modules::Plan;
use crate::roles::value::Value;
use crate::secret::Secret;
use std::path::{Path, PathBuf};

/// A key pair as a task describes it.
#[derive(Clone)]
pub struct KeyPair {
    kind: String,
    bits: i64,
    file: String,
    comment: Option<String>,
}

impl KeyPair {
    /// Reads its arguments.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        let kind = args.must("ssh_key_type")?;
        let file = args.text("ssh_key_file").unwrap_or_else(|| format!(".ssh/id_{kind}"));
        Ok(Self { bits: args.int("ssh_key_bits").unwrap_or(0), comment: args.text("ssh_key_comment"), kind, file })
    }

    /// The changes that make it, unless it is there, and what is to be told of it.
    pub fn made(&self, eyes: &Eyes<'_>, user: &UserEntry, force: bool) -> Result<Plan, Failed> {
        let path = Path::new(&user.home).join(&self.file);
        let public = PathBuf::from(format!("{}.pub", path.display()));
        let mut plan = Plan::default();
        for (there, what) in [(&path, "private"), (&public, "public")] {
            if eyes.exists(&there.to_string_lossy())? {
                let shown = there.display();
                if !force {
                    let skips = "no force, so skipping ssh-keygen generation";
                    warn(&mut plan, format!("Found existing ssh key {what} file \"{shown}\", {skips}"));
                    return self.described(eyes, &path, plan);
                }
                warn(&mut plan, format!("Overwriting existing ssh key {what} file \"{shown}\""));
                if what == "public" {
                    plan.changes.push(Change::Remove { path: there.clone() });
                }
            }
        }
        let owner = |mode| Attributes { mode, uid: Some(user.uid), gid: Some(user.gid) };
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !eyes.exists(&directory.to_string_lossy())? {
            plan.changes.push(Change::MakeDirectory { path: directory.into(), attributes: owner(Some(0o700)) });
        }
        plan.changes.push(tool(self.keygen(eyes, &path)?));
        for path in [path.clone(), public] {
            plan.changes.push(Change::SetAttributes { path, attributes: owner(None), follow: false });
        }
        let pair = self.clone();
        plan.next =
            Some(Box::new(move |eyes, _| pair.described(eyes, &path, Plan { changed: Some(true), ..Plan::default() })));
        Ok(plan)
    }

    fn keygen(&self, eyes: &Eyes<'_>, path: &Path) -> Result<Command, Failed> {
        let mut words = vec!["ssh-keygen".to_owned(), "-t".into(), self.kind.clone()];
        if self.bits > 0 {
            words.extend(["-b".into(), self.bits.to_string()]);
        }
        let host = || Ok::<_, Failed>(format!("ansible-generated on {}", eyes.text("/etc/hostname")?.trim()));
        let comment = self.comment.clone().map_or_else(host, Ok)?;
        words.extend(["-C".into(), comment, "-f".into(), path.display().to_string(), "-N".into(), String::new()]);
        // It asks before it overwrites.
        Ok(Command { stdin: Some(Secret::new(b"y\n".to_vec())), ..Command::new(words) })
    }

    fn described(&self, eyes: &Eyes<'_>, path: &Path, plan: Plan) -> Result<Plan, Failed> {
        let shown = path.display().to_string();
        // Only planned so far.
        if !eyes.exists(&shown)? {
            return Ok(plan.with("ssh_key_file", shown));
        }
        let answer = eyes.ask(["ssh-keygen", "-l", "-f", &shown])?;
        let print = if answer.ok() { answer.text() } else { String::from_utf8_lossy(&answer.stderr).into_owned() };
        let public = eyes.text(&format!("{shown}.pub"))?;
        let public = if public.is_empty() { Value::Null } else { Value::str(public.trim()) };
        Ok(plan.with("ssh_fingerprint", print.trim()).with("ssh_key_file", shown).with("ssh_public_key", public))
    }
}
