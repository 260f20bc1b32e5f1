//! `seport`: which SELinux type a port has, through `semanage port`.

use super::must_run;
use crate::host::Command;
use crate::roles::modules::programs::{all_well, asked};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;
use std::collections::VecDeque;

/// `seport`.
pub static SPEC: Spec = Spec {
    name: "community.general.seport",
    aliases: &[],
    summary: "Manages SELinux types of ports.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("ports", ParamKind::StrList, "Ports and ranges.").required(),
        Param::new("proto", ParamKind::Str, "The protocol.").required().choices(&["tcp", "udp"]),
        Param::new("setype", ParamKind::Str, "The type.").required(),
        Param::new("state", ParamKind::Str, "Whether they have it.").default("present").choices(&["absent", "present"]),
        Param::new("reload", ParamKind::Bool, "Load the policy after a change.").default("true"),
        Param::new("local", ParamKind::Bool, "Look at local changes of the policy only.").default("false"),
        Param::new("ignore_selinux_state", ParamKind::Bool, "Also where SELinux does not run.").default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Ports {
    ports: Vec<String>,
    proto: String,
    kind: String,
    present: bool,
    reload: bool,
    local: bool,
    ignore: bool,
}

/// Reads the arguments.
pub fn ports(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let ports = args.texts("ports");
    let is_port = |port: &String| port.split('-').all(|part| part.parse::<u16>().is_ok());
    if let Some(bad) = ports.iter().find(|port| !is_port(port)) {
        return Err(args.wrong("ports", format!("`{bad}` is no port and no range")));
    }
    Ok(Box::new(Ports {
        ports,
        proto: args.must("proto")?,
        kind: args.must("setype")?,
        present: args.must("state")? == "present",
        reload: args.flag("reload"),
        local: args.flag("local"),
        ignore: args.flag("ignore_selinux_state"),
    }))
}

/// A line of `semanage port --list`: the type, the protocol, the ports.
fn entry(line: &str) -> Option<(&str, &str, Vec<&str>)> {
    let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
    let (proto, ports) = rest.trim_start().split_once(char::is_whitespace)?;
    Some((kind, proto, ports.split(',').map(str::trim).collect()))
}

impl Module for Ports {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        must_run(eyes, self.ignore)?;
        let list = |local: bool| -> Result<String, Failed> {
            let local = local.then_some("--locallist");
            Ok(asked(eyes, ["semanage", "port", "--list", "--noheading"].into_iter().chain(local))?.text())
        };
        let all = list(false)?;
        let judged = if self.local { list(true)? } else { all.clone() };
        let has = |text: &str, port: &str, any: bool| {
            text.lines()
                .filter_map(entry)
                .any(|(kind, proto, ports)| (any || kind == self.kind) && proto == self.proto && ports.contains(&port))
        };
        let mut commands: VecDeque<Command> = VecDeque::new();
        for port in self.ports.iter().filter(|port| has(&judged, port, false) != self.present) {
            let mut words = vec!["semanage", "port"];
            words.extend((!self.reload).then_some("--noreload"));
            match (self.present, has(&all, port, true)) {
                (true, false) => words.extend(["--add", "--type", &self.kind, "--range", "s0"]),
                (true, true) => words.extend(["--modify", "--type", &self.kind, "--range", "s0"]),
                (false, _) => words.push("--delete"),
            }
            words.extend(["--proto", &self.proto, port]);
            commands.push_back(eyes.command(words));
        }
        let ports = self.ports.iter().map(|port| Value::str(port.as_str()));
        let last = Plan { changed: Some(!commands.is_empty()), ..Plan::default() }
            .with("ports", Value::list(ports))
            .with("proto", self.proto.as_str())
            .with("setype", self.kind.as_str())
            .with("state", if self.present { "present" } else { "absent" });
        Ok(all_well(commands, last))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    const ALL: &str =
        "http_port_t                    tcp      8888, 80, 81, 443\nssh_port_t  tcp  22\nx_port_t udp 100-200\n";

    fn machine() -> Fake {
        Fake::default().file("/sys/fs/selinux/enforce", "1").answer("semanage port --list --noheading", 0, ALL).answer(
            "semanage port --list --noheading --locallist",
            0,
            "http_port_t tcp 8888\n",
        )
    }

    #[test]
    fn ports_get_types() {
        let ask = |arguments| changes(&plan(&machine(), "seport", arguments).expect("plan")).join(", ");
        assert_eq!(ask(json!({"ports": "80,443", "proto": "tcp", "setype": "http_port_t"})), "");
        assert_eq!(
            ask(json!({"ports": [2222], "proto": "tcp", "setype": "ssh_port_t", "reload": false})),
            "semanage port --noreload --add --type ssh_port_t --range s0 --proto tcp 2222"
        );
        assert_eq!(
            ask(json!({"ports": "22", "proto": "tcp", "setype": "http_port_t"})),
            "semanage port --modify --type http_port_t --range s0 --proto tcp 22"
        );
        let gone = json!({"ports": "8888", "proto": "tcp", "setype": "http_port_t", "state": "absent", "local": true});
        assert_eq!(ask(gone), "semanage port --delete --proto tcp 8888");
        assert_eq!(ask(json!({"ports": "1", "proto": "udp", "setype": "x_port_t", "state": "absent"})), "");
    }

    #[test]
    fn failures_are_told() {
        let ask = json!({"ports": "22x", "proto": "tcp", "setype": "a"});
        assert!(plan(&machine(), "seport", ask).err().expect("refused").message.contains("`22x` is no port"));
        let add = plan(&machine(), "seport", json!({"ports": "9", "proto": "tcp", "setype": "nope"})).expect("plan");
        let failed = follow(add, &machine(), &[(1, "", "ValueError: Type nope is invalid\n")]).err().expect("failed");
        assert_eq!(failed.message, "ValueError: Type nope is invalid");
    }
}
