//! `file_content`: what lines of a file say, or may not say.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::glob;
use crate::validate::text::{At, Text};
use crate::validate::verdict::{Aspect, Finding, Unseen};
use fancy_regex::Regex;
use serde::Deserialize;
use serde::de::{self, Deserializer};

/// Lines that files have to have, and may not have.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileContent {
    /// Files; `*` is for names within one directory. What has to be there may be in any of them.
    #[serde(alias = "path")]
    paths: Words,
    /// Expressions that each have to fit a line.
    #[serde(default)]
    has: Vec<Pattern>,
    /// Expressions of which none may fit a line.
    #[serde(default)]
    lacks: Vec<Pattern>,
    /// Whether files may be missing. A missing file lacks everything.
    #[serde(default)]
    absent_ok: bool,
    /// Whether lines that begin with `#` are passed over.
    #[serde(default)]
    comments: bool,
}

/// A regular expression.
#[derive(Clone, Debug)]
struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Regex::new(&text).map(Self).map_err(|error| de::Error::custom(format!("`{text}`: {error}")))
    }
}

impl schemars::JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}

impl FileContent {
    fn find<'t>(&self, text: &'t Text, pattern: &Pattern) -> Result<Option<(At, &'t str)>, Unseen> {
        for (at, line) in text.lines() {
            if self.comments && line.trim_start().starts_with('#') {
                continue;
            }
            match pattern.0.is_match(line) {
                Ok(true) => return Ok(Some((at, line))),
                Ok(false) => {}
                // An expression that goes too far back did not say no.
                Err(error) => return Err(Unseen::new(at.to_string(), error.to_string())),
            }
        }
        Ok(None)
    }

    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut texts = Vec::new();
        for path in self.paths.iter() {
            let files = if path.contains(['*', '?', '[']) { glob(machine, path)? } else { vec![path.clone()] };
            for file in files {
                match machine.text(&file)? {
                    Some(text) => texts.push(text),
                    None if self.absent_ok => {}
                    None => finding.fact(Aspect::Stored, false, &At::file(&file), "is not there", self.expects()),
                }
            }
        }
        let nowhere = At::file(&self.paths.shown());
        for pattern in &self.has {
            let found = texts.iter().find_map(|text| self.find(text, pattern).transpose()).transpose()?;
            let expected = format!("a line that fits {}", pattern.0.as_str());
            match found {
                Some((at, line)) => finding.fact(Aspect::Stored, true, &at, line.trim(), expected),
                None => finding.fact(Aspect::Stored, false, &nowhere, "no such line", expected),
            }
        }
        for pattern in &self.lacks {
            let found = texts.iter().find_map(|text| self.find(text, pattern).transpose()).transpose()?;
            let expected = format!("no line that fits {}", pattern.0.as_str());
            match found {
                Some((at, line)) => finding.fact(Aspect::Stored, false, &at, line.trim(), expected),
                None => finding.fact(Aspect::Stored, true, &nowhere, "no such line", expected),
            }
        }
        if self.has.is_empty() && self.lacks.is_empty() {
            for text in &texts {
                finding.fact(Aspect::Stored, true, &text.whole(), "is there", self.expects());
            }
        }
        Ok(finding)
    }
}

impl Mechanism for FileContent {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        self.paths.iter().cloned().collect()
    }

    fn expects(&self) -> String {
        let shown = |patterns: &[Pattern]| patterns.iter().map(|p| p.0.as_str()).collect::<Vec<_>>().join(", ");
        match (self.has.is_empty(), self.lacks.is_empty()) {
            (true, true) => format!("{} is there", self.paths.shown()),
            (false, true) => format!("{} has {}", self.paths.shown(), shown(&self.has)),
            (true, false) => format!("{} lacks {}", self.paths.shown(), shown(&self.lacks)),
            (false, false) => {
                format!("{} has {} and lacks {}", self.paths.shown(), shown(&self.has), shown(&self.lacks))
            }
        }
    }
}
