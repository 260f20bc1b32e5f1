//! Which tasks `--tags` and `--skip-tags` select (ansible-core `playbook/taggable.py`).

use std::collections::BTreeSet;

/// The tags that a run is limited to, and those that it leaves out.
pub(super) struct Selection<'a> {
    pub(super) only: &'a [String],
    pub(super) skip: &'a [String],
}

impl Selection<'_> {
    /// Whether something with these tags runs.
    pub(super) fn selects(&self, tags: &BTreeSet<String>) -> bool {
        let untagged = tags.is_empty();
        let has = |tag: &str| tags.contains(tag) || untagged && tag == "untagged";
        let any = |list: &[String]| list.iter().any(|tag| has(tag));
        let only = |tag: &str| self.only.iter().any(|have| have == tag);
        let wanted = has("always")
            || (self.only.is_empty() || only("all")) && !has("never")
            || any(self.only)
            || only("tagged") && !untagged && !has("never");
        let skip = |tag: &str| self.skip.iter().any(|have| have == tag);
        let left_out =
            if skip("all") { !has("always") || skip("always") } else { any(self.skip) || skip("tagged") && !untagged };
        wanted && !left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(only: &[&str], skip: &[&str], tags: &[&str]) -> bool {
        let own = |list: &[&str]| list.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let (only, skip) = (own(only), own(skip));
        Selection { only: &only, skip: &skip }.selects(&tags.iter().map(|tag| (*tag).to_owned()).collect())
    }

    #[test]
    fn always_never_tagged_and_untagged_are_special() {
        assert!(selects(&[], &[], &["a"]) && selects(&[], &[], &[]));
        assert!(!selects(&[], &[], &["never", "a"]) && selects(&["a"], &[], &["never", "a"]));
        assert!(!selects(&["b"], &[], &["a"]) && selects(&["b"], &[], &["always"]));
        assert!(selects(&["untagged"], &[], &[]) && !selects(&["tagged"], &[], &[]));
        assert!(selects(&["tagged"], &[], &["a"]) && !selects(&[], &["a"], &["a", "b"]));
        assert!(selects(&[], &["all"], &["always"]) && !selects(&[], &["all"], &["a"]));
        assert!(!selects(&[], &["untagged"], &[]));
    }
}
