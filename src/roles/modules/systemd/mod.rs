//! `systemd_service` and `service`: a unit's state, and whether it starts at boot.

mod found;
mod spec;

use super::{ArgError, Args, Eyes, Failed, Module, Plan};
use crate::fnmatch::is_pattern;
use crate::host::{Change, Output, UnitAction};
use crate::roles::value::{Map, Value};

pub use spec::{SERVICE, SYSTEMD};

/// Ansible's warning; the task then counts as done.
const OFFLINE: &str = "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init \
                       system tools from working.";

/// What a unit is to be.
#[derive(Clone)]
struct Unit {
    name: Option<String>,
    state: Option<String>,
    enabled: Option<bool>,
    masked: Option<bool>,
    scope: Option<String>,
    force: bool,
    no_block: bool,
    reload: bool,
    reexec: bool,
    unused: Vec<&'static str>,
}

/// Reads the arguments of either.
pub fn unit(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let unused = ["pattern", "runlevel", "sleep", "arguments"].into_iter().filter(|name| args.is_given(name));
    let unit = Unit {
        name: args.text("name"),
        state: args.text("state"),
        enabled: args.maybe_flag("enabled"),
        masked: args.maybe_flag("masked"),
        scope: args.text("scope").filter(|scope| scope != "system"),
        force: args.flag("force"),
        no_block: args.flag("no_block"),
        reload: args.flag("daemon_reload"),
        reexec: args.flag("daemon_reexec"),
        unused: unused.collect(),
    };
    let wants_name = unit.state.is_some() || unit.enabled.is_some() || unit.masked.is_some();
    // With a name alone the unit is only asked about, as in Ansible.
    match &unit.name {
        None if wants_name => Err(args.together("state, enabled and masked need `name`")),
        Some(name) if is_pattern(name) => Err(args.wrong("name", format!("`{name}` is a pattern"))),
        _ => Ok(Box::new(unit)),
    }
}

impl Module for Unit {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let daemon = [(self.reload, UnitAction::DaemonReload), (self.reexec, UnitAction::DaemonReexec)];
        let changes: Vec<Change> =
            daemon.into_iter().filter(|(wanted, _)| *wanted).map(|(_, action)| self.change("", action, eyes)).collect();
        let mut first = Plan { changes, changed: Some(false), ..Plan::default() }
            .with("name", self.name.as_deref().map_or(Value::Null, Value::str))
            .with("status", Value::Map(Map::new().into()));
        if !self.unused.is_empty() {
            let warning = |name: &&str| Value::str(format!("Ignoring \"{name}\" as it is not used in \"systemd\""));
            first = first.with("warnings", Value::list(self.unused.iter().map(warning)));
        }
        let Some(name) = self.name.clone() else { return Ok(first) };
        if first.changes.is_empty() {
            let second = self.settle(eyes, &name)?;
            first.result.extend(second.result);
            return Ok(Plan { result: first.result, ..second });
        }
        // What the units are is known only once systemd has read them again.
        let unit = self.clone();
        first.next = Some(Box::new(move |eyes, _| {
            let plan = unit.settle(eyes, &name)?;
            // Reading the units again is no change; what follows it may be one.
            Ok(Plan { changed: plan.changed.or(Some(!plan.changes.is_empty())), ..plan })
        }));
        Ok(first)
    }
}

impl Unit {
    fn change(&self, name: &str, action: UnitAction, eyes: &Eyes<'_>) -> Change {
        // The manager of another user, and `--force`, are beyond what a unit change says.
        if self.force || eyes.become_user.is_some_and(|user| user != "root") {
            let mut words = self.systemctl(true);
            words.push(action.verb().into());
            words.extend((!name.is_empty()).then(|| name.to_owned()));
            return Change::Run(self.in_session(words, eyes));
        }
        let name = if name.is_empty() { String::new() } else { with_suffix(name) };
        Change::Unit { name, action, scope: self.scope.clone(), no_block: self.no_block }
    }

