//! `ini_file`: an option is in a section of an INI file, or is not.

use super::draft::Draft;
use super::edit::{Coding, Edit};
use super::file::shown;
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use std::ops::Range;

/// `ini_file`.
pub static SPEC: Spec = Spec {
    name: "community.general.ini_file",
    aliases: &[],
    summary: "Manages an option of an INI file.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("path", ParamKind::Path, "The file.").required().aliases(&["dest"]),
        Param::new("section", ParamKind::Str, "Its section; none is what stands before the first."),
        Param::new("option", ParamKind::Str, "The option; none is the section as a whole."),
        Param::new("value", ParamKind::Str, "Its value."),
        Param::new("values", ParamKind::StrList, "Its values, where it stands there several times."),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("exclusive", ParamKind::Bool, "Only with these values.").default("true"),
        Param::new("no_extra_spaces", ParamKind::Bool, "No blanks around `=`.").default("false"),
        Param::new("ignore_spaces", ParamKind::Bool, "Blanks alone are no difference.").default("false"),
        Param::new("allow_no_value", ParamKind::Bool, "An option without `=`.").default("false"),
        Param::new("modify_inactive_option", ParamKind::Bool, "A commented line is taken for it.").default("true"),
        Param::new("create", ParamKind::Bool, "Make a file that is not there.").default("true"),
        Param::new("follow", ParamKind::Bool, "Write to what a link points to.").default("true").only(&["True"]),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("section_has_values", ParamKind::AnyList, "Choose among sections of one name.")
            .aliases(&["section_has"])
            .unsupported("sections are told apart by name only"),
    ],
    file_attributes: true,
    examples: &[
        "ini_file:\n  path: /etc/app.ini\n  section: main\n  option: port\n  value: '80'\n  mode: '0644'\n",
        "ini_file:\n  path: /etc/app.conf\n  option: a\n  state: absent\n",
    ],
};

struct IniFile {
    edit: Edit,
    section: Option<String>,
    option: Option<String>,
    values: Vec<String>,
    present: bool,
    exclusive: bool,
    equals: &'static str,
    ignore_spaces: bool,
    allow_no_value: bool,
    inactive: bool,
    sensitive: bool,
}

/// Reads the arguments.
pub fn ini_file(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    if args.is_given("value") && args.is_given("values") {
        return Err(args.together("parameters are mutually exclusive: value|values"));
    }
    let mut values: Vec<String> = Vec::new();
    for value in args.text("value").into_iter().chain(args.texts("values")) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let present = args.must("state")? == "present";
    let allow_no_value = args.flag("allow_no_value");
    if present && !allow_no_value && values.is_empty() && args.text("option").is_some() {
        return Err(args.together("Parameter 'value(s)' must be defined if state=present and allow_no_value=False."));
    }
    let some = |name| args.text(name).filter(|text| !text.is_empty());
    Ok(Box::new(IniFile {
        edit: Edit::read(args)?,
        section: some("section"),
        option: some("option"),
        values,
        present,
        exclusive: args.flag("exclusive"),
        equals: if args.flag("no_extra_spaces") { "=" } else { " = " },
        ignore_spaces: args.flag("ignore_spaces"),
        allow_no_value,
        inactive: args.flag("modify_inactive_option"),
        sensitive: args.has_secret(),
    }))
}

impl Module for IniFile {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let before = self.edit.before(&draft, "Destination")?;
        let old = before.bytes.clone().unwrap_or_default();
        let coding = Coding::of(&old);
        // Python reads with universal newlines, and drops a byte order mark.
        let text = coding.decode(&old).trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        if lines.is_empty() {
            lines.push("\n".into());
        }
        let mut said = "OK";
        let unended = lines.last().is_some_and(|last| !last.ends_with('\n'));
        if unended && let Some(last) = lines.last_mut() {
            last.push('\n');
        }
        let changed = self.apply(&mut lines, &mut said);
        if changed || unended {
            self.edit.write(&mut draft, &before, coding.encode(&lines.concat()))?;
        }
        self.edit.settle(&mut draft, &before, "")?;
        draft.set("msg", said);
        draft.set("path", shown(&before.path));
        draft.set_path_members(&before.path)?;
        Ok(draft.finish(Some("backup_file")))
    }
}

