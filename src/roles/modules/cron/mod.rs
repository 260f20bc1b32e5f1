//! `cron`: jobs and variables of a user's crontab, or of a file in `/etc/cron.d`.

mod table;

use super::programs::in_turn;
use super::{ArgError, Args, Diff, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, Command, Digest, FileWrite, Hasher};
use crate::roles::value::Value;
use crate::secret::Secret;
use std::collections::VecDeque;
use std::path::Path;
use table::Table;

const STAR: &str = "*";

/// `cron`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.cron",
    aliases: &[],
    summary: "Manages jobs and variables of crontabs.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The job's description, or the variable's name.").required(),
        Param::new("job", ParamKind::Str, "The command, or the variable's value.").aliases(&["value"]),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["present", "absent"]),
        Param::new("user", ParamKind::Str, "Whose crontab, or as whom a file's job runs."),
        Param::new("cron_file", ParamKind::Path, "A file, below /etc/cron.d where it is a mere name."),
        Param::new("minute", ParamKind::Str, "When.").default(STAR),
        Param::new("hour", ParamKind::Str, "When.").default(STAR),
        Param::new("day", ParamKind::Str, "When.").default(STAR).aliases(&["dom"]),
        Param::new("month", ParamKind::Str, "When.").default(STAR),
        Param::new("weekday", ParamKind::Str, "When.").default(STAR).aliases(&["dow"]),
        Param::new("special_time", ParamKind::Str, "When, in a word.")
            .choices(&["reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"]),
        Param::new("disabled", ParamKind::Bool, "Whether the job's line is commented out.").default("false"),
        Param::new("env", ParamKind::Bool, "Manage a variable in place of a job.").default("false"),
        Param::new("insertafter", ParamKind::Str, "The variable after which a new one goes."),
        Param::new("insertbefore", ParamKind::Str, "The variable before which a new one goes."),
        Param::new("backup", ParamKind::Bool, "Keep the old crontab.").default("false"),
    ],
    file_attributes: false,
    examples: &["cron:\n  name: sweep\n  minute: '5'\n  job: /usr/bin/sweep\n  user: root\n  cron_file: sweep\n"],
};

struct Cron {
    name: String,
    job: Option<String>,
    present: bool,
    user: Option<String>,
    file: Option<String>,
    when: String,
    disabled: bool,
    variable: bool,
    beside: Option<(String, bool)>,
    backup: bool,
    sensitive: bool,
}

/// Reads the arguments.
pub fn cron(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let times = ["minute", "hour", "day", "month", "weekday"].map(|name| args.text(name).unwrap_or_default());
    let special = args.text("special_time");
    let when = match &special {
        Some(_) if times.iter().any(|time| time != STAR) => {
            let message = "You cannot combine special_time with any of the time or day/date parameters.";
            return Err(args.together(message));
        }
        Some(word) => format!("@{word}"),
        None => times.join(" "),
    };
    let beside = match (args.text("insertafter"), args.text("insertbefore")) {
        (Some(_), Some(_)) => return Err(args.together("parameters are mutually exclusive: insertafter|insertbefore")),
        (Some(name), None) => Some((name, true)),
        (None, name) => name.map(|name| (name, false)),
    };
    let cron = Cron {
        name: args.must("name")?,
        job: args.text("job"),
        present: args.must("state")? == "present",
        user: args.text("user"),
        file: args.text("cron_file").filter(|file| !file.is_empty()),
        disabled: args.flag("disabled"),
        variable: args.flag("env"),
        backup: args.flag("backup"),
        sensitive: args.has_secret(),
        when,
        beside,
    };
    if cron.file.as_deref() == Some("/etc/crontab") {
        return Err(args.together("Will not manage /etc/crontab via cron_file, see documentation."));
    }
    if cron.present && cron.file.is_some() && cron.user.is_none() {
        return Err(args.together("To use cron_file=... parameter you must specify user=... as well"));
    }
    if cron.present && cron.job.is_none() {
        return Err(args.together("You must specify 'job' to install a new cron job or variable"));
    }
    if cron.present && cron.beside.is_some() && !cron.variable {
        return Err(args.together("Insertafter and insertbefore parameters are valid only with env=yes"));
    }
    if cron.variable && cron.name.contains(' ') {
        return Err(args.wrong("name", "Invalid name for environment variable"));
    }
    Ok(Box::new(cron))
}

