//! Editing a text file that is there: what `lineinfile`, `blockinfile` and `replace` share.

use super::draft::{Draft, expand};
use super::file::make_plain_directories;
use super::placement::validation;
use super::wanted::Wanted;
use crate::host::{Content, FileWrite, Kind};
use crate::roles::modules::{ArgError, Args, Failed};
use std::path::{Path, PathBuf};

/// The arguments that editing modules share.
pub struct Edit {
    path: String,
    wanted: Wanted,
    create: bool,
    backup: bool,
    validate: Option<String>,
    unsafe_writes: bool,
}

/// The file as it is.
pub struct Before {
    /// Where.
    pub path: PathBuf,
    /// Its bytes; `None` where it is not there.
    pub bytes: Option<Vec<u8>>,
}

impl Edit {
    /// Reads the arguments.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        Ok(Self {
            path: args.must("path")?,
            wanted: Wanted::read(args)?,
            create: args.flag("create"),
            backup: args.flag("backup"),
            validate: args.text("validate"),
            unsafe_writes: args.flag("unsafe_writes"),
        })
    }

    /// Looks at the file. `missing` words the refusal of one that is not there and not to be made.
    pub fn before(&self, draft: &Draft<'_>, missing: &str) -> Result<Before, Failed> {
        let path = PathBuf::from(expand(draft.eyes, &self.path)?);
        let bytes = match draft.stat(&path, true)? {
            Some(stat) if stat.kind == Kind::Directory => {
                return Err(Failed::new(format!("Path {} is a directory !", self.path)).with("rc", 256_i64));
            }
            Some(_) => draft.read(&path)?,
            None if missing.is_empty() || self.create => None,
            None => return Err(Failed::new(format!("{missing} {} does not exist !", self.path)).with("rc", 257_i64)),
        };
        Ok(Before { path, bytes })
    }

    /// Writes the new content, where it differs.
    pub fn write(&self, draft: &mut Draft<'_>, before: &Before, after: Vec<u8>) -> Result<(), Failed> {
        let path = &before.path;
        if before.bytes.is_none() {
            make_plain_directories(draft, path.parent().unwrap_or(Path::new("/")))?;
        }
        let header = format!("{} (content)", path.display());
        draft.show_bytes(&header, before.bytes.as_deref().unwrap_or_default(), &after);
        let mut write = FileWrite::new(path, Vec::new());
        write.content = Content::Bytes(after.into());
        write.follow = true;
        write.backup = self.backup;
        write.validate = validation(draft.eyes, self.validate.as_deref())?;
        write.in_place = self.unsafe_writes;
        draft.write(write)
    }

    /// Sets owner, group and mode, and gives the result's message: `said`, and that they changed.
    pub fn settle(&self, draft: &mut Draft<'_>, before: &Before, said: &str) -> Result<String, Failed> {
        if draft.stat(&before.path, false)?.is_none() {
            // `create` with `backrefs` where nothing matches: no file is made, and a mode is asked for all the same.
            let none = self.wanted.mode.is_none() && self.wanted.owner.is_none() && self.wanted.group.is_none();
            let missing = || Failed::new(format!("[Errno 2] No such file or directory: b'{}'", before.path.display()));
            return none.then(|| said.to_owned()).ok_or_else(missing);
        }
        if !self.wanted.settle(draft, &before.path)? {
            return Ok(said.to_owned());
        }
        let and = if said.is_empty() { "" } else { " and " };
        Ok(format!("{said}{and}ownership, perms or SE linux context changed"))
    }

    /// The path as written.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// How a file's bytes are read as text. Ansible works on bytes; what is not UTF-8 is taken a byte a character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coding {
    /// As it should be.
    Utf8,
    /// Anything else.
    Bytes,
}

impl Coding {
    /// The one that reads these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        if std::str::from_utf8(bytes).is_ok() { Self::Utf8 } else { Self::Bytes }
    }

    /// Bytes as text.
    pub fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Bytes => bytes.iter().map(|byte| char::from(*byte)).collect(),
        }
    }

    /// Text of the task in the file's coding.
    pub fn adopt(self, text: &str) -> String {
        self.decode(text.as_bytes())
    }

    /// Text as bytes again.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            // Every character came from a byte.
            Self::Bytes => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        }
    }
}
