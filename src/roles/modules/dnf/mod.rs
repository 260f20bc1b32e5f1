//! `dnf`: packages of Fedora, RHEL and Amazon Linux.

mod said;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::fnmatch::is_pattern;
use crate::host::{Change, Command, Effect};
use crate::roles::value::Value;

/// `dnf`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.dnf",
    aliases: &["ansible.builtin.yum", "ansible.builtin.dnf5"],
    summary: "Installs and removes packages with dnf.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "Packages, groups as `@name`, files or URLs.").aliases(&["pkg"]),
        Param::new("state", ParamKind::Str, "Whether they are there, and how new.").choices(&[
            "absent",
            "installed",
            "latest",
            "present",
            "removed",
        ]),
        Param::new("autoremove", ParamKind::Bool, "Remove dependencies that nothing needs.").default("false"),
        Param::new("update_cache", ParamKind::Bool, "Fetch package lists first.")
            .aliases(&["expire-cache"])
            .default("false"),
        Param::new("update_only", ParamKind::Bool, "Install nothing that is not installed.").default("false"),
        Param::new("enablerepo", ParamKind::StrList, "Repositories to enable."),
        Param::new("disablerepo", ParamKind::StrList, "Repositories to disable."),
        Param::new("exclude", ParamKind::StrList, "Packages to leave out."),
        Param::new("disable_excludes", ParamKind::Str, "Excludes to ignore."),
        Param::new("enable_plugin", ParamKind::StrList, "Plugins to enable."),
        Param::new("disable_plugin", ParamKind::StrList, "Plugins to disable."),
        Param::new("security", ParamKind::Bool, "Only updates for security.").default("false"),
        Param::new("bugfix", ParamKind::Bool, "Only updates that fix errors.").default("false"),
        Param::new("allow_downgrade", ParamKind::Bool, "Accept an older version.").default("false"),
        Param::new("allowerasing", ParamKind::Bool, "Accept removing what stands in the way.").default("false"),
        Param::new("best", ParamKind::Bool, "Only the best candidates."),
        Param::new("nobest", ParamKind::Bool, "Other candidates than the best too."),
        Param::new("skip_broken", ParamKind::Bool, "Leave out what cannot be installed.").default("false"),
        Param::new("install_weak_deps", ParamKind::Bool, "Install weak dependencies.").default("true"),
        Param::new("disable_gpg_check", ParamKind::Bool, "Accept packages without a signature.").default("false"),
        Param::new("validate_certs", ParamKind::Bool, "Verify certificates of URLs.").default("true"),
        Param::new("sslverify", ParamKind::Bool, "Verify certificates of repositories.").default("true"),
        Param::new("cacheonly", ParamKind::Bool, "Use package lists as they are.").default("false"),
        Param::new("conf_file", ParamKind::Str, "The configuration file."),
        Param::new("releasever", ParamKind::Str, "The release."),
        Param::new("installroot", ParamKind::Str, "Another root.").default("/").only(&["/"]),
        Param::new("download_only", ParamKind::Bool, "Only fetch packages.").default("false"),
        Param::new("download_dir", ParamKind::Str, "Where they are fetched to."),
        Param::new("lock_timeout", ParamKind::Int, "How long to wait for the lock; dnf itself waits.").default("30"),
        Param::new("use_backend", ParamKind::Str, "Which dnf; the one that is there is used.").default("auto"),
        Param::new("install_repoquery", ParamKind::Bool, "Has no meaning since Ansible 2.8.").default("true"),
        Param::new("list", ParamKind::Str, "Lists packages.").unsupported("use package_facts, or `dnf list`"),
    ],
    file_attributes: false,
    examples: &["dnf:\n  name: chrony\n  state: present\n"],
};

#[derive(Clone)]
struct Dnf {
    names: Vec<String>,
    state: &'static str,
    autoremove: bool,
    update_cache: bool,
    update_only: bool,
    allow_downgrade: bool,
    options: Vec<String>,
}

