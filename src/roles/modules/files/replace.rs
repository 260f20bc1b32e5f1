//! `replace`: every match of a pattern in a text file is replaced.

use super::draft::Draft;
use super::edit::{Coding, Edit};
use super::lineinfile::bad_pattern;
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::pattern::{Flags, Pattern, Replacement};
use std::ops::Range;

/// `replace`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.replace",
    aliases: &[],
    summary: "Replaces every match of a pattern.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("path", ParamKind::Path, "The file.").required().aliases(&["dest", "destfile", "name"]),
        Param::new("regexp", ParamKind::Str, "What is replaced; `^` and `$` match at lines.").required(),
        Param::new("replace", ParamKind::Str, "By what, with `\\1` and `\\g<name>`.").default(""),
        Param::new("after", ParamKind::Str, "Only after what this matches."),
        Param::new("before", ParamKind::Str, "Only before what this matches."),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
        Param::new("encoding", ParamKind::Str, "The file's encoding.")
            .default("utf-8")
            .only(&["utf-8", "utf8", "UTF-8"]),
    ],
    file_attributes: true,
    examples: &["replace:\n  path: /etc/app.conf\n  regexp: '^(a)=.*$'\n  replace: '\\1=9'\n"],
};

struct Replace {
    edit: Edit,
    regexp: String,
    by: String,
    after: Option<String>,
    before: Option<String>,
    sensitive: bool,
}

/// Reads the arguments.
pub fn replace(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let some = |name| args.text(name).filter(|text| !text.is_empty());
    Ok(Box::new(Replace {
        edit: Edit::read(args)?,
        regexp: args.must("regexp")?,
        by: args.must("replace")?,
        after: some("after"),
        before: some("before"),
        sensitive: args.has_secret(),
    }))
}

impl Module for Replace {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let before = self.edit.before(&draft, "Path")?;
        let old = before.bytes.clone().unwrap_or_default();
        let coding = Coding::of(&old);
        let text = coding.decode(&old);
        draft.set("rc", 0_i64);
        let Some(section) = self.section(&text, coding)? else {
            let (after, end) = (self.after.as_deref().unwrap_or_default(), self.before.as_deref().unwrap_or_default());
            let lazy = if self.after.is_some() && self.before.is_some() { "?" } else { "" };
            let pattern = format!("{after}(?P<subsection>.*{lazy}){end}");
            draft.set("msg", format!("Pattern for before/after params did not match the given file: {pattern}"));
            return Ok(draft.finish(None));
        };
        let lines = Flags { multi_line: true, ..Flags::default() };
        let pattern = Pattern::new(&coding.adopt(&self.regexp), lines).map_err(bad_pattern)?;
        let wrong = |error| Failed::new(format!("Unable to process replace due to error: {error}"));
        let by = Replacement::new(&coding.adopt(&self.by)).map_err(wrong)?;
        let (new, count) = pattern.replace(&text[section.clone()], &by, 0).map_err(wrong)?;
        let mut said = String::new();
        if count > 0 && new != text[section.clone()] {
            said = format!("{count} replacements made");
            let whole = format!("{}{new}{}", &text[..section.start], &text[section.end..]);
            self.edit.write(&mut draft, &before, coding.encode(&whole))?;
        }
        let said = self.edit.settle(&mut draft, &before, &said)?;
        draft.set("msg", said);
        Ok(draft.finish(Some("backup_file")))
    }
}

impl Replace {
    /// The part of the text that `after` and `before` name; `None` where they do not match.
    fn section(&self, text: &str, coding: Coding) -> Result<Option<Range<usize>>, Failed> {
        let pattern = match (&self.after, &self.before) {
            (None, None) => return Ok(Some(0..text.len())),
            (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
            (Some(after), None) => format!("{after}(?P<subsection>.*)"),
            (None, Some(before)) => format!("(?P<subsection>.*){before}"),
        };
        let flags = Flags { dot_all: true, ..Flags::default() };
        let pattern = Pattern::new(&coding.adopt(&pattern), flags).map_err(bad_pattern)?;
        let found = pattern.captures(text).map_err(bad_pattern)?;
        Ok(found.and_then(|found| found.name("subsection").map(|group| group.range())))
    }
}
