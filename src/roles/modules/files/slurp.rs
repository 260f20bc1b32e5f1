//! `slurp`: a file's content, in base64.

use super::draft::expand;
use crate::host::Kind;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use base64::Engine;
use std::path::Path;

/// `slurp`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.slurp",
    aliases: &[],
    summary: "Reads a file of the machine.",
    free_form: FreeForm::Pairs,
    params: &[Param::new("src", ParamKind::Path, "The file.").required().aliases(&["path"])],
    file_attributes: false,
    examples: &["slurp:\n  src: /etc/app.conf\n"],
};

struct Slurp(String);

/// Reads the arguments.
pub fn slurp(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Slurp(args.must("src")?)))
}

impl Module for Slurp {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let source = expand(eyes, &self.0)?;
        let path = Path::new(&source);
        let wrong = |error: std::io::Error| Failed::new(format!("Unable to slurp file: {source}: {error}"));
        if eyes.become_user.is_some() && !eyes.ask(["test", "-r", &source])?.ok() {
            return Err(match eyes.host.stat(path, true).map_err(wrong)? {
                None => Failed::new(format!("File not found: {source}")),
                Some(_) => Failed::new(format!("File is not readable: {source}")),
            });
        }
        if eyes.host.stat(path, true).map_err(wrong)?.is_some_and(|stat| stat.kind == Kind::Directory) {
            return Err(Failed::new(format!("Source is a directory and must be a file: {source}")));
        }
        let bytes = eyes.host.read(path).map_err(wrong)?;
        let above = path.parent().map(|above| eyes.host.stat(above, true)).transpose().map_err(wrong)?.flatten();
        let bytes = bytes.ok_or_else(|| match above {
            Some(stat) if stat.kind != Kind::Directory => {
                Failed::new(format!("Unable to slurp file: {source}: Not a directory"))
            }
            _ => Failed::new(format!("File not found: {source}")),
        })?;
        Ok(Plan::unchanged()
            .with("content", base64::engine::general_purpose::STANDARD.encode(bytes))
            .with("source", source.as_str())
            .with("encoding", "base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::Stage;
    use serde_json::json;

    #[test]
    fn a_file_is_read_in_base64() {
        let mut stage = Stage::new().file("/etc/f", "hello");
        let done = stage.run("slurp", json!({"src": "/etc/f"})).expect("read");
        assert_eq!(done.result["content"], "aGVsbG8=");
        let missing = stage.run("slurp", json!({"src": "/none"})).err().expect("refused");
        assert_eq!(missing.message, "File not found: /none");
        assert!(stage.run("slurp", json!({"src": "/etc"})).err().expect("refused").message.contains("is a directory"));
    }
}