/// A crontab as it is.
struct Before {
    table: Table,
    text: String,
    header: String,
    there: bool,
}

impl Cron {
    fn path(&self, eyes: &Eyes<'_>) -> Option<String> {
        let file = eyes.expanded(self.file.as_deref()?);
        Some(Path::new("/etc/cron.d").join(file).to_string_lossy().into_owned())
    }

    /// `crontab`, for its user.
    fn crontab(&self, eyes: &Eyes<'_>, what: &str) -> Result<Command, Failed> {
        let own = match eyes.become_user {
            Some(user) => Some(user.to_owned()),
            None => {
                let uid = eyes.host.identity().0.to_string();
                let user = eyes.host.user(&uid).map_err(|error| Failed::new(format!("looking up {uid}: {error}")))?;
                user.map(|user| user.name)
            }
        };
        let mut words = vec!["crontab".to_owned()];
        if let Some(user) = self.user.as_ref().filter(|user| Some(*user) != own.as_ref()) {
            words.extend(["-u".to_owned(), user.clone()]);
        }
        words.push(what.to_owned());
        Ok(eyes.command(words))
    }

    fn before(&self, eyes: &Eyes<'_>) -> Result<Before, Failed> {
        let failed = |error| Failed::new(format!("looking for crontab: {error}"));
        if eyes.host.find_program("crontab").map_err(failed)?.is_none() {
            return Err(Failed::new("Failed to find required executable \"crontab\" in paths"));
        }
        if let Some(path) = self.path(eyes) {
            let text = eyes.text(&path)?;
            return Ok(Before { table: Table::of_file(&text), there: eyes.exists(&path)?, text, header: path });
        }
        let output = eyes.query(&self.crontab(eyes, "-l")?)?;
        // 1 can mean that there are no jobs.
        if !matches!(output.code, 0 | 1) {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failed::new(format!("Unable to read crontab: {said}")).with("rc", i64::from(output.code)));
        }
        let (table, text) = Table::of_user(&output.text());
        let header = self.user.as_ref().map_or_else(|| "crontab".to_owned(), |u| format!("crontab for user \"{u}\""));
        Ok(Before { table, text, header, there: true })
    }

    /// Brings the table to what is asked; whether anything changed.
    fn alter(&self, table: &mut Table) -> Result<bool, Failed> {
        let job = self.job.as_deref().unwrap_or_default();
        match (self.variable, self.present) {
            (true, false) => {
                let there = table.find_variable(&self.name).is_some();
                table.set_variable(&self.name, None);
                Ok(there)
            }
            (true, true) => {
                let line = format!("{}=\"{job}\"", self.name);
                match table.find_variable(&self.name) {
                    Some((_, have)) if have == line => return Ok(false),
                    Some(_) => table.set_variable(&self.name, Some(&line)),
                    None => table.add_variable(self.place(table)?, &line),
                }
                Ok(true)
            }
            (false, false) => {
                let there = table.find_job(&self.name, None).is_some();
                if there {
                    table.set_job(&self.name, None);
                }
                Ok(there)
            }
            (false, true) => {
                let line = self.line(job);
                match table.find_job(&self.name, Some(&line)) {
                    Some(job) if job.line == line && !job.adopted => return Ok(false),
                    Some(_) => table.set_job(&self.name, Some(&line)),
                    None => table.add_job(&self.name, &line),
                }
                Ok(true)
            }
        }
    }

    /// Where a new variable goes.
    fn place(&self, table: &Table) -> Result<usize, Failed> {
        let Some((name, after)) = &self.beside else { return Ok(0) };
        let found = table.find_variable(name).map(|(at, _)| at + usize::from(*after));
        found.ok_or_else(|| Failed::new(format!("Variable named '{name}' not found.")))
    }

    fn line(&self, job: &str) -> String {
        let user = match (&self.file, &self.user) {
            (Some(_), Some(user)) => format!("{user} "),
            _ => String::new(),
        };
        let off = if self.disabled { "#" } else { "" };
        format!("{off}{} {user}{}", self.when, job.trim_matches(['\r', '\n']))
    }

    fn written(&self, eyes: &Eyes<'_>, text: String) -> Result<(Change, String), Failed> {
        if let Some(path) = self.path(eyes) {
            let write =
                FileWrite { follow: true, sensitive: self.sensitive, ..FileWrite::new(path, text.into_bytes()) };
            return Ok((Change::Write(write), String::new()));
        }
        let command = Command { stdin: Some(Secret::new(text.into_bytes())), ..self.crontab(eyes, "-")? };
        Ok((Change::Run(command), "Failed to install new cronfile".into()))
    }

    fn warnings(&self, plan: &mut Plan) {
        let name = self.file.as_deref().and_then(|file| file.rsplit('/').next()).unwrap_or_default();
        if self.file.is_some() && !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            plan.warn(format!(
                "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, \
                 digits, underscores, and hyphens"
            ));
        }
        let job = self.job.as_deref().unwrap_or_default().trim_matches(['\r', '\n']);
        if self.present && !self.variable && job.contains(['\r', '\n']) {
            plan.warn("Job should not contain line breaks");
        }
    }
}

