//! `firewalld`: what a zone lets through, now and after a restart, through `firewall-cmd`.

use super::programs::all_well;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::Command;
use crate::roles::value::Value;
use std::collections::VecDeque;

/// `firewalld`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.firewalld",
    aliases: &[],
    summary: "Manages firewalld's zones.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("state", ParamKind::Str, "Whether it is let through; of a zone whether it is there.")
            .required()
            .choices(&["absent", "disabled", "enabled", "present"]),
        Param::new("zone", ParamKind::Str, "The zone; the default one where none is named."),
        Param::new("permanent", ParamKind::Bool, "In what is read at a restart.").default("false"),
        Param::new("immediate", ParamKind::Bool, "In what runs; so it is where `permanent` is not.").default("false"),
        Param::new("offline", ParamKind::Bool, "Also where firewalld does not run.").default("false"),
        Param::new("timeout", ParamKind::Int, "For so many seconds.").default("0"),
        Param::new("service", ParamKind::Str, "A service."),
        Param::new("port", ParamKind::Str, "A port or range, as `8080/tcp`."),
        Param::new("protocol", ParamKind::Str, "A protocol."),
        Param::new("source", ParamKind::Str, "A source network."),
        Param::new("interface", ParamKind::Str, "An interface."),
        Param::new("rich_rule", ParamKind::Str, "A rich rule."),
        Param::new("icmp_block", ParamKind::Str, "A blocked ICMP type."),
        Param::new("icmp_block_inversion", ParamKind::Bool, "Whether the listed ICMP types are those let through."),
        Param::new("forward", ParamKind::Bool, "Forwarding within the zone."),
        Param::new("masquerade", ParamKind::Bool, "Masquerading."),
        Param::new("port_forward", ParamKind::AnyList, "One forwarding: port, proto, toport, toaddr."),
        Param::new("target", ParamKind::Str, "What becomes of other packets.").choices(&[
            "default",
            "ACCEPT",
            "DROP",
            "%%REJECT%%",
        ]),
    ],
    file_attributes: false,
    examples: &[],
};

/// Arguments that name what is let through; at most one may be given.
const SUBJECTS: [&str; 12] = [
    "icmp_block",
    "icmp_block_inversion",
    "service",
    "protocol",
    "port",
    "port_forward",
    "rich_rule",
    "interface",
    "forward",
    "masquerade",
    "source",
    "target",
];

/// What is let through, in `firewall-cmd`'s words and in the result's.
struct Subject {
    /// What follows `--query-`, `--add-`, `--remove-`.
    option: String,
    /// Messages for when it was added or removed, where the module has them. `{zone}` is the zone.
    done: (Option<String>, Option<String>),
    /// A message for when it changed.
    changed: Option<String>,
    /// Whether `state` is turned around.
    inverted: bool,
}

enum What {
    Zone,
    Target(String),
    Subject(Subject),
    Nothing,
}

struct Firewall {
    what: What,
    state: String,
    zone: Option<String>,
    permanent: bool,
    immediate: bool,
    offline: bool,
    timeout: i64,
}

fn subject(args: &Args, state: &str) -> Result<Option<Subject>, ArgError> {
    let plain = |name: &str, value: &str, word: &str| Subject {
        option: format!("{word}={value}"),
        done: (None, None),
        changed: Some(format!("Changed {name} {value} to {state}")),
        inverted: false,
    };
    let told = |option: String, added: String, removed: String, inverted: bool| Subject {
        option,
        done: (Some(added), Some(removed)),
        changed: None,
        inverted,
    };
    for (name, word) in
        [("icmp_block", "icmp-block"), ("service", "service"), ("protocol", "protocol"), ("rich_rule", "rich-rule")]
    {
        if let Some(value) = args.text(name) {
            return Ok(Some(plain(if name == "icmp_block" { word } else { name }, &value, word)));
        }
    }
    if let Some(port) = args.text("port") {
        let fits = port.trim().split_once('/').is_some_and(|(_, protocol)| !protocol.is_empty());
        if !fits {
            return Err(args.wrong("port", "improper port format (missing protocol?)"));
        }
        return Ok(Some(plain("port", port.trim(), "port")));
    }
    if let Some(value) = args.text("source") {
        let added = format!("Added {value} to zone {{zone}}");
        return Ok(Some(told(format!("source={value}"), added, format!("Removed {value} from zone {{zone}}"), false)));
    }
    if let Some(value) = args.text("interface") {
        let added = format!("Changed {value} to zone {{zone}}");
        return Ok(Some(told(
            format!("interface={value}"),
            added,
            format!("Removed {value} from zone {{zone}}"),
            false,
        )));
    }
    for (name, is) in [("forward", args.maybe_flag("forward")), ("masquerade", args.maybe_flag("masquerade"))] {
        if let Some(is) = is {
            let added = format!("Added {name} to zone {{zone}}");
            return Ok(Some(told(name.to_owned(), added, format!("Removed {name} from zone {{zone}}"), !is)));
        }
    }
    if let Some(is) = args.maybe_flag("icmp_block_inversion") {
        let word = if is { "True" } else { "False" };
        return Ok(Some(Subject {
            option: "icmp-block-inversion".into(),
            done: (None, None),
            changed: Some(format!("Changed icmp-block-inversion {word} to {state}")),
            inverted: !is,
        }));
    }
    forwarding(args, state)
}

