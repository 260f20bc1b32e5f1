//! Whether a file is one that is looked for, and what is told of it.

use super::walk::{Found, Trouble};
use super::{Find, Names};
use crate::fnmatch;
use crate::host::{Kind, Stat};
use crate::roles::modules::Failed;
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::edit::Coding;
use crate::roles::modules::files::encoding;
use crate::roles::modules::files::file::shown;
use crate::roles::modules::files::lineinfile::bad_pattern;
use crate::roles::modules::files::stat::kernel_members;
use crate::roles::pattern::Pattern;
use crate::roles::value::{Key, Map, Value};
use std::path::Path;
use std::time::SystemTime;

impl Find {
    pub(super) fn judge(&self, draft: &Draft<'_>, path: &Path, stat: &Stat, found: &mut Found) -> Result<(), Trouble> {
        let kind = match stat.kind {
            Kind::Directory => "directory",
            Kind::File => "file",
            Kind::Link => "link",
            _ => "other",
        };
        let is_file = kind == "file";
        let wanted = (self.kind == "any" || self.kind == kind)
            && self.named(path)?
            && self.aged(draft, stat)
            && self.moded(stat)
            && (!is_file || self.sized(stat));
        if !wanted || (is_file && self.kind == "file" && !self.holds(draft, path)?) {
            return Ok(());
        }
        let mut members = Map::new();
        members.insert(Key::from("path"), shown(path).into());
        members.extend(kernel_members(stat));
        let machine = draft.machine();
        let user = machine.user(&stat.uid.to_string()).ok().flatten().map(|user| user.name);
        let group = machine.group(&stat.gid.to_string()).ok().flatten().map(|group| group.name);
        members.insert(Key::from("pw_name"), user.unwrap_or_default().into());
        members.insert(Key::from("gr_name"), group.unwrap_or_default().into());
        if let (true, Some(algorithm)) = (is_file, self.checksum) {
            let sum = machine.digest(path, algorithm);
            let sum = sum.map_err(|error| Failed::new(format!("read {}: {error}", path.display())))?;
            members.insert(Key::from("checksum"), sum.map_or(Value::Null, Value::from));
        }
        found.files.push(Value::Map(members.into()));
        Ok(())
    }

    fn named(&self, path: &Path) -> Result<bool, Failed> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let matched = |patterns: &[Pattern]| {
            for pattern in patterns {
                if pattern.is_match_at_start(&name).map_err(bad_pattern)? {
                    return Ok::<_, Failed>(true);
                }
            }
            Ok(false)
        };
        match &self.names {
            Names::Globs(wanted, excluded) => {
                let any = |patterns: &[String]| patterns.iter().any(|pattern| fnmatch::matches(pattern, &name));
                Ok(any(wanted) && !any(excluded))
            }
            Names::Patterns(wanted, excluded) => Ok(matched(wanted)? && !matched(excluded)?),
        }
    }

    fn aged(&self, draft: &Draft<'_>, stat: &Stat) -> bool {
        let Some(age) = self.age else { return true };
        let time = match self.stamp.as_str() {
            "atime" => stat.atime,
            "ctime" => stat.ctime,
            _ => stat.mtime,
        };
        let now = draft.machine().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "ages are small")]
        let limit = age.unsigned_abs() as f64;
        if age >= 0 { now - time >= limit } else { now - time <= limit }
    }

    fn sized(&self, stat: &Stat) -> bool {
        self.size.is_none_or(|size| {
            if size >= 0 { stat.size >= size.unsigned_abs() } else { stat.size <= size.unsigned_abs() }
        })
    }

    fn moded(&self, stat: &Stat) -> bool {
        let Some(mode) = &self.mode else { return true };
        let bits = mode.bits(0, false, 0o022);
        if self.exact { stat.mode == bits } else { stat.mode & bits != 0 }
    }

    fn holds(&self, draft: &Draft<'_>, path: &Path) -> Result<bool, Trouble> {
        let Some(pattern) = &self.contains else { return Ok(true) };
        let bad = |error| Trouble::Failed(bad_pattern(error));
        // What cannot be read holds nothing, as in Ansible.
        let Ok(Some(bytes)) = draft.machine().read(path) else { return Ok(false) };
        let text = match &self.encoding {
            None => Coding::of(&bytes).decode(&bytes),
            Some(name) => decoded(&bytes, name, path)?,
        };
        if self.whole {
            return pattern.is_match(&text).map_err(bad);
        }
        for line in text.split_inclusive('\n') {
            if pattern.is_match_at_start(line).map_err(bad)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A file's text in the encoding that the task names.
fn decoded(bytes: &[u8], name: &str, path: &Path) -> Result<String, Trouble> {
    let text = encoding::decoded(bytes, name).map_err(Trouble::Text)?;
    text.ok_or_else(|| {
        let path = shown(path);
        Trouble::Text(format!("Failed to read the file {path} due to an encoding error. current encoding: {name}"))
    })
}
