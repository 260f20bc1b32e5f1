//! The lookup `password`: a password that a file holds. One that is not there yet is made, and is written before the
//! task that asked for it does anything: a template itself alters nothing.

use super::{Lookup, Options, Outcome, lost};
use crate::roles::load::parse_pairs;
use crate::roles::template::error::TemplateError;
use crate::roles::template::filters::{self, chance};
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

pub(super) static LOOKUPS: &[Lookup] =
    &[Lookup { name: "password", options: &["length", "chars", "seed", "encrypt", "ident"], run: password }];

/// What is asked for, in the term or as options.
struct Asked {
    path: String,
    length: usize,
    chars: Vec<char>,
    seed: Option<Value>,
    encrypt: Option<String>,
    ident: Option<String>,
}

/// A password file's line: the password, and what its hash is made with.
#[derive(Default)]
struct Kept {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

fn password(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    terms.iter().map(|term| one(run, &Asked::read(&python::text(term), options)?)).collect()
}

fn one(run: &Run<'_>, asked: &Asked) -> Result<Value, TemplateError> {
    let path = PathBuf::from(filters::expand_user(run, &asked.path));
    let path = match run.services.tree.directory() {
        _ if path.is_absolute() => path,
        Some(directory) => directory.join(path),
        None => {
            let why = format!(
                "lookup `password`: `{}` lies in the tree, where nothing is kept: give an absolute path",
                asked.path
            );
            return Err(lost(why));
        }
    };
    let lasting = path != Path::new("/dev/null");
    let found =
        if lasting { run.templar.owed(&path).or_else(|| run.services.host.read(&path).ok().flatten()) } else { None };
    let (mut kept, mut new) = match found {
        Some(bytes) => (Kept::read(&String::from_utf8_lossy(&bytes)), false),
        None => (Kept { password: chosen(&asked.chars, asked.length, asked.seed.as_ref())?, ..Kept::default() }, true),
    };
    if let Some(kind) = &asked.encrypt {
        if kept.salt.is_none() {
            let digits: Vec<char> = [class("ascii_letters"), class("digits"), class("./")].concat();
            let size = match kind.as_str() {
                "md5_crypt" => 8,
                "bcrypt" => 22,
                "sha256_crypt" | "sha512_crypt" => 16,
                _ => 8,
            };
            kept.salt = Some(chosen(&digits, size, None)?);
            new = true;
        }
        match (&kept.ident, &asked.ident) {
            (Some(have), Some(ident)) if have != ident => {
                let why = format!("The ident parameter provided ({ident}) does not match the stored one ({have}).");
                return Err(lost(why));
            }
            (Some(_), _) => {}
            (None, Some(ident)) => kept.ident = Some(ident.clone()),
            (None, None) if kind == "bcrypt" => (kept.ident, new) = (Some("2b".into()), true),
            (None, None) => {}
        }
    }
    if new && lasting {
        run.templar.owe(path, kept.line(asked.encrypt.is_some()).into_bytes());
    }
    match &asked.encrypt {
        None => Ok(Value::secret(kept.password)),
        Some(kind) => filters::hashed(&kept.password, kind, kept.salt.as_deref(), kept.ident.as_deref())
            .map(Value::str)
            .map_err(TemplateError::failed),
    }
}

impl Kept {
    fn read(text: &str) -> Self {
        let line = text.lines().next().unwrap_or_default();
        let (rest, ident) = line.rsplit_once(" ident=").map_or((line, None), |(rest, ident)| (rest, Some(ident)));
        let (password, salt) = rest.rsplit_once(" salt=").map_or((rest, None), |(rest, salt)| (rest, Some(salt)));
        Self { password: password.to_owned(), salt: salt.map(str::to_owned), ident: ident.map(str::to_owned) }
    }

