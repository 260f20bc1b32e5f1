//! The SELinux label that a task asks for: `seuser`, `serole`, `setype` and `selevel`.

use super::draft::Draft;
use crate::host::{Change, Kind};
use crate::roles::modules::{Args, Failed};
use crate::roles::value::Value;
use std::path::Path;

/// What stands for the policy's own part.
const BY_POLICY: &str = "_default";

/// User, role, type and level; none leaves that part as it is.
#[derive(Clone, Debug, Default)]
pub struct WantedLabel([Option<String>; 4]);

impl WantedLabel {
    /// Reads the common arguments.
    pub fn read(args: &Args) -> Self {
        Self(["seuser", "serole", "setype", "selevel"].map(|name| args.text(name)))
    }

    /// Sets the label where it differs; whether it did. Without SELinux nothing is asked for, as in Ansible.
    pub fn settle(&self, draft: &mut Draft<'_>, path: &Path, kind: Kind) -> Result<bool, Failed> {
        if self.0.iter().all(Option::is_none) {
            return Ok(false);
        }
        let Some(now) = label(draft, path)? else { return Ok(false) };
        let policy = if self.0.iter().flatten().any(|part| part == BY_POLICY) {
            draft.machine().policy_label(path, kind).map_err(|error| looking(path, &error))?
        } else {
            None
        };
        let policy: Vec<&str> = policy.iter().flat_map(|policy| policy.splitn(4, ':')).collect();
        let parts = now.splitn(4, ':').zip(&self.0).enumerate().map(|(at, (now, wanted))| match wanted.as_deref() {
            Some(BY_POLICY) => policy.get(at).copied().unwrap_or(now),
            Some(part) => part,
            None => now,
        });
        let wanted = parts.collect::<Vec<_>>().join(":");
        if wanted == now {
            return Ok(false);
        }
        let list = |label: &str| Value::list(label.splitn(4, ':').map(Value::str));
        draft.tell("secontext", list(&now), list(&wanted));
        let line = |label: &str| format!("secontext: {label}\n");
        draft.show(&format!("{} (label)", path.display()), line(&now), line(&wanted));
        draft.change(Change::SetLabel { path: path.to_owned(), label: wanted })?;
        Ok(true)
    }
}

/// The label that a path has or, once it is made, will have; none without SELinux.
pub fn label(draft: &Draft<'_>, path: &Path) -> Result<Option<String>, Failed> {
    draft.machine().label(path, false).map_err(|error| looking(path, &error))
}

fn looking(path: &Path, error: &std::io::Error) -> Failed {
    Failed::new(format!("look at the SELinux label of {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, plan};
    use serde_json::json;

    const HAVE: &str = "system_u:object_r:etc_t:s0";

    fn ask(machine: &Fake, arguments: serde_json::Value) -> Vec<String> {
        changes(&plan(machine, "file", arguments).expect("plan"))
    }

    #[test]
    fn a_part_that_differs_is_set_and_the_others_stay() {
        let machine = Fake::default().file("/f", "").label("/f", HAVE);
        let typed = ask(&machine, json!({"path": "/f", "setype": "mysqld_db_t"}));
        assert_eq!(typed, ["label /f system_u:object_r:mysqld_db_t:s0"]);
        let level = ask(&machine, json!({"path": "/f", "seuser": "system_u", "selevel": "s0:c1,c2"}));
        assert_eq!(level, ["label /f system_u:object_r:etc_t:s0:c1,c2"]);
        assert!(ask(&machine, json!({"path": "/f", "setype": "etc_t"})).is_empty());
    }

    #[test]
    fn the_policys_part_is_asked_for_by_name() {
        let machine = Fake::default().file("/f", "").label("/f", "u:r:tmp_t:s0").policy("/f", HAVE);
        assert_eq!(ask(&machine, json!({"path": "/f", "setype": "_default"})), ["label /f u:r:etc_t:s0"]);
        assert!(ask(&machine, json!({"path": "/f"})).is_empty());
    }

    #[test]
    fn without_selinux_nothing_is_asked_for() {
        let machine = Fake::default().file("/f", "");
        assert!(ask(&machine, json!({"path": "/f", "setype": "mysqld_db_t"})).is_empty());
        let told = plan(&machine, "file", json!({"path": "/f"})).expect("plan");
        assert!(!told.result.keys().any(|key| key.to_string() == "secontext"));
    }
}