/// Reads the arguments.
pub fn dnf(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let autoremove = args.flag("autoremove");
    let state = match args.text("state").as_deref() {
        Some("absent" | "removed") => "absent",
        Some("latest") => "latest",
        Some(_) => "present",
        None if autoremove => "absent",
        None => "present",
    };
    if autoremove && state != "absent" {
        return Err(args.together("Autoremove should be used alone or with state=absent"));
    }
    if args.is_given("best") && args.is_given("nobest") {
        return Err(args.together("parameters are mutually exclusive: best|nobest"));
    }
    let names: Vec<String> = args.texts("name").into_iter().filter(|name| !name.is_empty()).collect();
    if !args.is_given("name") && !autoremove && !args.is_given("update_cache") {
        return Err(args.together("one of the following is required: name, list, autoremove, update_cache"));
    }
    Ok(Box::new(Dnf {
        names,
        state,
        autoremove,
        update_cache: args.flag("update_cache"),
        update_only: args.flag("update_only"),
        allow_downgrade: args.flag("allow_downgrade"),
        options: options(args),
    }))
}

/// dnf's options for the arguments that are one each.
fn options(args: &Args) -> Vec<String> {
    let mut options = Vec::new();
    let lists = [
        ("enablerepo", "--enablerepo"),
        ("disablerepo", "--disablerepo"),
        ("exclude", "--exclude"),
        ("enable_plugin", "--enableplugin"),
        ("disable_plugin", "--disableplugin"),
    ];
    for (name, option) in lists {
        options.extend(args.texts(name).into_iter().filter(|v| !v.is_empty()).map(|value| format!("{option}={value}")));
    }
    for (name, option) in [
        ("disable_excludes", "--disableexcludes"),
        ("conf_file", "--config"),
        ("releasever", "--releasever"),
        ("download_dir", "--downloaddir"),
    ] {
        options.extend(args.text(name).map(|value| format!("{option}={value}")));
    }
    for (name, option) in [
        ("security", "--security"),
        ("bugfix", "--bugfix"),
        ("allowerasing", "--allowerasing"),
        ("skip_broken", "--skip-broken"),
        ("disable_gpg_check", "--nogpgcheck"),
        ("cacheonly", "--cacheonly"),
        ("download_only", "--downloadonly"),
        ("best", "--best"),
        ("nobest", "--nobest"),
    ] {
        options.extend(args.flag(name).then(|| option.to_owned()));
    }
    options.extend((args.maybe_flag("best") == Some(false)).then(|| "--nobest".to_owned()));
    options.extend((!args.flag("install_weak_deps")).then(|| "--setopt=install_weak_deps=False".to_owned()));
    options.extend((!args.flag("sslverify")).then(|| "--setopt=sslverify=False".to_owned()));
    options
}

impl Module for Dnf {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut plan = self.main(eyes)?;
        if self.update_cache {
            plan.changes.insert(0, Change::Packages(self.command(eyes, &["makecache"], &[])));
            plan.changed = plan.changed.or(Some(plan.changes.len() > 1));
        }
        Ok(plan)
    }
}

impl Dnf {
    fn main(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if self.names.is_empty() {
            return match (self.autoremove, self.update_cache) {
                (true, _) => self.run(eyes, "autoremove", &[], Vec::new()),
                (false, true) => Ok(idle("Cache updated", Vec::new())),
                (false, false) => Ok(idle(NOTHING, Vec::new())),
            };
        }
        if self.state == "latest" && self.names.iter().any(|name| name == "*") {
            return self.run(eyes, "upgrade", &[], Vec::new());
        }
        let (mut there, mut lacking) = (Vec::new(), Vec::new());
        for name in &self.names {
            if is_installed(eyes, name)? {
                there.push(name.clone());
            } else if self.state == "absent" || self.allow_downgrade || !self.is_older(eyes, name)? {
                lacking.push(name.clone());
            }
        }
        match self.state {
            "absent" => {
                let said = lacking.iter().map(|name| format!("No match for argument: {name}")).collect();
                if there.is_empty() { Ok(idle(NOTHING, said)) } else { self.run(eyes, "remove", &there, said) }
            }
            "latest" => self.latest(eyes, &there, lacking),
            _ => self.install(eyes, lacking),
        }
    }

