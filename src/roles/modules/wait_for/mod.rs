//! `wait_for` and `wait_for_connection`: a port, a file or a text in either is there, or is gone.

mod port;
mod target;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Change, Effect};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::wanted::path_members;
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::value::{Key, Map, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use target::{Matched, Target};

/// `wait_for`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.wait_for",
    aliases: &[],
    summary: "Waits for a port, a file, or a text in one of them.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("host", ParamKind::Str, "The host whose port is meant.").default("127.0.0.1"),
        Param::new("port", ParamKind::Int, "The port."),
        Param::new("path", ParamKind::Path, "The file."),
        Param::new("state", ParamKind::Str, "What is waited for.")
            .default("started")
            .choices(&["absent", "drained", "present", "started", "stopped"]),
        Param::new("search_regex", ParamKind::Str, "A pattern in the file, or in what the port says."),
        Param::new("timeout", ParamKind::Int, "Seconds to wait at most.").default("300"),
        Param::new("connect_timeout", ParamKind::Int, "Seconds that one connection may take.").default("5"),
        Param::new("delay", ParamKind::Int, "Seconds to wait before the first look.").default("0"),
        Param::new("sleep", ParamKind::Int, "Seconds between looks.").default("1"),
        Param::new("active_connection_states", ParamKind::StrList, "Which connections `drained` counts.")
            .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT"),
        Param::new("exclude_hosts", ParamKind::StrList, "Whose connections `drained` does not count."),
        Param::new("msg", ParamKind::Str, "The message when time runs out."),
    ],
    file_attributes: false,
    examples: &["wait_for:\n  path: /etc/app.conf\n  search_regex: a=\n"],
};

/// `wait_for_connection`.
pub static CONNECTION: Spec = Spec {
    name: "ansible.builtin.wait_for_connection",
    aliases: &[],
    summary: "Waits for the host; muster runs on it.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("connect_timeout", ParamKind::Int, "Seconds that one try may take.").default("5"),
        Param::new("delay", ParamKind::Int, "Seconds to wait before the first try.").default("0"),
        Param::new("sleep", ParamKind::Int, "Seconds between tries.").default("1"),
        Param::new("timeout", ParamKind::Int, "Seconds to wait at most.").default("600"),
    ],
    file_attributes: false,
    examples: &["wait_for_connection: {}\n"],
};

/// A wait is made of slices, so that the run's deadline is seen in between.
const SLICE: Duration = Duration::from_secs(1);

struct Asked {
    target: Option<Target>,
    state: String,
    search: Option<Pattern>,
    timeout: Duration,
    delay: Duration,
    sleep: Duration,
    message: Option<String>,
    /// What the result repeats of the arguments.
    told: Map,
}

struct WaitFor(Arc<Asked>);

/// A wait under way, handed from step to step.
struct Wait {
    asked: Arc<Asked>,
    began: SystemTime,
}

struct Connection(Duration);

/// Reads `wait_for`'s arguments.
pub fn wait_for(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let state = args.must("state")?;
    let (given, port) = (|name: &str| args.value(name).cloned().unwrap_or_default(), args.int("port"));
    if port.is_some() && args.is_given("path") {
        return Err(args.together("port and path parameter can not both be passed to wait_for"));
    }
    if args.is_given("path") && matches!(state.as_str(), "stopped" | "drained") {
        let message = format!("state={state} should only be used for checking a port in the wait_for module");
        return Err(args.together(message));
    }
    if args.is_given("exclude_hosts") && state != "drained" {
        return Err(args.together("exclude_hosts should only be with state=drained"));
    }
    let flags = Flags { multi_line: true, ..Flags::default() };
    let search = args.text("search_regex").map(|text| Pattern::new(&text, flags)).transpose();
    let names = ["state", "port", "search_regex", "path"];
    let told = names.map(|name| (Key::from(name), given(name)));
    Ok(Box::new(WaitFor(Arc::new(Asked {
        target: Target::read(args)?,
        search: search.map_err(|error| args.wrong("search_regex", format!("Invalid regular expression: {error}")))?,
        timeout: seconds(args, "timeout"),
        delay: seconds(args, "delay"),
        sleep: seconds(args, "sleep"),
        message: args.text("msg"),
        told: Map::from_iter(told),
        state,
    }))))
}

