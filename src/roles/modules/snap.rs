//! `snap`: snaps are installed from a channel, on, off or gone, through the machine's `snap`.

use super::programs::{asked, run};
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::Command;
use crate::roles::value::{Key, Value};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// `snap`.
pub static SPEC: Spec = Spec {
    name: "community.general.snap",
    aliases: &[],
    summary: "Manages snaps.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "The snaps.").required(),
        Param::new("state", ParamKind::Str, "What becomes of them.")
            .default("present")
            .choices(&["absent", "present", "enabled", "disabled"]),
        Param::new("classic", ParamKind::Bool, "Without confinement.").default("false"),
        Param::new("channel", ParamKind::Str, "The channel; of a new snap `stable` where none is named."),
        Param::new("options", ParamKind::StrList, "Settings of the snaps, as `key=value` or `snap:key=value`."),
        Param::new("dangerous", ParamKind::Bool, "Without signatures, from a file.")
            .default("false")
            .unsupported("unsigned snaps from files"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Snaps {
    names: Vec<String>,
    state: String,
    classic: bool,
    channel: Option<String>,
    options: Vec<Setting>,
}

/// A setting of a snap, or of all that are named.
struct Setting {
    snap: Option<String>,
    key: String,
    value: String,
}

/// Reads the arguments.
pub fn snaps(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let names = args.texts("name");
    if let Some(file) = names.iter().find(|name| name.contains('/') || name.starts_with('-')) {
        let why = "snaps are installed by their names, from the store";
        return Err(ArgError::Unsupported { module: args.module(), name: format!("name: {file}"), why });
    }
    let mut options = Vec::new();
    for text in args.texts("options") {
        let parsed = text.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = parsed.filter(|(key, value)| !key.is_empty() && !value.is_empty()) else {
            return Err(args.wrong("options", format!("Cannot parse set option '{text}'")));
        };
        let (snap, key) = key.split_once(':').map_or((None, key), |(snap, key)| (Some(snap.to_owned()), key));
        if snap.as_ref().is_some_and(|snap| !names.contains(snap)) {
            let problem = format!("Snap option '{text}' refers to snap which is not in the list of snap names");
            return Err(args.wrong("options", problem));
        }
        options.push(Setting { snap, key: key.to_owned(), value: value.to_owned() });
    }
    Ok(Box::new(Snaps {
        names,
        state: args.must("state")?,
        classic: args.flag("classic"),
        channel: args.text("channel").filter(|channel| !channel.is_empty()),
        options,
    }))
}

/// A snap that is there.
struct Installed {
    channel: String,
    off: bool,
}

fn installed(eyes: &Eyes<'_>) -> Result<BTreeMap<String, Installed>, Failed> {
    let text = asked(eyes, ["snap", "list"])?.text();
    // Name, version, revision, tracking, publisher, notes.
    let line = |line: &str| -> Option<(String, Installed)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let off = words.get(5).is_some_and(|notes| notes.split(',').any(|note| note == "disabled"));
        Some((words.first()?.to_string(), Installed { channel: words.get(3)?.to_string(), off }))
    };
    Ok(text.lines().skip(1).filter_map(line).collect())
}

/// A snap's settings, members of members joined by dots.
fn settings(eyes: &Eyes<'_>, snap: &str) -> Result<BTreeMap<String, String>, Failed> {
    fn lay(all: &mut BTreeMap<String, String>, prefix: &str, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    lay(all, &name, value);
                }
            }
            serde_json::Value::String(text) => drop(all.insert(prefix.to_owned(), text.clone())),
            serde_json::Value::Bool(is) => {
                all.insert(prefix.to_owned(), if *is { "True" } else { "False" }.to_owned());
            }
            other => drop(all.insert(prefix.to_owned(), other.to_string())),
        }
    }
    let output = eyes.ask(["snap", "get", "-d", snap])?;
    let mut all = BTreeMap::new();
    if output.ok()
        && let Ok(json) = serde_json::from_str(&output.text())
    {
        lay(&mut all, "", &json);
    }
    Ok(all)
}

/// One run of `snap`, and how its failure is told.
struct Step {
    command: Command,
    setting: Option<String>,
}

