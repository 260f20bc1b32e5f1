//! apt's configuration: `apt.conf.d` in order of name, then `apt.conf`; the last value of a name wins.
//!
//! Names are parted by `::` or written as nested braces, and are the same in either case; of the directory only files
//! without a suffix or with `.conf` are read. `#clear NAME` takes back what was set of a name and below it, and `#include
//! "FILE"` reads another file there; any other `#` begins a comment (apt.conf(5)).

use super::settings::Setting;
use crate::validate::machine::Machine;
use crate::validate::text::Text;
use crate::validate::verdict::Unseen;

const DIRECTORY: &str = "/etc/apt/apt.conf.d";

/// Everything that is set, names joined by `::`.
pub fn read(machine: &Machine<'_>) -> Result<Vec<Setting>, Unseen> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let read = |name: &String| {
        name.chars().all(plain) && !name.starts_with('.') && name.rsplit_once('.').is_none_or(|(_, end)| end == "conf")
    };
    let names = machine.names(DIRECTORY)?.into_iter().filter(read).map(|name| format!("{DIRECTORY}/{name}"));
    let mut settings = Vec::new();
    for file in names.chain(["/etc/apt/apt.conf".to_owned()]) {
        gather(machine, &file, 0, &mut settings)?;
    }
    Ok(settings)
}

/// As deep as apt follows `#include`.
const DEEPEST: usize = 10;

fn gather(machine: &Machine<'_>, file: &str, depth: usize, settings: &mut Vec<Setting>) -> Result<(), Unseen> {
    if depth > DEEPEST {
        return Err(Unseen::new(file, "is included too deep"));
    }
    let Some(text) = machine.text(file)? else { return Ok(()) };
    // What an included file sets stands where it is included.
    let (mut begun, mut line) = (Vec::new(), 0);
    for (at, command) in text.lines().filter_map(|(at, line)| Some((at, command(line)?))) {
        let until = at.line.unwrap_or_default();
        part(&text, line, until, &mut begun);
        settings.append(&mut begun);
        line = until;
        match command {
            Command::Clear(name) => {
                let below = format!("{}::", name.to_ascii_lowercase());
                settings.retain(|one| {
                    let key = one.key.to_ascii_lowercase();
                    key != name.to_ascii_lowercase() && !key.starts_with(&below)
                });
            }
            Command::Include(path) if path.starts_with('/') => gather(machine, &path, depth + 1, settings)?,
            Command::Include(path) => {
                return Err(Unseen::new(at.to_string(), format!("includes {path}, wherever that is")));
            }
        }
    }
    part(&text, line, u32::MAX, &mut begun);
    settings.append(&mut begun);
    Ok(())
}

/// What begins with `#` and is no comment.
enum Command {
    Clear(String),
    Include(String),
}

fn command(line: &str) -> Option<Command> {
    let (word, rest) = line.trim().strip_prefix('#')?.split_once([' ', '\t'])?;
    let name = rest.trim().trim_end_matches(';').trim().trim_matches('"').to_owned();
    match word {
        "clear" => Some(Command::Clear(name)),
        "include" => Some(Command::Include(name)),
        _ => None,
    }
}

/// The settings of the lines after one and before another.
fn part(text: &Text, after: u32, before: u32, settings: &mut Vec<Setting>) {
    let mut all = Vec::new();
    parse(text, &mut all);
    settings.extend(all.into_iter().filter(|one| one.at.line.is_some_and(|line| after < line && line < before)));
}

/// Words of truth as apt takes them (`StringToBool`).
pub fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "with" | "on" | "enable" => Some(true),
        "0" | "no" | "false" | "without" | "off" | "disable" => Some(false),
        _ => None,
    }
}

fn parse(text: &Text, settings: &mut Vec<Setting>) {
    let mut scope: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let (mut open, mut quoted, mut comment) = (false, false, false);
    for (at, line) in text.lines() {
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            let next = letters.peek().copied();
            if comment {
                if letter == '*' && next == Some('/') {
                    letters.next();
                    comment = false;
                }
                continue;
            }
            match letter {
                '"' => {
                    quoted = !quoted;
                    open = begin(&mut words, open || !quoted);
                }
                _ if quoted => extend(&mut words, letter),
                '/' if next == Some('/') => break,
                '/' if next == Some('*') => comment = true,
                '#' => break,
                '{' => {
                    scope.push(std::mem::take(&mut words).concat());
                    open = false;
                }
                '}' => {
                    scope.pop();
                    words.clear();
                    open = false;
                }
                ';' => {
                    let mut words = std::mem::take(&mut words).into_iter();
                    if let (Some(name), Some(value)) = (words.next(), words.next()) {
                        let key = scope.iter().cloned().chain([name]).collect::<Vec<_>>().join("::");
                        settings.push(Setting { section: String::new(), key, value, at: at.clone() });
                    }
                    open = false;
                }
                _ if letter.is_whitespace() => open = false,
                _ => {
                    open = begin(&mut words, open);
                    extend(&mut words, letter);
                }
            }
        }
        open = false;
        quoted = false;
    }
}

/// Opens a word where none is.
fn begin(words: &mut Vec<String>, open: bool) -> bool {
    if !open {
        words.push(String::new());
    }
    true
}

fn extend(words: &mut [String], letter: char) {
    if let Some(word) = words.last_mut() {
        word.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_nested_or_written_out() {
        let text = b"APT::Periodic::Update-Package-Lists \"1\";\n// APT::A \"0\";\nAPT { Periodic {\n Unattended-Upgrade \"0\"; /* x\n\
                     y */ }; };\n# APT::B \"1\";\nA \"b;c\";Unattended-Upgrade::Allowed-Origins { \"x:y\"; };\nAPT::C 1;";
        let mut settings = Vec::new();
        parse(&Text::new("/f", text), &mut settings);
        let shown: Vec<String> = settings.iter().map(|s| format!("{}={}", s.key, s.value)).collect();
        let want =
            ["APT::Periodic::Update-Package-Lists=1", "APT::Periodic::Unattended-Upgrade=0", "A=b;c", "APT::C=1"];
        assert_eq!(shown, want);
    }
}
