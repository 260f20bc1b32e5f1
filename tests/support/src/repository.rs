//! A bare repository in a directory of its own, with commits signed as `git commit -S` signs them.

use crate::{Error, Key, Tree};
use git2::{ObjectType, Oid, RepositoryInitOptions, Signature};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// The author of every commit.
const AUTHOR: (&str, &str) = ("Config", "config@example.com");

/// A repository that goes away with this value.
#[derive(Debug)]
pub struct Repository {
    directory: TempDir,
}

impl Repository {
    /// An empty repository, whose branch will be `main`.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new() -> Result<Self, Error> {
        let directory = tempfile::tempdir()?;
        let mut options = RepositoryInitOptions::new();
        git2::Repository::init_opts(directory.path(), options.bare(true).initial_head("main"))?;
        Ok(Self { directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn open(&self) -> Result<git2::Repository, Error> {
        Ok(git2::Repository::open_bare(self.path())?)
    }

    /// Commits these files, and no others, to `main`; signed, if there is a key. Answers with the commit's id.
    ///
    /// # Errors
    /// When the repository cannot be written.
    pub fn commit(&self, tree: &Tree, message: &str, signer: Option<&Key>) -> Result<String, Error> {
        self.commit_to("main", tree, message, signer)
    }

    /// Commits to another branch, which starts from `main` if it is new.
    ///
    /// # Errors
    /// When the repository cannot be written.
    pub fn commit_to(&self, branch: &str, tree: &Tree, message: &str, signer: Option<&Key>) -> Result<String, Error> {
        let repository = self.open()?;
        let name = format!("refs/heads/{branch}");
        let parent = [name.as_str(), "refs/heads/main"].iter().find_map(|name| repository.refname_to_id(name).ok());
        let parents = parent.map(|id| repository.find_commit(id)).transpose()?;
        let parents: Vec<&git2::Commit> = parents.iter().collect();
        let tree = repository.find_tree(written(&repository, &tree.0)?)?;
        let author = Signature::now(AUTHOR.0, AUTHOR.1)?;
        let text = repository.commit_create_buffer(&author, &author, message, &tree, &parents)?;
        let id = match signer {
            None => repository.odb()?.write(ObjectType::Commit, &text)?,
            Some(key) => {
                let text = std::str::from_utf8(&text)?;
                // Git keeps the signature without its last line's end.
                let signature = key.sign(text.as_bytes())?;
                repository.commit_signed(text, signature.trim_end(), Some("gpgsig"))?
            }
        };
        repository.reference(&name, id, true, message)?;
        Ok(id.to_string())
    }

    /// Tags a commit; signed, if there is a key.
    ///
    /// # Errors
    /// When the commit is not there or the repository cannot be written.
    pub fn tag(&self, name: &str, commit: &str, signer: Option<&Key>) -> Result<String, Error> {
        let repository = self.open()?;
        let tagger = Signature::now(AUTHOR.0, AUTHOR.1)?;
        let (who, when) = (format!("{} <{}>", AUTHOR.0, AUTHOR.1), tagger.when().seconds());
        let mut text = format!("object {commit}\ntype commit\ntag {name}\ntagger {who} {when} +0000\n\n{name}\n");
        if let Some(key) = signer {
            text.push_str(&key.sign(text.as_bytes())?);
        }
        repository.find_commit(Oid::from_str(commit)?)?;
        let id = repository.odb()?.write(ObjectType::Tag, text.as_bytes())?;
        repository.reference(&format!("refs/tags/{name}"), id, false, name)?;
        Ok(id.to_string())
    }

    /// The commit that a branch is at.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn head(&self, branch: &str) -> Result<String, Error> {
        Ok(self.open()?.refname_to_id(&format!("refs/heads/{branch}"))?.to_string())
    }

    /// Moves a branch to a commit that is there: back, for one.
    ///
    /// # Errors
    /// When the commit is not there.
    pub fn move_branch(&self, branch: &str, commit: &str) -> Result<(), Error> {
        let repository = self.open()?;
        repository.reference(&format!("refs/heads/{branch}"), Oid::from_str(commit)?, true, "moved")?;
        Ok(())
    }
}

/// Writes files as a tree of trees.
fn written(repository: &git2::Repository, files: &BTreeMap<String, Vec<u8>>) -> Result<Oid, Error> {
    let mut builder = repository.treebuilder(None)?;
    let mut below: BTreeMap<&str, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (path, content) in files {
        match path.split_once('/') {
            Some((directory, rest)) => {
                below.entry(directory).or_default().insert(rest.to_owned(), content.clone());
            }
            None => {
                // A file that starts as a program does is one.
                let mode = if content.starts_with(b"#!") { 0o100_755 } else { 0o100_644 };
                builder.insert(path, repository.blob(content)?, mode)?;
            }
        }
    }
    for (directory, files) in below {
        builder.insert(directory, written(repository, &files)?, 0o040_000)?;
    }
    Ok(builder.write()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_commit_carries_its_signature_and_files() {
        let repository = Repository::new().expect("a repository");
        let key = Key::generate("k").expect("a key");
        let tree = Tree::default().file("a/b/c", "x").file("run", "#!/bin/sh\n");
        let first = repository.commit(&tree, "First", Some(&key)).expect("committed");
        let second = repository.commit(&tree.without("run"), "Second", None).expect("committed");
        let git = repository.open().expect("opened");
        let (signature, text) = git.extract_signature(&Oid::from_str(&first).expect("an id"), None).expect("signed");
        assert_eq!(key.sign(&text).expect("signed").trim_end(), std::str::from_utf8(&signature).expect("text"));
        assert!(git.extract_signature(&Oid::from_str(&second).expect("an id"), None).is_err());
        let head = git.head().expect("a head").peel_to_commit().expect("a commit");
        assert_eq!((head.id().to_string(), head.parent_id(0).expect("a parent").to_string()), (second, first));
        assert!(head.tree().expect("a tree").get_path(Path::new("a/b/c")).is_ok());
    }

    #[test]
    fn tags_name_commits() {
        let repository = Repository::new().expect("a repository");
        let commit = repository.commit(&Tree::default().file("a", "b"), "First", None).expect("committed");
        let tag = repository.tag("v1", &commit, Some(&Key::generate("k").expect("a key"))).expect("tagged");
        let git = repository.open().expect("opened");
        let tag = git.find_tag(Oid::from_str(&tag).expect("an id")).expect("a tag");
        assert_eq!(tag.target_id().to_string(), commit);
        assert!(tag.message().expect("text").is_some_and(|text| text.contains("BEGIN SSH SIGNATURE")));
    }
}
