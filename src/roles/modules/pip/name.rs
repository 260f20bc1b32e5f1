//! Names of Python distributions, with the versions that are asked of them.

/// A distribution that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// As pip is told.
    pub text: String,
    /// Its name, where it is one (PEP 503); none of a URL or a path.
    pub name: Option<String>,
    /// What follows the name.
    pub specifier: String,
}

/// PEP 503.
pub fn canonical(name: &str) -> String {
    let mut out = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            '-' | '_' | '.' => {
                if !out.ends_with('-') {
                    out.push('-');
                }
            }
            other => out.push(other),
        }
    }
    out
}

impl Package {
    /// Of a text such as `django[argon2]>1.11,<2`.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = text.find(|c| !plain(c)).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        rest = rest.trim_start();
        if let Some(extras) = rest.strip_prefix('[') {
            rest = extras.split_once(']').map_or("", |(_, rest)| rest).trim_start();
        }
        let is_name = !name.is_empty() && (rest.is_empty() || rest.starts_with(['<', '>', '=', '!', '~']));
        let specifier =
            if is_name { rest.split(';').next().unwrap_or_default().trim().to_owned() } else { String::new() };
        Self { text: text.to_owned(), name: is_name.then(|| canonical(name)), specifier }
    }

    /// The same at a version: a number, or a specifier of its own.
    pub fn at(&self, version: &str) -> Self {
        let version = version.trim_start();
        let exact = if version.starts_with(|c: char| c.is_ascii_digit()) { "==" } else { "" };
        Self::of(&format!("{}{exact}{version}", self.text))
    }

    /// Whether `pip list --format=freeze` shows it as asked; `None` where only pip can tell.
    pub fn is_in(&self, listed: &[(String, String)]) -> Option<bool> {
        let name = self.name.as_ref()?;
        let Some((_, have)) = listed.iter().find(|(have, _)| have == name) else { return Some(false) };
        match self.specifier.strip_prefix("==") {
            Some(version) if version.trim() == have => Some(true),
            _ => meets(&self.specifier, have),
        }
    }
}

/// Whether a version meets every specifier (PEP 440), where all are plain numbers; `None` where only pip can tell.
fn meets(specifiers: &str, have: &str) -> Option<bool> {
    let mut all = true;
    for one in specifiers.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let (operator, version) = one.split_at(one.find(|c: char| c.is_ascii_digit())?);
        let (operator, prefix) = (operator.trim(), version.strip_suffix(".*"));
        let (mut have, mut wanted) = (numbers(have)?, numbers(prefix.unwrap_or(version))?);
        let asked = wanted.len();
        let length = asked.max(have.len());
        have.resize(length, 0);
        wanted.resize(length, 0);
        let begins = |parts: usize| have[..parts] == wanted[..parts];
        all &= match (operator, prefix) {
            ("==", Some(_)) => begins(asked),
            ("!=", Some(_)) => !begins(asked),
            ("==", None) => have == wanted,
            ("!=", None) => have != wanted,
            (">=", None) => have >= wanted,
            ("<=", None) => have <= wanted,
            (">", None) => have > wanted,
            ("<", None) => have < wanted,
            ("~=", None) if asked > 1 => have >= wanted && begins(asked - 1),
            _ => return None,
        };
    }
    Some(all)
}

/// A version of numbers alone.
fn numbers(version: &str) -> Option<Vec<u64>> {
    version.trim().split('.').map(|part| part.parse().ok()).collect()
}

/// Names as a task gives them, in which commas may have torn `a>1,<2` apart.
pub fn recovered(names: &[String]) -> Vec<Package> {
    let mut whole: Vec<String> = Vec::new();
    let mut in_brackets = false;
    for part in names.iter().flat_map(|name| name.split(',')) {
        let is_specifier = part.trim_start().starts_with(['<', '>', '=', '!', '~']);
        match whole.last_mut() {
            Some(last) if is_specifier || in_brackets => {
                last.push(',');
                last.push_str(part);
            }
            _ => whole.push(part.to_owned()),
        }
        in_brackets = (in_brackets || part.contains('[')) && !part.contains(']');
    }
    whole.iter().filter(|text| !text.trim().is_empty()).map(|text| Package::of(text)).collect()
}

/// What `pip list --format=freeze` says.
pub fn listed(output: &str) -> Vec<(String, String)> {
    let pairs = output.lines().filter_map(|line| line.trim().split_once("=="));
    pairs.map(|(name, version)| (canonical(name), version.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_again() {
        let texts = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            recovered(&names).into_iter().map(|package| package.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(&["django>1.11.1", "<1.11.3", "ipaddress"]), ["django>1.11.1,<1.11.3", "ipaddress"]);
        assert_eq!(texts(&["a[x", "y]>1", "b"]), ["a[x,y]>1", "b"]);
        let package = Package::of("Foo_Bar[extra] ~= 1.0");
        assert_eq!((package.name.as_deref(), package.specifier.as_str()), (Some("foo-bar"), "~= 1.0"));
        assert!(Package::of("git+https://h/x").name.is_none() && Package::of("./dir/x").name.is_none());
        assert_eq!(Package::of("a").at("1.0").text, "a==1.0");
        let have = listed("Foo.Bar==2.1\nx==1\n");
        assert_eq!(Package::of("foo-bar").is_in(&have), Some(true));
        assert_eq!(Package::of("foo-bar==2.1").is_in(&have), Some(true));
        assert_eq!((Package::of("foo-bar>1").is_in(&have), Package::of("y").is_in(&have)), (Some(true), Some(false)));
        assert_eq!((Package::of("foo-bar>1rc1").is_in(&have), Package::of("x===1").is_in(&have)), (None, None));
    }

    #[test]
    fn versions_meet_specifiers_as_packaging_has_it() {
        // Each was given to `packaging.specifiers.SpecifierSet`.
        for (specifiers, have, expected) in [
            ("==1.15", "1.16", false),
            ("==1.16.0", "1.16", true),
            (">=1.10,<2", "1.16", true),
            (">=1.10,<2", "2.0", false),
            ("~=1.4", "1.16", true),
            ("~=1.4.2", "1.5", false),
            ("~=1.4.2", "1.4.9", true),
            ("==1.4.*", "1.4", true),
            ("==1.4.*", "1.40", false),
            ("!=1.4.*", "1.4.1", false),
            (">1.9", "1.10", true),
            ("<=1.9", "1.9.0", true),
            ("!=2", "2.0", false),
        ] {
            assert_eq!(meets(specifiers, have), Some(expected), "{have} {specifiers}");
        }
    }
}
