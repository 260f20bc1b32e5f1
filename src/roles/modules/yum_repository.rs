//! `yum_repository`: a repository of packages in a `.repo` file.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Change, FileWrite, Kind};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::wanted::Wanted;
use crate::roles::value::Value;
use std::path::PathBuf;

const fn text(name: &'static str) -> Param {
    Param::new(name, ParamKind::Str, "As in dnf.conf(5).")
}

const fn flag(name: &'static str) -> Param {
    Param::new(name, ParamKind::Bool, "As in dnf.conf(5).")
}

const fn list(name: &'static str) -> Param {
    Param::new(name, ParamKind::StrList, "As in dnf.conf(5).")
}

/// `yum_repository`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.yum_repository",
    aliases: &[],
    summary: "Manages repositories of yum and dnf.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The repository's identifier.").required(),
        Param::new("description", ParamKind::Str, "Its name for people."),
        Param::new("file", ParamKind::Str, "The file's name without `.repo`; the identifier by default."),
        Param::new("reposdir", ParamKind::Path, "The directory of the file.").default("/etc/yum.repos.d"),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        flag("async"),
        text("bandwidth"),
        list("baseurl"),
        text("cost"),
        flag("countme"),
        text("deltarpm_metadata_percentage"),
        text("deltarpm_percentage"),
        flag("enabled"),
        flag("enablegroups"),
        list("exclude").aliases(&["excludepkgs"]),
        text("failovermethod").choices(&["roundrobin", "priority"]),
        text("gpgcakey"),
        flag("gpgcheck"),
        list("gpgkey"),
        text("http_caching").choices(&["all", "packages", "none"]),
        text("include"),
        list("includepkgs"),
        text("ip_resolve").choices(&["4", "6", "IPv4", "IPv6", "whatever"]),
        flag("keepalive"),
        text("keepcache").choices(&["0", "1"]),
        text("metadata_expire"),
        text("metadata_expire_filter").choices(&["never", "read-only:past", "read-only:present", "read-only:future"]),
        text("metalink"),
        text("mirrorlist"),
        text("mirrorlist_expire"),
        flag("module_hotfixes"),
        text("password"),
        text("priority"),
        flag("protect"),
        text("proxy"),
        text("proxy_password"),
        text("proxy_username"),
        flag("repo_gpgcheck"),
        text("retries"),
        flag("s3_enabled"),
        flag("skip_if_unavailable"),
        flag("ssl_check_cert_permissions"),
        text("sslcacert").aliases(&["ca_cert"]),
        text("sslclientcert").aliases(&["client_cert"]),
        text("sslclientkey").aliases(&["client_key"]),
        flag("sslverify").aliases(&["validate_certs"]),
        text("throttle"),
        text("timeout"),
        text("ui_repoid_vars"),
        text("username"),
    ],
    file_attributes: true,
    examples: &[
        "yum_repository:\n  name: app\n  description: App\n  baseurl: https://rpm.example.com\n  reposdir: /etc\n",
    ],
};

/// Arguments that are no options of the repository.
const OWN: [&str; 6] = ["name", "description", "file", "reposdir", "state", "mode"];

struct Repository {
    id: String,
    present: bool,
    directory: String,
    file: String,
    options: Vec<(String, String)>,
    wanted: Wanted,
    sensitive: bool,
}

/// Reads the arguments.
pub fn repository(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let (id, present) = (args.must("name")?, args.must("state")? == "present");
    let given = |name: &str| args.value(name).is_some();
    if present && !["baseurl", "mirrorlist", "metalink"].into_iter().any(given) {
        let message = "state is present but any of the following are missing: baseurl, mirrorlist, metalink";
        return Err(args.together(message));
    }
    if present && !given("description") {
        return Err(args.together("state is present but all of the following are missing: description"));
    }
    let mut options: Vec<(String, String)> =
        args.text("description").map(|text| ("name".to_owned(), text)).into_iter().collect();
    for param in SPEC.params.iter().filter(|param| !OWN.contains(&param.name)) {
        let value = match args.value(param.name) {
            None => continue,
            Some(Value::Bool(on)) => i64::from(*on).to_string(),
            Some(Value::List(_)) => {
                let separator = if matches!(param.name, "baseurl" | "gpgkey") { "\n" } else { " " };
                args.texts(param.name).join(separator)
            }
            Some(_) => args.text(param.name).unwrap_or_default(),
        };
        options.push((param.name.to_owned(), value));
    }
    options.sort();
    Ok(Box::new(Repository {
        file: args.text("file").unwrap_or_else(|| id.clone()),
        directory: args.must("reposdir")?,
        wanted: Wanted::read(args)?,
        sensitive: args.has_secret() || given("password") || given("proxy_password"),
        id,
        present,
        options,
    }))
}

/// A section and its options, in order.
type Section = (String, Vec<(String, String)>);

