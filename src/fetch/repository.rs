//! The local copy of the config repository: fetched into, judged elsewhere, read from. It is a cache; losing it costs a
//! fetch.

use super::address::Address;
use super::error::clean;
use super::reference::{Advertised, Wanted};
use super::transport::{Dial, URL, set_up};
use super::{FetchError, Movement, Origin, Reference, Tree};
use crate::host::durable;
use crate::trust::{Candidate, Commit, Realm, Tag, Untrusted, Verified};
use git2::{AutotagOption, Direction, FetchOptions, ObjectType, Oid, RepositoryInitOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The ref that keeps the newest commit that was verified and whole: what the next fetch says is here.
const VERIFIED: &str = "refs/muster/verified";
/// All of history (git's own number for it).
const WHOLE: i32 = i32::MAX;

/// The local copy.
pub struct Repository {
    git: git2::Repository,
    path: PathBuf,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.path.display())
    }
}

/// A commit that was fetched and is not judged yet.
#[derive(Debug)]
pub struct Fetched {
    /// The commit, and the tag through which it was reached, for `trust` to judge.
    pub candidate: Untrusted<Candidate>,
    /// The commit's id.
    pub id: String,
    /// How it stands to the commit that ran last.
    pub movement: Movement,
    reference: Reference,
    last: Option<Oid>,
    /// A commit that a release pins, and that this one does not have among its ancestors.
    lacking: Option<String>,
}

impl Fetched {
    /// Refuses a branch that moved back behind or aside from what ran last. `allowed` is what `--allow-rollback` names.
    /// A commit without one that a release pins is refused whatever is allowed: the release was not made for it.
    pub fn permit(&self, allowed: Option<&str>) -> Result<(), FetchError> {
        if let Some(pin) = &self.lacking {
            return Err(FetchError::Pinned { pin: pin.clone(), found: self.id.clone() });
        }
        self.movement.permit(&self.reference, self.last, &self.id, allowed)
    }
}

impl Repository {
    /// Opens the copy in a directory, or begins one. One that is torn, or lacks objects that were
    /// fetched into it, is begun anew.
    pub fn open_or_init(path: &Path) -> Result<Self, FetchError> {
        set_up()?;
        let whole = |git: &git2::Repository| match git.refname_to_id(VERIFIED) {
            Ok(commit) => Tree::still_whole(git, commit),
            Err(error) => error.code() == git2::ErrorCode::NotFound,
        };
        match git2::Repository::open_bare(path) {
            Ok(git) if whole(&git) => Ok(Self { git, path: path.to_owned() }),
            _ => Ok(Self { git: begin(path)?, path: path.to_owned() }),
        }
    }

    /// Fetches one commit, as little as it takes, and says how it stands to `last`, the commit that ran last here.
    ///
    /// A first fetch is one commit deep. To tell whether a branch went back, a later one asks for what is new since
    /// `last`; where `last` is not here (a copy that was lost, a commit that was baked elsewhere), for all of history.
    pub fn fetch(
        &self,
        origin: &Origin,
        realm: &Realm,
        reference: &Reference,
        last: Option<&str>,
    ) -> Result<Fetched, FetchError> {
        self.fetch_with(origin, realm, reference, last, &[])
    }

    /// The same, and looks for commits that releases pin among the fetched one's ancestors.
    pub fn fetch_with(
        &self,
        origin: &Origin,
        realm: &Realm,
        reference: &Reference,
        last: Option<&str>,
        pins: &[String],
    ) -> Result<Fetched, FetchError> {
        let last = last.and_then(|last| Oid::from_str(last).ok());
        let dial = Dial::new(origin, realm);
        let wanted = self.ask(&dial, reference, last)?;
        let (commit, tag) = self.peel(reference, &wanted)?;
        let moved = |git| match reference {
            Reference::Tag(_) | Reference::Commit(_) => Movement::Pinned,
            // A bare name is held to the rule even where it turns out a tag: which of the two it is, the server says.
            Reference::Head | Reference::Name(_) | Reference::Branch(_) => Movement::of(git, last, commit),
        };
        let found = commit.to_string();
        let lacking = || pins.iter().find(|pin| !self.has(&found, pin)).cloned();
        let mut movement = moved(&self.git);
        if (movement == Movement::Unknown || lacking().is_some()) && self.git.is_shallow() {
            self.download(&dial, &wanted, WHOLE)?;
            movement = moved(&self.git);
        }
        let lacking = lacking();
        let bytes = self.raw(commit, ObjectType::Commit)?;
        let id = commit.to_string();
        let candidate = Untrusted::new(Candidate { id: id.clone(), bytes, tag });
        Ok(Fetched { candidate, id, movement, reference: reference.clone(), last, lacking })
    }

