//! Lookups of files, of what programs and servers say, and of templates.

use super::{Lookup, Options, Outcome, lost};
use crate::fnmatch;
use crate::host::{Command, Content};
use crate::roles::glob;
use crate::roles::modules::Failed;
use crate::roles::remote::Request;
use crate::roles::template::error::TemplateError;
use crate::roles::template::header::plain_options;
use crate::roles::template::run::{Beside, Run};
use crate::roles::template::{Binding, Scope, filters, methods, python};
use crate::roles::value::{Key, Map, Value};
use crate::roles::vault::Vault;
use std::collections::HashSet;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) static LOOKUPS: &[Lookup] = &[
    Lookup { name: "file", options: &["lstrip", "rstrip"], run: file },
    Lookup { name: "unvault", options: &[], run: unvault },
    Lookup { name: "fileglob", options: &[], run: fileglob },
    Lookup { name: "first_found", options: &["files", "paths", "skip", "_kind"], run: first_found },
    Lookup {
        name: "lines",
        options: &[],
        run: |run, terms, _| {
            let mut out = Vec::new();
            for term in &terms {
                out.extend(methods::lines(&program(run, term)?, false).into_iter().map(Value::str));
            }
            Ok(out)
        },
    },
    Lookup {
        name: "pipe",
        options: &[],
        run: |run, terms, _| terms.iter().map(|term| Ok(Value::str(program(run, term)?.trim_end()))).collect(),
    },
    Lookup {
        name: "template",
        options: &[
            "template_vars",
            "convert_data",
            "variable_start_string",
            "variable_end_string",
            "comment_start_string",
            "comment_end_string",
            "trim_blocks",
            "lstrip_blocks",
            "jinja2_native",
        ],
        run: template,
    },
    Lookup {
        name: "url",
        options: &[
            "split_lines",
            "validate_certs",
            "username",
            "password",
            "headers",
            "timeout",
            "http_agent",
            "force_basic_auth",
            "follow_redirects",
            "use_proxy",
            "force",
        ],
        run: url,
    },
];

/// A larger answer is no value.
const LARGEST: u64 = 16 << 20;

fn failed(what: &str, error: &Failed) -> TemplateError {
    let mut out = lost(format!("{what}: {error}"));
    out.hint.clone_from(&error.hint);
    out
}

/// A file of the tree by the task's search order, or of the machine by its absolute path; and whether it was encrypted.
fn read(run: &Run<'_>, kind: &str, name: &str) -> Result<(Vec<u8>, bool), TemplateError> {
    let services = run.services;
    match services.tree.resolve(kind, name) {
        Ok(path) => {
            let bytes = services.tree.read(&path).map_err(|error| failed(&format!("read {name}"), &error))?;
            Ok((bytes, services.tree.sealed(&path)))
        }
        Err(error) if name.starts_with('/') || name.starts_with('~') => {
            let path = filters::expand_user(run, name);
            // A password that was made up just now is not written yet.
            let found = run.templar.owed(Path::new(&path)).map(Some);
            match found.map_or_else(|| services.host.read(Path::new(&path)), Ok) {
                Ok(Some(bytes)) if Vault::is_encrypted(&bytes) => {
                    let opened = run.templar.vault.open(&String::from_utf8_lossy(&bytes));
                    let opened = opened.map_err(|error| lost(format!("read {name}: {error}")))?;
                    Ok((opened.to_vec(), true))
                }
                Ok(Some(bytes)) => Ok((bytes, false)),
                Ok(None) => Err(failed(&format!("the file {name} was not found"), &error)),
                Err(error) => Err(lost(format!("read {name}: {error}"))),
            }
        }
        Err(error) => Err(failed(&format!("the file {name} was not found"), &error)),
    }
}

/// A file's text.
pub(super) fn text(run: &Run<'_>, name: &str) -> Result<String, TemplateError> {
    Ok(String::from_utf8_lossy(&read(run, "files", name)?.0).into_owned())
}

fn file(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let (start, end) = (options.flag("lstrip", false), options.flag("rstrip", true));
    let mut out = Vec::new();
    for term in &terms {
        let (bytes, sealed) = read(run, "files", &python::text(term))?;
        let text = String::from_utf8_lossy(&bytes);
        let text = methods::strip(&text, None, start, end);
        out.push(if sealed { Value::secret(text) } else { Value::str(text) });
    }
    Ok(out)
}

