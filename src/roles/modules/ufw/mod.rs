//! `ufw`: the uncomplicated firewall's state, default policies, logging and rules.

mod rule;
mod state;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Change, Effect};
use crate::roles::value::Value;
use rule::Rule;
use state::State;

/// `ufw`.
pub static SPEC: Spec = Spec {
    name: "community.general.ufw",
    aliases: &[],
    summary: "Sets the firewall's state, policies and rules.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("state", ParamKind::Str, "Whether it is on.").choices(&["enabled", "disabled", "reloaded", "reset"]),
        Param::new("default", ParamKind::Str, "The policy for what no rule decides.")
            .aliases(&["policy"])
            .choices(&["allow", "deny", "reject"]),
        Param::new("logging", ParamKind::Str, "How much is logged.")
            .choices(&["full", "high", "low", "medium", "off", "on"]),
        Param::new("direction", ParamKind::Str, "Of the rule, or of the policy.")
            .choices(&["in", "incoming", "out", "outgoing", "routed"]),
        Param::new("rule", ParamKind::Str, "What the rule does.").choices(&["allow", "deny", "limit", "reject"]),
        Param::new("delete", ParamKind::Bool, "Whether the rule is not there.").default("false"),
        Param::new("route", ParamKind::Bool, "A rule for forwarded packets.").default("false"),
        Param::new("insert", ParamKind::Int, "Where the rule goes."),
        Param::new("insert_relative_to", ParamKind::Str, "Relative to what `insert` counts.")
            .default("zero")
            .choices(&["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"]),
        Param::new("interface", ParamKind::Str, "The rule's interface.").aliases(&["if"]),
        Param::new("interface_in", ParamKind::Str, "The interface that packets come in by.").aliases(&["if_in"]),
        Param::new("interface_out", ParamKind::Str, "The interface that packets go out by.").aliases(&["if_out"]),
        Param::new("log", ParamKind::Bool, "Log new connections that match.").default("false"),
        Param::new("from_ip", ParamKind::Str, "The source address.").aliases(&["from", "src"]).default("any"),
        Param::new("from_port", ParamKind::Str, "The source port."),
        Param::new("to_ip", ParamKind::Str, "The destination address.").aliases(&["dest", "to"]).default("any"),
        Param::new("to_port", ParamKind::Str, "The destination port.").aliases(&["port"]),
        Param::new("proto", ParamKind::Str, "The protocol.")
            .aliases(&["protocol"])
            .choices(&["ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"]),
        Param::new("name", ParamKind::Str, "An application profile.").aliases(&["app"]),
        Param::new("comment", ParamKind::Str, "The rule's comment."),
    ],
    file_attributes: false,
    examples: &["community.general.ufw:\n  rule: allow\n  port: '22'\n  proto: tcp\n"],
};

#[derive(Clone)]
struct Firewall {
    state: Option<String>,
    default: Option<String>,
    logging: Option<String>,
    direction: Option<String>,
    rule: Option<Rule>,
}

/// Reads the arguments.
pub fn firewall(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let direction = args.text("direction");
    let given = |name: &str| args.is_given(name);
    if !["state", "default", "rule", "logging"].into_iter().any(given) {
        return Err(args.together("one of the following is required: state, default, rule, logging"));
    }
    if ["name", "proto", "logging"].into_iter().filter(|name| given(name)).count() > 1 {
        return Err(args.together("parameters are mutually exclusive: name|proto|logging"));
    }
    if direction.is_some() && (given("interface_in") || given("interface_out")) {
        return Err(args.together("parameters are mutually exclusive: direction|interface_in and interface_out"));
    }
    if given("interface") && direction.is_none() {
        return Err(args.together("missing parameter(s) required by 'interface': direction"));
    }
    if given("default") && matches!(direction.as_deref(), Some("in" | "out")) {
        return Err(args.together(
            "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not \
             be specified.",
        ));
    }
    let rule = given("rule").then(|| Rule::read(args)).transpose()?;
    Ok(Box::new(Firewall {
        state: args.text("state"),
        default: args.text("default"),
        logging: args.text("logging"),
        direction,
        rule,
    }))
}

