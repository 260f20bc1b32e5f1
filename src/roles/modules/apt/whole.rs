//! The whole system: upgrading everything, removing what nothing needs.

use super::{Apt, Eyes, Failed, Plan, told};
use crate::host::{Change, Command};
use crate::roles::value::{Key, Value};

/// What apt-get says where it does nothing.
pub const NOTHING: Idle = |stdout| stdout.contains("\n0 upgraded, 0 newly installed, 0 to remove");

/// Whether an output tells of nothing done.
type Idle = fn(&str) -> bool;

impl Apt {
    /// Upgrades everything.
    pub fn upgraded(&self, eyes: &Eyes<'_>, mode: &str) -> Result<Plan, Failed> {
        let when = |wanted: bool, word: &'static str| if wanted { word } else { "" };
        let is_dist = matches!(mode, "dist" | "full");
        let words = [
            when(self.force, "--force-yes"),
            when(self.no_remove, "--no-remove"),
            when(self.unauthenticated, "--allow-unauthenticated"),
            when(self.downgrade, "--allow-downgrades"),
            if is_dist { "dist-upgrade" } else { "upgrade" },
            when(!is_dist, "--with-new-pkgs"),
            when(self.autoremove, "--auto-remove"),
        ];
        let release: Vec<String> = self.release.iter().flat_map(|release| ["-t".to_owned(), release.clone()]).collect();
        self.run_unless_idle(eyes, self.apt_get(eyes, &words, &release), NOTHING)
    }

    /// `autoremove` or `autoclean`.
    pub fn tidied(&self, eyes: &Eyes<'_>, operation: &'static str) -> Result<Plan, Failed> {
        let idle: Idle = match operation {
            "autoremove" => |stdout| !stdout.contains("The following packages will be REMOVED"),
            _ => |stdout| !stdout.contains("Del "),
        };
        let when = |wanted: bool, word: &'static str| if wanted { word } else { "" };
        let words = [when(self.purge, "--purge"), when(self.force, "--force-yes"), operation];
        self.run_unless_idle(eyes, self.apt_get(eyes, &words, &[]), idle)
    }

    /// Runs it, unless a simulation shows that it would do nothing.
    pub fn run_unless_idle(&self, eyes: &Eyes<'_>, command: Command, idle: Idle) -> Result<Plan, Failed> {
        let mut simulation = command.clone();
        simulation.argv.insert(1, "--simulate".into());
        let shown = command.shown();
        let output = eyes.query(&simulation)?;
        let finish = move |shown: &str, output: &_| {
            let plan = told(shown, output)?;
            let stdout = plan.result.get(&Key::from("stdout")).and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Plan { changed: Some(!idle(&stdout)), ..plan }.with("msg", stdout))
        };
        let simulated = finish(&shown, &output)?;
        if simulated.changed == Some(false) {
            return Ok(simulated);
        }
        self.run(eyes, command, Box::new(finish))
    }

    /// Empties the archive. As in Ansible, always a change.
    pub fn cleaned(&self, eyes: &Eyes<'_>) -> Plan {
        let command = self.command(eyes, &["apt-get", "clean"]);
        let shown = command.shown();
        let next = move |_: &Eyes<'_>, effects: &[crate::host::Effect]| match effects
            .first()
            .and_then(|e| e.output.as_ref())
        {
            Some(output) => told(&shown, output).map(|plan| Plan { changed: Some(true), ..plan }),
            None => Ok(Plan { changed: Some(true), ..Plan::default() }),
        };
        Plan { changes: vec![Change::Packages(command)], next: Some(Box::new(next)), ..Plan::default() }
    }
}
