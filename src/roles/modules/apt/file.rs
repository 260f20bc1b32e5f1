//! Installing package files, from a path or a URL.

use super::archive::Archive;
use super::{Apt, Eyes, Failed, Plan, always};
use crate::host::{Change, FileWrite};
use crate::roles::modules::dpkg::Database;
use crate::roles::remote::Request;

impl Apt {
    /// Has package files installed, with what they need.
    pub fn installed_file(&self, eyes: &Eyes<'_>, deb: &str) -> Result<Plan, Failed> {
        if deb.contains("://") {
            return self.fetched(eyes, deb);
        }
        let database = Database::read(eyes)?;
        let mut files = Vec::new();
        for file in deb.split(',').map(|file| eyes.expanded(file.trim())) {
            let is_installed = Archive::read(eyes, &file)?.is_some_and(|archive| {
                let have = database.find(&archive.name).filter(|package| package.is_installed());
                have.is_some_and(|have| have.version == archive.version)
            });
            if !is_installed {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Ok(Plan { changed: Some(false), ..Plan::default() }.with("stdout", "").with("stderr", ""));
        }
        let mut words = vec!["install"];
        if self.force {
            words.insert(0, "--allow-downgrades");
        }
        if self.no_remove {
            words.insert(0, "--no-remove");
        }
        self.run(eyes, self.apt_get(eyes, &words, &self.tail(files)), always())
    }

    fn fetched(&self, eyes: &Eyes<'_>, url: &str) -> Result<Plan, Failed> {
        let request = Request { url: url.into(), verify: true, follow: true, ..Request::default() };
        let response = eyes.remote.http(&request).map_err(|error| Failed {
            message: format!("Failure downloading {url}, {error}"),
            hint: error.hint,
            ..Failed::default()
        })?;
        if !(200..300).contains(&response.status) {
            return Err(Failed::new(format!("Failure downloading {url}, HTTP status {}", response.status)));
        }
        let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let safe: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._+-~".contains(*c)).collect();
        let path = format!("/var/cache/apt/archives/muster-{}.deb", safe.trim_end_matches(".deb"));
        let write = FileWrite { content: response.body, ..FileWrite::new(&path, Vec::new()) };
        let apt = self.clone();
        Ok(Plan {
            changes: vec![Change::Write(write)],
            // A file that is taken away again is no change.
            changed: Some(false),
            next: Some(Box::new(move |eyes, _| {
                let mut plan = apt.installed_file(eyes, &path)?;
                plan.changed = plan.changed.or(Some(true));
                plan.changes.push(Change::Remove { path: path.into() });
                Ok(plan)
            })),
            ..Plan::default()
        })
    }
}
