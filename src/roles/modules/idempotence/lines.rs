//! Random arguments of modules that edit a file, or are tables of one.

use super::random::{FILE, arguments, mode, perhaps, texts};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub fn of_files() -> impl Strategy<Value = (&'static str, Json)> {
    let state = prop::sample::select(&["directory", "absent", "link", "hard", "file"]);
    let place = prop::sample::select(&[FILE, "/srv/new/deep", "/srv/directory", "/srv/link"]);
    prop_oneof![
        (place.clone(), state, mode(), any::<bool>(), any::<bool>()).prop_map(|(path, state, mode, force, follow)| {
            let source = matches!(state, "link" | "hard").then_some("/srv/target");
            let given = [("path", Some(path)), ("state", Some(state)), ("mode", mode), ("src", source)];
            ("file", arguments(given, json!({"force": force, "follow": follow})))
        }),
        (place.clone(), texts(), mode(), any::<bool>()).prop_map(|(path, text, mode, force)| {
            let more = json!({"dest": path, "content": text, "force": force});
            ("copy", arguments([("mode", mode)], more))
        }),
        (place, mode()).prop_map(|(path, mode)| {
            ("template", arguments([("src", Some("some.j2")), ("dest", Some(path)), ("mode", mode)], json!({})))
        }),
    ]
}

pub fn of_lines() -> impl Strategy<Value = (&'static str, Json)> {
    const WHERE: &[&str] = &["BOF", "EOF", "^a", "^\\[one\\]", "nowhere"];
    let line = prop::sample::select(&["a=1", "b=x y", "new", "text with \\1 and $", "[one]"]);
    let state = prop::sample::select(&["present", "absent"]);
    prop_oneof![
        (line, any::<bool>(), perhaps(WHERE), perhaps(WHERE), state.clone(), any::<bool>()).prop_map(
            |(line, searched, after, before, state, first)| {
                // The original changes again, too, where the line is not what its own expression finds.
                let regexp = match line {
                    "a=1" => Some("^#? ?a ?="),
                    "b=x y" => Some("^b="),
                    "new" => Some("^new$"),
                    _ => None,
                };
                let before = if after.is_some() { None } else { before };
                let given = [("line", Some(line)), ("regexp", regexp.filter(|_| searched)), ("state", Some(state))];
                let place = arguments([("insertafter", after), ("insertbefore", before)], json!({"firstmatch": first}));
                let more = arguments([("path", Some(FILE))], place);
                ("lineinfile", arguments(given, more))
            }
        ),
        (texts(), perhaps(WHERE), perhaps(WHERE), state.clone(), any::<[bool; 2]>()).prop_map(
            |(block, after, before, state, [append, prepend])| {
                let block =
                    block.replace("# BEGIN ANSIBLE MANAGED BLOCK", "x").replace("# END ANSIBLE MANAGED BLOCK", "y");
                // Around a block that is not there the original adds another empty line each time.
                let [append, prepend] = [append, prepend].map(|line| line && state == "present" && !block.is_empty());
                let before = if after.is_some() { None } else { before };
                let given = [("state", Some(state)), ("insertafter", after), ("insertbefore", before)];
                let more = json!({"path": FILE, "block": block, "append_newline": append, "prepend_newline": prepend});
                ("blockinfile", arguments(given, more))
            }
        ),
        (perhaps(&["one", "three"]), perhaps(&["a", "c"]), perhaps(&["1", "x y", ""]), state, any::<[bool; 3]>())
            .prop_map(|(section, option, value, state, [exclusive, spaces, bare])| {
                // An option that may have no value is written in one form and judged in the other, by the original too.
                let value = value.filter(|_| !bare);
                // Without a section and an option, the part before the first section is removed over and over.
                let section = section.or(option.is_none().then_some("two"));
                let given = [("section", section), ("option", option), ("value", value), ("state", Some(state))];
                let more = json!({
                    "path": FILE, "exclusive": exclusive, "no_extra_spaces": spaces, "allow_no_value": bare,
                });
                ("ini_file", arguments(given, more))
            }),
    ]
}

pub fn of_tables() -> impl Strategy<Value = (&'static str, Json)> {
    let state = prop::sample::select(&["present", "absent"]);
    let number = prop::sample::select(&["1", "100", "unlimited"]);
    prop_oneof![
        (state.clone(), perhaps(&["5", "*/10"]), perhaps(&["monthly", "reboot"]), any::<bool>()).prop_map(
            |(state, minute, special, disabled)| {
                let minute = if special.is_some() { None } else { minute };
                let given = [("state", Some(state)), ("minute", minute), ("special_time", special)];
                let more =
                    json!({"name": "n", "job": "/bin/j", "cron_file": "c", "user": "root", "disabled": disabled});
                ("cron", arguments(given, more))
            }
        ),
        (
            prop::sample::select(&["*", "root", "@wheel"]),
            prop::sample::select(&["soft", "hard", "-"]),
            number,
            any::<[bool; 2]>()
        )
            .prop_map(|(domain, kind, value, [max, min])| {
                let given = [("domain", Some(domain)), ("limit_type", Some(kind)), ("value", Some(value))];
                let more = json!({"limit_item": "nofile", "dest": FILE, "use_max": max, "use_min": min && !max});
                ("pam_limits", arguments(given, more))
            }),
        (state.clone(), perhaps(&["wheel", "50"]), any::<bool>()).prop_map(|(state, gid, system)| {
            let gid = gid.filter(|gid| *gid != "wheel");
            ("group", arguments([("state", Some(state)), ("gid", gid)], json!({"name": "staff", "system": system})))
        }),
        (state.clone(), perhaps(&["/bin/sh", "/usr/sbin/nologin"]), perhaps(&["A comment", ""]), any::<[bool; 2]>())
            .prop_map(|(state, shell, comment, [home, system])| {
                let given = [("state", Some(state)), ("shell", shell), ("comment", comment)];
                ("user", arguments(given, json!({"name": "deploy", "create_home": home, "system": system})))
            }),
        (state, prop::sample::select(&["a", "a = b", "one\ntwo", ""]), any::<bool>()).prop_map(
            |(state, text, enabled)| {
                let more = json!({"name": "r", "description": text, "baseurl": "http://r/", "enabled": enabled});
                ("yum_repository", arguments([("state", Some(state))], more))
            }
        ),
    ]
}
