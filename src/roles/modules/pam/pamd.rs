//! `pamd`: a rule of a PAM service is there, is another, or is gone.

use super::service::{Line, Rule, Service, TYPES, arguments};
use crate::host::{Content, FileWrite};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};

/// `pamd`.
pub static SPEC: Spec = Spec {
    name: "community.general.pamd",
    aliases: &[],
    summary: "Manages rules of PAM services.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The service.").required(),
        Param::new("type", ParamKind::Str, "The rule's type.").required().choices(TYPES),
        Param::new("control", ParamKind::Str, "The rule's control.").required(),
        Param::new("module_path", ParamKind::Str, "The rule's module.").required(),
        Param::new("new_type", ParamKind::Str, "The new type.").choices(TYPES),
        Param::new("new_control", ParamKind::Str, "The new control."),
        Param::new("new_module_path", ParamKind::Str, "The new module."),
        Param::new("module_arguments", ParamKind::StrList, "The module's arguments."),
        Param::new("state", ParamKind::Str, "What is to become of the rule.").default("updated").choices(&[
            "absent",
            "after",
            "args_absent",
            "args_present",
            "before",
            "updated",
        ]),
        Param::new("path", ParamKind::Path, "Where services are.").default("/etc/pam.d"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
    ],
    file_attributes: false,
    examples: &[
        "pamd:\n  name: login\n  type: auth\n  control: required\n  module_path: pam_none.so\n  state: absent\n",
    ],
};

struct Edit {
    file: String,
    kind: String,
    control: String,
    module: String,
    new: (Option<String>, Option<String>, Option<String>),
    arguments: Option<Vec<String>>,
    state: String,
    backup: bool,
}

