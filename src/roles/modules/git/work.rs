//! A git task on its way: cloned or fetched, switched, its submodules brought along, and told.

use super::asked::{Asked, ended};
use super::remote::Target;
use crate::host::{Attributes, Change, Effect};
use crate::roles::modules::{Diff, Eyes, Failed, Plan};
use crate::roles::value::{Key, Map, Value};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

/// What is known so far.
pub struct Work {
    pub asked: Arc<Asked>,
    pub dest: String,
    pub address: String,
    pub target: Target,
    pub before: Option<String>,
    pub changed: bool,
    pub told: Map,
}

/// What follows when calls of git have gone well.
pub type Then = fn(Work, &Eyes<'_>) -> Result<Plan, Failed>;

/// A call of git, and what its failure is called; its own words where it has no name.
pub type Step = (Vec<String>, Option<String>);

/// A call from words.
pub fn step<S: Into<String>>(words: impl IntoIterator<Item = S>, failed: Option<String>) -> Step {
    (words.into_iter().map(Into::into).collect(), failed)
}

impl Work {
    /// Looks, and says what is to be done first.
    pub fn begin(asked: Arc<Asked>, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let address = asked.address(eyes);
        let dest = asked.dest.as_ref().map(|dest| eyes.expanded(dest).trim_end_matches('/').to_owned());
        let repository = dest.as_ref().map(|dest| git_directory(&asked, eyes, dest)).transpose()?;
        let there = repository.map(|path| eyes.exists(&format!("{path}/config"))).transpose()?.unwrap_or(false);
        let Some(dest) = dest.filter(|_| there || asked.clone) else {
            let target = Target::find(&asked, eyes, &address, None)?;
            let plan = Plan { changed: Some(true), ..Plan::default() };
            return Ok(plan.with("before", Value::Null).with("after", target.commit()));
        };
        if there && !asked.update {
            let now = asked.line(eyes, Some(&dest), &["rev-parse", "HEAD"])?;
            return Ok(Plan::unchanged().with("before", now.as_str()).with("after", now));
        }
        let branch = if there { head_branch(&asked, eyes, &dest)? } else { None };
        let target = Target::find(&asked, eyes, &address, branch.as_deref())?;
        let (before, told) = (None, Map::new());
        let work = Self { asked, dest, address, target, before, changed: false, told };
        if there { work.update(eyes) } else { work.clone_it(eyes) }
    }

    /// Calls one after the other, then what follows. Where they are only planned, the result says what they would do.
    pub fn run(self, eyes: &Eyes<'_>, mut steps: VecDeque<Step>, then: Then) -> Result<Plan, Failed> {
        let Some((words, failed)) = steps.pop_front() else { return then(self, eyes) };
        let clones = words.first().is_some_and(|word| word == "clone");
        let directory = if clones { parent(&self.dest) } else { self.dest.clone() };
        let change = Change::Run(self.asked.command(eyes, Some(&directory), &words)?);
        let next =
            move |eyes: &Eyes<'_>, effects: &[Effect]| match effects.last().and_then(|effect| effect.output.as_ref()) {
                None => Ok(self.planned()),
                Some(output) if output.ok() && output.not_run.is_none() => self.run(eyes, steps, then),
                Some(output) => {
                    let said = format!("{} {}", output.text(), String::from_utf8_lossy(&output.stderr));
                    Err(ended(output, failed.map(|name| name.replace("{said}", &said))))
                }
            };
        Ok(Plan { changes: vec![change], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() })
    }

    /// The result of what has not been carried out.
    fn planned(self) -> Plan {
        let after = self.target.commit().to_owned();
        let undecided = Some("which calls of git follow shows only when the plan is applied".into());
        Plan { undecided, ..self.finished(&after, true) }
    }

    /// The result at a commit.
    pub fn finished(self, after: &str, planned: bool) -> Plan {
        let moved = self.before.as_deref() != Some(after);
        let before = self.before.as_ref().map_or(Value::Null, |before| Value::str(before.as_str()));
        let mut plan = Plan { result: self.told, changed: Some(moved || self.changed || planned), ..Plan::default() };
        if moved {
            let line = |commit: &str| Some(format!("{commit}\n"));
            plan.diff.push(Diff {
                before_header: self.dest.clone(),
                before: line(self.before.as_deref().unwrap_or_default()),
                after_header: self.dest,
                after: line(after),
            });
        }
        plan.with("before", before).with("after", after)
    }

    /// Adds a member to the result.
    pub fn tell(&mut self, name: &str, value: impl Into<Value>) {
        self.told.insert(Key::from(name), value.into());
    }

    fn clone_it(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = &self.asked;
        let mut words = vec!["clone".to_owned()];
        if asked.bare {
            words.push("--bare".into());
        } else {
            words.extend(["--origin".to_owned(), asked.remote.clone()]);
        }
        let named = matches!(self.target, Target::Branch(_) | Target::Tag(_));
        let version = || ["--branch".to_owned(), asked.version.clone()];
        let shallow = asked.depth.filter(|_| named || asked.version == "HEAD" || asked.refspec.is_some());
        let mut warning = None;
        match (shallow, asked.depth) {
            (Some(depth), _) => {
                words.extend(["--depth".to_owned(), depth.to_string()]);
                words.extend(version().into_iter().filter(|_| named && asked.refspec.is_none()));
            }
            (None, Some(_)) => {
                warning = Some(
                    "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in \
                     combination with refspec.",
                );
            }
            (None, None) => {}
        }
        words.extend(asked.reference.iter().flat_map(|path| ["--reference".to_owned(), path.clone()]));
        if asked.single_branch {
            words.push("--single-branch".into());
            words.extend(version().into_iter().filter(|_| named));
        }
        words.extend(asked.separate.iter().map(|path| format!("--separate-git-dir={}", eyes.expanded(path))));
        words.extend([self.address.clone(), self.dest.clone()]);
        let mut steps = VecDeque::from([(words, None)]);
        if asked.bare && asked.remote != "origin" {
            steps.push_back(step(["remote", "add", &asked.remote, &self.address], None));
        }
        if let Some(refspec) = &asked.refspec {
            let depth = asked.depth.map(|depth| ["--depth".to_owned(), depth.to_string()]).into_iter().flatten();
            let rest = [asked.remote.clone(), refspec.clone()];
            steps.push_back(step(["fetch".to_owned()].into_iter().chain(depth).chain(rest), None));
        }
        let directories = missing(eyes, &parent(&self.dest))?;
        let mut plan = self.run(eyes, steps, Self::switch)?;
        plan.changes.splice(0..0, directories);
        if let Some(warning) = warning {
            plan.warn(warning);
        }
        Ok(plan)
    }

    fn update(mut self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = Arc::clone(&self.asked);
        let dest = Some(self.dest.as_str());
        let altered = if asked.bare { String::new() } else { asked.line(eyes, dest, &["status", "--porcelain"])? };
        let altered = altered.lines().any(|line| !line.starts_with("??"));
        let before = asked.line(eyes, dest, &["rev-parse", "HEAD"])?;
        if altered && !asked.force {
            let message = format!("Local modifications exist in the destination: {} (force=no).", self.dest);
            return Err(Failed::new(message).with("before", before).with("changed", false));
        }
        let url = asked.ask(eyes, dest, &["ls-remote", "--get-url", &asked.remote])?;
        let url = if url.ok() { Some(url.text().trim_end().to_owned()) } else { None };
        let same = url.as_ref().is_none_or(|url| *url == self.address || *url == asked.repo);
        self.before = Some(before.clone());
        self.tell("remote_url_changed", !same);
        if !altered && same && self.stands(eyes, &before)? {
            return Ok(self.finished(&before, false));
        }
        self.changed = altered || !same;
        let mut steps = VecDeque::new();
        if altered {
            self.tell("msg", format!("Local modifications exist in the destination: {}", self.dest));
            steps.push_back(step(["reset", "--hard", "HEAD"], None));
        }
        if !same {
            let failed = format!("Failed to set a new url {} for {}: {{said}}", self.address, asked.remote);
            steps.push_back(step(["remote", "set-url", &asked.remote, &self.address], Some(failed)));
        }
        steps.push_back(self.fetch(eyes)?);
        self.run(eyes, steps, Self::switch)
    }

    fn fetch(&self, eyes: &Eyes<'_>) -> Result<Step, Failed> {
        let asked = &self.asked;
        let (version, remote) = (&asked.version, &asked.remote);
        let mut references = Vec::new();
        if asked.depth.is_some() {
            let current = head_branch(asked, eyes, &self.dest)?;
            match (&asked.refspec, &self.target) {
                (Some(refspec), _) => references.push(refspec.clone()),
                (None, Target::Head(_)) => references.extend(current),
                (None, Target::Branch(_)) => {
                    if current.as_ref() != Some(version) {
                        references.push(format!("+refs/heads/{version}:refs/heads/{version}"));
                    }
                    references.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
                }
                (None, Target::Tag(_)) => references.push(format!("+refs/tags/{version}:refs/tags/{version}")),
                (None, Target::Commit(_)) => {}
            }
        }
        let mut words = vec!["fetch".to_owned()];
        match asked.depth.filter(|_| !references.is_empty()) {
            Some(depth) => words.extend(["--depth".to_owned(), depth.to_string()]),
            None => {
                if asked.bare {
                    references = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned).to_vec();
                } else {
                    words.push("--tags".into());
                }
                references.extend(asked.refspec.clone());
            }
        }
        words.extend(asked.force.then(|| "--force".to_owned()));
        words.push(remote.clone());
        words.extend(references);
        Ok((words, Some("Failed to download remote objects and refs: {said}".into())))
    }
}

