//! A task on its way: what is installed, what pip is told, and what it said.

use super::Asked;
use super::programs::{failed, list};
use crate::host::{Change, Effect};
use crate::roles::modules::{Eyes, Failed, Plan, words};
use crate::roles::value::Value;
use std::sync::Arc;

/// A task on its way: the environment made so far, and what was said.
pub(super) struct Work {
    pub(super) asked: Arc<Asked>,
    pub(super) made: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Work {
    pub(super) fn install(mut self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = Arc::clone(&self.asked);
        let pip = asked.pip(eyes)?;
        let installed = asked.installed(eyes, &pip)?;
        let verb: &[&str] = match asked.state.as_str() {
            "absent" => &["uninstall", "-y"],
            "latest" => &["install", "-U"],
            "forcereinstall" => &["install", "-U", "--force-reinstall"],
            _ => &["install"],
        };
        let mut words = pip.clone();
        words.extend(verb.iter().map(|word| (*word).to_owned()));
        words.extend(asked.extra.iter().cloned());
        match &asked.requirements {
            Some(file) => words.extend(["-r".to_owned(), file.clone()]),
            None => words.extend(asked.packages.iter().map(|package| package.text.clone())),
        }
        if asked.stands(&installed) {
            let made = self.made;
            return Ok(self.told(eyes, &words, made));
        }
        let change = Change::Run(asked.command(eyes, &words));
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
            let Some(output) = effects.first().and_then(|effect| effect.output.clone()) else {
                return Ok(self.told(eyes, &words, true));
            };
            let (out, error) = (output.text(), String::from_utf8_lossy(&output.stderr).into_owned());
            let absent = self.asked.state == "absent";
            let was_not = output.code == 1 && absent && format!("{out}{error}").contains("not installed");
            if !output.ok() && !was_not {
                return Err(failed(&words, &output));
            }
            let by_list = self.asked.requirements.is_some() || self.asked.names.iter().any(|name| is_repository(name));
            let changed = match (absent, by_list) {
                (true, _) => out.contains("Successfully uninstalled"),
                (false, true) => self.asked.installed(eyes, &pip)? != installed,
                (false, false) => out.contains("Successfully installed"),
            };
            self.stdout.push_str(&out);
            self.stderr.push_str(&error);
            let changed = changed || self.made;
            Ok(self.told(eyes, &words, changed))
        };
        Ok(Plan { changes: vec![change], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() })
    }

    pub(super) fn told(self, eyes: &Eyes<'_>, words: &[String], changed: bool) -> Plan {
        let asked = &self.asked;
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::str(text.as_str()));
        let names = if asked.names.is_empty() { Value::Null } else { list(&asked.names) };
        Plan { changed: Some(changed), ..Plan::default() }
            .with("cmd", list(words))
            .with("name", names)
            .with("version", text(&asked.version))
            .with("state", asked.state.as_str())
            .with("requirements", text(&asked.requirements))
            .with("virtualenv", text(&asked.environment(eyes)))
            .with("stdout", self.stdout.as_str())
            .with("stdout_lines", Value::list(words::lines(&self.stdout).into_iter().map(Value::str)))
            .with("stderr", self.stderr.as_str())
            .with("stderr_lines", Value::list(words::lines(&self.stderr).into_iter().map(Value::str)))
    }
}

fn is_repository(name: &str) -> bool {
    ["svn+", "git+", "hg+", "bzr+"].iter().any(|start| name.starts_with(start))
}
