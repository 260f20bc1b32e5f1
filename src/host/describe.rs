//! A change in words: for people, and for a plan that is compared with what is about to be done.

use super::{Account, Attributes, Change, Digest, FileWrite, Hasher};
use std::path::Path;

impl Change {
    /// What it does, on what, and with which content: two changes with the same words do the same. Content that may
    /// hold a secret is not told, not even as a digest, because what is short can be guessed.
    pub fn describe(&self) -> String {
        match self {
            Self::Write(file) if !file.sensitive => match Hasher::of_reader(Digest::Sha256, file.content.reader()) {
                Ok(digest) => format!("{} sha256:{digest}", self.outline()),
                Err(error) => format!("{} (content could not be read: {error})", self.outline()),
            },
            _ => self.outline(),
        }
    }

    /// The same without content.
    pub fn outline(&self) -> String {
        match self {
            Self::Write(FileWrite { path, attributes, .. }) => format!("write {}{}", path.display(), words(attributes)),
            Self::MakeDirectory { path, attributes } => {
                format!("make directory {}{}", path.display(), words(attributes))
            }
            Self::SetAttributes { path, attributes, .. } => format!("set{} of {}", words(attributes), path.display()),
            Self::SetTimes { path, .. } => format!("set times of {}", path.display()),
            Self::SetLabel { path, label } => format!("label {} {label}", path.display()),
            Self::Symlink { path, target } => format!("link {} -> {}", path.display(), target.display()),
            Self::HardLink { path, target } => format!("hard link {} = {}", path.display(), target.display()),
            Self::Rename { from, to } => format!("rename {} to {}", from.display(), to.display()),
            Self::Remove { path } => format!("remove {}", path.display()),
            Self::Unpack(unpack) => {
                format!("extract archive sha256:{} to {}", hex::encode(unpack.sha256), unpack.path.display())
            }
            Self::Run(command)
            | Self::Start { command, .. }
            | Self::Packages(command)
            | Self::Account(Account::Tool(command)) => {
                format!("run {}", command.shown())
            }
            Self::Unit { name, action, scope, .. } => {
                let scope = scope.as_ref().map(|scope| format!(" --{scope}")).unwrap_or_default();
                format!("systemctl{scope} {} {name}", action.verb()).trim_end().to_owned()
            }
            Self::Account(Account::Password { user, .. }) => format!("set the password of {user}"),
            Self::Wait(time) => format!("wait {} s", time.as_secs_f64()),
        }
    }

    /// The paths that it alters.
    pub fn places(&self) -> Vec<&Path> {
        match self {
            Self::Write(FileWrite { path, .. })
            | Self::MakeDirectory { path, .. }
            | Self::SetAttributes { path, .. }
            | Self::SetTimes { path, .. }
            | Self::SetLabel { path, .. }
            | Self::Symlink { path, .. }
            | Self::HardLink { path, .. }
            | Self::Remove { path } => vec![path],
            Self::Unpack(unpack) => vec![&unpack.path],
            Self::Rename { from, to } => vec![from, to],
            Self::Run(_)
            | Self::Start { .. }
            | Self::Packages(_)
            | Self::Unit { .. }
            | Self::Account(_)
            | Self::Wait(_) => Vec::new(),
        }
    }
}

fn words(attributes: &Attributes) -> String {
    let mut text = String::new();
    if let Some(mode) = attributes.mode {
        text.push_str(&format!(" mode {mode:04o}"));
    }
    if let Some(uid) = attributes.uid {
        text.push_str(&format!(" owner {uid}"));
    }
    if let Some(gid) = attributes.gid {
        text.push_str(&format!(" group {gid}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Command;

    #[test]
    fn the_same_words_are_the_same_change_and_secrets_are_not_told() {
        let write = |text: &str, sensitive| {
            let file = FileWrite { sensitive, ..FileWrite::new("/etc/motd", text) };
            Change::Write(file).describe()
        };
        assert_eq!(write("a", false), write("a", false));
        assert_ne!(write("a", false), write("b", false));
        assert_eq!(write("a", true), "write /etc/motd");
        let secret = Command { sensitive: true, ..Command::new(["login", "hunter2"]) };
        assert_eq!(Change::Run(secret).describe(), "run login ********");
    }
}
