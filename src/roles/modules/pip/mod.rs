//! `pip`: Python distributions, on the host or in a virtual environment, by the host's own pip.

mod name;
mod programs;
mod work;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::{Change, Effect};
use name::{Package, recovered};
use programs::failed;
use std::sync::Arc;
use work::Work;

/// `pip`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.pip",
    aliases: &[],
    summary: "Installs and removes Python distributions.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::StrList, "The distributions."),
        Param::new("version", ParamKind::Str, "The version of the one that is named."),
        Param::new("requirements", ParamKind::Str, "A file of requirements."),
        Param::new("state", ParamKind::Str, "What they shall be.").default("present").choices(&[
            "absent",
            "forcereinstall",
            "latest",
            "present",
        ]),
        Param::new("virtualenv", ParamKind::Path, "The virtual environment."),
        Param::new("virtualenv_site_packages", ParamKind::Bool, "See the host's own packages in it.").default("false"),
        Param::new("virtualenv_command", ParamKind::Path, "What makes it.").default("virtualenv"),
        Param::new("virtualenv_python", ParamKind::Str, "The Python in it."),
        Param::new("extra_args", ParamKind::Str, "More words for pip."),
        Param::new("editable", ParamKind::Bool, "Install in place.").default("false"),
        Param::new("chdir", ParamKind::Path, "The directory to run in."),
        Param::new("executable", ParamKind::Path, "Which pip."),
        Param::new("umask", ParamKind::Str, "The mask for files, as octal digits."),
        Param::new("break_system_packages", ParamKind::Bool, "Install though the system manages its packages.")
            .default("false"),
    ],
    file_attributes: false,
    examples: &["pip:\n  name: bottle\n  state: absent\n"],
};

struct Asked {
    names: Vec<String>,
    packages: Vec<Package>,
    version: Option<String>,
    requirements: Option<String>,
    state: String,
    environment: Option<String>,
    site_packages: bool,
    maker: Vec<String>,
    python: Option<String>,
    extra: Vec<String>,
    chdir: Option<String>,
    executable: Option<String>,
    umask: Option<u32>,
    break_system: bool,
}

struct Pip(Arc<Asked>);

/// Where Python is, unless the task says otherwise.
const PYTHON: &str = "/usr/bin/python3";

/// Reads the arguments.
pub fn pip(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let names = args.texts("name");
    let (version, state) = (args.text("version"), args.must("state")?);
    let some = |name| args.text(name).filter(|text| !text.is_empty());
    let requirements = some("requirements");
    match (args.is_given("name"), requirements.is_some()) {
        (true, true) => return Err(args.together("parameters are mutually exclusive: name|requirements")),
        (false, false) => return Err(args.together("one of the following is required: name, requirements")),
        _ => {}
    }
    if args.is_given("executable") && args.is_given("virtualenv") {
        return Err(args.together("parameters are mutually exclusive: executable|virtualenv"));
    }
    if state == "latest" && version.is_some() {
        return Err(args.together("version is incompatible with state=latest"));
    }
    let mut packages = recovered(&names);
    if let Some(version) = &version {
        match &mut packages[..] {
            [one] if one.specifier.is_empty() => *one = one.at(version),
            [_] => return Err(args.together(
                "The 'version' argument conflicts with any version specifier provided along with a package name. Please \
                 keep the version specifier, but remove the 'version' argument.",
            )),
            _ => return Err(args.together(
                "'version' argument is ambiguous when installing multiple package distributions. Please specify version \
                 restrictions next to each package in 'name' argument.",
            )),
        }
    }
    let split = |name: &'static str, text: String| words::split(&text).map_err(|why| args.wrong(name, why));
    let mut extra = split("extra_args", args.text("extra_args").unwrap_or_default())?;
    if args.flag("editable") && !extra.iter().any(|word| word == "-e") {
        extra.push("-e".into());
    }
    let maker = split("virtualenv_command", args.must("virtualenv_command")?)?;
    let umask = args.text("umask").map(|text| u32::from_str_radix(&text, 8).ok().filter(|mask| *mask <= 0o777));
    Ok(Box::new(Pip(Arc::new(Asked {
        umask: umask
            .map(|mask| mask.ok_or_else(|| args.wrong("umask", "umask must be an octal integer")))
            .transpose()?,
        environment: some("virtualenv"),
        site_packages: args.flag("virtualenv_site_packages"),
        python: some("virtualenv_python"),
        chdir: some("chdir"),
        executable: some("executable"),
        break_system: args.flag("break_system_packages"),
        names,
        packages,
        version,
        requirements,
        state,
        maker,
        extra,
    }))))
}

