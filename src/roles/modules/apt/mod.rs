//! `apt`: packages of Debian and Ubuntu.

mod archive;
mod cache;
mod file;
mod install;
mod policy;
mod whole;

pub use cache::Cache;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, Command, Effect, FileWrite, Output};
use crate::roles::modules::plan::Diff;
use crate::roles::value::Value;
use std::path::Path;

/// `apt`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.apt",
    aliases: &[],
    summary: "Installs and removes Debian packages.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "Packages, as `foo`, `foo=1.2*`, `foo>=1.2` or `foo*`.")
            .aliases(&["package", "pkg"]),
        Param::new("state", ParamKind::Str, "Whether they are there, and how new.").default("present").choices(&[
            "absent",
            "build-dep",
            "latest",
            "present",
            "fixed",
        ]),
        Param::new("update_cache", ParamKind::Bool, "Fetch the package lists first.").aliases(&["update-cache"]),
        Param::new("update_cache_retries", ParamKind::Int, "How often fetching them is tried.").default("5"),
        Param::new("update_cache_retry_max_delay", ParamKind::Int, "The longest pause between, in seconds.")
            .default("12"),
        Param::new("cache_valid_time", ParamKind::Int, "Fetch them only when older, in seconds.").default("0"),
        Param::new("purge", ParamKind::Bool, "Remove configuration files too.").default("false"),
        Param::new("default_release", ParamKind::Str, "The release to prefer.").aliases(&["default-release"]),
        Param::new("install_recommends", ParamKind::Bool, "Install recommended packages.")
            .aliases(&["install-recommends"]),
        Param::new("force", ParamKind::Bool, "Pass `--force-yes`.").default("false"),
        Param::new("clean", ParamKind::Bool, "Empty the archive of fetched packages.").default("false"),
        Param::new("allow_unauthenticated", ParamKind::Bool, "Accept packages without a signature.")
            .aliases(&["allow-unauthenticated"])
            .default("false"),
        Param::new("allow_downgrade", ParamKind::Bool, "Accept an older version.")
            .aliases(&["allow-downgrade", "allow_downgrades", "allow-downgrades"])
            .default("false"),
        Param::new("allow_change_held_packages", ParamKind::Bool, "Change packages on hold.").default("false"),
        Param::new("upgrade", ParamKind::Str, "Upgrade everything, with apt-get.")
            .default("no")
            .choices(&["dist", "full", "no", "safe", "yes", "False", "True"]),
        Param::new("dpkg_options", ParamKind::Str, "Options for dpkg.").default("force-confdef,force-confold"),
        Param::new("deb", ParamKind::Path, "A package file, or the URL of one."),
        Param::new("autoremove", ParamKind::Bool, "Remove dependencies that nothing needs.").default("false"),
        Param::new("autoclean", ParamKind::Bool, "Remove outdated packages from the archive.").default("false"),
        Param::new("policy_rc_d", ParamKind::Int, "What policy-rc.d answers meanwhile; 101 starts no service."),
        Param::new("only_upgrade", ParamKind::Bool, "Install nothing that is not installed.").default("false"),
        Param::new("fail_on_autoremove", ParamKind::Bool, "Refuse to remove packages.").default("false"),
        Param::new("force_apt_get", ParamKind::Bool, "Has no meaning: aptitude is never used.").default("false"),
        Param::new("lock_timeout", ParamKind::Int, "How long to wait for the package lock, in seconds.").default("600"),
        Param::new("auto_install_module_deps", ParamKind::Bool, "Has no meaning: there are none.").default("true"),
    ],
    file_attributes: false,
    examples: &["apt:\n  name: curl\n  update_cache: true\n  cache_valid_time: 3600\n"],
};

/// What is asked of apt.
#[derive(Clone)]
struct Apt {
    names: Vec<String>,
    state: String,
    upgrade: Option<String>,
    deb: Option<String>,
    cache: Cache,
    purge: bool,
    release: Option<String>,
    recommends: Option<bool>,
    force: bool,
    clean: bool,
    unauthenticated: bool,
    downgrade: bool,
    held: bool,
    dpkg_options: Vec<String>,
    autoremove: bool,
    autoclean: bool,
    policy_rc_d: Option<i64>,
    only_upgrade: bool,
    no_remove: bool,
    lock_timeout: i64,
}

