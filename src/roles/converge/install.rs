//! An installation by apt-get as its command line has it.

use crate::host::Command;

/// `apt-get ... install PACKAGES OPTIONS`.
pub(super) struct Install<'c> {
    head: &'c [String],
    pub(super) packages: &'c [String],
    options: &'c [String],
}

impl<'c> Install<'c> {
    /// `None` where it is none, or where a package is a file or has its release beside its name: a simulation tells of
    /// names alone, so that such a one cannot be told from what came before it.
    pub(super) fn read(command: &'c Command) -> Option<Self> {
        let words = &command.argv;
        let verb = words.iter().position(|word| word == "install").filter(|_| words[0] == "apt-get")?;
        let (head, rest) = words.split_at(verb + 1);
        let end = rest.iter().position(|word| word.starts_with('-')).unwrap_or(rest.len());
        let (packages, options) = rest.split_at(end);
        let by_name = packages.iter().all(|package| !package.contains('/'));
        by_name.then_some(Self { head, packages, options })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_of_a_file_or_of_a_release_stands_alone() {
        let packages = |words: &str| {
            let command = Command::new(words.split(' ').map(str::to_owned));
            Install::read(&command).map(|install| install.packages.to_vec())
        };
        assert_eq!(packages("apt-get -y install a=1.0 b --no-remove"), Some(vec!["a=1.0".to_owned(), "b".to_owned()]));
        assert_eq!(packages("apt-get -y install /root/made-up.deb"), None);
        assert_eq!(packages("apt-get -y install a b/bookworm-backports"), None);
        assert_eq!(packages("apt-get -y remove a"), None);
    }
}
