//! `reboot`: refused on the host itself, as `ansible-playbook -c local` refuses it.

use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};

/// `reboot`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.reboot",
    aliases: &[],
    summary: "Refuses to reboot the host that muster itself runs on, as Ansible does with a local connection.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("boot_time_command", ParamKind::Str, "How to see that it has rebooted."),
        Param::new("connect_timeout", ParamKind::Int, "Seconds that one try to connect may take.")
            .aliases(&["connect_timeout_sec"]),
        Param::new("msg", ParamKind::Str, "What users are told.").default("Reboot initiated by Ansible"),
        Param::new("post_reboot_delay", ParamKind::Float, "Seconds to wait after it.")
            .default("0")
            .aliases(&["post_reboot_delay_sec"]),
        Param::new("pre_reboot_delay", ParamKind::Float, "Seconds to wait before it.")
            .default("0")
            .aliases(&["pre_reboot_delay_sec"]),
        Param::new("reboot_command", ParamKind::Str, "How to reboot."),
        Param::new("reboot_timeout", ParamKind::Int, "Seconds to wait for it.")
            .default("600")
            .aliases(&["reboot_timeout_sec"]),
        Param::new("search_paths", ParamKind::StrList, "Where `shutdown` is looked for."),
        Param::new("test_command", ParamKind::Str, "How to see that it is up.").default("whoami"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Reboot;

/// Reads the arguments.
pub fn reboot(_: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Reboot))
}

impl Module for Reboot {
    fn plan(&self, _: &Eyes<'_>) -> Result<Plan, Failed> {
        let message = "Running ansible.builtin.reboot with local connection would reboot the control node.";
        let hint = "reboot from outside, or leave a marker that a unit of the host's own acts on after the run";
        let failed = Failed { hint: Some(hint.into()), ..Failed::new(message) };
        Err(failed.with("changed", false).with("elapsed", 0_i64).with("rebooted", false))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, plan};
    use serde_json::json;

    #[test]
    fn the_host_itself_is_not_rebooted() {
        let refused =
            plan(&Fake::default(), "reboot", json!({"msg": "x", "pre_reboot_delay": 3})).err().expect("refused");
        assert!(refused.message.ends_with("with local connection would reboot the control node."));
        assert!(
            plan(&Fake::default(), "reboot", json!({"when": 1})).err().expect("refused").message.contains("`when`")
        );
    }
}
