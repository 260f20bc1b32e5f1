//! `file_absent`: what may not be there, as a trace of another machine.

use super::{Mechanism, Words};
use crate::fnmatch::fits;
use crate::host::Kind;
use crate::validate::machine::Machine;
use crate::validate::readers::glob;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Files, directories or links of which none may be there.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAbsent {
    /// Paths; `*` is for names within one directory, and for those with a leading dot only where the pattern has it.
    #[serde(alias = "path")]
    paths: Words,
    /// Paths that may be there, as patterns.
    #[serde(default)]
    except: Vec<String>,
    /// Whether a file without content, or a directory without entries, is as good as none.
    #[serde(default)]
    or_empty: bool,
}

impl Mechanism for FileAbsent {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        self.paths.iter().cloned().collect()
    }

    fn expects(&self) -> String {
        let empty = if self.or_empty { ", or is empty" } else { "" };
        format!("nothing is at {}{empty}", self.paths.shown())
    }
}

impl FileAbsent {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let expected = if self.or_empty { "not there, or empty" } else { "not there" };
        for pattern in self.paths.iter() {
            let mut clean = true;
            for path in glob(machine, pattern)? {
                let excepted = self.except.iter().any(|except| fits(except, &path));
                if excepted {
                    continue;
                }
                if let Some(found) = self.trace(machine, &path)? {
                    clean = false;
                    finding.fact(Aspect::Stored, false, &At::file(&path), found, expected);
                }
            }
            if clean {
                finding.fact(Aspect::Stored, true, &At::file(pattern), "nothing is there", expected);
            }
        }
        Ok(finding)
    }

    /// What is there that may not be. A link that leads nowhere is there, and holds nothing.
    fn trace(&self, machine: &Machine<'_>, path: &str) -> Result<Option<String>, Unseen> {
        if machine.stat(path, false)?.is_none() {
            return Ok(None);
        }
        let Some(stat) = machine.stat(path, self.or_empty)? else { return Ok(None) };
        let empty = match stat.kind {
            Kind::File => stat.size == 0,
            Kind::Directory => machine.names(path)?.is_empty(),
            _ => false,
        };
        if self.or_empty && empty {
            return Ok(None);
        }
        let found = match stat.kind {
            Kind::File => format!("a file of {} bytes", stat.size),
            Kind::Directory => "a directory".to_owned(),
            other => format!("a {other:?}").to_lowercase(),
        };
        Ok(Some(found))
    }
}
