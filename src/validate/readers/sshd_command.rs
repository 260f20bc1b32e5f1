//! sshd's command line: what its units start, with the variables that they and their files set.
//!
//! An empty `ExecStart=` takes back what was set, files of `EnvironmentFile=` come over `Environment=`, and a variable that
//! is a word of its own is parted at blanks (systemd.exec(5), systemd.service(5)). Options on the command line come before
//! every file (sshd(8)).

use super::unit_file;
use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;
use std::collections::BTreeMap;

/// The daemon, and those that a socket starts for each connection: Debian's names and Red Hat's.
const UNITS: &[&str] = &["ssh.service", "sshd.service", "ssh@.service", "sshd@.service"];
/// Options that take a value (getopt in sshd.c).
const WITH_VALUE: &str = "CEVbcfghkopu";
/// Variables of files, where no unit says what is started.
const FILES: &[(&str, &str)] = &[("/etc/default/ssh", "SSHD_OPTS"), ("/etc/sysconfig/sshd", "OPTIONS")];

/// A line of configuration from a command line.
pub struct Line {
    /// As it would stand in the file.
    pub text: String,
    /// Where.
    pub at: At,
    /// The unit, where that is not the daemon itself.
    pub unit: Option<String>,
}

/// Every option of every unit.
pub fn lines(machine: &Machine<'_>) -> Result<Vec<Line>, Unseen> {
    let mut found = Vec::new();
    let mut any = false;
    for unit in UNITS {
        let Some(words) = command(machine, unit)? else { continue };
        any = true;
        let own = unit.contains('@').then(|| (*unit).to_owned());
        for (text, at) in options(words)? {
            found.push(Line { text, at, unit: own.clone() });
        }
    }
    for (file, variable) in FILES.iter().filter(|_| !any) {
        let mut environment = BTreeMap::new();
        environment_file(machine, file, &mut environment)?;
        let words = environment.get(*variable).map(parted).unwrap_or_default();
        found.extend(options(words)?.into_iter().map(|(text, at)| Line { text, at, unit: None }));
    }
    Ok(found)
}

/// A word, and where it stands.
type Word = (String, At);

/// The words of a unit's last `ExecStart=` behind the program; none where there is no such unit.
fn command(machine: &Machine<'_>, unit: &str) -> Result<Option<Vec<Word>>, Unseen> {
    let Some(entries) = unit_file::entries(machine, unit)? else { return Ok(None) };
    let (mut environment, mut later) = (BTreeMap::new(), Vec::new());
    for entry in entries.iter().filter(|entry| entry.section == "Service") {
        match (entry.key.as_str(), entry.value.as_str()) {
            ("Environment", "") => environment.clear(),
            ("Environment", value) => assign(value, &entry.at, &mut environment),
            ("EnvironmentFile", "") => later.clear(),
            ("EnvironmentFile", file) => later.push(file.trim_start_matches('-').to_owned()),
            _ => {}
        }
    }
    for file in later {
        environment_file(machine, &file, &mut environment)?;
    }
    let Some((at, start)) = unit_file::starts(&entries).pop() else { return Ok(None) };
    let mut words = words(&start).into_iter();
    let program = words.next().unwrap_or_default();
    if program.rsplit('/').next() != Some("sshd") {
        return Err(Unseen::new(at.to_string(), format!("starts {program}, and not sshd itself")));
    }
    Ok(Some(words.flat_map(|word| expanded(word, &at, &environment)).collect()))
}

fn assign(value: &str, at: &At, environment: &mut BTreeMap<String, Word>) {
    for word in words(value) {
        if let Some((name, value)) = word.split_once('=') {
            environment.insert(name.to_owned(), (value.to_owned(), at.clone()));
        }
    }
}

/// Lines of `NAME=value`, perhaps in quotes.
fn environment_file(machine: &Machine<'_>, file: &str, environment: &mut BTreeMap<String, Word>) -> Result<(), Unseen> {
    let Some(text) = machine.text(file)? else { return Ok(()) };
    for (at, line) in text.joined(false) {
        let line = line.trim();
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            let value = value.trim();
            let bare = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
            let value = bare('"').or_else(|| bare('\'')).unwrap_or(value);
            environment.insert(name.trim().to_owned(), (value.to_owned(), at));
        }
    }
    Ok(())
}

fn expanded(word: String, at: &At, environment: &BTreeMap<String, Word>) -> Vec<Word> {
    let whole = word.strip_prefix('$').filter(|name| !name.starts_with('{'));
    if let Some(name) = whole {
        return environment.get(name).map(parted).unwrap_or_default();
    }
    let text = environment.iter().fold(word, |word, (name, (value, _))| word.replace(&format!("${{{name}}}"), value));
    vec![(text, at.clone())]
}

fn parted((value, at): &Word) -> Vec<Word> {
    words(value).into_iter().map(|word| (word, at.clone())).collect()
}

/// Words as systemd parts them: quotes of either sort hold blanks together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut open, mut quote) = (Vec::new(), String::new(), false, None);
    for letter in line.chars() {
        match (letter, quote) {
            (letter, Some(by)) if letter == by => quote = None,
            ('"' | '\'', None) => (quote, open) = (Some(letter), true),
            (letter, None) if letter.is_whitespace() => {
                if std::mem::take(&mut open) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                word.push(letter);
                open = true;
            }
        }
    }
    if open {
        words.push(word);
    }
    words
}

/// What is configured by options, as getopt(3) takes them: letters may stand together, a value beside its letter or behind.
fn options(words: Vec<Word>) -> Result<Vec<Word>, Unseen> {
    let mut found = Vec::new();
    let mut words = words.into_iter();
    while let Some((word, at)) = words.next() {
        let Some(letters) = word.strip_prefix('-') else { continue };
        let Some(place) = letters.find(|letter| WITH_VALUE.contains(letter)) else { continue };
        let (letter, beside) = (letters[place..].chars().next().unwrap_or_default(), &letters[place + 1..]);
        let value = if beside.is_empty() { words.next().map(|(word, _)| word) } else { Some(beside.to_owned()) };
        let value = value.unwrap_or_default();
        match letter {
            'f' if value != "/etc/ssh/sshd_config" => {
                return Err(Unseen::new(at.to_string(), format!("names {value} in place of /etc/ssh/sshd_config")));
            }
            'o' => found.push((value.replacen('=', " ", 1), at)),
            'p' => found.push((format!("Port {value}"), at)),
            _ => {}
        }
    }
    Ok(found)
}
