//! `acl`: an entry of a POSIX access control list, through the machine's `setfacl` and `getfacl`.

use super::draft::expand;
use crate::host::{Command, Output};
use crate::roles::modules::programs::{asked, ended_badly, run};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;

/// `acl`.
pub static SPEC: Spec = Spec {
    name: "ansible.posix.acl",
    aliases: &[],
    summary: "Manages access control lists.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The file or directory.").required().aliases(&["name"]),
        Param::new("entry", ParamKind::Str, "The whole entry, as `user:joe:rw-`."),
        Param::new("entity", ParamKind::Str, "The user or group.").default(""),
        Param::new("etype", ParamKind::Str, "What kind of entry.").choices(&["group", "mask", "other", "user"]),
        Param::new("permissions", ParamKind::Str, "What is allowed: `r`, `w`, `x`, `X`."),
        Param::new("state", ParamKind::Str, "Whether the entry is there.")
            .default("query")
            .choices(&["absent", "present", "query"]),
        Param::new("follow", ParamKind::Bool, "Follow links.").default("true"),
        Param::new("default", ParamKind::Bool, "The default list of a directory.").default("false"),
        Param::new("recursive", ParamKind::Bool, "Of everything below.").default("false").aliases(&["recurse"]),
        Param::new("recalculate_mask", ParamKind::Str, "What becomes of the mask.")
            .default("default")
            .choices(&["default", "mask", "no_mask"]),
        Param::new("use_nfsv4_acls", ParamKind::Bool, "NFSv4 lists.").default("false").unsupported("NFSv4 lists"),
    ],
    file_attributes: false,
    examples: &[],
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    Query,
}

struct Acl {
    path: String,
    entry: String,
    state: State,
    follow: bool,
    default: bool,
    recursive: bool,
    mask: Option<&'static str>,
}