    fn install(&self, eyes: &Eyes<'_>, lacking: Vec<String>) -> Result<Plan, Failed> {
        if self.update_only {
            return Ok(idle(NOTHING, lacking.iter().map(not_installed).collect()));
        }
        if lacking.is_empty() {
            return Ok(idle(NOTHING, Vec::new()));
        }
        let said = lacking.iter().filter(|name| is_file(name)).map(|name| format!("Installed {name}")).collect();
        self.run(eyes, "install", &lacking, said)
    }

    fn latest(&self, eyes: &Eyes<'_>, there: &[String], lacking: Vec<String>) -> Result<Plan, Failed> {
        // 100 says that there are updates.
        let outdated = !there.is_empty() && eyes.query(&self.command(eyes, &["check-update"], there))?.code == 100;
        match (outdated, lacking.is_empty() || self.update_only) {
            (false, _) => self.install(eyes, lacking),
            (true, true) => self.run(eyes, "upgrade", there, lacking.iter().map(not_installed).collect()),
            // `install` upgrades what is there already.
            (true, false) => self.install(eyes, [lacking, there.to_vec()].concat()),
        }
    }

    /// Whether a name with a version is of an older one than that which is installed: dnf would go back to it, and the
    /// module does so only when asked.
    fn is_older(&self, eyes: &Eyes<'_>, name: &str) -> Result<bool, Failed> {
        if is_file(name) || name.starts_with('@') || name.contains(' ') || is_pattern(name) {
            return Ok(false);
        }
        let versioned = |(at, _): &(usize, &str)| name[at + 1..].starts_with(|first: char| first.is_ascii_digit());
        for (at, _) in name.match_indices('-').filter(versioned) {
            if eyes.ask(["rpm", "-q", &name[..at]])?.ok() {
                let mut asked = self.command(eyes, &["--assumeno", "install"], std::slice::from_ref(&name.to_owned()));
                asked.argv.retain(|word| word != "-y");
                return Ok(eyes.query(&asked)?.text().lines().any(|line| line == "Downgrading:"));
            }
        }
        Ok(false)
    }

    fn command(&self, eyes: &Eyes<'_>, words: &[&str], names: &[String]) -> Command {
        let mut argv = vec!["dnf".to_owned(), "-y".into()];
        argv.extend(self.options.iter().cloned());
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(names.iter().cloned());
        let mut command = eyes.command(argv);
        command.environment.push(("LC_ALL".into(), "C.UTF-8".into()));
        command
    }

    /// `before` is what the results begin with.
    fn run(&self, eyes: &Eyes<'_>, verb: &str, names: &[String], before: Vec<String>) -> Result<Plan, Failed> {
        let mut words = vec![verb];
        // Without it `remove` takes along dependencies that nothing needs, which the module does only when asked.
        if verb == "remove" && !self.autoremove {
            words.insert(0, "--noautoremove");
        }
        Ok(Plan {
            changes: vec![Change::Packages(self.command(eyes, &words, names))],
            next: Some(Box::new(|_, effects: &[Effect]| match effects.last().and_then(|e| e.output.as_ref()) {
                Some(output) => said::judged(output, before),
                None => Ok(Plan { changed: Some(true), ..Plan::default() }),
            })),
            changed: Some(false),
            ..Plan::default()
        })
    }
}

const NOTHING: &str = "Nothing to do";

fn idle(message: &str, results: Vec<String>) -> Plan {
    Plan { changed: Some(false), ..Plan::default() }
        .with("msg", message)
        .with("rc", Value::Int(0))
        .with("results", Value::list(results.into_iter().map(Value::from)))
}

fn not_installed(name: &String) -> String {
    format!("Packages providing {name} not installed due to update_only specified")
}

fn is_file(name: &str) -> bool {
    name.contains("://") || name.ends_with(".rpm")
}

