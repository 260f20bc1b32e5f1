//! `lineinfile`: a line is in a text file, or is not.

use super::draft::Draft;
use super::edit::{Before, Coding, Edit};
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::pattern::{Flags, Pattern, PatternError, Replacement};
use crate::roles::value::Value;

/// `lineinfile`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.lineinfile",
    aliases: &[],
    summary: "Manages a line of a text file.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("path", ParamKind::Path, "The file.").required().aliases(&["dest", "destfile", "name"]),
        Param::new("line", ParamKind::Str, "The line.").aliases(&["value"]),
        Param::new("regexp", ParamKind::Str, "Which line to replace or remove: the last that matches.")
            .aliases(&["regex"]),
        Param::new("search_string", ParamKind::Str, "The same by plain text."),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("backrefs", ParamKind::Bool, "Fill the line with the pattern's groups.").default("false"),
        Param::new("insertafter", ParamKind::Str, "After the last line that matches, or `EOF`."),
        Param::new("insertbefore", ParamKind::Str, "Before the last line that matches, or `BOF`."),
        Param::new("firstmatch", ParamKind::Bool, "The first match in place of the last.").default("false"),
        Param::new("create", ParamKind::Bool, "Make a file that is not there.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
    ],
    file_attributes: true,
    examples: &[
        "lineinfile:\n  path: /etc/app.conf\n  regexp: '^a='\n  line: a=2\n",
        "lineinfile:\n  path: /etc/new.conf\n  line: x\n  create: true\n  mode: '0600'\n",
        "lineinfile:\n  path: /etc/app.conf\n  regexp: '^b='\n  state: absent\n",
    ],
};

struct LineInFile {
    edit: Edit,
    line: Option<String>,
    regexp: Option<String>,
    search: Option<String>,
    present: bool,
    backrefs: bool,
    after: Option<String>,
    before: Option<String>,
    first: bool,
    sensitive: bool,
}

/// Reads the arguments.
pub fn lineinfile(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    for (one, other) in [("insertbefore", "insertafter"), ("regexp", "search_string")] {
        if args.is_given(one) && args.is_given(other) {
            return Err(args.together(format!("parameters are mutually exclusive: {one}|{other}")));
        }
    }
    let module = LineInFile {
        edit: Edit::read(args)?,
        line: args.text("line"),
        regexp: args.text("regexp"),
        search: args.text("search_string"),
        present: args.must("state")? == "present",
        backrefs: args.flag("backrefs"),
        after: args.text("insertafter"),
        before: args.text("insertbefore"),
        first: args.flag("firstmatch"),
        sensitive: args.has_secret(),
    };
    if module.present && module.backrefs && module.regexp.is_none() {
        return Err(args.together("regexp is required with backrefs=true"));
    }
    if module.present && module.line.is_none() {
        return Err(args.together("line is required with state=present"));
    }
    if !module.present && module.line.is_none() && module.regexp.is_none() && module.search.is_none() {
        return Err(args.together("one of line, search_string, or regexp is required with state=absent"));
    }
    Ok(Box::new(module))
}

pub(super) fn bad_pattern(error: PatternError) -> Failed {
    Failed::new(error.to_string())
}

impl Module for LineInFile {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let before = self.edit.before(&draft, if self.present { "Destination" } else { "" })?;
        if !self.present && before.bytes.is_none() {
            draft.set("msg", "file not present");
            return Ok(draft.finish(None));
        }
        let old = before.bytes.clone().unwrap_or_default();
        let lines = Lines { coding: Coding::of(&old), old };
        if self.regexp.as_deref() == Some("") || self.search.as_deref() == Some("") {
            draft.set("warnings", Value::list([Value::str(self.empty())]));
        }
        let (new, said) = if self.present {
            let (new, said) = self.with_line(&lines)?;
            (new, said.to_owned())
        } else {
            let (new, found) = self.without_line(&lines)?;
            draft.set("found", i64::try_from(found).unwrap_or(i64::MAX));
            (new, if found > 0 { format!("{found} line(s) removed") } else { String::new() })
        };
        if !said.is_empty() {
            self.edit.write(&mut draft, &before, lines.coding.encode(&new.concat()))?;
        }
        self.report(draft, &before, &said)
    }
}

/// A file's lines, ends included.
struct Lines {
    coding: Coding,
    old: Vec<u8>,
}

impl Lines {
    fn split(&self) -> Vec<String> {
        self.coding.decode(&self.old).split_inclusive('\n').map(str::to_owned).collect()
    }
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

impl LineInFile {
    /// What Ansible says of a pattern that every line has; roles compare it.
    fn empty(&self) -> String {
        let (what, tail) = match &self.regexp {
            Some(_) => (
                "regular expression",
                " If this is desired, use '^' to match every line in the file and avoid this warning.",
            ),
            None => ("search string", ""),
        };
        format!(
            "The {what} is an empty string, which will match every line in the file. \
             This may have unintended consequences, such as replacing the last line in the file rather than appending.{tail}"
        )
    }

    fn report(&self, mut draft: Draft<'_>, before: &Before, said: &str) -> Result<Plan, Failed> {
        let said = self.edit.settle(&mut draft, before, said)?;
        draft.set("msg", said);
        draft.set("backup", "");
        Ok(draft.finish(Some("backup")))
    }

