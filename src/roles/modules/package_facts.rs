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
            .only(&["auto", "apt", "rpm", "dnf", "dnf5", "yum"]),
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
            _ => &["rpm"],
        };
        managers.extend(these.iter().filter(|name| !managers.contains(*name)).copied().collect::<Vec<_>>());
    }
    Ok(Box::new(PackageFacts { managers, all: args.must("strategy")? == "all" }))
}

impl Module for PackageFacts {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut packages: Map = Map::new();
        for manager in &self.managers {
            if !packages.is_empty() && !self.all {
                break;
            }
            let found = if *manager == "apt" { of_dpkg(eyes)? } else { of_rpm(eyes)? };
            for (name, entry) in found {
                let slot = packages.entry(Key::Str(name.into())).or_insert_with(|| Value::list([]));
                let entries = slot.as_list().unwrap_or_default().iter().cloned().chain([entry]);
                *slot = Value::list(entries);
            }
        }
        if packages.is_empty() {
            let names = self.managers.join(", ");
            return Err(Failed::new(format!("Could not detect a supported package manager from the list: {names}")));
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
