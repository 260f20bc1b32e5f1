//! One task, or one item of its loop, that a plan has something to say about.

use crate::roles::modules::Diff;
use crate::secret::Redactor;
use std::fmt;

/// What a task would do.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The task's name.
    pub task: String,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where it stands, as `file:line:column`.
    pub place: String,
    /// Whether it is a handler: it runs because a task notifies it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handler: bool,
    /// Whether it brings tasks of its own: an include.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include: bool,
    /// How often the task had been begun before: a file may be included several times.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: u32,
    /// The loop's item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Why what it does only shows when the plan is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// What it alters, in order, in the words of [`crate::host::Change::describe`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// How texts change, for people; none of what may hold a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<Diff>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Step {
    /// Takes secrets out of every text that is made of values.
    pub(super) fn scrub(&mut self, redactor: &Redactor) {
        let headers = self.diff.iter_mut().flat_map(|diff| [&mut diff.before_header, &mut diff.after_header]);
        let own = [Some(&mut self.task), self.item.as_mut(), self.undecided.as_mut()];
        for text in own.into_iter().flatten().chain(&mut self.changes).chain(headers) {
            *text = redactor.scrub(text);
        }
        for text in self.diff.iter_mut().flat_map(|diff| [&mut diff.before, &mut diff.after]).flatten() {
            *text = redactor.scrub(text);
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(role) = &self.role {
            write!(f, "{role} : ")?;
        }
        f.write_str(&self.task)?;
        match &self.item {
            Some(item) => write!(f, " ({item})"),
            None => Ok(()),
        }
    }
}
