//! `debconf`: answers to the questions that a package asks when it is configured.

use super::programs::said;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Change, Command, Effect};
use crate::roles::value::{Key, Map, Value};
use crate::secret::Secret;
use std::sync::Arc;

/// `debconf`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.debconf",
    aliases: &[],
    summary: "Answers a package's questions beforehand.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The package.").required().aliases(&["pkg"]),
        Param::new("question", ParamKind::Str, "The question.").aliases(&["selection", "setting"]),
        Param::new("vtype", ParamKind::Str, "The answer's type.").choices(&[
            "boolean",
            "error",
            "multiselect",
            "note",
            "password",
            "seen",
            "select",
            "string",
            "text",
            "title",
        ]),
        Param::new("value", ParamKind::Raw, "The answer.").aliases(&["answer"]),
        Param::new("unseen", ParamKind::Bool, "Leave the question as not yet seen.").default("false"),
    ],
    file_attributes: false,
    examples: &["debconf:\n  name: tzdata\n"],
};

struct Debconf {
    package: String,
    answer: Option<Answer>,
    unseen: bool,
}

#[derive(Clone)]
struct Answer {
    question: String,
    kind: String,
    value: Value,
}

/// Reads the arguments.
pub fn debconf(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let answer = match (args.text("question"), args.text("vtype"), args.value("value").cloned()) {
        (None, None, None) => None,
        (Some(question), Some(kind), Some(value)) => Some(Answer { question, kind, value }),
        _ => return Err(args.together("parameters are required together: question, vtype, value")),
    };
    if let Some(answer) = &answer {
        let is_list = answer.value.as_list().is_some();
        if answer.value.as_map().is_some() || is_list && answer.kind != "multiselect" {
            return Err(args.wrong("value", "wants text"));
        }
    }
    Ok(Box::new(Debconf { package: args.must("name")?, answer, unseen: args.flag("unseen") }))
}

impl Answer {
    /// Refuses a list in which something is no text.
    fn is_text(&self) -> Result<(), Failed> {
        let items = self.value.as_list().unwrap_or_default();
        match items.iter().find(|item| item.as_str().is_none()) {
            None => Ok(()),
            Some(item) => Err(Failed::new(format!(
                "Invalid value provided for 'multiselect': {} is of type {} and must be text",
                item.to_json(),
                item.type_name()
            ))),
        }
    }

    fn text(&self) -> String {
        let plain = |value: &Value| match value {
            Value::Str(text) => text.expose().to_owned(),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            other => other.to_json().to_string(),
        };
        match self.value.as_list() {
            Some(items) => {
                let mut items: Vec<String> = items.iter().map(plain).collect();
                items.sort();
                items.join(", ")
            }
            None if self.kind == "boolean" => plain(&self.value).to_lowercase(),
            None => plain(&self.value),
        }
    }

    /// The answer as a result shows it.
    fn shown(&self) -> Value {
        let hidden = self.value.has_secret() || self.kind == "password";
        if hidden { Value::secret(self.text()) } else { Value::from(self.text()) }
    }

    fn differs(&self, eyes: &Eyes<'_>, package: &str, have: &str) -> Result<bool, Failed> {
        let wanted = self.text();
        Ok(match self.kind.as_str() {
            "boolean" => wanted != have.to_lowercase(),
            // `debconf-show` hides it.
            "password" => password(eyes, package, &self.question)?.as_deref() != Some(&wanted),
            "multiselect" if self.value.as_list().is_some() => {
                let mut have: Vec<&str> = have.split(',').map(str::trim).collect();
                have.sort_unstable();
                wanted != have.join(", ")
            }
            _ => wanted != have,
        })
    }
}

fn password(eyes: &Eyes<'_>, package: &str, question: &str) -> Result<Option<String>, Failed> {
    let output = eyes.ask(["debconf-get-selections"])?;
    if !output.ok() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failed::new(format!("Failed to get the value '{question}' from '{package}': {error}")));
    }
    for line in output.text().lines().filter(|line| line.starts_with(package)) {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            [_, have, "password", value, ..] if have == question => return Ok(Some(value.to_owned())),
            [_, _, _, _, ..] => {}
            _ => return Ok(Some(String::new())),
        }
    }
    Ok(None)
}

