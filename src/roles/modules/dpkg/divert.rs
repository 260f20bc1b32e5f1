//! `dpkg_divert`: a package's file is put elsewhere.

use crate::host::{Change, Command, Effect};
use crate::roles::modules::files::draft::expand;
use crate::roles::modules::programs::{asked, ended_badly};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;

/// `dpkg_divert`.
pub static SPEC: Spec = Spec {
    name: "community.general.dpkg_divert",
    aliases: &[],
    summary: "Overrides a package's version of a file.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "The file.").required(),
        Param::new("state", ParamKind::Str, "Whether it is diverted.")
            .default("present")
            .choices(&["absent", "present"]),
        Param::new("holder", ParamKind::Str, "The package whose version stays in place; `LOCAL` is none."),
        Param::new("divert", ParamKind::Path, "Where the package's version goes."),
        Param::new("rename", ParamKind::Bool, "Move the file as well.").default("false"),
        Param::new("force", ParamKind::Bool, "Move it over a file that is there.").default("false"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Divert {
    path: String,
    present: bool,
    holder: Option<String>,
    divert: Option<String>,
    rename: bool,
    force: bool,
}

/// Reads the arguments.
pub fn divert(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Divert {
        path: args.must("path")?,
        present: args.must("state")? == "present",
        holder: args.text("holder").filter(|holder| !holder.is_empty() && holder != "LOCAL"),
        divert: args.text("divert").filter(|divert| !divert.is_empty()),
        rename: args.flag("rename"),
        force: args.flag("force"),
    }))
}

/// A diversion: where to, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Diversion(Option<(String, String)>);

impl Diversion {
    fn read(eyes: &Eyes<'_>, program: &str, path: &str) -> Result<Self, Failed> {
        let holder = asked(eyes, [program, "--listpackage", path])?.text();
        if holder.is_empty() {
            return Ok(Self(None));
        }
        let divert = asked(eyes, [program, "--truename", path])?.text();
        Ok(Self(Some((divert.trim_end().to_owned(), holder.trim_end().to_owned()))))
    }

    fn shown(&self, path: &str) -> Value {
        let text = |text: Option<&String>| text.map_or(Value::Null, |text| Value::str(text.as_str()));
        let pair = self.0.as_ref();
        Value::map([
            ("path", Value::str(path)),
            ("state", Value::str(if pair.is_some() { "present" } else { "absent" })),
            ("divert", text(pair.map(|pair| &pair.0))),
            ("holder", text(pair.map(|pair| &pair.1))),
        ])
    }
}

/// What is to be done, and how it is told.
struct Work {
    program: String,
    path: String,
    wanted: Diversion,
    changes: Vec<Change>,
    lines: Vec<String>,
    /// What `dpkg-divert` said when it was only asked.
    tried: String,
}

impl Divert {
    /// `dpkg-divert`'s words after its name.
    fn words(&self, path: &str, divert: Option<&str>, rename: bool) -> Vec<String> {
        let mut words = vec![if rename { "--rename" } else { "--no-rename" }];
        if self.present {
            match &self.holder {
                Some(holder) => words.extend(["--package", holder]),
                None => words.push("--local"),
            }
            words.extend(divert.into_iter().flat_map(|divert| ["--divert", divert]));
            words.extend(["--add", path]);
        } else {
            words.extend(["--remove", path]);
        }
        words.into_iter().map(str::to_owned).collect()
    }