fn steps(mut all: VecDeque<Step>, last: Plan) -> Plan {
    let Some(step) = all.pop_front() else { return last };
    let shown = step.command.shown();
    run(step.command, move |_, output| {
        let Some(output) = output.filter(|output| !output.ok()) else { return Ok(steps(all, last)) };
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let classic = error.strip_prefix("error: This revision of snap \"").and_then(|rest| rest.split_once('"'));
        let message = match (step.setting, classic) {
            (Some(snap), _) if error.contains("has no \"configure\" hook") => {
                format!("Snap '{snap}' does not have any configurable options")
            }
            (Some(snap), _) => format!("Cannot set options for snap '{snap}': error={error}"),
            (None, Some((snap, rest))) if rest.contains("classic confinement") => {
                format!("Couldn't install {snap} because it requires classic confinement")
            }
            _ => format!(
                "Ooops! Snap operation failed while executing '{shown}', please examine logs and error output for more \
                 details."
            ),
        };
        Err(Failed::new(message).with("rc", i64::from(output.code)).with("stderr", error))
    })
}

impl Snaps {
    /// Names with the same to be done, in one run where the options allow that.
    fn bundled(&self, eyes: &Eyes<'_>, verb: &str, names: &[String], options: bool) -> Vec<Step> {
        let mut words = vec!["snap".to_owned(), verb.to_owned()];
        if options {
            words.extend(self.classic.then(|| "--classic".to_owned()));
            let channel = self.channel.iter().filter(|channel| *channel != "stable");
            words.extend(channel.flat_map(|channel| ["--channel".to_owned(), channel.clone()]));
        }
        let alone = options && words.len() > 2 && names.len() > 1;
        let step = |names: &[String]| Step {
            command: eyes.command(words.iter().cloned().chain(names.iter().cloned())),
            setting: None,
        };
        match names {
            [] => Vec::new(),
            names if alone => names.iter().map(|name| step(std::slice::from_ref(name))).collect(),
            names => vec![step(names)],
        }
    }

    fn differs(&self, have: &Installed) -> bool {
        let wanted = self.channel.as_ref();
        wanted.is_some_and(|wanted| have.channel != *wanted && have.channel != format!("latest/{wanted}"))
    }

    /// Settings of snaps that were there, where they differ: the runs, and what is told.
    fn set(&self, eyes: &Eyes<'_>, have: &BTreeMap<String, Installed>) -> Result<(Vec<Step>, Vec<Value>), Failed> {
        let (mut runs, mut told) = (Vec::new(), Vec::new());
        for snap in self.names.iter().filter(|snap| !self.options.is_empty() && have.contains_key(*snap)) {
            let now = settings(eyes, snap)?;
            let mut words = Vec::new();
            for setting in self.options.iter().filter(|setting| setting.snap.as_ref().is_none_or(|own| own == snap)) {
                if now.get(&setting.key) != Some(&setting.value) {
                    words.push(format!("{}={}", setting.key, setting.value));
                    told.push(Value::str(format!("{snap}:{}={}", setting.key, setting.value)));
                }
            }
            if !words.is_empty() {
                let start = ["snap".to_owned(), "set".to_owned(), snap.clone()];
                runs.push(Step { command: eyes.command(start.into_iter().chain(words)), setting: Some(snap.clone()) });
            }
        }
        Ok((runs, told))
    }
}

/// What `snap version` tells: programs, and the version of each.
fn versions(eyes: &Eyes<'_>) -> Result<Value, Failed> {
    let text = eyes.ask(["snap", "version"])?.text();
    let pairs = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let pairs = pairs.filter_map(|words| match words[..] {
        [program, version] => Some((Key::from(program), Value::str(version))),
        _ => None,
    });
    Ok(Value::Map(Arc::new(pairs.collect())))
}

impl Module for Snaps {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let have = installed(eyes)?;
        let pick = |wanted: &dyn Fn(Option<&Installed>) -> bool| -> Vec<String> {
            self.names.iter().filter(|name| wanted(have.get(*name))).cloned().collect()
        };
        let list = |names: &[String]| Value::list(names.iter().map(|name| Value::str(name.as_str())));
        let mut last = Plan::default().with("version", versions(eyes)?);
        let mut all: Vec<Step> = Vec::new();
        let (key, verb, names) = match self.state.as_str() {
            "absent" => ("snaps_removed", "remove", pick(&|have| have.is_some())),
            "enabled" => ("snaps_enabled", "enable", pick(&|have| have.is_none_or(|have| have.off))),
            "disabled" => ("snaps_disabled", "disable", pick(&|have| have.is_some_and(|have| !have.off))),
            _ => {
                let refresh = pick(&|have| have.is_some_and(|have| self.differs(have)));
                all.extend(self.bundled(eyes, "refresh", &refresh, true));
                let new = pick(&|have| have.is_none());
                let installed = if new.is_empty() { refresh } else { new.clone() };
                if !installed.is_empty() {
                    last = last.with("snaps_installed", list(&installed));
                }
                ("", "install", new)
            }
        };
        all.extend(self.bundled(eyes, verb, &names, key.is_empty()));
        if key.is_empty() {
            let (runs, told) = self.set(eyes, &have)?;
            all.extend(runs);
            if !told.is_empty() {
                last = last.with("options_changed", Value::list(told));
            }
            last = last.with("classic", self.classic).with("snap_names", list(&self.names));
            last = last.with("channel", self.channel.as_deref().unwrap_or("stable"));
        } else if !names.is_empty() {
            last = last.with(key, list(&names));
        }
        last.changed = Some(!all.is_empty());
        Ok(steps(all.into(), last))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::{Value as Json, json};

