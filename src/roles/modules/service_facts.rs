//! `service_facts`: systemd's services as facts.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Plan, Spec};
use crate::roles::value::Value;
use std::collections::BTreeMap;

/// `service_facts`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.service_facts",
    aliases: &[],
    summary: "Sets the fact `services`.",
    free_form: FreeForm::Pairs,
    params: &[],
    file_attributes: false,
    examples: &["service_facts: {}\n"],
};

struct ServiceFacts;

/// Reads the arguments: there are none.
pub fn services(_: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(ServiceFacts))
}

const BAD: &[&str] = &["not-found", "masked", "failed"];

impl Module for ServiceFacts {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let list = |what: &str| {
            let mut words = vec!["systemctl", what, "--no-pager", "--type", "service", "--all"];
            words.extend((what == "list-units").then_some("--plain"));
            eyes.ask(words).map(|output| output.text())
        };
        let mut services: BTreeMap<String, (String, String)> = BTreeMap::new();
        for line in list("list-units")?.lines().filter(|line| line.contains(".service")) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [name, _, active, sub, ..] = fields[..] else { continue };
            // Any column but the description's last word may tell.
            let bad = BAD.iter().find(|bad| fields[..fields.len() - 1].contains(bad));
            let state = if sub == "running" { "running" } else { "stopped" };
            services.insert(name.into(), (state.into(), bad.map_or(active, |bad| bad).into()));
        }
        for line in list("list-unit-files")?.lines().filter(|line| line.contains(".service")) {
            let mut fields = line.split_whitespace();
            let (Some(name), Some(status)) = (fields.next(), fields.next()) else { continue };
            match services.get_mut(name) {
                Some((_, have)) if BAD.contains(&have.as_str()) => {}
                Some((_, have)) => status.clone_into(have),
                None => {
                    let shown = eyes.ask(["systemctl", "show", name, "--property=ActiveState"])?;
                    let text = shown.text().replace("ActiveState=", "").trim_end().to_owned();
                    let state = if shown.ok() && !text.is_empty() { text } else { "unknown".into() };
                    services.insert(name.into(), (state, status.into()));
                }
            }
        }
        let services = services.into_iter().map(|(name, (state, status))| {
            let fields = [("name", name.as_str()), ("state", &state), ("status", &status), ("source", "systemd")];
            let entry = Value::map(fields.map(|(key, value)| (key, Value::str(value))));
            (name, entry)
        });
        Ok(Plan::unchanged().with("ansible_facts", Value::map([("services", Value::map(services))])))
    }
}

#[cfg(test)]
mod tests {

    use crate::roles::modules::fake::{Fake, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    #[test]
    fn services_are_told_with_state_and_status() {
        let units = "UNIT LOAD ACTIVE SUB DESCRIPTION\ncron.service loaded active running Cron daemon\n\
                     apt.service loaded inactive dead Daily apt\nlost.service not-found inactive dead lost.service\n";
        let files = "UNIT FILE STATE PRESET\ncron.service enabled enabled\nget@.service disabled enabled\n";
        let machine = Fake::default()
            .answer("systemctl list-units --no-pager --type service --all --plain", 0, units)
            .answer("systemctl list-unit-files --no-pager --type service --all", 0, files)
            .answer("systemctl show get@.service --property=ActiveState", 1, "");
        let plan = plan(&machine, "service_facts", json!({})).expect("plan");
        let facts = plan.result.get(&Key::from("ansible_facts")).expect("facts").to_json();
        let told = |name: &str| {
            let service = &facts["services"][name];
            (service["state"].as_str().unwrap_or("").to_owned(), service["status"].as_str().unwrap_or("").to_owned())
        };
        assert_eq!(told("cron.service"), ("running".into(), "enabled".into()));
        assert_eq!(told("apt.service"), ("stopped".into(), "inactive".into()));
        assert_eq!(told("lost.service"), ("stopped".into(), "not-found".into()));
        assert_eq!(told("get@.service"), ("unknown".into(), "disabled".into()));
    }
}
