//! `uri`: a request to a web service, and its answer.

mod answer;
mod body;

use super::download::{place, sum, sum_of};
use super::draft::{Draft, expand};
use super::file::{fresh, shown};
use super::get_url::{attachment, headers, http_date, masked, name_in};
use super::wanted::Wanted;
use crate::host::{Change, Content, Digest, Effect, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::remote::{Request, Response};
use crate::roles::value::Value;
use crate::secret::Secret;
use answer::Answer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `uri`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.uri",
    aliases: &[],
    summary: "Sends an HTTP request.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("url", ParamKind::Str, "Where to.").required(),
        Param::new("method", ParamKind::Str, "The method, in capitals.").default("GET"),
        Param::new("body", ParamKind::Raw, "What is sent."),
        Param::new("body_format", ParamKind::Str, "How it is encoded.").default("raw").choices(&[
            "form-urlencoded",
            "json",
            "raw",
            "form-multipart",
        ]),
        Param::new("src", ParamKind::Path, "A file to send, from the role's `files`."),
        Param::new("remote_src", ParamKind::Bool, "The file is the host's.").default("false"),
        Param::new("headers", ParamKind::Dict, "Headers to send."),
        Param::new("status_code", ParamKind::AnyList, "Codes that are no failure.").default("200"),
        Param::new("return_content", ParamKind::Bool, "Put the body into the result.").default("false"),
        Param::new("dest", ParamKind::Path, "Where the body is written: a file or an existing directory."),
        Param::new("creates", ParamKind::Path, "Where this exists, nothing is sent."),
        Param::new("removes", ParamKind::Path, "Where this does not exist, nothing is sent."),
        Param::new("follow_redirects", ParamKind::Str, "Which redirects are followed.")
            .default("safe")
            .choices(&["all", "no", "none", "safe", "urllib2", "yes"]),
        Param::new("timeout", ParamKind::Int, "Seconds to wait.").default("30"),
        Param::new("force", ParamKind::Bool, "Ask caches for a fresh answer.").default("false"),
        Param::new("url_username", ParamKind::Str, "For basic authentication.").aliases(&["user"]),
        Param::new("url_password", ParamKind::Str, "For basic authentication.").aliases(&["password"]),
        Param::new("force_basic_auth", ParamKind::Bool, "Authenticate without being asked; always done.")
            .default("false"),
        Param::new("validate_certs", ParamKind::Bool, "Verify the server's certificate.").default("true"),
        Param::new("http_agent", ParamKind::Str, "The `User-Agent` header.").default("ansible-httpget"),
        Param::new("use_proxy", ParamKind::Bool, "Use the settings' proxy.").default("true"),
        Param::new("decompress", ParamKind::Bool, "Undo a gzip content encoding; none is asked for.").default("true"),
        Param::new("use_netrc", ParamKind::Bool, "Read credentials from ~/.netrc; never done.").default("true"),
        Param::new("unredirected_headers", ParamKind::StrList, "Headers not sent after a redirect.")
            .unsupported("credentials are sent only to the host that was named"),
        Param::new("use_gssapi", ParamKind::Bool, "Kerberos.").default("False").unsupported("Kerberos"),
        Param::new("client_cert", ParamKind::Path, "Client certificate.").unsupported("client certificates"),
        Param::new("client_key", ParamKind::Path, "Client key.").unsupported("client certificates"),
        Param::new("ca_path", ParamKind::Path, "Authorities to trust.").unsupported("the settings name a CA bundle"),
        Param::new("unix_socket", ParamKind::Path, "A socket in place of a port.").unsupported("Unix sockets"),
        Param::new("ciphers", ParamKind::StrList, "TLS ciphers.").unsupported("the TLS library's own are used"),
    ],
    file_attributes: true,
    examples: &["uri:\n  url: https://example.com/app.tar.gz\n  return_content: true\n"],
};

struct Asked {
    request: Request,
    body: Option<Value>,
    format: String,
    source: Option<(String, bool)>,
    codes: Vec<i64>,
    content: bool,
    dest: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
    force: bool,
    in_place: bool,
    wanted: Wanted,
    sensitive: bool,
}

struct Uri(Arc<Asked>);

/// Reads the arguments.
pub fn uri(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let method = args.must("method")?.to_uppercase();
    if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
        let message = "Parameter 'method' needs to be a single word in uppercase, like GET or POST.";
        return Err(args.wrong("method", message));
    }
    let (body, source) = (args.value("body").cloned(), args.text("src"));
    if body.is_some() && source.is_some() {
        return Err(args.together("parameters are mutually exclusive: body|src"));
    }
    let code = |text: &String| text.parse().map_err(|_| args.wrong("status_code", format!("`{text}` is no number")));
    let codes = args.texts("status_code").iter().map(code).collect::<Result<Vec<i64>, _>>()?;
    let reads = matches!(method.as_str(), "GET" | "HEAD");
    let follow = match args.must("follow_redirects")?.as_str() {
        "all" | "yes" | "urllib2" => true,
        "safe" => reads,
        _ => false,
    };
    let password = args.text("url_password").unwrap_or_default();
    let request = Request {
        url: args.must("url")?,
        headers: headers(args)?,
        basic: args.text("url_username").filter(|user| !user.is_empty()).map(|user| (user, Secret::new(password))),
        verify: args.flag("validate_certs"),
        direct: !args.flag("use_proxy"),
        timeout: args.int("timeout").and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        body: None,
        method,
        follow,
    };
    Ok(Box::new(Uri(Arc::new(Asked {
        request,
        body,
        format: args.must("body_format")?,
        source: source.map(|source| (source, args.flag("remote_src"))),
        codes,
        content: args.flag("return_content"),
        dest: args.text("dest"),
        creates: args.text("creates"),
        removes: args.text("removes"),
        force: args.flag("force"),
        in_place: args.flag("unsafe_writes"),
        wanted: Wanted::read(args)?,
        sensitive: args.has_secret(),
    }))))
}