/// Reads the arguments.
pub fn rule(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let state = args.must("state")?;
    let given = args.value("module_arguments").is_some().then(|| arguments(&args.texts("module_arguments")));
    let needs = |names: &[&str]| -> Result<(), ArgError> {
        let missing: Vec<&str> = names.iter().copied().filter(|name| args.value(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(args.together(format!("state is {state} but all of the following are missing: {}", missing.join(", "))))
    };
    match state.as_str() {
        "args_present" | "args_absent" => needs(&["module_arguments"])?,
        "before" | "after" => needs(&["new_control", "new_type", "new_module_path"])?,
        _ => {}
    }
    if state == "args_present" && given.iter().flatten().any(|arg| arg.starts_with('[')) {
        return Err(args
            .together("Unable to process bracketed '[' complex arguments with 'args_present'. Please use 'updated'."));
    }
    Ok(Box::new(Edit {
        file: format!("{}/{}", args.must("path")?.trim_end_matches('/'), args.must("name")?),
        kind: args.must("type")?,
        control: args.must("control")?,
        module: args.must("module_path")?,
        new: (args.text("new_type"), args.text("new_control"), args.text("new_module_path")),
        arguments: given,
        state,
        backup: args.flag("backup"),
    }))
}

/// Arguments that are not there are added, those with another value get it.
fn add(have: &mut Vec<String>, wanted: &[String]) -> bool {
    let before = have.clone();
    for arg in wanted {
        let key = arg.split_once('=').map(|(key, _)| format!("{key}="));
        let same = have.iter().position(|one| match &key {
            Some(key) => one.starts_with(key.as_str()),
            None => one == arg,
        });
        match same {
            Some(at) => have[at].clone_from(arg),
            None => have.push(arg.clone()),
        }
    }
    before != *have
}

impl Edit {
    fn new_rule(&self) -> Rule {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (kind, control, path) = (part(&self.new.0), part(&self.new.1), part(&self.new.2));
        Rule::new(&kind, &control, &path, self.arguments.clone().unwrap_or_default())
    }

    fn is_new(&self, line: &Line) -> bool {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        matches!(line, Line::Rule(rule) if rule.is(&part(&self.new.0), &part(&self.new.1), &part(&self.new.2)))
    }

    /// How many changes there were.
    fn apply(&self, service: &mut Service) -> usize {
        let found = service.find(&self.kind, &self.control, &self.module);
        match self.state.as_str() {
            "absent" => {
                for at in found.iter().rev() {
                    service.0.remove(*at);
                }
                found.len()
            }
            "before" => found.iter().rev().filter(|at| self.insert_before(service, **at)).count(),
            "after" => found.iter().rev().filter(|at| self.insert_after(service, **at)).count(),
            _ => found.iter().filter(|at| self.alter(service, **at)).count(),
        }
    }

    fn alter(&self, service: &mut Service, at: usize) -> bool {
        let Some(Line::Rule(rule)) = service.0.get_mut(at) else { return false };
        let before = rule.clone();
        let given = self.arguments.clone().unwrap_or_default();
        match self.state.as_str() {
            "args_present" => return add(&mut rule.args, &given),
            "args_absent" => rule.args.retain(|arg| !given.contains(arg)),
            _ => {
                let full = |part: &Option<String>| part.clone().filter(|part| !part.is_empty());
                let kind = full(&self.new.0).unwrap_or_else(|| rule.kind.clone());
                let control = full(&self.new.1).unwrap_or_else(|| rule.control.clone());
                let path = full(&self.new.2).unwrap_or_else(|| rule.path.clone());
                let args = self.arguments.clone().unwrap_or_else(|| rule.args.clone());
                *rule = Rule::new(&kind, &control, &path, args);
            }
        }
        *rule != before
    }

    /// Comments between the two rules go with the module's own way of joining them.
    fn insert_before(&self, service: &mut Service, at: usize) -> bool {
        let previous = service.0[..at].iter().rposition(|line| !matches!(line, Line::Remark(_)));
        match previous {
            Some(previous) if self.is_new(&service.0[previous]) => false,
            Some(previous) => {
                service.0.splice(previous + 1..at, [Line::Rule(self.new_rule())]);
                true
            }
            None => {
                service.0.insert(at, Line::Rule(self.new_rule()));
                true
            }
        }
    }

    fn insert_after(&self, service: &mut Service, at: usize) -> bool {
        let next = service.0[at + 1..].iter().position(|line| !matches!(line, Line::Remark(_))).map(|n| at + 1 + n);
        if next.is_some_and(|next| self.is_new(&service.0[next])) {
            return false;
        }
        let end = next.unwrap_or(service.0.len());
        service.0.splice(at + 1..end, [Line::Rule(self.new_rule())]);
        true
    }
}

impl Module for Edit {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let path = draft.canonical(self.file.as_ref())?;
        let bytes = draft.read(&path)?.ok_or_else(|| {
            let file = &self.file;
            Failed::new(format!(
                "Unable to open/read PAM module file {file} with error [Errno 2] No such file or directory: '{file}'."
            ))
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut service = Service::read(&text).map_err(Failed::new)?;
        let count = self.apply(&mut service);
        service.judge().map_err(Failed::new)?;
        if count > 0 {
            let now = jiff::Timestamp::try_from(eyes.host.now()).unwrap_or_default();
            let moment = now.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
            let after = service.text(&moment);
            let mut write = FileWrite::new(&path, Vec::new());
            write.content = Content::Bytes(after.as_bytes().into());
            write.backup = self.backup;
            // The mark has the time: a plan can hold that the file is written, not with which content.
            write.sensitive = true;
            draft.show(&self.file, text, after);
            draft.write(write)?;
        }
        draft.set("change_count", i64::try_from(count).unwrap_or(i64::MAX));
        draft.set("backupdest", "");
        Ok(draft.finish(Some("backupdest")))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::files::stage::{Stage, converges};
    use serde_json::{Value as Json, json};

    const FILE: &str = "#%PAM-1.0\nauth\trequired pam_env.so\n# unix\nauth [success=1 default=ignore] pam_unix.so \
                        nullok\nauth requisite pam_deny.so\n@include common-account\nsession optional pam_x.so a=1 [b c]\n";
    const MARK: &str = "# Updated by Ansible - 2026-01-01T00:00:00.000000";

    fn edit(rule: (&str, &str, &str), more: Json) -> (Vec<String>, Json) {
        let mut all = json!({"name": "login", "type": rule.0, "control": rule.1, "module_path": rule.2});
        for (key, value) in more.as_object().expect("object") {
            all[key] = value.clone();
        }
        let mut stage = Stage::new().file("/etc/pam.d/login", FILE);
        let done = stage.run("pamd", all).unwrap_or_else(|error| panic!("{more}: {error}"));
        (stage.text("/etc/pam.d/login").lines().map(str::to_owned).collect(), done.result)
    }

    /// Lines after, from the fourth on: what community.general makes of the file.
    #[test]
    fn rules_are_edited_as_community_general_does() {
        let unix = ("auth", "[success=1 default=ignore]", "pam_unix.so");
        type Case<'a> = ((&'a str, &'a str, &'a str), Json, usize, &'a str);
        let cases: &[Case<'_>] = &[
            (unix, json!({"new_control": "sufficient"}), 4, "auth       sufficient pam_unix.so nullok"),
            (unix, json!({"module_arguments": ""}), 4, "auth       [success=1 default=ignore] pam_unix.so"),
            (
                unix,
                json!({"module_arguments": "nullok try=2", "state": "args_present"}),
                4,
                "auth       [success=1 default=ignore] pam_unix.so nullok try=2",
            ),
            (
                unix,
                json!({"module_arguments": ["nullok"], "state": "args_absent"}),
                4,
                "auth       [success=1 default=ignore] pam_unix.so",
            ),
            (unix, json!({"state": "absent"}), 4, "auth       requisite pam_deny.so"),
            (
                unix,
                json!({"state": "after", "new_type": "auth", "new_control": "required", "new_module_path": "n.so"}),
                5,
                "auth       required n.so",
            ),
            // The comment between the two goes.
            (
                unix,
                json!({"state": "before", "new_type": "auth", "new_control": "required", "new_module_path": "n.so",
                "module_arguments": ["a", "b"]}),
                3,
                "auth       required n.so a b",
            ),
            (
                ("session", "optional", "pam_x.so"),
                json!({"state": "args_present", "module_arguments": ["a=2"]}),
                7,
                "session    optional pam_x.so a=2 [b c]",
            ),
        ];
        for (rule, more, at, line) in cases {
            let (lines, result) = edit(*rule, more.clone());
            assert_eq!((lines[1].as_str(), lines[*at].as_str()), (MARK, *line), "{more}\n{}", lines.join("\n"));
            assert_eq!((&result["change_count"], &result["backupdest"]), (&json!(1), &json!("")), "{more}");
        }
    }

    #[test]
    fn a_rule_that_stands_is_let_be() {
        let unix = ("auth", "[success=1 default=ignore]", "pam_unix.so");
        for more in [
            json!({"new_control": "[success=1 default=ignore]", "module_arguments": ["nullok"]}),
            json!({"state": "args_present", "module_arguments": ["nullok"]}),
            json!({"state": "args_absent", "module_arguments": ["other"]}),
            json!({"state": "after", "new_type": "auth", "new_control": "requisite", "new_module_path": "pam_deny.so"}),
            json!({"state": "before", "new_type": "auth", "new_control": "required", "new_module_path": "pam_env.so"}),
        ] {
            assert_eq!(edit(unix, more.clone()).0.join("\n") + "\n", FILE, "{more}");
        }
        let none = edit(("auth", "required", "pam_none.so"), json!({"state": "absent"}));
        assert_eq!(none.1["change_count"], json!(0));
        let mut stage = Stage::new().file("/etc/pam.d/login", FILE);
        let ask = json!({"name": "login", "type": "auth", "control": "required", "module_path": "pam_env.so",
            "new_control": "optional"});
        assert!(converges(&mut stage, "pamd", ask).changed);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let run = |file: &str, more: Json| {
            let mut all = json!({"name": "login", "type": "auth", "control": "required", "module_path": "pam_env.so"});
            for (key, value) in more.as_object().expect("object") {
                all[key] = value.clone();
            }
            let mut stage = Stage::new().file("/etc/pam.d/login", file);
            stage.run("pamd", all).err().expect("refused").message
        };
        let message = run(FILE, json!({"new_control": "maybe"}));
        assert_eq!(message, "Rule control, maybe, is not valid in rule auth       maybe pam_env.so");
        assert!(run("auth [happy=1] a.so\n", json!({})).starts_with("Rule control value, happy, is not valid"));
        assert!(run(FILE, json!({"name": "nope"})).starts_with("Unable to open/read PAM module file /etc/pam.d/nope"));
        assert!(run(FILE, json!({"state": "before"})).contains("missing: new_control, new_type, new_module_path"));
        assert!(run(FILE, json!({"state": "args_present", "module_arguments": "[a b]"})).contains("bracketed"));
    }
}
