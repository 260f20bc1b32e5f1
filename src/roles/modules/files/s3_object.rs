//! `s3_object`: an object of S3 on the machine, or a list of keys.

use super::download::{check_parent, place, sum, sum_of};
use super::draft::{Draft, expand};
use super::file::{fresh, shown};
use crate::host::{Attributes, Digest, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::remote::ObjectName;
use crate::roles::value::Value;
use std::path::PathBuf;

/// `s3_object`.
pub static SPEC: Spec = Spec {
    name: "amazon.aws.s3_object",
    aliases: &["community.aws.aws_s3", "amazon.aws.aws_s3"],
    summary: "Downloads an object from S3.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("mode", ParamKind::Str, "What to do.")
            .required()
            .choices(&["get", "put", "create", "geturl", "getstr", "delobj", "list", "copy"])
            .only(&["get", "list"]),
        Param::new("bucket", ParamKind::Str, "The bucket.").required(),
        Param::new("object", ParamKind::Str, "The key."),
        Param::new("dest", ParamKind::Path, "Where to.").aliases(&["destination"]),
        Param::new("version", ParamKind::Str, "A version of the object."),
        Param::new("overwrite", ParamKind::Str, "When a file that is there is replaced.")
            .default("different")
            .aliases(&["force"]),
        Param::new("region", ParamKind::Str, "The bucket's region.").aliases(&["aws_region", "ec2_region"]),
        Param::new("prefix", ParamKind::Str, "For `list`: keys that begin so.").default(""),
        Param::new("marker", ParamKind::Str, "For `list`: keys after this one.").default(""),
        Param::new("max_keys", ParamKind::Int, "For `list`: as many at most.").default("1000"),
        Param::new("retries", ParamKind::Int, "muster's own retries apply.").default("0").aliases(&["retry"]),
        Param::new("ignore_nonexistent_bucket", ParamKind::Bool, "Do not ask for the bucket first; never done.")
            .default("false"),
        Param::new("validate_bucket_name", ParamKind::Bool, "The service judges names.").default("true"),
        Param::new("validate_certs", ParamKind::Bool, "Verify certificates.").default("true").only(&["True"]),
        Param::new("profile", ParamKind::Str, "A profile of credentials.")
            .aliases(&["aws_profile"])
            .unsupported("credentials come from the settings"),
        Param::new("access_key", ParamKind::Str, "Credentials.")
            .aliases(&["aws_access_key_id", "aws_access_key"])
            .unsupported("credentials come from the settings"),
        Param::new("secret_key", ParamKind::Str, "Credentials.")
            .aliases(&["aws_secret_access_key", "aws_secret_key"])
            .unsupported("credentials come from the settings"),
        Param::new("session_token", ParamKind::Str, "Credentials.")
            .aliases(&["aws_session_token"])
            .unsupported("credentials come from the settings"),
        Param::new("endpoint_url", ParamKind::Str, "An endpoint.")
            .aliases(&["aws_endpoint_url", "s3_url"])
            .unsupported("endpoints come from the settings"),
        Param::new("src", ParamKind::Path, "For `put`.").unsupported("uploads"),
        Param::new("content", ParamKind::Str, "For `put`.").unsupported("uploads"),
        Param::new("metadata", ParamKind::Dict, "For `put`.").unsupported("uploads"),
        Param::new("permission", ParamKind::AnyList, "For `put`.").unsupported("uploads"),
        Param::new("tags", ParamKind::Dict, "For `put`.").unsupported("uploads"),
        Param::new("expiry", ParamKind::Int, "For `geturl`.").unsupported("signed URLs"),
        Param::new("dualstack", ParamKind::Bool, "IPv6 endpoints.")
            .default("False")
            .unsupported("dual-stack endpoints"),
        Param::new("sig_v4", ParamKind::Bool, "Signature version 4; always.").default("true").only(&["True"]),
    ],
    file_attributes: false,
    examples: &["s3_object:\n  mode: get\n  bucket: releases\n  object: app/release.json\n  dest: /release.json\n"],
};

enum Overwrite {
    Always,
    Never,
    Different,
}

enum Task {
    Get { name: ObjectName, dest: String, overwrite: Overwrite },
    List { name: ObjectName, prefix: String, marker: String, most: usize },
}

