//! `assemble`: one file from the files of a directory, in the order of their names.

use super::draft::{Draft, expand};
use super::placement::{Placement, Source};
use super::wanted::Wanted;
use crate::host::{Digest, Hasher, Kind};
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::pattern::{Flags, Pattern};
use std::path::Path;

/// `assemble`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.assemble",
    aliases: &[],
    summary: "Puts a file together from fragments.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("src", ParamKind::Path, "The directory of the fragments.").required(),
        Param::new("dest", ParamKind::Path, "The file.").required(),
        Param::new("delimiter", ParamKind::Str, "What stands between fragments."),
        Param::new("regexp", ParamKind::Str, "Only fragments whose names this matches."),
        Param::new("ignore_hidden", ParamKind::Bool, "Leave out names that begin with a dot.").default("false"),
        Param::new("remote_src", ParamKind::Bool, "The directory is the host's, not the tree's.").default("true"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("validate", ParamKind::Str, "A program that judges the new file, named by `%s`."),
        Param::new("decrypt", ParamKind::Bool, "Decrypt vaulted fragments.").default("true"),
    ],
    file_attributes: true,
    examples: &["assemble:\n  src: /etc\n  dest: /assembled\n  mode: '0644'\n"],
};

struct Assemble {
    src: String,
    dest: String,
    delimiter: Option<String>,
    pattern: Option<Pattern>,
    ignore_hidden: bool,
    of_host: bool,
    to: Placement,
    sensitive: bool,
}

/// Reads the arguments.
pub fn assemble(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let pattern = args.text("regexp").map(|text| Pattern::new(&text, Flags::default())).transpose();
    let dest = args.must("dest")?;
    let validate = args.text("validate");
    if validate.as_ref().is_some_and(|line| !line.contains("%s")) {
        return Err(args.wrong("validate", "must contain %s"));
    }
    let to = Placement {
        dest: dest.clone(),
        wanted: Wanted::read(args)?,
        directory_mode: None,
        force: true,
        follow: false,
        backup: args.flag("backup"),
        validate,
        unsafe_writes: args.flag("unsafe_writes"),
        checksum: None,
    };
    Ok(Box::new(Assemble {
        src: args.must("src")?,
        delimiter: args.text("delimiter").filter(|text| !text.is_empty()).map(|text| unescaped(&text)),
        pattern: pattern.map_err(|error| args.wrong("regexp", format!("Invalid Regexp: {error}")))?,
        ignore_hidden: args.flag("ignore_hidden"),
        of_host: args.flag("remote_src"),
        sensitive: args.has_secret(),
        dest,
        to,
    }))
}

/// `codecs.escape_decode`: line ends and their kin are written as escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(known @ ('\\' | '\'' | '"')) => out.push(known),
            Some('x') => {
                let digits: String = letters.by_ref().take(2).collect();
                out.extend(u8::from_str_radix(&digits, 16).map(char::from));
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

impl Assemble {
    /// The fragments' names and contents, in order.
    fn fragments(&self, draft: &Draft<'_>) -> Result<Vec<Vec<u8>>, Failed> {
        let wanted = |name: &str| -> Result<bool, Failed> {
            let fits = self.pattern.as_ref().map(|pattern| pattern.is_match(name)).transpose();
            let fits = fits.map_err(|error| Failed::new(error.to_string()))?;
            Ok(fits.unwrap_or(true) && !(self.ignore_hidden && name.starts_with('.')))
        };
        let mut all = Vec::new();
        if self.of_host {
            let directory = expand(draft.eyes, &self.src)?;
            let directory = Path::new(&directory);
            match draft.stat(directory, true)? {
                None => return Err(Failed::new(format!("Source ({}) does not exist", self.src))),
                Some(stat) if stat.kind != Kind::Directory => return Err(self.no_directory()),
                Some(_) => {}
            }
            let names = draft.machine().list(directory);
            let names = names.map_err(|error| Failed::new(format!("listing {}: {error}", directory.display())))?;
            for name in names.unwrap_or_default() {
                let path = directory.join(&name);
                let is_file = draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::File);
                if is_file && wanted(&name.to_string_lossy())? {
                    all.push(draft.read(&path)?.unwrap_or_default());
                }
            }
            return Ok(all);
        }
        let tree = draft.eyes.tree;
        let directory = tree.resolve("files", &self.src)?;
        let entries = tree.walk(&directory).map_err(|_| self.no_directory())?;
        let mut names: Vec<_> = entries
            .into_iter()
            .filter(|(path, is_directory)| !is_directory && path.components().count() == 1)
            .collect();
        names.sort();
        for (name, _) in names {
            if wanted(&name.to_string_lossy())? {
                all.push(tree.read(&directory.join(name))?);
            }
        }
        Ok(all)
    }

    fn no_directory(&self) -> Failed {
        Failed::new(format!("Source ({}) is not a directory", self.src))
    }

    fn joined(&self, fragments: &[Vec<u8>]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for (number, fragment) in fragments.iter().enumerate() {
            if number > 0 {
                if !fragments[number - 1].ends_with(b"\n") {
                    out.push(b'\n');
                }
                if let Some(delimiter) = &self.delimiter {
                    out.extend_from_slice(delimiter.as_bytes());
                    if !delimiter.ends_with('\n') {
                        out.push(b'\n');
                    }
                }
            }
            out.extend_from_slice(fragment);
        }
        out
    }
}

