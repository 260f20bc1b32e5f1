//! `timezone` and `hostname`: the machine's place and name, through systemd's own programs.

use super::programs::in_turn;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::Change;
use crate::roles::value::Value;
use std::collections::VecDeque;

/// `timezone`.
pub static TIMEZONE: Spec = Spec {
    name: "community.general.timezone",
    aliases: &[],
    summary: "Sets the time zone.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The zone, as `Europe/Berlin`."),
        Param::new("hwclock", ParamKind::Str, "Whether the hardware clock is local.")
            .aliases(&["rtc"])
            .choices(&["local", "UTC"]),
    ],
    file_attributes: false,
    examples: &["community.general.timezone:\n  name: Etc/UTC\n"],
};

/// `hostname`.
pub static HOSTNAME: Spec = Spec {
    name: "ansible.builtin.hostname",
    aliases: &[],
    summary: "Sets the machine's name.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The name.").required(),
        Param::new("use", ParamKind::Str, "How it is set.").only(&["systemd"]),
    ],
    file_attributes: false,
    examples: &["hostname:\n  name: web01\n"],
};

struct Timezone {
    name: Option<String>,
    hwclock: Option<String>,
}

struct Hostname {
    name: String,
}

/// Reads `timezone`'s arguments.
pub fn timezone(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let (name, hwclock) = (args.text("name"), args.text("hwclock"));
    if name.is_none() && hwclock.is_none() {
        return Err(args.together("one of the following is required: hwclock, name"));
    }
    if name.as_ref().is_some_and(|name| name.starts_with('/') || name.split('/').any(|part| part == "..")) {
        return Err(args.wrong("name", "a zone is named by its path below /usr/share/zoneinfo"));
    }
    Ok(Box::new(Timezone { name, hwclock }))
}

/// Reads `hostname`'s arguments.
pub fn hostname(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let name = args.must("name")?;
    if name.len() > 64 {
        return Err(args.wrong("name", "name cannot be longer than 64 characters on systemd servers"));
    }
    Ok(Box::new(Hostname { name }))
}

impl Module for Timezone {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut steps = VecDeque::new();
        let shown = eyes.ask(["timedatectl", "show", "--property=Timezone", "--property=LocalRTC"])?;
        if !shown.ok() {
            return Err(Failed::new(format!("timedatectl failed: {}", String::from_utf8_lossy(&shown.stderr))));
        }
        let text = shown.text();
        let have = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let mut run = |words: [&str; 3]| {
            steps.push_back((Change::Run(eyes.command(words)), format!("{} failed", words.join(" "))));
        };
        if let Some(name) = &self.name {
            if !eyes.exists(&format!("/usr/share/zoneinfo/{name}"))? {
                return Err(Failed::new(format!("given timezone \"{name}\" is not available")));
            }
            if have("Timezone") != *name {
                run(["timedatectl", "set-timezone", name]);
            }
        }
        if let Some(hwclock) = &self.hwclock {
            let wanted = if hwclock == "local" { "yes" } else { "no" };
            if have("LocalRTC") != wanted {
                run(["timedatectl", "set-local-rtc", wanted]);
            }
        }
        let changed = !steps.is_empty();
        Ok(in_turn(steps, Plan { changed: Some(changed), ..Plan::default() }))
    }
}

impl Module for Hostname {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut steps = VecDeque::new();
        // The permanent name comes first: NetworkManager complains otherwise.
        for (kind, set) in [("--static", &["--pretty", "--static"][..]), ("--transient", &["--transient"])] {
            let output = eyes.ask(["hostnamectl", kind, "status"])?;
            if !output.ok() {
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Failed::new(format!("Command failed rc={}, err={error}", output.code)));
            }
            if output.text().trim() != self.name {
                let words = [&["hostnamectl"], set, &["set-hostname", &self.name]].concat();
                steps.push_back((Change::Run(eyes.command(words)), "Command failed".to_owned()));
            }
        }
        let short = self.name.split('.').next().unwrap_or_default();
        let domain = self.name.split_once('.').map_or("", |(_, domain)| domain);
        let facts = [("hostname", short), ("nodename", &self.name), ("fqdn", &self.name), ("domain", domain)];
        let facts = Value::map(facts.map(|(name, value)| (format!("ansible_{name}"), Value::str(value))));
        let changed = !steps.is_empty();
        let last = Plan { changed: Some(changed), ..Plan::default() };
        Ok(in_turn(steps, last.with("name", self.name.as_str()).with("ansible_facts", facts)))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    #[test]
    fn a_zone_is_set_where_it_differs() {
        let machine = Fake::default().file("/usr/share/zoneinfo/Europe/Berlin", "").file("/usr/share/zoneinfo/UTC", "");
        let machine = machine.answer(
            "timedatectl show --property=Timezone --property=LocalRTC",
            0,
            "Timezone=UTC\nLocalRTC=no\n",
        );
        let ask = |name: &str| plan(&machine, "timezone", json!({"name": name}));
        assert_eq!(changes(&ask("Europe/Berlin").expect("plan")), ["timedatectl set-timezone Europe/Berlin"]);
        assert!(ask("UTC").expect("plan").changes.is_empty());
        assert!(ask("Mars/Phobos").err().expect("failed").message.contains("is not available"));
    }

    #[test]
    fn a_name_is_set_permanently_first() {
        let machine = Fake::default().answer("hostnamectl --static status", 0, "old\n").answer(
            "hostnamectl --transient status",
            0,
            "old\n",
        );
        let first = plan(&machine, "hostname", json!({"name": "web01.example.com"})).expect("plan");
        assert_eq!(changes(&first), ["hostnamectl --pretty --static set-hostname web01.example.com"]);
        let second = follow(first, &machine, &[(0, "", "")]).expect("second");
        assert_eq!(changes(&second), ["hostnamectl --transient set-hostname web01.example.com"]);
        assert!(plan(&machine, "hostname", json!({"name": "old"})).expect("plan").changes.is_empty());
    }
}
