//! `pip`: Python distributions, on the host or in a virtual environment, by the host's own pip.

mod name;

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::{Change, Command, Effect, Output};
use crate::roles::value::Value;
use name::{Package, listed, recovered};
use std::sync::Arc;

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

fn program(eyes: &Eyes<'_>, name: &str) -> Result<Option<String>, Failed> {
    let found = eyes.host.find_program(name).map_err(|error| Failed::new(format!("looking for {name}: {error}")))?;
    Ok(found.map(|path| path.to_string_lossy().into_owned()))
}

/// A program that ended badly, as the module tells it.
fn failed(words: &[String], output: &Output) -> Failed {
    let (out, error) = (output.text(), String::from_utf8_lossy(&output.stderr).into_owned());
    let mut message = String::new();
    if !out.is_empty() {
        message.push_str(&format!("stdout: {out}"));
    }
    if !error.is_empty() {
        message.push_str(&format!("\n:stderr: {error}"));
    }
    Failed::new(message).with("cmd", list(words)).with("rc", i64::from(output.code))
}

fn list(words: &[String]) -> Value {
    Value::list(words.iter().map(|word| Value::str(word.as_str())))
}

impl Asked {
    fn environment(&self, eyes: &Eyes<'_>) -> Option<String> {
        let path = eyes.expanded(self.environment.as_deref()?);
        let base = self.chdir.as_ref().map(|chdir| eyes.expanded(chdir)).unwrap_or_default();
        Some(std::path::Path::new(&base).join(path).to_string_lossy().into_owned())
    }

    fn command(&self, eyes: &Eyes<'_>, words: &[String]) -> Command {
        let mut command = Command { umask: self.umask, ..eyes.command(words.iter().cloned()) };
        command.directory =
            Some(self.chdir.as_ref().map_or_else(|| "/tmp".into(), |chdir| eyes.expanded(chdir)).into());
        for name in ["LANG", "LC_ALL"] {
            command.environment.push((name.into(), "C.UTF-8".into()));
        }
        if let Some(environment) = self.environment(eyes) {
            let path = eyes.variable("PATH").unwrap_or_default();
            command.environment.push(("PATH".into(), format!("{environment}/bin:{path}")));
        }
        if self.break_system {
            command.environment.push(("PIP_BREAK_SYSTEM_PACKAGES".into(), "1".into()));
        }
        command
    }

    /// pip, as words.
    fn pip(&self, eyes: &Eyes<'_>) -> Result<Vec<String>, Failed> {
        if let Some(environment) = self.environment(eyes) {
            for name in ["pip3", "pip"] {
                let path = format!("{environment}/bin/{name}");
                if eyes.exists(&path)? {
                    return Ok(vec![path]);
                }
            }
            return Err(Failed::new(format!(
                "Unable to find pip in the virtualenv, {environment}, under any of these names: pip3, pip. Make sure pip \
                 is present in the virtualenv."
            )));
        }
        let name = self.executable.as_ref().map_or_else(|| "pip3".to_owned(), |name| eyes.expanded(name));
        if name.starts_with('/') {
            return Ok(vec![name]);
        }
        if self.executable.is_none() && eyes.exists(PYTHON)? {
            let words = [PYTHON, "-m", "pip"].map(str::to_owned).to_vec();
            let asked = [words.clone(), vec!["--version".into()]].concat();
            if eyes.query(&self.command(eyes, &asked))?.ok() {
                return Ok(words);
            }
        }
        let found = program(eyes, &name)?;
        let missing = || Failed::new(format!("Unable to find any of {name} to use.  pip needs to be installed."));
        Ok(vec![found.ok_or_else(missing)?])
    }

    /// What is installed.
    fn installed(&self, eyes: &Eyes<'_>, pip: &[String]) -> Result<String, Failed> {
        let words = [pip, &["list".to_owned(), "--format=freeze".to_owned()]].concat();
        let output = eyes.query(&self.command(eyes, &words))?;
        if output.ok() { Ok(output.text()) } else { Err(failed(&words, &output)) }
    }

