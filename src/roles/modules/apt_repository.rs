//! `apt_repository`: a line of `sources.list` is there, or is not there.

use super::apt::Cache;
use super::plan::Diff;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, FileWrite};
use crate::roles::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DEFAULT_FILE: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";

/// `apt_repository`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.apt_repository",
    aliases: &[],
    summary: "Adds and removes package sources of apt.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("repo", ParamKind::Str, "The source, as in sources.list.").required(),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("filename", ParamKind::Str, "The name of its file, without `.list`."),
        Param::new("mode", ParamKind::Mode, "The file's permission bits, where it is new; octal."),
        Param::new("update_cache", ParamKind::Bool, "Fetch the package lists after a change.")
            .aliases(&["update-cache"])
            .default("true"),
        Param::new("update_cache_retries", ParamKind::Int, "How often fetching them is tried.").default("5"),
        Param::new("update_cache_retry_max_delay", ParamKind::Int, "The longest pause between, in seconds.")
            .default("12"),
        Param::new("codename", ParamKind::Str, "The release's name; only PPAs need it."),
        Param::new("install_python_apt", ParamKind::Bool, "Has no meaning: it is not needed.").default("true"),
        Param::new("validate_certs", ParamKind::Bool, "Has no meaning but for PPAs.").default("true"),
    ],
    file_attributes: false,
    examples: &["apt_repository:\n  repo: deb http://deb.example.com stable main\n  update_cache: false\n"],
};

struct Repository {
    repo: String,
    line: String,
    present: bool,
    file: Option<String>,
    mode: u32,
    cache: Option<Cache>,
}

/// Reads the arguments.
pub fn repository(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let repo = args.must("repo")?;
    if repo.is_empty() {
        return Err(args.wrong("repo", "Please set argument 'repo' to a non-empty value"));
    }
    if repo.starts_with("ppa:") {
        return Err(ArgError::Unsupported {
            module: SPEC.name,
            name: format!("repo: {repo}"),
            why: "a PPA's key comes from launchpad.net; name the source and its key instead (deb822_repository)",
        });
    }
    let line = Line::parse(&repo);
    if !line.is_source || !line.enabled {
        return Err(args.wrong("repo", format!("Invalid repository string: {repo}")));
    }
    let mode = match args.value("mode") {
        None => 0o644,
        Some(Value::Int(mode)) => u32::try_from(*mode).map_err(|_| args.wrong("mode", "not a mode"))?,
        Some(other) => other
            .as_str()
            .and_then(|text| u32::from_str_radix(text, 8).ok())
            .ok_or_else(|| args.wrong("mode", "only an octal mode is done here"))?,
    };
    Ok(Box::new(Repository {
        line: line.source,
        present: args.must("state")? == "present",
        file: args.text("filename"),
        mode: mode & 0o7777,
        cache: args.flag("update_cache").then(|| Cache::read(args)),
        repo,
    }))
}

/// A line of a sources file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    is_source: bool,
    enabled: bool,
    source: String,
    comment: String,
}

impl Line {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let (enabled, text) = text.strip_prefix('#').map_or((true, text), |rest| (false, rest));
        let (source, comment) = match text.find('#') {
            Some(at) if at > 0 => (&text[..at], text[at + 1..].trim()),
            _ => (text, ""),
        };
        let words: Vec<&str> = source.split_whitespace().collect();
        let is_source = matches!(words.first(), Some(&("deb" | "deb-src")));
        let source = if is_source { words.join(" ") } else { source.trim().to_owned() };
        Self { is_source, enabled, source, comment: comment.to_owned() }
    }

    fn text(&self) -> String {
        let comment = if self.comment.is_empty() { String::new() } else { format!(" # {}", self.comment) };
        format!("{}{}{comment}\n", if self.enabled { "" } else { "# " }, self.source)
    }
}

type Files = BTreeMap<String, Vec<Line>>;

