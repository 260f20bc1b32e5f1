//! A run as it goes on: as Ansible prints it, or one JSON object a line.

use crate::failure::Place;
use crate::roles::converge::{Event, Observer, Recap, Status};
use crate::secret::Redactor;
use std::collections::HashSet;

/// Prints events.
pub struct Progress {
    /// The host's name.
    pub host: String,
    /// One JSON object a line in place of text.
    pub json: bool,
    /// `-v`, counted.
    pub verbosity: u8,
    /// Whether texts are shown as they change.
    pub diff: bool,
    /// What must not be shown: a path or a name may be made of a secret.
    pub redactor: Redactor,
    /// Failures that were shown with their place: as Ansible does, each is once.
    pub said: HashSet<String>,
}

/// As wide as Ansible's banners on a plain terminal.
const WIDTH: usize = 79;

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) {
        let text = if self.json { as_json(event) } else { self.as_text(event) };
        let text = self.redactor.scrub(&text);
        match event {
            Event::Warning { .. } if !self.json => super::warn(&text),
            _ => super::print(&text),
        }
    }
}

fn banner(title: &str) -> String {
    let stars = WIDTH.saturating_sub(title.chars().count() + 1).max(3);
    format!("\n{title} {}\n", "*".repeat(stars))
}

impl Progress {
    fn as_text(&mut self, event: &Event<'_>) -> String {
        match event {
            Event::Play { name } => banner(&format!("PLAY [{name}]")),
            Event::PlaySkipped { name, hosts } => {
                format!("{}skipping: `{hosts}` does not mean this host\n", banner(&format!("PLAY [{name}]")))
            }
            Event::Task { name, role, handler, place, .. } => {
                let kind = if *handler { "RUNNING HANDLER" } else { "TASK" };
                let mut text = banner(&match role {
                    Some(role) => format!("{kind} [{role} : {name}]"),
                    None => format!("{kind} [{name}]"),
                });
                if self.verbosity > 1 {
                    text.push_str(&format!("task path: {}:{}\n", place.file, place.line));
                }
                text
            }
            Event::Error { message, place, before } => self.error(message, place, before),
            Event::Result { status, item, result, diff, shown, .. } => {
                let mut text = self.diffs(diff);
                text.push_str(&self.result(*status, *item, result, *shown));
                text
            }
            Event::Loop { status: Status::Skipped, message } if *message == "No items in the list" => {
                format!("skipping: [{}]\n", self.host)
            }
            Event::Loop { status: Status::Ignored, .. } => "...ignoring\n".into(),
            Event::Loop { .. } | Event::Pending(_) => String::new(),
            Event::Retry { name, left } => {
                format!("FAILED - RETRYING: [{}]: {name} ({left} retries left).\n", self.host)
            }
            Event::Wait { time } if self.verbosity > 0 => format!("waiting {} s\n", time.as_secs_f64()),
            Event::Wait { .. } => String::new(),
            Event::Include { name, item } => {
                let item = item.map(|item| format!(" => (item={item})")).unwrap_or_default();
                format!("included: {name} for {}{item}\n", self.host)
            }
            Event::Warning { text, place } => {
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                format!("[WARNING]: {place}{text}\n")
            }
            Event::Listing(text) => (*text).to_owned(),
            Event::Recap(recap) => self.recap(recap),
        }
    }

    /// A failure and where its task stands, as ansible-core 2.19 shows them before the result.
    fn error(&mut self, message: &str, place: &Place, before: &[String]) -> String {
        let mut text = format!("[ERROR]: Task failed: {message}\nOrigin: {place}\n\n");
        if let Some(line) = &place.excerpt {
            let last = place.line.to_string();
            let first = (place.line as usize).saturating_sub(before.len());
            for (at, line) in before.iter().chain([line]).enumerate() {
                text.push_str(&format!("{:>width$} {line}\n", first + at, width = last.len()));
            }
            let indent = " ".repeat(last.len() + place.column as usize);
            text.push_str(&format!("{indent}^ column {}\n\n", place.column));
        }
        if self.said.insert(text.clone()) { text } else { String::new() }
    }

