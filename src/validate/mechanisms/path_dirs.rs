//! `path_dirs`: directories that root's shell looks for programs in.

use super::Mechanism;
use crate::host::Kind;
use crate::validate::machine::Machine;
use crate::validate::readers::drop_ins;
use crate::validate::readers::login_defs::{LOGIN_DEFS, LoginDefs};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Each is a directory of root's that nobody else writes to.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathDirs {}

/// What login(1) gives root where login.defs is silent.
const DEFAULT: &str = "/sbin:/bin:/usr/sbin:/usr/bin";
const FILES: &[&str] = &[
    "/etc/environment",
    "/etc/profile",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/root/.bash_profile",
    "/root/.profile",
    "/root/.bashrc",
];

impl Mechanism for PathDirs {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [&[LOGIN_DEFS], FILES, &["/etc/profile.d/*.sh"]].concat().into_iter().map(str::to_owned).collect()
    }

    fn expects(&self) -> String {
        "absolute names of directories that are root's and that nobody else writes to".into()
    }
}

impl PathDirs {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut right = 0;
        for (at, path) in paths(machine)? {
            for name in path.split(':').map(|name| name.trim().trim_matches(['"', '\''])) {
                let name = name.replace("$HOME", "/root").replace("${HOME}", "/root").replace('~', "/root");
                if name.starts_with('$') {
                    continue;
                }
                let stat = if name.starts_with('/') { machine.stat(&name, true)? } else { None };
                let found = match stat {
                    _ if name.is_empty() => "an empty name, which is the directory one is in".to_owned(),
                    _ if !name.starts_with('/') => format!("{name} is not absolute"),
                    None => format!("{name} is not there"),
                    Some(stat) if stat.kind != Kind::Directory => format!("{name} is no directory"),
                    Some(stat) if stat.uid != 0 => format!("{name} belongs to {}", stat.uid),
                    Some(stat) if stat.mode & 0o022 != 0 => format!("{name} has the mode {:04o}", stat.mode),
                    Some(_) => {
                        right += 1;
                        continue;
                    }
                };
                finding.fact(Aspect::Stored, false, &at, found, self.expects());
            }
        }
        if right > 0 {
            let found = format!("{right} names of directories that are as they should be");
            finding.fact(Aspect::Stored, true, &At::file(LOGIN_DEFS), found, self.expects());
        }
        Ok(finding)
    }
}

/// Every PATH that a shell of root's is given, with where.
fn paths(machine: &Machine<'_>) -> Result<Vec<(At, String)>, Unseen> {
    let defs = machine.reader::<LoginDefs>()?;
    let mut paths = vec![match defs.value("ENV_SUPATH") {
        Some((value, at)) => (at.clone(), value.strip_prefix("PATH=").unwrap_or(value).to_owned()),
        None => (At::file(LOGIN_DEFS), DEFAULT.to_owned()),
    }];
    let mut files: Vec<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    files.extend(drop_ins(machine, &["/etc/profile.d"], ".sh")?);
    for file in files {
        let Some(text) = machine.text(&file)? else { continue };
        // What stands in the other branch of a question for root's number is not root's.
        let (mut asked, mut other) = (false, false);
        for (at, line) in text.lines() {
            let line = line.trim();
            asked |= line.starts_with("if ") && (line.contains("id -u") || line.contains("UID")) && line.contains('0');
            match line {
                "else" if asked => other = true,
                "fi" => (asked, other) = (false, false),
                _ => {}
            }
            if other || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            if let Some(value) = line.strip_prefix("PATH=") {
                let value = value.split([';', ' ', '#']).next().unwrap_or_default();
                paths.push((at, value.trim_matches(['"', '\'']).to_owned()));
            } else if let Some(value) = line.strip_prefix("pathmunge /") {
                paths.push((at, format!("/{}", value.split_whitespace().next().unwrap_or_default())));
            }
        }
    }
    Ok(paths)
}
