//! A repository's submodules.

use super::asked::ended;
use super::work::{Work, step};
use crate::roles::modules::{Eyes, Failed, Plan};
use std::collections::VecDeque;

impl Work {
    /// The paths of submodules, as `.gitmodules` names them; none where they are not asked for.
    fn submodule_paths(&self, eyes: &Eyes<'_>) -> Result<Vec<String>, Failed> {
        if !self.asked.recursive || self.asked.bare {
            return Ok(Vec::new());
        }
        let text = eyes.text(&format!("{}/.gitmodules", self.dest))?;
        let paths = text.lines().filter_map(|line| line.trim().split_once('='));
        Ok(paths.filter(|(name, _)| name.trim() == "path").map(|(_, path)| path.trim().to_owned()).collect())
    }

    fn is_new(&self, eyes: &Eyes<'_>, path: &str) -> Result<bool, Failed> {
        Ok(!eyes.exists(&format!("{}/{path}/.git", self.dest))?)
    }

    /// Whether every submodule is where the repository expects it.
    pub fn submodules_stand(&self, eyes: &Eyes<'_>) -> Result<bool, Failed> {
        let paths = self.submodule_paths(eyes)?;
        for path in &paths {
            if self.is_new(eyes, path)? {
                return Ok(false);
            }
        }
        Ok(paths.is_empty() || self.status(eyes)?)
    }

    /// `git submodule status` marks those that are elsewhere.
    fn status(&self, eyes: &Eyes<'_>) -> Result<bool, Failed> {
        let output = self.asked.ask(eyes, Some(&self.dest), &["submodule", "status"])?;
        if !output.ok() {
            return Err(ended(&output, Some(format!("Failed to retrieve submodule status: {}", output.text()))));
        }
        Ok(output.text().lines().all(|line| line.starts_with(' ')))
    }

    /// Brings submodules along.
    pub fn submodules(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let paths = self.submodule_paths(eyes)?;
        if paths.is_empty() {
            return self.told_at_last(eyes);
        }
        for path in &paths {
            if self.is_new(eyes, path)? {
                return self.update_submodules(eyes);
            }
        }
        let failed = Some("Failed to fetch submodules: {said}".to_owned());
        let fetch = step(["submodule", "foreach", "git", "fetch"], failed);
        self.run(eyes, VecDeque::from([fetch]), Self::fetched_submodules)
    }

    fn fetched_submodules(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let behind = if self.asked.track_submodules {
            let at = |revision: &str| {
                let words = ["submodule", "foreach", "git", "rev-parse", revision];
                self.asked.line(eyes, Some(&self.dest), &words)
            };
            at("HEAD")? != at(&format!("{}/master", self.asked.remote))?
        } else {
            !self.status(eyes)?
        };
        if behind { self.update_submodules(eyes) } else { self.told_at_last(eyes) }
    }

    fn update_submodules(mut self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        self.changed = true;
        self.tell("submodules_changed", true);
        let remote = self.asked.track_submodules.then_some("--remote");
        let force = self.asked.force.then_some("--force");
        let words = ["submodule", "update", "--init", "--recursive"].into_iter().chain(remote).chain(force);
        let update = step(words, Some("Failed to init/update submodules: {said}".into()));
        self.run(eyes, VecDeque::from([step(["submodule", "sync"], None), update]), Self::told_at_last)
    }
}
