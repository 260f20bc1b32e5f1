//! `package_facts`: the installed packages as facts.

use super::dpkg::Database;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::{Key, Map, Value};
use std::io;

/// `package_facts`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.package_facts",
    aliases: &[],
    summary: "Sets the fact `packages`.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("manager", ParamKind::StrList, "Whose packages.")
            .default("auto")
            .choices(&[
                "auto",
                "apk",
                "apt",
                "dnf",
                "dnf5",
                "openbsd_pkg",
                "pacman",
                "pkg",
                "pkg5",
                "pkg_info",
                "pkgng",
                "portage",
                "rpm",
                "yum",
                "zypper",
            ])
            .only(&["auto", "apk", "apt", "rpm", "dnf", "dnf5", "yum", "zypper"]),
        Param::new("strategy", ParamKind::Str, "The first manager that has packages, or all.")
            .default("first")
            .choices(&["first", "all"]),
    ],
    file_attributes: false,
    examples: &["package_facts:\n  manager: auto\n"],
};

struct PackageFacts {
    managers: Vec<&'static str>,
    all: bool,
}

/// Reads the arguments.
pub fn packages(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let mut managers = Vec::new();
    for name in args.texts("manager") {
        let these: &[&str] = match name.as_str() {
            "auto" => &["apt", "rpm"],
            "apt" => &["apt"],
            "apk" => &["apk"],
            _ => &["rpm"],
        };
        managers.extend(these.iter().filter(|name| !managers.contains(*name)).copied().collect::<Vec<_>>());
    }
    Ok(Box::new(PackageFacts { managers, all: args.must("strategy")? == "all" }))
}

impl Module for PackageFacts {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut packages: Map = Map::new();
        let mut warnings = Vec::new();
        for manager in &self.managers {
            if !packages.is_empty() && !self.all {
                break;
            }
            let found = match *manager {
                "apt" => of_dpkg(eyes)?,
                "apk" => of_apk(eyes).unwrap_or_else(|warning| {
                    warnings.push(warning);
                    Vec::new()
                }),
                _ => of_rpm(eyes)?,
            };
            for (name, entry) in found {
                let slot = packages.entry(Key::Str(name.into())).or_insert_with(|| Value::list([]));
                let entries = slot.as_list().unwrap_or_default().iter().cloned().chain([entry]);
                *slot = Value::list(entries);
            }
        }
        if packages.is_empty() {
            let names = self.managers.join(", ");
            let failed = Failed::new(format!("Could not detect a supported package manager from the list: [{names}]"));
            return Err(match warnings.is_empty() {
                true => failed,
                false => failed.with("warnings", Value::list(warnings.into_iter().map(Value::from))),
            });
        }
        let facts = Value::map([("packages", Value::Map(packages.into()))]);
        Ok(Plan::unchanged().with("ansible_facts", facts))
    }
}

fn entry(manager: &'static str, fields: &[(&str, &str)]) -> Value {
    let fields = fields.iter().map(|(name, value)| (*name, Value::str(*value)));
    Value::map(fields.chain([("source", Value::str(manager))]))
}

/// dpkg's own database does not say from which origin a package came: `origin` is empty.
fn of_dpkg(eyes: &Eyes<'_>) -> Result<Vec<(String, Value)>, Failed> {
    let database = Database::read(eyes)?;
    let packages = database.installed().into_iter().map(|package| {
        let is_own = database.find(&package.name).is_some_and(|own| own == package);
        let name = if is_own { package.name.clone() } else { format!("{}:{}", package.name, package.architecture) };
        let fields = [
            ("name", name.as_str()),
            ("version", &package.version),
            ("arch", &package.architecture),
            ("category", &package.section),
            ("origin", ""),
        ];
        let entry = entry("apt", &fields);
        (name, entry)
    });
    Ok(packages.collect())
}

/// Alpine's: `apk info -v` gives names with versions. What is wrong is a warning, as in Ansible.
fn of_apk(eyes: &Eyes<'_>) -> Result<Vec<(String, Value)>, String> {
    let unusable = || "Requested package manager apk was not usable by this module: Unable to find apk".to_owned();
    let output = eyes.host.query(&eyes.command(["apk", "info", "-v"])).map_err(|_| unusable())?;
    if output.not_run.is_some() {
        return Err(unusable());
    }
    if !output.ok() {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let code = output.code;
        return Err(format!("Failed to retrieve packages with apk: Unable to list packages rc={code} : {error}"));
    }
    let text = output.text();
    let packages = text.lines().filter_map(|line| {
        // The version and the build's number are the last two parts.
        let (rest, build) = line.trim().rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let version = format!("{version}-{build}");
        Some((name.to_owned(), entry("apk", &[("name", name), ("version", &version)])))
    });
    Ok(packages.collect())
}

fn of_rpm(eyes: &Eyes<'_>) -> Result<Vec<(String, Value)>, Failed> {
    const FORMAT: &str = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n";
    let output = match eyes.host.query(&eyes.command(["rpm", "-qa", "--qf", FORMAT])) {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failed::new(format!("asking `rpm -qa`: {error}"))),
    };
    if !output.ok() {
        return Err(Failed::new(format!("rpm -qa failed: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let text = output.text();
    let packages = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split('\t').map(|field| if field == "(none)" { "None" } else { field }).collect();
        let [name, version, release, epoch, arch] = fields[..] else { return None };
        let fields = [("name", name), ("version", version), ("release", release), ("epoch", epoch), ("arch", arch)];
        Some((name.to_owned(), entry("rpm", &fields)))
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, plan};
    use serde_json::json;

    #[test]
    fn a_manager_that_does_not_work_is_a_warning() {
        let alpine = Fake::default().answer("apk info -v", 0, "musl-1.2.5-r0\nca-certificates-20240705-r0\n");
        let packages = found(&alpine, json!({"manager": "apk"}));
        assert_eq!(packages["ca-certificates"][0]["version"], "20240705-r0");
        let broken = Fake::default().answer("apk info -v", 1, "");
        let failed = plan(&broken, "package_facts", json!({"manager": "apk"})).err().expect("failed");
        let warning = failed.result[&Key::from("warnings")].to_json();
        assert!(warning[0].as_str().is_some_and(|text| text.contains("Unable to list packages rc=1")), "{warning}");
    }

    fn found(machine: &Fake, arguments: serde_json::Value) -> serde_json::Value {
        let plan = plan(machine, "package_facts", arguments).expect("plan");
        plan.result
            .get(&Key::from("ansible_facts"))
            .and_then(|facts| facts.get("packages"))
            .expect("packages")
            .to_json()
    }

    #[test]
    fn packages_of_either_manager_are_told() {
        let status = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88\nSection: web\n";
        let debian = Fake::default().file("/var/lib/dpkg/status", status);
        assert_eq!(found(&debian, json!({"manager": "auto"}))["curl"][0]["version"], "7.88");
        let rows = "bash\t5.1\t6.el9\t(none)\tx86_64\nkernel\t5\t1\t0\tx86_64\nkernel\t5\t2\t0\tx86_64\n";
        let format = "rpm -qa --qf %{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n";
        let fedora = Fake::default().answer(format, 0, rows);
        let packages = found(&fedora, json!({}));
        assert_eq!(
            (&packages["bash"][0]["epoch"], packages["kernel"].as_array().expect("kernel").len()),
            (&json!("None"), 2)
        );
    }
}
