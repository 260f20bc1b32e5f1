//! `muster.release`: an application release is in place, verified by the realm's keys.

use super::files::wanted::Wanted;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::failure::Explain;
use crate::host::{Attributes, Kind, Stat};
use crate::release::{self, Layout, Order};
use crate::roles::store::Store;
use crate::roles::value::{Key, Value};

/// `muster.release`.
pub static SPEC: Spec = Spec {
    name: "muster.release",
    aliases: &[],
    summary: "Puts a signed application release in place, and keeps the one before it.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("app", ParamKind::Str, "The application.").required(),
        Param::new("component", ParamKind::Str, "The part of it."),
        Param::new("channel", ParamKind::Str, "The channel.").required(),
        Param::new("bucket", ParamKind::Str, "The bucket; with target it may be left out."),
        Param::new(
            "source",
            ParamKind::Str,
            "The repository of a registry in place of a bucket: oci://HOST/NAME[:TAG], as a pattern.",
        ),
        Param::new("login", ParamKind::Dict, "That registry's login: user, and secret, which holds the password."),
        Param::new(
            "target",
            ParamKind::Str,
            "The target of the update repository that is the descriptor, as a pattern.",
        ),
        Param::new("region", ParamKind::Str, "The bucket's region, where it is not the host's."),
        Param::new("parameter", ParamKind::Str, "The parameter that holds the release id, as a pattern.")
            .default("/{app}/{component}/{channel}/release_id"),
        Param::new("descriptor", ParamKind::Str, "The descriptor's key, as a pattern.")
            .default("{app}/{component}/{release_id}/release.json"),
        Param::new("bundle", ParamKind::Str, "The key of its Sigstore bundle, as a pattern.")
            .default("{app}/{component}/{release_id}/release.json.sigstore.json"),
        Param::new(
            "artifact",
            ParamKind::Str,
            "The artifact's key, as a pattern: {app}/{component}/{release_id}/{path}, or with target {app}/{path}.",
        ),
        Param::new("dest", ParamKind::Path, "Where the artifact goes.").required().aliases(&["path"]),
        Param::new("arch", ParamKind::Str, "The architecture, as the descriptor names it; this host's by default."),
        Param::new("size_limit", ParamKind::Int, "The largest artifact that is accepted, in bytes.")
            .default("2147483648"),
        Param::new(
            "unpack",
            ParamKind::Bool,
            "Unpack the artifact into releases/SHA256 below dest; current leads to it.",
        )
        .default("false"),
        Param::new("keep", ParamKind::Int, "How many unpacked releases are kept, the one in use among them.")
            .default("3"),
    ],
    file_attributes: true,
    examples: &[],
};

struct Release {
    order: Order,
    login: Option<(String, String)>,
    wanted: Wanted,
}

/// Reads the arguments.
pub fn release(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let limit = args.int("size_limit").and_then(|limit| u64::try_from(limit).ok());
    let keep = args.int("keep").and_then(|keep| usize::try_from(keep).ok()).filter(|keep| *keep >= 2);
    let keep = keep.ok_or_else(|| args.wrong("keep", "2 or more: the release in use, and one for the way back"))?;
    let target = args.text("target");
    let beside = if target.is_some() { "{app}/{path}" } else { "{app}/{component}/{release_id}/{path}" };
    let registry = args.text("source").map(|source| source.strip_prefix("oci://").map(str::to_owned));
    let registry = registry.map(|named| named.ok_or_else(|| args.wrong("source", "it must begin with oci://")));
    let registry = registry.transpose()?;
    let (bucket, login) = (args.text("bucket"), login(args)?);
    match (&bucket, &registry, &target) {
        (Some(_), Some(_), _) => return Err(args.together("write a bucket or a source, not both")),
        (None, None, None) => return Err(args.together("a release needs a bucket, a source or a target")),
        (_, None, _) if login.is_some() => return Err(args.together("only a registry (source) asks for a login")),
        _ => {}
    }
    let order = Order {
        app: args.must("app")?,
        component: args.text("component"),
        channel: args.must("channel")?,
        os: "linux".into(),
        arch: args.text("arch").unwrap_or_else(|| native().into()),
        target,
        environment: None,
        parameter: args.must("parameter")?,
        registry,
        bucket: bucket.unwrap_or_default(),
        region: args.text("region"),
        descriptor_key: args.must("descriptor")?,
        bundle_key: args.must("bundle")?,
        artifact_key: args.text("artifact").unwrap_or_else(|| beside.to_owned()),
        layout: Layout::default(),
        destination: args.must("dest")?.into(),
        attributes: crate::host::Attributes::default(),
        limit: limit.ok_or_else(|| args.wrong("size_limit", "it is no number of bytes"))?,
        // Known where it runs: see `plan`.
        records: std::path::PathBuf::new(),
        restart: None,
        unpack: args.flag("unpack").then_some(keep),
    };
    Ok(Box::new(Release { order, login, wanted: Wanted::read(args)? }))
}

/// A registry's login: the user's name, and the secret's.
fn login(args: &Args) -> Result<Option<(String, String)>, ArgError> {
    let Some(written) = args.value("login").and_then(Value::as_map) else { return Ok(None) };
    let part = |name: &str| written.get(&Key::from(name)).and_then(Value::as_str).map(str::to_owned);
    match (part("user"), part("secret"), written.len()) {
        (Some(user), Some(secret), 2) => Ok(Some((user, secret))),
        _ => Err(args.wrong("login", "expected `user` and `secret`, and nothing else")),
    }
}

/// What is not there yet, for a symbolic mode to begin with.
const NEW: Stat = Stat::unmade(Kind::File, 0o755, (0, 0));

/// This machine's architecture, as descriptors name it.
fn native() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "amd64",
        other => other,
    }
}

impl Module for Release {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let refused = |message: String, hint: Option<String>| Failed { hint, ..Failed::new(message) };
        let policy = eyes.remote.release_keys().map_err(|error| refused(error.message, error.hint))?;
        let path = match self.order.unpack {
            None => self.order.destination.clone(),
            Some(_) => self.order.destination.join("current"),
        };
        let there = eyes.host.stat(&path, true).map_err(|error| Failed::new(format!("{}: {error}", path.display())))?;
        let base = there.unwrap_or(NEW);
        let asked = self.wanted.resolve(eyes.host, &base)?;
        let attributes = Attributes { mode: asked.mode.or(Some(0o755)), ..asked };
        let source = eyes.remote.release_source(self.login.clone(), self.order.target.is_some());
        let source = source.map_err(|error| refused(error.message, error.hint))?;
        let source = source.unwrap_or_else(|| Box::new(Store(eyes.remote)));
        let (environment, records) = (source.environment(), eyes.remote.release_records());
        let order = Order { attributes, environment, records, ..self.order.clone() };
        let planned = release::plan(&order, &*source, &policy, eyes.host)
            .map_err(|error| refused(error.to_string(), error.hint()))?;
        let artifact = &planned.descriptor.artifact;
        let changes = planned.changes.into_iter().chain(planned.settle).collect();
        let plan = Plan { changes, ..Plan::unchanged() }
            .with("release_id", planned.descriptor.release_id.as_str())
            .with("version", planned.descriptor.version.as_str())
            .with("sha256", hex::encode(artifact.sha256))
            .with("signed_by", planned.key)
            .with("dest", order.destination.display().to_string());
        Ok(match planned.previous {
            Some(previous) => plan.with("previous_release_id", previous.release_id),
            None => plan.with("previous_release_id", Value::Null),
        })
    }
}
