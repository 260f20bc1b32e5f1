//! Where settings come from, and reading them.

use super::error::SettingsError;
use super::merge;
use super::node::{Content, Layer, Mark, Member, Node, Source};
use super::yaml;
use indexmap::IndexMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where settings come from. What is not named is where the image has it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// In place of `/etc/muster/muster.yaml`; it must be there then.
    pub file: Option<PathBuf>,
    /// In place of `/etc/muster/conf.d`; it must be there then.
    pub directory: Option<PathBuf>,
    /// User-data, where it is at hand already.
    pub user_data: Option<Vec<u8>>,
    /// Dotted keys and their values as YAML.
    pub flags: Vec<(String, String)>,
    /// The root that the two standard places are beneath; empty for `/`.
    pub root: PathBuf,
}

impl Sources {
    /// The image's documents, one over the other.
    pub(crate) fn baked(&self) -> Result<Node, SettingsError> {
        let mut root = yaml::empty(Layer::Baked);
        for path in self.files()? {
            if let Some(text) = read(&path, self.file.as_ref() == Some(&path))? {
                let source = Source { name: path.display().to_string(), layer: Layer::Baked, text };
                root = merge::over(root, mapping(yaml::parse(source)?)?);
            }
        }
        Ok(root)
    }

    fn beneath(&self, path: &str) -> PathBuf {
        if self.root.as_os_str().is_empty() { Path::new("/").join(path) } else { self.root.join(path) }
    }

    /// The image's first document.
    pub(crate) fn main(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(|| self.beneath("etc/muster/muster.yaml"))
    }

    /// Whether the image has settings.
    pub fn are_there(&self) -> bool {
        self.main().exists()
    }

    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, SettingsError> {
        let mut files = vec![self.main()];
        let directory = self.directory.clone().unwrap_or_else(|| self.beneath("etc/muster/conf.d"));
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.directory.is_none() => return Ok(files),
            Err(source) => return Err(SettingsError::Read { path: directory, source }),
        };
        let mut fragments = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| SettingsError::Read { path: directory.clone(), source })?.path();
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("yaml") if !hidden => fragments.push(path),
                Some("yml" | "json") if !hidden => return Err(SettingsError::Ending { path }),
                _ => {}
            }
        }
        fragments.sort();
        files.extend(fragments);
        Ok(files)
    }

    /// The command line's document.
    pub(crate) fn flags(&self) -> Result<Node, SettingsError> {
        let mut root = yaml::empty(Layer::Flag);
        for (key, value) in &self.flags {
            let source = Source { name: format!("--set {key}"), layer: Layer::Flag, text: value.clone() };
            root = merge::over(root, nested(key, yaml::parse_value(source)?));
        }
        Ok(root)
    }
}

/// `a.b` and a value as `{a: {b: value}}`.
fn nested(key: &str, value: Node) -> Node {
    let mark: Mark = value.mark.clone();
    key.rsplit('.').fold(value, |inner, step| {
        let member = Member { key: mark.clone(), value: inner };
        Node { mark: mark.clone(), content: Content::Map(IndexMap::from([(step.to_owned(), member)])) }
    })
}

/// A document's root must be a mapping.
pub(crate) fn mapping(node: Node) -> Result<Node, SettingsError> {
    match node.content {
        Content::Map(_) => Ok(node),
        _ => Err(SettingsError::Value {
            place: Some(node.mark.place()),
            path: Arc::clone(&node.mark.source).name.clone(),
            message: format!("expected a mapping, found {}", node.kind()),
            hint: None,
        }),
    }
}

/// A file's text; `None` where it is not there and need not be.
pub(crate) fn read(path: &Path, required: bool) -> Result<Option<String>, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    // Opening a pipe would wait for somebody to write into it.
    let file = match File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path) {
        // A link that leads nowhere was meant to lead to settings.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required && !path.is_symlink() => {
            return Ok(None);
        }
        other => other.map_err(failed)?,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is no regular file")));
    }
    if file.metadata().map_err(failed)?.mode() & 0o002 != 0 {
        return Err(SettingsError::Writable { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(yaml::LARGEST).unwrap_or(u64::MAX) + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    String::from_utf8(bytes).map(Some).map_err(|_| SettingsError::NotText { name: path.display().to_string() })
}
