//! `is version(...)`: loose as distutils compared, strict, and semantic.

use super::Test;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;
use std::cmp::Ordering;

const PARAMS: &[&str] = &["version", "operator", "strict", "version_type"];

pub(super) static TESTS: &[Test] =
    &[Test::values("version", PARAMS, version), Test::values("version_compare", PARAMS, version)];

fn version(value: &Value, args: &Args) -> Result<bool, String> {
    let (one, other) = (python::text(value), python::text(args.need(0)?));
    if one.is_empty() {
        return Err("Input version value cannot be empty".into());
    }
    if other.is_empty() {
        return Err("Version parameter to compare against cannot be empty".into());
    }
    let kind = match (args.get(2).filter(|v| !matches!(v, Value::Null)), args.text(3)) {
        (Some(_), Some(_)) => return Err("Cannot specify both 'strict' and 'version_type'".into()),
        (Some(strict), None) => if python::truth(strict) { "strict" } else { "loose" }.to_owned(),
        (None, Some(kind)) => kind,
        (None, None) => "loose".into(),
    };
    let order = match kind.as_str() {
        "loose" => compare_lists(&loose(&one), &loose(&other))
            .ok_or_else(|| format!("Version comparison failed: '<' not supported between `{one}` and `{other}`"))?,
        "strict" => strict(&one)?.cmp(&strict(&other)?),
        "semver" | "semantic" => compare_semantic(&semantic(&one)?, &semantic(&other)?),
        "pep440" => compare_pep(&pep440(&one)?, &pep440(&other)?),
        other => {
            return Err(format!(
                "Invalid version type ({other}). Must be one of loose, strict, semver, semantic, pep440"
            ));
        }
    };
    Ok(match args.text_or(1, "eq").as_str() {
        "==" | "=" | "eq" => order == Ordering::Equal,
        "<" | "lt" => order == Ordering::Less,
        "<=" | "le" => order != Ordering::Greater,
        ">" | "gt" => order == Ordering::Greater,
        ">=" | "ge" => order != Ordering::Less,
        "!=" | "<>" | "ne" => order != Ordering::Equal,
        other => {
            return Err(format!(
                "Invalid operator type ({other}). Must be one of ==, =, eq, <, lt, <=, le, >, gt, >=, ge, !=, <>, ne"
            ));
        }
    })
}

#[derive(Debug, PartialEq)]
enum Part {
    Number(u128),
    Word(String),
}

/// `LooseVersion`: runs of digits, runs of lower-case letters, and what is between, without points.
fn loose(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let class = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = class(first);
        let end = rest.find(|c| class(c) != kind || kind == 2).filter(|end| *end > 0).unwrap_or(match kind {
            2 => 1,
            _ => rest.len(),
        });
        let (part, after) = rest.split_at(end);
        rest = after;
        match kind {
            2 => {}
            0 => parts.push(part.parse().map_or_else(|_| Part::Word(part.to_owned()), Part::Number)),
            _ => parts.push(Part::Word(part.to_owned())),
        }
    }
    parts
}

/// As Python compares lists; `None` where a number meets a word.
/// The order of two versions as `LooseVersion` has it; those that do not compare are equal.
pub(in crate::roles::template) fn loose_order(one: &str, other: &str) -> Ordering {
    compare_lists(&loose(one), &loose(other)).unwrap_or(Ordering::Equal)
}