/// Reads the arguments.
pub fn apt(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let options = args.must("dpkg_options")?;
    let upgrade = args.must("upgrade")?;
    let apt = Apt {
        names: args.texts("name").into_iter().map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).collect(),
        state: args.must("state")?,
        // Plain `yes` and `no` are truth values in YAML.
        upgrade: match upgrade.as_str() {
            "no" | "False" => None,
            "True" => Some("yes".into()),
            _ => Some(upgrade),
        },
        deb: args.text("deb"),
        cache: Cache::read(args),
        purge: args.flag("purge"),
        release: args.text("default_release"),
        recommends: args.maybe_flag("install_recommends"),
        force: args.flag("force"),
        clean: args.flag("clean"),
        unauthenticated: args.flag("allow_unauthenticated"),
        downgrade: args.flag("allow_downgrade"),
        held: args.flag("allow_change_held_packages"),
        dpkg_options: options.split(',').map(|option| format!("Dpkg::Options::=--{}", option.trim())).collect(),
        autoremove: args.flag("autoremove"),
        autoclean: args.flag("autoclean"),
        policy_rc_d: args.int("policy_rc_d"),
        only_upgrade: args.flag("only_upgrade"),
        no_remove: args.flag("fail_on_autoremove"),
        lock_timeout: args.int("lock_timeout").unwrap_or(600),
    };
    let main = [args.is_given("name"), apt.deb.is_some(), apt.upgrade.is_some()];
    if main.iter().filter(|given| **given).count() > 1 {
        return Err(args.together("parameters are mutually exclusive: deb|package|upgrade"));
    }
    let others = ["autoremove", "update_cache", "clean", "autoclean", "cache_valid_time"];
    if !main.contains(&true) && !others.iter().any(|name| args.is_given(name)) {
        return Err(args.together("one of the following is required: autoremove, deb, package, update_cache, upgrade"));
    }
    if let Some(bad) = apt.names.iter().find(|name| name.matches('=').count() > 1) {
        return Err(args.wrong("name", format!("invalid package spec: {bad}")));
    }
    if apt.deb.is_some() && apt.state != "present" {
        return Err(args.together("deb only supports state=present"));
    }
    Ok(Box::new(apt))
}

impl Module for Apt {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let alone = self.names.is_empty() && self.upgrade.is_none() && self.deb.is_none();
        if self.clean && alone {
            return Ok(self.cleaned(eyes));
        }
        let apt = self.clone();
        let mut plan = self.cache.refreshed(
            eyes,
            Box::new(move |eyes, found| {
                let cached =
                    |plan: Plan| plan.with("cache_updated", found.updated).with("cache_update_time", found.time);
                if found.asked && alone {
                    return Ok(cached(Plan { changed: Some(found.updated), ..Plan::default() }));
                }
                // As in Ansible, only an installation tells of the lists.
                if apt.installs() { apt.main(eyes).map(cached) } else { apt.main(eyes) }
            }),
        )?;
        if self.clean {
            plan.changes.insert(0, Change::Packages(self.command(eyes, &["apt-get", "clean"])));
        }
        Ok(plan)
    }
}

impl Apt {
    fn installs(&self) -> bool {
        let tidies = self.names.is_empty() && (self.autoclean || self.autoremove);
        let upgrades = self.upgrade.is_some() || (self.state == "latest" && self.names.iter().any(|name| name == "*"));
        !(tidies || upgrades || self.deb.is_some() || self.state == "absent")
    }

    fn main(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if let Some(mode) = &self.upgrade {
            return self.upgraded(eyes, mode);
        }
        if let Some(deb) = &self.deb {
            return self.installed_file(eyes, deb);
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| *name != "*").collect();
        if self.state == "latest" && names.len() < self.names.len() {
            if !names.is_empty() {
                let message = "unable to install additional packages when upgrading all installed packages";
                return Err(Failed::new(message));
            }
            return self.upgraded(eyes, "yes");
        }
        match self.state.as_str() {
            _ if names.is_empty() && self.autoclean => self.tidied(eyes, "autoclean"),
            _ if names.is_empty() && self.autoremove => self.tidied(eyes, "autoremove"),
            "absent" => self.removed(eyes, &names),
            "build-dep" => self.build_dependencies(eyes, &names),
            _ => self.installed(eyes, &names),
        }
    }

