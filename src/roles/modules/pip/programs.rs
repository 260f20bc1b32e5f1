//! pip and what makes virtual environments, as programs of the host.

use super::name::listed;
use super::{Asked, PYTHON};
use crate::host::{Command, Output};
use crate::roles::modules::{Eyes, Failed};
use crate::roles::value::Value;

fn program(eyes: &Eyes<'_>, name: &str) -> Result<Option<String>, Failed> {
    let found = eyes.host.find_program(name).map_err(|error| Failed::new(format!("looking for {name}: {error}")))?;
    Ok(found.map(|path| path.to_string_lossy().into_owned()))
}

/// A program that ended badly, as the module tells it.
pub(super) fn failed(words: &[String], output: &Output) -> Failed {
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

pub(super) fn list(words: &[String]) -> Value {
    Value::list(words.iter().map(|word| Value::str(word.as_str())))
}

impl Asked {
    pub(super) fn environment(&self, eyes: &Eyes<'_>) -> Option<String> {
        let path = eyes.expanded(self.environment.as_deref()?);
        let base = self.chdir.as_ref().map(|chdir| eyes.expanded(chdir)).unwrap_or_default();
        Some(std::path::Path::new(&base).join(path).to_string_lossy().into_owned())
    }

    pub(super) fn command(&self, eyes: &Eyes<'_>, words: &[String]) -> Command {
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
    pub(super) fn pip(&self, eyes: &Eyes<'_>) -> Result<Vec<String>, Failed> {
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
    pub(super) fn installed(&self, eyes: &Eyes<'_>, pip: &[String]) -> Result<String, Failed> {
        let words = [pip, &["list".to_owned(), "--format=freeze".to_owned()]].concat();
        let output = eyes.query(&self.command(eyes, &words))?;
        if output.ok() { Ok(output.text()) } else { Err(failed(&words, &output)) }
    }

    /// The program that makes the virtual environment.
    pub(super) fn making(&self, eyes: &Eyes<'_>, environment: &str) -> Result<Vec<String>, Failed> {
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
    pub(super) fn stands(&self, installed: &str) -> bool {
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
