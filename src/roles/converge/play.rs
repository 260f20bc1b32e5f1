//! A play: who it is for, its variables, its parts, its end.

use super::error::{ConvergeError, Stop};
use super::events::{Event, Status};
use super::run::{Run, Scene};
use super::view::View;
use crate::roles::facts::Wanted;
use crate::roles::load::{Frame, Item, Play, Refusal, Role, RoleRun, Said};
use crate::roles::template::TemplateError;
use crate::roles::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A play whose scene is set.
pub(super) struct Entered {
    pub(super) name: String,
    hosts: String,
    /// Whether it is for this host.
    pub(super) meant: bool,
}

impl Run<'_> {
    /// Runs a play.
    pub(super) fn play(&mut self, play: &Play) -> Result<(), Stop> {
        let entered = self.enter(play)?;
        let name = entered.name;
        if !entered.meant {
            self.observer.event(&Event::PlaySkipped { name: &name, hosts: &entered.hosts });
            return Ok(());
        }
        self.observer.event(&Event::Play { name: &name });
        self.gather(play);
        self.recall();
        let mut end = Ok(());
        for (index, part) in play.parts().into_iter().enumerate() {
            end = self.items(&part);
            if index > 0 {
                self.scene.recalled.clear();
            }
            end = end.and_then(|()| self.flush());
            if end.is_err() {
                break;
            }
        }
        if matches!(end, Err(Stop::Failed(_))) && self.forced(play) {
            // The first failure is the one that counts.
            let _ = self.flush();
        }
        self.leave();
        end
    }

    /// Sets the scene.
    pub(super) fn enter(&mut self, play: &Play) -> Result<Entered, Stop> {
        let mut handlers: Vec<_> = play.roles.iter().flat_map(|run| run.all_handlers()).collect();
        let mut imported = Vec::new();
        for part in [&play.pre_tasks, &play.tasks, &play.post_tasks] {
            imports(part, &mut imported);
        }
        handlers.extend(play.handlers.iter().cloned());
        handlers.extend(imported.iter().flat_map(|run| run.all_handlers()));
        let public = play.roles.iter().chain(&imported).map(|run| Arc::clone(&run.role));
        self.variables.public = public.filter(|role: &Arc<Role>| role.public).collect();
        self.variables.files = Vec::new();
        let magic = Arc::new(super::magic::of_play(self.input, &self.inventory, play, ""));
        self.scene = Scene::new(&play.directory, magic, handlers);
        let hosts = self.hosts(play)?;
        let name = match &play.frame.name {
            Some(name) => self.play_value(&play.frame, name).map(|name| super::arguments::plain(&name))?,
            None if play.roles.is_empty() || play.hosts.is_some() => hosts.clone(),
            None => play.roles.iter().map(|run| run.role.full_name()).collect::<Vec<_>>().join(", "),
        };
        let meant = matches(&hosts, &self.input.hostname, &self.inventory.own_groups());
        if !meant {
            return Ok(Entered { name, hosts, meant });
        }
        self.scene.magic = Arc::new(super::magic::of_play(self.input, &self.inventory, play, &name));
        if self.gathers(play) {
            self.open_facts(play)?;
        }
        self.prompts(play)?;
        self.vars_files(play)?;
        Ok(Entered { name, hosts, meant })
    }

    fn hosts(&self, play: &Play) -> Result<String, Stop> {
        let Some(said) = &play.hosts else { return Ok("all".into()) };
        let value = self.play_value(&play.frame, &said.value)?;
        Ok(match value {
            Value::List(items) => items.iter().map(super::arguments::plain).collect::<Vec<_>>().join(","),
            other => super::arguments::plain(&other),
        })
    }

    fn gathers(&self, play: &Play) -> bool {
        play.gather_facts.as_ref().is_none_or(|said| {
            self.play_value(&play.frame, &said.value).is_ok_and(|value| super::arguments::truth(&value))
        })
    }

    /// Facts are there to be read from here on; of `gather_subset` those of the subsets, at once.
    fn open_facts(&mut self, play: &Play) -> Result<(), Stop> {
        let subsets: Vec<String> = match &play.gather_subset {
            Some(said) => match self.play_value(&play.frame, &said.value)? {
                Value::List(items) => items.iter().map(super::arguments::plain).collect(),
                other => super::arguments::plain(&other).split(',').map(|subset| subset.trim().to_owned()).collect(),
            },
            None => Vec::new(),
        };
        if subsets.iter().all(|subset| subset == "all") {
            self.variables.facts.open();
            return Ok(());
        }
        let facts = self.variables.facts.gather(self.host.observe(), &Wanted::of(subsets));
        let facts = facts.map_err(|message| {
            let place = play.gather_subset.as_ref().map_or_else(|| play.place.clone(), |said| said.place.clone());
            ConvergeError::Refused(vec![Refusal::new(message, place)])
        })?;
        self.variables.facts.add(&facts);
        Ok(())
    }

    /// `vars_prompt`: the defaults of what `-e` does not give.
    fn prompts(&mut self, play: &Play) -> Result<(), Stop> {
        let mut answers = Map::new();
        for prompt in &play.prompts {
            let key = Key::from(prompt.name.as_str());
            if self.variables.extra.contains_key(&key) {
                continue;
            }
            let Some(default) = &prompt.default else {
                let message = format!("`vars_prompt` asks for `{}`, and nobody is there to answer", prompt.name);
                let refusal = Refusal::new(message, prompt.place.clone());
                return Err(ConvergeError::Refused(vec![refusal.hint("give it with -e, or a default")]).into());
            };
            answers.insert(key, self.play_value(&play.frame, &default.value)?);
        }
        if !answers.is_empty() {
            self.variables.files.push(Arc::new(answers));
        }
        Ok(())
    }

    /// Facts are gathered when first read; the task is told of as Ansible tells of it.
    fn gather(&mut self, play: &Play) {
        let tags = super::tags::Selection { only: &self.input.tags, skip: &self.input.skip_tags };
        if !self.gathers(play) || !tags.selects(&BTreeSet::from(["always".to_owned()])) {
            return;
        }
        self.recap.ok += 1;
        let (name, place) = ("Gathering Facts", &play.place);
        self.observer.event(&Event::Task { name, role: None, place, handler: false, include: false });
        let result = serde_json::json!({ "changed": false });
        self.observer.event(&Event::Result {
            status: Status::Ok,
            item: None,
            result: &result,
            diff: &[],
            changes: &[],
            hidden: false,
            undecided: None,
            shown: false,
        });
    }

    fn forced(&self, play: &Play) -> bool {
        play.force_handlers.as_ref().map_or(self.input.force_handlers, |said| {
            self.play_value(&play.frame, &said.value).is_ok_and(|value| super::arguments::truth(&value))
        })
    }

    /// Reads `vars_files`: each entry, or the first of a list of names that exists.
    fn vars_files(&mut self, play: &Play) -> Result<(), Stop> {
        for said in &play.vars_files {
            let value = self.play_value(&play.frame, &said.value)?;
            let names: Vec<String> = match &value {
                Value::List(items) => items.iter().map(super::arguments::plain).collect(),
                other => vec![super::arguments::plain(other)],
            };
            let map = self.first_vars_file(play, &names, said)?;
            self.variables.files.push(Arc::new(map));
        }
        Ok(())
    }

    fn first_vars_file(&self, play: &Play, names: &[String], said: &Said) -> Result<Map, ConvergeError> {
        let candidates = names.iter().flat_map(|name| {
            [play.directory.join("vars").join(name), play.directory.join(name)]
                .map(|path| crate::roles::load::tidy(&path))
        });
        for path in candidates {
            if self.loader.source().is_file(&path) {
                return Ok(self.loader.vars_file(&path)?);
            }
        }
        Err(crate::roles::load::LoadError::Missing {
            kind: "variables file",
            name: names.join(", "),
            searched: vec![self.loader.shown(&play.directory)],
            place: Some(said.place.clone()),
        }
        .into())
    }

    /// A value of the play itself, evaluated.
    pub(super) fn play_value(&self, frame: &Frame, value: &Value) -> Result<Value, TemplateError> {
        let view = View {
            loader: self.loader,
            templar: self.templar,
            remote: self.remote,
            host: self.host.observe(),
            asked: None,
            facts: self.variables.facts.clone(),
            environment: &self.input.environment,
            frame,
            directory: &self.scene.directory,
            playbook: &self.scene.directory,
            start: self.input.directory.as_deref(),
            local: &Map::new(),
            hidden: &[],
            magic: Arc::clone(&self.scene.magic),
            layers: self.variables.layers(frame, false),
            host_layers: self.variables.host_layers(),
            extra: Map::new(),
        };
        view.render(value)
    }
}

