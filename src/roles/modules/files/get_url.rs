//! `get_url`: a file from a URL.

use super::download::{check_parent, place, sum, sum_of};
use super::draft::{Draft, expand};
use super::file::{fresh, shown};
use super::stat::algorithm;
use super::wanted::Wanted;
use crate::host::{Content, Digest, Kind};
use crate::roles::modules::args::FLAGS;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::remote::{Request, Response};
use crate::roles::value::Value;
use crate::secret::Secret;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// `get_url`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.get_url",
    aliases: &[],
    summary: "Downloads a file by HTTP or HTTPS.",
    free_form: FreeForm::Pairs,
    params: &[
        FLAGS,
        Param::new("url", ParamKind::Str, "What is downloaded: http, https or file.").required(),
        Param::new("dest", ParamKind::Path, "Where to: a file or an existing directory.").required(),
        Param::new("checksum", ParamKind::Str, "`ALGORITHM:DIGEST`, or `ALGORITHM:URL` of a list of digests."),
        Param::new("force", ParamKind::Bool, "Download though a file is there.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("headers", ParamKind::Dict, "Headers to send."),
        Param::new("timeout", ParamKind::Int, "Seconds to wait.").default("10"),
        Param::new("url_username", ParamKind::Str, "For basic authentication.").aliases(&["username"]),
        Param::new("url_password", ParamKind::Str, "For basic authentication.").aliases(&["password"]),
        Param::new("force_basic_auth", ParamKind::Bool, "Authenticate without being asked; always done.")
            .default("false"),
        Param::new("validate_certs", ParamKind::Bool, "Verify the server's certificate.").default("true"),
        Param::new("http_agent", ParamKind::Str, "The `User-Agent` header.").default("ansible-httpget"),
        Param::new("tmp_dest", ParamKind::Path, "Where Ansible stages; muster stages beside the destination."),
        Param::new("use_proxy", ParamKind::Bool, "Use the settings' proxy.").default("true"),
        Param::new("decompress", ParamKind::Bool, "Undo a gzip content encoding; none is asked for.").default("true"),
        Param::new("use_netrc", ParamKind::Bool, "Read credentials from ~/.netrc.")
            .default("true")
            .only(&["False", "True"]),
        Param::new("unredirected_headers", ParamKind::StrList, "Headers not sent after a redirect.")
            .unsupported("muster sends headers only to the host that was named"),
        Param::new("use_gssapi", ParamKind::Bool, "Kerberos.").default("False").unsupported("Kerberos"),
        Param::new("client_cert", ParamKind::Path, "Client certificate.").unsupported("client certificates"),
        Param::new("client_key", ParamKind::Path, "Client key.").unsupported("client certificates"),
        Param::new("ciphers", ParamKind::StrList, "TLS ciphers.").unsupported("the TLS library's own are used"),
    ],
    file_attributes: true,
    examples: &["get_url:\n  url: https://example.com/app.tar.gz\n  dest: /app.tar.gz\n  mode: '0644'\n"],
};

/// The expected digest.
struct Expected {
    algorithm: Digest,
    value: String,
}

struct GetUrl {
    url: String,
    dest: String,
    checksum: Option<Expected>,
    force: bool,
    backup: bool,
    in_place: bool,
    request: Request,
    wanted: Wanted,
    sensitive: bool,
}

/// Reads the arguments.
pub fn get_url(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let checksum = match args.text("checksum").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let format = "The checksum parameter has to be in format <algorithm>:<checksum>";
            let (name, value) = text.split_once(':').ok_or_else(|| args.wrong("checksum", format))?;
            if !["md5", "sha1", "sha224", "sha256", "sha384", "sha512"].contains(&name) {
                return Err(args.wrong("checksum", format!("`{name}` is no digest that is known")));
            }
            Some(Expected { algorithm: algorithm(name), value: value.trim().to_owned() })
        }
    };
    let password = args.text("url_password").unwrap_or_default();
    let request = Request {
        method: "GET".into(),
        headers: headers(args)?,
        basic: args.text("url_username").map(|user| (user, Secret::new(password))),
        verify: args.flag("validate_certs"),
        follow: true,
        direct: !args.flag("use_proxy"),
        timeout: args.int("timeout").and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        ..Request::default()
    };
    Ok(Box::new(GetUrl {
        url: args.must("url")?,
        dest: args.must("dest")?,
        checksum,
        force: args.flag("force"),
        backup: args.flag("backup"),
        in_place: args.flag("unsafe_writes"),
        request,
        wanted: Wanted::read(args)?,
        sensitive: args.has_secret(),
    }))
}

/// The headers of a request: the agent's name, and those that the task gives.
pub(super) fn headers(args: &Args) -> Result<Vec<(String, String)>, ArgError> {
    let mut headers = vec![("User-Agent".to_owned(), args.must("http_agent")?)];
    for (name, value) in args.value("headers").and_then(Value::as_map).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned);
        headers.retain(|(have, _)| !have.eq_ignore_ascii_case(&name.to_string()));
        headers.push((name.to_string(), value));
    }
    Ok(headers)
}

