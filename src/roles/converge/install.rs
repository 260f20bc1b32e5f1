//! An installation by apt-get as its command line has it.

use crate::host::Command;

/// `apt-get ... install PACKAGES OPTIONS`.
pub(super) struct Install<'c> {
    head: &'c [String],
    pub(super) packages: &'c [String],
    options: &'c [String],
}

impl<'c> Install<'c> {
    pub(super) fn read(command: &'c Command) -> Option<Self> {
        let words = &command.argv;
        let verb = words.iter().position(|word| word == "install").filter(|_| words[0] == "apt-get")?;
        let (head, rest) = words.split_at(verb + 1);
        let end = rest.iter().position(|word| word.starts_with('-')).unwrap_or(rest.len());
        let (packages, options) = rest.split_at(end);
        Some(Self { head, packages, options })
    }

    /// Whether another one differs in its packages alone.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.head == other.head && self.options == other.options
    }

    pub(super) fn with(&self, packages: &[String]) -> Vec<String> {
        [self.head, packages, self.options].concat()
    }
}

/// Whether two commands run as the same user, in the same place, with the same environment.
pub(super) fn alike(one: &Command, other: &Command) -> bool {
    one.user == other.user && one.environment == other.environment && one.directory == other.directory
}