    /// Whether a commit is another one or has it among its ancestors, by the history that is here.
    pub fn has(&self, commit: &str, ancestor: &str) -> bool {
        let (Ok(commit), Ok(ancestor)) = (Oid::from_str(commit), Oid::from_str(ancestor)) else { return false };
        matches!(Movement::of(&self.git, Some(ancestor), commit), Movement::Same | Movement::Forward)
    }

    /// The files of a verified commit. A copy that lacks some is thrown away, so that the next fetch brings all.
    pub fn tree(&self, commit: &Verified<Commit>) -> Result<Tree, FetchError> {
        let tree = Tree::open(&self.git, commit).inspect_err(|_| {
            // The error that is returned says more than a second one could.
            let _ = durable::remove_directory(&self.path);
        })?;
        let id = Oid::from_str(&commit.get().id).and_then(|id| self.git.reference(VERIFIED, id, true, "verified"));
        id.map_err(|error| git("keeping", &commit.get().id, &error))?;
        Ok(tree)
    }

    /// Learns the server's refs, finds the wanted one, and downloads it unless it is the verified one that is here.
    fn ask(&self, dial: &Arc<Dial>, reference: &Reference, last: Option<Oid>) -> Result<Wanted, FetchError> {
        let address = dial.origin.address.to_string();
        let wanted = reference.find(&address, &self.advertised(dial)?)?;
        let known = self.git.refname_to_id(VERIFIED).ok().and_then(|known| self.git.find_commit(known).ok());
        let target = self.git.find_object(wanted.id, None).and_then(|object| object.peel_to_commit()).ok();
        if known.zip(target).is_some_and(|(known, target)| known.id() == target.id()) {
            return Ok(wanted);
        }
        let depth = match last {
            Some(last) if last != wanted.id && self.git.find_commit(last).is_ok() => 0,
            _ => 1,
        };
        match self.download(dial, &wanted, depth) {
            // Some servers refuse an id that no ref names, some leave it out in silence.
            Ok(()) if wanted.name.is_none() && self.git.find_object(wanted.id, None).is_err() => {}
            Err(FetchError::Git { .. } | FetchError::Server { .. }) if wanted.name.is_none() => {}
            result => return result.map(|()| wanted),
        }
        self.search(dial, reference, &wanted)?;
        Ok(wanted)
    }

    /// A commit that no ref names, from a server that gives out only what refs name: everything is fetched.
    fn search(&self, dial: &Arc<Dial>, reference: &Reference, wanted: &Wanted) -> Result<(), FetchError> {
        let depth = if self.git.is_shallow() { WHOLE } else { 0 };
        self.run(dial, &["+refs/heads/*:refs/muster/heads/*", "+refs/tags/*:refs/muster/tags/*"], depth)?;
        match self.git.find_commit(wanted.id) {
            Ok(_) => Ok(()),
            Err(_) => {
                let hint = "no branch or tag contains it: was it pushed, and is it the full id?".to_owned();
                Err(reference.missing(&dial.origin.address.to_string(), hint))
            }
        }
    }

    fn download(&self, dial: &Arc<Dial>, wanted: &Wanted, depth: i32) -> Result<(), FetchError> {
        let source = wanted.name.clone().unwrap_or_else(|| wanted.id.to_string());
        self.run(dial, &[&format!("+{source}:refs/muster/incoming")], depth)
    }

