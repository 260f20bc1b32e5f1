//! `sysctl`: a kernel parameter in a file, and in the running kernel.

use super::programs::in_turn;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, coerce::truth};
use crate::host::{Change, Command, FileWrite};
use std::collections::{BTreeSet, VecDeque};

/// `sysctl`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.sysctl",
    aliases: &[],
    summary: "Sets kernel parameters.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The parameter, with dots.").required().aliases(&["key"]),
        Param::new("value", ParamKind::Str, "Its value.").aliases(&["val"]),
        Param::new("state", ParamKind::Str, "Whether the file has it.")
            .default("present")
            .choices(&["present", "absent"]),
        Param::new("reload", ParamKind::Bool, "Load the file after a change.").default("true"),
        Param::new("sysctl_set", ParamKind::Bool, "Also set it in the running kernel.").default("false"),
        Param::new("ignoreerrors", ParamKind::Bool, "Ignore unknown parameters.").default("false"),
        Param::new("sysctl_file", ParamKind::Path, "The file.").default("/etc/sysctl.conf"),
    ],
    file_attributes: false,
    examples: &["ansible.posix.sysctl:\n  name: vm.swappiness\n  value: '5'\n  reload: false\n"],
};

struct Sysctl {
    name: String,
    value: String,
    present: bool,
    reload: bool,
    set: bool,
    ignore: bool,
    file: String,
}

/// Reads the arguments.
pub fn sysctl(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let value = args.text("value").map(|value| match truth(&value) {
        Some(true) => "1".to_owned(),
        Some(false) => "0".to_owned(),
        None => value.trim().to_owned(),
    });
    let sysctl = Sysctl {
        name: args.must("name")?.trim().to_owned(),
        present: args.must("state")? == "present",
        reload: args.flag("reload"),
        set: args.flag("sysctl_set"),
        ignore: args.flag("ignoreerrors"),
        file: args.must("sysctl_file")?,
        value: value.unwrap_or_default(),
    };
    if sysctl.name.is_empty() {
        return Err(args.wrong("name", "name cannot be blank"));
    }
    if sysctl.present && sysctl.value.is_empty() {
        return Err(args.wrong("value", "value cannot be blank"));
    }
    Ok(Box::new(sysctl))
}

/// A line that sets a parameter.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (name, value) = line.split_once('=').filter(|_| !line.starts_with(['#', ';']))?;
    Some((name.trim(), value.trim()))
}

impl Sysctl {
    /// The file's new lines: each parameter once, as the module writes them.
    fn fixed(&self, text: &str) -> String {
        let mut seen = BTreeSet::new();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            match setting(line) {
                None => lines.push(line.trim().to_owned()),
                Some((name, _)) if !seen.insert(name.to_owned()) => {}
                Some((name, _)) if name == self.name => {
                    lines.extend(self.present.then(|| format!("{name}={}", self.value)));
                }
                Some((name, value)) => lines.push(format!("{name}={value}")),
            }
        }
        if self.present && !seen.contains(&self.name) {
            lines.push(format!("{}={}", self.name, self.value));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// The running kernel's value; empty where it has none.
    fn running(&self, eyes: &Eyes<'_>) -> Result<String, Failed> {
        let swap = |letter: char| match letter {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        // Written with slashes, dots are part of names.
        let slashed = self.name.find(['.', '/']).is_some_and(|at| self.name[at..].starts_with('/'));
        let path = if slashed { self.name.clone() } else { self.name.chars().map(swap).collect() };
        if path.split('/').any(|part| part == "..") {
            return Err(Failed::new(format!("{} is no kernel parameter", self.name)));
        }
        Ok(eyes.text(&format!("/proc/sys/{path}"))?.trim().to_owned())
    }
}

impl Module for Sysctl {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let running = self.running(eyes)?;
        let differs = !running.split_whitespace().eq(self.value.split_whitespace());
        let text = eyes.text(&self.file)?;
        let written = text.lines().filter_map(setting).rfind(|(name, _)| *name == self.name);
        let write = match written {
            None => self.present,
            Some((_, value)) => !self.present || value != self.value,
        };
        let set = self.set && self.present && differs;
        // An empty value in the file is neither there nor absent, as in the module.
        let stale = self.reload && differs && written.is_some() && !write;
        let mut steps: VecDeque<(Change, String)> = VecDeque::new();
        let program = |words: Vec<&str>, failed: String| {
            let ignore = self.ignore.then_some("-e");
            let argv = ["sysctl"].into_iter().chain(ignore).chain(words);
            let command = Command { argv: argv.map(str::to_owned).collect(), ..eyes.command(["sysctl"]) };
            (Change::Run(command), failed)
        };
        if set {
            let assignment = format!("{}={}", self.name, self.value);
            steps.push_back(program(vec!["-w", &assignment], format!("setting {} failed", self.name)));
        }
        if write {
            let file = FileWrite { follow: true, ..FileWrite::new(&self.file, self.fixed(&text)) };
            steps.push_back((Change::Write(file), String::new()));
        }
        let changed = set || write || stale;
        if changed && self.reload {
            steps.push_back(program(vec!["-p", &self.file], "Failed to reload sysctl".into()));
        }
        Ok(in_turn(steps, Plan { changed: Some(changed), ..Plan::default() }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    fn machine() -> Fake {
        Fake::default()
            .file("/etc/sysctl.conf", "# c\n kernel.a = 1\nkernel.a=2\nvm.b=5\n")
            .file("/proc/sys/vm/b", "5\n")
            .file("/proc/sys/net/ports", "1024\t2048\n")
    }

    fn first(arguments: serde_json::Value) -> String {
        changes(&plan(&machine(), "sysctl", arguments).expect("plan")).join(", ")
    }

    #[test]
    fn the_file_and_the_kernel_are_brought_to_the_value() {
        assert_eq!(first(json!({"name": "vm.b", "value": "5"})), "");
        assert_eq!(first(json!({"name": "vm.b", "value": 6})), "write /etc/sysctl.conf");
        assert_eq!(first(json!({"name": "vm.b", "value": true, "sysctl_set": true})), "sysctl -w vm.b=1");
        assert_eq!(
            first(json!({"name": "net.ports", "value": "1024 2048", "reload": false, "sysctl_set": true})),
            "write /etc/sysctl.conf"
        );
        assert_eq!(first(json!({"name": "vm.none", "state": "absent"})), "");
        let write = plan(&machine(), "sysctl", json!({"name": "vm.b", "value": "6"})).expect("plan");
        let reload = follow(write, &machine(), &[(0, "", "")]).expect("reload");
        assert_eq!(changes(&reload), ["sysctl -p /etc/sysctl.conf"]);
        let failed = follow(reload, &machine(), &[(255, "", "no such file")]).err().expect("failed");
        assert_eq!(failed.message, "Failed to reload sysctl: no such file");
    }

    #[test]
    fn each_parameter_stands_once() {
        let plan = plan(&machine(), "sysctl", json!({"name": "kernel.a", "state": "absent", "reload": false}));
        let crate::host::Change::Write(file) = &plan.expect("plan").changes[0] else { panic!("a write") };
        let crate::host::Content::Bytes(bytes) = &file.content else { panic!("bytes") };
        assert_eq!(&**bytes, b"# c\nvm.b=5\n");
    }
}
