//! `tempfile`: a new file or directory with a name that nobody guesses.

use super::draft::{Draft, expand};
use super::file::shown;
use crate::host::{Attributes, FileWrite};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use std::path::{Path, PathBuf};

/// `tempfile`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.tempfile",
    aliases: &[],
    summary: "Makes a temporary file or directory; it stays until a task removes it.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("state", ParamKind::Str, "Which.").default("file").choices(&["file", "directory"]),
        Param::new("path", ParamKind::Path, "Where.").default("/tmp"),
        Param::new("prefix", ParamKind::Str, "How its name begins.").default("ansible."),
        Param::new("suffix", ParamKind::Str, "How its name ends.").default(""),
    ],
    file_attributes: false,
    examples: &[],
};

struct TempFile {
    directory: bool,
    path: String,
    prefix: String,
    suffix: String,
}

/// Reads the arguments.
pub fn tempfile(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let part = |name: &'static str| {
        let text = args.text(name).unwrap_or_default();
        let problem = format!("{name} must be a valid file name component");
        if text.contains('/') { Err(args.together(problem)) } else { Ok(text) }
    };
    Ok(Box::new(TempFile {
        directory: args.must("state")? == "directory",
        path: args.must("path")?,
        prefix: part("prefix")?,
        suffix: part("suffix")?,
    }))
}

impl Module for TempFile {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let directory = PathBuf::from(expand(eyes, &self.path)?);
        if draft.stat(&directory, true)?.is_none() {
            return Err(Failed::new(format!("No such file or directory: {}", directory.display())));
        }
        let path = self.name(&draft, &directory)?;
        if self.directory {
            draft.make_directory(&path, Attributes { mode: Some(0o700), ..Attributes::default() })?;
        } else {
            let mut write = FileWrite::new(&path, Vec::new());
            write.attributes.mode = Some(0o600);
            draft.write(write)?;
        }
        draft.set("path", shown(&path));
        draft.set_path_members(&path)?;
        Ok(draft.finish(None))
    }
}

impl TempFile {
    fn name(&self, draft: &Draft<'_>, directory: &Path) -> Result<PathBuf, Failed> {
        loop {
            let middle: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
            let path = directory.join(format!("{}{}{}", self.prefix, middle.to_lowercase(), self.suffix));
            if draft.stat(&path, false)?.is_none() {
                return Ok(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::Stage;
    use serde_json::json;

    #[test]
    fn a_new_name_each_time_for_its_owner_alone() {
        let mut stage = Stage::new().file("/tmp/", "");
        let arguments = json!({"state": "directory", "suffix": ".d"});
        let one = stage.run("tempfile", arguments.clone()).expect("made").result["path"].clone();
        let other = stage.run("tempfile", arguments).expect("made").result["path"].clone();
        assert_ne!(one, other);
        assert_eq!(stage.mode(one.as_str().expect("path")), 0o700);
        assert!(stage.run("tempfile", json!({"prefix": "../x"})).is_err());
    }
}
