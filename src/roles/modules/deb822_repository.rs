//! `deb822_repository`: a source of packages in the deb822 format, with its key.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Attributes, Change, FileWrite, Kind};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::wanted::Wanted;
use crate::roles::remote::Request;
use crate::roles::value::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

const KEYRINGS: &str = "/etc/apt/keyrings";

const fn list(name: &'static str, summary: &'static str) -> Param {
    Param::new(name, ParamKind::StrList, summary)
}

const fn flag(name: &'static str, summary: &'static str) -> Param {
    Param::new(name, ParamKind::Bool, summary)
}

/// `deb822_repository`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.deb822_repository",
    aliases: &[],
    summary: "Manages apt sources in the deb822 format.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The source's name; its file is named after it.").required(),
        flag("allow_downgrade_to_insecure", "Let a source that was signed become unsigned."),
        flag("allow_insecure", "Use it unsigned."),
        flag("allow_weak", "Use weak signatures."),
        list("architectures", "Architectures."),
        flag("by_hash", "Fetch indexes by hash."),
        flag("check_date", "Mind dates in the future."),
        flag("check_valid_until", "Mind `Valid-Until`."),
        list("components", "Components."),
        Param::new("date_max_future", ParamKind::Int, "How many seconds a date may lie in the future."),
        flag("enabled", "Whether apt uses it."),
        Param::new("inrelease_path", ParamKind::Str, "Where `InRelease` lies."),
        list("languages", "Languages of translations."),
        flag("pdiffs", "Fetch differences."),
        Param::new("signed_by", ParamKind::Str, "The key: a path, a URL, its text, or a fingerprint."),
        list("suites", "Suites."),
        list("targets", "Kinds of files to fetch."),
        flag("trusted", "Trust it whatever its signature says."),
        list("types", "Binary packages, sources, or both.").default("deb").choices(&["deb", "deb-src"]),
        list("uris", "Where packages are."),
        Param::new("mode", ParamKind::Mode, "The file's permission bits.").default("0644"),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
    ],
    file_attributes: false,
    examples: &[
        "deb822_repository:\n  name: app\n  uris: https://apt.example.com\n  suites: stable\n  components: main\n",
    ],
};

/// Fields in the order of their arguments' names.
const FIELDS: [&str; 19] = [
    "allow_downgrade_to_insecure",
    "allow_insecure",
    "allow_weak",
    "architectures",
    "by_hash",
    "check_date",
    "check_valid_until",
    "components",
    "date_max_future",
    "enabled",
    "inrelease_path",
    "languages",
    "name",
    "pdiffs",
    "signed_by",
    "suites",
    "targets",
    "trusted",
    "types",
];

struct Repository {
    slug: String,
    present: bool,
    /// Each field's name and value; the key's is settled when the machine is seen.
    fields: Vec<(&'static str, String)>,
    mode: Wanted,
}

/// Reads the arguments.
pub fn repository(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let mut fields = Vec::new();
    for name in FIELDS.into_iter().chain(["uris"]) {
        let value = match args.value(name) {
            None => continue,
            Some(Value::Bool(on)) => (if *on { "yes" } else { "no" }).to_owned(),
            Some(Value::List(_)) => args.texts(name).join(" "),
            Some(_) => args.text(name).unwrap_or_default(),
        };
        fields.push((name, value));
    }
    Ok(Box::new(Repository {
        slug: slug(&args.must("name")?),
        present: args.must("state")? == "present",
        mode: Wanted::read(args)?,
        fields,
    }))
}

/// A file's name from a source's.
fn slug(name: &str) -> String {
    let mut out = String::new();
    let mut blank = false;
    for letter in name.to_lowercase().chars() {
        let is_blank = letter == '_' || letter.is_whitespace();
        if is_blank && !blank {
            out.push('-');
        } else if letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' {
            out.push(letter);
        }
        blank = is_blank;
    }
    out
}

