//! `getent`: entries of a name service database as facts.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{GroupEntry, Output, UserEntry};
use crate::roles::value::{Key, Map, Value};

/// `getent`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.getent",
    aliases: &[],
    summary: "Sets the fact `getent_DATABASE`.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("database", ParamKind::Str, "The database.").required(),
        Param::new("key", ParamKind::Str, "One entry of it."),
        Param::new("service", ParamKind::Str, "The service to ask."),
        Param::new("split", ParamKind::Str, "What fields are split at."),
        Param::new("fail_key", ParamKind::Bool, "Fail where there is no such entry.").default("true"),
    ],
    file_attributes: false,
    examples: &["getent:\n  database: passwd\n"],
};

struct Getent {
    database: String,
    key: Option<String>,
    service: Option<String>,
    split: Option<String>,
    fail: bool,
}

/// Reads the arguments.
pub fn getent(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let database = args.must("database")?;
    let colon = matches!(database.as_str(), "passwd" | "shadow" | "group" | "gshadow");
    Ok(Box::new(Getent {
        key: args.text("key"),
        service: args.text("service"),
        split: args.text("split").or_else(|| colon.then(|| ":".into())),
        fail: args.flag("fail_key"),
        database,
    }))
}

impl Module for Getent {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut words = vec!["getent".to_owned(), self.database.clone()];
        words.extend(self.key.clone());
        words.extend(self.service.iter().flat_map(|service| ["-s".to_owned(), service.clone()]));
        let mut command = eyes.command(words);
        command.environment.extend(["LANG", "LC_ALL"].map(|name| (name.into(), "C.UTF-8".into())));
        let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::Unsupported;
        let output = match eyes.host.query(&command) {
            Ok(output) => output,
            // A root directory whose programs may not be run has these files all the same.
            Err(error) if refused(&error) && self.service.is_none() => {
                self.by_files(eyes).unwrap_or_else(|| eyes.query(&command))?
            }
            Err(_) => eyes.query(&command)?,
        };
        let mut entries = Map::new();
        let mut plan = Plan::unchanged();
        match (output.code, &self.key) {
            (0, _) => {
                for line in output.text().lines() {
                    self.add(&mut entries, line);
                }
            }
            (2, Some(key)) if !self.fail => {
                entries.insert(Key::from(key.as_str()), Value::Null);
                plan = plan.with("msg", "One or more supplied key could not be found in the database.");
            }
            (1, _) => return Err(Failed::new("Missing arguments, or database unknown.")),
            (2, _) => return Err(Failed::new("One or more supplied key could not be found in the database.")),
            (3, _) => return Err(Failed::new("Enumeration not supported on this database.")),
            (code, _) => return Err(Failed::new(format!("getent ended with {code}"))),
        }
        let facts = Value::map([(format!("getent_{}", self.database), Value::Map(entries.into()))]);
        Ok(plan.with("ansible_facts", facts))
    }
}

impl Getent {
    /// The answer from passwd(5) and group(5) alone; `None` for other databases.
    fn by_files(&self, eyes: &Eyes<'_>) -> Option<Result<Output, Failed>> {
        let lines: std::io::Result<Vec<String>> = match self.database.as_str() {
            "passwd" => eyes.host.users().map(|all| all.iter().map(UserEntry::line).collect()),
            "group" => eyes.host.groups().map(|all| all.iter().map(GroupEntry::line).collect()),
            _ => return None,
        };
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => return Some(Err(Failed::new(format!("reading the accounts: {error}")))),
        };
        let is_asked = |line: &&String| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next(), fields.nth(1));
            self.key.as_deref().is_none_or(|key| name == Some(key) || number == Some(key))
        };
        let found: Vec<&String> = lines.iter().filter(is_asked).collect();
        let code = if found.is_empty() && self.key.is_some() { 2 } else { 0 };
        let text: String = found.into_iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        Some(Ok(Output { code, stdout: text.into_bytes(), ..Output::default() }))
    }

    fn add(&self, entries: &mut Map, line: &str) {
        let mut fields = match &self.split {
            Some(split) if !split.is_empty() => line.split(split.as_str()).collect::<Vec<_>>().into_iter(),
            _ => line.split_whitespace().collect::<Vec<_>>().into_iter(),
        };
        let Some(name) = fields.next() else { return };
        let record = Value::list(fields.map(Value::str));
        match entries.entry(Key::from(name)) {
            indexmap::map::Entry::Vacant(slot) => {
                slot.insert(record);
            }
            // Several entries of one name become a list of records.
            indexmap::map::Entry::Occupied(mut slot) => {
                let have = slot.get().as_list().unwrap_or_default();
                let is_many = have.first().is_some_and(|first| first.as_list().is_some());
                let have = if is_many { have.to_vec() } else { vec![slot.get().clone()] };
                slot.insert(Value::list(have.into_iter().chain([record])));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, plan};
    use serde_json::json;

    #[test]
    fn entries_become_facts() {
        let machine = Fake::default()
            .answer("getent passwd", 0, "root:x:0:0:root:/root:/bin/bash\n")
            .answer("getent hosts", 0, "::1 a\n::1 b c\n")
            .answer("getent passwd nope", 2, "");
        let facts = |arguments| {
            let plan = plan(&machine, "getent", arguments).expect("plan");
            plan.result.get(&Key::from("ansible_facts")).expect("facts").to_json()
        };
        assert_eq!(facts(json!({"database": "passwd"}))["getent_passwd"]["root"][4], "/root");
        assert_eq!(facts(json!({"database": "hosts"}))["getent_hosts"]["::1"], json!([["a"], ["b", "c"]]));
        assert!(
            facts(json!({"database": "passwd", "key": "nope", "fail_key": false}))["getent_passwd"]["nope"].is_null()
        );
        let failed = plan(&machine, "getent", json!({"database": "passwd", "key": "nope"})).err().expect("failed");
        assert!(failed.message.starts_with("One or more supplied key"));
    }
}
