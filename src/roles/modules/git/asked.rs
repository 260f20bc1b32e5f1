//! What a task asks of git, and how git is called for it.

use super::work::Work;
use crate::host::{Command, Output};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, Module, Plan};
use crate::roles::value::Value;
use std::sync::Arc;

/// A task's arguments.
#[derive(Debug, Default)]
pub struct Asked {
    pub repo: String,
    pub dest: Option<String>,
    pub version: String,
    pub remote: String,
    pub refspec: Option<String>,
    pub reference: Option<String>,
    pub force: bool,
    pub depth: Option<i64>,
    pub clone: bool,
    pub update: bool,
    pub single_branch: bool,
    pub bare: bool,
    pub recursive: bool,
    pub track_submodules: bool,
    pub verify: bool,
    pub signers: Vec<String>,
    pub separate: Option<String>,
    executable: Option<String>,
    ssh: Vec<String>,
    key: Option<String>,
    umask: Option<u32>,
    sensitive: bool,
}

struct Git(Arc<Asked>);

/// Reads the arguments.
pub fn git(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    for (a, b) in [("separate_git_dir", "bare"), ("accept_hostkey", "accept_newhostkey")] {
        if args.is_given(a) && args.is_given(b) {
            return Err(args.together(format!("parameters are mutually exclusive: {a}|{b}")));
        }
    }
    let umask = match args.value("umask") {
        None => None,
        Some(Value::Str(text)) => {
            let mask = u32::from_str_radix(text.expose(), 8).ok().filter(|mask| *mask <= 0o777);
            Some(mask.ok_or_else(|| args.wrong("umask", "umask must be an octal integer"))?)
        }
        Some(_) => return Err(args.wrong("umask", "umask must be defined as a quoted octal integer")),
    };
    let asked = Asked {
        repo: args.must("repo")?,
        dest: args.text("dest").filter(|dest| !dest.is_empty()),
        version: args.must("version")?,
        remote: args.must("remote")?,
        refspec: args.text("refspec"),
        reference: args.text("reference"),
        force: args.flag("force"),
        depth: args.int("depth").filter(|depth| *depth != 0),
        clone: args.flag("clone"),
        update: args.flag("update"),
        single_branch: args.flag("single_branch"),
        bare: args.flag("bare"),
        recursive: args.flag("recursive"),
        track_submodules: args.flag("track_submodules"),
        verify: args.flag("verify_commit"),
        signers: args.texts("gpg_allowlist").into_iter().filter(|text| !text.is_empty()).collect(),
        separate: args.text("separate_git_dir"),
        executable: args.text("executable"),
        ssh: ssh_options(args),
        key: args.text("key_file"),
        sensitive: args.has_secret(),
        umask,
    };
    if asked.dest.is_none() && asked.clone {
        return Err(args.together("the destination directory must be specified unless clone=no"));
    }
    for name in ["version", "remote", "repo"] {
        if args.text(name).is_some_and(|text| text.starts_with('-')) {
            return Err(args.together(format!("`{name}` begins with a dash: git would take it for an option")));
        }
    }
    Ok(Box::new(Git(Arc::new(asked))))
}

/// Options of ssh that the task asks for.
fn ssh_options(args: &Args) -> Vec<String> {
    let given = args.text("ssh_opts").unwrap_or_default();
    let decided = ["no", "accept-new"].iter().any(|word| given.contains(&format!("-o StrictHostKeyChecking={word}")));
    let policy = match (args.flag("accept_hostkey"), args.flag("accept_newhostkey")) {
        _ if decided => None,
        (true, _) => Some("-o StrictHostKeyChecking=no".to_owned()),
        (_, true) => Some("-o StrictHostKeyChecking=accept-new".to_owned()),
        _ => None,
    };
    let batch = (!given.contains("BatchMode=yes")).then(|| "-o BatchMode=yes".to_owned());
    Some(given).filter(|given| !given.is_empty()).into_iter().chain(policy).chain(batch).collect()
}

impl Module for Git {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        Work::begin(Arc::clone(&self.0), eyes)
    }
}

impl Asked {
    /// The repository's address: git needs a protocol for a path to clone a part of it.
    pub fn address(&self, eyes: &Eyes<'_>) -> String {
        let repo = if self.repo.starts_with('~') { eyes.expanded(&self.repo) } else { self.repo.clone() };
        if repo.starts_with('/') { format!("file://{repo}") } else { repo }
    }

    /// git's path.
    fn program(&self, eyes: &Eyes<'_>) -> Result<String, Failed> {
        if let Some(program) = &self.executable {
            return Ok(eyes.expanded(program));
        }
        let found = eyes.host.find_program("git").map_err(|error| Failed::new(format!("looking for git: {error}")))?;
        let missing = || Failed::new("Failed to find required executable \"git\" in paths");
        Ok(found.ok_or_else(missing)?.to_string_lossy().into_owned())
    }

    /// A call of git, in a directory.
    pub fn command(&self, eyes: &Eyes<'_>, directory: Option<&str>, words: &[String]) -> Result<Command, Failed> {
        let argv = [self.program(eyes)?].into_iter().chain(words.iter().cloned());
        let mut command = Command { sensitive: self.sensitive, umask: self.umask, ..eyes.command(argv) };
        command.directory = directory.map(Into::into);
        let ssh = eyes.variable("GIT_SSH").or_else(|| eyes.variable("GIT_SSH_COMMAND"));
        let mut ssh = vec![ssh.unwrap_or_else(|| "ssh".into())];
        ssh.extend(eyes.variable("GIT_SSH_OPTS"));
        ssh.extend(self.ssh.iter().cloned());
        if let Some(key) = &self.key {
            ssh.extend(["-i".to_owned(), eyes.expanded(key), "-o IdentitiesOnly=yes".to_owned()]);
        }
        let variables = [("LANG", "C"), ("LC_ALL", "C"), ("LANGUAGE", "C"), ("GIT_TERMINAL_PROMPT", "0")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        command.environment.extend(variables);
        command.environment.push(("GIT_SSH_COMMAND".into(), ssh.join(" ")));
        Ok(command)
    }

    /// What git says, that only reads.
    pub fn ask(&self, eyes: &Eyes<'_>, directory: Option<&str>, words: &[&str]) -> Result<Output, Failed> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        eyes.query(&self.command(eyes, directory, &words)?)
    }

    /// The same where it must not fail, without the line's end.
    pub fn line(&self, eyes: &Eyes<'_>, directory: Option<&str>, words: &[&str]) -> Result<String, Failed> {
        let output = self.ask(eyes, directory, words)?;
        if output.ok() { Ok(output.text().trim_end().to_owned()) } else { Err(ended(&output, None)) }
    }
}

/// A call that ended badly; what it wrote is the message where there is no better one.
pub fn ended(output: &Output, message: Option<String>) -> Failed {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let message = message.unwrap_or_else(|| error.trim().to_owned());
    Failed::new(message).with("rc", i64::from(output.code)).with("stdout", output.text()).with("stderr", error)
}