    fn command(&self, eyes: &Eyes<'_>, words: &[&str]) -> Command {
        let mut command = eyes.command(words.iter().copied());
        for (name, value) in [("LANG", "C.UTF-8"), ("LC_ALL", "C.UTF-8"), ("LANGUAGE", "C.UTF-8")] {
            command.environment.push((name.into(), value.into()));
        }
        command
    }

    /// `apt-get -y` with dpkg's options, how long to wait for the lock, and words of the task's own.
    fn apt_get(&self, eyes: &Eyes<'_>, words: &[&str], arguments: &[String]) -> Command {
        let mut all = vec!["apt-get".to_owned(), "-y".into()];
        for option in &self.dpkg_options {
            all.extend(["-o".into(), option.clone()]);
        }
        all.extend(["-o".into(), format!("DPkg::Lock::Timeout={}", self.lock_timeout)]);
        all.extend(words.iter().filter(|word| !word.is_empty()).map(|word| (*word).to_owned()));
        all.extend(arguments.iter().cloned());
        Command { argv: all, ..self.command(eyes, &[]) }
    }

    /// A plan that runs a package program, with policy-rc.d in place meanwhile, and judges it.
    fn run(&self, eyes: &Eyes<'_>, command: Command, judge: Judge) -> Result<Plan, Failed> {
        const POLICY: &str = "/usr/sbin/policy-rc.d";
        let shown = command.shown();
        let mut changes = vec![Change::Packages(command)];
        if let Some(code) = self.policy_rc_d {
            let failed = |error| Failed::new(format!("reading {POLICY}: {error}"));
            let before = eyes.host.read(Path::new(POLICY)).map_err(failed)?;
            let write = |bytes: Vec<u8>, mode| {
                let attributes = Attributes { mode, ..Attributes::default() };
                Change::Write(FileWrite { attributes, ..FileWrite::new(POLICY, bytes) })
            };
            changes.insert(0, write(format!("#!/bin/sh\nexit {code}\n").into_bytes(), Some(0o755)));
            changes.push(match before {
                Some(before) => write(before, None),
                None => Change::Remove { path: POLICY.into() },
            });
        }
        let next = move |_: &Eyes<'_>, effects: &[Effect]| {
            match effects.iter().find_map(|effect| effect.output.as_ref()) {
                Some(output) => judge(&shown, output),
                // Only planned so far.
                None => Ok(Plan { changed: Some(true), ..Plan::default() }),
            }
        };
        Ok(Plan { changes, next: Some(Box::new(next)), ..Plan::default() })
    }
}

/// Judges a package program: its line, what it said.
type Judge = Box<dyn FnOnce(&str, &Output) -> Result<Plan, Failed>>;

/// Judges as changed whatever ended well.
fn always() -> Judge {
    Box::new(|shown, output| told(shown, output).map(|plan| Plan { changed: Some(true), ..plan }))
}

/// A result with what a program said, or the failure that it is.
fn told(shown: &str, output: &Output) -> Result<Plan, Failed> {
    let (stdout, stderr) = (output.text(), String::from_utf8_lossy(&output.stderr).into_owned());
    let mut result = crate::roles::value::Map::new();
    super::programs::say(&mut result, &stdout, &stderr);
    if output.code != 0 {
        let message = format!("'{shown}' failed: {stderr}");
        return Err(Failed { message, result, ..Failed::default() }.with("rc", Value::Int(output.code.into())));
    }
    let diff = Diff { after_header: "apt-get".into(), after: Some(summary(&stdout)), ..Diff::default() };
    Ok(Plan { result, diff: vec![diff], ..Plan::default() })
}

/// What apt-get says that it does, between its progress and its work.
fn summary(stdout: &str) -> String {
    let lines: Vec<&str> = stdout.lines().collect();
    let start = lines.iter().position(|line| *line == "Reading state information...").map_or(0, |at| at + 1);
    let counts = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(" upgraded, ");
    let end = lines.iter().position(counts).map_or(lines.len(), |at| at + 1);
    lines.get(start..end).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests;