impl Module for Uri {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = Arc::clone(&self.0);
        if let Some(why) = asked.guarded(eyes)? {
            return Ok(Plan { changed: Some(false), ..Plan::default() }.with("stdout", why));
        }
        if matches!(asked.request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            return asked.send(eyes);
        }
        // What may change something elsewhere is sent only where changes are carried out.
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
            if effects.iter().all(Effect::happened) {
                return asked.send(eyes);
            }
            let undecided = Some(format!("a {} request is sent only when the plan is applied", asked.request.method));
            Ok(Plan { undecided, changed: Some(false), ..Plan::default() })
        };
        let changes = vec![Change::Wait(Duration::ZERO)];
        Ok(Plan { changes, changed: Some(false), next: Some(Box::new(next)), ..Plan::default() })
    }
}

impl Asked {
    fn guarded(&self, eyes: &Eyes<'_>) -> Result<Option<String>, Failed> {
        if let Some(path) = &self.creates
            && eyes.exists(&eyes.expanded(path))?
        {
            return Ok(Some(format!("skipped, since '{path}' exists")));
        }
        match &self.removes {
            Some(path) if !eyes.exists(&eyes.expanded(path))? => {
                Ok(Some(format!("skipped, since '{path}' does not exist")))
            }
            _ => Ok(None),
        }
    }

    fn request(&self, draft: &Draft<'_>, dest: Option<&PathBuf>) -> Result<Request, Failed> {
        let mut request = self.request.clone();
        let encoded = body::encode(draft.eyes, &self.format, self.body.as_ref())?;
        let has_type = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(media) = encoded.media
            && (!has_type || self.format == "form-multipart")
        {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            request.headers.push(("Content-Type".into(), media));
        }
        let bytes = match &self.source {
            None => encoded.bytes,
            Some((source, true)) => {
                let path = expand(draft.eyes, source)?;
                let bytes = draft.read(Path::new(&path))?;
                Some(bytes.ok_or_else(|| Failed::new(format!("Unable to open source file {path}")))?)
            }
            Some((source, false)) => Some(draft.eyes.tree.read(&draft.eyes.tree.resolve("files", source)?)?),
        };
        request.body = bytes.map(Secret::new);
        let there = dest.map(|dest| draft.stat(dest, true)).transpose()?.flatten();
        if self.force {
            request.headers.push(("Cache-Control".into(), "no-cache".into()));
        } else if let Some(file) = there.filter(|stat| stat.kind == Kind::File) {
            request.headers.push(("If-Modified-Since".into(), http_date(file.mtime)));
        }
        Ok(request)
    }

    fn send(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let dest = self.dest.as_deref().map(|dest| expand(eyes, dest)).transpose()?.map(PathBuf::from);
        let request = self.request(&draft, dest.as_ref())?;
        let began = Instant::now();
        let asked = masked(&request.url);
        let mut hint = None;
        let (answer, response) = match eyes.remote.http(&request) {
            Ok(response) => (Answer::of(&response, asked.clone(), &self.codes, self.content)?, Some(response)),
            Err(error) => {
                hint = error.hint;
                (Answer::none(asked.clone(), format!("Request failed: {}", error.message)), None)
            }
        };
        let good = self.codes.contains(&answer.status);
        let mut changed = false;
        if let (Some(dest), Some(response)) = (dest, &response) {
            changed = self.keep(&mut draft, dest, response, good && answer.status != 304)?;
        }
        for (key, value) in &answer.told {
            draft.set(&key.to_string(), value.clone());
        }
        let url = answer.told.get(&crate::roles::value::Key::from("url")).and_then(Value::as_str);
        draft.set("redirected", url.is_some_and(|url| url != asked));
        draft.set("elapsed", i64::try_from(began.elapsed().as_secs()).unwrap_or(0));
        draft.set("status", answer.status);
        draft.set("msg", answer.message.as_str());
        if let Some(text) = answer.text.filter(|_| self.content) {
            draft.set("content", text);
        }
        if let Some(body) = answer.body {
            draft.set("body", body);
        }
        let mut plan = draft.finish(None);
        if good {
            plan.changed = Some(changed);
            return Ok(plan);
        }
        let codes = self.codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("Status code was {} and not [{codes}]: {}", answer.status, answer.message);
        plan.result.insert("changed".into(), changed.into());
        Err(Failed { message, result: plan.result, hint, ..Failed::default() })
    }

    /// Writes the body, where it differs; whether the task counts as changed, which it does whenever it was written.
    fn keep(&self, draft: &mut Draft<'_>, dest: PathBuf, response: &Response, write: bool) -> Result<bool, Failed> {
        let mut dest = dest;
        if draft.stat(&dest, true)?.is_some_and(|stat| stat.kind == Kind::Directory) {
            dest.push(attachment(response).unwrap_or_else(|| name_in(&response.url)));
        }
        draft.set("path", shown(&dest));
        if !write {
            return Ok(false);
        }
        if sum_of(draft, &dest, Digest::Sha1)? != Some(sum(&response.body, Digest::Sha1)?) {
            let base = draft.stat(&dest, true)?.unwrap_or_else(|| fresh(draft, Kind::File));
            let attributes = self.wanted.resolve(draft.machine(), &base)?;
            let body: Content = response.body.clone();
            place(draft, &dest, body, attributes, false, self.in_place)?;
        }
        self.wanted.settle(draft, &dest)?;
        draft.set_path_members(&dest)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
