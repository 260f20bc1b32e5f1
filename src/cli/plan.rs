//! `muster plan` and `muster apply`: what the roles would alter, to be reviewed, and done just so.

use super::print;
use super::selection::Selection;
use crate::boot::{Ended, Planning};
use crate::failure::{Failure, Stage};
use crate::roles::plan::{PlanFile, Step};
use std::fmt::Write;
use std::path::PathBuf;

/// The exit code of a plan that has something to do.
pub(super) const CHANGES: u8 = 2;

/// Show what the roles would alter, and alter nothing
#[derive(clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    selection: Selection,
    /// Write the plan, for `muster apply`
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Do what a reviewed plan has, and nothing else
#[derive(clap::Args)]
pub(crate) struct Apply {
    /// The plan, written by `muster plan -o FILE` with the same arguments
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// Let tasks that the plan could not decide do what they turn out to do
    #[arg(long)]
    allow_undecided: bool,
}

impl Plan {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let json = self.selection.json();
        let ended = self.selection.run(Planning::Plan, &mut ())?;
        let Ended::Planned { plan } = ended else {
            return Err(Failure::message(Stage::Internal, "a plan was asked for, and something else was done"));
        };
        if let Some(path) = &self.output {
            plan.write(path).map_err(|error| Failure::new(Stage::State, error))?;
        }
        if json {
            print(&format!("{}\n", serde_json::to_string(&plan).unwrap_or_default()));
        } else {
            print(&text(&plan));
        }
        Ok(if plan.is_empty() { 0 } else { CHANGES })
    }
}

impl Apply {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let reviewed = PlanFile::read(&self.plan).map_err(|error| Failure::new(Stage::Usage, error))?;
        let (local, json) = (self.selection.is_local(), self.selection.json());
        let mut progress = self.selection.progress(false);
        let planning = Planning::Apply { reviewed: Box::new(reviewed), undecided: self.allow_undecided };
        let ended = self.selection.run(planning, &mut progress);
        if local { ended.map(|_| 0) } else { super::boot::told(ended, json) }
    }
}

/// A plan for people.
pub(super) fn text(plan: &PlanFile) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        write_step(&mut text, step);
    }
    let undecided = plan.undecided().len();
    let sure = plan.steps.len() - undecided;
    let _ = match (sure, undecided) {
        (0, 0) => writeln!(text, "nothing to do: {} tasks hold already", plan.recap.ok),
        (sure, 0) => writeln!(text, "{sure} to do"),
        (sure, undecided) => writeln!(text, "{sure} to do, {undecided} decided at apply"),
    };
    text
}

fn write_step(text: &mut String, step: &Step) {
    let mark = match (&step.undecided, step.handler) {
        (Some(_), _) => '?',
        (None, true) => '!',
        (None, false) => '~',
    };
    let kind = if step.handler { "handler " } else { "" };
    let _ = writeln!(text, "{mark} {kind}{step}  ({})", step.place);
    if let Some(why) = &step.undecided {
        let _ = writeln!(text, "    decided at apply: {why}");
    }
    for change in &step.changes {
        let _ = writeln!(text, "    {change}");
    }
    for diff in &step.diff {
        for line in super::diff::unified(diff).lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::Diff;

    #[test]
    fn a_plan_reads_as_a_list_of_changes() {
        let diff = Diff {
            before_header: "/etc/motd".into(),
            before: Some("a\nb\n".into()),
            after_header: "/etc/motd".into(),
            after: Some("a\nc\n".into()),
        };
        let step = |json: serde_json::Value| serde_json::from_value::<Step>(json).expect("a step");
        let sure = step(serde_json::json!({"task": "motd", "role": "common", "place": "a.yml:1:3",
            "changes": ["write /etc/motd"], "diff": [diff]}));
        let open = step(serde_json::json!({"task": "restart", "place": "b.yml:2:3", "handler": true,
            "undecided": "a program"}));
        let mut text = String::new();
        write_step(&mut text, &sure);
        write_step(&mut text, &open);
        insta::assert_snapshot!(text, @r"
        ~ common : motd  (a.yml:1:3)
            write /etc/motd
            --- /etc/motd
            +++ /etc/motd
            @@ -1,2 +1,2 @@
             a
            -b
            +c
        ? handler restart  (b.yml:2:3)
            decided at apply: a program
        ");
    }
}
