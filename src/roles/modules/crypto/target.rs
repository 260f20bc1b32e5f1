//! The file that a key, request or certificate is in: the arguments about it, and putting it in place.

use crate::host::{Change, Content, FileWrite, Kind};
use crate::roles::modules::files::draft::{Draft, expand};
use crate::roles::modules::files::file::fresh;
use crate::roles::modules::files::mode::Mode;
use crate::roles::modules::files::wanted::Wanted;
use crate::roles::modules::{ArgError, Args, Eyes, Failed};
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// The arguments about a file.
pub struct Target {
    path: String,
    wanted: Wanted,
    backup: bool,
    unsafe_writes: bool,
    /// Whether it is to be there.
    pub present: bool,
    /// Whether it is made anew in any case.
    pub force: bool,
    /// Whether the result gives its content.
    pub return_content: bool,
}

/// The file as it is.
pub struct Before {
    /// Where.
    pub path: PathBuf,
    /// Its bytes; `None` where it is not there.
    pub bytes: Option<Vec<u8>>,
}

impl Target {
    /// Reads the arguments; without a mode it is this one.
    pub fn read(args: &Args, mode: Option<u32>) -> Result<Self, ArgError> {
        let mut wanted = Wanted::read(args)?;
        wanted.mode = wanted.mode.or(mode.map(Mode::Bits));
        Ok(Self {
            path: args.must("path")?,
            wanted,
            backup: args.flag("backup"),
            unsafe_writes: args.flag("unsafe_writes"),
            present: args.must("state")? == "present",
            force: args.flag("force"),
            return_content: args.flag("return_content"),
        })
    }

    /// The path as written.
    pub fn shown(&self) -> &str {
        &self.path
    }

    /// Looks at the file and its directory, which must be there.
    pub fn before(&self, draft: &Draft<'_>) -> Result<Before, Failed> {
        let path = PathBuf::from(expand(draft.eyes, &self.path)?);
        let directory = path.parent().unwrap_or(Path::new("/"));
        if draft.stat(directory, true)?.is_none_or(|stat| stat.kind != Kind::Directory) {
            let name = directory.display().to_string();
            let message = format!("The directory {name} does not exist or the file is not a directory");
            return Err(Failed::new(message).with("name", name));
        }
        let bytes = draft.read(&path)?;
        Ok(Before { path, bytes })
    }

    /// Looks at the file alone, where it is to be gone.
    pub fn leaving(&self, draft: &Draft<'_>) -> Result<Before, Failed> {
        let path = PathBuf::from(expand(draft.eyes, &self.path)?);
        let bytes = draft.stat(&path, false)?.map(|_| Vec::new());
        Ok(Before { path, bytes })
    }

    /// Puts new content in place, with its owner, group and mode from the start.
    pub fn write(&self, draft: &mut Draft<'_>, before: &Before, bytes: &[u8]) -> Result<(), Failed> {
        let mut base = fresh(draft, Kind::File);
        if let Some(old) = draft.stat(&before.path, false)?.filter(|old| old.kind != Kind::Link) {
            base.mode = old.mode;
        }
        let mut write = FileWrite::new(&before.path, Vec::new());
        write.content = Content::Bytes(bytes.into());
        write.attributes = self.wanted.resolve(draft.machine(), &base)?;
        write.backup = self.backup;
        write.in_place = self.unsafe_writes;
        // Keys and signatures are other ones each time: a plan can hold that they are written, not what.
        write.sensitive = true;
        draft.write(write)
    }

    /// Sets owner, group and mode, where they differ.
    pub fn settle(&self, draft: &mut Draft<'_>, before: &Before) -> Result<bool, Failed> {
        self.wanted.settle(draft, &before.path)
    }

    /// Removes the file, or moves it aside under a backup's name.
    pub fn remove(&self, draft: &mut Draft<'_>, before: &Before) -> Result<bool, Failed> {
        if before.bytes.is_none() {
            return Ok(false);
        }
        if !self.backup {
            draft.change(Change::Remove { path: before.path.clone() })?;
            return Ok(true);
        }
        let now = jiff::Timestamp::try_from(draft.eyes.host.now()).unwrap_or_default();
        let stamp = now.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d@%H:%M:%S~").to_string();
        let to = format!("{}.{}.{stamp}", before.path.display(), std::process::id());
        draft.change(Change::Rename { from: before.path.clone(), to: PathBuf::from(&to) })?;
        draft.set("backup_file", to);
        Ok(true)
    }
}

/// Content that an argument gives, or the file that another one names; `what` words the refusal of one that is not there.
pub fn content(eyes: &Eyes<'_>, given: &Source, what: &str) -> Result<Vec<u8>, Failed> {
    match given {
        Source::Text(text) => Ok(text.as_str().unwrap_or_default().as_bytes().to_vec()),
        Source::File(path) => {
            let place = expand(eyes, path)?;
            let bytes = eyes.host.read(Path::new(&place));
            let bytes = bytes.map_err(|error| Failed::new(format!("read {place}: {error}")))?;
            bytes.ok_or_else(|| Failed::new(format!("The {what} file {path} does not exist")))
        }
    }
}

/// Where content comes from.
pub enum Source {
    /// The task.
    Text(Value),
    /// A file.
    File(String),
}

impl Source {
    /// Reads `PREFIX_path` and `PREFIX_content`, of which at most one may be given.
    pub fn read(args: &Args, path: &'static str, content: &'static str) -> Result<Option<Self>, ArgError> {
        match (args.text(path), args.value(content)) {
            (Some(_), Some(_)) => Err(args.together(format!("parameters are mutually exclusive: {path}|{content}"))),
            (Some(path), None) => Ok(Some(Self::File(path))),
            (None, Some(text)) => Ok(Some(Self::Text(text.clone()))),
            (None, None) => Ok(None),
        }
    }

    /// The path, for results.
    pub fn path(of: Option<&Self>) -> Value {
        match of {
            Some(Self::File(path)) => Value::str(path.as_str()),
            _ => Value::Null,
        }
    }
}