    fn systemctl(&self, acts: bool) -> Vec<String> {
        let mut words = vec!["systemctl".to_owned()];
        words.extend(self.scope.as_ref().map(|scope| format!("--{scope}")));
        words.extend((acts && self.no_block).then(|| "--no-block".to_owned()));
        words.extend((acts && self.force).then(|| "--force".to_owned()));
        words
    }

    fn in_session(&self, words: Vec<String>, eyes: &Eyes<'_>) -> crate::host::Command {
        let mut command = eyes.command(words);
        if self.scope.as_deref() == Some("user") && eyes.variable("XDG_RUNTIME_DIR").is_none() {
            let user = eyes.become_user.and_then(|name| eyes.host.user(name).ok().flatten());
            let uid = user.map_or_else(|| nix::unistd::geteuid().as_raw(), |user| user.uid);
            command.environment.push(("XDG_RUNTIME_DIR".into(), format!("/run/user/{uid}")));
        }
        command
    }

    fn ask(&self, eyes: &Eyes<'_>, question: &[&str]) -> Result<Output, Failed> {
        let mut words = self.systemctl(false);
        words.extend(question.iter().map(|word| (*word).to_owned()));
        let mut command = self.in_session(words, eyes);
        command.environment.push(("LC_ALL".into(), "C.UTF-8".into()));
        eyes.query(&command)
    }

    fn settle(&self, eyes: &Eyes<'_>, name: &str) -> Result<Plan, Failed> {
        let found = self.look(eyes, name)?;
        let exists = found.is_systemd || found.is_script || found.is_planned;
        let missing = || Failed::new(format!("Could not find the requested service {name}: host"));
        let mut plan = Plan::default().with("status", Value::Map(found.status.clone().into()));
        if found.is_script && !found.is_systemd {
            let warning =
                format!("The service ({name}) is actually an init script but the system is managed by systemd");
            plan = plan.with("warnings", Value::list([Value::from(warning)]));
        }
        if let Some(masked) = self.masked {
            let is_masked = self.ask(eyes, &["is-enabled", name])?.text().trim() == "masked";
            if is_masked != masked {
                let action = if masked { UnitAction::Mask } else { UnitAction::Unmask };
                plan.changes.push(self.change(name, action, eyes));
            }
        }
        if let Some(enabled) = self.enabled {
            if !exists {
                return Err(missing());
            }
            if self.is_enabled(eyes, name, &found)? != enabled {
                let action = if enabled { UnitAction::Enable } else { UnitAction::Disable };
                plan.changes.push(self.change(name, action, eyes));
            }
            plan = plan.with("enabled", enabled);
        }
        if let Some(state) = &self.state {
            if !exists {
                return Err(missing());
            }
            match found.active() {
                Some(active) => {
                    plan.changes.extend(action(state, active).map(|action| self.change(name, action, eyes)));
                }
                None if found.is_offline => plan = plan.with("warnings", Value::list([Value::str(OFFLINE)])),
                None => {
                    let status = Value::Map(found.status.clone().into());
                    return Err(Failed::new("Service is in unknown state").with("status", status));
                }
            }
            plan = plan.with("state", if state == "stopped" { "stopped" } else { "started" });
        }
        Ok(judged(plan, name))
    }
}

/// What brings a unit from its `ActiveState` to a state.
fn action(state: &str, active: &str) -> Option<UnitAction> {
    let running = matches!(active, "active" | "activating");
    match (state, running) {
        ("stopped", _) => (running || active == "deactivating").then_some(UnitAction::Stop),
        ("started", true) => None,
        ("restarted", true) => Some(UnitAction::Restart),
        ("reloaded", true) => Some(UnitAction::Reload),
        (_, false) | (_, true) => Some(UnitAction::Start),
    }
}

/// Changes that are plain runs of `systemctl` do not fail by themselves.
fn judged(mut plan: Plan, name: &str) -> Plan {
    if plan.changes.iter().any(|change| matches!(change, Change::Run(_))) {
        let name = name.to_owned();
        plan.next = Some(Box::new(move |_, effects| match super::programs::said(effects) {
            Some((code, _, error)) if code != 0 => {
                Err(Failed::new(format!("Unable to change service {name}: {error}")).with("rc", i64::from(code)))
            }
            _ => Ok(Plan { changed: Some(true), ..Plan::default() }),
        }));
    }
    plan
}