    fn work(&self, eyes: &Eyes<'_>, program: String, path: String, before: &Diversion) -> Result<Work, Failed> {
        let divert = self.divert.as_deref().map(|divert| expand(eyes, divert)).transpose()?;
        let target = divert.clone().unwrap_or_else(|| format!("{path}.distrib"));
        let holder = self.holder.clone().unwrap_or_else(|| "LOCAL".into());
        let wanted = Diversion(self.present.then(|| (target.clone(), holder)));
        let line = |words: &[String]| -> Vec<String> {
            std::iter::once(program.clone()).chain(words.iter().cloned()).collect()
        };
        let main = line(&self.words(&path, divert.as_deref(), self.rename));
        let mut test = main.clone();
        test.insert(1, "--test".into());
        let tried = eyes.ask(test)?;
        let change = |argv: &[String]| Change::Run(eyes.command(argv.iter().cloned()));
        let shown = |argv: &[String]| argv.join(" ");
        let (changes, lines) = if tried.ok() {
            let changes = if wanted == *before { Vec::new() } else { vec![change(&main)] };
            (changes, vec![shown(&main)])
        } else if wanted.0.is_some() != before.0.is_some() {
            let old = before.0.as_ref().map(|(divert, _)| divert.as_str());
            let blocks = if self.present { Some(target.as_str()) } else { old };
            let both = self.rename && eyes.exists(&path)? && blocks.map(|b| eyes.exists(b)).transpose()? == Some(true);
            let mut failed = ended_badly(&eyes.command(main.iter().cloned()), &tried);
            if !both || !self.force {
                failed.message = if both {
                    "Set 'force' param to True to force renaming of files.".into()
                } else {
                    "Unexpected error while changing state of the diversion.".into()
                };
                return Err(failed.with("diversion", before.shown(&path)));
            }
            let aside = if self.present { target } else { path.clone() };
            (vec![Change::Remove { path: aside.into() }, change(&main)], vec![shown(&main)])
        } else {
            // Another holder or place: dpkg-divert knows no way but to remove the diversion and to add it again.
            let remove = line(&["--no-rename".to_owned(), "--remove".to_owned(), path.clone()]);
            let add = line(&self.words(&path, divert.as_deref(), false));
            let mut changes = vec![change(&remove), change(&add)];
            let old = before.0.as_ref().map(|(divert, _)| divert.clone()).unwrap_or_default();
            if old != target && eyes.exists(&old)? && !eyes.exists(&target)? {
                changes.push(Change::Rename { from: old.into(), to: target.into() });
            }
            (changes, vec![shown(&remove), shown(&add)])
        };
        let tried = tried.text().trim_end().to_owned();
        Ok(Work { program, path, wanted, changes, lines, tried })
    }
}

fn told(plan: Plan, work: &Work, diversion: &Diversion, messages: Vec<String>) -> Plan {
    plan.with("diversion", diversion.shown(&work.path))
        .with("commands", Value::list(work.lines.iter().map(|line| Value::str(line.as_str()))))
        .with("messages", Value::list(messages.into_iter().map(Value::str)))
}

fn judged(eyes: &Eyes<'_>, work: &Work, effects: &[Effect]) -> Result<Plan, Failed> {
    let plan = Plan { changed: Some(true), ..Plan::default() };
    let outputs: Vec<_> = effects.iter().filter_map(|effect| effect.output.as_ref()).collect();
    if outputs.is_empty() {
        return Ok(told(plan, work, &work.wanted, vec![work.tried.clone()]));
    }
    for (output, line) in outputs.iter().zip(&work.lines) {
        if !output.ok() {
            return Err(ended_badly(&Command::new([line.clone()]), output));
        }
    }
    let after = Diversion::read(eyes, &work.program, &work.path)?;
    let messages = outputs.iter().map(|output| output.text().trim_end().to_owned()).collect();
    let plan = told(plan, work, &after, messages);
    if after == work.wanted {
        return Ok(plan);
    }
    Err(Failed {
        message: "Unexpected error: see stdout and stderr for details.".into(),
        result: plan.result,
        ..Failed::default()
    })
}