/// What is to be run, and what it says of the task's result.
#[derive(Clone, Default)]
struct Work {
    /// Command lines that are needed.
    needed: Vec<Vec<String>>,
    /// Command lines as Ansible would run them, needed or not.
    commands: Vec<String>,
    /// Whether the task counts as changed whatever the firewall looks like afterwards.
    forced: bool,
}

impl Work {
    fn add(&mut self, words: Vec<String>, needed: bool) {
        self.commands.push(words.join(" "));
        self.needed.extend(needed.then_some(words));
    }

    fn described(&self, plan: Plan) -> Plan {
        plan.with("commands", Value::list(self.commands.iter().map(|line| Value::str(line.as_str()))))
    }
}

impl Module for Firewall {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let failed = |error| Failed::new(format!("looking for ufw: {error}"));
        let program = eyes.host.find_program("ufw").map_err(failed)?;
        let program = program.ok_or_else(|| Failed::new("Failed to find required executable \"ufw\" in paths"))?;
        let ufw = program.to_string_lossy().into_owned();
        if let Some(rule) = self.only_rule()
            && rule.stands(eyes)?
        {
            let mut work = Work::default();
            work.add(rule.words(&ufw, None), false);
            return Ok(work.described(Plan::unchanged()));
        }
        let before = State::read(eyes, &ufw)?;
        let work = self.work(eyes, &ufw, &before)?;
        if work.needed.is_empty() {
            return Ok(work.described(Plan::unchanged()).with("msg", before.status.trim_end()));
        }
        let changes = work.needed.iter().map(|words| Change::Run(eyes.command(words.iter().cloned()))).collect();
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| judged(eyes, &ufw, &before, &work, effects);
        Ok(Plan { changes, changed: Some(false), next: Some(Box::new(next)), ..Plan::default() })
    }
}

/// As the module does, what has changed is seen by looking again.
fn judged(eyes: &Eyes<'_>, ufw: &str, before: &State, work: &Work, effects: &[Effect]) -> Result<Plan, Failed> {
    for output in effects.iter().map(|effect| effect.output.as_ref()) {
        // Only planned so far.
        let Some(output) = output else { return Ok(work.described(Plan { changed: Some(true), ..Plan::default() })) };
        if !output.ok() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let message = if error.is_empty() { output.text() } else { error };
            let result = work.described(Plan::default()).result;
            return Err(Failed { message, result, ..Failed::default() });
        }
    }
    let after = State::read(eyes, ufw)?;
    let changed = work.forced || *before != after;
    Ok(work.described(Plan { changed: Some(changed), ..Plan::default() }).with("msg", after.status.trim_end()))
}

impl Firewall {
    /// The rule, where nothing else is asked.
    fn only_rule(&self) -> Option<&Rule> {
        let more = self.state.is_some() || self.default.is_some() || self.logging.is_some();
        self.rule.as_ref().filter(|_| !more)
    }

    fn work(&self, eyes: &Eyes<'_>, ufw: &str, before: &State) -> Result<Work, Failed> {
        let mut work = Work::default();
        let line = |words: &[&str]| [&[ufw], words].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
        if let Some(state) = &self.state {
            let (verb, needed) = match state.as_str() {
                "enabled" => ("enable", !before.is_active()),
                "disabled" => ("disable", before.is_active()),
                "reloaded" => ("reload", true),
                _ => ("reset", true),
            };
            work.forced |= matches!(verb, "reload" | "reset");
            work.add(line(&["-f", verb]), needed);
        }
        if let Some(policy) = &self.default {
            let words: Vec<&str> = ["default", policy].into_iter().chain(self.direction.as_deref()).collect();
            let have = state::policy(eyes, self.direction.as_deref().unwrap_or("incoming"))?;
            work.add(line(&words), have.as_deref() != Some(policy));
        }
        if let Some(rule) = &self.rule {
            let place = rule.place(eyes, ufw)?;
            let words = rule.words(ufw, place);
            let needed = rule.changes(eyes, &words, before)?;
            work.add(words, needed);
        }
        if let Some(level) = &self.logging {
            let needed = before.logging_differs(level);
            work.forced |= needed;
            work.add(line(&["logging", level]), needed);
        }
        Ok(work)
    }
}

#[cfg(test)]
mod tests;
