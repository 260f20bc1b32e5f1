//! Alters accounts through the distribution's own tools (`useradd`, `groupmod`, `chpasswd`, ...).

use super::program;
use crate::host::{Account, Command, HostError, Output};
use crate::secret::Secret;
use std::path::Path;

/// Carries it out; that the tool refused is an error with what it said. Another root than `/` is altered by this
/// machine's tools, with `--prefix` (`chpasswd` and `chage` know only `--root`).
pub fn alter(root: &Path, account: &Account) -> Result<Output, HostError> {
    let mut command = match account {
        Account::Tool(command) => command.clone(),
        Account::Password { user, hash } => {
            let mut command = Command::new(["chpasswd", "-e"]);
            command.stdin = Some(Secret::new(format!("{user}:{}\n", hash.expose()).into_bytes()));
            command
        }
    };
    let tool = command.argv.first().cloned().unwrap_or_default();
    if root != Path::new("/") {
        let option = match tool.as_str() {
            "useradd" | "usermod" | "userdel" | "groupadd" | "groupmod" | "groupdel" => "--prefix",
            "chpasswd" | "chage" => "--root",
            _ => {
                let why = "this tool cannot be pointed at a root directory".into();
                return Err(HostError::Unsupported { what: command.shown(), why });
            }
        };
        command.argv.splice(1..1, [option.to_owned(), root.display().to_string()]);
    }
    let output =
        program::run(Path::new("/"), &command).map_err(|error| HostError::io("run", Path::new(&tool), error))?;
    if output.ok() { Ok(output) } else { Err(HostError::program(&command, &output)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_refuses_is_an_error_with_its_words() {
        let command = Command::new(["sh", "-c", "echo group 'x' is in use >&2; exit 4"]);
        let error = alter(Path::new("/"), &Account::Tool(command)).expect_err("refused").to_string();
        assert!(error.ends_with("ended with 4: group x is in use"), "{error}");
        alter(Path::new("/"), &Account::Tool(Command::new(["true"]))).expect("benign twin");
    }
}
