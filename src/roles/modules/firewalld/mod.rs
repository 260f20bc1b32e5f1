//! `firewalld`: what a zone lets through, now and after a restart, through `firewall-cmd`.

mod steps;
mod subject;

use super::programs::all_well;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::Command;
use std::collections::VecDeque;
use steps::Tool;
use subject::{Subject, subject};

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
        Param::new("offline", ParamKind::Bool, "Leave out what runs where firewalld does not.").default("false"),
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

impl Module for Firewall {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let runs = eyes.ask(["firewall-cmd", "--state"])?.ok();
        let tool = Tool { eyes, offline: !runs };
        // What is permanent only needs no daemon, whatever `offline` says.
        if !runs && self.immediate && !self.offline {
            let message = "firewall is not currently running, unable to perform immediate actions without a running \
                           firewall daemon";
            return Err(Failed::new(message));
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
        let with = |name: &str| {
            let mut more = ask.clone();
            more[name] = json!(true);
            more
        };
        let error = plan(&still, "firewalld", with("immediate")).err().expect("refused");
        assert!(error.message.starts_with("firewall is not currently running"), "{error}");
        for arguments in [ask.clone(), with("offline")] {
            let done = plan(&still, "firewalld", arguments).expect("plan");
            assert_eq!(changes(&done), ["firewall-offline-cmd --zone=public --add-service=ssh"]);
        }
    }
}
