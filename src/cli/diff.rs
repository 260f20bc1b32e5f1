//! How a text changes, as `diff -u` shows it.

use crate::roles::modules::Diff;

/// The unified diff; where a text is withheld or is none, only what is compared.
pub(super) fn unified(diff: &Diff) -> String {
    let (Some(before), Some(after)) = (&diff.before, &diff.after) else {
        return format!("--- {}\n+++ {}\n", diff.before_header, diff.after_header);
    };
    similar::TextDiff::from_lines(before.as_str(), after.as_str())
        .unified_diff()
        .header(&diff.before_header, &diff.after_header)
        .to_string()
}