fn load(eyes: &Eyes<'_>) -> Result<Files, Failed> {
    let names = eyes.host.list(Path::new(PARTS)).map_err(|error| Failed::new(format!("reading {PARTS}: {error}")))?;
    let names = names.unwrap_or_default().into_iter().map(|name| name.to_string_lossy().into_owned());
    let lists = names.filter(|name| name.ends_with(".list") && !name.starts_with('.'));
    let mut files = Files::new();
    for path in [DEFAULT_FILE.to_owned()].into_iter().chain(lists.map(|name| format!("{PARTS}/{name}"))) {
        if eyes.exists(&path)? {
            let lines = eyes.text(&path)?.lines().map(Line::parse).collect();
            files.insert(path, lines);
        }
    }
    Ok(files)
}

fn written(lines: &[Line]) -> String {
    lines.iter().map(Line::text).collect()
}

impl Repository {
    /// The file that a new source goes to.
    fn path(&self) -> String {
        let name = self.file.clone().unwrap_or_else(|| suggested(&self.line));
        if name.contains('/') { format!("{name}.list") } else { format!("{PARTS}/{name}.list") }
    }

    /// Alters the lines; the file to which one was added, if any was.
    fn alter(&self, files: &mut Files) -> Option<String> {
        let ours = |line: &Line| line.is_source && line.source == self.line;
        if !self.present {
            for lines in files.values_mut() {
                lines.retain(|line| !(ours(line) && line.enabled));
            }
            return None;
        }
        let mut found = false;
        for line in files.values_mut().flatten().filter(|line| ours(line)) {
            line.enabled = true;
            found = true;
        }
        if found {
            return None;
        }
        let line = Line { is_source: true, enabled: true, source: self.line.clone(), comment: String::new() };
        files.entry(self.path()).or_default().push(line);
        Some(self.path())
    }

    /// Brings the files from one state to another. As in Ansible, a change writes every file anew, in one form, and
    /// removes those that hold nothing.
    fn write(&self, eyes: &Eyes<'_>, from: &Files, to: &Files, added: Option<&String>) -> Result<Vec<Change>, Failed> {
        let mut changes = Vec::new();
        for path in from.keys().chain(to.keys()).collect::<BTreeSet<_>>() {
            let lines = to.get(path).map(Vec::as_slice).unwrap_or_default();
            if lines.is_empty() {
                changes.push(Change::Remove { path: path.into() });
            } else if added == Some(path) || eyes.text(path)? != written(lines) {
                let mode = (added == Some(path)).then_some(self.mode);
                let attributes = Attributes { mode, ..Attributes::default() };
                changes.push(Change::Write(FileWrite {
                    attributes,
                    follow: true,
                    ..FileWrite::new(path, written(lines).into_bytes())
                }));
            }
        }
        Ok(changes)
    }
}

impl Module for Repository {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let before = load(eyes)?;
        let mut after = before.clone();
        let added = self.alter(&mut after);
        let holding = |files: &Files| -> BTreeMap<String, String> {
            files.iter().filter(|(_, lines)| !lines.is_empty()).map(|(p, lines)| (p.clone(), written(lines))).collect()
        };
        let (old, new) = (holding(&before), holding(&after));
        let difference = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
            Value::list(a.keys().filter(|path| !b.contains_key(*path)).map(|path| Value::str(path.as_str())))
        };
        let state = if self.present { "present" } else { "absent" };
        let mut plan = Plan::unchanged()
            .with("repo", self.repo.as_str())
            .with("state", state)
            .with("sources_added", difference(&new, &old))
            .with("sources_removed", difference(&old, &new));
        if old == new {
            return Ok(plan);
        }
        for path in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (old.get(path), new.get(path));
            if old != new {
                let header = |text: Option<&String>| text.map_or("/dev/null", |_| path).to_owned();
                plan.diff.push(Diff {
                    before_header: header(old),
                    before: Some(old.cloned().unwrap_or_default()),
                    after_header: header(new),
                    after: Some(new.cloned().unwrap_or_default()),
                });
            }
        }
        plan.changes = self.write(eyes, &before, &after, added.as_ref())?;
        plan.changed = Some(true);
        if let Some(cache) = self.cache.clone() {
            // A source that cannot be fetched must not stay: it would break every later task.
            let undo = undone(eyes, &before, &after)?;
            plan.next = Some(Box::new(move |eyes, _| {
                cache.undoing(undo).fetched(eyes, Box::new(|_, _| Ok(Plan { changed: Some(true), ..Plan::default() })))
            }));
        }
        Ok(plan)
    }
}