/// A field's name in the file.
fn field(name: &str) -> String {
    match name {
        "name" => "X-Repolib-Name".into(),
        "uris" => "URIs".into(),
        _ => {
            let words = name.split('_').map(|word| {
                let (first, rest) = word.split_at(1);
                format!("{}{rest}", first.to_uppercase())
            });
            words.collect::<Vec<_>>().join("-")
        }
    }
}

/// A field as a line, or as lines with blank ones written as dots.
fn line(name: &str, value: &str) -> String {
    let name = field(name);
    if value.is_empty() {
        return format!("{name}:\n");
    }
    if !value.contains('\n') {
        return format!("{name}: {value}\n");
    }
    let lines = value.trim().lines().map(|line| if line.trim().is_empty() { "." } else { line.trim() });
    format!("{name}:\n{}\n", lines.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"))
}

/// Whether a text names a scheme, as Python's `urlparse` sees it.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

impl Repository {
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/etc/apt/sources.list.d/{}.sources", self.slug))
    }

    fn key_path(&self, extension: &str) -> PathBuf {
        PathBuf::from(format!("{KEYRINGS}/{}.{extension}", self.slug))
    }

    /// Puts the key in place where it is fetched; the value of its field, and the key's file where it is one.
    fn key(&self, draft: &mut Draft<'_>, value: &str) -> Result<(String, Option<String>), Failed> {
        let is_file = |path: &str| {
            let stat = if path.starts_with('/') { draft.stat(Path::new(path), true)? } else { None };
            Ok::<_, Failed>(stat.is_some_and(|stat| stat.kind == Kind::File))
        };
        if is_file(value)? {
            return Ok((value.to_owned(), Some(value.to_owned())));
        }
        if !is_url(value) {
            return Ok((value.to_owned(), None));
        }
        let bytes = fetched(draft.eyes, value)?;
        let armored = bytes.windows(ARMOR.len()).any(|window| window == ARMOR);
        let path = self.key_path(if armored { "asc" } else { "gpg" });
        if draft.stat(&path, true)?.is_none() || draft.read(&path)?.as_ref() != Some(&bytes) {
            if draft.stat(Path::new(KEYRINGS), true)?.is_none() {
                let attributes = Attributes { mode: Some(0o755), uid: Some(0), gid: Some(0) };
                draft.make_directory(Path::new(KEYRINGS), attributes)?;
            }
            let mut write = FileWrite::new(&path, bytes);
            write.attributes.mode = Some(0o644);
            draft.write(write)?;
        }
        Wanted::default()
            .with_mode(Some(crate::roles::modules::files::mode::Mode::Bits(0o644)))
            .settle(draft, &path)?;
        let shown = path.to_string_lossy().into_owned();
        Ok((shown.clone(), Some(shown)))
    }

    fn absent(&self, draft: &mut Draft<'_>) -> Result<(), Failed> {
        for path in [self.path(), self.key_path("asc"), self.key_path("gpg")] {
            if draft.stat(&path, false)?.is_some() {
                draft.change(Change::Remove { path })?;
            }
        }
        draft.set("repo", Value::Null);
        draft.set("dest", self.path().to_string_lossy().into_owned());
        draft.set("key_filename", self.key_path("gpg").to_string_lossy().into_owned());
        Ok(())
    }
}

const ARMOR: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";

fn fetched(eyes: &Eyes<'_>, url: &str) -> Result<Vec<u8>, Failed> {
    let wrong = |why: String| Failed::new(format!("Could not fetch signed_by key: {why}"));
    let mut bytes = Vec::new();
    if let Some(path) = url.strip_prefix("file://") {
        let read = eyes.host.read(Path::new(path)).map_err(|error| wrong(error.to_string()))?;
        return read.ok_or_else(|| wrong(format!("no file {path}")));
    }
    let request = Request { url: url.into(), verify: true, follow: true, ..Request::default() };
    let response = eyes.remote.http(&request).map_err(|error| wrong(error.message))?;
    if !(200..300).contains(&response.status) {
        return Err(wrong(format!("{url} answered {}", response.status)));
    }
    response.body.reader().take(1 << 24).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    Ok(bytes)
}

