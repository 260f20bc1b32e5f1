//! Attributes of the file system, as `lsattr` tells of them and `chattr` sets them.

use crate::host::{Change, Effect, Kind};
use crate::roles::modules::{Args, Eyes, Failed, Module, Plan, Spec};
use crate::roles::value::Key;
use std::path::Path;

/// Adds to a plan what sets a path's attributes: `A` exactly, `+A` and `-A` beside the others.
pub(super) fn set(eyes: &Eyes<'_>, path: &Path, flags: &str, mut plan: Plan) -> Result<Plan, Failed> {
    let (how, flags) = match flags.split_at_checked(1) {
        Some((how @ ("+" | "-" | "="), flags)) => (how, flags),
        _ => ("=", flags),
    };
    let path = path.display().to_string();
    if flags.is_empty() || how != "-" && have(eyes, &path) == flags {
        return Ok(plan);
    }
    let command = eyes.command(["chattr".to_owned(), format!("{how}{flags}"), path.clone()]);
    plan.changes.push(Change::Run(command));
    plan.changed = Some(true);
    plan.next = Some(Box::new(move |_: &Eyes<'_>, effects: &[Effect]| {
        let output = effects.last().and_then(|effect| effect.output.as_ref());
        match output {
            Some(output) if !output.ok() || !output.stderr.is_empty() => {
                let said = output.text() + &String::from_utf8_lossy(&output.stderr);
                let details = format!("Error while setting attributes: {}", said.trim_end());
                Err(Failed::new("chattr failed").with("path", path).with("details", details))
            }
            _ => Ok(Plan { changed: Some(true), ..Plan::unchanged() }),
        }
    }));
    Ok(plan)
}

/// A module that writes one file, and the attributes that the file gets last of all.
struct Flagged {
    module: Box<dyn Module>,
    flags: String,
    path: String,
}

/// The same module where its task names no attributes; `file` knows its own.
pub fn flagged(spec: &Spec, args: &Args, module: Box<dyn Module>) -> Box<dyn Module> {
    let flags = args.text("attributes").filter(|flags| !flags.is_empty() && spec.name != super::file::SPEC.name);
    match (flags, args.text("dest").or_else(|| args.text("path"))) {
        (Some(flags), Some(path)) => Box::new(Flagged { module, flags, path }),
        _ => module,
    }
}

impl Module for Flagged {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        Ok(followed(self.module.plan(eyes)?, self.flags.clone(), self.path.clone()))
    }
}

/// A plan, and after its last step the attributes.
fn followed(mut plan: Plan, flags: String, path: String) -> Plan {
    if plan.undecided.is_some() {
        return plan;
    }
    let told =
        ["dest", "path"].into_iter().find_map(|name| plan.result.get(&Key::from(name))?.as_str().map(str::to_owned));
    let path = told.unwrap_or(path);
    plan.next = Some(match plan.next.take() {
        Some(next) => Box::new(move |eyes, effects| Ok(followed(next(eyes, effects)?, flags, path))),
        None => Box::new(move |eyes, _| last(eyes, &path, &flags)),
    });
    plan
}

fn last(eyes: &Eyes<'_>, path: &str, flags: &str) -> Result<Plan, Failed> {
    let failed = |error| Failed::new(format!("looking at {path}: {error}"));
    match eyes.host.stat(Path::new(path), true).map_err(failed)?.map(|stat| stat.kind) {
        Some(Kind::File) => set(eyes, Path::new(path), flags, Plan::default()),
        // Nothing was to be made there.
        None => Ok(Plan::default()),
        Some(_) => Err(Failed::new(format!("`attributes` of {path}, which is no file, is not done natively yet"))),
    }
}

/// The attributes that a path has; none where nobody can tell.
fn have(eyes: &Eyes<'_>, path: &str) -> String {
    let output = eyes.host.query(&eyes.command(["lsattr", "-d", path])).ok().filter(|output| output.ok());
    let text = output.map(|output| output.text()).unwrap_or_default();
    text.split_whitespace().next().unwrap_or_default().replace('-', "")
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    #[test]
    fn attributes_are_set_where_they_differ() {
        let machine = Fake::default().file("/f", "").answer("lsattr -d /f", 0, "-------A------e------- /f\n");
        let ask = |flags: &str| plan(&machine, "file", json!({"path": "/f", "attributes": flags})).expect("plan");
        assert_eq!(changes(&ask("A")), ["chattr =A /f"]);
        assert!(changes(&ask("Ae")).is_empty() && changes(&ask("")).is_empty());
        assert_eq!(changes(&ask("-A")), ["chattr -A /f"]);
        let failed = follow(ask("+i"), &machine, &[(1, "", "chattr: Operation not supported")]).err().expect("failed");
        assert_eq!(failed.message, "chattr failed");
    }

    #[test]
    fn what_writes_a_file_gives_it_attributes_after_that() {
        use crate::roles::modules::files::stage::Stage;
        let given = |flags: &str| json!({"dest": "/srv/x", "content": "x", "attributes": flags});
        let mut stage = Stage::new().file("/srv/", "");
        let first = stage.run("copy", given("+i")).expect("planned");
        assert_eq!((first.changed, first.unknown), (true, vec!["run chattr +i /srv/x".to_owned()]));
        let without = Stage::new().file("/srv/", "").run("copy", given("")).expect("planned");
        assert_eq!(without.unknown, Vec::<String>::new());
        let line = json!({"path": "/srv/x", "line": "x", "attr": "=a"});
        assert_eq!(stage.run("lineinfile", line).expect("planned").unknown, ["run chattr =a /srv/x"]);
        let refused = stage.run("unarchive", json!({"src": "a.tar", "dest": "/srv", "attributes": "+i"}));
        assert!(refused.err().expect("refused").message.contains("attributes: +i"));
    }
}
