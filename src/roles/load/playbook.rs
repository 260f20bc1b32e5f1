//! A playbook: its plays, with imported playbooks in their place.

use super::error::LoadError;
use super::frame::{Frame, FrameKind};
use super::keyword::{PLAY, lay, unknown};
use super::loader::{Loader, Names};
use super::play::Play;
use super::source::tidy;
use crate::failure::Place;
use crate::roles::yaml::Node;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A playbook as loaded.
#[derive(Debug)]
pub struct Playbook {
    /// In order.
    pub plays: Vec<Play>,
    /// Its directory, `playbook_dir`.
    pub directory: Arc<Path>,
}

impl Loader {
    /// Reads a playbook; the path is relative to the tree's top, or absolute within it.
    pub fn playbook(&self, path: &Path, names: &dyn Names) -> Result<Playbook, LoadError> {
        let path = tidy(&self.source.root().join(path));
        if !self.source.is_file(&path) {
            return Err(self.missing("playbook", &self.shown(&path), std::slice::from_ref(&path), None));
        }
        let directory: Arc<Path> = path.parent().unwrap_or(self.source.root()).into();
        let mut plays = Vec::new();
        self.plays(&path, &Frame::new(None, FrameKind::Play), names, 0, &mut plays)?;
        Ok(Playbook { plays, directory })
    }

    /// A playbook that lists these roles.
    pub fn playbook_of_roles(&self, roles: &[String], names: &dyn Names) -> Result<Playbook, LoadError> {
        let directory: Arc<Path> = self.source.root().into();
        Ok(Playbook { plays: vec![self.play_of_roles(roles, names)?], directory })
    }

    fn plays(
        &self,
        path: &Path,
        outer: &Frame,
        names: &dyn Names,
        depth: usize,
        into: &mut Vec<Play>,
    ) -> Result<(), LoadError> {
        let root = self.document(path)?.root;
        let place = root.place();
        if depth > 20 {
            return Err(LoadError::Deep(20, place));
        }
        let nodes = root.list().ok_or_else(|| LoadError::Shape {
            what: "a playbook".into(),
            wanted: "a list of plays",
            have: root.describe(),
            place,
        })?;
        let directory: Arc<Path> = path.parent().unwrap_or(self.source.root()).into();
        for node in nodes {
            match import(node) {
                None => into.extend(self.step(self.play(node, &directory, outer, names))?),
                Some((key, file)) => {
                    let mut frame = Frame { vars: Arc::clone(&outer.vars), ..Frame::new(None, FrameKind::Play) };
                    for (word, value) in node.pairs().unwrap_or_default() {
                        let allowed = word.text().is_some_and(|w| matches!(w, "name" | "vars" | "tags" | "when"));
                        if word.text() == key.text() {
                            continue;
                        } else if word.text() == Some("when") {
                            frame.when = super::keyword::several(value);
                        } else if !allowed || !lay(&mut frame, (word, value), PLAY)? {
                            return Err(unknown(word, PLAY));
                        }
                    }
                    frame.tags.extend(outer.tags.iter().cloned());
                    frame.when.splice(0..0, outer.when.iter().cloned());
                    let file = names.text(&frame, &file.value(), &file.place())?;
                    let target = self.imported(&file, path, &key.place())?;
                    self.plays(&target, &frame, names, depth + 1, into)?;
                }
            }
        }
        Ok(())
    }

    fn imported(&self, file: &str, from: &Path, place: &Place) -> Result<PathBuf, LoadError> {
        let candidates = [from.parent().unwrap_or(from).join(file), self.source.root().join(file)];
        self.first_file(&candidates).ok_or_else(|| self.missing("playbook", file, &candidates, Some(place)))
    }
}

/// The file that an entry imports, with its key.
fn import(node: &Node) -> Option<(&Node, &Node)> {
    let pairs = node.pairs()?;
    pairs
        .iter()
        .find(|(key, _)| matches!(key.text(), Some("import_playbook" | "ansible.builtin.import_playbook")))
        .map(|(key, value)| (key, value))
}