    const LIST: &str = "Name  Version  Rev  Tracking  Publisher  Notes\ncore20  1  2  latest/stable  canonical  base\n\
                        lxd  5  3  5.0/stable  canonical  disabled\naws  1  4  latest/edge  aws  classic,x\n";

    fn machine() -> Fake {
        Fake::default()
            .answer("snap list", 0, LIST)
            .answer("snap version", 0, "snap    2.60\nsnapd   2.60\nseries  16\nkernel  6.1.0 x\n")
            .answer("snap get -d lxd", 0, "{\"ui\": {\"enable\": true}, \"port\": 80}\n")
            .answer("snap get -d core20", 1, "")
    }

    fn all(arguments: Json) -> (Vec<String>, Json) {
        let mut done = Vec::new();
        let mut now = plan(&machine(), "snap", arguments.clone()).unwrap_or_else(|e| panic!("{arguments}: {e}"));
        while !now.changes.is_empty() {
            done.extend(changes(&now));
            now = follow(now, &machine(), &[(0, "", "")]).expect("next");
        }
        assert_eq!(now.changed, Some(!done.is_empty()), "{arguments}");
        (done, crate::roles::value::Value::Map(now.result.into()).to_json())
    }

    #[test]
    fn snaps_come_and_go() {
        let cases: &[(Json, &[&str])] = &[
            (json!({"name": "core20"}), &[]),
            (json!({"name": ["core20", "new", "more"]}), &["snap install new more"]),
            (
                json!({"name": "new", "classic": true, "channel": "1.0/edge"}),
                &["snap install --classic --channel 1.0/edge new"],
            ),
            (json!({"name": "a,b", "classic": true}), &["snap install --classic a", "snap install --classic b"]),
            (json!({"name": "aws", "channel": "stable"}), &["snap refresh aws"]),
            (json!({"name": "aws", "channel": "edge"}), &[]),
            (json!({"name": ["aws", "none"], "state": "absent"}), &["snap remove aws"]),
            (json!({"name": ["aws", "lxd"], "state": "enabled"}), &["snap enable lxd"]),
            (json!({"name": ["aws", "lxd"], "state": "disabled"}), &["snap disable aws"]),
            (json!({"name": "lxd", "options": ["port=80", "ui.enable=True"]}), &[]),
            (json!({"name": "lxd,core20", "options": ["lxd:port=81"]}), &["snap set lxd port=81"]),
        ];
        for (arguments, runs) in cases {
            assert_eq!(all(arguments.clone()).0, *runs, "{arguments}");
        }
        let new = all(json!({"name": "new"})).1;
        assert_eq!(new["snaps_installed"], json!(["new"]));
        assert_eq!(new["snap_names"], json!(["new"]));
        assert_eq!(new["version"], json!({"snap": "2.60", "snapd": "2.60", "series": "16"}));
        assert_eq!(all(json!({"name": "lxd", "options": ["port=81"]})).1["options_changed"], json!(["lxd:port=81"]));
    }

    #[test]
    fn failures_are_told() {
        let ask = |arguments| plan(&machine(), "snap", arguments).err().expect("refused").message;
        assert!(ask(json!({"name": "./a.snap"})).contains("name: ./a.snap"));
        assert!(ask(json!({"name": "a", "dangerous": true})).contains("dangerous"));
        assert_eq!(
            ask(json!({"name": "lxd", "options": ["x"]})).split(": ").last(),
            Some("Cannot parse set option 'x'")
        );
        let new = plan(&machine(), "snap", json!({"name": "aws2"})).expect("plan");
        let error = "error: This revision of snap \"aws2\" was published using classic confinement and thus may";
        let failed = follow(new, &machine(), &[(1, "", error)]).err().expect("failed");
        assert_eq!(failed.message, "Couldn't install aws2 because it requires classic confinement");
        assert!(failed.result.contains_key(&Key::from("rc")));
    }
}
