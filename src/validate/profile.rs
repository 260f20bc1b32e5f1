//! Profiles: which controls of which benchmarks, with the site's own choices; embedded, or from a file that tailors one.

use super::benchmark::{self, unique};
use super::control::Control;
use super::error::ValidateError;
use super::input;
use super::site::Site;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const EMBEDDED: (&str, &str) = ("benchmarks/profiles.yaml", include_str!("../../benchmarks/profiles.yaml"));
/// A profile is written by hand; a larger file is something else.
const LARGEST: u64 = 1 << 20;
/// As many profiles as may stand on one another.
const DEEPEST: usize = 8;

/// A profile as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    profile: String,
    #[serde(default)]
    title: Option<String>,
    /// Another profile that this one stands on: an embedded one, or one of the config repository.
    #[serde(default)]
    extends: Option<String>,
    /// Benchmarks whose controls it takes.
    #[serde(default)]
    benchmarks: Vec<String>,
    /// The highest level that it takes.
    #[serde(default)]
    level: Option<u8>,
    #[serde(default)]
    site: Site,
    /// Controls that are left out, each with the reason.
    #[serde(default)]
    without: BTreeMap<String, String>,
    /// Controls of its own, and others in place of those with the same id.
    #[serde(default)]
    controls: Vec<Control>,
}

/// A profile, ready to judge by.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Titles and versions of its benchmarks.
    pub versions: Vec<String>,
    /// Systems that it is for; none said is any.
    pub systems: Vec<String>,
    /// The site's choices.
    pub site: Site,
    /// Its controls, in order.
    pub controls: Vec<Control>,
    /// What was left out, and why.
    pub without: BTreeMap<String, String>,
}

/// Profiles that have a name: the embedded ones, and those of a config repository. An embedded name is nobody else's.
#[derive(Debug)]
pub struct Shelf {
    shipped: Vec<Written>,
    own: Vec<(String, String)>,
}

/// Whether a profile is named by its file: what has a slash or ends in `.yaml` or `.yml`.
pub fn is_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
}

impl Shelf {
    /// The embedded ones.
    pub fn embedded() -> Result<Self, ValidateError> {
        let (file, text) = EMBEDDED;
        let shipped = serde_yaml::from_str(text).map_err(|error| ValidateError::yaml(file, text, &error))?;
        Ok(Self { shipped, own: Vec::new() })
    }

    /// With others, by their names and texts.
    #[must_use]
    pub fn with(self, own: Vec<(String, String)>) -> Self {
        Self { own, ..self }
    }

    /// Whether muster brings a profile of that name.
    pub fn brings(&self, name: &str) -> bool {
        self.shipped.iter().any(|written| written.profile == name)
    }

    /// Names and titles.
    pub fn list(&self) -> Result<Vec<(String, String)>, ValidateError> {
        let named = |written: Written| (written.profile, written.title.unwrap_or_default());
        let own = self.own.iter().filter(|(name, _)| !self.brings(name)).map(|(name, text)| parse(name, text));
        let own = own.collect::<Result<Vec<Written>, _>>()?;
        Ok(self.shipped.iter().cloned().chain(own).map(named).collect())
    }

    /// Reads a profile by its name or its file.
    pub fn load(&self, name: &str) -> Result<Profile, ValidateError> {
        let written = if is_file(name) { read(Path::new(name))? } else { self.find(name)? };
        self.resolve(&written, 0)
    }

    fn find(&self, name: &str) -> Result<Written, ValidateError> {
        if let Some(written) = self.shipped.iter().find(|written| written.profile == name) {
            return Ok(written.clone());
        }
        if let Some((name, text)) = self.own.iter().find(|(own, _)| own == name) {
            return parse(name, text);
        }
        let own = self.own.iter().map(|(name, _)| name.clone());
        let known = self.shipped.iter().map(|written| written.profile.clone()).chain(own).collect();
        Err(ValidateError::Unknown { what: "profile", name: name.to_owned(), known })
    }
}

/// A profile of a config repository. Its file is found by its name, so that both are one.
fn parse(name: &str, text: &str) -> Result<Written, ValidateError> {
    let what = format!("benchmarks/{name}.yaml of the config repository");
    let written: Written = serde_yaml::from_str(text).map_err(|error| ValidateError::yaml(&what, text, &error))?;
    if written.profile != name {
        let message = format!("says that it is the profile `{}`", written.profile);
        return Err(ValidateError::Document { what, message, place: None });
    }
    Ok(written)
}

fn read(path: &Path) -> Result<Written, ValidateError> {
    let bytes = input::read(path, LARGEST, "a profile")?;
    let what = path.display().to_string();
    let fault =
        |message: &str| ValidateError::Document { what: what.clone(), message: message.to_owned(), place: None };
    let text = String::from_utf8(bytes).map_err(|_| fault("is not UTF-8"))?;
    serde_yaml::from_str(&text).map_err(|error| ValidateError::yaml(&what, &text, &error))
}

