//! `group`: a group is there with its number, or is not there.

use super::programs::say_if_any;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Account, Change, Command, GroupEntry};
use crate::roles::value::Value;
use std::io;

/// `group`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.group",
    aliases: &[],
    summary: "Adds and removes groups.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The group.").required(),
        Param::new("gid", ParamKind::Int, "Its number."),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("system", ParamKind::Bool, "Number it as a system group.").default("false"),
        Param::new("local", ParamKind::Bool, "Look only in the machine's own file.").default("false"),
        Param::new("non_unique", ParamKind::Bool, "Allow a number that another group has.").default("false"),
        Param::new("force", ParamKind::Bool, "Remove it though it is a user's primary group.").default("false"),
        Param::new("gid_min", ParamKind::Int, "The lowest number to choose."),
        Param::new("gid_max", ParamKind::Int, "The highest number to choose."),
    ],
    file_attributes: false,
    examples: &["group:\n  name: app\n  system: true\n"],
};

#[derive(Clone)]
struct Group {
    name: String,
    gid: Option<i64>,
    present: bool,
    system: bool,
    local: bool,
    non_unique: bool,
    force: bool,
    range: Vec<String>,
}

/// Reads the arguments.
pub fn group(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let bound = |name: &str, word: &str| args.int(name).map(|bound| format!("{word}={bound}"));
    let group = Group {
        name: args.must("name")?,
        gid: args.int("gid"),
        present: args.must("state")? == "present",
        system: args.flag("system"),
        local: args.flag("local"),
        non_unique: args.flag("non_unique"),
        force: args.flag("force"),
        range: bound("gid_min", "GID_MIN").into_iter().chain(bound("gid_max", "GID_MAX")).collect(),
    };
    if group.non_unique && group.gid.is_none() {
        return Err(args.together("non_unique is True but all of the following are missing: gid"));
    }
    if group.local && (group.force || !group.range.is_empty()) {
        return Err(args.together("`local` does not go with `force`, `gid_min` or `gid_max`"));
    }
    Ok(Box::new(group))
}

impl Group {
    fn find(&self, eyes: &Eyes<'_>) -> Result<Option<GroupEntry>, Failed> {
        let found = if self.local {
            eyes.host.groups().map(|groups| groups.into_iter().find(|group| group.name == self.name))
        } else {
            // A number written as a name is a name here.
            eyes.host.group(&self.name).map(|group| group.filter(|group| group.name == self.name))
        };
        found.map_err(|error: io::Error| Failed::new(format!("looking for group {}: {error}", self.name)))
    }

    fn tool(&self, present: Option<&GroupEntry>) -> Option<Command> {
        let gid = self.gid.map(|gid| gid.to_string());
        let mut words: Vec<String> = Vec::new();
        match present {
            None => {
                words.push("groupadd".into());
                if let Some(gid) = gid {
                    words.extend(["-g".into(), gid]);
                    words.extend(self.non_unique.then(|| "-o".into()));
                }
                words.extend(self.system.then(|| "-r".into()));
                words.extend(self.range.iter().flat_map(|bound| ["-K".into(), bound.clone()]));
            }
            Some(have) => {
                let gid = gid.filter(|gid| *gid != have.gid.to_string())?;
                words.extend(["groupmod".into(), "-g".into(), gid]);
                words.extend(self.non_unique.then(|| "-o".into()));
            }
        }
        words.push(self.name.clone());
        Some(Command::new(words))
    }

    fn described(&self, eyes: &Eyes<'_>, plan: Plan) -> Result<Plan, Failed> {
        Ok(match self.find(eyes)? {
            Some(have) => plan.with("system", self.system).with("gid", i64::from(have.gid)),
            None => plan,
        })
    }
}

impl Module for Group {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let have = self.find(eyes)?;
        let state = if self.present { "present" } else { "absent" };
        let base = Plan::unchanged().with("name", self.name.as_str()).with("state", Value::str(state));
        let tool = match (self.present, &have) {
            (true, have) => self.tool(have.as_ref()),
            (false, Some(_)) => {
                let force = self.force.then_some("-f");
                Some(Command::new(["groupdel"].into_iter().chain(force).chain([self.name.as_str()])))
            }
            (false, None) => None,
        };
        let Some(tool) = tool else { return self.described(eyes, base) };
        let group = self.clone();
        Ok(Plan {
            changes: vec![Change::Account(Account::Tool(tool))],
            next: Some(Box::new(move |eyes, effects| {
                let mut plan = group.described(eyes, Plan { changed: Some(true), ..Plan::default() })?;
                say_if_any(&mut plan.result, effects);
                Ok(plan)
            })),
            ..base
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    #[test]
    fn a_group_is_added_altered_and_removed() {
        let machine = Fake::default().file("/etc/group", "adm:x:4:\napp:x:70:\n");
        let ask = |arguments| changes(&plan(&machine, "group", arguments).expect("plan")).join(", ");
        assert_eq!(ask(json!({"name": "app"})), "");
        assert_eq!(ask(json!({"name": "app", "gid": 70})), "");
        assert_eq!(ask(json!({"name": "app", "gid": 71, "non_unique": true})), "groupmod -g 71 -o app");
        assert_eq!(ask(json!({"name": "new", "system": true, "gid": 9})), "groupadd -g 9 -r new");
        assert_eq!(ask(json!({"name": "4", "gid_min": 500})), "groupadd -K GID_MIN=500 4");
        assert_eq!(ask(json!({"name": "app", "state": "absent", "force": true})), "groupdel -f app");
        assert_eq!(ask(json!({"name": "new", "state": "absent"})), "");
    }

    #[test]
    fn the_number_is_told_once_it_is_known() {
        let machine = Fake::default().file("/etc/group", "");
        let first = plan(&machine, "group", json!({"name": "app"})).expect("plan");
        let after = Fake::default().file("/etc/group", "app:x:998:\n");
        let second = follow(first, &after, &[(0, "", "")]).expect("second");
        assert_eq!(second.result.get(&Key::from("gid")), Some(&Value::Int(998)));
    }
}
