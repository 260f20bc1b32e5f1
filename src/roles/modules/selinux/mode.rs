//! `selinux`: SELinux's mode and policy, now, at the next start and on the kernel's command line.

use super::is_enabled;
use crate::host::{Change, FileWrite};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::programs::ended_badly;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;

/// `selinux`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.selinux",
    aliases: &[],
    summary: "Sets SELinux's mode and policy.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("state", ParamKind::Str, "The mode.").required().choices(&["enforcing", "permissive", "disabled"]),
        Param::new("policy", ParamKind::Str, "The policy; needed unless SELinux is disabled."),
        Param::new("configfile", ParamKind::Str, "The file.").default("/etc/selinux/config").aliases(&["conf", "file"]),
        Param::new("update_kernel_param", ParamKind::Bool, "Also on the kernel's command line, by grubby.")
            .default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Mode {
    state: String,
    policy: Option<String>,
    file: String,
    kernel: bool,
}

/// Reads the arguments.
pub fn mode(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let (state, policy) = (args.must("state")?, args.text("policy").filter(|policy| !policy.is_empty()));
    if state != "disabled" && policy.is_none() {
        return Err(args.together("Policy is required if state is not 'disabled'"));
    }
    Ok(Box::new(Mode { state, policy, file: args.must("configfile")?, kernel: args.flag("update_kernel_param") }))
}

fn setting(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim().to_owned()))
}