/// The roles that tasks import, in order.
pub(super) fn imports(items: &[Item], into: &mut Vec<Arc<RoleRun>>) {
    for item in items {
        match item {
            Item::Task(_) => {}
            Item::Block(block) => {
                [&block.items, &block.rescue, &block.always].into_iter().for_each(|part| imports(part, into));
            }
            Item::Imported(items) => imports(items, into),
            Item::Role(run) => {
                into.push(Arc::clone(run));
                imports(&run.items, into);
            }
        }
    }
}

/// Whether a pattern of hosts means this host: names, groups and wildcards, with `!` and `&`.
fn matches(pattern: &str, host: &str, groups: &[String]) -> bool {
    let means = |word: &str| {
        matches!(word, "all" | "*" | "localhost" | "127.0.0.1")
            || word == host
            || groups.iter().any(|g| g == word)
            || word == "ungrouped" && groups.is_empty()
            || word.split_once('*').is_some_and(|(head, tail)| {
                let fits = |name: &str| {
                    name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
                };
                fits(host) || groups.iter().any(|group| fits(group))
            })
    };
    let words: Vec<&str> = pattern.split([',', ':']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let plain: Vec<&&str> = words.iter().filter(|word| !word.starts_with(['!', '&'])).collect();
    (plain.is_empty() || plain.iter().any(|word| means(word)))
        && words.iter().filter_map(|word| word.strip_prefix('!')).all(|word| !means(word))
        && words.iter().filter_map(|word| word.strip_prefix('&')).all(means)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_of_hosts() {
        let groups = ["web".to_owned(), "prod".to_owned()];
        for (pattern, want) in [
            ("all", true),
            ("web", true),
            ("db", false),
            ("web:&prod", true),
            ("all:!web", false),
            ("w*", true),
            ("a,b", false),
        ] {
            assert_eq!(matches(pattern, "node1", &groups), want, "{pattern}");
        }
    }
}