impl Module for Pip {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = Arc::clone(&self.0);
        let mut work = Work { asked: Arc::clone(&asked), made: false, stdout: String::new(), stderr: String::new() };
        let environment = asked.environment(eyes);
        let Some(environment) =
            environment.filter(|path| !eyes.exists(&format!("{path}/bin/activate")).unwrap_or(false))
        else {
            return work.install(eyes);
        };
        let words = asked.making(eyes, &environment)?;
        let change = Change::Run(asked.command(eyes, &words));
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
            let Some(output) = effects.first().and_then(|effect| effect.output.clone()) else {
                let undecided = Some("what pip has to install shows once its environment is there".into());
                return Ok(Plan { undecided, ..work.told(eyes, &words, true) });
            };
            if !output.ok() {
                return Err(failed(&words, &output));
            }
            work.made = true;
            work.stdout = output.text();
            work.stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            work.install(eyes)
        };
        Ok(Plan { changes: vec![change], changed: Some(true), next: Some(Box::new(next)), ..Plan::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::json;

    fn machine(installed: &str) -> Fake {
        Fake::default()
            .file("/usr/bin/pip3", "")
            .file("/usr/bin/virtualenv", "")
            .file("/venv/bin/activate", "")
            .file("/venv/bin/pip", "")
            .answer("/usr/bin/pip3 list --format=freeze", 0, installed)
            .answer("/venv/bin/pip list --format=freeze", 0, installed)
            .answer("/usr/bin/virtualenv --help", 0, "usage: --system-site-packages")
    }

    fn first(arguments: serde_json::Value) -> Plan {
        plan(&machine("Bottle==0.11\nx==1\n"), "pip", arguments).expect("plan")
    }

    #[test]
    fn what_stands_asks_nothing_of_pip() {
        for arguments in [
            json!({"name": "bottle"}),
            json!({"name": ["bottle", "x==1"]}),
            json!({"name": "bottle", "version": "0.11"}),
            json!({"name": "y", "state": "absent"}),
            json!({"name": "bottle", "virtualenv": "/venv"}),
        ] {
            let plan = first(arguments.clone());
            assert!(plan.changes.is_empty() && plan.changed == Some(false), "{arguments}");
        }
    }

    #[test]
    fn what_does_not_is_installed_and_judged_by_what_pip_says() {
        let line = |arguments| changes(&first(arguments)).join(", ");
        assert_eq!(line(json!({"name": "y,z>1,<2"})), "/usr/bin/pip3 install y z>1,<2");
        assert_eq!(line(json!({"name": "bottle", "state": "latest"})), "/usr/bin/pip3 install -U bottle");
        assert_eq!(line(json!({"name": "x", "state": "absent"})), "/usr/bin/pip3 uninstall -y x");
        assert_eq!(
            line(json!({"name": "./d", "editable": true, "extra_args": "-i 'u v'"})),
            "/usr/bin/pip3 install -i u v -e ./d"
        );
        assert_eq!(line(json!({"requirements": "/r.txt"})), "/usr/bin/pip3 install -r /r.txt");
        let done =
            follow(first(json!({"name": "y"})), &machine(""), &[(0, "Successfully installed y-1", "")]).expect("done");
        assert_eq!((done.changed, done.result[&Key::from("name")].to_json()), (Some(true), json!(["y"])));
        let same = follow(first(json!({"name": "x>0rc1"})), &machine(""), &[(0, "Requirement already satisfied", "")]);
        assert_eq!(same.expect("done").changed, Some(false));
        let lost = follow(first(json!({"name": "y"})), &machine(""), &[(1, "", "no such")]).err().expect("failed");
        assert_eq!(lost.message, "\n:stderr: no such");
    }

    #[test]
    fn an_environment_is_made_first() {
        let made = first(json!({"name": "bottle", "virtualenv": "/new"}));
        assert_eq!(changes(&made), ["/usr/bin/virtualenv -p/usr/bin/python3 /new"]);
        let after = machine("").file("/new/bin/pip", "").answer("/new/bin/pip list --format=freeze", 0, "pip==1\n");
        let install = follow(made, &after, &[(0, "made\n", "")]).expect("installs");
        assert_eq!(changes(&install), ["/new/bin/pip install bottle"]);
        let done = follow(install, &after, &[(0, "nothing", "")]).expect("done");
        assert_eq!((done.changed, done.result[&Key::from("stdout")].to_json()), (Some(true), json!("made\nnothing")));
        let venv = json!({"name": "a", "virtualenv": "/new", "virtualenv_command": "virtualenv -m venv", "virtualenv_python": "p"});
        let refused = plan(&machine(""), "pip", venv).err().expect("refused");
        assert!(refused.message.starts_with("virtualenv_python should not be used"));
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let refused = |arguments| plan(&machine(""), "pip", arguments).err().expect("refused").message;
        assert!(refused(json!({"state": "present"})).contains("one of the following is required"));
        assert!(refused(json!({"name": "a>1", "version": "2"})).contains("conflicts with any version"));
        assert!(refused(json!({"name": ["a", "b"], "version": "2"})).contains("ambiguous"));
        assert!(refused(json!({"name": "a", "state": "latest", "version": "2"})).contains("incompatible"));
        let none = plan(&Fake::default(), "pip", json!({"name": "a"})).err().expect("failed");
        assert!(none.message.starts_with("Unable to find any of pip3"));
    }
}
