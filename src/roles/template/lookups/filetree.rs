//! `community.general.filetree`: what lies below a directory of the tree, each with its properties.

use super::{Lookup, Options, Outcome, lost};
use crate::roles::modules::Failed;
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub(super) static LOOKUPS: &[Lookup] =
    &[Lookup { name: "community.general.filetree", options: &["exclude"], run: filetree }];

fn filetree(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let exclude = options.text("exclude").map(|text| Pattern::new(&text, Flags::default())).transpose();
    let exclude = exclude.map_err(|error| lost(error.to_string()))?;
    let (mut out, mut seen) = (Vec::new(), HashSet::new());
    for term in &terms {
        let term = python::text(term);
        // As os.path.join() leaves it.
        let slash = if term.ends_with('/') { "/" } else { "" };
        let Some(top) = run.services.tree.every("files", term.trim_end_matches('/')).into_iter().next() else {
            continue;
        };
        let failed = |error: &Failed| lost(format!("list files below {}: {}", top.display(), error.message));
        let mut entries = run.services.tree.walk(&top).map_err(|error| failed(&error))?;
        entries.sort_by_cached_key(|(path, directory)| order(path, *directory));
        for (path, directory) in entries {
            let name = path.display().to_string();
            if let Some(exclude) = &exclude
                && exclude.is_match_at_start(&name).map_err(|error| lost(error.to_string()))?
            {
                continue;
            }
            // The first of several directories that has it counts.
            if seen.insert(name) {
                out.push(properties(run, &top, slash, &path, directory).map_err(|error| failed(&error))?);
            }
        }
    }
    Ok(out)
}

/// As `os.walk` goes, from the top: of each directory its directories, its files, then what is in the first of them.
fn order(path: &Path, directory: bool) -> Vec<(u8, PathBuf)> {
    let parts: Vec<_> = path.components().map(|part| PathBuf::from(part.as_os_str())).collect();
    let last = parts.len().saturating_sub(1);
    let rank = |at: usize| if at < last { 2 } else { u8::from(!directory) };
    parts.into_iter().enumerate().map(|(at, part)| (rank(at), part)).collect()
}

/// What `stat` would say. A verified tree has contents and modes; its owner is who runs muster, and it has no times.
fn properties(run: &Run<'_>, top: &Path, slash: &str, path: &Path, directory: bool) -> Result<Value, Failed> {
    let services = run.services;
    let whole = top.join(path);
    let mode = if directory { 0o755 } else { services.tree.mode(&whole)? };
    let (uid, gid) = services.host.identity();
    let user = services.host.user(&uid.to_string()).ok().flatten();
    let group = services.host.group(&gid.to_string()).ok().flatten();
    let mut members = vec![
        ("root", Value::from(format!("{}{slash}", top.display()))),
        ("path", path.display().to_string().into()),
        ("state", if directory { "directory" } else { "file" }.into()),
        ("uid", Value::Int(uid.into())),
        ("gid", Value::Int(gid.into())),
        ("owner", user.map_or_else(|| Value::Int(uid.into()), |user| user.name.into())),
        ("group", group.map_or_else(|| Value::Int(gid.into()), |group| group.name.into())),
        ("mode", format!("0{mode:o}").into()),
    ];
    if !directory {
        members.push(("src", whole.display().to_string().into()));
        members.push(("size", Value::Int(i64::try_from(services.tree.read(&whole)?.len()).unwrap_or(i64::MAX))));
    }
    Ok(Value::map(members))
}