/// Whether a line is the option's, in a comment or not: then whether it is a comment, and the value.
fn value_of<'l>(line: &'l str, option: &str, inactive: bool) -> Option<(bool, &'l str)> {
    let blank = [' ', '\t'];
    let line = line.trim_end_matches('\n');
    let active = line.strip_prefix(['#', ';']).filter(|_| inactive);
    let rest = active.unwrap_or(line).trim_start_matches(blank).strip_prefix(option)?.trim_start_matches(blank);
    let value = if rest.is_empty() { rest } else { rest.strip_prefix('=')? };
    Some((active.is_some(), value.trim_start_matches(blank)))
}

/// A section's lines in an edit, each with whether it has been settled.
struct Lines {
    lines: Vec<(String, bool)>,
    changed: bool,
}

impl IniFile {
    /// Edits the lines; whether anything changed, and what in Ansible's words.
    fn apply(&self, lines: &mut Vec<String>, said: &mut &'static str) -> bool {
        let Some(range) = self.find(lines) else {
            return self.present && self.append(lines, said);
        };
        let body = match &self.option {
            None if self.present => return false,
            None => {
                let there = !range.is_empty();
                lines.drain(range);
                *said = if there { "section removed" } else { "OK" };
                return there;
            }
            // The section's own line is none of its options.
            Some(_) => range.start + usize::from(self.section.is_some())..range.end,
        };
        let taken = lines[body.clone()].iter().map(|line| (line.clone(), false)).collect();
        let mut section = Lines { lines: taken, changed: false };
        let option = self.option.as_deref().unwrap_or_default();
        if self.present {
            self.put(&mut section, option, said);
        } else {
            let count = section.lines.len();
            section.lines.retain(|(line, _)| {
                let value = value_of(line, option, false).map(|(_, value)| value.to_owned());
                !value.is_some_and(|value| self.exclusive || self.values.contains(&value))
            });
            section.changed = section.lines.len() != count;
            *said = if section.changed { "option changed" } else { "OK" };
        }
        lines.splice(body, section.lines.into_iter().map(|(line, _)| line));
        section.changed
    }

    /// The section's lines, its own first; `None` where it is not there.
    fn find(&self, lines: &[String]) -> Option<Range<usize>> {
        let start = match &self.section {
            None => 0,
            Some(name) => lines.iter().position(|line| line.starts_with(&format!("[{name}]")))?,
        };
        let after = start + usize::from(self.section.is_some());
        let length = lines[after..].iter().position(|line| line.starts_with('['));
        Some(start..length.map_or(lines.len(), |length| after + length))
    }

    fn line(&self, option: &str, value: &str) -> String {
        format!("{option}{}{value}\n", self.equals)
    }

    /// A new section at the end.
    fn append(&self, lines: &mut Vec<String>, said: &mut &'static str) -> bool {
        lines.push(format!("[{}]\n", self.section.as_deref().unwrap_or_default()));
        *said = "section and option added";
        match &self.option {
            Some(option) if !self.values.is_empty() => {
                lines.extend(self.values.iter().map(|value| self.line(option, value)));
            }
            Some(option) if self.allow_no_value => lines.push(format!("{option}\n")),
            _ => *said = "only section added",
        }
        true
    }