    /// The program that makes the virtual environment.
    fn making(&self, eyes: &Eyes<'_>, environment: &str) -> Result<Vec<String>, Failed> {
        let mut words = self.maker.clone();
        let first = words.first_mut().ok_or_else(|| Failed::new("virtualenv_command is empty"))?;
        if !first.contains('/') {
            let missing = || Failed::new(format!("Failed to find required executable \"{first}\" in paths"));
            *first = program(eyes, first)?.ok_or_else(missing)?;
        }
        let name = first.clone();
        let is_venv = name.ends_with("pyvenv") || words.windows(2).any(|pair| pair == ["-m", "venv"]);
        if self.site_packages {
            words.push("--system-site-packages".into());
        } else {
            let help = eyes.query(&self.command(eyes, &[name.clone(), "--help".into()]))?;
            if !help.ok() {
                let said = format!("{}{}", help.text(), String::from_utf8_lossy(&help.stderr));
                return Err(Failed::new(format!("Could not get output from {name} --help: {said}")));
            }
            let known = help.text().split_whitespace().any(|word| word == "--no-site-packages");
            words.extend(known.then(|| "--no-site-packages".to_owned()));
        }
        match (&self.python, is_venv) {
            (Some(_), true) => {
                return Err(Failed::new(
                    "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
                ));
            }
            (None, true) => {}
            (python, false) => words.push(format!("-p{}", python.as_deref().unwrap_or(PYTHON))),
        }
        words.push(environment.to_owned());
        Ok(words)
    }

    /// Whether nothing is to be done, as far as a list of what is installed can tell.
    fn stands(&self, installed: &str) -> bool {
        let have = listed(installed);
        let wanted = match self.state.as_str() {
            "present" => true,
            "absent" => false,
            _ => return false,
        };
        self.extra.is_empty()
            && self.requirements.is_none()
            && self.packages.iter().all(|package| package.is_in(&have) == Some(wanted))
    }
}

/// A task on its way: the environment made so far, and what was said.
struct Work {
    asked: Arc<Asked>,
    made: bool,
    stdout: String,
    stderr: String,
}

impl Work {
    fn install(mut self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let asked = Arc::clone(&self.asked);
        let pip = asked.pip(eyes)?;
        let installed = asked.installed(eyes, &pip)?;
        let verb: &[&str] = match asked.state.as_str() {
            "absent" => &["uninstall", "-y"],
            "latest" => &["install", "-U"],
            "forcereinstall" => &["install", "-U", "--force-reinstall"],
            _ => &["install"],
        };
        let mut words = pip.clone();
        words.extend(verb.iter().map(|word| (*word).to_owned()));
        words.extend(asked.extra.iter().cloned());
        match &asked.requirements {
            Some(file) => words.extend(["-r".to_owned(), file.clone()]),
            None => words.extend(asked.packages.iter().map(|package| package.text.clone())),
        }
        if asked.stands(&installed) {
            let made = self.made;
            return Ok(self.told(eyes, &words, made));
        }
        let change = Change::Run(asked.command(eyes, &words));
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
            let Some(output) = effects.first().and_then(|effect| effect.output.clone()) else {
                return Ok(self.told(eyes, &words, true));
            };
            let (out, error) = (output.text(), String::from_utf8_lossy(&output.stderr).into_owned());
            let absent = self.asked.state == "absent";
            let was_not = output.code == 1 && absent && format!("{out}{error}").contains("not installed");
            if !output.ok() && !was_not {
                return Err(failed(&words, &output));
            }
            let by_list = self.asked.requirements.is_some() || self.asked.names.iter().any(|name| is_repository(name));
            let changed = match (absent, by_list) {
                (true, _) => out.contains("Successfully uninstalled"),
                (false, true) => self.asked.installed(eyes, &pip)? != installed,
                (false, false) => out.contains("Successfully installed"),
            };
            self.stdout.push_str(&out);
            self.stderr.push_str(&error);
            let changed = changed || self.made;
            Ok(self.told(eyes, &words, changed))
        };
        Ok(Plan { changes: vec![change], changed: Some(false), next: Some(Box::new(next)), ..Plan::default() })
    }

    fn told(self, eyes: &Eyes<'_>, words: &[String], changed: bool) -> Plan {
        let asked = &self.asked;
        let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::str(text.as_str()));
        let names = if asked.names.is_empty() { Value::Null } else { list(&asked.names) };
        Plan { changed: Some(changed), ..Plan::default() }
            .with("cmd", list(words))
            .with("name", names)
            .with("version", text(&asked.version))
            .with("state", asked.state.as_str())
            .with("requirements", text(&asked.requirements))
            .with("virtualenv", text(&asked.environment(eyes)))
            .with("stdout", self.stdout.as_str())
            .with("stdout_lines", Value::list(words::lines(&self.stdout).into_iter().map(Value::str)))
            .with("stderr", self.stderr.as_str())
            .with("stderr_lines", Value::list(words::lines(&self.stderr).into_iter().map(Value::str)))
    }
}

fn is_repository(name: &str) -> bool {
    ["svn+", "git+", "hg+", "bzr+"].iter().any(|start| name.starts_with(start))
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
        let same = follow(first(json!({"name": "x>0"})), &machine(""), &[(0, "Requirement already satisfied", "")]);
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
