//! `sefcontext`: which SELinux context files below a path get, through `semanage fcontext`.

use super::must_run;
use crate::roles::modules::programs::{all_well, asked};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;

/// `sefcontext`.
pub static SPEC: Spec = Spec {
    name: "community.general.sefcontext",
    aliases: &[],
    summary: "Manages SELinux contexts of files.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("target", ParamKind::Str, "The path, as a regular expression.").required().aliases(&["path"]),
        Param::new("ftype", ParamKind::Str, "Of which files.")
            .default("a")
            .choices(&["a", "b", "c", "d", "f", "l", "p", "s"]),
        Param::new("setype", ParamKind::Str, "The type."),
        Param::new("substitute", ParamKind::Str, "The path whose contexts it takes.").aliases(&["equal"]),
        Param::new("seuser", ParamKind::Str, "The user."),
        Param::new("selevel", ParamKind::Str, "The range.").aliases(&["serange"]),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("reload", ParamKind::Bool, "Load the policy after a change.").default("true"),
        Param::new("ignore_selinux_state", ParamKind::Bool, "Also where SELinux does not run.").default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

/// File types as they are asked for and as they are listed.
const TYPES: [(&str, &str); 8] = [
    ("a", "all files"),
    ("b", "block device"),
    ("c", "character device"),
    ("d", "directory"),
    ("f", "regular file"),
    ("l", "symbolic link"),
    ("p", "named pipe"),
    ("s", "socket"),
];

struct Context {
    target: String,
    files: String,
    kind: Option<String>,
    substitute: Option<String>,
    user: Option<String>,
    range: Option<String>,
    present: bool,
    reload: bool,
    ignore: bool,
}

/// Reads the arguments.
pub fn context(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let context = Context {
        target: args.must("target")?,
        files: args.must("ftype")?,
        kind: args.text("setype"),
        substitute: args.text("substitute"),
        user: args.text("seuser"),
        range: args.text("selevel"),
        present: args.must("state")? == "present",
        reload: args.flag("reload"),
        ignore: args.flag("ignore_selinux_state"),
    };
    for (name, given) in [
        ("setype", context.kind.is_some()),
        ("ftype", args.is_given("ftype")),
        ("seuser", context.user.is_some()),
        ("selevel", context.range.is_some()),
    ] {
        if context.substitute.is_some() && given {
            return Err(args.together(format!("parameters are mutually exclusive: {name}|substitute")));
        }
    }
    if context.present && context.kind.is_none() && context.substitute.is_none() {
        return Err(args.together("state is present but any of the following are missing: setype, substitute"));
    }
    Ok(Box::new(context))
}

/// The policy's entry for a path.
#[derive(Default)]
struct Listed {
    /// User, role, type, range.
    context: Option<Vec<String>>,
    /// The path whose contexts it takes.
    substitute: Option<String>,
}

impl Context {
    fn listed(&self, text: &str) -> Listed {
        let files = TYPES.iter().find(|(letter, _)| *letter == self.files).map_or("", |(_, name)| *name);
        let mut found = Listed::default();
        for line in text.lines() {
            let Some(rest) =
                line.strip_prefix(self.target.as_str()).filter(|rest| rest.starts_with(char::is_whitespace))
            else {
                continue;
            };
            let rest = rest.trim();
            if let Some(of) = rest.strip_prefix("= ") {
                found.substitute = Some(of.trim().to_owned());
            } else if let Some(context) = rest.strip_prefix(files) {
                found.context = Some(context.trim().splitn(4, ':').map(str::to_owned).collect());
            }
        }
        found
    }

    /// `semanage`'s words, where something is to be done.
    fn work(&self, have: &Listed) -> Vec<Vec<String>> {
        let text = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
        let (target, files) = (self.target.as_str(), self.files.as_str());
        let mut all = Vec::new();
        if !self.present {
            if have.context.is_some() && self.substitute.is_none() {
                all.push(text(&["--delete", "--ftype", files, target]));
            }
            let of = have.substitute.as_ref().filter(|of| self.substitute.as_ref().is_none_or(|wanted| wanted == *of));
            if let Some(of) = of.filter(|_| self.kind.is_none()) {
                all.push(text(&["--delete", "--equal", of, target]));
            }
            return all;
        }
        if let Some(of) = &self.substitute {
            match &have.substitute {
                Some(same) if same == of => {}
                Some(_) => all.push(text(&["--modify", "--equal", of, target])),
                None => all.push(text(&["--add", "--equal", of, target])),
            }
            return all;
        }
        let kind = self.kind.as_deref().unwrap_or_default();
        let old = |at: usize| have.context.as_ref().and_then(|context| context.get(at)).map(String::as_str);
        let user = self.user.as_deref().or(old(0)).unwrap_or("system_u");
        let range = self.range.as_deref().or(old(3)).unwrap_or("s0");
        if old(2) != Some(kind) || old(0) != Some(user) || old(3) != Some(range) {
            let verb = if have.context.is_some() { "--modify" } else { "--add" };
            all.push(text(&[verb, "--type", kind, "--ftype", files, "--range", range, "--seuser", user, target]));
        }
        all
    }
}

impl Module for Context {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        must_run(eyes, self.ignore)?;
        let list = asked(eyes, ["semanage", "fcontext", "--list", "--noheading"])?.text();
        let have = self.listed(&list);
        let work = self.work(&have);
        let noreload = (!self.reload).then(|| "--noreload".to_owned());
        let command = |words: Vec<String>| {
            let start = ["semanage".to_owned(), "fcontext".to_owned()];
            eyes.command(start.into_iter().chain(noreload.clone()).chain(words))
        };
        let or_null = |text: Option<&str>| text.map_or(Value::Null, Value::str);
        let mut last = Plan { changed: Some(!work.is_empty()), ..Plan::default() }
            .with("target", self.target.as_str())
            .with("ftype", self.files.as_str())
            .with("setype", or_null(self.kind.as_deref()))
            .with("substitute", or_null(self.substitute.as_deref()))
            .with("state", if self.present { "present" } else { "absent" });
        if self.present {
            let old = |at: usize| have.context.as_ref().and_then(|context| context.get(at)).map(String::as_str);
            let of = |own: &Option<String>, at: usize, default: &'static str| match &self.substitute {
                Some(_) => Value::Null,
                None => Value::str(own.as_deref().or(old(at)).unwrap_or(default)),
            };
            last = last.with("seuser", of(&self.user, 0, "system_u")).with("serange", of(&self.range, 3, "s0"));
        }
        Ok(all_well(work.into_iter().map(command).collect(), last))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    const LIST: &str = "/srv/git(/.*)?     all files          system_u:object_r:git_t:s0\n/srv/git(/.*)?   regular file   \
                        staff_u:object_r:x_t:s0:c1\n\n/srv/www = /var/www\n/run = /var/run\n";

    fn machine() -> Fake {
        Fake::default().file("/sys/fs/selinux/enforce", "1").answer("semanage fcontext --list --noheading", 0, LIST)
    }

    #[test]
    fn contexts_are_set() {
        let ask = |arguments: serde_json::Value| {
            let plan = plan(&machine(), "sefcontext", arguments).expect("plan");
            changes(&plan).join(", ").replace("semanage fcontext ", "")
        };
        assert_eq!(ask(json!({"target": "/srv/git(/.*)?", "setype": "git_t"})), "");
        assert_eq!(ask(json!({"target": "/srv/git(/.*)?", "setype": "x_t", "ftype": "f"})), "");
        assert_eq!(
            ask(json!({"target": "/srv/git(/.*)?", "setype": "y_t", "ftype": "f", "reload": false})),
            "--noreload --modify --type y_t --ftype f --range s0:c1 --seuser staff_u /srv/git(/.*)?"
        );
        assert_eq!(
            ask(json!({"path": "/srv/new", "setype": "n_t"})),
            "--add --type n_t --ftype a --range s0 --seuser system_u /srv/new"
        );
        assert_eq!(ask(json!({"target": "/srv/www", "substitute": "/var/www"})), "");
        assert_eq!(ask(json!({"target": "/srv/www", "equal": "/var/x"})), "--modify --equal /var/x /srv/www");
        assert_eq!(ask(json!({"target": "/srv/www", "state": "absent"})), "--delete --equal /var/www /srv/www");
        assert_eq!(ask(json!({"target": "/srv/git(/.*)?", "state": "absent"})), "--delete --ftype a /srv/git(/.*)?");
        assert_eq!(ask(json!({"target": "/srv/none", "state": "absent"})), "");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let ask = |arguments| plan(&machine(), "sefcontext", arguments).err().expect("refused").message;
        assert!(ask(json!({"target": "/a"})).contains("setype, substitute"));
        assert!(ask(json!({"target": "/a", "substitute": "/b", "seuser": "x"})).contains("seuser|substitute"));
        let add = plan(&machine(), "sefcontext", json!({"target": "/a", "setype": "bad"})).expect("plan");
        let failed = follow(add, &machine(), &[(1, "", "ValueError: Type bad is invalid")]).err().expect("failed");
        assert_eq!(failed.message, "ValueError: Type bad is invalid");
    }
}
