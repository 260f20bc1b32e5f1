//! Directories, one after the other: their files, then their directories, then what is below.

use super::Find;
use crate::host::Kind;
use crate::roles::modules::Failed;
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::file::shown;
use crate::roles::value::{Key, Map, Value};
use std::path::Path;

/// What ends the look at a path.
pub(super) enum Trouble {
    /// The whole task fails.
    Failed(Failed),
    /// A file's text is not in the encoding that is asked for.
    Text(String),
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<Value>,
    pub(super) looked: i64,
    pub(super) skipped: Map,
}

impl Find {
    fn full(&self, found: &Found) -> bool {
        self.limit.is_some_and(|limit| found.files.len() >= limit)
    }

    /// One directory: its files, then its directories, then below.
    pub(super) fn walk(
        &self,
        draft: &Draft<'_>,
        directory: &Path,
        base: usize,
        found: &mut Found,
    ) -> Result<(), Trouble> {
        let depth = directory.components().count() - base + 1;
        if depth > 400 {
            return Err(Failed::new(format!("{} is too deep to search", directory.display())).into());
        }
        if !draft.may_list(directory)? {
            let path = shown(directory);
            let why = format!("[Errno 13] Permission denied: '{path}'");
            found.skipped.insert(Key::from(path.as_str()), why.into());
            return Ok(());
        }
        let names = match draft.machine().list(directory) {
            Ok(names) => names.unwrap_or_default(),
            Err(error) => {
                found.skipped.insert(Key::from(shown(directory).as_str()), error.to_string().into());
                return Ok(());
            }
        };
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for path in names.into_iter().map(|name| directory.join(name)) {
            let is_directory = draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::Directory);
            if is_directory { directories.push(path) } else { files.push(path) }
        }
        found.looked += i64::try_from(files.len() + directories.len()).unwrap_or(0);
        let too_deep = self.depth.is_some_and(|most| i64::try_from(depth).unwrap_or(i64::MAX) > most);
        for path in files.iter().chain(&directories) {
            if too_deep || self.full(found) {
                return Ok(());
            }
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if (self.hidden || !hidden)
                && let Some(stat) = draft.stat(path, false)?
            {
                self.judge(draft, path, &stat, found)?;
            }
        }
        if self.recurse {
            for path in directories {
                let is_link = draft.stat(&path, false)?.is_some_and(|stat| stat.kind == Kind::Link);
                // A link to a directory above would never end.
                let round = is_link && path.starts_with(draft.canonical(&path)?);
                if (!is_link || self.follow) && !round && !self.full(found) {
                    self.walk(draft, &path, base, found)?;
                }
            }
        }
        Ok(())
    }
}