impl Module for Cron {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let before = self.before(eyes)?;
        let mut table = before.table.clone();
        let mut changed = self.alter(&mut table)?;
        let mut steps = VecDeque::new();
        let mut plan = Plan::default();
        self.warnings(&mut plan);
        let removed = changed && !self.present && !self.variable && self.file.is_some() && table.is_blank();
        let mut after = table.text();
        if removed {
            changed = before.there;
            after = String::new();
            plan = plan.with("cron_file", self.file.as_deref().unwrap_or_default()).with("state", "absent");
            steps.push_back((Change::Remove { path: before.header.clone().into() }, String::new()));
        } else {
            // A crontab whose last line does not end is brought to an end.
            changed |= !before.text.is_empty() && !before.text.ends_with(['\r', '\n']);
            let list = |names: Vec<String>| Value::list(names.into_iter().map(Value::from));
            plan = plan.with("jobs", list(table.jobs())).with("envs", list(table.variables()));
            if let Some(file) = &self.file {
                plan = plan.with("cron_file", file.as_str());
            }
            if changed {
                steps.push_back(self.written(eyes, after.clone())?);
            }
        }
        if changed && self.backup && !removed {
            // The same crontab is kept under the same name, so that a reviewed plan can be held to it.
            let text = before.table.text().into_bytes();
            let path = format!("/tmp/crontab{}", &Hasher::of(Digest::Sha256, &text)[..8]);
            let mut write = FileWrite::new(&path, text);
            write.attributes = Attributes { mode: Some(0o600), ..Attributes::default() };
            steps.push_front((Change::Write(write), String::new()));
            plan = plan.with("backup_file", path);
        }
        if changed {
            let shown = |text: String| (!self.sensitive).then_some(text);
            let after_header = if removed { "/dev/null".to_owned() } else { before.header.clone() };
            let diff =
                Diff { before_header: before.header, before: shown(before.text), after_header, after: shown(after) };
            plan.diff.push(diff);
        }
        plan.changed = Some(changed);
        Ok(in_turn(steps, plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Content;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    const TABLE: &str = "MAILTO=root\n#Ansible: sweep\n5 * * * * sweep\n";

    fn machine() -> Fake {
        Fake::default()
            .file("/usr/bin/crontab", "")
            .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1:1::/:/bin/sh\n")
            .answer("crontab -l", 0, TABLE)
            .answer("crontab -u app -l", 1, "")
    }

    fn ask(arguments: serde_json::Value) -> Plan {
        plan(&machine(), "cron", arguments).expect("plan")
    }

    fn written(plan: &Plan) -> String {
        let bytes = match plan.changes.first().expect("a change") {
            Change::Run(Command { stdin: Some(text), .. }) => text.expose().clone(),
            Change::Write(FileWrite { content: Content::Bytes(bytes), .. }) => bytes.to_vec(),
            other => panic!("{other:?}"),
        };
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_job_is_there_once() {
        let same = ask(json!({"name": "sweep", "minute": 5, "job": "sweep"}));
        assert!(same.changes.is_empty() && same.changed == Some(false));
        assert_eq!(same.result.get(&Key::from("jobs")).expect("jobs").to_json(), json!(["sweep"]));
        assert_eq!(same.result.get(&Key::from("envs")).expect("envs").to_json(), json!(["MAILTO"]));
        let other = ask(json!({"name": "sweep", "special_time": "daily", "job": "sweep", "disabled": true}));
        assert_eq!(changes(&other), ["crontab -"]);
        assert_eq!(written(&other), "MAILTO=root\n#Ansible: sweep\n#@daily sweep\n");
        assert_eq!(follow(other, &machine(), &[(0, "", "")]).expect("done").changed, Some(true));
        let new = ask(json!({"name": "a", "job": "b", "user": "app", "backup": true}));
        assert!(changes(&new)[0].starts_with("write /tmp/crontab"));
        let install = follow(new, &machine(), &[]).expect("install");
        assert_eq!(
            (changes(&install), written(&install)),
            (vec!["crontab -u app -".into()], "#Ansible: a\n* * * * * b\n".into())
        );
        let failed = follow(install, &machine(), &[(1, "", "bad minute\n")]).err().expect("failed");
        assert_eq!(failed.message, "Failed to install new cronfile: bad minute\n");
        assert_eq!(written(&ask(json!({"name": "sweep", "state": "absent"}))), "MAILTO=root\n");
    }

    #[test]
    fn variables_are_set_beside_others() {
        let after = json!({"name": "PATH", "value": "/bin", "env": true, "insertafter": "MAILTO"});
        assert!(written(&ask(after)).starts_with("MAILTO=root\nPATH=\"/bin\"\n#"));
        assert!(written(&ask(json!({"name": "MAILTO", "env": true, "state": "absent"}))).starts_with("#Ansible"));
        assert!(written(&ask(json!({"name": "A", "env": true, "job": "1"}))).starts_with("A=\"1\"\nMAILTO"));
        let lost = json!({"name": "A", "env": true, "job": "1", "insertbefore": "B"});
        let lost = plan(&machine(), "cron", lost).err().expect("failed");
        assert_eq!(lost.message, "Variable named 'B' not found.");
    }

    #[test]
    fn a_file_of_its_own_goes_with_its_last_job() {
        let file = machine().file("/etc/cron.d/app", "#Ansible: a\n@reboot app b\n");
        let same = json!({"name": "a", "special_time": "reboot", "job": "b", "user": "app", "cron_file": "app"});
        assert!(plan(&file, "cron", same).expect("plan").changes.is_empty());
        let gone = plan(&file, "cron", json!({"name": "a", "state": "absent", "cron_file": "app"})).expect("plan");
        assert_eq!(changes(&gone), ["remove /etc/cron.d/app"]);
        let never = plan(&file, "cron", json!({"name": "b", "state": "absent", "cron_file": "app"})).expect("plan");
        assert!(never.changes.is_empty());
        let dotted = json!({"name": "x", "job": "y", "user": "root", "cron_file": "a.b"});
        assert!(ask(dotted).next.is_some());
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let refused = |arguments| plan(&machine(), "cron", arguments).err().expect("refused").message;
        assert!(refused(json!({"name": "a"})).contains("You must specify 'job'"));
        assert!(refused(json!({"name": "a", "job": "b", "cron_file": "c"})).contains("you must specify user"));
        assert!(refused(json!({"name": "a", "job": "b", "hour": 1, "special_time": "daily"})).contains("combine"));
        assert!(refused(json!({"name": "a", "job": "b", "insertafter": "c"})).contains("only with env=yes"));
        assert!(refused(json!({"name": "a b", "job": "b", "env": true})).contains("Invalid name"));
        assert!(refused(json!({"name": "a", "job": "b", "cron_file": "/etc/crontab"})).contains("/etc/crontab"));
        let none = plan(&Fake::default(), "cron", json!({"name": "a", "job": "b"})).err().expect("failed");
        assert!(none.message.contains("executable \"crontab\""));
    }
}