impl Module for Assemble {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let bytes = self.joined(&self.fragments(&draft)?);
        let (sha1, md5) = (Hasher::of(Digest::Sha1, &bytes), Hasher::of(Digest::Md5, &bytes));
        let dest = expand(eyes, &self.dest)?;
        let placed =
            self.to.put(&mut draft, &dest, Source { name: None, shown: self.src.clone(), bytes, mode: None })?;
        draft.set("src", self.src.as_str());
        draft.set("dest", dest);
        draft.set("checksum", sha1);
        draft.set("md5sum", md5);
        // From the tree it is `copy` that puts the file in place, and it says no such thing.
        if self.of_host {
            draft.set("msg", "OK");
        }
        draft.set_path_members(&placed.path)?;
        Ok(draft.finish(Some("backup_file")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, converges};
    use serde_json::json;

    fn stage() -> Stage {
        let stage = Stage::new().file("/p/10-b", "b\n").file("/p/01-a", "a").file("/p/.h", "h\n").file("/p/sub/x", "");
        stage.source("parts/2", b"two").source("parts/1", b"one")
    }

    #[test]
    fn fragments_stand_in_order_with_line_ends_between_them() {
        let mut stage = stage();
        let done = converges(&mut stage, "assemble", json!({"src": "/p", "dest": "/f", "mode": "0600"}));
        assert_eq!((stage.text("/f").as_str(), stage.mode("/f")), ("h\na\nb\n", 0o600));
        assert_eq!((&done.result["msg"], &done.result["mode"]), (&json!("OK"), &json!("0600")));
        assert_eq!(done.result["checksum"].as_str().map(str::len), Some(40));
        let delimited =
            json!({"src": "/p", "dest": "/f", "delimiter": "\\x23-\\n", "ignore_hidden": true, "backup": true});
        assert!(stage.run("assemble", delimited).expect("again").result["backup_file"].is_string());
        assert_eq!(stage.text("/f"), "a\n#-\nb\n");
        converges(&mut stage, "assemble", json!({"src": "/p", "dest": "/g", "regexp": "^\\d+-b$"}));
        assert_eq!(stage.text("/g"), "b\n");
        converges(&mut stage, "assemble", json!({"src": "parts", "dest": "/t", "remote_src": false}));
        assert_eq!(stage.text("/t"), "one\ntwo");
    }

    #[test]
    fn what_is_no_directory_of_fragments_is_refused() {
        let mut stage = stage();
        let mut refused = |arguments| stage.run("assemble", arguments).err().expect("refused").message;
        assert_eq!(refused(json!({"src": "/none", "dest": "/f"})), "Source (/none) does not exist");
        assert_eq!(refused(json!({"src": "/p/01-a", "dest": "/f"})), "Source (/p/01-a) is not a directory");
        assert!(refused(json!({"src": "/p", "dest": "/f", "regexp": "("})).contains("Invalid Regexp"));
        assert!(refused(json!({"src": "/p", "dest": "/f", "validate": "true"})).contains("must contain %s"));
    }
}
