//! Putting one file's content at a destination: what `copy` and `template` share.

use super::draft::Draft;
use super::file::{fresh, make_directories, shown};
use super::mode::Mode;
use super::wanted::Wanted;
use crate::host::{Command, Content, Digest, FileWrite, Hasher, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, words};
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// How files are put in place.
pub struct Placement {
    /// Where to, as written: a trailing slash means a directory.
    pub dest: String,
    /// Owner, group, mode.
    pub wanted: Wanted,
    /// Mode of directories that are made.
    pub directory_mode: Option<Mode>,
    /// Whether an existing file with other content is replaced.
    pub force: bool,
    /// Whether a link at the destination is followed.
    pub follow: bool,
    /// Whether the old file is kept.
    pub backup: bool,
    /// What judges the new content.
    pub validate: Option<String>,
    /// Whether a file that cannot be replaced is written over.
    pub unsafe_writes: bool,
    /// The source's expected SHA-1.
    pub checksum: Option<String>,
}

/// The `validate` argument as a program; it must name the file by `%s`.
pub fn validation(eyes: &Eyes<'_>, line: Option<&str>) -> Result<Option<Command>, Failed> {
    let Some(line) = line else { return Ok(None) };
    if !line.contains("%s") {
        return Err(Failed::new(format!("validate must contain %s: {line}")));
    }
    let argv = words::split(line).map_err(|problem| Failed::new(format!("validate: {line}: {problem}")))?;
    let mut command = Command::new(argv);
    command.environment = eyes.environment.to_vec();
    command.user = eyes.become_user.map(str::to_owned);
    Ok(Some(command))
}

/// One file to put in place.
pub struct Source<'a> {
    /// Its name below the destination, where that is a directory; `None` is text from the task.
    pub name: Option<&'a Path>,
    /// What the result gives as `src`.
    pub shown: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its own mode, where `mode: preserve` asks for it.
    pub mode: Option<u32>,
}

/// What became of a file.
pub struct Placed {
    /// Where it is.
    pub path: PathBuf,
    /// Whether its content changed.
    pub changed: bool,
    /// Whether it was let be because of `force: false`.
    pub kept: bool,
}

impl Placement {
    /// Reads the arguments that `copy` and `template` share.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        let directory_mode = args.value("directory_mode").map(Mode::read).transpose();
        Ok(Self {
            dest: args.must("dest")?,
            wanted: Wanted::read(args)?,
            directory_mode: directory_mode.map_err(|problem| args.wrong("directory_mode", problem))?,
            force: args.flag("force"),
            follow: args.flag("follow"),
            backup: args.flag("backup"),
            validate: args.text("validate"),
            unsafe_writes: args.flag("unsafe_writes"),
            checksum: args.text("checksum"),
        })
    }

    /// Puts one file in place, below `dest`.
    pub fn put(&self, draft: &mut Draft<'_>, dest: &str, source: Source<'_>) -> Result<Placed, Failed> {
        let mut path = PathBuf::from(dest);
        if dest.ends_with('/') || draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::Directory) {
            path.push(source.name.ok_or_else(|| Failed::new("can not use content with a dir as dest"))?);
        }
        if draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::Directory) {
            path.push(source.name.and_then(Path::file_name).unwrap_or_default());
        }
        let there = draft.stat(&path, self.follow)?;
        if there.is_some() && !self.force {
            return Ok(Placed { path, changed: false, kept: true });
        }
        let wanted = match source.mode {
            Some(mode) => self.wanted.with_mode(Some(Mode::Bits(mode))),
            None => self.wanted.clone(),
        };
        self.parents(draft, &path, dest.ends_with('/'))?;
        let is_link = draft.stat(&path, false)?.is_some_and(|stat| stat.kind == Kind::Link);
        if is_link && self.follow {
            path = draft.canonical(&path)?;
        }
        let sum = Hasher::of(Digest::Sha1, &source.bytes);
        let old = match draft.stat(&path, true)? {
            Some(stat) if stat.kind == Kind::File => draft.read(&path)?,
            _ => None,
        };
        let replaced = is_link && !self.follow;
        let changed = replaced || old.as_ref() != Some(&source.bytes);
        draft.set("checksum", sum.as_str());
        if changed {
            if let Some(expected) = self.checksum.as_ref().filter(|expected| **expected != sum) {
                let failed = Failed::new("Copied file does not match the expected checksum. Transfer failed.");
                return Err(failed.with("checksum", sum).with("expected_checksum", expected.as_str()));
            }
            draft.set("md5sum", Hasher::of(Digest::Md5, &source.bytes));
            draft.set("src", source.shown);
            draft.show_bytes(&shown(&path), old.as_deref().unwrap_or_default(), &source.bytes);
            self.write(draft, &path, source.bytes, &wanted)?;
        }
        wanted.settle(draft, &path)?;
        Ok(Placed { path, changed, kept: false })
    }

    /// A destination that ends in a slash is made; any other must have its directory.
    fn parents(&self, draft: &mut Draft<'_>, path: &Path, make: bool) -> Result<(), Failed> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        if draft.stat(parent, true)?.is_some() {
            return Ok(());
        }
        if !make {
            return Err(Failed::new(format!("Destination directory {} does not exist", parent.display())));
        }
        make_directories(draft, parent, &self.wanted.with_mode(self.directory_mode.clone()))
    }

    fn write(&self, draft: &mut Draft<'_>, path: &Path, bytes: Vec<u8>, wanted: &Wanted) -> Result<(), Failed> {
        let mut base = fresh(draft, Kind::File);
        // What replaces a link is a new file.
        if let Some(old) = draft.stat(path, false)?.filter(|old| old.kind != Kind::Link) {
            base.mode = old.mode;
        }
        let mut write = FileWrite::new(path, Vec::new());
        write.content = Content::Bytes(bytes.into());
        write.attributes = wanted.resolve(draft.machine(), &base)?;
        write.backup = self.backup;
        write.validate = validation(draft.eyes, self.validate.as_deref())?;
        write.in_place = self.unsafe_writes;
        draft.write(write)
    }

    /// The result's members once a single file is in place.
    pub fn report(&self, draft: &mut Draft<'_>, placed: &Placed) -> Result<(), Failed> {
        draft.set("dest", shown(&placed.path));
        if !placed.changed {
            draft.set("path", Value::from(shown(&placed.path)));
        }
        draft.set_path_members(&placed.path)
    }
}
