//! `file_sweep`: what one walk over all local file systems found.

use super::Mechanism;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::readers::sweep::{Finds, Sweep};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// As many finds as evidence shows; the rest is counted.
const SHOWN: usize = 50;

/// What the walk looks for.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSweep {
    /// What may not be found.
    what: What,
    /// Paths that are passed over, as patterns.
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Files that everybody may write; directories that everybody may write without the sticky bit.
    WorldWritable,
    /// Files of users or groups that do not exist.
    Unowned,
    /// setuid and setgid programs that the site's list does not have.
    Setuid,
}

impl Mechanism for FileSweep {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        let sweep = match machine.reader::<Sweep>() {
            Ok(sweep) => sweep,
            Err(unseen) => return Finding::unseen(Aspect::Stored, &unseen),
        };
        let mut finding = Finding::new();
        let mut allowed = self.except.clone();
        let finds = match self.what {
            What::WorldWritable => &sweep.writable,
            What::Unowned => &sweep.unowned,
            What::Setuid => {
                let Some(list) = &machine.site().setuid_files else {
                    shown(&sweep.privileged, &mut finding);
                    let why = "has no list of setuid files to hold these against";
                    finding.could_not_look(Aspect::Stored, &Unseen::new("the profile's site", why));
                    return finding;
                };
                allowed.extend(list.iter().cloned());
                &sweep.privileged
            }
        };
        self.finds(finds, &allowed, sweep.looked_at, &mut finding);
        for unread in &sweep.unread {
            finding.could_not_look(Aspect::Stored, unread);
        }
        for (path, why) in &sweep.skipped {
            finding.show(Aspect::Stored, &At::file(path), format!("{why}, and was not entered"));
        }
        finding
    }

    fn reads(&self) -> Vec<String> {
        vec!["every file of the local file systems, in one walk".into()]
    }

    fn expects(&self) -> String {
        match self.what {
            What::WorldWritable => "no file that everybody may write, no such directory without the sticky bit".into(),
            What::Unowned => "every file has an owner and a group that exist".into(),
            What::Setuid => "every setuid and setgid program is on the site's list".into(),
        }
    }
}

impl FileSweep {
    fn finds(&self, finds: &Finds, allowed: &[String], looked_at: usize, finding: &mut Finding) {
        let wrong: Vec<&(String, String)> =
            finds.some.iter().filter(|(path, _)| !allowed.iter().any(|pattern| fits(pattern, path))).collect();
        for (path, what) in wrong.iter().take(SHOWN) {
            finding.fact(Aspect::Stored, false, &At::file(path), what, self.expects());
        }
        // What was only counted may be allowed or not: nobody knows.
        let uncounted = finds.count - finds.some.len();
        let more = wrong.len().saturating_sub(SHOWN) + uncounted;
        let at = At::file("the local file systems");
        if more > 0 {
            finding.fact(Aspect::Stored, false, &at, format!("and {more} more"), self.expects());
        } else if wrong.is_empty() {
            finding.fact(Aspect::Stored, true, &at, format!("none among {looked_at} files"), self.expects());
        }
    }
}

fn shown(finds: &Finds, finding: &mut Finding) {
    for (path, what) in finds.some.iter().take(SHOWN) {
        finding.show(Aspect::Stored, &At::file(path), what);
    }
}