    fn pattern(coding: Coding, text: &str) -> Result<Pattern, Failed> {
        Pattern::new(&coding.adopt(text), Flags::default()).map_err(bad_pattern)
    }

    /// The line that `regexp` or `search_string` names: the last, or the first where asked.
    fn named(&self, lines: &[String], coding: Coding) -> Result<Option<usize>, Failed> {
        let pattern = self.regexp.as_deref().map(|text| Self::pattern(coding, text)).transpose()?;
        let search = self.search.as_deref().map(|text| coding.adopt(text));
        let mut found = None;
        for (at, line) in lines.iter().enumerate() {
            let hit = match (&pattern, &search) {
                (Some(pattern), _) => pattern.is_match(line).map_err(bad_pattern)?,
                (None, Some(text)) => line.contains(text.as_str()),
                (None, None) => false,
            };
            if hit {
                found = Some(at);
                if self.first {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The line that is the wanted one already, and where `insertafter` or `insertbefore` points.
    fn spots(&self, lines: &[String], line: &str, coding: Coding) -> Result<(Option<usize>, Option<usize>), Failed> {
        let anchor = match (self.after.as_deref(), self.before.as_deref()) {
            (Some(text), _) if text != "EOF" && text != "BOF" => Some((text, 1)),
            (None, Some(text)) if text != "BOF" => Some((text, 0)),
            _ => None,
        };
        let pattern = anchor.map(|(text, step)| Ok::<_, Failed>((Self::pattern(coding, text)?, step))).transpose()?;
        let (mut exact, mut spot) = (None, None);
        for (at, have) in lines.iter().enumerate() {
            if line == bare(have) {
                exact = Some(at);
            } else if let Some((pattern, step)) = &pattern
                && pattern.is_match(have).map_err(bad_pattern)?
            {
                spot = Some(at + step);
                if self.first {
                    break;
                }
            }
        }
        Ok((exact, spot))
    }

    /// The lines with the wanted one among them, and what was done: nothing where the text is empty.
    fn with_line(&self, text: &Lines) -> Result<(Vec<String>, &'static str), Failed> {
        let mut lines = text.split();
        let coding = text.coding;
        let line = coding.adopt(self.line.as_deref().unwrap_or_default());
        let named = self.named(&lines, coding)?;
        let (exact, spot) = if named.is_some() { (None, None) } else { self.spots(&lines, &line, coding)? };
        let added = format!("{line}\n");
        if let Some(at) = named.or(exact) {
            let mut new = match (named, &self.regexp) {
                (Some(_), Some(regexp)) if self.backrefs => self.filled(&lines[at], regexp, &line, coding)?,
                _ => line,
            };
            if !new.ends_with('\n') {
                new.push('\n');
            }
            if lines[at] == new {
                return Ok((lines, ""));
            }
            lines[at] = new;
            return Ok((lines, "line replaced"));
        }
        if self.backrefs {
            return Ok((lines, ""));
        }
        if self.before.as_deref() == Some("BOF") || self.after.as_deref() == Some("BOF") {
            lines.insert(0, added);
            return Ok((lines, "line added"));
        }
        let after = self.after.as_deref().or(if self.before.is_none() { Some("EOF") } else { None });
        match spot {
            // With `firstmatch` the line may stand there without having been seen. A last line without an end runs
            // into the new one: Ansible 2.19 does that too.
            Some(at) if after != Some("EOF") => {
                if self.after.is_some() && lines.get(at).is_some_and(|have| bare(have) == line) {
                    return Ok((lines, ""));
                }
                lines.insert(at, added);
            }
            _ => {
                if lines.last().is_some_and(|last| !last.ends_with(['\n', '\r'])) {
                    lines.push("\n".into());
                }
                lines.push(added);
            }
        }
        Ok((lines, "line added"))
    }

    /// The line with the groups of the match in it.
    fn filled(&self, have: &str, regexp: &str, line: &str, coding: Coding) -> Result<String, Failed> {
        let pattern = Self::pattern(coding, regexp)?;
        let template = Replacement::new(line).map_err(bad_pattern)?;
        template.check(&pattern).map_err(bad_pattern)?;
        let mut out = String::new();
        if let Some(found) = pattern.captures(have).map_err(bad_pattern)? {
            template.expand(&found, &mut out);
        }
        Ok(out)
    }

    fn without_line(&self, text: &Lines) -> Result<(Vec<String>, usize), Failed> {
        let coding = text.coding;
        let pattern = self.regexp.as_deref().map(|text| Self::pattern(coding, text)).transpose()?;
        let search = self.search.as_deref().map(|text| coding.adopt(text));
        let line = self.line.as_deref().map(|text| coding.adopt(text));
        let (mut kept, mut found) = (Vec::new(), 0);
        for have in text.split() {
            let hit = match (&pattern, &search) {
                (Some(pattern), _) => pattern.is_match(&have).map_err(bad_pattern)?,
                (None, Some(text)) => have.contains(text.as_str()),
                (None, None) => line.as_deref() == Some(bare(&have)),
            };
            if hit {
                found += 1;
            } else {
                kept.push(have);
            }
        }
        Ok((kept, found))
    }
}
