//! The house's rules that a compiler does not hold: who may know whom, sizes, and documents that tell the truth.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the tree has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may name. `ARCHITECTURE.md`, *Who may know whom*, is this table drawn.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "boot", "cloud", "fetch", "roles", "release", "health", "settings", "validate", "trust", "host", "journal",
            "failure", "secret",
        ],
    ),
    (
        "boot",
        &[
            "cloud", "fetch", "roles", "release", "health", "settings", "validate", "trust", "host", "journal",
            "failure", "secret",
        ],
    ),
    ("cloud", &["trust", "dns", "failure", "secret", "journal"]),
    // The local copy of the repository is muster's own state too.
    ("fetch", &["trust", "host::durable", "dns", "failure", "secret", "journal"]),
    ("roles", &["release", "trust", "host", "package_version", "fnmatch", "failure", "secret", "journal"]),
    ("release", &["fetch", "trust", "host", "failure", "secret", "journal"]),
    ("health", &["host", "failure", "secret", "journal"]),
    ("settings", &["host", "failure", "secret", "journal"]),
    ("validate", &["host", "package_version", "fnmatch", "failure", "secret"]),
    ("trust", &["host", "failure", "secret"]),
    ("host", &["failure", "secret"]),
    // Its files are muster's own state, written through the one door for that.
    ("journal", &["host::durable", "failure", "secret"]),
    ("dns", &[]),
    ("package_version", &[]),
    ("fnmatch", &[]),
    ("failure", &[]),
    ("secret", &[]),
];

/// Files that may hold `unsafe`, each with its reason written in it.
const UNSAFE: usize = 5;

/// Production lines beyond which a file is a floor too many.
const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 70;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The lines before the tests.
    fn production(&self) -> Vec<&str> {
        if self.path.file_name().unwrap().to_string_lossy().contains("tests.rs") || self.path.ends_with("testing.rs") {
            return Vec::new();
        }
        self.text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]\nmod tests") && *line != "mod tests {")
            .collect()
    }

    fn room(&self) -> String {
        let first = self.path.strip_prefix("src").unwrap().components().next().unwrap();
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    }
}

fn root() -> PathBuf {
    support::source()
}

fn sources() -> Vec<Source> {
    fn walk(directory: &Path, found: &mut Vec<Source>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root()).unwrap().to_owned(), text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn none(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule} (ARCHITECTURE.md):\n  {}", breaches.join("\n  "));
}

#[test]
fn rooms_know_only_whom_they_may() {
    let rooms: BTreeMap<&str, &[&str]> = MAY_KNOW.iter().copied().collect();
    let mut breaches = Vec::new();
    for source in sources() {
        let room = source.room();
        if room == "lib" {
            continue;
        }
        let Some(allowed) = rooms.get(room.as_str()) else {
            breaches.push(format!("{}: the room `{room}` has no row in tests/tidy.rs", source.path.display()));
            continue;
        };
        for (number, line) in source.production().iter().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + 7..];
                let named: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !rooms.contains_key(named.as_str()) || named == room {
                    continue;
                }
                let fits = |allow: &&str| **allow == named || (allow.contains("::") && rest.starts_with(*allow));
                if !allowed.iter().any(fits) {
                    breaches.push(format!("{}:{}: `{room}` may not know `{named}`", source.path.display(), number + 1));
                }
            }
        }
    }
    none("a room knows only whom it may", breaches);
}

#[test]
fn every_file_opens_with_what_it_is() {
    let bare = |source: &Source| !source.text.starts_with("//! ");
    none(
        "a file opens with a //! sentence",
        sources().iter().filter(|s| bare(s)).map(|s| s.path.display().to_string()).collect(),
    );
}

#[test]
fn files_and_functions_stay_small() {
    let mut breaches = Vec::new();
    for source in sources() {
        let lines = source.production();
        if lines.len() > LONGEST_FILE {
            breaches.push(format!("{}: {} production lines", source.path.display(), lines.len()));
        }
        let mut start = None;
        for (number, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start();
            let opens = code.starts_with("fn ") || code.contains(" fn ") && !code.starts_with("//");
            if opens && code.ends_with('{') && start.is_none() {
                start = Some((number, indent));
            } else if let Some((from, depth)) = start
                && code == "}"
                && indent == depth
            {
                if number - from > LONGEST_FUNCTION {
                    breaches.push(format!(
                        "{}:{}: a function of {} lines",
                        source.path.display(),
                        from + 1,
                        number - from
                    ));
                }
                start = None;
            }
        }
    }
    none("files and functions stay small", breaches);
}