/// The file with a setting, which stands where it stood, or at the end.
fn with(text: &str, name: &str, value: &str) -> String {
    let is = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    let wanted = format!("{name}={value}");
    let mut lines: Vec<&str> = text.lines().map(|line| if is(line) { wanted.as_str() } else { line }).collect();
    if !lines.iter().any(|line| is(line)) {
        lines.push(&wanted);
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// Whether the kernels' command lines let SELinux run; `None` where they do not agree.
fn kernels(eyes: &Eyes<'_>) -> Result<Option<bool>, Failed> {
    let output = eyes.ask(["grubby", "--info=ALL"])?;
    if !output.ok() {
        return Err(Failed::new("unable to run grubby"));
    }
    let text = output.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
    let on: Vec<bool> = lines.map(|args| !args.split(' ').any(|word| word == "selinux=0")).collect();
    let first = on.first().copied();
    Ok(first.filter(|first| on.iter().all(|one| one == first)))
}

/// What is to be done, and what is said of it.
#[derive(Default)]
struct Work {
    said: Vec<String>,
    warnings: Vec<String>,
    runs: Vec<Vec<String>>,
    changed: bool,
    reboot: bool,
}

impl Mode {
    fn running(&self, eyes: &Eyes<'_>, work: &mut Work) -> Result<(), Failed> {
        let enabled = is_enabled(eyes)?;
        let enforcing = eyes.text("/sys/fs/selinux/enforce")?.trim() == "1";
        let now = match (enabled, enforcing) {
            (false, _) => "disabled",
            (true, true) => "enforcing",
            (true, false) => "permissive",
        };
        if self.state == now {
            return Ok(());
        }
        let set = |value: &str| vec!["setenforce".to_owned(), value.to_owned()];
        if !enabled {
            work.warnings.push(format!("Reboot is required to set SELinux state to '{}'", self.state));
            work.reboot = true;
        } else if self.state != "disabled" {
            work.runs.push(set(if self.state == "enforcing" { "1" } else { "0" }));
            work.said.push(format!("SELinux state changed from '{now}' to '{}'", self.state));
            work.changed = true;
        } else {
            if now == "enforcing" {
                work.runs.push(set("0"));
                work.warnings.push(format!(
                    "SELinux state temporarily changed from '{now}' to 'permissive'. State change will take effect next \
                     reboot."
                ));
                work.changed = true;
            } else {
                work.warnings.push("SELinux state change will take effect next reboot".into());
            }
            work.reboot = true;
        }
        Ok(())
    }

    fn command_line(&self, eyes: &Eyes<'_>, work: &mut Work) -> Result<(), Failed> {
        if !self.kernel {
            return Ok(());
        }
        let wanted = self.state != "disabled";
        let have = kernels(eyes)?;
        if have == Some(wanted) {
            return Ok(());
        }
        let option = if wanted { "--remove-args" } else { "--args" };
        work.runs.push(["grubby", "--update-kernel=ALL", option, "selinux=0"].map(str::to_owned).into());
        let shown = |on: bool| if on { "enabled" } else { "disabled" };
        let before = have.map_or("<inconsistent>", shown);
        work.said.push(format!("Kernel SELinux state changed from '{before}' to '{}'", shown(wanted)));
        work.changed = true;
        Ok(())
    }

    /// The policy, judged by the file that the library reads and by the one that is edited.
    fn policy(&self, eyes: &Eyes<'_>, text: &str, work: &mut Work) -> Result<Option<String>, Failed> {
        let (own, file) = (setting(text, "SELINUXTYPE"), &self.file);
        let Some(policy) = self.policy.clone().or_else(|| own.clone()) else { return Ok(None) };
        let library = setting(&eyes.text("/etc/selinux/config")?, "SELINUXTYPE").unwrap_or_else(|| "targeted".into());
        if policy != library {
            work.said.push(format!("Running SELinux policy changed from '{library}' to '{policy}'"));
            work.changed = true;
        }
        if own.as_ref() != Some(&policy) {
            if !eyes.exists(&format!("/etc/selinux/{policy}/policy"))? {
                return Err(Failed::new(format!("Policy {policy} does not exist in /etc/selinux/")));
            }
            let before = own.unwrap_or_else(|| "None".into());
            let message = format!("SELinux policy configuration in '{file}' changed from '{before}' to '{policy}'");
            work.said.push(message);
            work.changed = true;
        }
        Ok(Some(policy))
    }
}

impl Module for Mode {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if !eyes.exists(&self.file)? {
            let details = "Please install SELinux-policy package, if this package is not installed previously.";
            return Err(Failed::new(format!("Unable to find file {}", self.file)).with("details", details));
        }
        let text = eyes.text(&self.file)?;
        let mut work = Work::default();
        let policy = self.policy(eyes, &text, &mut work)?;
        self.running(eyes, &mut work)?;
        let mut after = text.clone();
        if let Some(policy) = policy.as_ref().filter(|policy| setting(&text, "SELINUXTYPE").as_ref() != Some(policy)) {
            after = with(&after, "SELINUXTYPE", policy);
        }
        let have = setting(&text, "SELINUX");
        if have.as_deref() != Some(&self.state) {
            after = with(&after, "SELINUX", &self.state);
            let have = have.unwrap_or_else(|| "None".into());
            work.said.push(format!("Config SELinux state changed from '{have}' to '{}'", self.state));
            work.changed = true;
        }
        self.command_line(eyes, &mut work)?;
        let mut draft = Draft::new(eyes, false);
        if after != text {
            draft.show(&self.file, text, after.clone());
            draft.write(FileWrite { follow: true, ..FileWrite::new(&self.file, after) })?;
        }
        for words in &work.runs {
            draft.change(Change::Run(eyes.command(words.iter().cloned())))?;
        }
        draft.set("msg", work.said.join(", "));
        draft.set("configfile", self.file.as_str());
        draft.set("policy", policy.map_or(Value::Null, Value::str));
        draft.set("state", self.state.as_str());
        draft.set("reboot_required", work.reboot);
        if !work.warnings.is_empty() {
            draft.set("warnings", Value::list(work.warnings.into_iter().map(Value::str)));
        }
        let (changed, runs) = (work.changed, work.runs);
        let plan = Plan { changed: Some(changed), ..draft.finish(None) };
        if runs.is_empty() {
            return Ok(plan);
        }
        let next = move |eyes: &Eyes<'_>, effects: &[crate::host::Effect]| {
            for (output, words) in effects.iter().filter_map(|effect| effect.output.as_ref()).zip(&runs) {
                if !output.ok() {
                    return Err(ended_badly(&eyes.command(words.iter().cloned()), output));
                }
            }
            Ok(Plan { changed: Some(changed), ..Plan::default() })
        };
        Ok(Plan { next: Some(Box::new(next)), ..plan })
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    fn machine(state: &str, enforce: &str) -> Fake {
        let machine = Fake::default()
            .file("/etc/selinux/config", &format!("# c\nSELINUX={state}\nSELINUXTYPE=targeted\n"))
            .file("/etc/selinux/mls/policy/policy.33", "")
            .answer("grubby --info=ALL", 0, "index=0\nargs=\"ro quiet selinux=0\"\nindex=1\nargs=\"ro\"\n");
        if enforce.is_empty() { machine } else { machine.file("/sys/fs/selinux/enforce", enforce) }
    }

    #[test]
    fn the_mode_is_set_now_and_for_later() {
        let ask = |machine: &Fake, arguments| {
            let plan = plan(machine, "selinux", arguments).expect("plan");
            let text = |key: &str| plan.result[&Key::from(key)].as_str().unwrap_or_default().to_owned();
            (changes(&plan).join(", "), text("msg"), plan.changed)
        };
        let on = machine("enforcing", "1");
        let same = ask(&on, json!({"state": "enforcing", "policy": "targeted"}));
        assert_eq!(same, (String::new(), String::new(), Some(false)));
        let other = ask(&on, json!({"state": "permissive", "policy": "targeted"}));
        assert_eq!(other.0, "write /etc/selinux/config, setenforce 0");
        assert_eq!(
            other.1,
            "SELinux state changed from 'enforcing' to 'permissive', Config SELinux state changed from 'enforcing' to \
             'permissive'"
        );
        let policy = ask(&on, json!({"state": "enforcing", "policy": "mls"}));
        assert_eq!(policy.0, "write /etc/selinux/config");
        let off = ask(&machine("disabled", ""), json!({"state": "disabled"}));
        assert_eq!((off.0.as_str(), off.2), ("", Some(false)));
        let kernel = json!({"state": "enforcing", "policy": "targeted", "update_kernel_param": true});
        let kernel = ask(&on, kernel);
        assert_eq!(kernel.0, "grubby --update-kernel=ALL --remove-args selinux=0");
        assert_eq!(kernel.1, "Kernel SELinux state changed from '<inconsistent>' to 'enabled'");
    }

    #[test]
    fn what_waits_for_a_restart_is_said() {
        let off = plan(&machine("permissive", ""), "selinux", json!({"state": "permissive", "policy": "targeted"}));
        let off = off.expect("plan");
        assert_eq!(off.result[&Key::from("reboot_required")].to_json(), json!(true));
        assert_eq!(off.changed, Some(false));
        let warned = off.result[&Key::from("warnings")].to_json();
        assert_eq!(warned, json!(["Reboot is required to set SELinux state to 'permissive'"]));
    }

    #[test]
    fn failures_are_told() {
        let ask = |machine: &Fake, arguments| plan(machine, "selinux", arguments).err().expect("refused").message;
        assert!(ask(&machine("enforcing", "1"), json!({"state": "enforcing"})).contains("Policy is required"));
        let none = ask(&machine("enforcing", "1"), json!({"state": "enforcing", "policy": "none"}));
        assert_eq!(none, "Policy none does not exist in /etc/selinux/");
        let bare = ask(&Fake::default(), json!({"state": "disabled"}));
        assert_eq!(bare, "Unable to find file /etc/selinux/config");
        let set = plan(&machine("permissive", "1"), "selinux", json!({"state": "permissive", "policy": "targeted"}));
        let failed = follow(set.expect("plan"), &machine("permissive", "1"), &[(1, "", "denied")]);
        assert_eq!(failed.err().expect("failed").message, "denied");
    }
}
