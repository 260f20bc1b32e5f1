//! `find`: the files below directories that meet conditions.

mod judge;
mod walk;

use super::draft::{Draft, expand};
use super::mode::Mode;
use super::stat::algorithm;
use crate::host::{Digest, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::pattern::{Flags, Pattern};
use crate::roles::value::{Key, Value};
use std::path::PathBuf;
use walk::{Found, Trouble};

/// `find`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.find",
    aliases: &[],
    summary: "Lists files that meet conditions.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("paths", ParamKind::StrList, "Where to look.").required().aliases(&["name", "path"]),
        Param::new("patterns", ParamKind::StrList, "Names, as shell patterns.").aliases(&["pattern"]),
        Param::new("excludes", ParamKind::StrList, "Names to leave out.").aliases(&["exclude"]),
        Param::new("use_regex", ParamKind::Bool, "Patterns are regular expressions.").default("false"),
        Param::new("contains", ParamKind::Str, "A pattern for the start of one of its lines."),
        Param::new("read_whole_file", ParamKind::Bool, "`contains` matches anywhere in the whole.").default("false"),
        Param::new("encoding", ParamKind::Str, "The files' encoding, by Python's name."),
        Param::new("file_type", ParamKind::Str, "Which kind.").default("file").choices(&[
            "any",
            "directory",
            "file",
            "link",
        ]),
        Param::new("age", ParamKind::Str, "At least so old; negative: at most. Units s, m, h, d, w."),
        Param::new("age_stamp", ParamKind::Str, "Which time counts.")
            .default("mtime")
            .choices(&["atime", "ctime", "mtime"]),
        Param::new("size", ParamKind::Str, "At least so large; negative: at most. Units b, k, m, g, t."),
        Param::new("mode", ParamKind::Raw, "Permission bits that it has."),
        Param::new("exact_mode", ParamKind::Bool, "Exactly these bits, not any of them.").default("true"),
        Param::new("recurse", ParamKind::Bool, "Below subdirectories too.").default("false"),
        Param::new("depth", ParamKind::Int, "How deep."),
        Param::new("hidden", ParamKind::Bool, "Names that begin with a dot too.").default("false"),
        Param::new("follow", ParamKind::Bool, "Into linked directories.").default("false"),
        Param::new("get_checksum", ParamKind::Bool, "Give digests.").default("false"),
        Param::new("checksum_algorithm", ParamKind::Str, "Which digest.")
            .default("sha1")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .aliases(&["checksum", "checksum_algo"]),
        Param::new("limit", ParamKind::Int, "As many at most."),
    ],
    file_attributes: false,
    examples: &["find:\n  paths: /etc\n  patterns: '*.conf'\n  recurse: true\n"],
};

/// Names that are looked for.
enum Names {
    Globs(Vec<String>, Vec<String>),
    Patterns(Vec<Pattern>, Vec<Pattern>),
}

struct Find {
    paths: Vec<String>,
    names: Names,
    contains: Option<Pattern>,
    whole: bool,
    encoding: Option<String>,
    kind: String,
    age: Option<i64>,
    stamp: String,
    size: Option<i64>,
    mode: Option<Mode>,
    exact: bool,
    recurse: bool,
    depth: Option<i64>,
    hidden: bool,
    follow: bool,
    checksum: Option<Digest>,
    limit: Option<usize>,
}

/// Reads the arguments.
pub fn find(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let compile = |name: &'static str, texts: Vec<String>| {
        let patterns = texts.iter().map(|text| Pattern::new(text, Flags::default()));
        patterns.collect::<Result<Vec<_>, _>>().map_err(|error| args.wrong(name, error.to_string()))
    };
    let wanted = args.texts("patterns");
    let names = if args.flag("use_regex") {
        let wanted = if wanted.is_empty() { vec![".*".into()] } else { wanted };
        Names::Patterns(compile("patterns", wanted)?, compile("excludes", args.texts("excludes"))?)
    } else {
        Names::Globs(if wanted.is_empty() { vec!["*".into()] } else { wanted }, args.texts("excludes"))
    };
    let limit = match args.int("limit") {
        Some(limit) if limit <= 0 => return Err(args.wrong("limit", format!("cannot be {limit}"))),
        limit => limit.and_then(|limit| usize::try_from(limit).ok()),
    };
    let mode = match args.value("mode") {
        None => None,
        Some(value @ Value::Str(_)) => Some(Mode::read(value).map_err(|problem| args.wrong("mode", problem))?),
        Some(_) => return Err(args.wrong("mode", "is not a string")),
    };
    Ok(Box::new(Find {
        paths: args.texts("paths"),
        names,
        contains: compile("contains", args.text("contains").into_iter().collect())?.pop(),
        whole: args.flag("read_whole_file"),
        encoding: args.text("encoding"),
        kind: args.must("file_type")?,
        age: units(args, "age", &[("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604_800)])?,
        stamp: args.must("age_stamp")?,
        size: units(args, "size", &[("b", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)])?,
        mode,
        exact: args.flag("exact_mode"),
        recurse: args.flag("recurse"),
        depth: args.int("depth").filter(|depth| *depth != 0),
        hidden: args.flag("hidden"),
        follow: args.flag("follow"),
        checksum: if args.flag("get_checksum") { Some(algorithm(&args.must("checksum_algorithm")?)) } else { None },
        limit,
    }))
}

/// A number with a unit.
fn units(args: &Args, name: &'static str, units: &[(&str, i64)]) -> Result<Option<i64>, ArgError> {
    let Some(text) = args.text(name) else { return Ok(None) };
    let lower = text.to_ascii_lowercase();
    let found = units.iter().find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, *factor)));
    let (number, factor) = found.unwrap_or((&lower, 1));
    let value = number.parse::<i64>().ok().and_then(|number| number.checked_mul(factor));
    value.map(Some).ok_or_else(|| args.wrong(name, format!("failed to process {name}: `{text}`")))
}

