//! `alternatives`: which program a name stands for, through the machine's `update-alternatives`.

use super::programs::all_well;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::Command;
use crate::roles::value::Value;
use fancy_regex::Regex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

/// `alternatives`.
pub static SPEC: Spec = Spec {
    name: "community.general.alternatives",
    aliases: &[],
    summary: "Manages which program a name stands for.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The name.").required(),
        Param::new("path", ParamKind::Path, "The program."),
        Param::new("family", ParamKind::Str, "A family of alternatives, where the tool knows them."),
        Param::new("link", ParamKind::Path, "The link that stands for it."),
        Param::new("priority", ParamKind::Int, "Its priority; 50 where it has none."),
        Param::new("state", ParamKind::Str, "Whether it is there, and chosen.")
            .default("selected")
            .choices(&["present", "selected", "absent", "auto"]),
        Param::new("subcommands", ParamKind::AnyList, "Links that go with it.").aliases(&["slaves"]),
    ],
    file_attributes: false,
    examples: &[],
};

static MODE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$").expect("it is one"));
static POINTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*link currently points to (.*)$").expect("it is one"));
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\s*link \w+ is (.*)$").expect("it is one"));
static FOLLOWER_LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*(?:slave|follower) (\S+) is (.*)$").expect("it is one"));
static ALTERNATIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(/.*)\s-\s(?:family\s(\S+)\s)?priority\s(\d+)((?:\s+(?:slave|follower).*)*)").expect("it is one")
});
static FOLLOWER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s+(?:slave|follower) (.*): (.*)$").expect("it is one"));

/// A link that goes with an alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Follower {
    name: String,
    path: String,
    link: String,
}

/// An alternative that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Alternative {
    priority: i64,
    family: String,
    followers: Vec<Follower>,
}

/// What `update-alternatives --display` says.
#[derive(Default)]
struct Display {
    mode: Option<String>,
    path: Option<String>,
    link: Option<String>,
    all: BTreeMap<String, Alternative>,
}

impl Display {
    fn read(text: &str, given: &[Follower]) -> Self {
        let one = |regex: &Regex| {
            let found = regex.captures(text).ok().flatten()?;
            Some(found.get(1)?.as_str().to_owned())
        };
        let Some(mode) = one(&MODE) else { return Self::default() };
        let mut links: BTreeMap<String, String> =
            FOLLOWER_LINK.captures_iter(text).flatten().map(|c| (c[1].to_owned(), c[2].to_owned())).collect();
        if links.is_empty() {
            links = given.iter().map(|follower| (follower.name.clone(), follower.link.clone())).collect();
        }
        let followers = |text: &str| -> Vec<Follower> {
            let all = FOLLOWER.captures_iter(text).flatten().filter(|c| &c[2] != "(null)");
            all.map(|c| Follower {
                name: c[1].to_owned(),
                path: c[2].to_owned(),
                link: links.get(&c[1]).cloned().unwrap_or_default(),
            })
            .collect()
        };
        let all = ALTERNATIVE.captures_iter(text).flatten().map(|c| {
            let part = |at: usize| c.get(at).map_or("", |part| part.as_str());
            let alternative = Alternative {
                priority: part(3).parse().unwrap_or_default(),
                family: part(2).to_owned(),
                followers: followers(part(4)),
            };
            (part(1).to_owned(), alternative)
        });
        Self { mode: Some(mode), path: one(&POINTS), link: one(&LINK), all: all.collect() }
    }
}

struct Alternatives {
    name: String,
    path: Option<String>,
    family: Option<String>,
    link: Option<String>,
    priority: Option<i64>,
    state: String,
    followers: Option<Vec<Follower>>,
}

