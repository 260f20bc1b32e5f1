//! Lookups of AWS: parameters of SSM and secrets of Secrets Manager, with amazon.aws's options.

use super::{Lookup, Options, Outcome, lost, remote};
use crate::roles::remote::{Parameter, RemoteError, SecretValue};
use crate::roles::template::error::TemplateError;
use crate::roles::template::python;
use crate::roles::template::run::Run;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

/// Who asks, and where, is settled for all of muster; these are accepted where a role repeats it.
macro_rules! options {
    ($($name:literal),*) => {
        &[$($name,)* "region", "aws_region", "ec2_region", "on_missing", "on_denied", "endpoint", "endpoint_url",
          "aws_endpoint_url", "ec2_url", "s3_url", "profile", "aws_profile", "boto_profile", "debug_botocore_endpoint_logs"]
    };
}

const PARAMETER: &[&str] = options!["bypath", "decrypt", "recursive", "shortnames", "droppath", "default"];
const SECRET: &[&str] = options!["bypath", "nested", "version_id", "version_stage", "join", "on_deleted"];

pub(super) static LOOKUPS: &[Lookup] = &[
    Lookup { name: "amazon.aws.ssm_parameter", options: PARAMETER, run: parameter },
    Lookup { name: "amazon.aws.aws_ssm", options: PARAMETER, run: parameter },
    Lookup { name: "community.aws.aws_ssm", options: PARAMETER, run: parameter },
    Lookup { name: "amazon.aws.secretsmanager_secret", options: SECRET, run: secret },
    Lookup { name: "amazon.aws.aws_secret", options: SECRET, run: secret },
    Lookup { name: "community.aws.aws_secret", options: SECRET, run: secret },
];

/// What a parameter is where one is missing or denied: an error, unless the role says to go on without.
fn absent(options: &Options, error: TemplateError, missing: bool) -> Result<Option<Value>, TemplateError> {
    let how = options.text(if missing { "on_missing" } else { "on_denied" });
    match how.as_deref().unwrap_or("error") {
        "error" => Err(error),
        "skip" | "warn" => Ok(None),
        other => Err(TemplateError::failed(format!("`{other}` is none of: error, skip, warn"))),
    }
}

fn denied(error: &RemoteError) -> bool {
    // The last is how muster itself puts a denial.
    ["AccessDenied", "not authorized", " denied to "].iter().any(|word| error.message.contains(word))
}

fn value(parameter: &Parameter) -> Value {
    let text = parameter.value.expose().as_str();
    if parameter.secure { Value::secret(text) } else { Value::str(text) }
}

fn parameter(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    if !options.flag("decrypt", true) {
        return Err(TemplateError::failed("a parameter without `decrypt` is not supported")
            .with_hint("muster reads SecureString parameters decrypted, and keeps them secret"));
    }
    let names: Vec<String> = terms.iter().map(python::text).collect();
    if options.flag("bypath", false) {
        return names.iter().map(|path| by_path(run, path, options)).collect();
    }
    let found = match run.services.remote.parameters(&names) {
        Ok(found) => found,
        Err(error) if denied(&error) => {
            absent(options, remote(&error), false)?;
            vec![None; names.len()]
        }
        Err(error) if error.missing => vec![None; names.len()],
        Err(error) => return Err(remote(&error)),
    };
    let mut out = Vec::new();
    for (name, found) in names.iter().zip(found) {
        match (found, options.get("default")) {
            (Some(found), _) => out.push(value(&found)),
            (None, Some(default)) => out.push(default.clone()),
            (None, None) => {
                let error = lost(format!("Failed to find SSM parameter {name} (ResourceNotFound)"))
                    .with_hint("create it, or pass `on_missing='skip'` and a `default`");
                out.push(absent(options, error, true)?.unwrap_or_default());
            }
        }
    }
    Ok(out)
}

fn by_path(run: &Run<'_>, path: &str, options: &Options) -> Result<Value, TemplateError> {
    let recursive = options.flag("recursive", false);
    let found = match run.services.remote.parameters_by_path(path, recursive) {
        Ok(found) => found,
        Err(error) if denied(&error) => {
            absent(options, remote(&error), false)?;
            Vec::new()
        }
        Err(error) if error.missing => Vec::new(),
        Err(error) => return Err(remote(&error)),
    };
    if found.is_empty() {
        absent(options, lost(format!("Failed to find SSM parameter path {path} (ResourceNotFound)")), true)?;
    }
    let mut out = Map::new();
    for parameter in &found {
        let full = parameter.name.as_str();
        let name = if options.flag("shortnames", false) {
            full.rsplit('/').next().unwrap_or(full).to_owned()
        } else if options.flag("droppath", false) {
            full.replacen(path, "", 1)
        } else {
            full.to_owned()
        };
        out.insert(Key::from(name.as_str()), value(parameter));
    }
    Ok(Value::Map(Arc::new(out)))
}

fn secret(run: &mut Run<'_>, terms: Vec<Value>, options: &Options) -> Outcome {
    if options.flag("bypath", false) {
        return Err(TemplateError::failed("`bypath` of secrets is not supported")
            .with_hint("name each secret, or keep them as keys of one and read them with `nested=true`"));
    }
    let (version, stage) = (options.text("version_id"), options.text("version_stage"));
    let mut out = Vec::new();
    for term in &terms {
        let term = python::text(term);
        let nested = options.flag("nested", false);
        let mut path = term.split('.');
        let name = if nested { path.next().unwrap_or_default() } else { term.as_str() };
        let found = match run.services.remote.secret(name, version.as_deref(), stage.as_deref()) {
            Ok(found) => found,
            Err(error) if error.missing || denied(&error) => {
                out.extend(absent(options, remote(&error), error.missing)?);
                continue;
            }
            Err(error) => return Err(remote(&error)),
        };
        let text = match found {
            SecretValue::Text(text) => text.expose().clone(),
            SecretValue::Binary(bytes) => String::from_utf8_lossy(bytes.expose()).into_owned(),
        };
        out.push(if nested { member(&text, name, path)? } else { Value::secret(text) });
    }
    if options.flag("join", false) {
        return Ok(vec![Value::secret(out.iter().filter_map(Value::as_str).collect::<String>())]);
    }
    Ok(out)
}

fn member<'p>(text: &str, name: &str, path: impl Iterator<Item = &'p str>) -> Result<Value, TemplateError> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|_| lost(format!("the secret {name} is not JSON, so it has no members")))?;
    let mut current = &json;
    for key in path {
        current = current.get(key).ok_or_else(|| {
            lost(format!("Successfully retrieved secret but there exists no key {key} in the secret {name}"))
        })?;
    }
    Ok(Value::secret(match current {
        serde_json::Value::String(text) => text.clone(),
        other => python::text(&Value::from_json(other)),
    }))
}
