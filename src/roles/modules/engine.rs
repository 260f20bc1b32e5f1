//! Modules that the engine itself carries out: they need the run's variables or the play's structure.

use super::spec::{FreeForm, Param, ParamKind, Spec};
use ParamKind::{Bool, Dict, Float, Int, Raw, Str, StrList};

const fn spec(name: &'static str, summary: &'static str, free_form: FreeForm, params: &'static [Param]) -> Spec {
    Spec { name, aliases: &[], summary, free_form, params, file_attributes: false, examples: &[] }
}

/// `set_fact`
pub static SET_FACT: Spec = spec(
    "ansible.builtin.set_fact",
    "Sets variables for the rest of the run.",
    FreeForm::Pairs,
    &[Param::new("cacheable", Bool, "Also keep them as facts, at the precedence of facts.").default("false")],
);

/// `include_vars`
pub static INCLUDE_VARS: Spec = spec(
    "ansible.builtin.include_vars",
    "Loads variables from a file or directory of the tree.",
    FreeForm::Argument("file"),
    &[
        Param::new("file", Str, "The file, looked for in the role's `vars`."),
        Param::new("dir", Str, "The directory whose files are joined in order of name."),
        Param::new("name", Str, "The variable that takes them all; by default each becomes one of its own."),
        Param::new("depth", Int, "How deep a directory is read; 0 is all of it.").default("0"),
        Param::new("files_matching", Str, "Only files whose name matches this regular expression."),
        Param::new("ignore_files", StrList, "Names, or patterns of names, that are left out."),
        Param::new("ignore_unknown_extensions", Bool, "Leave out files with another extension.").default("false"),
        Param::new("extensions", StrList, "Extensions that are read.").default("json,yaml,yml"),
        Param::new("hash_behaviour", Str, "Whether a mapping replaces one of the same name or is merged into it.")
            .choices(&["replace", "merge"]),
    ],
);

/// `include_tasks`
pub static INCLUDE_TASKS: Spec = spec(
    "ansible.builtin.include_tasks",
    "Runs a file of tasks that is named when the task is reached.",
    FreeForm::Argument("file"),
    &[
        Param::new("file", Str, "The file, looked for beside the file that includes it and in the role's `tasks`."),
        Param::new("apply", Dict, "Keywords for every task of the file."),
    ],
);

/// `import_tasks`
pub static IMPORT_TASKS: Spec = spec(
    "ansible.builtin.import_tasks",
    "Puts a file of tasks in this task's place when the tree is read.",
    FreeForm::Argument("file"),
    &[Param::new("file", Str, "The file, looked for beside the file that imports it and in the role's `tasks`.")],
);

const NAME: Param = Param::new("name", Str, "The role.").required().aliases(&["role"]);
const TASKS_FROM: Param = Param::new("tasks_from", Str, "A file of its `tasks` in place of `main`.");
const VARS_FROM: Param = Param::new("vars_from", Str, "A file of its `vars` in place of `main`.");
const DEFAULTS_FROM: Param = Param::new("defaults_from", Str, "A file of its `defaults` in place of `main`.");
const HANDLERS_FROM: Param = Param::new("handlers_from", Str, "A file of its `handlers` in place of `main`.");
const ALLOW: Param = Param::new("allow_duplicates", Bool, "Run it even if it has run the same way.").default("true");
const PUBLIC: Param = Param::new("public", Bool, "Whether its variables are seen by later tasks of the play.");
const VALIDATE: Param =
    Param::new("rolespec_validate", Bool, "Whether its argument specification is checked.").default("true");

/// `include_role`
pub static INCLUDE_ROLE: Spec = spec(
    "ansible.builtin.include_role",
    "Runs a role that is named when the task is reached.",
    FreeForm::Pairs,
    &[
        NAME,
        TASKS_FROM,
        VARS_FROM,
        DEFAULTS_FROM,
        HANDLERS_FROM,
        ALLOW,
        PUBLIC,
        VALIDATE,
        Param::new("apply", Dict, "Keywords for every task of the role."),
    ],
);

/// `import_role`
pub static IMPORT_ROLE: Spec = spec(
    "ansible.builtin.import_role",
    "Puts a role in this task's place when the tree is read.",
    FreeForm::Pairs,
    &[NAME, TASKS_FROM, VARS_FROM, DEFAULTS_FROM, HANDLERS_FROM, ALLOW, PUBLIC, VALIDATE],
);

