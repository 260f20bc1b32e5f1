//! `rhsm_repository`: which repositories of a Red Hat subscription are on.

use super::programs::run;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::fnmatch::{is_pattern, matches};
use crate::host::Output;
use crate::roles::value::Value;

/// `rhsm_repository`.
pub static SPEC: Spec = Spec {
    name: "community.general.rhsm_repository",
    aliases: &[],
    summary: "Turns repositories of a subscription on and off.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "Their identifiers, or patterns of them.").required(),
        Param::new("state", ParamKind::Str, "Whether they are on.")
            .default("enabled")
            .choices(&["enabled", "disabled"]),
        Param::new("purge", ParamKind::Bool, "Turn off those that are not named.").default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Repositories {
    names: Vec<String>,
    on: bool,
    purge: bool,
}

/// Reads the arguments.
pub fn repositories(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let mut names: Vec<String> = Vec::new();
    for name in args.texts("name") {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(Box::new(Repositories { names, on: args.must("state")? == "enabled", purge: args.flag("purge") }))
}

#[derive(Clone, Debug, Default)]
struct Repository {
    id: String,
    name: String,
    url: String,
    on: bool,
}

impl Repository {
    fn list(text: &str) -> Vec<Self> {
        let mut all = Vec::new();
        let mut now = Self::default();
        for line in text.lines() {
            let Some((label, value)) = line.split_once(": ") else { continue };
            let value = value.trim_start().to_owned();
            match label {
                "Repo ID" => now.id = value,
                "Repo Name" => now.name = value,
                "Repo URL" => now.url = value,
                "Enabled" => all.push(Self { on: value == "1", ..now.clone() }),
                _ => {}
            }
        }
        all
    }

    fn shown(&self) -> Value {
        Value::map([
            ("id", Value::str(self.id.as_str())),
            ("name", Value::str(self.name.as_str())),
            ("url", Value::str(self.url.as_str())),
            ("enabled", Value::Bool(self.on)),
        ])
    }

    fn said(&self) -> String {
        format!("Repository '{}' is {} for this system", self.id, if self.on { "enabled" } else { "disabled" })
    }
}

fn judged(output: &Output) -> Result<String, Failed> {
    let text = output.text();
    if output.ok() && text == "This system has no repositories available through subscriptions.\n" {
        return Err(Failed::new("This system has no repositories available through subscriptions"));
    }
    if !output.ok() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failed::new(format!("subscription-manager failed with the following error: {error}")));
    }
    Ok(text)
}

impl Module for Repositories {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut all = Repository::list(&judged(&eyes.ask(["subscription-manager", "repos", "--list"])?)?);
        let (mut words, mut said, mut changed) = (Vec::new(), Vec::new(), false);
        let is = |name: &String, id: &str| if is_pattern(name) { matches(name, id) } else { name == id };
        for name in &self.names {
            let mut found = false;
            for repository in all.iter_mut().filter(|repository| is(name, &repository.id)) {
                found = true;
                changed |= repository.on != self.on;
                repository.on = self.on;
                words.extend([if self.on { "--enable" } else { "--disable" }.to_owned(), repository.id.clone()]);
                said.push(repository.said());
            }
            if !found {
                let message = format!("{name} is not a valid repository ID");
                return Err(Failed::new(message.clone()).with("results", Value::list([Value::str(message)])));
            }
        }
        for repository in all.iter_mut().filter(|one| self.purge && one.on && !self.names.contains(&one.id)) {
            changed = true;
            repository.on = false;
            words.extend(["--disable".to_owned(), repository.id.clone()]);
            said.push(repository.said());
        }
        let list = |lines: Vec<String>| Value::list(lines.into_iter().map(Value::str));
        let plan = Plan { changed: Some(changed), ..Plan::default() }
            .with("repositories", Value::list(all.iter().map(Repository::shown)));
        if !changed {
            return Ok(plan.with("results", list(said)));
        }
        let command = ["subscription-manager".to_owned(), "repos".to_owned()].into_iter().chain(words);
        Ok(run(eyes.command(command), move |_, output| {
            let lines = match output {
                Some(output) => judged(output)?.lines().map(str::to_owned).collect(),
                None => said,
            };
            Ok(plan.with("results", list(lines)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    const LIST: &str = "+-----+\n    Available Repositories in /etc/yum.repos.d/redhat.repo\n+-----+\nRepo ID:   base\n\
                        Repo Name: Base\nRepo URL:  https://x/base\nEnabled:   1\n\nRepo ID:   extra-1\nRepo Name: E\n\
                        Repo URL:  https://x/e\nEnabled:   0\n";

    fn machine() -> Fake {
        Fake::default().answer("subscription-manager repos --list", 0, LIST)
    }

    #[test]
    fn repositories_are_turned_on_and_off() {
        let ask = |arguments| changes(&plan(&machine(), "rhsm_repository", arguments).expect("plan")).join(", ");
        assert_eq!(ask(json!({"name": "base"})), "");
        assert_eq!(ask(json!({"name": "extra-*"})), "subscription-manager repos --enable extra-1");
        assert_eq!(ask(json!({"name": "base", "state": "disabled"})), "subscription-manager repos --disable base");
        assert_eq!(
            ask(json!({"name": "extra-1", "purge": true})),
            "subscription-manager repos --enable extra-1 --disable base"
        );
        let on = plan(&machine(), "rhsm_repository", json!({"name": "extra-1"})).expect("plan");
        let done = follow(on, &machine(), &[(0, "Repository 'extra-1' is enabled for this system.\n", "")]);
        let done = done.expect("done");
        assert_eq!(done.result[&Key::from("repositories")].to_json()[1]["enabled"], json!(true));
        assert_eq!(done.changed, Some(true));
    }

    #[test]
    fn failures_are_told() {
        let ask =
            |machine: &Fake, arguments| plan(machine, "rhsm_repository", arguments).err().expect("refused").message;
        assert_eq!(ask(&machine(), json!({"name": "none"})), "none is not a valid repository ID");
        let bare = Fake::default().answer("subscription-manager repos --list", 1, "");
        assert!(ask(&bare, json!({"name": "a"})).starts_with("subscription-manager failed"));
    }
}
