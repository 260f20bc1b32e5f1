//! Acts on systemd units through `systemctl`.

use super::program;
use crate::host::{Command, HostError, Output, UnitAction};
use std::path::Path;

impl UnitAction {
    /// `systemctl`'s word for it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Mask => "mask",
            Self::Unmask => "unmask",
            Self::DaemonReload => "daemon-reload",
            Self::DaemonReexec => "daemon-reexec",
        }
    }

    /// Whether it only makes and removes links below `/etc`, which needs no running systemd.
    pub fn is_offline(self) -> bool {
        matches!(self, Self::Enable | Self::Disable | Self::Mask | Self::Unmask)
    }
}

/// Acts on a unit; that systemctl refused is an error with what it said. On another root than `/`, which has no
/// running systemd, links are made by `systemctl --root`, and the rest is refused by name.
pub fn act(
    root: &Path,
    name: &str,
    action: UnitAction,
    scope: Option<&str>,
    no_block: bool,
) -> Result<Output, HostError> {
    let mut argv = vec!["systemctl".to_owned()];
    if root != Path::new("/") {
        if !action.is_offline() {
            return Err(HostError::Unsupported {
                what: format!("systemctl {} {name}", action.verb()),
                why: "a root directory has no running systemd".into(),
            });
        }
        argv.push(format!("--root={}", root.display()));
    }
    argv.extend(scope.map(|scope| format!("--{scope}")));
    argv.extend(no_block.then(|| "--no-block".to_owned()));
    argv.push(action.verb().into());
    argv.extend((!name.is_empty()).then(|| name.to_owned()));
    let mut command = Command::new(argv);
    if scope == Some("user") && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        let runtime = format!("/run/user/{}", nix::unistd::geteuid());
        command.environment.push(("XDG_RUNTIME_DIR".into(), runtime));
    }
    let output =
        program::run(Path::new("/"), &command).map_err(|error| HostError::io("run", Path::new("systemctl"), error))?;
    if output.ok() { Ok(output) } else { Err(HostError::program(&command, &output)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_directory_has_no_running_units() {
        let root = tempfile::tempdir().expect("root");
        let error = act(root.path(), "a.service", UnitAction::Start, None, false).expect_err("refused");
        assert!(matches!(error, HostError::Unsupported { ref what, .. } if what == "systemctl start a.service"));
    }
}