impl Module for Divert {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if !self.path.starts_with(['/', '~', '$']) {
            // dpkg-divert's own word: a diversion is of a place, not of wherever a program happens to run.
            return Err(Failed::new(format!("filename \"{}\" is not absolute", self.path)));
        }
        let path = expand(eyes, &self.path)?;
        let found = eyes.host.find_program("dpkg-divert");
        let found = found.map_err(|error| Failed::new(format!("looking for dpkg-divert: {error}")))?;
        let program =
            found.ok_or_else(|| Failed::new("Failed to find required executable \"dpkg-divert\" in paths"))?;
        let program = program.to_string_lossy().into_owned();
        let before = Diversion::read(eyes, &program, &path)?;
        let mut work = self.work(eyes, program, path, &before)?;
        if work.changes.is_empty() {
            let said = vec![work.tried.clone()];
            return Ok(told(Plan::unchanged(), &work, &before, said));
        }
        let changes = std::mem::take(&mut work.changes);
        Ok(Plan {
            changes,
            changed: Some(false),
            next: Some(Box::new(move |eyes, effects| judged(eyes, &work, effects))),
            ..Plan::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    const DIVERT: &str = "/usr/bin/dpkg-divert";

    fn machine(holder: &str, divert: &str) -> Fake {
        Fake::default().file(DIVERT, "").answer(&format!("{DIVERT} --listpackage /etc/a"), 0, holder).answer(
            &format!("{DIVERT} --truename /etc/a"),
            0,
            divert,
        )
    }

    fn test(words: &str) -> String {
        format!("{DIVERT} --test {words}")
    }

    #[test]
    fn a_file_is_diverted_once() {
        let free = machine("", "/etc/a\n").answer(&test("--no-rename --local --add /etc/a"), 0, "Adding");
        let add = plan(&free, "dpkg_divert", json!({"path": "/etc/a"})).expect("add");
        assert_eq!(changes(&add), ["/usr/bin/dpkg-divert --no-rename --local --add /etc/a"]);
        let after = machine("LOCAL\n", "/etc/a.distrib\n");
        let done = follow(add, &after, &[(0, "Adding 'local diversion'\n", "")]).expect("done");
        let shown = json!({"path": "/etc/a", "state": "present", "divert": "/etc/a.distrib", "holder": "LOCAL"});
        assert_eq!((done.changed, done.result[&Key::from("diversion")].to_json()), (Some(true), shown));
        assert_eq!(done.result[&Key::from("messages")].to_json(), json!(["Adding 'local diversion'"]));
        let after = after.answer(&test("--no-rename --local --add /etc/a"), 0, "Leaving");
        assert!(plan(&after, "dpkg_divert", json!({"path": "/etc/a"})).expect("same").changes.is_empty());
        let gone = after.answer(&test("--rename --remove /etc/a"), 0, "Removing");
        let gone = plan(&gone, "dpkg_divert", json!({"path": "/etc/a", "state": "absent", "rename": true}));
        assert_eq!(changes(&gone.expect("gone")), ["/usr/bin/dpkg-divert --rename --remove /etc/a"]);
    }

    #[test]
    fn another_holder_is_a_new_diversion_and_files_in_the_way_are_named() {
        let held = machine("LOCAL\n", "/etc/a.distrib\n").file("/etc/a.distrib", "").answer(
            &test("--no-rename --package app --divert /etc/a.app --add /etc/a"),
            2,
            "",
        );
        let other = plan(&held, "dpkg_divert", json!({"path": "/etc/a", "holder": "app", "divert": "/etc/a.app"}));
        let other = changes(&other.expect("other"));
        assert_eq!(
            other[..2],
            [
                "/usr/bin/dpkg-divert --no-rename --remove /etc/a".to_owned(),
                "/usr/bin/dpkg-divert --no-rename --package app --divert /etc/a.app --add /etc/a".to_owned(),
            ]
        );
        assert!(other[2].starts_with("Rename"), "{}", other[2]);
        let blocked = machine("", "/etc/a\n").file("/etc/a", "").file("/etc/a.distrib", "").answer(
            &test("--rename --local --add /etc/a"),
            2,
            "",
        );
        let ask = json!({"path": "/etc/a", "rename": true});
        let error = plan(&blocked, "dpkg_divert", ask).err().expect("refused");
        assert_eq!(error.message, "Set 'force' param to True to force renaming of files.");
        let forced = plan(&blocked, "dpkg_divert", json!({"path": "/etc/a", "rename": true, "force": true}));
        assert_eq!(changes(&forced.expect("forced"))[0], "remove /etc/a.distrib");
    }
}