/// Whether rpm knows something of that name, version, pattern or file, or that provides it.
fn is_installed(eyes: &Eyes<'_>, name: &str) -> Result<bool, Failed> {
    if name.starts_with('@') || is_file(name) {
        return Ok(false);
    }
    if is_pattern(name) {
        return Ok(!eyes.ask(["rpm", "-qa", name])?.stdout.trim_ascii().is_empty());
    }
    Ok(eyes.ask(["rpm", "-q", name])?.ok() || eyes.ask(["rpm", "-q", "--whatprovides", name])?.ok())
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    fn machine() -> Fake {
        Fake::default()
            .answer("rpm -q bash", 0, "bash-5.1-6.el9.x86_64\n")
            .answer("rpm -q jq", 1, "package jq is not installed\n")
            .answer("rpm -q --whatprovides jq", 1, "no package provides jq\n")
            .answer("rpm -qa ba*", 0, "bash-5.1-6.el9.x86_64\n")
            .answer("dnf -y check-update bash", 0, "")
    }

    fn asked(arguments: serde_json::Value) -> String {
        changes(&plan(&machine(), "dnf", arguments).expect("plan")).join(", ")
    }

    #[test]
    fn only_what_lacks_is_installed() {
        assert_eq!(
            asked(json!({"name": ["bash", "jq"], "enablerepo": "epel", "security": true})),
            "dnf -y --enablerepo=epel --security install jq"
        );
        assert_eq!(asked(json!({"name": ["bash", "ba*"]})), "");
        assert_eq!(asked(json!({"name": "bash", "state": "latest"})), "");
        assert_eq!(asked(json!({"name": ["bash", "jq"], "state": "removed"})), "dnf -y --noautoremove remove bash");
        assert_eq!(
            asked(json!({"name": "*", "state": "latest", "exclude": "kernel*"})),
            "dnf -y --exclude=kernel* upgrade"
        );
        assert_eq!(asked(json!({"update_cache": true})), "dnf -y makecache");
        assert_eq!(asked(json!({"autoremove": true})), "dnf -y autoremove");
    }

    #[test]
    fn an_older_version_is_gone_back_to_only_when_asked() {
        let asking = "dnf --assumeno install jq-1.0";
        let machine = |said: &str| {
            machine()
                .answer("rpm -q jq-1.0", 1, "")
                .answer("rpm -q --whatprovides jq-1.0", 1, "")
                .answer("rpm -q jq", 0, "jq-1.6-1.x86_64\n")
                .answer(asking, 1, said)
        };
        let (back, on) = ("Downgrading:\n jq  noarch  1.0-1\n", "Upgrading:\n jq  noarch  1.0-1\n");
        let asked = |said, arguments| changes(&plan(&machine(said), "dnf", arguments).expect("plan")).join(", ");
        assert_eq!(asked(back, json!({"name": "jq-1.0"})), "");
        assert_eq!(asked(back, json!({"name": "jq-1.0", "state": "latest"})), "");
        assert_eq!(asked(back, json!({"name": "jq-1.0", "allow_downgrade": true})), "dnf -y install jq-1.0");
        assert_eq!(asked(on, json!({"name": "jq-1.0"})), "dnf -y install jq-1.0");
    }

    /// As ansible-core 2.19 with dnf 4.14 answered on the same machine.
    #[test]
    fn what_is_not_done_is_told() {
        let results = |arguments| {
            let done = plan(&machine(), "dnf", arguments).expect("plan");
            assert!(done.changes.is_empty() && done.changed == Some(false));
            done.result.get(&Key::from("results")).expect("results").to_json()
        };
        assert_eq!(results(json!({"name": "jq", "state": "absent"})), json!(["No match for argument: jq"]));
        assert_eq!(
            results(json!({"name": ["bash", "jq"], "update_only": true})),
            json!(["Packages providing jq not installed due to update_only specified"])
        );
        assert_eq!(results(json!({"name": []})), json!([]));
        let file = plan(&machine(), "dnf", json!({"name": "/srv/a.rpm"})).expect("plan");
        let idle = follow(file, &machine(), &[(0, "Nothing to do.\n", "")]).expect("idle");
        assert_eq!(idle.result.get(&Key::from("msg")).expect("msg").to_json(), json!("Nothing to do"));
        assert_eq!(idle.result.get(&Key::from("results")).expect("results").to_json(), json!(["Installed /srv/a.rpm"]));
    }

    #[test]
    fn an_argument_that_dnf_never_had_is_named() {
        let error = plan(&machine(), "dnf", json!({"file": "/tmp/x.rpm"})).err().expect("refused");
        assert_eq!(error.message, "`ansible.builtin.dnf` has no argument `file`");
    }
}
