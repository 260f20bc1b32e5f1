//! What a package task that is to come will install, as far as that is certain before it runs.

use super::arguments::{arguments, environment};
use super::blind::Blind;
use super::install::{Install, alike};
use super::invoke::eyes;
use super::run::{Run, Stage};
use super::view::View;
use crate::host::{Change, Command};
use crate::roles::load::Task;
use crate::roles::modules::{Actor, Failed};
use crate::roles::value::{Map, Value};

/// What is known of a task that is to come.
pub(super) enum Foreseen {
    /// It is passed over, or finds everything as it shall be.
    Nothing,
    /// It installs these.
    Packages(Vec<String>),
    /// It does something else, or it is not certain.
    Unsure,
}

impl Run<'_> {
    /// The items of a task that is to come, as variables; one without a loop has one run.
    pub(super) fn runs(&self, task: &Task) -> Vec<Map> {
        if task.repeat.is_none() {
            return vec![Map::new()];
        }
        let blind = Blind::default();
        let stage = self.stage(task);
        let repeat = self.repeat_in(&stage, View { asked: Some(&blind), ..self.view(&stage) });
        match repeat {
            Ok(Some(repeat)) if !blind.was_asked() && !repeat.items.is_empty() => {
                (0..repeat.items.len()).map(|index| repeat.variables(index)).collect()
            }
            // One that surely ends what is looked at: nothing is known of its items.
            _ => vec![Map::from_iter([("ansible_loop_var".into(), Value::Unknown)])],
        }
    }

    /// What a task that is to come will install, as things stand before this one.
    pub(super) fn foreseen(&self, stage: &Stage<'_>, command: &Command, own: &Install<'_>) -> Foreseen {
        let blind = Blind::default();
        let view = View { asked: Some(&blind), ..self.view(stage) };
        if stage.local.values().any(|value| matches!(value, Value::Unknown)) {
            return Foreseen::Unsure;
        }
        let tags = super::tags::Selection { only: &self.input.tags, skip: &self.input.skip_tags };
        match self.rendered_tags(stage.task.frame.all_tags(), |tag| view.render(tag)) {
            Ok(own) if !blind.was_asked() && !tags.selects(&own) => return Foreseen::Nothing,
            Ok(_) => {}
            Err(_) => return Foreseen::Unsure,
        }
        for said in stage.task.frame.conditions() {
            match view.condition(&said.value, &said.place) {
                Ok(false) if !blind.was_asked() => return Foreseen::Nothing,
                Ok(true) => {}
                _ => return Foreseen::Unsure,
            }
        }
        let changes = arguments(&view, stage.task).and_then(|given| self.changes(stage, &given));
        match changes {
            _ if blind.was_asked() => Foreseen::Unsure,
            Ok(changes) => match changes.as_slice() {
                [] => Foreseen::Nothing,
                [Change::Packages(next)] => match Install::read(next) {
                    Some(install) if install.is_like(own) && alike(next, command) => {
                        Foreseen::Packages(install.packages.to_vec())
                    }
                    _ => Foreseen::Unsure,
                },
                _ => Foreseen::Unsure,
            },
            Err(_) => Foreseen::Unsure,
        }
    }

    /// What its module would alter now.
    fn changes(&self, stage: &Stage<'_>, given: &Map) -> Result<Vec<Change>, Failed> {
        let wrong = |error: crate::roles::modules::ArgError| Failed::new(error.as_answered());
        let Some(row) = stage.task.action.row else { return Err(Failed::new("no module")) };
        let Actor::Host(read) = row.actor else { return Err(Failed::new("the engine's own")) };
        let mut accepted = row.spec.accept(given).map_err(wrong)?;
        let module = read(&mut accepted).map_err(wrong)?;
        let view = self.view(stage);
        let environment = environment(&view, stage.task).map_err(|error| super::view::failed(&error))?;
        let user = self.become_user(stage)?;
        let eyes = eyes(&view, &self.input.hostname, self.remote, &environment, user.as_deref());
        let plan = module.plan(&eyes)?;
        // A package that is there and came for others' sake is only marked; that waits for its own task.
        let marks = |change: &Change| matches!(change, Change::Packages(mark) if mark.argv[0] == "apt-mark");
        let nothing = plan.changed == Some(false) && plan.next.is_none() && plan.changes.iter().all(marks);
        Ok(if nothing { Vec::new() } else { plan.changes })
    }
}
