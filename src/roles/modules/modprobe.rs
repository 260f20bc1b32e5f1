//! `modprobe` and `ping`: a kernel module is loaded; the run is alive.

use super::programs::in_turn;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::host::Change;

/// `modprobe`.
pub static MODPROBE: Spec = Spec {
    name: "community.general.modprobe",
    aliases: &[],
    summary: "Loads and unloads kernel modules.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The kernel module.").required(),
        Param::new("state", ParamKind::Str, "Whether it is loaded.").default("present").choices(&["absent", "present"]),
        Param::new("params", ParamKind::Str, "Its parameters.").default(""),
        Param::new("persistent", ParamKind::Str, "Whether it is loaded at boot; write modules-load.d with copy.")
            .default("disabled")
            .choices(&["disabled", "present", "absent"])
            .only(&["disabled"]),
    ],
    file_attributes: false,
    examples: &["community.general.modprobe:\n  name: br_netfilter\n  state: present\n"],
};

/// `ping`.
pub static PING: Spec = Spec {
    name: "ansible.builtin.ping",
    aliases: &[],
    summary: "Answers `pong`.",
    free_form: FreeForm::Pairs,
    params: &[Param::new("data", ParamKind::Str, "What to answer; `crash` fails.").default("pong")],
    file_attributes: false,
    examples: &["ping: {}\n"],
};

struct Modprobe {
    name: String,
    params: String,
    words: Vec<String>,
    present: bool,
}

struct Ping(String);

/// Reads `modprobe`'s arguments.
pub fn modprobe(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let params = args.text("params").unwrap_or_default();
    let words = words::split(&params).map_err(|why| args.wrong("params", why))?;
    let name = args.must("name")?;
    if name.starts_with('-') {
        return Err(args.wrong("name", format!("`{name}` is an option, not a module")));
    }
    Ok(Box::new(Modprobe { name, params, words, present: args.must("state")? == "present" }))
}

/// Reads `ping`'s arguments.
pub fn ping(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Ping(args.must("data")?)))
}

impl Module for Ping {
    fn plan(&self, _: &Eyes<'_>) -> Result<Plan, Failed> {
        if self.0 == "crash" {
            return Err(Failed::new("boom"));
        }
        Ok(Plan::unchanged().with("ping", self.0.as_str()))
    }
}

/// A file without which nobody can say what is loaded: a kernel without modules has none.
fn kernel_file(eyes: &Eyes<'_>, path: &str) -> Result<String, Failed> {
    if eyes.exists(path)? {
        return eyes.text(path);
    }
    Err(Failed::new(format!("[Errno 2] No such file or directory: '{path}'")))
}

impl Module for Modprobe {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let loaded = format!("{} ", self.name.replace('-', "_"));
        let file = format!("/{}.ko", self.name);
        let release = eyes.text("/proc/sys/kernel/osrelease")?;
        let builtin = format!("/lib/modules/{}/modules.builtin", release.trim());
        let is_loaded = kernel_file(eyes, "/proc/modules")?.lines().any(|line| line.starts_with(&loaded))
            || kernel_file(eyes, &builtin)?.lines().any(|line| line.trim_end().ends_with(&file));
        let state = if self.present { "present" } else { "absent" };
        let plan = Plan::unchanged()
            .with("name", self.name.as_str())
            .with("params", self.params.as_str())
            .with("state", state);
        if is_loaded == self.present {
            return Ok(plan);
        }
        let mut argv = vec!["modprobe".to_owned()];
        if self.present {
            argv.push(self.name.clone());
            argv.extend(self.words.iter().cloned());
        } else {
            argv.extend(["-r".to_owned(), self.name.clone()]);
        }
        let steps = [(Change::Run(eyes.command(argv)), format!("modprobe {}", self.name))];
        Ok(in_turn(steps.into(), Plan { changed: Some(true), ..plan }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, plan};
    use serde_json::json;

    #[test]
    fn a_module_is_loaded_once() {
        let machine = Fake::default()
            .file("/proc/sys/kernel/osrelease", "6.1.0\n")
            .file("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext4.ko\n")
            .file("/proc/modules", "br_netfilter 32768 0 - Live 0x0\n");
        let ask = |name: &str, state: &str| {
            changes(&plan(&machine, "modprobe", json!({"name": name, "state": state})).expect("plan")).join(", ")
        };
        assert_eq!(ask("br-netfilter", "present"), "");
        assert_eq!(ask("ext4", "present"), "");
        assert_eq!(ask("dummy", "absent"), "");
        assert_eq!(ask("br_netfilter", "absent"), "modprobe -r br_netfilter");
        assert_eq!(ask("dummy", "present"), "modprobe dummy");
        for state in ["present", "absent"] {
            let bare = Fake::default().file("/proc/sys/kernel/osrelease", "6.1.0\n");
            let failed = plan(&bare, "modprobe", json!({"name": "dummy", "state": state})).err().expect("failed");
            assert!(failed.message.contains("'/proc/modules'"), "{}", failed.message);
        }
        let kept =
            plan(&machine, "modprobe", json!({"name": "dummy", "persistent": "present"})).err().expect("refused");
        assert!(kept.message.contains("persistent: present"), "{}", kept.message);
    }
}
