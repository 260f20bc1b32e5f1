//! What is let through, as the arguments name it.

use crate::roles::modules::{ArgError, Args};
use crate::roles::value::Value;

/// What is let through, in `firewall-cmd`'s words and in the result's.
pub(super) struct Subject {
    /// What follows `--query-`, `--add-`, `--remove-`.
    pub(super) option: String,
    /// Messages for when it was added or removed, where the module has them. `{zone}` is the zone.
    pub(super) done: (Option<String>, Option<String>),
    /// A message for when it changed.
    pub(super) changed: Option<String>,
    /// Whether `state` is turned around.
    pub(super) inverted: bool,
}

pub(super) fn subject(args: &Args, state: &str) -> Result<Option<Subject>, ArgError> {
    let plain = |name: &str, value: &str, word: &str| Subject {
        option: format!("{word}={value}"),
        done: (None, None),
        changed: Some(format!("Changed {name} {value} to {state}")),
        inverted: false,
    };
    let told = |option: String, added: String, removed: String, inverted: bool| Subject {
        option,
        done: (Some(added), Some(removed)),
        changed: None,
        inverted,
    };
    for (name, word) in
        [("icmp_block", "icmp-block"), ("service", "service"), ("protocol", "protocol"), ("rich_rule", "rich-rule")]
    {
        if let Some(value) = args.text(name) {
            return Ok(Some(plain(if name == "icmp_block" { word } else { name }, &value, word)));
        }
    }
    if let Some(port) = args.text("port") {
        let fits = port.trim().split_once('/').is_some_and(|(_, protocol)| !protocol.is_empty());
        if !fits {
            return Err(args.wrong("port", "improper port format (missing protocol?)"));
        }
        return Ok(Some(plain("port", port.trim(), "port")));
    }
    if let Some(value) = args.text("source") {
        let added = format!("Added {value} to zone {{zone}}");
        return Ok(Some(told(format!("source={value}"), added, format!("Removed {value} from zone {{zone}}"), false)));
    }
    if let Some(value) = args.text("interface") {
        let added = format!("Changed {value} to zone {{zone}}");
        return Ok(Some(told(
            format!("interface={value}"),
            added,
            format!("Removed {value} from zone {{zone}}"),
            false,
        )));
    }
    for (name, is) in [("forward", args.maybe_flag("forward")), ("masquerade", args.maybe_flag("masquerade"))] {
        if let Some(is) = is {
            let added = format!("Added {name} to zone {{zone}}");
            return Ok(Some(told(name.to_owned(), added, format!("Removed {name} from zone {{zone}}"), !is)));
        }
    }
    if let Some(is) = args.maybe_flag("icmp_block_inversion") {
        let word = if is { "True" } else { "False" };
        return Ok(Some(Subject {
            option: "icmp-block-inversion".into(),
            done: (None, None),
            changed: Some(format!("Changed icmp-block-inversion {word} to {state}")),
            inverted: !is,
        }));
    }
    forwarding(args, state)
}

fn forwarding(args: &Args, state: &str) -> Result<Option<Subject>, ArgError> {
    let Some(list) = args.value("port_forward").and_then(Value::as_list) else { return Ok(None) };
    let [one] = list else { return Err(args.wrong("port_forward", "Only one port forward supported at a time")) };
    let part = |key: &'static str| match one.get(key) {
        Some(Value::Int(number)) => Some(number.to_string()),
        Some(other) => other.as_str().map(str::to_owned),
        None => None,
    };
    let must = |key: &'static str| {
        part(key).ok_or_else(|| args.wrong("port_forward", format!("{key} must be specified for port forward")))
    };
    let (port, proto, toport) = (must("port")?, must("proto")?, must("toport")?);
    let toaddr = part("toaddr").unwrap_or_default();
    let rule = format!("port={port}:proto={proto}:toport={toport}:toaddr={toaddr}");
    let option = rule.strip_suffix(":toaddr=").unwrap_or(&rule);
    Ok(Some(Subject {
        option: format!("forward-port={option}"),
        done: (None, None),
        changed: Some(format!("Changed port_forward {rule} to {state}")),
        inverted: false,
    }))
}