/// `unvault`: what is in an encrypted file, as it is.
fn unvault(run: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let mut out = Vec::new();
    for term in &terms {
        let (bytes, sealed) = read(run, "files", &python::text(term))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        out.push(if sealed { Value::secret(text) } else { Value::str(text) });
    }
    Ok(out)
}

fn fileglob(run: &mut Run<'_>, terms: Vec<Value>, _: &Options) -> Outcome {
    let mut out = Vec::new();
    for term in &terms {
        let pattern = python::text(term);
        let (directory, name) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        let below = if directory.is_empty() { "." } else { directory };
        let mut found = Vec::new();
        // The first directory that has such files counts, as Ansible goes through its search path.
        for path in run.services.tree.every("files", below) {
            let entries = run.services.tree.walk(&path).map_err(|error| failed("list files", &error))?;
            let beside = |entry: &Path| entry.components().count() == 1;
            let matching = entries.into_iter().filter(|(entry, directory)| {
                !directory && beside(entry) && fnmatch::matches(name, &entry.to_string_lossy())
            });
            found.extend(matching.map(|(entry, _)| path.join(entry).display().to_string()));
            if !found.is_empty() {
                break;
            }
        }
        if found.is_empty() && pattern.starts_with('/') {
            found = glob::files(run.services.host, &pattern)
                .map_err(|error| lost(format!("list files that match {pattern}: {error}")))?;
        }
        out.extend(found.into_iter().map(Value::str));
    }
    Ok(out)
}

fn split(value: Option<&Value>, by: &[char]) -> Vec<String> {
    let list = match value {
        None => return Vec::new(),
        Some(Value::List(items)) => items.to_vec(),
        Some(one) => vec![one.clone()],
    };
    list.iter().flat_map(|item| python::text(item).split(by).map(|s| s.trim().to_owned()).collect::<Vec<_>>()).collect()
}

fn first_found(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let mut skip = options.flag("skip", false);
    let mut names = Vec::new();
    let combine = |names: &mut Vec<String>, files: Vec<String>, paths: &[String]| {
        if paths.is_empty() {
            names.extend(files);
        } else {
            for path in paths {
                names.extend(files.iter().map(|file| format!("{}/{file}", path.trim_end_matches('/'))));
            }
        }
    };
    let mut terms = terms;
    if terms.is_empty() {
        terms.extend(options.get("files").cloned());
    }
    let mut todo: Vec<Value> = terms.into_iter().rev().collect();
    while let Some(term) = todo.pop() {
        match &term {
            Value::List(more) => todo.extend(more.iter().rev().cloned()),
            Value::Map(_) => {
                skip = term.get("skip").map_or(skip, filters::truth_word);
                let paths = split(term.get("paths"), &[',', ':', ';']);
                combine(&mut names, split(term.get("files"), &[',', ';']), &paths);
            }
            other => {
                let paths = split(options.get("paths"), &[',', ':', ';']);
                combine(&mut names, split(Some(other), &[',', ';']), &paths);
            }
        }
    }
    // A loop looks where its module's files lie; elsewhere it is `files`, whatever the task does.
    let kind = options.text("_kind").unwrap_or_else(|| "files".into());
    for name in names.iter().filter(|name| !name.is_empty()) {
        if let Some(path) = find(run, &kind, name)? {
            return Ok(vec![Value::str(path.display().to_string())]);
        }
    }
    if skip {
        return Ok(Vec::new());
    }
    Err(lost("No file was found when using first_found.")
        .with_hint(format!("looked for: {}; `skip: true` accepts that there is none", names.join(", "))))
}

fn find(run: &Run<'_>, kind: &str, name: &str) -> Result<Option<PathBuf>, TemplateError> {
    if let Ok(path) = run.services.tree.resolve(kind, name) {
        return Ok(Some(path));
    }
    if name.starts_with('/') {
        let path = PathBuf::from(name);
        let there = run.services.host.stat(&path, true).map_err(|error| lost(format!("look at {name}: {error}")))?;
        return Ok(there.map(|_| path));
    }
    Ok(None)
}