/// Reads a file as Python's `RawConfigParser` does: comments are not kept, lines further in go on.
fn sections(text: &str) -> Result<Vec<Section>, Failed> {
    let mut all: Vec<Section> = Vec::new();
    let mut depth: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim();
        let comment = content.starts_with(['#', ';']);
        let indent = line.len() - line.trim_start().len();
        let option = all.last_mut().and_then(|(_, options)| options.last_mut());
        match (option, depth) {
            _ if comment => {}
            (Some((_, value)), Some(_)) if content.is_empty() => value.push('\n'),
            (Some((_, value)), Some(depth)) if indent > depth => {
                value.push('\n');
                value.push_str(content);
            }
            _ if content.is_empty() => depth = None,
            _ => {
                if let Some(name) =
                    content.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name)
                {
                    depth = None;
                    all.push((name.to_owned(), Vec::new()));
                    continue;
                }
                let at = content.find(['=', ':']);
                let (Some(at), Some((_, options))) = (at, all.last_mut()) else {
                    return Err(Failed::new(format!("the repository file has a line that is no option: {content}")));
                };
                let name = content[..at].trim().to_lowercase();
                options.retain(|(have, _)| *have != name);
                options.push((name, content[at + 1..].trim().to_owned()));
                depth = Some(indent);
            }
        }
    }
    for (_, value) in all.iter_mut().flat_map(|(_, options)| options) {
        value.truncate(value.trim_end().len());
    }
    Ok(all)
}

/// As `RawConfigParser` writes it.
fn written(sections: &[Section]) -> String {
    let mut out = String::new();
    for (name, options) in sections {
        out.push_str(&format!("[{name}]\n"));
        for (name, value) in options {
            out.push_str(&format!("{name} = {}\n", value.replace('\n', "\n\t")));
        }
        out.push('\n');
    }
    out
}

/// For comparison and for people: everything in order of name.
fn sorted(sections: &[Section]) -> String {
    let mut sections = sections.to_vec();
    sections.sort();
    let mut out = String::new();
    for (name, mut options) in sections {
        options.sort();
        let lines: String = options.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
        out.push_str(&format!("[{name}]\n{lines}\n"));
    }
    out
}

impl Module for Repository {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, self.sensitive);
        let directory = PathBuf::from(eyes.expanded(&self.directory));
        if draft.stat(&directory, true)?.is_none_or(|stat| stat.kind != Kind::Directory) {
            return Err(Failed::new(format!("Repo directory '{}' does not exist.", directory.display())));
        }
        let path = directory.join(format!("{}.repo", self.file));
        let there = draft.stat(&path, true)?.is_some();
        let bytes = if there { draft.read(&path)?.unwrap_or_default() } else { Vec::new() };
        let before = sections(&String::from_utf8_lossy(&bytes))?;
        let mut after = before.clone();
        after.retain(|(name, _)| *name != self.id);
        if self.present {
            after.push((self.id.clone(), self.options.clone()));
        }
        let (old, new) = (sorted(&before), sorted(&after));
        if old != new {
            draft.show(&path.to_string_lossy(), old, new);
            if after.is_empty() {
                draft.change(Change::Remove { path: path.clone() })?;
            } else {
                draft.write(FileWrite { follow: true, ..FileWrite::new(&path, written(&after).into_bytes()) })?;
            }
        }
        if draft.stat(&path, true)?.is_some() {
            self.wanted.settle(&mut draft, &path)?;
        }
        draft.set("repo", self.id.as_str());
        draft.set("state", if self.present { "present" } else { "absent" });
        Ok(draft.finish(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::files::stage::{Stage, converges};
    use serde_json::json;

    fn stage() -> Stage {
        Stage::new().file("/etc/yum.repos.d/app.repo", "# c\n[old]\nname=Old\nbaseurl=a\n  b\nEnabled: 1\n")
    }

    #[test]
    fn a_repository_is_written_as_configparser_writes_it() {
        let mut stage = stage();
        let ask = json!({"name": "new", "file": "app", "description": "New", "baseurl": ["https://x", "https://y"],
            "gpgcheck": true, "enabled": false, "exclude": ["a", "b"], "timeout": 3, "mode": "0600"});
        let done = converges(&mut stage, "yum_repository", ask);
        let expected = "[old]\nname = Old\nbaseurl = a\n\tb\nenabled = 1\n\n[new]\nbaseurl = https://x\n\thttps://y\n\
            enabled = 0\nexclude = a b\ngpgcheck = 1\nname = New\ntimeout = 3\n\n";
        assert_eq!(
            (stage.text("/etc/yum.repos.d/app.repo").as_str(), stage.mode("/etc/yum.repos.d/app.repo")),
            (expected, 0o600)
        );
        assert_eq!((&done.result["repo"], &done.result["state"]), (&json!("new"), &json!("present")));
        converges(&mut stage, "yum_repository", json!({"name": "new", "file": "app", "state": "absent"}));
        assert!(!stage.text("/etc/yum.repos.d/app.repo").contains("new"));
        converges(&mut stage, "yum_repository", json!({"name": "old", "file": "app", "state": "absent"}));
        assert!(
            crate::host::Observe::stat(&stage.machine, &PathBuf::from("/etc/yum.repos.d/app.repo"), true)
                .expect("stat")
                .is_none()
        );
    }

    #[test]
    fn what_is_lacking_is_refused() {
        let mut stage = stage();
        let mut refused = |arguments| stage.run("yum_repository", arguments).err().expect("refused").message;
        assert!(refused(json!({"name": "a", "description": "b"})).contains("baseurl, mirrorlist, metalink"));
        assert!(refused(json!({"name": "a", "baseurl": "b"})).contains("missing: description"));
        let nowhere = json!({"name": "a", "baseurl": "b", "description": "c", "reposdir": "/none"});
        assert_eq!(refused(nowhere), "Repo directory '/none' does not exist.");
    }
}