fn compare_lists(one: &[Part], other: &[Part]) -> Option<Ordering> {
    for pair in one.iter().zip(other) {
        let order = match pair {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Word(a), Part::Word(b)) => a.cmp(b),
            _ => return None,
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(one.len().cmp(&other.len()))
}

/// `1.2`, `1.2.3`, `1.2a3`: three numbers, and what stands before a release.
fn strict(text: &str) -> Result<([u64; 3], (char, u64)), String> {
    let wrong = || format!("invalid version number '{text}'");
    let (main, before) = match text.find(['a', 'b']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let numbers: Vec<u64> = main.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let [major, minor, patch] = match numbers.as_slice() {
        [major, minor] => [*major, *minor, 0],
        [major, minor, patch] => [*major, *minor, *patch],
        _ => return Err(wrong()),
    };
    let before = match before {
        // A release comes after all that stands before it.
        None => ('z', 0),
        Some(text) => (text.chars().next().unwrap_or('a'), text[1..].parse().map_err(|_| wrong())?),
    };
    Ok(([major, minor, patch], before))
}

type Semantic = ([u64; 3], Vec<String>);

fn semantic(text: &str) -> Result<Semantic, String> {
    let wrong = || format!("invalid semantic version '{text}'");
    let core = text.split('+').next().unwrap_or_default();
    let (main, before) = core.split_once('-').unwrap_or((core, ""));
    let numbers: Vec<u64> = main.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let numbers = <[u64; 3]>::try_from(numbers).map_err(|_| wrong())?;
    Ok((numbers, before.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()))
}

fn compare_semantic(one: &Semantic, other: &Semantic) -> Ordering {
    let before = match (one.1.is_empty(), other.1.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => identifiers(&one.1, &other.1),
    };
    one.0.cmp(&other.0).then(before)
}

/// Numbers come before words, and the shorter list first.
fn identifiers(one: &[String], other: &[String]) -> Ordering {
    for (a, b) in one.iter().zip(other) {
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

/// PEP 440 without local parts: epoch, release, and a rank with a number for `dev`, `a`, `b`, `rc` and `post`.
type Pep = (u64, Vec<u64>, Vec<(u8, u64)>);

fn pep440(text: &str) -> Result<Pep, String> {
    let wrong = || format!("Invalid version: '{text}'");
    let lower = text.trim().to_lowercase();
    let core = lower.trim_start_matches('v').split('+').next().unwrap_or_default().to_owned();
    let (epoch, rest) = core.split_once('!').unwrap_or(("0", &core));
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let (release, mut tail) = rest.split_at(end);
    let mut numbers: Vec<u64> =
        release.trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    let mut ranks = Vec::new();
    while !tail.is_empty() {
        let word = tail.trim_start_matches(['.', '-', '_']);
        let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let rank = match &word[..end] {
            "dev" => 0,
            "a" | "alpha" => 1,
            "b" | "beta" => 2,
            "rc" | "c" | "pre" | "preview" => 3,
            "post" | "rev" | "r" => 5,
            _ => return Err(wrong()),
        };
        let number = word[end..].trim_start_matches(['.', '-', '_']);
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        ranks.push((rank, number[..digits].parse().unwrap_or(0)));
        tail = &number[digits..];
    }
    // A release stands between what comes before and what comes after it.
    ranks.push((4, 0));
    Ok((epoch.parse().map_err(|_| wrong())?, numbers, ranks))
}

fn compare_pep(one: &Pep, other: &Pep) -> Ordering {
    one.cmp(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(one: &str, operator: &str, other: &str, kind: &str) -> bool {
        let args = vec![Value::str(other), Value::str(operator), Value::Null, Value::str(kind)];
        version(&Value::str(one), &Args::bind(PARAMS, args, Vec::new()).expect("bound")).expect("compared")
    }

    #[test]
    fn versions_compare_as_in_ansible() {
        assert!(answer("22.04", ">=", "20.04", "loose"));
        assert!(answer("1.10", "gt", "1.9", "loose"));
        assert!(answer("2.4.6-97", "lt", "2.4.10", "loose"));
        assert!(answer("1.0.0-rc.1", "<", "1.0.0", "semver"));
        assert!(answer("1.2a1", "<", "1.2", "strict"));
        assert!(answer("1.0.dev1", "<", "1.0a1", "pep440") && answer("1.0.post1", ">", "1.0", "pep440"));
    }

    #[test]
    fn a_number_and_a_word_do_not_compare() {
        let args = vec![Value::str("1.x")];
        assert!(version(&Value::str("1.2"), &Args::bind(PARAMS, args, Vec::new()).expect("bound")).is_err());
    }
}
