//! Ways to break a boot, each by its name: what is wrong, and at which stage muster must say so.

use super::stage::{INSTANCE, Plan};
use emulator::{Denial, Instance};
use muster::failure::Stage;
use support::Error;

/// One way to break a boot.
pub struct Fault {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Where it must be found.
    pub stage: Stage,
    /// What the message must say.
    pub says: &'static [&'static str],
    /// Whether anything may have changed before.
    pub before_change: bool,
    /// Breaks it.
    pub apply: fn(Plan) -> Result<Plan, Error>,
}

fn tree(plan: Plan, path: &str, old: &str, new: &str) -> Result<Plan, Error> {
    Ok(Plan { tree: plan.tree.clone().replace(path, old, new)?, ..plan })
}

fn swap(plan: Plan, old: &str, new: &str) -> Plan {
    Plan { replace: vec![(old.to_owned(), new.to_owned())], ..plan }
}

const WEB: &str = "roles/web/tasks/main.yml";

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "signature",
        what: "the commit is not signed",
        stage: Stage::Verify,
        says: &["commit", "sign"],
        before_change: true,
        apply: |plan| Ok(Plan { signed: None, ..plan }),
    },
    Fault {
        name: "signer",
        what: "the commit is signed by a stranger",
        stage: Stage::Verify,
        says: &["commit", "SHA256:"],
        before_change: true,
        apply: |plan| Ok(Plan { signed: Some(false), ..plan }),
    },
    Fault {
        name: "host-key",
        what: "the git host has another key than the pinned one",
        stage: Stage::Repository,
        says: &["127.0.0.1", "SHA256:"],
        before_change: true,
        apply: |plan| Ok(Plan { pinned: false, ..plan }),
    },
    Fault {
        name: "deploy-key",
        what: "the secret is no key",
        stage: Stage::DeployKey,
        says: &["key"],
        before_change: true,
        apply: |plan| Ok(Plan { deploy_key: Some("hunter2".into()), ..plan }),
    },
    Fault {
        name: "no-deploy-key",
        what: "the secret that should hold the deploy key does not exist",
        stage: Stage::DeployKey,
        says: &["platform/nowhere", "repository.deploy_key"],
        before_change: true,
        apply: |plan| Ok(swap(plan, "platform/deploy-key", "platform/nowhere")),
    },
    Fault {
        name: "user-data",
        what: "user-data does not unpack",
        stage: Stage::Settings,
        says: &["user-data", "does not unpack", "MIME multipart"],
        before_change: true,
        apply: |plan| Ok(plan.launched_with(vec![0x1f, 0x8b, 8, 0, 0])),
    },
    Fault {
        name: "ref",
        what: "the branch does not exist",
        stage: Stage::Repository,
        says: &["main"],
        before_change: true,
        apply: |plan| Ok(swap(plan, "ref: main", "ref: mian")),
    },
    Fault {
        name: "empty-repository",
        what: "the repository has no commit",
        stage: Stage::Repository,
        says: &["push a signed commit"],
        before_change: true,
        apply: |plan| Ok(Plan { committed: false, ..plan }),
    },
    Fault {
        name: "settings",
        what: "muster.yaml has a key that does not exist",
        stage: Stage::Settings,
        says: &["rols", "roles", "muster.yaml:1"],
        before_change: true,
        apply: |plan| Ok(swap(plan, "roles:", "rols:")),
    },
    Fault {
        name: "parameter",
        what: "a parameter that the roles name does not exist",
        stage: Stage::Parameters,
        says: &["/web/prot"],
        before_change: true,
        apply: |plan| tree(plan, "roles/web/defaults/main.yml", "/web/port", "/web/prot"),
    },
    Fault {
        name: "denied",
        what: "the role may not read parameters",
        stage: Stage::Parameters,
        says: &["assumed-role/", "ssm:GetParametersByPath"],
        before_change: true,
        apply: |plan| {
            Ok(Plan {
                aws: plan.aws.deny(Denial::of("ssm:GetParametersByPath")),
                settings: plan.settings.clone(),
                ..plan
            })
        },
    },
    Fault {
        name: "yaml",
        what: "a task file is no YAML",
        stage: Stage::Parse,
        says: &[WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "- name: configuration", "- name: \"configuration"),
    },
    Fault {
        name: "module",
        what: "a task's module does not exist",
        stage: Stage::Parse,
        says: &["tmplate", "template", WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "  template:\n    src: web.conf.j2", "  tmplate:\n    src: web.conf.j2"),
    },
    Fault {
        name: "argument",
        what: "a task's argument does not exist",
        stage: Stage::Parse,
        says: &["sate", "state", WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "state: directory", "sate: directory"),
    },
    Fault {
        name: "filter",
        what: "a template's filter does not exist",
        stage: Stage::Parse,
        says: &["uper"],
        before_change: true,
        apply: |plan| tree(plan, WEB, "content: \"{{ web_token }}\"", "content: \"{{ web_token | uper }}\""),
    },
    Fault {
        name: "template-filter",
        what: "the filter of a template file does not exist",
        stage: Stage::Parse,
        says: &["uper", "web.conf.j2:2:"],
        before_change: true,
        apply: |plan| tree(plan, "roles/web/templates/web.conf.j2", "{{ web_port }}", "{{ web_port | uper }}"),
    },
    Fault {
        name: "mode",
        what: "a task's mode is none",
        stage: Stage::Parse,
        says: &["mode", "999", WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "mode: \"0640\"", "mode: \"999\""),
    },
    Fault {
        name: "included-module",
        what: "the module of an included task does not exist",
        stage: Stage::Parse,
        says: &["debgu", "roles/web/tasks/more.yml:1"],
        before_change: true,
        apply: |plan| {
            let plan = tree(plan, WEB, "- name: configuration", "- include_tasks: more.yml\n- name: configuration")?;
            Ok(Plan { tree: plan.tree.clone().file("roles/web/tasks/more.yml", "- debgu: {msg: more}\n"), ..plan })
        },
    },
    Fault {
        name: "include",
        what: "an included file does not exist",
        stage: Stage::Parse,
        says: &["more.yml", WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "- name: configuration", "- include_tasks: more.yml\n- name: configuration"),
    },
    Fault {
        name: "secret",
        what: "a secret that the roles name does not exist",
        stage: Stage::Secrets,
        says: &["no/such", "secretsmanager:GetSecretValue"],
        before_change: true,
        apply: |plan| {
            let lookup = "content: \"{{ lookup('amazon.aws.aws_secret', 'no/such') }}\"";
            tree(plan, WEB, "content: \"{{ web_token }}\"", lookup)
        },
    },
    Fault {
        name: "handler",
        what: "a notified handler does not exist",
        stage: Stage::Parse,
        says: &["tell nobody"],
        before_change: true,
        apply: |plan| tree(plan, WEB, "notify: tell that the configuration changed", "notify: tell nobody"),
    },
    Fault {
        name: "undefined",
        what: "a template reads a variable that does not exist",
        stage: Stage::Converge,
        says: &["web_prot", "web.conf.j2:2:9", "^"],
        before_change: false,
        apply: |plan| tree(plan, "roles/web/templates/web.conf.j2", "{{ web_port }}", "{{ web_prot }}"),
    },
    Fault {
        name: "template",
        what: "a template fails on a value",
        stage: Stage::Converge,
        says: &["division by zero", "web.conf.j2:2:9", "^"],
        before_change: false,
        apply: |plan| tree(plan, "roles/web/templates/web.conf.j2", "{{ web_port }}", "{{ web_port | int / 0 }}"),
    },
    Fault {
        name: "type",
        what: "a task's argument is of the wrong type",
        stage: Stage::Parse,
        says: &["recurse", "truth value", WEB],
        before_change: true,
        apply: |plan| tree(plan, WEB, "state: directory", "state: directory\n    recurse: perhaps"),
    },
    Fault {
        name: "settings-type",
        what: "a setting is of the wrong type",
        stage: Stage::Settings,
        says: &["deadline", "muster.yaml:"],
        before_change: true,
        apply: |plan| Ok(swap(plan, "deadline: 2m", "deadline: [2m]")),
    },
    Fault {
        name: "release-signature",
        what: "the release's descriptor was changed after it was signed",
        stage: Stage::Release,
        says: &["release.json", "kms"],
        before_change: false,
        apply: |plan| Ok(Plan { tampered_descriptor: true, ..plan }),
    },
    Fault {
        name: "release-digest",
        what: "the artifact is not the one that was signed",
        stage: Stage::Release,
        says: &["shop-api", "SHA-256"],
        before_change: false,
        apply: |plan| Ok(Plan { tampered_artifact: true, ..plan }),
    },
    Fault {
        name: "health",
        what: "a health check never passes",
        stage: Stage::Health,
        says: &["configuration", "/etc/web.conf"],
        before_change: false,
        apply: |plan| Ok(swap(plan, "port=8080", "port=9090")),
    },
    Fault {
        name: "metadata",
        what: "instance metadata is switched off",
        stage: Stage::Identity,
        says: &["metadata"],
        before_change: true,
        apply: |plan| {
            let mut instance = Instance::new(INSTANCE);
            instance.metadata.enabled = false;
            Ok(Plan { aws: emulator::Builder::default().instance(instance), ..plan })
        },
    },
    Fault {
        name: "unreachable",
        what: "nothing answers where instance metadata should be",
        stage: Stage::Identity,
        says: &["metadata", "127.0.0.1:9"],
        before_change: true,
        apply: |plan| Ok(Plan { metadata: Some("http://127.0.0.1:9".into()), ..plan }),
    },
    Fault {
        name: "clock",
        what: "the machine's clock is wrong",
        stage: Stage::Parameters,
        says: &["clock of this host is wrong: it says", "AWS's says"],
        before_change: true,
        apply: |plan| Ok(Plan { aws: plan.aws.clock_skew(3600), ..plan }),
    },
];
