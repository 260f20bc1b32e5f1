//! `seboolean`: a boolean of the SELinux policy, through `setsebool`.

use super::{is_enabled, must_run};
use crate::roles::modules::programs::{asked, run};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};

/// `seboolean`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.seboolean",
    aliases: &[],
    summary: "Sets SELinux booleans.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The boolean.").required(),
        Param::new("state", ParamKind::Bool, "Its value.").required(),
        Param::new("persistent", ParamKind::Bool, "Also after a restart.").default("false"),
        Param::new("ignore_selinux_state", ParamKind::Bool, "Also where SELinux does not run.").default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Boolean {
    name: String,
    state: bool,
    persistent: bool,
    ignore: bool,
}

/// Reads the arguments.
pub fn boolean(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let name = args.must("name")?;
    if name.starts_with('-') || name.contains(['/', '=']) {
        return Err(args.wrong("name", format!("`{name}` is no boolean")));
    }
    let ignore = args.flag("ignore_selinux_state");
    Ok(Box::new(Boolean { name, state: args.flag("state"), persistent: args.flag("persistent"), ignore }))
}

impl Boolean {
    /// The value that a restart would bring: `semanage boolean` lists it second, after the one that runs.
    fn kept(&self, eyes: &Eyes<'_>) -> Result<bool, Failed> {
        let text = asked(eyes, ["semanage", "boolean", "--list", "--noheading"])?.text();
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(self.name.as_str()));
        let values = line.and_then(|line| line.split_once('(')?.1.split_once(')')).map(|(values, _)| values);
        let kept = values.and_then(|values| values.split(',').nth(1)).map(str::trim);
        kept.map(|kept| kept == "on")
            .ok_or_else(|| Failed::new(format!("SELinux boolean {} is not defined in persistent policy", self.name)))
    }

    fn runs(&self, eyes: &Eyes<'_>) -> Result<bool, Failed> {
        let values = eyes.text(&format!("/sys/fs/selinux/booleans/{}", self.name))?;
        let unknown = || Failed::new(format!("Failed to determine current state for boolean {}", self.name));
        values.split_whitespace().next().map(|value| value == "1").ok_or_else(unknown)
    }
}

impl Module for Boolean {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        must_run(eyes, self.ignore)?;
        let told = Plan::unchanged()
            .with("name", self.name.as_str())
            .with("persistent", self.persistent)
            .with("state", self.state);
        let stands = if self.persistent {
            self.kept(eyes)? == self.state
        } else {
            !is_enabled(eyes)? || self.runs(eyes)? == self.state
        };
        if stands {
            return Ok(told);
        }
        let (name, value) = (self.name.clone(), i32::from(self.state));
        let keep = self.persistent.then(|| "-P".to_owned());
        let words = ["setsebool".to_owned()].into_iter().chain(keep).chain([name.clone(), value.to_string()]);
        Ok(run(eyes.command(words), move |_, output| match output {
            Some(output) if !output.ok() => {
                let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(Failed::new(format!("Failed to set boolean {name} to {value}: {why}")))
            }
            _ => Ok(Plan { changed: Some(true), ..told }),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    const LIST: &str = "httpd_x                      (on   ,  off)  Allow x\nssh_y   (off  ,  off)  Allow y\n";

    fn machine() -> Fake {
        Fake::default().file("/sys/fs/selinux/enforce", "1").file("/sys/fs/selinux/booleans/httpd_x", "1 1").answer(
            "semanage boolean --list --noheading",
            0,
            LIST,
        )
    }

    #[test]
    fn booleans_are_set() {
        let ask = |arguments| changes(&plan(&machine(), "seboolean", arguments).expect("plan")).join(", ");
        assert_eq!(ask(json!({"name": "httpd_x", "state": true})), "");
        assert_eq!(ask(json!({"name": "httpd_x", "state": false})), "setsebool httpd_x 0");
        assert_eq!(ask(json!({"name": "httpd_x", "state": true, "persistent": true})), "setsebool -P httpd_x 1");
        assert_eq!(ask(json!({"name": "ssh_y", "state": false, "persistent": true})), "");
    }

    #[test]
    fn what_is_not_there_is_told() {
        let ask = |machine: &Fake, arguments| plan(machine, "seboolean", arguments).err().expect("refused").message;
        let unknown = ask(&machine(), json!({"name": "no", "state": true}));
        assert_eq!(unknown, "Failed to determine current state for boolean no");
        let kept = ask(&machine(), json!({"name": "no", "state": true, "persistent": true}));
        assert_eq!(kept, "SELinux boolean no is not defined in persistent policy");
        let off = ask(&Fake::default(), json!({"name": "no", "state": true}));
        assert_eq!(off, "SELinux is disabled on this host.");
        let set = plan(&machine(), "seboolean", json!({"name": "httpd_x", "state": false})).expect("plan");
        let failed = follow(set, &machine(), &[(1, "", "denied\n")]).err().expect("failed");
        assert_eq!(failed.message, "Failed to set boolean httpd_x to 0: denied");
    }
}
