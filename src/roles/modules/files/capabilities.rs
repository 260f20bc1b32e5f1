//! `capabilities`: a capability of a program's file, through the machine's `getcap` and `setcap`.

use crate::roles::modules::programs::{run, say};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::roles::value::Value;

/// `capabilities`.
pub static SPEC: Spec = Spec {
    name: "community.general.capabilities",
    aliases: &[],
    summary: "Manages capabilities of files.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Str, "The file.").required().aliases(&["key"]),
        Param::new("capability", ParamKind::Str, "The capability with operator and flags, as `cap_net_raw+ep`.")
            .required()
            .aliases(&["cap"]),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
    ],
    file_attributes: false,
    examples: &[],
};

/// A capability's name, and its operator with the flags.
type Cap = (String, String);

struct Capability {
    path: String,
    cap: Cap,
    present: bool,
}

/// Reads the arguments.
pub fn capability(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let present = args.must("state")? == "present";
    let cap = read(&args.must("capability")?.trim().to_lowercase());
    if present && cap.1.is_empty() {
        return Err(args.wrong("capability", "Couldn't find operator (one of: ('=', '-', '+'))"));
    }
    Ok(Box::new(Capability { path: args.must("path")?.trim().to_owned(), cap, present }))
}

fn read(written: &str) -> Cap {
    let at = ['=', '-', '+'].iter().find_map(|operator| written.find(*operator));
    let (name, rest) = written.split_at(at.unwrap_or(written.len()));
    (name.to_owned(), rest.to_owned())
}

impl Capability {
    fn current(&self, eyes: &Eyes<'_>) -> Result<Vec<Cap>, Failed> {
        let output = eyes.ask(["getcap", "-v", &self.path])?;
        let (text, stderr) = (output.text(), String::from_utf8_lossy(&output.stderr).into_owned());
        let said = text.trim();
        if !output.ok() || !stderr.is_empty() || said.ends_with(')') {
            let mut failed = Failed::new(format!("Unable to get capabilities of {}", self.path));
            say(&mut failed.result, said, &stderr);
            return Err(failed);
        }
        let Some(rest) = said.strip_prefix(self.path.as_str()) else { return Ok(Vec::new()) };
        // Older versions of libcap put ` =` between the two.
        let rest = rest.strip_prefix(" =").unwrap_or(rest);
        let mut all = Vec::new();
        for group in rest.split_whitespace() {
            let (names, flags) = read(&group.to_lowercase());
            all.extend(names.split(',').map(|name| (name.to_owned(), flags.clone())));
        }
        Ok(all)
    }
}

impl Module for Capability {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut caps = self.current(eyes)?;
        let state = if self.present { "present" } else { "absent" };
        let there = caps.iter().any(|cap| if self.present { *cap == self.cap } else { cap.0 == self.cap.0 });
        if there == self.present {
            return Ok(Plan::unchanged().with("state", state));
        }
        caps.retain(|cap| cap.0 != self.cap.0);
        caps.extend(self.present.then(|| self.cap.clone()));
        let wanted: Vec<String> = caps.into_iter().map(|(name, flags)| name + &flags).collect();
        let path = self.path.clone();
        let command = eyes.command(["setcap".to_owned(), wanted.join(" "), path.clone()]);
        Ok(run(command, move |_, output| {
            let mut plan = Plan { changed: Some(true), ..Plan::default() }.with("msg", "capabilities changed");
            let Some(output) = output else { return Ok(plan) };
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            if !output.ok() {
                let mut failed = Failed::new(format!("Unable to set capabilities of {path}"));
                say(&mut failed.result, &output.text(), &stderr);
                return Err(failed);
            }
            let text = output.text();
            let lines = words::lines(&text).into_iter().map(Value::str);
            plan = plan.with("state", state).with("stdout_lines", Value::list(lines)).with("stdout", text.as_str());
            Ok(plan)
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    fn machine() -> Fake {
        Fake::default()
            .answer("getcap -v /bin/new", 0, "/bin/new cap_net_admin,cap_net_raw=ep cap_chown+i\n")
            .answer("getcap -v /bin/old", 0, "/bin/old = cap_net_raw+ep\n")
            .answer("getcap -v /bin/none", 0, "/bin/none\n")
            .answer("getcap -v /gone", 0, "/gone (No such file or directory)\n")
    }

    #[test]
    fn capabilities_are_set() {
        let ask = |path: &str, cap: &str, state: &str| {
            let arguments = json!({"path": path, "capability": cap, "state": state});
            changes(&plan(&machine(), "capabilities", arguments).expect("plan")).join(", ")
        };
        assert_eq!(ask("/bin/new", "cap_net_raw=ep", "present"), "");
        assert_eq!(ask("/bin/old", "CAP_NET_RAW+ep", "present"), "");
        assert_eq!(ask("/bin/none", "cap_net_raw+ep", "present"), "setcap cap_net_raw+ep /bin/none");
        assert_eq!(
            ask("/bin/new", "cap_net_raw+p", "present"),
            "setcap cap_net_admin=ep cap_chown+i cap_net_raw+p /bin/new"
        );
        assert_eq!(ask("/bin/old", "cap_net_raw", "absent"), "setcap  /bin/old");
        assert_eq!(ask("/bin/none", "cap_net_raw", "absent"), "");
    }

    #[test]
    fn failures_are_told() {
        let gone = plan(&machine(), "capabilities", json!({"path": "/gone", "capability": "cap_chown+ep"}));
        assert_eq!(gone.err().expect("failed").message, "Unable to get capabilities of /gone");
        let bare = plan(&machine(), "capabilities", json!({"path": "/bin/none", "capability": "cap_chown"}));
        assert!(bare.err().expect("refused").message.contains("Couldn't find operator"));
        let set = plan(&machine(), "capabilities", json!({"path": "/bin/none", "capability": "cap_chown+ep"}));
        let failed = follow(set.expect("plan"), &machine(), &[(1, "", "no")]).err().expect("failed");
        assert_eq!(failed.message, "Unable to set capabilities of /bin/none");
    }
}