/// Reads the arguments.
pub fn acl(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let name = args.must("state")?;
    let state = match name.as_str() {
        "present" => State::Present,
        "absent" => State::Absent,
        _ => State::Query,
    };
    let given = |name: &str| args.text(name).filter(|text| !text.is_empty());
    let (entry, entity, kind) = (given("entry"), given("entity").unwrap_or_default(), given("etype"));
    let permissions = given("permissions");
    let mask = match args.must("recalculate_mask")?.as_str() {
        "mask" => Some("--mask"),
        "no_mask" => Some("--no-mask"),
        _ => None,
    };
    let no = |problem: &str| Err(args.together(problem));
    if state == State::Query {
        if args.flag("recursive") {
            return no("'recursive' MUST NOT be set when 'state=query'.");
        }
        if mask.is_some() {
            return no("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.");
        }
    }
    let mut default = args.flag("default");
    let parts = if let Some(entry) = &entry {
        let colons = entry.matches(':').count();
        if kind.is_some() || !entity.is_empty() || permissions.is_some() {
            return no("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
        }
        match state {
            State::Present if ![2, 3].contains(&colons) => {
                return no("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.");
            }
            State::Absent if ![1, 2].contains(&colons) => {
                return no("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.");
            }
            State::Query => return no("'entry' MUST NOT be set when 'state=query'."),
            _ => {}
        }
        let (is_default, parts) = split(entry).ok_or_else(|| args.wrong("entry", format!("`{entry}` is none")))?;
        default |= is_default;
        parts
    } else {
        if state == State::Absent && permissions.is_some() {
            return no("'permissions' MUST NOT be set when 'state=absent'.");
        }
        if state == State::Absent && entity.is_empty() {
            return no("'entity' MUST be set when 'state=absent'.");
        }
        if state != State::Query && kind.is_none() {
            return Err(args.together(format!("'etype' MUST be set when 'state={name}'.")));
        }
        (kind.unwrap_or_default(), entity, permissions)
    };
    let (kind, entity, permissions) = parts;
    let permissions = permissions.filter(|_| state == State::Present).map(|bits| format!(":{bits}"));
    Ok(Box::new(Acl {
        path: args.must("path")?,
        entry: format!("{kind}:{entity}{}", permissions.unwrap_or_default()),
        state,
        follow: args.flag("follow"),
        default,
        recursive: args.flag("recursive"),
        mask,
    }))
}

type Parts = (String, String, Option<String>);

/// An entry's parts, and whether it is one of the default list.
fn split(entry: &str) -> Option<(bool, Parts)> {
    let mut parts = entry.split(':');
    let is_default = entry.to_ascii_lowercase().starts_with('d');
    if is_default {
        parts.next();
    }
    let kind = match parts.next()?.chars().next()?.to_ascii_lowercase() {
        'u' => "user",
        'g' => "group",
        'm' => "mask",
        'o' => "other",
        _ => return None,
    };
    let entity = parts.next()?.to_owned();
    let permissions = parts.next().map(str::to_owned);
    parts.next().is_none().then_some((is_default, (kind.to_owned(), entity, permissions)))
}

/// A program's lines, comments and a last empty one left out.
fn lines(output: &Output) -> Vec<String> {
    let text = output.text();
    let mut lines: Vec<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(|l| l.trim().to_owned()).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

impl Acl {
    fn command(&self, words: &[&str], path: &str) -> Vec<String> {
        let (program, rest) = words.split_first().unwrap_or((&"", &[]));
        let mut all = vec![*program];
        all.extend(self.default.then_some("-d"));
        all.extend(rest);
        all.extend(self.recursive.then_some("--recursive"));
        all.extend(self.mask.filter(|_| *program == "setfacl"));
        all.extend((!self.follow).then_some("--physical"));
        all.push(path);
        all.into_iter().map(str::to_owned).collect()
    }

    fn get(&self, path: &str) -> Vec<String> {
        self.command(&["getfacl", "--absolute-names", "--omit-header"], path)
    }
}

fn listed(eyes: &Eyes<'_>, get: Vec<String>, plan: Plan) -> Result<Plan, Failed> {
    let list = lines(&asked(eyes, get)?);
    Ok(plan.with("acl", Value::list(list.into_iter().map(Value::str))))
}

impl Module for Acl {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let path = expand(eyes, &self.path)?;
        if !eyes.exists(&path)? {
            return Err(Failed::new("Path not found or not accessible."));
        }
        let get = self.get(&path);
        let (option, said) = match self.state {
            State::Query => return listed(eyes, get, Plan::unchanged().with("msg", "current acl")),
            State::Present => ("-m", format!("{} is present", self.entry)),
            State::Absent => ("-x", format!("{} is absent", self.entry)),
        };
        let set = self.command(&["setfacl", option, &self.entry], &path);
        let mut test = set.clone();
        test.insert(1, "--test".into());
        let stays = lines(&asked(eyes, test)?).iter().any(|line| line.ends_with("*,*"));
        if stays {
            return listed(eyes, get, Plan::unchanged().with("msg", said));
        }
        let command = Command { argv: set, ..eyes.command(["setfacl"]) };
        let must = self.state == State::Present;
        Ok(run(command.clone(), move |eyes, output| {
            if let Some(output) = output.filter(|output| must && !output.ok()) {
                return Err(ended_badly(&command, output));
            }
            listed(eyes, get, Plan { changed: Some(true), ..Plan::default() }.with("msg", said))
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::{Key, Value};
    use serde_json::json;

    fn machine() -> Fake {
        Fake::default()
            .file("/srv/app", "")
            .answer("getfacl --absolute-names --omit-header /srv/app", 0, "user::rw-\nuser:joe:r--\n\n")
            .answer("setfacl --test -m user:joe:r /srv/app", 0, "/srv/app: *,*\n")
            .answer("setfacl --test -m user:joe:rw /srv/app", 0, "/srv/app: u::rw-,u:joe:rw-,*\n")
            .answer("setfacl --test -d -x group:adm --recursive --mask --physical /srv/app", 0, "/srv/app: u::rw-\n")
            .answer("setfacl --test -m user:nobody-here:r /srv/app", 1, "")
    }

    #[test]
    fn entries_are_set_and_removed() {
        let same =
            json!({"path": "/srv/app", "etype": "user", "entity": "joe", "permissions": "r", "state": "present"});
        let same = plan(&machine(), "acl", same).expect("same");
        assert!(same.changes.is_empty());
        assert_eq!(same.result[&Key::from("msg")], Value::str("user:joe:r is present"));
        assert_eq!(same.result[&Key::from("acl")].to_json(), json!(["user::rw-", "user:joe:r--"]));
        let other = plan(&machine(), "acl", json!({"path": "/srv/app", "entry": "u:joe:rw", "state": "present"}));
        let other = other.expect("other");
        assert_eq!(changes(&other), ["setfacl -m user:joe:rw /srv/app"]);
        let done = follow(other, &machine(), &[(0, "", "")]).expect("done");
        assert_eq!(
            (done.changed, done.result[&Key::from("msg")].as_str()),
            (Some(true), Some("user:joe:rw is present"))
        );
        let ask = json!({"path": "/srv/app", "entry": "default:group:adm", "state": "absent", "recursive": true,
            "recalculate_mask": "mask", "follow": false});
        let gone = plan(&machine(), "acl", ask).expect("gone");
        assert_eq!(changes(&gone), ["setfacl -d -x group:adm --recursive --mask --physical /srv/app"]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let cases = [
            (json!({"path": "/srv/none"}), "Path not found"),
            (json!({"path": "/srv/app", "state": "present"}), "'etype' MUST be set when 'state=present'."),
            (json!({"path": "/srv/app", "state": "absent", "etype": "user"}), "'entity' MUST be set"),
            (json!({"path": "/srv/app", "recursive": true}), "'recursive' MUST NOT be set"),
            (json!({"path": "/srv/app", "state": "present", "entry": "user:joe"}), "3 or 4 sections"),
            (json!({"path": "/srv/app", "use_nfsv4_acls": true}), "NFSv4"),
            (json!({"path": "/srv/app", "entry": "u:nobody-here:r", "state": "present"}), "ended with 1"),
        ];
        for (arguments, words) in cases {
            let error = plan(&machine(), "acl", arguments.clone()).err().expect("refused");
            assert!(error.message.contains(words), "{arguments}: {error}");
        }
    }
}
