//! `muster converge`: runs the config repository's roles again; or a local tree's, as `ansible-playbook -c local` does.

use super::boot::{Ground, show};
use super::config::SettingsArgs;
use super::progress::Progress;
use crate::boot::{self, Mode};
use crate::failure::{Failure, Stage};
use crate::host::{Host, Linux};
use crate::roles::converge::{Facts, Input, KnownNames, Limits, Machine, Outcome, Variables, converge};
use crate::roles::load::{Directory, LoadError, Loader, Playbook, parse_pairs};
use crate::roles::remote::{Offline, Remote};
use crate::roles::template::Templar;
use crate::roles::value::{Key, Map, Template, Value};
use crate::roles::vault::Vault;
use crate::roles::yaml;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Run the roles again: the config repository's, or a local tree's
#[derive(clap::Args)]
pub struct Converge {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    ground: Ground,
    /// A local tree in place of the repository; its `roles` directory is where roles are looked for.
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// A playbook of the tree.
    #[arg(long, value_name = "FILE", conflicts_with = "role", requires = "tree")]
    playbook: Option<PathBuf>,
    /// A role of the tree; may be given several times.
    #[arg(long, value_name = "NAME", requires = "tree")]
    role: Vec<String>,
    /// A variable above all others: KEY=VALUE, a mapping in JSON or YAML, or @FILE.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", requires = "tree")]
    extra: Vec<String>,
    /// Run only what has one of these tags.
    #[arg(short = 't', long, value_delimiter = ',')]
    tags: Vec<String>,
    /// Leave out what has one of these tags.
    #[arg(long, value_delimiter = ',')]
    skip_tags: Vec<String>,
    /// A group that this host belongs to; may be given several times.
    #[arg(long, value_name = "NAME", requires = "tree")]
    group: Vec<String>,
    /// A key of Ansible Vault: ID@FILE, or FILE; may be given several times.
    #[arg(long, value_name = "ID@FILE", requires = "tree")]
    vault_id: Vec<String>,
    /// A file with the passphrase of Ansible Vault.
    #[arg(long, value_name = "FILE", requires = "tree")]
    vault_password_file: Vec<String>,
    /// Allow programs of that directory to be run in it.
    #[arg(long)]
    chroot: bool,
    /// Show what would change: not there yet.
    #[arg(long)]
    check: bool,
    /// Say more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

impl Converge {
    /// Runs the command.
    pub fn run(self) -> Result<u8, Failure> {
        if self.check {
            return Err(Failure::message(Stage::Usage, "`--check` is not supported yet")
                .with_hint("`muster plan` will show what would change"));
        }
        match &self.tree {
            Some(tree) => self.run_tree(tree),
            None => {
                let tags = (self.tags.clone(), self.skip_tags.clone());
                let request = self.ground.request(Mode::Converge, &self.settings, tags)?;
                show(&boot::boot(&request)?, self.ground.json);
                Ok(0)
            }
        }
    }

    /// A tree that nobody signed: settings must allow it, because whoever can name it decides what root runs.
    fn allowed(&self, tree: &Path) -> Result<(), Failure> {
        let written = crate::settings::load(&self.settings.sources(&self.ground.root)?);
        let allowed = written.and_then(|written| written.unverified_trees());
        if allowed.map_err(|error| Failure::new(Stage::Settings, error))? {
            return Ok(());
        }
        let text = format!("the tree {} is not verified, and settings do not allow unverified trees", tree.display());
        let mut failure = Failure::message(Stage::Verify, text)
            .with_hint("for writing roles and building images: `--set trust.unverified_trees=true`");
        failure.rule = Some("nothing unverified reaches root (ARCHITECTURE.md, promise 2)");
        Err(failure)
    }

