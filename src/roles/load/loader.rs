//! The reader of one tree: where it looks, and what it has read already.

use super::error::LoadError;
use super::frame::Frame;
use super::source::Source;
use crate::failure::Place;
use crate::roles::value::Value;
use crate::roles::vault::Vault;
use crate::roles::yaml::{self, Document, Warning};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where tasks are being read.
#[derive(Clone)]
pub struct At {
    /// What they inherit.
    pub frame: Arc<Frame>,
    /// The directory of their file.
    pub directory: Arc<Path>,
    /// The playbook's directory.
    pub playbook: Arc<Path>,
    /// Whether they are handlers.
    pub handlers: bool,
    /// How many blocks, imports and includes are around them.
    pub depth: usize,
}

/// Roles and files that include each other end here.
const DEEPEST: usize = 60;

impl At {
    /// One level further in.
    pub fn within(&self, frame: Arc<Frame>, place: &Place) -> Result<Self, LoadError> {
        if self.depth >= DEEPEST {
            return Err(LoadError::Deep(DEEPEST, place.clone()));
        }
        Ok(Self { frame, depth: self.depth + 1, ..self.clone() })
    }
}

/// What names of static imports and roles stand for.
pub trait Names {
    /// A value as text, with the variables that are known before anything runs.
    fn text(&self, frame: &Frame, value: &Value, place: &Place) -> Result<String, LoadError>;
}

/// Names that are no templates.
#[derive(Debug)]
pub struct Literal;

impl Names for Literal {
    fn text(&self, _: &Frame, value: &Value, place: &Place) -> Result<String, LoadError> {
        match value {
            Value::Str(text) => Ok(text.expose().to_owned()),
            Value::Int(number) => Ok(number.to_string()),
            Value::Template(template) => Err(LoadError::Name {
                problem: format!("`{}` is a template", template.text),
                place: template.place.clone(),
            }),
            _ => Err(LoadError::Name { problem: "it is no text".into(), place: place.clone() }),
        }
    }
}

/// Reads a tree.
pub struct Loader {
    pub(super) source: Arc<dyn Source>,
    pub(super) role_paths: Vec<PathBuf>,
    vault: Arc<Vault>,
    documents: Mutex<HashMap<PathBuf, Document>>,
    warnings: Mutex<Vec<Warning>>,
    /// What was wrong and stepped over, where that is wanted.
    errors: Option<Mutex<Vec<LoadError>>>,
}

impl Loader {
    /// A loader of a tree. Roles are looked for beside the playbook, then in the tree's `roles` and `ansible/roles`,
    /// then in these directories.
    pub fn new(source: Arc<dyn Source>, role_paths: &[PathBuf]) -> Self {
        let root = source.root().to_owned();
        let mut paths = vec![root.join("roles"), root.join("ansible/roles")];
        paths.extend(role_paths.iter().cloned());
        Self {
            source,
            role_paths: paths,
            vault: Arc::default(),
            documents: Mutex::default(),
            warnings: Mutex::default(),
            errors: None,
        }
    }

    /// With keys for encrypted files.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<Vault>) -> Self {
        self.vault = vault;
        self
    }

    /// One that steps over what is wrong and keeps it, so that everything is found in one reading.
    #[must_use]
    pub fn stepping_over(mut self) -> Self {
        self.errors = Some(Mutex::default());
        self
    }

    /// What was read; nothing where it was stepped over.
    pub(super) fn step<T>(&self, read: Result<T, LoadError>) -> Result<Option<T>, LoadError> {
        match (read, &self.errors) {
            (Ok(read), _) => Ok(Some(read)),
            // What goes round would go round again at every step.
            (Err(error @ LoadError::Deep(..)), _) | (Err(error), None) => Err(error),
            (Err(error), Some(errors)) => {
                errors.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                Ok(None)
            }
        }
    }

    /// What was stepped over so far, once.
    pub fn take_errors(&self) -> Vec<LoadError> {
        let take = |errors: &Mutex<_>| std::mem::take(&mut *errors.lock().unwrap_or_else(PoisonError::into_inner));
        self.errors.as_ref().map(take).unwrap_or_default()
    }

    /// The tree.
    pub fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// What was odd so far, once.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a warning.
    pub(super) fn warn(&self, warning: Warning) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// A path as the user knows it: relative to the tree's top.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.source.root()).unwrap_or(path).display().to_string()
    }

    /// A file's bytes, opened where it is encrypted; and whether it was.
    pub fn opened(&self, path: &Path) -> Result<(Vec<u8>, bool), LoadError> {
        let bytes = self.bytes(path)?;
        if !Vault::is_encrypted(&bytes) {
            return Ok((bytes, false));
        }
        let text = String::from_utf8_lossy(&bytes);
        let opened = self.vault.open(&text).map_err(|source| LoadError::Vault { path: self.shown(path), source })?;
        Ok((opened.to_vec(), true))
    }

    /// A file's bytes as they are.
    pub fn bytes(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        self.source.read(path).map_err(|source| LoadError::Read { path: PathBuf::from(self.shown(path)), source })
    }

    /// The two lines before a place.
    pub fn lines_before(&self, place: &Place) -> Vec<String> {
        let Ok(bytes) = self.bytes(&self.source.root().join(&place.file)) else { return Vec::new() };
        let text = String::from_utf8_lossy(&bytes);
        let line = (place.line as usize).saturating_sub(1);
        text.lines().take(line).skip(line.saturating_sub(2)).map(str::to_owned).collect()
    }

    /// A YAML file, read once.
    pub fn document(&self, path: &Path) -> Result<Document, LoadError> {
        if let Some(document) = self.documents.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(document.clone());
        }
        let (bytes, hidden) = self.opened(path)?;
        let shown = self.shown(path);
        let text = String::from_utf8(bytes).map_err(|error| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error());
            LoadError::Read { path: PathBuf::from(&shown), source }
        })?;
        let document = if hidden { yaml::read_hidden(&shown, &text)? } else { yaml::read(&shown, &text)? };
        if hidden {
            self.vault.learn(&document.root);
        }
        document.warnings.iter().for_each(|warning| self.warn(warning.clone()));
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), document.clone());
        Ok(document)
    }
}