fn program(run: &Run<'_>, term: &Value) -> Result<String, TemplateError> {
    let text = python::text(term);
    let mut command = Command::new(["/bin/sh", "-c", text.as_str()]);
    command.environment = run.services.environment.to_vec();
    command.sensitive = term.has_secret();
    let shown = command.shown();
    let output = run.services.host.query(&command).map_err(|error| lost(format!("run `{shown}`: {error}")))?;
    if output.ok() {
        return Ok(output.text());
    }
    Err(lost(format!("lookup of a program's output: `{shown}` returned {}", output.code)))
}

/// Variables that only a template sees, over all others.
struct Over<'a> {
    base: &'a dyn Scope,
    extra: Map,
}

impl Scope for Over<'_> {
    fn get(&self, name: &str) -> Binding {
        self.extra.get(&Key::from(name)).map_or_else(|| self.base.get(name), |value| Binding::Value(value.clone()))
    }

    fn member(&self, name: &str, key: &str) -> Option<Value> {
        if self.extra.contains_key(&Key::from(name)) { None } else { self.base.member(name, key) }
    }

    fn names(&self) -> Vec<String> {
        let mut names: HashSet<String> = self.base.names().into_iter().collect();
        names.extend(self.extra.keys().map(ToString::to_string));
        names.into_iter().collect()
    }
}

fn template(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let mut layout = plain_options();
    let text = |name: &str, default: &str| options.text(name).unwrap_or_else(|| default.to_owned());
    layout.variable = (text("variable_start_string", "{{"), text("variable_end_string", "}}"));
    layout.comment = (text("comment_start_string", "{#"), text("comment_end_string", "#}"));
    layout.trim_blocks = options.flag("trim_blocks", true);
    layout.lstrip_blocks = options.flag("lstrip_blocks", false);
    let extra = options.get("template_vars").and_then(Value::as_map).cloned().unwrap_or_default();
    let scope = Over { base: run.scope, extra };
    let mut out = Vec::new();
    for term in &terms {
        let name = python::text(term);
        let tree = run.services.tree;
        let path = tree
            .resolve("templates", &name)
            .map_err(|error| failed(&format!("the template file {name} could not be found for the lookup"), &error))?;
        let bytes = tree.read(&path).map_err(|error| failed(&format!("read {name}"), &error))?;
        let text = String::from_utf8_lossy(&bytes);
        let shown = path.display().to_string();
        let (value, printed) =
            run.templar.file_with(&scope, run.services, &text, (&shown, Beside::of(&path, true)), &layout)?;
        // A template that has nothing to print yields nothing, as opposed to one that prints nothing.
        out.push(if printed { value } else { Value::Null });
    }
    Ok(out)
}

fn url(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    let headers = options.get("headers").and_then(Value::as_map).cloned().unwrap_or_default();
    let basic = options
        .text("username")
        .map(|user| (user, crate::secret::Secret::new(options.text("password").unwrap_or_default())));
    let mut out = Vec::new();
    for term in &terms {
        let request = Request {
            url: python::text(term),
            headers: headers.iter().map(|(name, value)| (name.to_string(), python::text(value))).collect(),
            basic: basic.clone(),
            verify: options.flag("validate_certs", true),
            follow: options.text("follow_redirects").is_none_or(|how| !matches!(how.as_str(), "no" | "none")),
            timeout: options.get("timeout").and_then(python::to_float).map(Duration::from_secs_f64),
            ..Request::default()
        };
        let response = run.services.remote.http(&request).map_err(|error| super::remote(&error))?;
        if !(200..300).contains(&response.status) {
            return Err(lost(format!("Received HTTP error {} for {}", response.status, response.url)));
        }
        let text = String::from_utf8_lossy(&body(&response.body)?).into_owned();
        if options.flag("split_lines", true) {
            out.extend(methods::lines(&text, false).into_iter().map(Value::str));
        } else {
            out.push(Value::str(text));
        }
    }
    Ok(out)
}

fn body(content: &Content) -> Result<Vec<u8>, TemplateError> {
    let staged = match content {
        Content::Bytes(bytes) => return Ok(bytes.to_vec()),
        Content::Staged(file) => file,
    };
    let size = staged.metadata().map_err(|error| lost(format!("read the answer: {error}")))?.len();
    if size > LARGEST {
        return Err(lost("the answer is larger than 16 MiB; fetch it with `get_url`"));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    staged.read_exact_at(&mut bytes, 0).map_err(|error| lost(format!("read the answer: {error}")))?;
    Ok(bytes)
}