/// Reads `wait_for_connection`'s arguments.
pub fn connection(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Connection(seconds(args, "delay"))))
}

fn seconds(args: &Args, name: &str) -> Duration {
    Duration::from_secs(u64::try_from(args.int(name).unwrap_or(0)).unwrap_or(0))
}

impl Module for Connection {
    fn plan(&self, _: &Eyes<'_>) -> Result<Plan, Failed> {
        let elapsed = i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX);
        let changes = if self.0.is_zero() { Vec::new() } else { vec![Change::Wait(self.0)] };
        Ok(Plan { changes, changed: Some(false), ..Plan::default() }.with("elapsed", elapsed))
    }
}

/// What is done after a pause.
#[derive(Clone, Copy)]
enum Then {
    Look,
    End,
}

impl Module for WaitFor {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let Asked { target, delay, timeout, .. } = &*self.0;
        let wait = Wait { asked: Arc::clone(&self.0), began: eyes.host.now() };
        if target.is_none() {
            return Ok(wait.pause(*delay + *timeout, Then::End));
        }
        if delay.is_zero() { wait.look(eyes) } else { Ok(wait.pause(*delay, Then::Look)) }
    }
}

impl Wait {
    fn elapsed(&self, eyes: &Eyes<'_>) -> Duration {
        eyes.host.now().duration_since(self.began).unwrap_or_default()
    }

    fn pause(self, time: Duration, then: Then) -> Plan {
        let slice = time.min(SLICE);
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| match then {
            // Nobody waits for what is only planned.
            _ if !effects.iter().all(Effect::happened) => self.planned(eyes),
            _ if time > slice => Ok(self.pause(time.saturating_sub(slice), then)),
            Then::Look => self.look(eyes),
            Then::End => self.ended(eyes, &Matched::default()),
        };
        Plan { changes: vec![Change::Wait(slice)], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() }
    }

    /// What a wait that has come to its end says, as far as that is known beforehand.
    fn planned(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let undecided =
            self.asked.search.as_ref().map(|_| "what matches shows only when the plan is applied".to_owned());
        Ok(Plan { undecided, ..self.ended(eyes, &Matched::default())? })
    }

    fn look(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let Some(target) = &self.asked.target else { return self.ended(eyes, &Matched::default()) };
        let left = self.asked.timeout.saturating_sub(self.elapsed(eyes));
        if left.is_zero() {
            let message = self.asked.message.clone();
            let message = message.unwrap_or_else(|| target.late(&self.asked.state, self.asked.search.as_ref()));
            return Err(Failed::new(message).with("elapsed", whole(self.elapsed(eyes))));
        }
        match target.look(eyes, &self.asked.state, self.asked.search.as_ref(), left)? {
            Some(matched) => self.ended(eyes, &matched),
            None => {
                let sleep = self.asked.sleep;
                Ok(self.pause(sleep, Then::Look))
            }
        }
    }

    fn ended(&self, eyes: &Eyes<'_>, matched: &Matched) -> Result<Plan, Failed> {
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::str(text.as_str()));
        let mut told = self.asked.told.clone();
        if let Some(Target::File(path)) = &self.asked.target {
            let members = path_members(&Draft::new(eyes, false), Path::new(&eyes.expanded(path)))?;
            told.extend(members.into_iter().map(|(name, value)| (Key::from(name), value)));
        }
        Ok(Plan { result: told, changed: Some(false), ..Plan::default() }
            .with("match_groups", Value::list(matched.groups.iter().map(text)))
            .with("match_groupdict", Value::map(matched.named.iter().map(|(name, group)| (name, text(group)))))
            .with("elapsed", whole(self.elapsed(eyes))))
    }
}

fn whole(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
