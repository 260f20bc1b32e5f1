//! What may be asked of a unit.

use crate::roles::modules::{FreeForm, Param, ParamKind, Spec};

const NAME: Param = Param::new("name", ParamKind::Str, "The unit.").aliases(&["service", "unit"]);
const STATE: Param = Param::new("state", ParamKind::Str, "What it is to be doing.").choices(&[
    "reloaded",
    "restarted",
    "started",
    "stopped",
]);
const ENABLED: Param = Param::new("enabled", ParamKind::Bool, "Whether it starts at boot.");
const FORCE: Param = Param::new("force", ParamKind::Bool, "Overwrite conflicting links.");
const MASKED: Param = Param::new("masked", ParamKind::Bool, "Whether it cannot be started at all.");
const RELOAD: Param = Param::new("daemon_reload", ParamKind::Bool, "Have systemd read its units again first.")
    .aliases(&["daemon-reload"])
    .default("false");
const REEXEC: Param = Param::new("daemon_reexec", ParamKind::Bool, "Have systemd execute itself again first.")
    .aliases(&["daemon-reexec"])
    .default("false");
const SCOPE: Param = Param::new("scope", ParamKind::Str, "Whose manager: the system's, the user's, or all users'.")
    .default("system")
    .choices(&["system", "user", "global"]);
const NO_BLOCK: Param = Param::new("no_block", ParamKind::Bool, "Do not wait for the job.").default("false");

/// `systemd_service`.
pub static SYSTEMD: Spec = Spec {
    name: "ansible.builtin.systemd_service",
    aliases: &["ansible.builtin.systemd"],
    summary: "Starts, stops, enables and masks systemd units.",
    free_form: FreeForm::Pairs,
    params: &[NAME, STATE, ENABLED, FORCE, MASKED, RELOAD, REEXEC, SCOPE, NO_BLOCK],
    file_attributes: false,
    examples: &["systemd_service:\n  name: cron\n  state: started\n  enabled: true\n"],
};

/// `service`: systemd's arguments pass through it, as they do through Ansible's action plugin.
pub static SERVICE: Spec = Spec {
    name: "ansible.builtin.service",
    aliases: &[],
    summary: "Starts, stops and enables services.",
    free_form: FreeForm::Pairs,
    params: &[
        NAME,
        STATE,
        ENABLED,
        FORCE,
        MASKED,
        RELOAD,
        REEXEC,
        SCOPE,
        NO_BLOCK,
        Param::new("use", ParamKind::Str, "Which service manager.").default("auto").only(&[
            "auto",
            "systemd",
            "ansible.builtin.systemd",
            "ansible.builtin.systemd_service",
        ]),
        Param::new("arguments", ParamKind::Str, "Has no meaning with systemd, as in Ansible.").aliases(&["args"]),
        Param::new("pattern", ParamKind::Str, "Has no meaning with systemd, as in Ansible."),
        Param::new("runlevel", ParamKind::Str, "Has no meaning with systemd, as in Ansible."),
        Param::new("sleep", ParamKind::Int, "Has no meaning with systemd, as in Ansible."),
    ],
    file_attributes: false,
    examples: &["service:\n  name: cron\n  state: started\n"],
};