    /// With the salt where the password is asked for as a hash, or has been.
    fn line(&self, hashed: bool) -> String {
        let part = |name: &str, value: &Option<String>| {
            value.as_ref().filter(|_| hashed).map(|value| format!(" {name}={value}")).unwrap_or_default()
        };
        format!("{}{}{}\n", self.password, part("salt", &self.salt), part("ident", &self.ident))
    }
}

impl Asked {
    fn read(term: &str, options: &Options) -> Result<Self, TemplateError> {
        let pairs = parse_pairs(term, false).map_err(|error| TemplateError::failed(error.to_string()))?;
        let known = ["length", "chars", "seed", "encrypt", "ident"];
        if let Some((name, _)) = pairs.pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(lost(format!("Unrecognized parameter(s) given to password lookup: {name}")));
        }
        let value = |name: &str| {
            let inline = pairs.pairs.iter().find(|(have, _)| have == name).map(|(_, value)| Value::str(value.as_str()));
            inline.or_else(|| options.get(name).cloned())
        };
        let text = |name: &str| value(name).map(|value| python::text(&value)).filter(|text| !text.is_empty());
        let length = value("length").and_then(|value| python::to_int(&value, 10)).unwrap_or(20);
        let chars = match value("chars") {
            None => [class("ascii_letters"), class("digits"), class(".,:-_")].concat(),
            Some(Value::List(names)) => names.iter().flat_map(|name| class(&python::text(name))).collect(),
            Some(names) => alphabet(&python::text(&names)),
        };
        Ok(Self {
            path: pairs.rest.trim().to_owned(),
            length: usize::try_from(length.clamp(1, 4096)).unwrap_or(20),
            chars: chars.into_iter().filter(|c| !matches!(c, '"' | '\'')).collect(),
            seed: value("seed"),
            encrypt: text("encrypt"),
            ident: text("ident"),
        })
    }
}

/// Characters chosen by a seed, as Python chooses them, or by the machine's random numbers.
fn chosen(chars: &[char], length: usize, seed: Option<&Value>) -> Result<String, TemplateError> {
    if chars.is_empty() {
        return Err(lost("lookup `password`: there are no characters to choose from"));
    }
    if let Some(seed) = seed {
        let mut source = chance::Source::new(Some(seed));
        let at = |number: u64| chars[usize::try_from(number).unwrap_or(0) % chars.len()];
        return Ok((0..length).map(|_| at(source.below(chars.len() as u64))).collect());
    }
    let mut bytes = [0u8; 8];
    let mut made = String::new();
    for _ in 0..length {
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| lost("the machine gives no random numbers"))?;
        let at = u64::from_le_bytes(bytes) % chars.len() as u64;
        made.extend(chars.get(usize::try_from(at).unwrap_or(0)));
    }
    Ok(made)
}

/// Classes of characters separated by commas; a double comma is a comma.
fn alphabet(names: &str) -> Vec<char> {
    let comma = names.contains(",,").then_some(',');
    comma.into_iter().chain(names.replace(",,", ",").split(',').flat_map(class)).collect()
}

fn class(name: &str) -> Vec<char> {
    match name {
        "ascii_letters" => ('a'..='z').chain('A'..='Z').collect(),
        "ascii_lowercase" => ('a'..='z').collect(),
        "ascii_uppercase" => ('A'..='Z').collect(),
        "digits" => ('0'..='9').collect(),
        "hexdigits" => ('0'..='9').chain('a'..='f').chain('A'..='F').collect(),
        "octdigits" => ('0'..='7').collect(),
        "punctuation" => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars().collect(),
        other => other.chars().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_what_its_hash_is_made_with() {
        let kept = Kept::read("p w salt=abc ident=2b\nrest\n");
        assert_eq!(
            (kept.password.as_str(), kept.salt.as_deref(), kept.ident.as_deref()),
            ("p w", Some("abc"), Some("2b"))
        );
        assert_eq!((kept.line(true), kept.line(false)), ("p w salt=abc ident=2b\n".into(), "p w\n".into()));
        assert_eq!(Kept::read("plain\n").salt, None);
    }

    #[test]
    fn a_seed_gives_the_same_password_as_python() {
        let chars = [class("ascii_letters"), class("digits"), class(".,:-_")].concat();
        let seed = Value::str("foo");
        // random.Random("foo") over ansible-core's default characters.
        assert_eq!(chosen(&chars, 20, Some(&seed)).expect("made"), "6JUEsF6-,RiuGZDEWF4r");
        assert_ne!(chosen(&chars, 20, None).expect("made"), chosen(&chars, 20, None).expect("made"));
        assert_eq!(alphabet("digits,,x").first(), Some(&','));
    }
}