/// Reads the arguments.
pub fn alternatives(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let followers = match args.value("subcommands") {
        None => None,
        Some(list) => {
            let mut all = Vec::new();
            for entry in list.as_list().unwrap_or_default() {
                let part = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
                let (Some(name), Some(path), Some(link)) = (part("name"), part("path"), part("link")) else {
                    return Err(args.wrong("subcommands", "each has a name, a path and a link"));
                };
                all.push(Follower { name, path, link });
            }
            Some(all)
        }
    };
    let alternatives = Alternatives {
        name: args.must("name")?,
        path: args.text("path"),
        family: args.text("family"),
        link: args.text("link"),
        priority: args.int("priority"),
        state: args.must("state")?,
        followers,
    };
    if alternatives.path.is_none() && alternatives.family.is_none() {
        return Err(args.together("one of the following is required: path, family"));
    }
    Ok(Box::new(alternatives))
}

impl Alternatives {
    fn needs_install(&self, display: &Display) -> bool {
        let Some(path) = &self.path else { return false };
        let Some(have) = display.all.get(path) else { return true };
        let same = |wanted: &Vec<Follower>| {
            wanted.iter().all(|one| have.followers.contains(one))
                && have.followers.iter().all(|one| wanted.contains(one))
        };
        self.priority.is_some_and(|priority| priority != have.priority)
            || self.followers.as_ref().is_some_and(|wanted| !same(wanted))
    }

    fn install(&self, eyes: &Eyes<'_>, display: &Display) -> Result<Vec<String>, Failed> {
        let path = self.path.clone().unwrap_or_default();
        if !eyes.exists(&path)? {
            return Err(Failed::new(format!("Specified path {path} does not exist")));
        }
        let link = self.link.clone().or_else(|| display.link.clone()).filter(|link| !link.is_empty());
        let link = link.ok_or_else(|| {
            Failed::new("Needed to install the alternative, but unable to do so as we are missing the link")
        })?;
        let have = display.all.get(&path);
        let priority = self.priority.or(have.map(|have| have.priority)).unwrap_or(50);
        let mut words = vec!["--install".to_owned(), link, self.name.clone(), path.clone(), priority.to_string()];
        words.extend(self.family.iter().flat_map(|family| ["--family".to_owned(), family.clone()]));
        for follower in self.followers.iter().flatten() {
            words.extend(["--slave".to_owned(), follower.link.clone(), follower.name.clone(), follower.path.clone()]);
        }
        Ok(words)
    }
}

impl Module for Alternatives {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let output = eyes.ask(["update-alternatives", "--display", &self.name])?;
        let given = self.followers.clone().unwrap_or_default();
        let display = if output.ok() { Display::read(&output.text(), &given) } else { Display::default() };
        let (mut steps, mut said): (Vec<Vec<String>>, Vec<String>) = (Vec::new(), Vec::new());
        let path = self.path.clone().unwrap_or_default();
        let name = &self.name;
        if self.state == "absent" {
            if display.all.contains_key(&path) {
                steps.push(vec!["--remove".into(), name.clone(), path.clone()]);
                said.push(format!("Remove alternative '{path}' from '{name}'."));
            }
        } else {
            if self.needs_install(&display) {
                steps.push(self.install(eyes, &display)?);
                said.push(format!("Install alternative '{path}' for '{name}'."));
            }
            let same_path = self.path.is_some() && display.path == self.path;
            let current = display.path.as_ref().and_then(|path| display.all.get(path));
            let same_family = current.is_some_and(|current| Some(&current.family) == self.family.as_ref());
            if self.state == "selected" && !same_path && !same_family {
                let choice = self.path.clone().or_else(|| self.family.clone()).unwrap_or_default();
                said.push(format!("Set alternative '{choice}' for '{name}'."));
                steps.push(vec!["--set".into(), name.clone(), choice]);
            }
            if self.state == "auto" && display.mode.as_deref() == Some("manual") {
                steps.push(vec!["--auto".into(), name.clone()]);
                said.push(format!("Set alternative to auto for '{name}'."));
            }
        }
        let commands: VecDeque<Command> = steps
            .into_iter()
            .map(|words| eyes.command(std::iter::once("update-alternatives".to_owned()).chain(words)))
            .collect();
        let last = Plan { changed: Some(!commands.is_empty()), ..Plan::default() }.with("msg", said.join(" "));
        Ok(all_well(commands, last))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::{Value as Json, json};