/// A unit's name as systemctl completes it.
fn with_suffix(name: &str) -> String {
    const SUFFIXES: &[&str] =
        &["service", "socket", "target", "timer", "mount", "automount", "path", "slice", "scope", "swap", "device"];
    match name.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    fn machine(load: &str, active: &str, enabled: (i32, &str)) -> Fake {
        let show = format!("LoadState={load}\nActiveState={active}\nExecStart={{ path=/a\n ; b }}\nDescription={{x\n");
        Fake::default()
            .answer("systemctl show app", 0, &show)
            .answer("systemctl is-enabled app", enabled.0, enabled.1)
            .answer("systemctl is-enabled app -l", enabled.0, enabled.1)
    }

    #[test]
    fn only_what_differs_is_changed() {
        let settle = |machine: &Fake, state, enabled| {
            let plan = plan(machine, "systemd", json!({"name": "app", "state": state, "enabled": enabled}));
            changes(&plan.expect("plan")).join(", ")
        };
        let running = machine("loaded", "active", (0, "enabled\n"));
        assert_eq!(settle(&running, "started", true), "");
        assert_eq!(settle(&running, "restarted", true), "restart app.service");
        assert_eq!(settle(&running, "stopped", false), "disable app.service, stop app.service");
        let idle = machine("loaded", "inactive", (1, "disabled\n"));
        assert_eq!(settle(&idle, "reloaded", true), "enable app.service, start app.service");
        assert_eq!(settle(&idle, "stopped", false), "");
        let asked = plan(&idle, "systemd", json!({"name": "app"})).expect("a name alone asks");
        assert!(asked.changes.is_empty() && asked.result.contains_key(&Key::from("status")));
        let alias = machine("loaded", "active", (0, "alias\n"));
        assert_eq!(settle(&alias, "started", true), "enable app.service");
    }

    #[test]
    fn a_reload_comes_before_the_look_and_is_no_change() {
        let idle = machine("loaded", "inactive", (0, "static\n"));
        let first = plan(&idle, "systemd", json!({"name": "app", "state": "started", "daemon-reload": true}));
        let first = first.expect("plan");
        assert_eq!((changes(&first), first.changed), (vec!["daemon-reload ".to_owned()], Some(false)));
        let second = follow(first, &idle, &[(0, "", "")]).expect("second");
        assert_eq!((changes(&second), second.changed), (vec!["start app.service".to_owned()], Some(true)));
        let status = second.result.get(&Key::from("status")).and_then(|status| status.get("ExecStart")).cloned();
        assert_eq!(status.expect("ExecStart").as_str(), Some("{ path=/a\n ; b }"));
    }

    #[test]
    fn masks_are_told_from_disabled() {
        let masked = machine("masked", "inactive", (1, "masked\n"));
        let unmask = plan(&masked, "systemd", json!({"name": "app", "masked": false})).expect("plan");
        assert_eq!(changes(&unmask), ["unmask app.service"]);
        let stay = plan(&masked, "systemd", json!({"name": "app", "masked": true})).expect("plan");
        assert!(stay.changes.is_empty());
    }

    #[test]
    fn a_unit_that_is_not_there_is_named() {
        let none = machine("not-found", "inactive", (1, ""));
        let error = plan(&none, "service", json!({"name": "app", "state": "started"})).err().expect("failed");
        assert_eq!(error.message, "Could not find the requested service app: host");
        let written = none.file("/etc/systemd/system/app.service", "");
        let start = plan(&written, "service", json!({"name": "app", "state": "started"})).expect("plan");
        assert_eq!(changes(&start), ["start app.service"]);
        let sysv = plan(&written, "service", json!({"name": "app", "use": "sysvinit"})).err().expect("refused");
        assert!(sysv.message.contains("use: sysvinit"), "{}", sysv.message);
    }
}