impl Module for Debconf {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let output = eyes.ask(["debconf-show", &self.package])?;
        if !output.ok() {
            return Err(Failed::new(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        if let Some(answer) = &self.answer {
            answer.is_text()?;
        }
        let mut have = Map::new();
        for (question, value) in output.text().lines().filter_map(|line| line.split_once(':')) {
            have.insert(Key::from(question.trim_matches('*').trim()), Value::str(value.trim()));
        }
        let current = |map: Map| Value::Map(Arc::new(map));
        let Some(answer) = self.answer.clone() else {
            return Ok(Plan::unchanged().with("msg", "").with("current", current(have)));
        };
        let key = Key::from(answer.question.as_str());
        let before = have.get(&key).and_then(Value::as_str).map(str::to_owned);
        let differs = before.as_ref().map(|before| answer.differs(eyes, &self.package, before)).transpose()?;
        if differs == Some(false) {
            return Ok(Plan::unchanged().with("msg", "").with("current", current(have)));
        }
        let mut previous = if before.is_some() { Map::new() } else { have };
        previous.insert(key.clone(), Value::from(before.unwrap_or_default()));
        let line = format!("{} {} {} {}\n", self.package, answer.question, answer.kind, answer.text());
        let words = ["debconf-set-selections"].into_iter().chain(self.unseen.then_some("-u"));
        let command = Command { stdin: Some(Secret::new(line.into_bytes())), ..eyes.command(words) };
        let next = move |_: &Eyes<'_>, effects: &[Effect]| match said(effects) {
            Some((code, _, error)) if code != 0 => Err(Failed::new(error)),
            said => Ok(Plan { changed: Some(true), ..Plan::default() }
                .with("msg", said.map(|(_, said, _)| said).unwrap_or_default())
                .with("current", Value::map([(answer.question.as_str(), answer.shown())]))
                .with("previous", Value::Map(Arc::new(previous)))),
        };
        let changes = vec![Change::Run(command)];
        Ok(Plan { changes, changed: Some(true), next: Some(Box::new(next)), ..Plan::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    fn machine() -> Fake {
        Fake::default()
            .answer(
                "debconf-show tz",
                0,
                "* tz/zone: Etc\n  tz/dry: True\n  tz/many: b, a\n* tz/pw: (password omitted)\n",
            )
            .answer("debconf-get-selections", 0, "tz\ttz/zone\tselect\tEtc\ntz\ttz/pw\tpassword\thunter2\n")
            .answer("debconf-show none", 1, "")
    }

    fn ask(question: &str, kind: &str, value: serde_json::Value) -> Plan {
        let arguments = json!({"name": "tz", "question": question, "vtype": kind, "value": value});
        plan(&machine(), "debconf", arguments).expect("plan")
    }

    #[test]
    fn an_answer_is_given_where_it_differs() {
        assert!(ask("tz/zone", "select", json!("Etc")).changes.is_empty());
        assert!(ask("tz/dry", "boolean", json!(true)).changes.is_empty());
        assert!(ask("tz/many", "multiselect", json!(["a", "b"])).changes.is_empty());
        assert!(ask("tz/pw", "password", json!("hunter2")).changes.is_empty());
        let other = ask("tz/zone", "select", json!("Europe"));
        assert_eq!(changes(&other), ["debconf-set-selections"]);
        let Change::Run(Command { stdin: Some(line), .. }) = &other.changes[0] else { panic!("on standard input") };
        assert_eq!(line.expose(), b"tz tz/zone select Europe\n");
        let done = follow(other, &machine(), &[(0, "", "")]).expect("done");
        let told = |name: &str| done.result.get(&Key::from(name)).expect(name).to_json();
        assert_eq!((told("current"), told("previous")), (json!({"tz/zone": "Europe"}), json!({"tz/zone": "Etc"})));
        let failed =
            follow(ask("tz/new", "string", json!("x")), &machine(), &[(1, "", "locked")]).err().expect("failed");
        assert_eq!(failed.message, "locked");
    }

    #[test]
    fn a_password_is_never_shown() {
        let new = follow(ask("tz/pw", "password", json!("secret1")), &machine(), &[(0, "", "")]).expect("done");
        assert!(!new.result[&Key::from("current")].to_json().to_string().contains("secret1"));
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let refused = |arguments| plan(&machine(), "debconf", arguments).err().expect("refused").message;
        assert!(refused(json!({"name": "tz", "question": "a"})).contains("required together"));
        assert!(
            refused(json!({"name": "tz", "question": "a", "vtype": "string", "value": [1]})).contains("wants text")
        );
        assert!(plan(&machine(), "debconf", json!({"name": "none"})).is_err());
    }
}