    fn result(&self, status: Status, item: Option<&str>, result: &serde_json::Value, shown: bool) -> String {
        let host = &self.host;
        let item = item.map(|item| format!(" => (item={item})")).unwrap_or_default();
        let result = &sorted(result);
        let pretty = || indent(result);
        match status {
            Status::Failed if item.is_empty() => format!("fatal: [{host}]: FAILED! => {result}\n"),
            Status::Failed => format!("failed: [{host}]{item} => {result}\n"),
            Status::Ignored if item.is_empty() => format!("fatal: [{host}]: FAILED! => {result}\n...ignoring\n"),
            Status::Ignored => format!("failed: [{host}]{item} => {result}\n"),
            Status::Skipped => format!("skipping: [{host}]{item}\n"),
            Status::Undecided => format!("undecided: [{host}]{item}\n"),
            Status::Ok | Status::Changed => {
                let word = if status == Status::Ok { "ok" } else { "changed" };
                let tail = if shown {
                    format!(" => {}", pretty())
                } else if self.verbosity > 0 {
                    format!(" => {result}")
                } else {
                    String::new()
                };
                format!("{word}: [{host}]{item}{tail}\n")
            }
        }
    }

    fn diffs(&self, diffs: &[crate::roles::modules::Diff]) -> String {
        diffs.iter().filter(|_| self.diff).map(super::diff::unified).collect()
    }

    fn recap(&self, recap: &Recap) -> String {
        let Recap { ok, changed, failed, skipped, rescued, ignored, undecided: _ } = recap;
        format!(
            "{}{:<26} : ok={ok:<4} changed={changed:<4} unreachable=0    failed={failed:<4} skipped={skipped:<4} rescued={rescued:<4} ignored={ignored:<4}\n\n",
            banner("PLAY RECAP"),
            self.host,
        )
    }
}

/// The same with the members of every mapping in order of name.
fn sorted(json: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match json {
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Object(map) => {
            let members: std::collections::BTreeMap<&String, Json> = map.iter().map(|(k, v)| (k, sorted(v))).collect();
            Json::Object(members.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        other => other.clone(),
    }
}

/// What `debug` is for: its message, or its variable.
fn indent(result: &serde_json::Value) -> String {
    let mut shown = result.clone();
    if let Some(map) = shown.as_object_mut() {
        if map.contains_key("msg") {
            map.retain(|name, _| name == "msg");
        }
        for hidden in ["changed", "failed", "ansible_loop_var"] {
            map.remove(hidden);
        }
    }
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    match serde::Serialize::serialize(&shown, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => shown.to_string(),
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Changed => "changed",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Ignored => "ignored",
        Status::Undecided => "undecided",
    }
}

fn as_json(event: &Event<'_>) -> String {
    use serde_json::json;
    let json = match event {
        Event::Play { name } => json!({ "event": "play", "name": name }),
        Event::PlaySkipped { name, hosts } => json!({ "event": "play-skipped", "name": name, "hosts": hosts }),
        Event::Task { name, role, place, handler, .. } => {
            json!({ "event": "task", "name": name, "role": role, "place": place.to_string(), "handler": handler })
        }
        Event::Error { message, place, .. } => {
            json!({ "event": "error", "message": message, "place": place.to_string() })
        }
        Event::Result { status, item, result, .. } => {
            json!({ "event": "result", "status": word(*status), "item": item, "result": result })
        }
        Event::Loop { status, message } => json!({ "event": "loop", "status": word(*status), "message": message }),
        Event::Retry { name, left } => json!({ "event": "retry", "name": name, "left": left }),
        Event::Wait { time } => json!({ "event": "wait", "seconds": time.as_secs_f64() }),
        Event::Include { name, item } => json!({ "event": "include", "name": name, "item": item }),
        Event::Warning { text, place } => {
            json!({ "event": "warning", "text": text, "place": place.map(ToString::to_string) })
        }
        Event::Pending(handlers) => json!({ "event": "pending-handlers", "handlers": handlers }),
        Event::Listing(text) => json!({ "event": "listing", "text": text }),
        Event::Recap(recap) => json!({ "event": "recap", "recap": recap }),
    };
    format!("{json}\n")
}