    fn run_tree(&self, tree: &Path) -> Result<u8, Failure> {
        self.allowed(tree)?;
        if self.playbook.is_none() && self.role.is_empty() {
            return Err(Failure::message(Stage::Usage, "a tree needs `--playbook FILE` or `--role NAME`"));
        }
        let source = Directory::new(tree)
            .map_err(|error| Failure::message(Stage::Usage, format!("the tree {}: {error}", tree.display())))?;
        let redactor = crate::secret::Redactor::default();
        let vault = Arc::new(vault(&self.vault_password_file, &self.vault_id, &redactor)?);
        let loader =
            Loader::new(Arc::new(source.beside(ROLES)), &[PathBuf::from(ROLES)]).with_vault(Arc::clone(&vault));
        let mut host = Linux::new(&self.ground.root).map_err(|error| {
            Failure::message(Stage::Usage, format!("--root {}: {error}", self.ground.root.display()))
        })?;
        if self.chroot {
            host = host.allow_chroot();
        }
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let input = Input {
            groups: self.group.clone(),
            extra: extra_vars(&self.extra, &vault)?,
            facts: Facts::new(crate::roles::facts::Facts::new(environment.clone())),
            environment,
            tags: self.tags.clone(),
            skip_tags: self.skip_tags.clone(),
            verbosity: self.verbose,
            user: user(&host),
            limits: Limits::default(),
            redactor,
            ..Input::default()
        };
        let mut progress = Progress { host: input.hostname.clone(), json: self.ground.json, verbosity: self.verbose };
        let what = match &self.playbook {
            Some(file) => What::Playbook(file),
            None => What::Roles(&self.role),
        };
        let outcome = run(&loader, what, &input, &mut host, &Offline, &mut progress, vault)?;
        match outcome.error {
            None => Ok(0),
            Some(error) => Err(error.into_failure()),
        }
    }
}

/// Where roles of the image lie.
const ROLES: &str = "/usr/share/muster/roles";

/// What is run.
pub enum What<'a> {
    /// A playbook of the tree.
    Playbook(&'a Path),
    /// Roles, in order.
    Roles(&'a [String]),
}

/// Loads and runs a playbook or roles.
pub fn run(
    loader: &Loader,
    what: What<'_>,
    input: &Input,
    host: &mut dyn Host,
    remote: &dyn Remote,
    observer: &mut dyn crate::roles::converge::Observer,
    vault: Arc<Vault>,
) -> Result<Outcome, Failure> {
    let templar = Templar::new().with_vault(vault);
    let playbook =
        load(loader, what, input, host, remote, &templar).map_err(|error| Failure::new(Stage::Parse, error))?;
    Ok(converge(input, &playbook, loader, &templar, Machine { host, remote, real: None }, observer))
}

fn load(
    loader: &Loader,
    what: What<'_>,
    input: &Input,
    host: &dyn Host,
    remote: &dyn Remote,
    templar: &Templar,
) -> Result<Playbook, LoadError> {
    let variables = Variables {
        extra: Arc::new(input.extra.clone()),
        inventory: Arc::new(input.inventory.clone()),
        parameters: Arc::new(input.parameters.clone()),
        ..Variables::default()
    };
    let names = KnownNames { loader, templar, host: host.observe(), remote, variables: &variables };
    match what {
        What::Playbook(file) => loader.playbook(file, &names),
        What::Roles(roles) => loader.playbook_of_roles(roles, &names),
    }
}

/// Keys of Ansible Vault in files; those of `--vault-password-file` come first, as in Ansible.
fn vault(files: &[String], ids: &[String], redactor: &crate::secret::Redactor) -> Result<Vault, Failure> {
    let plain = files.iter().map(|file| ("default", file.as_str()));
    let labelled = ids.iter().map(|id| id.split_once('@').unwrap_or(("default", id)));
    let mut vault = Vault::new(redactor.clone());
    for (label, file) in plain.chain(labelled) {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::message(Stage::Usage, format!("the vault password file {file}: {error}")))?;
        if text.starts_with("#!") {
            return Err(Failure::message(Stage::Usage, format!("the vault password file {file} is a program"))
                .with_hint("muster runs none for a passphrase: write the passphrase into a file"));
        }
        let passphrase = crate::secret::Secret::new(text.trim().to_owned());
        redactor.learn(passphrase.expose());
        let label = if label.is_empty() { "default" } else { label };
        vault = vault.with(label, Box::new(move || Ok(passphrase.clone())));
    }
    Ok(vault)
}

/// `-e`, in order: a later one stands over an earlier one.
fn extra_vars(given: &[String], vault: &Vault) -> Result<Map, Failure> {
    let mut all = Map::new();
    for text in given {
        let usage = |problem: String| Failure::message(Stage::Usage, format!("-e {text}: {problem}"));
        if let Some(file) = text.strip_prefix('@') {
            let text = std::fs::read_to_string(file).map_err(|error| usage(error.to_string()))?;
            if Vault::is_encrypted(text.as_bytes()) {
                let opened = vault.open(&text).map_err(|error| usage(error.to_string()))?;
                let root = yaml::read_hidden(file, &String::from_utf8_lossy(&opened));
                all.extend(root.map_err(|error| Failure::new(Stage::Usage, error))?.root.map());
            } else {
                all.extend(mapping(file, &text)?);
            }
        } else if text.trim_start().starts_with(['{', '[']) {
            all.extend(mapping("-e", text)?);
        } else {
            let pairs = parse_pairs(text, false).map_err(|error| usage(error.to_string()))?;
            if !pairs.rest.is_empty() {
                return Err(usage("it is neither KEY=VALUE nor @FILE".into()));
            }
            for (name, value) in pairs.pairs {
                let place = crate::failure::Place { file: "-e".into(), line: 1, column: 1, excerpt: None };
                let value = if yaml::is_template(&value) {
                    Value::Template(Arc::new(Template::new(value, place)))
                } else {
                    Value::str(value)
                };
                all.insert(Key::from(name.as_str()), value);
            }
        }
    }
    Ok(all)
}

fn mapping(name: &str, text: &str) -> Result<Map, Failure> {
    let root = yaml::read(name, text).map_err(|error| Failure::new(Stage::Usage, error))?.root;
    if root.pairs().is_none() && !root.is_null() {
        return Err(Failure::message(Stage::Usage, format!("{name} must be a mapping of variables")));
    }
    Ok(root.map())
}

/// The name of the user that muster runs as.
fn user(host: &Linux) -> String {
    let uid = nix::unistd::geteuid();
    if uid.is_root() {
        return "root".into();
    }
    let entry = crate::host::Observe::user(host, &uid.to_string()).ok().flatten();
    entry.map_or_else(|| uid.to_string(), |entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_variables_are_read_in_every_notation() {
        let given = ["a=1 b='x y'".to_owned(), "{c: 2, a: 3}".to_owned()];
        let vault = Vault::default();
        let map = extra_vars(&given, &vault).expect("reads");
        assert_eq!(Value::Map(Arc::new(map)).to_json().to_string(), r#"{"a":3,"b":"x y","c":2}"#);
        assert!(extra_vars(&["nothing".to_owned()], &vault).is_err());
        assert!(extra_vars(&["@/nowhere".to_owned()], &vault).is_err());
    }
}
