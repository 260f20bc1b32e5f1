//! `iptables`: rules, chains and policies of the kernel's packet filter.

use super::programs::in_turn;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Plan, Spec};
use crate::host::Change;
use crate::roles::value::Value;
use std::collections::VecDeque;

mod rule;

/// `iptables`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.iptables",
    aliases: &[],
    summary: "Manages rules, chains and policies of iptables.",
    free_form: FreeForm::Pairs,
    params: rule::PARAMS,
    file_attributes: false,
    examples: &["iptables:\n  chain: INPUT\n  jump: DROP\n"],
};

struct Filter {
    programs: Vec<&'static str>,
    version: String,
    table: String,
    chain: Option<String>,
    number: Option<String>,
    wait: Option<String>,
    present: bool,
    insert: bool,
    flush: bool,
    policy: Option<String>,
    manage_chain: bool,
    numeric: bool,
    rule: Vec<String>,
    /// As the result gives it: before `LOG` is added.
    shown: String,
}

/// Reads the arguments.
pub fn iptables(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let given = |name: &str| args.value(name).is_some();
    let (flush, jump) = (args.flag("flush"), args.text("jump"));
    for (a, b) in [("set_dscp_mark", "set_dscp_mark_class"), ("flush", "policy")] {
        if args.is_given(a) && args.is_given(b) {
            return Err(args.together(format!("parameters are mutually exclusive: {a}|{b}")));
        }
    }
    if (given("set_dscp_mark") || given("set_dscp_mark_class")) && jump.is_none() {
        return Err(args.together("missing parameter(s) required by 'set_dscp_mark': jump"));
    }
    if jump.as_deref().is_some_and(|jump| jump.eq_ignore_ascii_case("tee")) && !given("gateway") {
        return Err(args.together("jump is TEE but all of the following are missing: gateway"));
    }
    if !flush && !given("chain") {
        return Err(args.together("flush is False but all of the following are missing: chain"));
    }
    let logs = given("log_prefix") || given("log_level");
    if logs && jump.as_deref().is_some_and(|jump| jump != "LOG") {
        return Err(args.together("Logging options can only be used with the LOG jump target."));
    }
    let version = args.must("ip_version")?;
    let programs = match version.as_str() {
        "both" => vec!["iptables", "ip6tables"],
        "ipv6" => vec!["ip6tables"],
        _ => vec!["iptables"],
    };
    let shown = rule::words(args, jump.as_deref()).join(" ");
    let jump = if logs { Some("LOG".to_owned()) } else { jump };
    Ok(Box::new(Filter {
        table: args.must("table")?,
        chain: args.text("chain"),
        number: args.text("rule_num"),
        wait: args.text("wait"),
        present: args.must("state")? == "present",
        insert: args.must("action")? == "insert",
        policy: args.text("policy"),
        manage_chain: args.flag("chain_management"),
        numeric: args.flag("numeric"),
        rule: rule::words(args, jump.as_deref()),
        programs,
        version,
        flush,
        shown,
    }))
}

impl Filter {
    /// A command line up to where a rule goes.
    fn line(&self, program: &str, action: &str) -> Vec<String> {
        let mut words = vec![program.to_owned(), "-t".into(), self.table.clone(), action.to_owned()];
        words.extend(self.chain.clone());
        words.extend(self.number.clone().filter(|_| action == "-I"));
        words.extend(self.wait.iter().flat_map(|wait| ["-w".to_owned(), wait.clone()]));
        words
    }

    fn with_rule(&self, program: &str, action: &str) -> Vec<String> {
        [self.line(program, action), self.rule.clone()].concat()
    }

    fn listed(&self, program: &str) -> Vec<String> {
        let numeric = self.numeric.then(|| "--numeric".to_owned());
        self.line(program, "-L").into_iter().chain(numeric).collect()
    }

    /// What is to be run, and whether that counts as a change.
    fn work(&self, eyes: &Eyes<'_>, program: &str) -> Result<(Option<Vec<String>>, bool), Failed> {
        if self.flush {
            return Ok((Some(self.line(program, "-F")), true));
        }
        if let Some(policy) = &self.policy {
            let output = eyes.ask(self.listed(program))?;
            if !output.ok() {
                return Err(Failed::new(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
            let text = output.text();
            let have = text.lines().next().and_then(|line| line.split_once("(policy ")).map(|(_, rest)| rest);
            let have = have.map(|rest| rest.chars().take_while(char::is_ascii_uppercase).collect::<String>());
            let have =
                have.filter(|have| !have.is_empty()).ok_or_else(|| Failed::new("Can't detect current policy"))?;
            let mut words = self.line(program, "-P");
            words.push(policy.clone());
            return Ok(if have == *policy { (None, false) } else { (Some(words), true) });
        }
        if self.shown.is_empty() {
            let there = eyes.ask(self.listed(program))?.ok();
            let action = if self.present { "-N" } else { "-X" };
            let words = self.manage_chain.then(|| self.line(program, action));
            // As in the module: a chain that nobody manages counts as changed all the same.
            return Ok(if there == self.present { (None, false) } else { (words, true) });
        }
        let there = eyes.ask(self.with_rule(program, "-C"))?.ok();
        let action = match (self.present, self.insert) {
            (false, _) => "-D",
            (true, true) => "-I",
            (true, false) => "-A",
        };
        Ok(if there == self.present { (None, false) } else { (Some(self.with_rule(program, action)), true) })
    }
}

impl Module for Filter {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut steps = VecDeque::new();
        let mut changed = false;
        for name in &self.programs {
            let found =
                eyes.host.find_program(name).map_err(|error| Failed::new(format!("looking for {name}: {error}")))?;
            let missing = || Failed::new(format!("Failed to find required executable \"{name}\" in paths"));
            let program = found.ok_or_else(missing)?.to_string_lossy().into_owned();
            let (words, counts) = self.work(eyes, &program)?;
            changed |= counts;
            steps.extend(words.map(|words| (Change::Run(eyes.command(words.clone())), words.join(" "))));
        }
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::str(text.as_str()));
        let plan = Plan { changed: Some(changed), ..Plan::default() }
            .with("ip_version", self.version.as_str())
            .with("table", self.table.as_str())
            .with("chain", text(&self.chain))
            .with("flush", self.flush)
            .with("rule", self.shown.as_str())
            .with("state", if self.present { "present" } else { "absent" })
            .with("chain_management", self.manage_chain)
            .with("wait", text(&self.wait));
        Ok(in_turn(steps, plan))
    }
}

#[cfg(test)]
mod tests;
