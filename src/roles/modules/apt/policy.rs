//! What could be installed: `apt-cache policy`, and who provides a virtual package.

use super::{Apt, Eyes, Failed};
use crate::fnmatch;
use crate::package_version::compare;
use crate::roles::modules::dpkg::Database;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

/// A package as a task names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its name, with its architecture where one is named.
    pub name: &'a str,
    /// `=` or `>=`, and a version.
    pub version: Option<(&'a str, &'a str)>,
}

impl<'a> Wanted<'a> {
    /// From `name`, `name=version` or `name>=version`.
    pub fn parse(text: &'a str) -> Self {
        if let Some((name, version)) = text.split_once(">=") {
            return Self { name, version: Some((">=", version)) };
        }
        match text.split_once('=') {
            Some((name, version)) => Self { name, version: Some(("=", version)) },
            None => Self { name: text, version: None },
        }
    }

    /// Whether a version is one that is wanted.
    pub fn accepts(&self, have: &str) -> bool {
        match self.version {
            None => true,
            Some(("=", pattern)) => fnmatch::matches(pattern, have),
            Some((_, least)) => compare(have, least) != Ordering::Less,
        }
    }
}

/// What apt would choose from.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The version that it prefers.
    pub candidate: Option<String>,
    /// Every version that there is.
    pub versions: Vec<String>,
}

/// A package's standing, as `package_status` of Ansible's module tells it.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// Installed in an accepted version; a better accepted one may be there.
    Installed(Option<String>),
    /// Installed in a version that is not accepted; an accepted one may be there.
    Unaccepted(Option<String>),
    /// Not installed; an accepted version may be there.
    Absent(Option<String>),
    /// Only provided by others, and apt chooses among them.
    Virtual,
    /// Unknown.
    Unknown,
}

impl Apt {
    /// The standing of each; apt is asked once, and only where what is installed does not decide.
    pub fn standings(
        &self,
        eyes: &Eyes<'_>,
        database: &Database,
        wanted: &[Wanted<'_>],
        latest: bool,
    ) -> Result<Vec<Standing>, Failed> {
        let decided = |want: &Wanted<'_>| {
            let have = database.find(want.name).filter(|package| package.is_installed());
            // A version pattern may match a newer version: apt has to be asked.
            let settles = want.version.is_none() && !latest;
            have.filter(|_| settles).map(|_| Standing::Installed(None))
        };
        let mut standings: Vec<Option<Standing>> = wanted.iter().map(decided).collect();
        let open: Vec<&str> =
            standings.iter().zip(wanted).filter(|(s, _)| s.is_none()).map(|(_, want)| want.name).collect();
        let choices = if open.is_empty() { HashMap::new() } else { self.ask_policy(eyes, &open)? };
        for (standing, want) in standings.iter_mut().zip(wanted) {
            if standing.is_none() {
                *standing = Some(stand(eyes, database, want, &choices)?);
            }
        }
        Ok(standings.into_iter().flatten().collect())
    }

    fn ask_policy(&self, eyes: &Eyes<'_>, names: &[&str]) -> Result<HashMap<String, Choice>, Failed> {
        let mut words = vec!["apt-cache".to_owned()];
        words.extend(self.release.iter().flat_map(|r| ["-o".into(), format!("APT::Default-Release={r}")]));
        words.push("policy".into());
        words.extend(names.iter().map(|name| (*name).to_owned()));
        let output = eyes.ask(words)?;
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failed::new(format!("apt-cache policy failed: {error}")));
        }
        Ok(parse(&output.text()))
    }
}

fn stand(
    eyes: &Eyes<'_>,
    database: &Database,
    want: &Wanted<'_>,
    choices: &HashMap<String, Choice>,
) -> Result<Standing, Failed> {
    let have = database.find(want.name).filter(|package| package.is_installed());
    let native = want.name.strip_suffix(":native").or_else(|| want.name.strip_suffix(":any"));
    let choice = choices.get(want.name).or_else(|| choices.get(native?));
    let best = choice.and_then(|choice| match want.version {
        // The pin that a version asked for gets outweighs every other.
        Some(("=", _)) => {
            let accepted = choice.versions.iter().filter(|version| want.accepts(version));
            accepted.max_by(|a, b| compare(a, b)).cloned()
        }
        _ => choice.candidate.clone(),
    });
    let Some(have) = have else {
        if best.is_some() || choice.is_some_and(|choice| !choice.versions.is_empty()) {
            return Ok(Standing::Absent(best));
        }
        return provided(eyes, database, want);
    };
    let better = best.filter(|best| *best != have.version && want.accepts(best));
    Ok(if want.accepts(&have.version) { Standing::Installed(better) } else { Standing::Unaccepted(better) })
}

fn provided(eyes: &Eyes<'_>, database: &Database, want: &Wanted<'_>) -> Result<Standing, Failed> {
    let output = eyes.ask(["apt-cache", "showpkg", want.name])?;
    let text = output.text();
    let listed = text.split("Reverse Provides:").nth(1).unwrap_or_default();
    let mut providers: BTreeSet<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let installed = database.installed();
    let providing = installed.iter().filter(|package| package.provides.iter().any(|name| name == want.name));
    providers.extend(providing.map(|package| package.name.as_str()));
    let only = providers.first().filter(|_| providers.len() == 1);
    Ok(match only {
        Some(name) if database.find(name).is_some_and(super::super::dpkg::Package::is_installed) => {
            Standing::Installed(None)
        }
        _ if providers.is_empty() => Standing::Unknown,
        _ => Standing::Virtual,
    })
}

/// Reads the answer of `apt-cache policy`.
fn parse(text: &str) -> HashMap<String, Choice> {
    let mut choices: HashMap<String, Choice> = HashMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_suffix(':').filter(|head| !head.starts_with(' ')) {
            head.clone_into(&mut name);
            choices.insert(name.clone(), Choice::default());
            continue;
        }
        let Some(choice) = choices.get_mut(&name) else { continue };
        if let Some(candidate) = line.strip_prefix("  Candidate: ") {
            choice.candidate = Some(candidate.to_owned()).filter(|version| version != "(none)");
        } else if let Some(version) = line.strip_prefix(" *** ").or_else(|| line.strip_prefix("     "))
            && !version.starts_with(' ')
        {
            choice.versions.extend(version.split(' ').next().map(str::to_owned));
        }
    }
    choices
}
