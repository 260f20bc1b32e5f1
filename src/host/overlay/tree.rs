//! What an overlay remembers of files: which names are there, and which file each leads to.

use crate::host::{Content, Kind, Observe, Stat};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// As many symbolic links as the kernel follows.
const MOST_LINKS: usize = 40;

/// Where a file's content is.
#[derive(Clone, Debug)]
pub enum Body {
    /// Written over the lower machine.
    Written(Content),
    /// The lower machine's file of that path.
    Lower(PathBuf),
    /// A symbolic link's target.
    Link(PathBuf),
    /// A directory: whether the lower machine's names in it are hidden.
    Directory {
        /// Hidden.
        opaque: bool,
    },
}

/// A file, whatever its names.
#[derive(Clone, Debug)]
pub struct Node {
    /// What `stat` says.
    pub stat: Stat,
    /// What is in it.
    pub body: Body,
    /// The SELinux label that it was given.
    pub label: Option<String>,
}

/// Names over a lower machine.
#[derive(Debug, Default)]
pub struct Tree {
    /// By canonical path; `None` hides what the lower machine has there and below.
    names: BTreeMap<PathBuf, Option<usize>>,
    nodes: Vec<Node>,
}

impl Tree {
    /// Whether nothing differs from the lower machine.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// A path without links and dots, as far as it exists; with `follow` a final link is followed too.
    pub fn resolve(&self, lower: &dyn Observe, path: &Path, follow: bool) -> io::Result<PathBuf> {
        let mut todo: Vec<OsString> = Vec::new();
        let push = |todo: &mut Vec<OsString>, path: &Path| {
            todo.extend(
                path.components()
                    .rev()
                    .filter(|part| *part != Component::RootDir)
                    .map(|part| part.as_os_str().to_owned()),
            );
        };
        push(&mut todo, path);
        let (mut done, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            if part == "." {
                continue;
            }
            done.push(&part);
            if todo.is_empty() && !follow {
                break;
            }
            let Some(target) = self.link_at(lower, &done)? else { continue };
            links += 1;
            if links > MOST_LINKS {
                return Err(nix::errno::Errno::ELOOP.into());
            }
            done.pop();
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            push(&mut todo, &target);
        }
        Ok(done)
    }

    fn link_at(&self, lower: &dyn Observe, path: &Path) -> io::Result<Option<PathBuf>> {
        match self.find(path) {
            Found::Node(node) => match &node.body {
                Body::Link(target) => Ok(Some(target.clone())),
                _ => Ok(None),
            },
            Found::Hidden => Ok(None),
            Found::Lower => lower.read_link(path),
        }
    }

    /// What is remembered of a canonical path.
    pub fn find(&self, path: &Path) -> Found<'_> {
        for ancestor in path.ancestors() {
            match self.names.get(ancestor) {
                None => {}
                Some(None) => return Found::Hidden,
                Some(Some(index)) if ancestor == path => return Found::Node(&self.nodes[*index]),
                Some(Some(index)) => match self.nodes[*index].body {
                    Body::Directory { opaque: false } => {}
                    _ => return Found::Hidden,
                },
            }
        }
        Found::Lower
    }

    /// What a canonical path is.
    pub fn stat(&self, lower: &dyn Observe, path: &Path) -> io::Result<Option<Stat>> {
        match self.find(path) {
            Found::Node(node) => Ok(Some(node.stat.clone())),
            Found::Hidden => Ok(None),
            Found::Lower => lower.stat(path, false),
        }
    }

    /// A canonical path's node, to be altered; copied up from the lower machine where it is not here yet.
    pub fn node_mut(&mut self, lower: &dyn Observe, path: &Path) -> io::Result<&mut Node> {
        let index = match (self.find(path), self.names.get(path)) {
            (Found::Node(_), Some(Some(index))) => *index,
            (Found::Lower, _) => {
                let stat = lower.stat(path, false)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let body = match stat.kind {
                    Kind::Directory => Body::Directory { opaque: false },
                    Kind::Link => Body::Link(lower.read_link(path)?.unwrap_or_default()),
                    _ => Body::Lower(path.to_owned()),
                };
                self.put(path, Node { stat, body, label: None })
            }
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(&mut self.nodes[index])
    }

    /// Gives a name to a new node.
    pub fn put(&mut self, path: &Path, node: Node) -> usize {
        self.release(path);
        self.nodes.push(node);
        let index = self.nodes.len() - 1;
        self.names.insert(path.to_owned(), Some(index));
        index
    }

    /// Gives a second name to a file.
    pub fn link(&mut self, lower: &dyn Observe, path: &Path, target: &Path) -> io::Result<()> {
        self.node_mut(lower, target)?.stat.links += 1;
        let index = self.names.get(target).copied().flatten();
        self.release(path);
        self.names.insert(path.to_owned(), index);
        Ok(())
    }

    /// A file loses this name.
    fn release(&mut self, path: &Path) {
        if let Some(Some(index)) = self.names.get(path).copied() {
            let links = &mut self.nodes[index].stat.links;
            *links = links.saturating_sub(1);
        }
    }

    /// Hides a name and all below it.
    pub fn hide(&mut self, path: &Path) {
        self.release(path);
        self.names.retain(|name, _| !name.starts_with(path));
        self.names.insert(path.to_owned(), None);
    }

    /// The names in a canonical directory, sorted.
    pub fn list(&self, lower: &dyn Observe, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        let hidden = match self.find(path) {
            Found::Hidden => return Ok(None),
            Found::Node(node) => match node.body {
                Body::Directory { opaque } => opaque,
                _ => return Ok(None),
            },
            Found::Lower => false,
        };
        let below = if hidden { Some(Vec::new()) } else { lower.list(path)? };
        let Some(mut names) = below else { return Ok(None) };
        names.retain(|name| !matches!(self.names.get(&path.join(name)), Some(None)));
        for (child, index) in &self.names {
            if let (Some(_), Some(name)) = (index, child.file_name())
                && child.parent() == Some(path)
                && !names.iter().any(|have| have == name)
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(Some(names))
    }

    /// A canonical file's content.
    pub fn read(&self, lower: &dyn Observe, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.find(path) {
            Found::Hidden => Ok(None),
            Found::Lower => lower.read(path),
            Found::Node(node) => match &node.body {
                Body::Lower(path) => lower.read(path),
                Body::Written(content) => bytes(content).map(Some),
                _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")),
            },
        }
    }
}

/// What is known of a path.
pub enum Found<'a> {
    /// Here.
    Node(&'a Node),
    /// Taken away.
    Hidden,
    /// As the lower machine has it.
    Lower,
}

/// All of a content's bytes.
pub fn bytes(content: &Content) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.reader().read_to_end(&mut bytes)?;
    Ok(bytes)
}
