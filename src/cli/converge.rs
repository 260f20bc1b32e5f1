//! `muster converge`: runs the config repository's roles again; or a local tree's, as `ansible-playbook -c local` does.

use super::boot::told;
use super::selection::Selection;
use crate::boot::Planning;
use crate::failure::Failure;

/// Run the roles again: the config repository's, or a local tree's
#[derive(clap::Args)]
pub struct Converge {
    #[command(flatten)]
    selection: Selection,
    /// Alter nothing, and show what would be altered: `muster plan`, by Ansible's name
    #[arg(long)]
    check: bool,
    /// Show how texts change
    #[arg(long)]
    diff: bool,
    /// List the tasks that tags select, with their tags, and do nothing
    #[arg(long, requires = "tree", conflicts_with = "check")]
    list_tasks: bool,
}

impl Converge {
    /// Runs the command.
    pub fn run(self) -> Result<u8, Failure> {
        let (local, json) = (self.selection.is_local(), self.selection.json());
        let planning = match (self.check, self.list_tasks) {
            (true, _) => Planning::Plan,
            (_, true) => Planning::List,
            _ => Planning::Converge,
        };
        let mut progress = self.selection.progress(self.diff);
        let ended = self.selection.run(planning, &mut progress);
        match local {
            // A local tree's tasks have told everything already, as Ansible tells it.
            true => ended.map(|_| 0),
            false => told(ended, json),
        }
    }
}