fn forwarding(args: &Args, state: &str) -> Result<Option<Subject>, ArgError> {
    let Some(list) = args.value("port_forward").and_then(Value::as_list) else { return Ok(None) };
    let [one] = list else { return Err(args.wrong("port_forward", "Only one port forward supported at a time")) };
    let part = |key: &'static str| match one.get(key) {
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(other) => other.as_str().map(str::to_owned),
        None => None,
    };
    let must = |key: &'static str| {
        part(key).ok_or_else(|| args.wrong("port_forward", format!("{key} must be specified for port forward")))
    };
    let (port, proto, toport) = (must("port")?, must("proto")?, must("toport")?);
    let toaddr = part("toaddr").unwrap_or_default();
    let rule = format!("port={port}:proto={proto}:toport={toport}:toaddr={toaddr}");
    let option = rule.strip_suffix(":toaddr=").unwrap_or(&rule);
    Ok(Some(Subject {
        option: format!("forward-port={option}"),
        done: (None, None),
        changed: Some(format!("Changed port_forward {rule} to {state}")),
        inverted: false,
    }))
}

/// Reads the arguments.
pub fn firewall(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let given: Vec<&str> = SUBJECTS.into_iter().filter(|name| args.value(name).is_some()).collect();
    if given.len() > 1 {
        return Err(args.together(format!("parameters are mutually exclusive: {}", given.join("|"))));
    }
    for name in ["interface", "target"] {
        if given == [name] && args.text("zone").is_none() {
            return Err(args.together(format!("missing parameter(s) required by '{name}': zone")));
        }
    }
    let (state, permanent) = (args.must("state")?, args.flag("permanent"));
    if args.flag("offline") && !permanent {
        return Err(args.together("offline cannot be enabled unless permanent changes are allowed"));
    }
    let of_zone = matches!(state.as_str(), "absent" | "present");
    let what = match subject(args, &state)? {
        _ if given.is_empty() && of_zone => What::Zone,
        Some(_) if of_zone => {
            return Err(args.together("absent and present state can only be used in zone level operations"));
        }
        Some(subject) => What::Subject(subject),
        None => args.text("target").map_or(What::Nothing, What::Target),
    };
    let immediate = args.flag("immediate") || !permanent;
    if matches!(what, What::Zone | What::Target(_)) && immediate {
        return Err(args.together(
            "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the \
             'immediate' flag to 'true'.",
        ));
    }
    if matches!(what, What::Zone) && args.text("zone").is_none() {
        return Err(args.together("a zone that is to be made or removed needs its name: zone"));
    }
    Ok(Box::new(Firewall {
        what,
        state,
        zone: args.text("zone"),
        permanent,
        immediate,
        offline: args.flag("offline"),
        timeout: args.int("timeout").unwrap_or(0),
    }))
}

/// The tool to be asked: firewalld's own, or the one for when it does not run.
struct Tool<'a> {
    eyes: &'a Eyes<'a>,
    offline: bool,
}

impl Tool<'_> {
    fn words(&self, permanent: bool, words: &[&str]) -> Vec<String> {
        let program = if self.offline { "firewall-offline-cmd" } else { "firewall-cmd" };
        let permanent = (permanent && !self.offline).then_some("--permanent");
        std::iter::once(program).chain(permanent).chain(words.iter().copied()).map(str::to_owned).collect()
    }

    /// The answer to a question, as text; one that is answered with an exit code is `yes` or `no`.
    fn ask(&self, permanent: bool, words: &[&str]) -> Result<(bool, String), Failed> {
        let output = self.eyes.ask(self.words(permanent, words))?;
        // 1 is `no`; any other says that the question was wrong, 112 for instance that there is no such zone.
        if !matches!(output.code, 0 | 1) {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let said = if said.is_empty() { output.text().trim().to_owned() } else { said };
            return Err(Failed::new(format!("ERROR: Exception caught: {said}")));
        }
        Ok((output.ok(), output.text().trim().to_owned()))
    }
}

impl Firewall {
    fn is_on(&self) -> bool {
        matches!(self.state.as_str(), "enabled" | "present")
    }

