//! The files of a commit, before it is made.

use crate::Error;
use std::collections::BTreeMap;
use std::path::Path;

/// Files by path, each with its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub(crate) BTreeMap<String, Vec<u8>>);

impl Tree {
    /// All files below a directory.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn from_directory(directory: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        tree.read(directory, "")?;
        Ok(tree)
    }

    fn read(&mut self, directory: &Path, prefix: &str) -> Result<(), Error> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.read(&entry.path(), &format!("{name}/"))?;
            } else {
                self.0.insert(name, std::fs::read(entry.path())?);
            }
        }
        Ok(())
    }

    /// With this file, in place of one of the same path.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.to_owned(), content.into());
        self
    }

    /// What a file holds.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Every file's path and what it holds.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Without this file.
    pub fn without(mut self, path: &str) -> Self {
        self.0.remove(path);
        self
    }

    /// With `old` replaced by `new` in this file: the way to break one thing.
    ///
    /// # Errors
    /// When the file is not there or holds no `old`, so that nothing would be broken.
    pub fn replace(mut self, path: &str, old: &str, new: &str) -> Result<Self, Error> {
        let content = self.0.get_mut(path).ok_or_else(|| format!("the tree has no {path}"))?;
        let text = String::from_utf8(std::mem::take(content))?;
        if !text.contains(old) {
            return Err(format!("{path} holds no {old:?}").into());
        }
        *content = text.replace(old, new).into_bytes();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_reads_with_its_paths() {
        let tree = Tree::from_directory(&crate::source().join("tests/support/src")).expect("read");
        assert!(tree.0.contains_key("tree.rs"));
        assert!(!tree.clone().without("tree.rs").0.contains_key("tree.rs"));
    }

    #[test]
    fn only_what_is_there_is_replaced() {
        let tree = Tree::default().file("a/b", "one two");
        let replaced = tree.clone().replace("a/b", "two", "three").expect("replaced");
        assert_eq!(replaced.0["a/b"], b"one three");
        assert!(tree.clone().replace("a/b", "four", "five").is_err());
        assert!(tree.replace("a/c", "one", "two").is_err());
    }
}