impl Module for Repository {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        if !self.present {
            self.absent(&mut draft)?;
            return Ok(draft.finish(None));
        }
        let (mut text, mut key_file) = (String::new(), None);
        for (name, value) in &self.fields {
            if *name == "signed_by" {
                let (value, file) = self.key(&mut draft, value)?;
                key_file = file;
                text.push_str(&line(name, &value));
            } else {
                text.push_str(&line(name, value));
            }
        }
        let path = self.path();
        let before = draft.stat(&path, true)?.map(|_| draft.read(&path)).transpose()?.flatten();
        if before.as_deref() != Some(text.as_bytes()) {
            draft.show_bytes(&path.to_string_lossy(), before.as_deref().unwrap_or_default(), text.as_bytes());
            draft.write(FileWrite::new(&path, text.clone().into_bytes()))?;
        }
        self.mode.settle(&mut draft, &path)?;
        draft.set("repo", text);
        draft.set("dest", path.to_string_lossy().into_owned());
        draft.set("key_filename", key_file.map_or(Value::Null, Value::from));
        draft.set_path_members(&path)?;
        Ok(draft.finish(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::files::stage::{Stage, Web, converges};
    use serde_json::json;

    fn stage() -> Stage {
        let mut stage = Stage::new().file("/etc/apt/sources.list.d/", "");
        let armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n";
        stage.remote = Box::new(Web::new([("https://h/key.asc", armored), ("https://h/key.gpg", "bytes")]));
        stage
    }

    #[test]
    fn a_source_is_written_as_python_debian_writes_it() {
        let mut stage = stage();
        let ask = json!({"name": "My App_1", "types": ["deb", "deb-src"], "uris": "https://apt.example.com", "suites": ["a", "b"],
            "components": "main", "enabled": true, "signed_by": "https://h/key.asc", "date_max_future": 10});
        let done = converges(&mut stage, "deb822_repository", ask);
        let expected = "Components: main\nDate-Max-Future: 10\nEnabled: yes\nX-Repolib-Name: My App_1\n\
            Signed-By: /etc/apt/keyrings/my-app-1.asc\nSuites: a b\nTypes: deb deb-src\nURIs: https://apt.example.com\n";
        assert_eq!(stage.text("/etc/apt/sources.list.d/my-app-1.sources"), expected);
        assert_eq!(
            (&done.result["repo"], &done.result["key_filename"]),
            (&json!(expected), &json!("/etc/apt/keyrings/my-app-1.asc"))
        );
        assert_eq!((stage.mode("/etc/apt/keyrings"), stage.mode("/etc/apt/keyrings/my-app-1.asc")), (0o755, 0o644));
        assert!(converges(&mut stage, "deb822_repository", json!({"name": "my app-1", "state": "absent"})).changed);
        assert!(
            crate::host::Observe::stat(&stage.machine, &PathBuf::from("/etc/apt/keyrings/my-app-1.asc"), true)
                .expect("stat")
                .is_none()
        );
    }

    #[test]
    fn keys_may_be_paths_texts_or_fingerprints() {
        let mut stage = stage().file("/usr/share/keyrings/a.gpg", "k");
        let mut signed = |by: &str| {
            let arguments = json!({"name": "a", "uris": "u", "signed_by": by});
            converges(&mut stage, "deb822_repository", arguments).result.clone()
        };
        assert_eq!(signed("/usr/share/keyrings/a.gpg")["key_filename"], "/usr/share/keyrings/a.gpg");
        assert_eq!(signed("0123ABCD")["key_filename"], json!(null));
        assert_eq!(signed("https://h/key.gpg")["key_filename"], "/etc/apt/keyrings/a.gpg");
        let text = signed("-----BEGIN PGP\n\n x\n-----END")["repo"].as_str().expect("repo").to_owned();
        assert!(text.contains("Signed-By:\n    -----BEGIN PGP\n    .\n    x\n    -----END\n"), "{text}");
        let lost = stage.run("deb822_repository", json!({"name": "a", "signed_by": "https://h/none"}));
        assert!(lost.err().expect("failed").message.starts_with("Could not fetch signed_by key: "));
    }
}