impl Module for Find {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let draft = Draft::new(eyes, false);
        let mut found = Found::default();
        let mut all_seen = true;
        for text in &self.paths {
            let path = PathBuf::from(expand(eyes, text)?);
            if draft.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::Directory) {
                let depth = path.components().count();
                match self.walk(&draft, &path, depth, &mut found) {
                    Ok(()) => {}
                    // What cannot be decoded ends the look at its path.
                    Err(Trouble::Text(why)) => {
                        found.skipped.insert(Key::from(text.as_str()), why.into());
                        all_seen = false;
                    }
                    Err(Trouble::Failed(failed)) => return Err(failed),
                }
            } else {
                let why = format!("'{text}' is not a directory");
                found.skipped.insert(Key::from(text.as_str()), why.into());
                all_seen = false;
            }
        }
        let full = self.limit.is_some_and(|limit| found.files.len() >= limit);
        let said = match (all_seen, full) {
            (false, _) => "Not all paths examined, check warnings for details",
            (true, true) => "Limit of matches reached",
            (true, false) => "All paths examined",
        };
        Ok(Plan::unchanged()
            .with("matched", i64::try_from(found.files.len()).unwrap_or(i64::MAX))
            .with("files", Value::list(found.files))
            .with("examined", found.looked)
            .with("skipped_paths", Value::Map(found.skipped.into()))
            .with("msg", said))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::Stage;
    use serde_json::{Value as Json, json};

    fn found(arguments: Json) -> Vec<String> {
        let mut stage = Stage::new()
            .file("/d/a.conf", "key=1\n")
            .file("/d/b.txt", "")
            .file("/d/.hidden.conf", "")
            .file("/d/sub/c.conf", "x key=1\n")
            .file("/d/sub/deep/d.conf", "")
            .link("/d/link.conf", "/d/a.conf");
        let done = stage.run("find", arguments).expect("found");
        let files = done.result["files"].as_array().expect("files").clone();
        assert_eq!(done.result["matched"], json!(files.len()));
        files.iter().map(|file| file["path"].as_str().expect("path").trim_start_matches("/d/").to_owned()).collect()
    }

    #[test]
    fn conditions_are_as_ansibles() {
        assert_eq!(found(json!({"paths": "/d"})), ["a.conf", "b.txt"]);
        assert_eq!(
            found(json!({"path": "/d", "pattern": "*.conf", "recurse": true})),
            ["a.conf", "sub/c.conf", "sub/deep/d.conf"]
        );
        assert_eq!(
            found(json!({"paths": "/d", "recurse": true, "depth": 2, "patterns": "*.conf"})),
            ["a.conf", "sub/c.conf"]
        );
        assert_eq!(found(json!({"paths": "/d", "hidden": true, "patterns": ".*"})), [".hidden.conf"]);
        assert_eq!(found(json!({"paths": "/d", "file_type": "directory"})), ["sub"]);
        assert_eq!(found(json!({"paths": "/d", "file_type": "link"})), ["link.conf"]);
        assert_eq!(found(json!({"paths": "/d", "recurse": true, "contains": "key="})), ["a.conf"]);
        assert_eq!(
            found(json!({"paths": "/d", "use_regex": true, "patterns": ["^[ab]\\..*$"], "excludes": ["b"]})),
            ["a.conf"]
        );
        assert_eq!(found(json!({"paths": "/d", "size": "1b"})), ["a.conf"]);
        assert_eq!(found(json!({"paths": "/d", "age": "1h"})), Vec::<String>::new());
        assert_eq!(found(json!({"paths": "/d", "age": "-1h", "limit": 1})), ["a.conf"]);
        assert_eq!(found(json!({"paths": "/d", "mode": "0600"})), Vec::<String>::new());
    }

    #[test]
    fn a_path_that_is_no_directory_is_named() {
        let done = Stage::new().run("find", json!({"paths": "/none"})).expect("found");
        assert_eq!(done.result["skipped_paths"]["/none"], "'/none' is not a directory");
        assert!(Stage::new().run("find", json!({"paths": "/", "age": "1y"})).is_err());
    }
}