    /// The commands that are needed for a subject, and what is said.
    fn of_subject(
        &self,
        tool: &Tool<'_>,
        subject: &Subject,
        zone: &str,
    ) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let on = self.is_on() != subject.inverted;
        let immediate = self.immediate && !tool.offline;
        let zone_word = format!("--zone={zone}");
        let mut steps = Vec::new();
        for permanent in [true, false] {
            if if permanent { !self.permanent } else { !immediate } {
                continue;
            }
            let (have, _) = tool.ask(permanent, &[&zone_word, &format!("--query-{}", subject.option)])?;
            if have == on {
                continue;
            }
            let verb = match (on, subject.option.starts_with("interface=")) {
                (true, true) => "change",
                (true, false) => "add",
                (false, _) => "remove",
            };
            let option = format!("--{verb}-{}", subject.option);
            let timeout = format!("--timeout={}", self.timeout);
            let mut words = vec![zone_word.as_str(), &option];
            words.extend((on && !permanent && self.timeout > 0).then_some(timeout.as_str()));
            steps.push(tool.words(permanent, &words));
        }
        let mut said = vec![self.kind(immediate).to_owned()];
        if !steps.is_empty() {
            let told = if on { &subject.done.0 } else { &subject.done.1 };
            said.extend(told.iter().map(|text| text.replace("{zone}", zone)));
            said.extend(subject.changed.clone());
        }
        Ok((steps, said))
    }

    fn kind(&self, immediate: bool) -> &'static str {
        match (self.permanent, immediate) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation",
            (true, false) => "Permanent operation",
            _ => "Non-permanent operation",
        }
    }

    fn of_zone(&self, tool: &Tool<'_>, zone: &str) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let (_, zones) = tool.ask(true, &["--get-zones"])?;
        let have = zones.split_whitespace().any(|one| one == zone);
        let mut said = vec![self.kind(false).to_owned()];
        if have == self.is_on() {
            return Ok((Vec::new(), said));
        }
        let (verb, told) = if have { ("delete", "Removed") } else { ("new", "Added") };
        said.push(format!("{told} zone {zone}"));
        said.push(format!("Changed zone {zone} to {}", self.state));
        Ok((vec![tool.words(true, &[&format!("--{verb}-zone={zone}")])], said))
    }

    fn of_target(&self, tool: &Tool<'_>, zone: &str, target: &str) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let zone_word = format!("--zone={zone}");
        let (_, have) = tool.ask(true, &[&zone_word, "--get-target"])?;
        let mut said = vec![self.kind(false).to_owned()];
        if (have == target) == self.is_on() {
            return Ok((Vec::new(), said));
        }
        let wanted = if self.is_on() { target } else { "default" };
        said.push(if self.is_on() {
            format!("Set zone {zone} target to {target}")
        } else {
            format!("Reset zone {zone} target to default")
        });
        Ok((vec![tool.words(true, &[&zone_word, &format!("--set-target={wanted}")])], said))
    }
}

impl Module for Firewall {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let runs = eyes.ask(["firewall-cmd", "--state"])?.ok();
        let tool = Tool { eyes, offline: !runs };
        if !runs && !self.offline {
            return Err(Failed::new("firewalld service must be running, or try with offline=true"));
        }
        let zone = match &self.zone {
            Some(zone) => zone.clone(),
            None => tool.ask(false, &["--get-default-zone"])?.1,
        };
        let (steps, mut said) = match &self.what {
            What::Nothing => (Vec::new(), Vec::new()),
            What::Zone => self.of_zone(&tool, &zone)?,
            What::Target(target) => self.of_target(&tool, &zone, target)?,
            What::Subject(subject) => self.of_subject(&tool, subject, &zone)?,
        };
        if !runs {
            said.push("(offline operation: only on-disk configs were altered)".into());
        }
        let commands: VecDeque<Command> = steps.into_iter().map(|words| eyes.command(words)).collect();
        let last = Plan { changed: Some(!commands.is_empty()), ..Plan::default() }.with("msg", said.join(", "));
        Ok(all_well(commands, last))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::{Value as Json, json};

    fn machine() -> Fake {
        let answers = [
            ("--state", 0, "running"),
            ("--get-default-zone", 0, "public\n"),
            ("--permanent --get-zones", 0, "block public work\n"),
            ("--permanent --zone=work --get-target", 0, "default\n"),
            ("--permanent --zone=public --query-service=http", 0, "yes"),
            ("--zone=public --query-service=http", 1, "no"),
            ("--permanent --zone=public --query-port=80-90/tcp", 1, "no"),
            ("--zone=public --query-port=80-90/tcp", 1, "no"),
            ("--permanent --zone=work --query-interface=eth0", 1, "no"),
            ("--permanent --zone=public --query-masquerade", 0, "yes"),
            ("--permanent --zone=public --query-forward-port=port=1:proto=tcp:toport=2", 1, "no"),
            ("--permanent --zone=nope --query-service=http", 112, ""),
        ];
        let put = |machine: Fake, (words, code, said): (&str, i32, &str)| {
            machine.answer(&format!("firewall-cmd {words}"), code, said)
        };
        answers.into_iter().fold(Fake::default(), put)
    }

