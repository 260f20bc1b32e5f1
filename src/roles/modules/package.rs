//! `package`: packages by whichever package manager the machine has.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, apt, dnf};
use crate::roles::value::{Key, Map};

/// `package`. Its own arguments are two; the others are handed to the package manager's module.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.package",
    aliases: &[],
    summary: "Installs and removes packages with apt or dnf.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Raw, "Packages.").aliases(&["pkg", "package"]),
        Param::new("state", ParamKind::Str, "Whether they are there, and how new.").default("present"),
        Param::new("use", ParamKind::Str, "Which package manager.").default("auto").only(&[
            "auto",
            "apt",
            "dnf",
            "dnf5",
            "yum",
            "ansible.builtin.apt",
            "ansible.builtin.dnf",
        ]),
        passed("allow_downgrade"),
        passed("allow_unauthenticated"),
        passed("allowerasing"),
        passed("autoclean"),
        passed("autoremove"),
        passed("cache_valid_time"),
        passed("default_release"),
        passed("disable_gpg_check"),
        passed("disable_plugin"),
        passed("disablerepo"),
        passed("dpkg_options"),
        passed("enablerepo"),
        passed("exclude"),
        passed("force"),
        passed("force_apt_get"),
        passed("install_recommends"),
        passed("install_weak_deps"),
        passed("lock_timeout"),
        passed("nobest"),
        passed("only_upgrade"),
        passed("policy_rc_d"),
        passed("purge"),
        passed("security"),
        passed("skip_broken"),
        passed("update_cache"),
        passed("update_only"),
        passed("use_backend"),
    ],
    file_attributes: false,
    examples: &["package:\n  name: curl\n  state: present\n"],
};

const fn passed(name: &'static str) -> Param {
    Param::new(name, ParamKind::Raw, "Handed to the package manager's module.")
}

struct Package {
    manager: String,
    arguments: Map,
}

/// Reads the arguments.
pub fn package(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let names = SPEC.params.iter().map(|param| param.name).filter(|name| *name != "use");
    let arguments = names.filter_map(|name| Some((Key::from(name), args.value(name)?.clone()))).collect();
    Ok(Box::new(Package { manager: args.must("use")?, arguments }))
}

impl Module for Package {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let is_apt = match self.manager.rsplit('.').next() {
            Some("apt") => true,
            Some("auto") | None => uses_apt(eyes)?,
            Some(_) => false,
        };
        let refused = |error: ArgError| Failed::new(error.to_string());
        let spec = if is_apt { &apt::SPEC } else { &dnf::SPEC };
        let mut args = spec.accept(&self.arguments).map_err(refused)?;
        let module = if is_apt { apt::apt(&mut args) } else { dnf::dnf(&mut args) };
        module.map_err(refused)?.plan(eyes)
    }
}

/// As the fact `pkg_mgr` is found: a family's own manager first.
fn uses_apt(eyes: &Eyes<'_>) -> Result<bool, Failed> {
    let has = |name: &str| {
        let found = eyes.host.find_program(name).map_err(|error| Failed::new(format!("looking for {name}: {error}")));
        found.map(|found| found.is_some())
    };
    let (apt, dnf) = (has("apt-get")?, has("dnf")? || has("dnf-3")? || has("yum")?);
    match (apt, dnf) {
        (true, true) => eyes.exists("/etc/debian_version"),
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Err(Failed {
            hint: Some("packages are installed with apt or dnf".into()),
            ..Failed::new("Could not detect a package manager. Try using the \"use\" option.")
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, plan};
    use serde_json::json;

    #[test]
    fn the_machines_own_manager_is_used() {
        let fedora = Fake::default().file("/usr/bin/dnf", "").answer("rpm -q jq", 1, "").answer(
            "rpm -q --whatprovides jq",
            1,
            "",
        );
        let ask = || json!({"name": ["jq"], "state": "present"});
        assert_eq!(changes(&plan(&fedora, "package", ask()).expect("plan")), ["dnf -y install jq"]);
        let status = "Package: jq\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
        let debian = Fake::default().file("/usr/bin/apt-get", "").file("/var/lib/dpkg/status", status);
        assert!(plan(&debian, "package", ask()).expect("plan").changes.is_empty());
        let none = plan(&Fake::default(), "package", ask()).err().expect("failed");
        assert!(none.message.starts_with("Could not detect a package manager"));
        let wrong = plan(&debian, "package", json!({"name": "jq", "disablerepo": "x"})).err().expect("refused");
        assert_eq!(wrong.message, "`ansible.builtin.apt` has no argument `disablerepo`");
    }
}