#[test]
fn nothing_is_left_unfinished_or_waved_through() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "#[allow(", "#![allow(", "#[ignore", "FIXME", "XXX"];
    let mut breaches = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                breaches.push(format!("{}:{}: {word}", source.path.display(), number + 1));
            }
        }
    }
    none("nothing is left unfinished or waved through", breaches);
}

#[test]
fn unsafe_code_is_in_few_files_that_say_why() {
    let files: BTreeSet<String> = sources()
        .iter()
        .filter(|source| source.text.contains("expect(unsafe_code"))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(files.len() <= UNSAFE, "more files with unsafe code than agreed: {files:?}");
}

#[test]
fn every_dependency_has_its_line() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut section = "";
    let mut missing = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[dependencies]" | "[dev-dependencies]" | "[build-dependencies]") {
            let Some((name, _)) = line.split_once(" =").or_else(|| line.split_once('=')) else { continue };
            let name = name.trim();
            if !name.is_empty() && !name.starts_with('#') && !architecture.contains(&format!("`{name}`")) {
                missing.push(name.to_owned());
            }
        }
    }
    none("every dependency has its line in ARCHITECTURE.md", missing);
}

#[test]
fn the_exit_codes_in_the_readme_are_the_program_s() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows = muster::failure::STAGES.iter();
    let missing = rows.filter(|(_, name, code, meaning)| !readme.contains(&format!("| {code} | {name} | {meaning} |")));
    none("the README lists the exit codes", missing.map(|(_, name, code, _)| format!("{code} {name}")).collect());
}

/// A key that nobody reads would be obeyed by nobody. By name: as many readers as structs that have a key of that name.
#[test]
fn every_settings_key_is_read() {
    let all = sources();
    let keys: Vec<&Source> = all.iter().filter(|source| source.path.starts_with("src/settings/keys")).collect();
    let mut declared: BTreeMap<String, usize> = BTreeMap::new();
    for line in keys.iter().flat_map(|source| source.production()) {
        let field = line.trim_start().strip_prefix("pub ").and_then(|rest| rest.split_once(": "));
        if let Some((name, _)) = field.filter(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) {
            *declared.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert!(declared.len() > 60, "the keys were not found");
    // What judges a key does not obey it.
    let mut readers = String::new();
    for source in all.iter().filter(|source| ["boot", "cli", "settings"].contains(&source.room().as_str())) {
        let mut judging = false;
        for line in source.production() {
            judging = if line.contains("fn faults(") { true } else { judging && line != "    }" };
            if !judging {
                readers.push_str(line);
                readers.push('\n');
            }
        }
    }
    let read = |name: &str| {
        let mark = format!(".{name}");
        let ends =
            |at: usize| !readers[at + mark.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(');
        readers.match_indices(&mark).filter(|(at, _)| ends(*at)).count()
    };
    let unread = declared.iter().filter(|(name, count)| read(name) < **count).map(|(name, _)| name.clone());
    none("every settings key is read by somebody", unread.collect());
}

#[test]
fn the_modules_in_the_readme_are_the_program_s() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows = muster::roles::modules::TABLE.iter();
    let lines: Vec<String> = rows.map(|row| format!("| `{}` | {} |", row.spec.name, row.spec.summary)).collect();
    let missing = lines.iter().filter(|line| !readme.contains(*line)).cloned().collect();
    none("the README lists the modules, in order of name, with this line", missing);
    let listed = readme.lines().filter(|line| lines.iter().any(|have| have == line));
    let listed: Vec<&str> = listed.filter_map(|line| line.split('`').nth(1)).collect();
    assert!(listed.is_sorted() && listed.len() == lines.len(), "the README lists each module once, in order of name");
}
