//! `dpkg-divert`.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::BTreeMap;

/// Where each path goes, and for whom.
#[derive(Default)]
pub struct Diversions(BTreeMap<String, (String, String)>);

/// What is asked of a path: a diversion, or none.
struct Asked<'a> {
    path: &'a str,
    wanted: Option<(String, String)>,
}

fn read<'a>(words: &[&'a str]) -> Option<Asked<'a>> {
    let (program, mut rest) = words.split_first()?;
    if !program.ends_with("dpkg-divert") {
        return None;
    }
    let (mut holder, mut divert) = ("LOCAL", None);
    loop {
        rest = match rest {
            ["--rename" | "--no-rename" | "--local", rest @ ..] => rest,
            ["--package", name, rest @ ..] => {
                holder = name;
                rest
            }
            ["--divert", path, rest @ ..] => {
                divert = Some(*path);
                rest
            }
            ["--add", path] => {
                let divert = divert.map_or_else(|| format!("{path}.distrib"), str::to_owned);
                return Some(Asked { path, wanted: Some((divert, holder.to_owned())) });
            }
            ["--remove", path] => return Some(Asked { path, wanted: None }),
            _ => return None,
        };
    }
}

impl Tool for Diversions {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        match words {
            [program, "--listpackage", path] if program.ends_with("dpkg-divert") => {
                Some(said(0, self.0.get(*path).map(|(_, holder)| format!("{holder}\n")).unwrap_or_default()))
            }
            [program, "--truename", path] if program.ends_with("dpkg-divert") => {
                Some(said(0, format!("{}\n", self.0.get(*path).map_or(*path, |(divert, _)| divert))))
            }
            [program, "--test", rest @ ..] => {
                let words: Vec<&str> = std::iter::once(*program).chain(rest.iter().copied()).collect();
                let Asked { path, wanted } = read(&words)?;
                let clashes = wanted.is_some_and(|wanted| self.0.get(path).is_some_and(|have| *have != wanted));
                Some(said(if clashes { 2 } else { 0 }, "what it would do\n"))
            }
            _ => None,
        }
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        let Asked { path, wanted } = read(words)?;
        match wanted {
            Some(wanted) => drop(self.0.insert(path.to_owned(), wanted)),
            None => drop(self.0.remove(path)),
        }
        Some(said(0, "done\n"))
    }
}