    /// The option with its values among the section's lines.
    fn put(&self, section: &mut Lines, option: &str, said: &mut &'static str) {
        let mut values = self.values.clone();
        let mut bare = false;
        for at in 0..section.lines.len() {
            let Some((_, value)) = value_of(&section.lines[at].0, option, self.inactive) else { continue };
            let value = value.to_owned();
            if let Some(found) = values.iter().position(|have| *have == value) {
                values.remove(found);
                bare |= value.is_empty() && self.allow_no_value;
                let new = if value.is_empty() && self.allow_no_value {
                    format!("{option}\n")
                } else {
                    self.line(option, &value)
                };
                self.settle(section, at, option, new, said);
            } else if values.is_empty() && self.allow_no_value {
                self.settle(section, at, option, format!("{option}\n"), said);
                bare = true;
                break;
            }
        }
        if self.exclusive && !self.allow_no_value {
            for at in 0..section.lines.len() {
                let open = !section.lines[at].1 && value_of(&section.lines[at].0, option, self.inactive).is_some();
                if open && !values.is_empty() {
                    let new = self.line(option, &values.remove(0));
                    self.settle(section, at, option, new, said);
                }
            }
            let count = section.lines.len();
            section.lines.retain(|(line, done)| *done || value_of(line, option, self.inactive).is_none());
            if section.lines.len() != count {
                section.changed = true;
                *said = "option changed";
            }
        }
        let mut missing: Vec<String> = values.iter().map(|value| self.line(option, value)).collect();
        if self.values.is_empty() && self.allow_no_value && !bare {
            missing.push(format!("{option}\n"));
        }
        if !missing.is_empty() {
            let content = |line: &str| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with(['#', ';'])
            };
            let at = section.lines.iter().rposition(|(line, _)| content(line)).map_or(0, |at| at + 1);
            section.lines.splice(at..at, missing.into_iter().map(|line| (line, true)));
            section.changed = true;
            *said = "option added";
        }
    }

    fn settle(&self, section: &mut Lines, at: usize, option: &str, new: String, said: &mut &'static str) {
        let (line, done) = &mut section.lines[at];
        *done = true;
        let same = match value_of(line, option, self.inactive) {
            Some((false, value)) if self.ignore_spaces => {
                value_of(&new, option, self.inactive).is_some_and(|(_, wanted)| wanted == value)
            }
            _ => *line == new,
        };
        if !same {
            *line = new;
            section.changed = true;
            *said = "option changed";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, converges};
    use serde_json::{Value as Json, json};

    const INI: &str = "top=1\n[a]\nx = 1\n; y = 2\n\n[b]\nx = 3\n";

    fn edit(before: &str, mut arguments: Json) -> (String, String) {
        let mut stage = Stage::new().file("/f", before);
        arguments["path"] = json!("/f");
        let done = converges(&mut stage, "ini_file", arguments);
        (stage.text("/f"), done.result["msg"].as_str().expect("msg").to_owned())
    }

    /// Text before, arguments, text after, message, as community.general does it.
    #[test]
    fn options_and_sections() {
        let cases = [
            (json!({"section": "a", "option": "x", "value": "9"}), INI.replace("x = 1", "x = 9"), "option changed"),
            (json!({"section": "a", "option": "x", "value": "1"}), INI.into(), "OK"),
            (json!({"section": "a", "option": "y", "value": "5"}), INI.replace("; y = 2", "y = 5"), "option changed"),
            (json!({"section": "b", "option": "z", "value": "4"}), format!("{INI}z = 4\n"), "option added"),
            (
                json!({"section": "c", "option": "z", "value": "4"}),
                format!("{INI}[c]\nz = 4\n"),
                "section and option added",
            ),
            (
                json!({"option": "top", "value": "2", "no_extra_spaces": true}),
                INI.replace("top=1", "top=2"),
                "option changed",
            ),
            (json!({"option": "top", "value": "1", "ignore_spaces": true}), INI.into(), "OK"),
            (json!({"section": "a", "option": "x", "state": "absent"}), INI.replace("x = 1\n", ""), "option changed"),
            (json!({"section": "b", "state": "absent"}), INI.replace("[b]\nx = 3\n", ""), "section removed"),
            (json!({"section": "b", "option": "k", "allow_no_value": true}), format!("{INI}k\n"), "option added"),
            (
                json!({"section": "b", "option": "x", "values": ["3", "4"], "exclusive": false}),
                format!("{INI}x = 4\n"),
                "option added",
            ),
        ];
        for (arguments, after, said) in cases {
            assert_eq!(edit(INI, arguments.clone()), (after, said.to_owned()), "{arguments}");
        }
        let new = edit("", json!({"section": "s", "option": "o", "value": "v"}));
        assert_eq!(new.0, "\n[s]\no = v\n");
    }

    #[test]
    fn a_value_is_needed() {
        let mut stage = Stage::new().file("/f", INI);
        let error = stage.run("ini_file", json!({"path": "/f", "section": "a", "option": "x"})).err().expect("refused");
        assert!(error.message.contains("must be defined"), "{error}");
    }
}