/// A URL without the password in it, for results and messages.
pub(super) fn masked(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, rest))) if !user.contains('/') => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:********@{rest}")
        }
        _ => url.to_owned(),
    }
}

pub(super) fn name_in(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    match path.rsplit('/').next().unwrap_or_default() {
        "" => "index.html".to_owned(),
        name => name.to_owned(),
    }
}

impl Module for GetUrl {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let mut dest = PathBuf::from(expand(eyes, &self.dest)?);
        draft.set("url", masked(&self.url));
        draft.set("elapsed", 0_i64);
        let there = draft.stat(&dest, true)?;
        let is_directory = there.as_ref().is_some_and(|stat| stat.kind == Kind::Directory);
        let expected = self.expected(&draft)?;
        let mut since = None;
        if let Some(stat) = there.filter(|_| !is_directory) {
            since = if self.force { None } else { Some(stat.mtime) };
            if let (false, Some(expected)) = (self.force, &expected) {
                if sum_of(&draft, &dest, expected.algorithm)?.as_ref() == Some(&expected.value) {
                    return self.kept(draft, &dest);
                }
                // What is there is not what is wanted, however new it is.
                since = None;
            }
        }
        let began = Instant::now();
        let Some(response) = self.fetch(&draft, &self.url, since)? else {
            draft.set("msg", "HTTP Error 304: Not Modified");
            draft.set("status_code", 304_i64);
            draft.set("dest", shown(&dest));
            draft.set_path_members(&dest)?;
            return Ok(draft.finish(None));
        };
        draft.set("elapsed", i64::try_from(began.elapsed().as_secs()).unwrap_or(0));
        if is_directory {
            dest.push(attachment(&response).unwrap_or_else(|| name_in(&response.url)));
        }
        self.put(draft, &dest, &response, expected.as_ref())
    }
}

impl GetUrl {
    /// The expected digest, looked up where it is a URL of a list.
    fn expected(&self, draft: &Draft<'_>) -> Result<Option<Expected>, Failed> {
        let Some(checksum) = &self.checksum else { return Ok(None) };
        let mut value = checksum.value.clone();
        if ["http://", "https://", "file://"].iter().any(|scheme| value.starts_with(scheme)) {
            let response = self.fetch(draft, &value, None)?;
            let mut text = String::new();
            if let Some(response) = response {
                use std::io::Read;
                let read = response.body.reader().take(1 << 22).read_to_string(&mut text);
                read.map_err(|error| Failed::new(format!("read {}: {error}", masked(&value))))?;
            }
            let name = name_in(&self.url);
            value = listed(&text, &name).ok_or_else(|| {
                Failed::new(format!("Unable to find a checksum for file '{name}' in '{}'", masked(&value)))
            })?;
        }
        let value: String =
            value.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_lowercase();
        if value.is_empty() || !value.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Failed::new("The checksum format is invalid"));
        }
        Ok(Some(Expected { algorithm: checksum.algorithm, value }))
    }

    /// The response; `None` where the server says that nothing changed since.
    fn fetch(&self, draft: &Draft<'_>, url: &str, since: Option<f64>) -> Result<Option<Response>, Failed> {
        if let Some(path) = url.strip_prefix("file://") {
            let bytes =
                draft.read(Path::new(path))?.ok_or_else(|| Failed::new(format!("Request failed: no file {path}")))?;
            let size = bytes.len() as u64;
            let body = Content::Bytes(bytes.into());
            return Ok(Some(Response { status: 200, url: url.into(), headers: Vec::new(), body, size }));
        }
        let mut request = Request { url: url.to_owned(), ..self.request.clone() };
        if let Some(since) = since {
            request.headers.push(("If-Modified-Since".into(), http_date(since)));
        }
        let response = draft.eyes.remote.http(&request)?;
        match response.status {
            304 => Ok(None),
            200 => Ok(Some(response)),
            status => {
                let failed = Failed::new(format!("Request failed: {} answered {status}", masked(url)));
                Err(failed.with("status_code", i64::from(status)).with("url", masked(url)))
            }
        }
    }

    fn kept(&self, mut draft: Draft<'_>, dest: &Path) -> Result<Plan, Failed> {
        let changed = self.wanted.settle(&mut draft, dest)?;
        let said = if changed { "file already exists but file attributes changed" } else { "file already exists" };
        draft.set("msg", said);
        draft.set("dest", shown(dest));
        draft.set_path_members(dest)?;
        Ok(draft.finish(None))
    }

    fn put(
        &self,
        mut draft: Draft<'_>,
        dest: &Path,
        response: &Response,
        expected: Option<&Expected>,
    ) -> Result<Plan, Failed> {
        let new = sum(&response.body, Digest::Sha1)?;
        let old = sum_of(&draft, dest, Digest::Sha1)?;
        if old.is_none() {
            check_parent(&draft, dest)?;
        }
        if let Some(expected) = expected {
            let got = sum(&response.body, expected.algorithm)?;
            if got != expected.value {
                let message =
                    format!("The checksum for {} did not match {}; it was {got}.", masked(&self.url), expected.value);
                return Err(Failed::new(message).with("dest", shown(dest)));
            }
        }
        let changed = old.as_ref() != Some(&new);
        let md5 = sum(&response.body, Digest::Md5)?;
        draft.set("checksum_src", new.as_str());
        draft.set("checksum_dest", old.map_or(Value::Null, Value::from));
        if changed {
            let base = draft.stat(dest, true)?.unwrap_or_else(|| fresh(&draft, Kind::File));
            let attributes = self.wanted.resolve(draft.machine(), &base)?;
            place(&mut draft, dest, response.body.clone(), attributes, self.backup, self.in_place)?;
        }
        self.wanted.settle(&mut draft, dest)?;
        draft.set("md5sum", md5);
        draft.set("msg", format!("OK ({} bytes)", response.size));
        draft.set("status_code", i64::from(response.status));
        draft.set("dest", shown(dest));
        draft.set("src", masked(&response.url));
        draft.set_path_members(dest)?;
        Ok(draft.finish(Some("backup_file")))
    }
}