impl Shelf {
    fn resolve(&self, written: &Written, depth: usize) -> Result<Profile, ValidateError> {
        let fault = |message: String| ValidateError::Document { what: written.profile.clone(), message, place: None };
        if depth > DEEPEST {
            return Err(fault("stands on itself".into()));
        }
        let title = written.title.clone().unwrap_or_else(|| written.profile.clone());
        let mut profile = match &written.extends {
            Some(name) => self.resolve(&self.find(name)?, depth + 1)?,
            None => Profile {
                name: String::new(),
                title: String::new(),
                versions: Vec::new(),
                systems: Vec::new(),
                site: Site::default(),
                controls: Vec::new(),
                without: BTreeMap::new(),
            },
        };
        for name in &written.benchmarks {
            let benchmark = benchmark::embedded(name)?;
            profile.versions.push(format!("{}, {}", benchmark.head.title, benchmark.head.version));
            profile.systems.extend(benchmark.head.systems.into_iter().filter(|system| system != "any"));
            profile.site = profile.site.under(&benchmark.head.site);
            profile.controls.extend(benchmark.controls);
        }
        (profile.name, profile.title) = (written.profile.clone(), title);
        profile.site = profile.site.under(&written.site);
        unique(&written.profile, &written.controls)?;
        for control in &written.controls {
            match profile.controls.iter_mut().find(|have| have.id == control.id) {
                Some(have) => have.clone_from(control),
                None => profile.controls.push(control.clone()),
            }
        }
        if let Some(level) = written.level {
            profile.controls.retain(|control| control.level <= level);
        }
        for (id, reason) in &written.without {
            if reason.trim().is_empty() {
                return Err(fault(format!("the control {id} is left out without a reason")));
            }
            let before = profile.controls.len();
            profile.controls.retain(|control| control.id != *id);
            if profile.controls.len() == before {
                return Err(fault(format!("the control {id}, which is left out, is not there")));
            }
            profile.without.insert(id.clone(), reason.clone());
        }
        if profile.controls.is_empty() {
            return Err(fault("has no control".into()));
        }
        unique(&profile.name, &profile.controls)?;
        Ok(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tailored(text: &str) -> Result<Profile, ValidateError> {
        let written: Written = serde_yaml::from_str(text).map_err(|e| ValidateError::yaml("p.yaml", text, &e))?;
        Shelf::embedded()?.resolve(&written, 0)
    }

    #[test]
    fn every_embedded_profile_loads() {
        let shelf = Shelf::embedded().expect("embedded");
        for (name, title) in shelf.list().expect("list") {
            let profile = shelf.load(&name).expect("load");
            assert!(!title.is_empty() && !profile.controls.is_empty(), "{name}");
        }
        let Err(error) = shelf.load("ubuntu2404-cis-l3") else { panic!("a profile that is not there") };
        assert!(crate::failure::Explain::hint(&error).is_some_and(|hint| hint.contains("ubuntu2404-cis-l")));
    }

    #[test]
    fn a_file_leaves_out_replaces_and_adds() {
        let own = "{id: X1, level: 1, title: t, area: a, check: {package_absent: gcc}}";
        let other = "{id: 5.1.16, level: 1, title: t, area: a, check: {sshd_option: {name: MaxAuthTries, value: 3}}}";
        let text = format!(
            "profile: web\nextends: ubuntu2404-cis-l1\nwithout: {{1.1.1.1: ours needs it}}\nsite: {{firewall: \
             nftables}}\ncontrols:\n- {own}\n- {other}\n"
        );
        let profile = tailored(&text).expect("tailored");
        let ids: Vec<&str> = profile.controls.iter().map(|control| control.id.as_str()).collect();
        assert!(ids.contains(&"X1") && !ids.contains(&"1.1.1.1"), "{ids:?}");
        assert_eq!(ids.iter().filter(|id| **id == "5.1.16").count(), 1);
        for (text, want) in [
            ("profile: web\nextends: ubuntu2404-cis-l1\nwithout: {9.9: r}\n", "9.9"),
            ("profile: web\nextends: ubuntu2404-cis-l1\nwithout: {1.1.1.1: ''}\n", "without a reason"),
            ("profile: web\n", "no control"),
            ("profile: web\nextends: nothing\n", "nothing"),
            ("profile: web\nskip: [a]\n", "skip"),
        ] {
            let Err(error) = tailored(text) else { panic!("{text} was read") };
            assert!(error.to_string().contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn a_repository_has_profiles_by_name() {
        let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let shelf = Shelf::embedded().expect("embedded").with(vec![
            own("base", "profile: base\nextends: ubuntu2404-cis-l1\nwithout: {1.1.1.1: ours needs it}\n"),
            own("web", "profile: web\ntitle: Web\nextends: base\nsite: {firewall: nftables}\n"),
            own("loop", "profile: loop\nextends: loop\n"),
            own("other", "profile: web\nextends: base\n"),
            own("seal", "profile: seal\nextends: muster-image\n"),
        ]);
        let web = shelf.load("web").expect("web");
        assert_eq!((web.name.as_str(), web.title.as_str(), web.without.len()), ("web", "Web", 1));
        assert!(!web.controls.iter().any(|control| control.id == "1.1.1.1"));
        assert!(shelf.load("seal").expect("seal").controls.iter().all(|control| control.area == "seal"));
        for (name, want) in [("loop", "stands on itself"), ("other", "says that it is"), ("wbe", "no profile")] {
            let Err(error) = shelf.load(name) else { panic!("{name} was read") };
            assert!(error.to_string().contains(want), "{name}: {error}");
        }
    }
}
