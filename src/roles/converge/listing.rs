//! What a run would go through, as `--list-tasks` tells it: tasks that tags select, with their tags.

use super::error::{ConvergeError, Stop};
use super::events::Event;
use super::refuse::all_tasks;
use super::run::Run;
use crate::roles::load::{Item, Play, Playbook};
use std::collections::BTreeSet;
use std::fmt::Write;

impl Run<'_> {
    /// Tells of every play that is meant, and alters nothing.
    pub(super) fn list(&mut self, playbook: &Playbook) -> Result<(), ConvergeError> {
        for (number, play) in playbook.plays.iter().enumerate() {
            match self.list_play(number + 1, play) {
                Ok(()) | Err(Stop::EndPlay | Stop::EndRole(_)) => {}
                Err(Stop::Failed(failure)) => return Err(ConvergeError::Task(failure)),
                Err(Stop::Fatal(error)) => return Err(*error),
            }
        }
        Ok(())
    }

    fn list_play(&mut self, number: usize, play: &Play) -> Result<(), Stop> {
        let entered = self.enter(play)?;
        if !entered.meant {
            return Ok(());
        }
        let tags = self.rendered_tags(&play.frame.tags, |value| self.play_value(&play.frame, value))?;
        let (host, name) = (&self.input.hostname, &entered.name);
        let mut text = format!("\n  play #{number} ({host}): {name}\tTAGS: [{}]\n    tasks:\n", joined(&tags));
        let items: Vec<Item> = play.parts().concat();
        for task in all_tasks(&items) {
            if self.selected(&task)? {
                let role = task.frame.role().map(|role| format!("{} : ", role.full_name())).unwrap_or_default();
                let (title, tags) = (self.title(&task), joined(&self.tags_of(&task)?));
                let _ = writeln!(text, "      {role}{title}\tTAGS: [{tags}]");
            }
        }
        self.observer.event(&Event::Listing(&text));
        Ok(())
    }
}

fn joined(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