    fn all(arguments: Json) -> (Vec<String>, String) {
        let mut done = Vec::new();
        let mut now = plan(&machine(), "firewalld", arguments.clone()).unwrap_or_else(|e| panic!("{arguments}: {e}"));
        while !now.changes.is_empty() {
            done.extend(changes(&now).into_iter().map(|line| line.replace("firewall-cmd ", "")));
            now = follow(now, &machine(), &[(0, "success", "")]).expect("next");
        }
        assert_eq!(now.changed, Some(!done.is_empty()));
        (done, now.result[&Key::from("msg")].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn zones_let_through_what_is_asked() {
        let cases: &[(Json, &[&str], &str)] = &[
            (json!({"service": "http", "permanent": true, "state": "enabled"}), &[], "Permanent operation"),
            (
                json!({"service": "http", "permanent": true, "immediate": true, "state": "enabled"}),
                &["--zone=public --add-service=http"],
                "Permanent and Non-Permanent(immediate) operation, Changed service http to enabled",
            ),
            (
                json!({"port": "80-90/tcp", "state": "enabled", "timeout": 5}),
                &["--zone=public --add-port=80-90/tcp --timeout=5"],
                "Non-permanent operation, Changed port 80-90/tcp to enabled",
            ),
            (json!({"port": "80-90/tcp", "permanent": true, "state": "disabled"}), &[], "Permanent operation"),
            (
                json!({"interface": "eth0", "zone": "work", "permanent": true, "state": "enabled"}),
                &["--permanent --zone=work --change-interface=eth0"],
                "Permanent operation, Changed eth0 to zone work",
            ),
            (
                json!({"masquerade": false, "permanent": true, "state": "enabled"}),
                &["--permanent --zone=public --remove-masquerade"],
                "Permanent operation, Removed masquerade from zone public",
            ),
            (
                json!({"port_forward": [{"port": 1, "proto": "tcp", "toport": 2}], "permanent": true, "state": "enabled"}),
                &["--permanent --zone=public --add-forward-port=port=1:proto=tcp:toport=2"],
                "Permanent operation, Changed port_forward port=1:proto=tcp:toport=2:toaddr= to enabled",
            ),
            (
                json!({"zone": "new", "permanent": true, "state": "present"}),
                &["--permanent --new-zone=new"],
                "Permanent operation, Added zone new, Changed zone new to present",
            ),
            (
                json!({"zone": "work", "target": "DROP", "permanent": true, "state": "enabled"}),
                &["--permanent --zone=work --set-target=DROP"],
                "Permanent operation, Set zone work target to DROP",
            ),
        ];
        for (arguments, steps, said) in cases {
            let (done, message) = all(arguments.clone());
            assert_eq!(
                (done, message.as_str()),
                (steps.iter().map(ToString::to_string).collect(), *said),
                "{arguments}"
            );
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let cases = [
            (json!({"port": "80", "state": "enabled"}), "missing protocol"),
            (json!({"service": "a", "port": "80/tcp", "state": "enabled"}), "mutually exclusive: service|port"),
            (json!({"interface": "eth0", "state": "enabled"}), "required by 'interface': zone"),
            (json!({"service": "a", "state": "present"}), "zone level operations"),
            (json!({"zone": "a", "state": "present"}), "Zone operations must be permanent"),
            (json!({"service": "http", "zone": "nope", "permanent": true, "state": "enabled"}), "Exception caught"),
        ];
        for (arguments, words) in cases {
            let error = plan(&machine(), "firewalld", arguments.clone()).err().expect("refused");
            assert!(error.message.contains(words), "{arguments}: {error}");
        }
        let still = Fake::default().answer("firewall-cmd --state", 252, "").answer(
            "firewall-offline-cmd --zone=public --query-service=ssh",
            1,
            "no",
        );
        let ask = json!({"service": "ssh", "zone": "public", "permanent": true, "state": "enabled"});
        let error = plan(&still, "firewalld", ask.clone()).err().expect("refused");
        assert_eq!(error.message, "firewalld service must be running, or try with offline=true");
        let mut offline = ask;
        offline["offline"] = json!(true);
        let done = plan(&still, "firewalld", offline).expect("plan");
        assert_eq!(changes(&done), ["firewall-offline-cmd --zone=public --add-service=ssh"]);
    }
}
