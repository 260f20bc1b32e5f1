//! Configuration files of PAM's modules: faillock.conf, pwquality.conf and pwhistory.conf.
//!
//! A key ends at a blank or `=`; the last of a name wins. libpwquality reads `pwquality.conf.d` before the file itself,
//! so that the file wins over its drop-ins (pwquality.conf(5)). A module's arguments are read after its file.

use super::drop_ins;
use crate::validate::machine::Machine;
use crate::validate::text::{At, Text};
use crate::validate::verdict::Unseen;

/// A key that is set; a flag has an empty value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As written.
    pub key: String,
    /// Without the comment behind it.
    pub value: String,
    /// Where.
    pub at: At,
}

/// What a module's file and its drop-ins set, in the order in which they are read.
pub fn read(machine: &Machine<'_>, file: &str) -> Result<Vec<Entry>, Unseen> {
    let mut entries = Vec::new();
    let mut files = if file.ends_with("/pwquality.conf") {
        drop_ins(machine, &[&format!("{file}.d")], ".conf")?
    } else {
        Vec::new()
    };
    files.push(file.to_owned());
    for file in files {
        if let Some(text) = machine.text(&file)? {
            entries.extend(parse(&text));
        }
    }
    Ok(entries)
}

fn parse(text: &Text) -> impl Iterator<Item = Entry> {
    text.lines().filter_map(|(at, line)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let end = line.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(line.len());
        let (key, value) = line.split_at(end);
        let value = value.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '=');
        (!key.is_empty()).then(|| Entry { key: key.to_owned(), value: value.to_owned(), at })
    })
}

/// What a module does where nothing is set, by its manual.
pub fn default(file: &str, key: &str) -> Option<&'static str> {
    Some(match (file, key) {
        ("faillock", "deny") => "3",
        ("faillock", "fail_interval") => "900",
        ("faillock", "unlock_time") => "600",
        ("pwhistory", "remember") => "10",
        ("pwquality", "minlen") => "8",
        ("pwquality", "difok" | "dictcheck" | "usercheck" | "enforcing" | "retry") | ("pwhistory", "retry") => "1",
        (
            "pwquality",
            "dcredit" | "ucredit" | "lcredit" | "ocredit" | "minclass" | "maxrepeat" | "maxsequence" | "maxclassrepeat"
            | "gecoscheck",
        ) => "0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_at_a_blank_or_an_equals_sign() {
        let text = Text::new("/f", b"# deny = 9\ndeny=5\n unlock_time = 900 # s\neven_deny_root\nminlen 14\nlast");
        let pairs: Vec<String> = parse(&text).map(|entry| format!("{}={}", entry.key, entry.value)).collect();
        assert_eq!(pairs, ["deny=5", "unlock_time=900", "even_deny_root=", "minlen=14", "last="]);
    }
}