/// The repository itself: `.git`, or where a `.git` file points.
fn git_directory(asked: &Asked, eyes: &Eyes<'_>, dest: &str) -> Result<String, Failed> {
    let path = if asked.bare { dest.to_owned() } else { format!("{dest}/.git") };
    let stat = eyes.host.stat(Path::new(&path), true);
    let stat = stat.map_err(|error| Failed::new(format!("looking at {path}: {error}")))?;
    let mut found = path.clone();
    if stat.is_some_and(|stat| stat.kind == crate::host::Kind::File) {
        let text = eyes.text(&path)?;
        let wrong = || {
            Failed::new(
                "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path",
            )
        };
        let target = text.trim_end().strip_prefix("gitdir: ").ok_or_else(wrong)?;
        found = Path::new(dest).join(target).to_string_lossy().into_owned();
        if !eyes.exists(&found)? {
            return Err(wrong());
        }
    }
    if let Some(separate) = asked.separate.as_ref().map(|path| eyes.expanded(path))
        && eyes.exists(&found)?
        && separate.trim_end_matches('/') != found
    {
        return Err(Failed::new(format!("{found} is there already; moving it to {separate} is not supported")));
    }
    Ok(found)
}

/// The branch that is checked out, or that the remote's HEAD was when it was cloned.
pub fn head_branch(asked: &Asked, eyes: &Eyes<'_>, dest: &str) -> Result<Option<String>, Failed> {
    let own = asked.ask(eyes, Some(dest), &["symbolic-ref", "--short", "-q", "HEAD"])?;
    if own.ok() {
        return Ok(Some(own.text().trim_end().to_owned()));
    }
    let head = format!("refs/remotes/{}/HEAD", asked.remote);
    let theirs = asked.ask(eyes, Some(dest), &["symbolic-ref", "--short", "-q", &head])?;
    let text = theirs.text();
    let name = text.trim_end().strip_prefix(&format!("{}/", asked.remote)).map(str::to_owned);
    Ok(name.filter(|_| theirs.ok()))
}

fn parent(dest: &str) -> String {
    Path::new(dest).parent().map_or_else(|| "/".into(), |parent| parent.to_string_lossy().into_owned())
}

/// A directory and those above it that are not there, from the top.
fn missing(eyes: &Eyes<'_>, path: &str) -> Result<Vec<Change>, Failed> {
    let mut missing = Vec::new();
    for directory in Path::new(path).ancestors() {
        if eyes.exists(&directory.to_string_lossy())? {
            break;
        }
        missing.push(Change::MakeDirectory { path: directory.into(), attributes: Attributes::default() });
    }
    missing.reverse();
    Ok(missing)
}