/// The name that a server gives (`Content-Disposition`), without any directory.
pub(super) fn attachment(response: &Response) -> Option<String> {
    let (_, value) = response.headers.iter().find(|(name, _)| name == "content-disposition")?;
    let name = value.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
    let name = name.trim_matches('"').rsplit('/').next().unwrap_or_default();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

/// A file's digest in a list as `sha256sum` and BSD's `sha256` write it, or alone.
fn listed(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    if let [line] = lines[..]
        && line.split_whitespace().count() == 1
    {
        return Some(line.trim().to_owned());
    }
    lines.into_iter().find_map(|line| {
        if let Some((head, digest)) = line.split_once(" = ").or_else(|| line.split_once(")=")) {
            let path = head.split_once('(')?.1.trim_end_matches(')');
            return (path == name).then(|| digest.trim().to_owned());
        }
        let (digest, path) = line.split_once(char::is_whitespace)?;
        let path = path.trim_start().trim_start_matches('*').trim_start_matches(['.', '/']);
        (path == name).then(|| digest.to_owned())
    })
}

/// RFC 9110 section 5.6.7.
pub(super) fn http_date(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a file's time")]
    let time = jiff::Timestamp::from_second(seconds as i64).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, Web, converges};
    use super::*;
    use serde_json::json;

    fn stage() -> Stage {
        let mut stage = Stage::new().file("/d/", "");
        let sums = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  app\nffff  other\n";
        stage.remote = Box::new(Web::new([("https://h/app", "foo"), ("https://h/sums", sums)]));
        stage
    }

    #[test]
    fn a_file_is_downloaded_once() {
        let mut stage = stage();
        let done = converges(&mut stage, "get_url", json!({"url": "https://h/app", "dest": "/d", "mode": "0600"}));
        assert_eq!((stage.text("/d/app").as_str(), stage.mode("/d/app")), ("foo", 0o600));
        assert_eq!(done.result["checksum_src"], "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33");
        assert_eq!((&done.result["dest"], &done.result["status_code"]), (&json!("/d/app"), &json!(200)));
    }

    #[test]
    fn a_digest_decides() {
        let mut stage = stage();
        let by_list = json!({"url": "https://h/app", "dest": "/app", "checksum": "sha256:https://h/sums"});
        assert!(converges(&mut stage, "get_url", by_list).changed);
        let wrong = json!({"url": "https://h/app", "dest": "/x", "checksum": "sha256:00"});
        let error = stage.run("get_url", wrong).err().expect("refused");
        assert!(error.message.contains("did not match 00"), "{error}");
        let kept = json!({"url": "https://gone/app", "dest": "/app",
            "checksum": "md5:acbd18db4cc2f85cedef654fccc4a4d8"});
        assert_eq!(stage.run("get_url", kept).expect("kept").result["msg"], "file already exists");
        let missing = stage.run("get_url", json!({"url": "https://h/none", "dest": "/x"})).err().expect("refused");
        assert!(missing.message.contains("answered 404"), "{missing}");
    }

    #[test]
    fn names_lists_and_dates() {
        assert_eq!(name_in("https://h/a/b.tgz?x=1#y"), "b.tgz");
        assert_eq!(name_in("https://h"), "index.html");
        assert_eq!(masked("https://u:p@h/x"), "https://u:********@h/x");
        assert_eq!(listed("SHA256 (app) = 12\n", "app").as_deref(), Some("12"));
        assert_eq!(listed("ab  ./app\ncd *b\n", "b").as_deref(), Some("cd"));
        assert_eq!(http_date(0.0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