    const DISPLAY: &str = "editor - auto mode\n  link best version is /bin/nano\n  link currently points to /bin/nano\n  \
                           link editor is /usr/bin/editor\n  slave editor.1.gz is /usr/share/man/editor.1.gz\n/bin/ed - \
                           priority -100\n/bin/nano - priority 40\n  slave editor.1.gz: /usr/share/man/nano.1.gz\n\
                           /usr/bin/vim - priority 30\n";

    fn machine() -> Fake {
        Fake::default()
            .file("/bin/nano", "")
            .file("/usr/bin/vim", "")
            .file("/bin/micro", "")
            .answer("update-alternatives --display editor", 0, DISPLAY)
            .answer("update-alternatives --display manual", 0, &DISPLAY.replace("auto mode", "manual mode"))
            .answer("update-alternatives --display none", 2, "")
    }

    fn all(mut arguments: Json) -> (Vec<String>, String) {
        if arguments.get("name").is_none() {
            arguments["name"] = json!("editor");
        }
        let mut done = Vec::new();
        let mut now = plan(&machine(), "alternatives", arguments).expect("plan");
        while !now.changes.is_empty() {
            done.extend(changes(&now).into_iter().map(|line| line.replace("update-alternatives ", "")));
            now = follow(now, &machine(), &[(0, "", "")]).expect("next");
        }
        let said = now.result[&Key::from("msg")].as_str().unwrap_or_default().to_owned();
        assert_eq!(now.changed, Some(!done.is_empty()));
        (done, said)
    }

    #[test]
    fn alternatives_are_installed_and_chosen() {
        assert_eq!(all(json!({"path": "/bin/nano"})).0, Vec::<String>::new());
        let vim = all(json!({"path": "/usr/bin/vim"}));
        assert_eq!(
            vim,
            (vec!["--set editor /usr/bin/vim".into()], "Set alternative '/usr/bin/vim' for 'editor'.".into())
        );
        assert_eq!(
            all(json!({"path": "/bin/micro", "priority": 60, "state": "present"})).0,
            ["--install /usr/bin/editor editor /bin/micro 60"]
        );
        let new = all(json!({"name": "none", "path": "/bin/micro", "link": "/usr/bin/none", "subcommands": [
            {"name": "none.1", "path": "/m/micro.1", "link": "/m/none.1"}]}));
        assert_eq!(
            new.0,
            ["--install /usr/bin/none none /bin/micro 50 --slave /m/none.1 none.1 /m/micro.1", "--set none /bin/micro"]
        );
        let same = json!({"path": "/bin/nano", "priority": 40, "slaves": [{"name": "editor.1.gz",
            "path": "/usr/share/man/nano.1.gz", "link": "/usr/share/man/editor.1.gz"}]});
        assert_eq!(all(same).0, Vec::<String>::new());
        assert_eq!(all(json!({"path": "/bin/nano", "state": "absent"})).0, ["--remove editor /bin/nano"]);
        assert_eq!(all(json!({"path": "/bin/none", "state": "absent"})).0, Vec::<String>::new());
        assert_eq!(all(json!({"name": "manual", "path": "/bin/nano", "state": "auto"})).0, ["--auto manual"]);
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        let ask = |arguments| plan(&machine(), "alternatives", arguments).err().expect("refused").message;
        assert_eq!(ask(json!({"name": "editor", "path": "/bin/gone"})), "Specified path /bin/gone does not exist");
        assert!(ask(json!({"name": "none", "path": "/bin/nano"})).contains("missing the link"));
        assert!(ask(json!({"name": "none"})).contains("path, family"));
        let set = plan(&machine(), "alternatives", json!({"name": "editor", "path": "/usr/bin/vim"})).expect("plan");
        let failed = follow(set, &machine(), &[(2, "", "error: no alternatives\n")]).err().expect("failed");
        assert_eq!(failed.message, "error: no alternatives");
    }
}
