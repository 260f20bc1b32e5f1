//! `template`: a rendered file of the tree, put in place.

use super::draft::{Draft, expand};
use super::encoding::encoded;
use super::file::shown;
use super::placement::{Placement, Source};
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{
    ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, RenderOptions, Spec,
};
use std::path::PathBuf;

/// `template`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.template",
    aliases: &[],
    summary: "Renders a Jinja2 template and puts it in place.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("src", ParamKind::Path, "The template, from the role's `templates`.").required(),
        Param::new("dest", ParamKind::Path, "Where to; a trailing slash means a directory.").required(),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("force", ParamKind::Bool, "Replace a file with other content.").default("true"),
        Param::new("follow", ParamKind::Bool, "Follow a link at the destination.").default("false"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
        Param::new("newline_sequence", ParamKind::Str, "How lines end.").default("\n"),
        Param::new("block_start_string", ParamKind::Str, "Begins a statement.").default("{%"),
        Param::new("block_end_string", ParamKind::Str, "Ends a statement.").default("%}"),
        Param::new("variable_start_string", ParamKind::Str, "Begins an expression.").default("{{"),
        Param::new("variable_end_string", ParamKind::Str, "Ends an expression.").default("}}"),
        Param::new("comment_start_string", ParamKind::Str, "Begins a comment.").default("{#"),
        Param::new("comment_end_string", ParamKind::Str, "Ends a comment.").default("#}"),
        Param::new("trim_blocks", ParamKind::Bool, "Drop the line end after a statement.").default("true"),
        Param::new("lstrip_blocks", ParamKind::Bool, "Drop blanks before a statement.").default("false"),
        Param::new("output_encoding", ParamKind::Str, "The file's encoding, by Python's name.").default("utf-8"),
    ],
    file_attributes: true,
    examples: &["template:\n  src: app.conf.j2\n  dest: /app.conf\n  mode: u=rw,g=r,o=\n"],
};

struct Template {
    src: String,
    to: Placement,
    preserve: bool,
    sensitive: bool,
    options: RenderOptions,
    encoding: String,
}

/// Reads the arguments.
pub fn template(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let newline_sequence = match args.must("newline_sequence")?.as_str() {
        "\n" | "\\n" => "\n",
        "\r" | "\\r" => "\r",
        "\r\n" | "\\r\\n" => "\r\n",
        _ => return Err(args.wrong("newline_sequence", "needs to be one of: \\n, \\r or \\r\\n")),
    };
    let pair = |start, end| -> Result<_, ArgError> { Ok((args.must(start)?, args.must(end)?)) };
    let options = RenderOptions {
        trim_blocks: args.flag("trim_blocks"),
        lstrip_blocks: args.flag("lstrip_blocks"),
        newline_sequence: newline_sequence.into(),
        variable: pair("variable_start_string", "variable_end_string")?,
        block: pair("block_start_string", "block_end_string")?,
        comment: pair("comment_start_string", "comment_end_string")?,
        line_statement: None,
        line_comment: None,
        destination: PathBuf::new(),
    };
    Ok(Box::new(Template {
        src: args.must("src")?,
        to: Placement::read(args)?,
        preserve: args.text("mode").as_deref() == Some("preserve"),
        sensitive: args.has_secret(),
        options,
        encoding: args.must("output_encoding")?,
    }))
}

impl Module for Template {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let dest = expand(eyes, &self.to.dest)?;
        let path = eyes.tree.resolve("templates", &self.src)?;
        let options = RenderOptions { destination: PathBuf::from(&dest), ..self.options.clone() };
        let rendered = eyes.tree.render(&path, &options)?;
        let mut draft = Draft::new(eyes, self.sensitive || rendered.has_secret());
        let text = rendered.as_str().ok_or_else(|| Failed::new(format!("{}: gives no text", path.display())))?;
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let source = Source {
            name: Some(&name),
            shown: shown(&path),
            bytes: encoded(text, &self.encoding).map_err(Failed::new)?,
            mode: if self.preserve { Some(eyes.tree.mode(&path)?) } else { None },
        };
        let placed = self.to.put(&mut draft, &dest, source)?;
        if placed.kept {
            draft.set("dest", dest);
        } else {
            self.to.report(&mut draft, &placed)?;
        }
        Ok(draft.finish(Some("backup_file")))
    }
}