/// `meta`
pub static META: Spec = spec(
    "ansible.builtin.meta",
    "Tells the engine itself to do something.",
    FreeForm::Argument("free_form"),
    &[Param::new("free_form", Str, "What to do.")
        .required()
        .choices(&[
            "clear_facts",
            "clear_host_errors",
            "end_batch",
            "end_host",
            "end_play",
            "end_role",
            "flush_handlers",
            "noop",
            "refresh_inventory",
            "reset_connection",
        ])
        .only(&[
            "clear_facts",
            "clear_host_errors",
            "end_batch",
            "end_host",
            "end_play",
            "end_role",
            "flush_handlers",
            "noop",
            "refresh_inventory",
            "reset_connection",
        ])],
);

/// `add_host`
pub static ADD_HOST: Spec = spec(
    "ansible.builtin.add_host",
    "Makes a host known to `hostvars` and `groups`; muster runs nothing on it.",
    FreeForm::Pairs,
    &[
        Param::new("name", Str, "The host.").required().aliases(&["host", "hostname"]),
        Param::new("groups", StrList, "Groups that it joins.").aliases(&["group", "groupname"]),
    ],
);

/// `group_by`
pub static GROUP_BY: Spec = spec(
    "ansible.builtin.group_by",
    "Puts this host into a group, which later plays may name.",
    FreeForm::Pairs,
    &[
        Param::new("key", Str, "The group.").required(),
        Param::new("parents", StrList, "Groups that the group is part of.").default("all"),
    ],
);

/// `async_status`
pub static ASYNC_STATUS: Spec = spec(
    "ansible.builtin.async_status",
    "Says how a task with `async` and `poll: 0` stands.",
    FreeForm::Pairs,
    &[
        Param::new("jid", Str, "The job: `ansible_job_id` of the task's result.").required(),
        Param::new("mode", Str, "Ask, or forget it.").default("status").choices(&["status", "cleanup"]),
    ],
);

/// `validate_argument_spec`
pub static VALIDATE_ARGUMENT_SPEC: Spec = spec(
    "ansible.builtin.validate_argument_spec",
    "Checks variables by a specification.",
    FreeForm::Pairs,
    &[
        Param::new("argument_spec", Dict, "The specification: each variable with its type, choices and options.")
            .required(),
        Param::new("provided_arguments", Dict, "Values; what is not here is taken from the variables."),
        Param::new("validate_args_context", Dict, "What the specification belongs to, for the result."),
    ],
);

/// `debug`
pub static DEBUG: Spec = spec(
    "ansible.builtin.debug",
    "Prints a message or a variable.",
    FreeForm::Pairs,
    &[
        Param::new("msg", Raw, "The message."),
        Param::new("var", Raw, "The variable, or an expression."),
        Param::new("verbosity", Int, "Print only where the run is at least as verbose.").default("0"),
    ],
);

/// `assert`
pub static ASSERT: Spec = spec(
    "ansible.builtin.assert",
    "Fails unless every condition holds.",
    FreeForm::Pairs,
    &[
        Param::new("that", Raw, "The conditions: one, or a list.").required(),
        Param::new("fail_msg", Raw, "What to say where one does not hold.").aliases(&["msg"]),
        Param::new("success_msg", Raw, "What to say where all hold."),
        Param::new("quiet", Bool, "Leave the conditions out of the result.").default("false"),
    ],
);

/// `fail`
pub static FAIL: Spec = spec(
    "ansible.builtin.fail",
    "Fails with a message.",
    FreeForm::Pairs,
    &[Param::new("msg", Str, "The message.").default("Failed as requested from task")],
);

/// `pause`
pub static PAUSE: Spec = spec(
    "ansible.builtin.pause",
    "Waits for a while.",
    FreeForm::Pairs,
    &[
        Param::new("seconds", Float, "Seconds to wait."),
        Param::new("minutes", Float, "Minutes to wait."),
        Param::new("prompt", Str, "A question.").unsupported("nobody is there to answer"),
        Param::new("echo", Bool, "Show what is typed.").default("true"),
    ],
);

/// `setup`
pub static SETUP: Spec = Spec {
    name: "ansible.builtin.setup",
    aliases: &["ansible.builtin.gather_facts"],
    summary: "Gathers facts.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("gather_subset", StrList, "Which facts: `all`, `min`, `network`, `!hardware`, ...").default("all"),
        Param::new("filter", StrList, "Only facts whose names match one of these patterns."),
        Param::new("gather_timeout", Int, "Seconds that one fact may take; each is read at once.").default("10"),
        Param::new("fact_path", Str, "The directory of local facts.").default("/etc/ansible/facts.d"),
    ],
    file_attributes: false,
    examples: &[],
};