/// Reads the arguments.
pub fn s3_object(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let name = ObjectName {
        bucket: args.must("bucket")?,
        key: args.text("object").unwrap_or_default(),
        version: args.text("version"),
        region: args.text("region"),
    };
    if args.must("mode")? == "list" {
        let most = args.int("max_keys").and_then(|most| usize::try_from(most).ok()).unwrap_or(1000);
        let (prefix, marker) = (args.text("prefix").unwrap_or_default(), args.text("marker").unwrap_or_default());
        return Ok(Box::new(Task::List { name, prefix, marker, most }));
    }
    if name.key.is_empty() || name.key.starts_with('/') {
        return Err(args.wrong("object", "mode `get` needs a key that does not begin with a slash"));
    }
    let overwrite = match args.must("overwrite")?.to_ascii_lowercase().as_str() {
        "always" | "true" | "yes" => Overwrite::Always,
        "never" | "false" | "no" => Overwrite::Never,
        "different" => Overwrite::Different,
        other => {
            return Err(ArgError::Unsupported {
                module: SPEC.name,
                name: format!("overwrite: {other}"),
                why: "always, never and different are",
            });
        }
    };
    Ok(Box::new(Task::Get { name, dest: args.must("dest")?, overwrite }))
}

impl Module for Task {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        match self {
            Self::Get { name, dest, overwrite } => get(eyes, name, dest, overwrite),
            Self::List { name, prefix, marker, most } => {
                let keys = eyes.remote.objects(&name.bucket, prefix, name.region.as_deref())?;
                let keys = keys.into_iter().filter(|key| key > marker).take(*most).map(Value::from);
                Ok(Plan::unchanged().with("s3_keys", Value::list(keys)).with("msg", "LIST operation complete"))
            }
        }
    }
}

fn get(eyes: &Eyes<'_>, name: &ObjectName, dest: &str, overwrite: &Overwrite) -> Result<Plan, Failed> {
    let mut draft = Draft::new(eyes, false);
    let path = PathBuf::from(expand(eyes, dest)?);
    let version = name.version.as_ref().map(|version| format!(" with version id {version}")).unwrap_or_default();
    let missing = || Failed::new(format!("Key {}{version} does not exist.", name.key));
    let there = draft.stat(&path, true)?;
    if there.as_ref().is_some_and(|stat| stat.kind == Kind::Directory) {
        return Err(Failed::new(format!("{} is a directory; `dest` names the file", path.display())));
    }
    let identical = "Local and remote object are identical, ignoring. Use overwrite=always parameter to force.";
    if there.is_some() && !matches!(overwrite, Overwrite::Always) {
        let (size, tag) = eyes.remote.object_head(name)?.ok_or_else(missing)?;
        if matches!(overwrite, Overwrite::Never) {
            return Ok(Plan::unchanged().with("msg", "Local object already exists and overwrite is disabled."));
        }
        let same_size = there.as_ref().is_some_and(|stat| stat.size == size);
        // The tag of an object that was uploaded whole is its MD5.
        if same_size && sum_of(&draft, &path, Digest::Md5)?.as_ref() == Some(&tag) {
            return Ok(Plan::unchanged().with("msg", identical));
        }
    }
    let object = match eyes.remote.object(name) {
        Err(error) if error.missing => return Err(missing()),
        other => other?,
    };
    check_parent(&draft, &path)?;
    // The tag of an object uploaded in parts tells nothing without its parts' sizes; its bytes do.
    if matches!(overwrite, Overwrite::Different)
        && sum_of(&draft, &path, Digest::Sha256)? == Some(sum(&object.body, Digest::Sha256)?)
    {
        return Ok(Plan::unchanged().with("msg", identical));
    }
    // boto3 renames a file of its own over the destination, which then has a new file's owner and mode.
    let new = fresh(&draft, Kind::File);
    let attributes = Attributes { mode: Some(new.mode), uid: Some(new.uid), gid: Some(new.gid) };
    place(&mut draft, &path, object.body, attributes, false, false)?;
    draft.set("msg", "GET operation complete");
    draft.set("dest", shown(&path));
    Ok(draft.finish(None))
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, Web, converges};
    use serde_json::json;

    #[test]
    fn an_object_is_fetched_when_it_differs() {
        let mut stage = Stage::new().file("/old", "other");
        stage.remote = Box::new(Web::new([("s3://b/app/k", "foo")]));
        let get = |dest: &str, overwrite: &str| json!({"mode": "get", "bucket": "b", "object": "app/k", "dest": dest, "overwrite": overwrite});
        assert_eq!(converges(&mut stage, "s3_object", get("/k", "different")).result["msg"], "GET operation complete");
        assert_eq!(stage.text("/k"), "foo");
        assert!(stage.run("s3_object", get("/k", "always")).expect("again").changed);
        assert!(!stage.run("s3_object", get("/old", "never")).expect("kept").changed);
        let missing = json!({"mode": "get", "bucket": "b", "object": "none", "dest": "/x"});
        assert_eq!(stage.run("s3_object", missing).err().expect("refused").message, "Key none does not exist.");
        let put = json!({"mode": "put", "bucket": "b", "object": "k", "src": "/k"});
        assert!(stage.run("s3_object", put).err().expect("refused").message.contains("not supported"));
        let list = json!({"mode": "list", "bucket": "b", "prefix": "app/"});
        assert_eq!(stage.run("s3_object", list).expect("listed").result["s3_keys"], json!(["app/k"]));
    }
}
