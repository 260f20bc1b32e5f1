//! Installing and removing packages by name.

use super::policy::{Standing, Wanted};
use super::{Apt, Eyes, Failed, Plan, always, told};
use crate::fnmatch;
use crate::host::Change;
use crate::roles::modules::dpkg::Database;

impl Apt {
    /// Has packages installed.
    pub fn installed(&self, eyes: &Eyes<'_>, names: &[&str]) -> Result<Plan, Failed> {
        let names = expanded(eyes, names)?;
        let wanted: Vec<Wanted<'_>> = names.iter().map(|name| Wanted::parse(name)).collect();
        let database = Database::read(eyes)?;
        let latest = self.state == "latest";
        let mut arguments = Vec::new();
        for ((want, standing), spec) in wanted.iter().zip(self.standings(eyes, &database, &wanted, latest)?).zip(&names)
        {
            let chosen = match standing {
                Standing::Unknown => {
                    return Err(Failed::new(format!("No package matching '{}' is available", want.name)));
                }
                Standing::Absent(_) | Standing::Virtual if self.only_upgrade => continue,
                Standing::Absent(None) | Standing::Unaccepted(None) => {
                    return Err(Failed::new(format!("no available installation candidate for {spec}")));
                }
                Standing::Virtual => {
                    want.version.map_or_else(|| want.name.to_owned(), |(_, v)| format!("{}={v}", want.name))
                }
                Standing::Absent(Some(best)) | Standing::Unaccepted(Some(best)) => format!("{}={best}", want.name),
                Standing::Installed(Some(best)) if latest => format!("{}={best}", want.name),
                // A pattern that a newer version matches too: apt-get decides.
                Standing::Installed(Some(_)) => match want.version {
                    Some(("=", version)) => format!("{}={version}", want.name),
                    _ => continue,
                },
                Standing::Installed(None) => continue,
            };
            arguments.push(chosen);
        }
        let marks = self.marked(eyes, &wanted)?;
        if arguments.is_empty() {
            return Ok(Plan { changes: marks, changed: Some(false), ..Plan::default() });
        }
        let fix = if self.state == "fixed" { "--fix-broken" } else { "" };
        let mut plan =
            self.run(eyes, self.apt_get(eyes, &self.install_words(fix, "install"), &self.tail(arguments)), always())?;
        plan.changes.extend(marks);
        Ok(plan)
    }

    fn install_words<'a>(&self, fix: &'a str, verb: &'a str) -> [&'a str; 6] {
        let when = |wanted: bool, word: &'static str| if wanted { word } else { "" };
        [
            when(self.only_upgrade, "--only-upgrade"),
            fix,
            when(self.force, "--force-yes"),
            when(self.autoremove, "--auto-remove"),
            when(self.no_remove, "--no-remove"),
            verb,
        ]
    }

    /// Packages, and the options that follow them.
    pub fn tail(&self, mut arguments: Vec<String>) -> Vec<String> {
        arguments.extend(self.release.iter().flat_map(|release| ["-t".to_owned(), release.clone()]));
        if let Some(recommends) = self.recommends {
            let answer = if recommends { "yes" } else { "no" };
            arguments.extend(["-o".into(), format!("APT::Install-Recommends={answer}")]);
        }
        arguments.extend(self.unauthenticated.then(|| "--allow-unauthenticated".into()));
        arguments.extend(self.downgrade.then(|| "--allow-downgrades".into()));
        arguments.extend(self.held.then(|| "--allow-change-held-packages".into()));
        arguments
    }

    /// Marks named packages as wanted by themselves, where they came as dependencies. As in Ansible, no change.
    fn marked(&self, eyes: &Eyes<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Change>, Failed> {
        let states = eyes.text("/var/lib/apt/extended_states")?;
        let is_automatic = |name: &str| {
            states.split("\n\n").any(|stanza| {
                stanza.lines().any(|line| line.strip_prefix("Package: ") == Some(name))
                    && stanza.lines().any(|line| line == "Auto-Installed: 1")
            })
        };
        let names: Vec<&str> = wanted.iter().map(|want| want.name).filter(|name| is_automatic(name)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Change::Packages(self.command(eyes, &[&["apt-mark", "manual"], names.as_slice()].concat()))])
    }

    /// Has what packages need to be built installed.
    pub fn build_dependencies(&self, eyes: &Eyes<'_>, names: &[&str]) -> Result<Plan, Failed> {
        let names = expanded(eyes, names)?;
        if names.is_empty() {
            return Ok(Plan { changed: Some(false), ..Plan::default() });
        }
        let command = self.apt_get(eyes, &self.install_words("", "build-dep"), &self.tail(names));
        self.run_unless_idle(eyes, command, super::whole::NOTHING)
    }

    /// Has packages removed.
    pub fn removed(&self, eyes: &Eyes<'_>, names: &[&str]) -> Result<Plan, Failed> {
        let database = Database::read(eyes)?;
        let mut arguments = Vec::new();
        for name in expanded(eyes, names)? {
            let want = Wanted::parse(&name);
            let Some(package) = database.find(want.name) else { continue };
            let is_there = package.is_installed() && want.accepts(&package.version);
            if is_there || (self.purge && has_files(eyes, &package.name, &package.architecture)?) {
                arguments.push(name);
            }
        }
        if arguments.is_empty() {
            return Ok(Plan { changed: Some(false), ..Plan::default() });
        }
        let when = |wanted: bool, word: &'static str| if wanted { word } else { "" };
        let words = [
            "-q",
            when(self.purge, "--purge"),
            when(self.force, "--force-yes"),
            when(self.autoremove, "--auto-remove"),
            when(self.held, "--allow-change-held-packages"),
            "remove",
        ];
        let shown = arguments.join(" ");
        let judge = Box::new(move |_: &str, output: &_| {
            told(&format!("apt-get remove {shown}"), output).map(|plan| Plan { changed: Some(true), ..plan })
        });
        self.run(eyes, self.apt_get(eyes, &words, &arguments), judge)
    }
}

/// Whether a package that is not installed has left configuration files.
fn has_files(eyes: &Eyes<'_>, name: &str, architecture: &str) -> Result<bool, Failed> {
    for list in [format!("/var/lib/dpkg/info/{name}.list"), format!("/var/lib/dpkg/info/{name}:{architecture}.list")] {
        if !eyes.text(&list)?.trim().is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names with patterns replaced by the packages that match.
fn expanded(eyes: &Eyes<'_>, names: &[&str]) -> Result<Vec<String>, Failed> {
    let mut all = Vec::new();
    for name in names {
        let bare = Wanted::parse(name).name;
        if !fnmatch::is_pattern(bare) {
            all.push((*name).to_owned());
            continue;
        }
        let known = eyes.ask(["apt-cache", "pkgnames"])?.text();
        let mut matching: Vec<String> =
            known.lines().filter(|known| fnmatch::matches(bare, known)).map(str::to_owned).collect();
        if matching.is_empty() {
            return Err(Failed::new(format!("No package(s) matching '{bare}' available")));
        }
        matching.sort();
        all.extend(matching);
    }
    Ok(all)
}