    /// One download. libgit2's own transport for local paths gives whole history only.
    fn run(&self, dial: &Arc<Dial>, refspecs: &[&str], depth: i32) -> Result<(), FetchError> {
        let local = matches!(dial.origin.address, Address::Local(_));
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).depth(if local { 0 } else { depth });
        self.with_remote(dial, |remote| remote.download(refspecs, Some(&mut options)))
    }

    fn advertised(&self, dial: &Arc<Dial>) -> Result<Vec<Advertised>, FetchError> {
        self.with_remote(dial, |remote| {
            remote.connect(Direction::Fetch)?;
            let heads = remote.list()?;
            let all = heads.iter().map(|head| Advertised { name: head.name().to_owned(), id: head.oid() }).collect();
            remote.disconnect()?;
            Ok(all)
        })
    }

    /// Runs a conversation with the origin, and gives the transport's own error where there is one.
    fn with_remote<T>(
        &self,
        dial: &Arc<Dial>,
        talk: impl FnOnce(&mut git2::Remote<'_>) -> Result<T, git2::Error>,
    ) -> Result<T, FetchError> {
        let url = match &dial.origin.address {
            Address::Local(path) => path.to_string_lossy().into_owned(),
            _ => URL.to_owned(),
        };
        dial.take_failure();
        let result = dial.during(|| {
            let mut remote = self.git.remote_anonymous(&url)?;
            talk(&mut remote)
        });
        result.map_err(|error| dial.take_failure().unwrap_or_else(|| git("fetching from", &dial.host, &error)))
    }

    /// The commit that a ref names, and the annotated tag on the way.
    fn peel(&self, reference: &Reference, wanted: &Wanted) -> Result<(Oid, Option<Tag>), FetchError> {
        let not_commit =
            |found: &str| FetchError::NotCommit { reference: reference.to_string(), found: found.to_owned() };
        let object = self.git.find_object(wanted.id, None);
        let object = object.map_err(|error| git("reading", &wanted.id.to_string(), &error))?;
        match object.kind() {
            Some(ObjectType::Commit) => Ok((wanted.id, None)),
            Some(ObjectType::Tag) => {
                let target = object.as_tag().map(|tag| (tag.target_id(), tag.target_type()));
                let Some((target, Some(ObjectType::Commit))) = target else {
                    return Err(not_commit("a tag of something that is no commit"));
                };
                let (Reference::Tag(name) | Reference::Name(name)) = reference else {
                    return Err(not_commit("a tag object"));
                };
                let bytes = self.raw(wanted.id, ObjectType::Tag)?;
                Ok((target, Some(Tag { name: name.clone(), id: wanted.id.to_string(), bytes })))
            }
            Some(ObjectType::Tree) => Err(not_commit("a tree")),
            _ => Err(not_commit("a file")),
        }
    }

    /// An object's bytes as they are stored; never re-encoded.
    fn raw(&self, id: Oid, kind: ObjectType) -> Result<Vec<u8>, FetchError> {
        let read = self.git.odb().and_then(|odb| odb.read(id).map(|object| (object.kind(), object.data().to_vec())));
        match read {
            Ok((found, bytes)) if found == kind => Ok(bytes),
            Ok(_) => Err(FetchError::Incomplete { object: format!("{kind} {id}"), commit: id.to_string() }),
            Err(error) => Err(git("reading", &id.to_string(), &error)),
        }
    }
}

/// A new, empty copy, in place of whatever was there.
fn begin(path: &Path) -> Result<git2::Repository, FetchError> {
    let io = |attempt, source| FetchError::Io { attempt, path: path.to_owned(), source };
    durable::remove_directory(path).map_err(|source| io("remove", source))?;
    durable::make_directory(path, 0o700).map_err(|source| io("make", source))?;
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    git2::Repository::init_opts(path, &options).map_err(|error| git("beginning", &path.display().to_string(), &error))
}

fn git(attempt: &'static str, what: &str, error: &git2::Error) -> FetchError {
    FetchError::Git { attempt, what: what.to_owned(), problem: clean(error.message().as_bytes()) }
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
