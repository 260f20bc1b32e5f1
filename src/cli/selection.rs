//! What is run, and of which tree: the arguments that `converge`, `plan` and `apply` share.

use super::boot::Ground;
use super::config::SettingsArgs;
use super::progress::Progress;
use crate::boot::{self, Ended, LocalTree, Mode, Planning, Request, What};
use crate::failure::{Failure, Stage};
use crate::roles::converge::Observer;
use crate::roles::load::parse_pairs;
use crate::roles::value::{Key, Map, Template, Value};
use crate::roles::vault::Vault;
use crate::roles::yaml;
use crate::secret::{Redactor, Secret};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What is run.
#[derive(clap::Args)]
pub(super) struct Selection {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    ground: Ground,
    /// A local tree in place of the repository; its `roles` directory is where roles are looked for. What settings name
    /// is run, unless `--playbook` or `--role` says otherwise.
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
    /// This host's name in plays and in `host_vars`.
    #[arg(long, value_name = "NAME", default_value = "localhost", requires = "tree")]
    host: String,
    /// Variables of this host, as an inventory has them: KEY=VALUE, a mapping in JSON or YAML, or @FILE.
    #[arg(long, value_name = "VARS", requires = "tree")]
    host_vars: Vec<String>,
    /// Run the handlers that are due even where the play fails.
    #[arg(long, requires = "tree")]
    force_handlers: bool,
    /// Allow programs of that directory to be run in it.
    #[arg(long)]
    chroot: bool,
    /// Say more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    #[arg(skip)]
    redactor: Redactor,
}

impl Selection {
    /// What has one of these tags: of a local tree, or of the repository where none is named.
    pub(super) fn tagged(
        settings: &SettingsArgs,
        tree: Option<PathBuf>,
        playbook: Option<PathBuf>,
        extra: Vec<String>,
        tags: Vec<String>,
    ) -> Self {
        let role = if tree.is_some() && playbook.is_none() { vec!["hardening".to_owned()] } else { Vec::new() };
        Self {
            settings: settings.clone(),
            ground: Ground::default(),
            tree,
            playbook,
            role,
            extra,
            tags,
            skip_tags: Vec::new(),
            group: Vec::new(),
            vault_id: Vec::new(),
            vault_password_file: Vec::new(),
            host: "localhost".to_owned(),
            host_vars: Vec::new(),
            force_handlers: false,
            chroot: false,
            verbose: 0,
            redactor: Redactor::default(),
        }
    }

    /// Whether the outcome is printed as JSON.
    pub(super) fn json(&self) -> bool {
        self.ground.json
    }

    /// Whether it is a local tree.
    pub(super) fn is_local(&self) -> bool {
        self.tree.is_some()
    }

    /// Who prints tasks as Ansible does.
    pub(super) fn progress(&self, diff: bool) -> Progress {
        let (host, redactor) = (self.host.clone(), self.redactor.clone());
        Progress { host, json: self.json(), verbosity: self.verbose, diff, redactor, said: HashSet::new() }
    }

    /// Runs it. Who asks is told of a local tree's tasks; those of the repository are told by the run's own progress.
    pub(super) fn run(self, planning: Planning, observer: &mut dyn Observer) -> Result<Ended, Failure> {
        let tags = (self.tags, self.skip_tags);
        let redactor = self.redactor;
        let request = self.ground.request(Mode::Converge, &self.settings, tags)?;
        let request = Request { planning, redactor: redactor.clone(), ..request };
        let Some(path) = self.tree else { return boot::boot(&request) };
        let what = match self.playbook {
            Some(file) => Some(What::Playbook(file)),
            None => (!self.role.is_empty()).then_some(What::Roles(self.role)),
        };
        let vault = vault(&self.vault_password_file, &self.vault_id)?;
        let opened = boot::vault_of(&vault, &redactor);
        let (extra, host_vars) = (extra_vars(&self.extra, &opened)?, extra_vars(&self.host_vars, &opened)?);
        let tree = LocalTree {
            path,
            what,
            extra,
            groups: self.group,
            host: self.host,
            host_vars,
            force_handlers: self.force_handlers,
            vault,
            verbosity: self.verbose,
            chroot: self.chroot,
        };
        boot::converge_tree(&Request { progress: false, ..request }, &tree, observer)
    }
}

/// Keys of Ansible Vault in files; those of `--vault-password-file` come first, as in Ansible.
fn vault(files: &[String], ids: &[String]) -> Result<Vec<(String, Secret<String>)>, Failure> {
    let plain = files.iter().map(|file| ("default", file.as_str()));
    let labelled = ids.iter().map(|id| id.split_once('@').unwrap_or(("default", id)));
    let mut keys = Vec::new();
    for (label, file) in plain.chain(labelled) {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::message(Stage::Usage, format!("the vault password file {file}: {error}")))?;
        if text.starts_with("#!") {
            return Err(Failure::message(Stage::Usage, format!("the vault password file {file} is a program"))
                .with_hint("muster runs none for a passphrase: write the passphrase into a file"));
        }
        let label = if label.is_empty() { "default" } else { label };
        keys.push((label.to_owned(), Secret::new(text.trim().to_owned())));
    }
    Ok(keys)
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
                let document = yaml::read_hidden(file, &String::from_utf8_lossy(&opened))
                    .map_err(|error| Failure::new(Stage::Usage, error))?;
                vault.learn(&document.root);
                all.extend(document.root.map());
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
                    Value::trusted(value)
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
