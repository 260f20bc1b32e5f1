//! `blockinfile`: a block of lines between markers is in a text file, or is not.

use super::draft::Draft;
use super::edit::{Coding, Edit};
use super::lineinfile::bad_pattern;
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::pattern::{Flags, Pattern};

/// `blockinfile`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.blockinfile",
    aliases: &[],
    summary: "Manages a block of lines between markers.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("path", ParamKind::Path, "The file.").required().aliases(&["dest", "destfile", "name"]),
        Param::new("block", ParamKind::Str, "The lines; none removes the block.").default("").aliases(&["content"]),
        Param::new("marker", ParamKind::Str, "The marker's line.").default("# {mark} ANSIBLE MANAGED BLOCK"),
        Param::new("marker_begin", ParamKind::Str, "What `{mark}` is before the block.").default("BEGIN"),
        Param::new("marker_end", ParamKind::Str, "What `{mark}` is after the block.").default("END"),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("insertafter", ParamKind::Str, "After the last line that matches, or `EOF`."),
        Param::new("insertbefore", ParamKind::Str, "Before the last line that matches, or `BOF`."),
        Param::new("append_newline", ParamKind::Bool, "An empty line follows it.").default("false"),
        Param::new("prepend_newline", ParamKind::Bool, "An empty line precedes it.").default("false"),
        Param::new("create", ParamKind::Bool, "Make a file that is not there.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
    ],
    file_attributes: true,
    examples: &[
        "blockinfile:\n  path: /etc/app.conf\n  block: |\n    c=3\n    d=4\n  insertafter: '^a='\n",
        "blockinfile:\n  path: /etc/new.conf\n  block: one\n  create: true\n  marker: '; {mark} app'\n",
    ],
};

struct BlockInFile {
    edit: Edit,
    block: String,
    begin: String,
    end: String,
    present: bool,
    after: Option<String>,
    before: Option<String>,
    append: bool,
    prepend: bool,
    sensitive: bool,
}

/// Reads the arguments.
pub fn blockinfile(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    if args.is_given("insertbefore") && args.is_given("insertafter") {
        return Err(args.together("parameters are mutually exclusive: insertbefore|insertafter"));
    }
    let marker = args.must("marker")?;
    let line = |mark: String| marker.replace("{mark}", &mark) + "\n";
    Ok(Box::new(BlockInFile {
        edit: Edit::read(args)?,
        block: args.text("block").unwrap_or_default(),
        begin: line(args.must("marker_begin")?),
        end: line(args.must("marker_end")?),
        present: args.must("state")? == "present",
        after: args.text("insertafter"),
        before: args.text("insertbefore"),
        append: args.flag("append_newline"),
        prepend: args.flag("prepend_newline"),
        sensitive: args.has_secret(),
    }))
}

impl Module for BlockInFile {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let before = self.edit.before(&draft, "Path")?;
        if !self.present && before.bytes.is_none() {
            draft.set("msg", format!("File {} not present", self.edit.path()));
            return Ok(draft.finish(None));
        }
        let old = before.bytes.clone().unwrap_or_default();
        let coding = Coding::of(&old);
        let text = coding.decode(&old);
        let block = self.lines(coding);
        let new = coding.encode(&self.apply(&text, &block, coding)?);
        let said = match &before.bytes {
            Some(old) if *old == new => "",
            None => "File created",
            Some(_) if block.is_empty() => "Block removed",
            Some(_) => "Block inserted",
        };
        if !said.is_empty() {
            self.edit.write(&mut draft, &before, new)?;
        }
        let said = self.edit.settle(&mut draft, &before, said)?;
        draft.set("msg", said);
        Ok(draft.finish(Some("backup_file")))
    }
}

/// Lines with their ends, as `bytes.splitlines(True)` gives them: at `\n`, `\r` and `\r\n`.
fn split(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(['\n', '\r']) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        lines.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    lines
}

impl BlockInFile {
    /// The block with its markers; nothing where it is to go.
    fn lines(&self, coding: Coding) -> Vec<String> {
        if !self.present || self.block.is_empty() {
            return Vec::new();
        }
        let mut block = coding.adopt(&self.block);
        if !block.ends_with('\n') {
            block.push('\n');
        }
        let mut lines = vec![coding.adopt(&self.begin)];
        lines.extend(split(&block));
        lines.push(coding.adopt(&self.end));
        lines
    }

    fn apply(&self, text: &str, block: &[String], coding: Coding) -> Result<String, Failed> {
        let mut lines = split(text);
        let find = |marker: &str| lines.iter().rposition(|line| line == marker);
        let mut at = match (find(&coding.adopt(&self.begin)), find(&coding.adopt(&self.end))) {
            (Some(one), Some(other)) => {
                lines.drain(one.min(other)..=one.max(other));
                one.min(other)
            }
            _ => self.spot(text, &lines, coding)?,
        };
        if at > 0 && !lines[at - 1].ends_with('\n') {
            lines[at - 1].push('\n');
        }
        if self.prepend && self.present && at > 0 && lines[at - 1] != "\n" {
            lines.insert(at, "\n".into());
            at += 1;
        }
        lines.splice(at..at, block.iter().cloned());
        let after = at + block.len();
        if self.append && self.present && after < lines.len() && lines[after] != "\n" {
            lines.insert(after, "\n".into());
        }
        Ok(lines.concat())
    }

    /// Where a block goes that is not there yet.
    fn spot(&self, text: &str, lines: &[String], coding: Coding) -> Result<usize, Failed> {
        let (anchor, step) = match (self.after.as_deref(), self.before.as_deref()) {
            (Some("EOF") | None, None) => return Ok(lines.len()),
            (_, Some("BOF")) => return Ok(0),
            (Some(anchor), _) => (anchor, 1),
            (None, Some(anchor)) => (anchor, 0),
        };
        let pattern = Pattern::new(&coding.adopt(anchor), Flags::default()).map_err(bad_pattern)?;
        let found = if is_multi_line(anchor) {
            // The pattern sees the whole text; its first match counts.
            let range = pattern.find(text).map_err(bad_pattern)?;
            range.map(|range| text[..if step == 1 { range.end } else { range.start }].matches('\n').count())
        } else {
            let mut found = None;
            for (at, line) in lines.iter().enumerate() {
                if pattern.is_match(line).map_err(bad_pattern)? {
                    found = Some(at);
                }
            }
            found
        };
        Ok(found.map_or(lines.len(), |at| (at + step).min(lines.len())))
    }
}

/// Whether a pattern begins with flags that hold `m`.
fn is_multi_line(pattern: &str) -> bool {
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).map_or("", |(flags, _)| flags);
    flags.contains('m') && flags.chars().all(|c| c.is_ascii_lowercase())
}