/// Puts the files back as they were.
fn undone(eyes: &Eyes<'_>, before: &Files, after: &Files) -> Result<Vec<Change>, Failed> {
    let mut changes = Vec::new();
    for path in after.keys() {
        changes.push(if before.contains_key(path) {
            Change::Write(FileWrite { follow: true, ..FileWrite::new(path, eyes.text(path)?.into_bytes()) })
        } else {
            Change::Remove { path: path.into() }
        });
    }
    Ok(changes)
}

/// A file's name from a source: its location, without protocol and user.
fn suggested(source: &str) -> String {
    let mut text = source.to_owned();
    if let (Some(from), Some(to)) = (text.find('['), text.find(']')) {
        text.replace_range(from..=to, "");
    }
    let location = text.split_whitespace().find(|word| !matches!(*word, "deb" | "deb-src")).unwrap_or_default();
    let location = location.split_once("://").map_or(location, |(_, rest)| rest);
    let location = location.split_once('@').map_or(location, |(_, rest)| rest);
    let words: Vec<&str> =
        location.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    const LIST: &str = "deb http://deb.debian.org/debian  bookworm main\n#deb http://x.example.com y z # off\n\n";

    fn machine() -> Fake {
        Fake::default()
            .file(DEFAULT_FILE, LIST)
            .file("/etc/apt/sources.list.d/a.list", "deb http://a.example.com b c\n")
    }

    #[test]
    fn a_source_is_added_once() {
        let repo = "deb [arch=amd64 signed-by=/k]  https://u:p@apt.example.com:8080/x stable main";
        let first = plan(&machine(), "apt_repository", json!({"repo": repo})).expect("plan");
        // As Ansible does, it brings the other files to its own form.
        let path = "/etc/apt/sources.list.d/apt_example_com_8080_x.list";
        assert_eq!(changes(&first), ["write /etc/apt/sources.list".to_owned(), format!("write {path}")]);
        assert_eq!(first.result.get(&Key::from("sources_added")), Some(&Value::list([Value::str(path)])));
        let update = follow(first, &machine(), &[]).expect("update");
        assert!(changes(&update)[0].ends_with("update"));
        let there =
            plan(&machine(), "apt_repository", json!({"repo": "deb http://deb.debian.org/debian bookworm main"}));
        assert!(there.expect("plan").changes.is_empty());
    }

    #[test]
    fn a_disabled_source_is_enabled_and_a_removed_one_takes_its_file() {
        let off = json!({"repo": "deb http://x.example.com y z", "update_cache": false});
        let on = plan(&machine(), "apt_repository", off).expect("plan");
        assert_eq!(changes(&on), ["write /etc/apt/sources.list"]);
        assert!(on.diff[0].after.as_ref().expect("after").contains("\ndeb http://x.example.com y z # off\n"));
        let absent = json!({"repo": "deb http://a.example.com b c", "state": "absent", "update_cache": false});
        let gone = plan(&machine(), "apt_repository", absent).expect("plan");
        assert!(changes(&gone).contains(&"remove /etc/apt/sources.list.d/a.list".to_owned()));
    }

    #[test]
    fn a_source_that_cannot_be_fetched_does_not_stay() {
        let ask = json!({"repo": "deb http://n.example.com a b", "filename": "n", "update_cache_retries": 1});
        let update = follow(plan(&machine(), "apt_repository", ask).expect("plan"), &machine(), &[]).expect("update");
        let undo = follow(update, &machine(), &[(100, "", "E: no such host")]).expect("undo");
        assert!(changes(&undo).contains(&"remove /etc/apt/sources.list.d/n.list".to_owned()));
        let failed = follow(undo, &machine(), &[]).err().expect("failed");
        assert!(failed.message.contains("E: no such host"));
    }

    #[test]
    fn what_is_no_source_is_refused() {
        let refused = |repo| plan(&machine(), "apt_repository", json!({"repo": repo})).err().expect("refused").message;
        assert!(refused("http://a b c").contains("Invalid repository string"));
        assert!(refused("ppa:a/b").contains("PPA"));
    }
}
