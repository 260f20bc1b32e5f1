//! `lvg`: a volume group is made of physical volumes.

use crate::host::Command;
use crate::roles::modules::programs::{asked, run};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use std::collections::VecDeque;
use std::path::Path;

/// `lvg`.
pub static SPEC: Spec = Spec {
    name: "community.general.lvg",
    aliases: &[],
    summary: "Manages volume groups.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("vg", ParamKind::Str, "The group.").required(),
        Param::new("pvs", ParamKind::StrList, "Its devices."),
        Param::new("pesize", ParamKind::Str, "The size of its extents.").default("4"),
        Param::new("pv_options", ParamKind::Str, "Options of `pvcreate`.").default(""),
        Param::new("vg_options", ParamKind::Str, "Options of `vgcreate`.").default(""),
        Param::new("state", ParamKind::Str, "Whether it is there.")
            .default("present")
            .choices(&["absent", "present", "active", "inactive"])
            .only(&["absent", "present"]),
        Param::new("force", ParamKind::Bool, "Remove it with what it holds.").default("false"),
        Param::new("remove_extra_pvs", ParamKind::Bool, "Take out devices that are not named.").default("true"),
        Param::new("pvresize", ParamKind::Bool, "Grow physical volumes to their devices.").default("false"),
        Param::new("reset_vg_uuid", ParamKind::Bool, "Give it a new UUID.").default("false").unsupported("new UUIDs"),
        Param::new("reset_pv_uuid", ParamKind::Bool, "Give its devices new UUIDs.")
            .default("false")
            .unsupported("new UUIDs"),
    ],
    file_attributes: false,
    examples: &[],
};

struct Group {
    name: String,
    devices: Vec<String>,
    extent: String,
    pv_options: Vec<String>,
    vg_options: Vec<String>,
    present: bool,
    force: bool,
    remove_extra: bool,
    resize: bool,
}

/// Reads the arguments.
pub fn group(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let words = |name: &str| -> Vec<String> {
        args.text(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    Ok(Box::new(Group {
        name: args.must("vg")?,
        devices: args.texts("pvs"),
        extent: args.must("pesize")?,
        pv_options: words("pv_options"),
        vg_options: words("vg_options"),
        present: args.must("state")? == "present",
        force: args.flag("force"),
        remove_extra: args.flag("remove_extra_pvs"),
        resize: args.flag("pvresize"),
    }))
}

/// A device's own path, links followed.
fn real(eyes: &Eyes<'_>, device: &str) -> Result<String, Failed> {
    let mut path = device.to_owned();
    for _ in 0..16 {
        let target = eyes.host.read_link(Path::new(&path));
        let Some(target) = target.map_err(|error| Failed::new(format!("looking at {path}: {error}")))? else { break };
        let joined = Path::new(&path).parent().unwrap_or(Path::new("/")).join(target);
        let mut clean = std::path::PathBuf::new();
        for part in joined.components() {
            if part == std::path::Component::ParentDir {
                clean.pop();
            } else {
                clean.push(part);
            }
        }
        path = clean.to_string_lossy().into_owned();
    }
    Ok(path)
}

/// Commands one after the other; the first that ends badly is told in its words.
fn steps(mut all: VecDeque<(Command, String)>) -> Plan {
    let Some((command, failure)) = all.pop_front() else { return Plan { changed: Some(true), ..Plan::default() } };
    run(command, move |_, output| match output {
        Some(output) if !output.ok() => {
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(Failed::new(failure).with("rc", i64::from(output.code)).with("err", stderr))
        }
        _ => Ok(steps(all)),
    })
}

impl Group {
    /// Physical volumes with their groups, device-mapper's names resolved.
    fn volumes(&self, eyes: &Eyes<'_>) -> Result<Vec<(String, String)>, Failed> {
        let text = asked(eyes, ["pvs", "--noheadings", "-o", "pv_name,vg_name", "--separator", ";"])?.text();
        let pairs = text.lines().filter_map(|line| line.trim().split_once(';'));
        pairs.map(|(name, group)| Ok((real(eyes, name)?, group.trim().to_owned()))).collect()
    }

    fn create(&self, eyes: &Eyes<'_>, devices: &[String]) -> Vec<(Command, String)> {
        let create = |device: &String| {
            let words = ["pvcreate".to_owned()].into_iter().chain(self.pv_options.iter().cloned());
            let command = eyes.command(words.chain(["-f".to_owned(), device.clone()]));
            (command, format!("Creating physical volume '{device}' failed"))
        };
        devices.iter().map(create).collect()
    }

    fn grown(&self, eyes: &Eyes<'_>, device: &str) -> Result<Option<(Command, String)>, Failed> {
        let words =
            ["pvdisplay", device, "--units", "b", "--columns", "--noheadings", "--nosuffix", "--separator", ";"];
        let fields = ["-o", "dev_size,pv_size,pe_start,vg_extent_size"];
        let text = asked(eyes, words.into_iter().chain(fields))?.text();
        let numbers: Vec<u64> = text.trim().split(';').filter_map(|part| part.trim().parse().ok()).collect();
        let [size, used, start, extent] = numbers[..] else {
            return Err(Failed::new(format!("unable to process pvdisplay output for {device}")));
        };
        let larger = size.saturating_sub(start + used) > extent;
        Ok(larger.then(|| (eyes.command(["pvresize", device]), "Failed executing pvresize command.".into())))
    }

    fn altered(&self, eyes: &Eyes<'_>, devices: &[String], volumes: &[(String, String)]) -> Result<Plan, Failed> {
        let name = &self.name;
        let have: Vec<&String> = volumes.iter().filter(|(_, group)| group == name).map(|(device, _)| device).collect();
        let mut all = VecDeque::new();
        for device in have.iter().filter(|_| self.resize) {
            all.extend(self.grown(eyes, device)?);
        }
        let add: Vec<String> = devices.iter().filter(|device| !have.contains(device)).cloned().collect();
        if !add.is_empty() {
            all.extend(self.create(eyes, &add));
            let command = eyes.command(["vgextend".to_owned(), name.clone()].into_iter().chain(add.iter().cloned()));
            all.push_back((command, format!("Unable to extend {name} by {}.", add.join(" "))));
        }
        let extra = have.into_iter().filter(|device| self.remove_extra && !devices.contains(device));
        let extra: Vec<String> = extra.cloned().collect();
        if !extra.is_empty() {
            let words = ["vgreduce".to_owned(), "--force".to_owned(), name.clone()];
            let command = eyes.command(words.into_iter().chain(extra.iter().cloned()));
            all.push_back((command, format!("Unable to reduce {name} by {}.", extra.join(" "))));
        }
        Ok(if all.is_empty() { Plan::unchanged() } else { steps(all) })
    }
}

impl Module for Group {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let name = &self.name;
        let text = asked(eyes, ["vgs", "--noheadings", "-o", "vg_name,pv_count,lv_count", "--separator", ";"])?.text();
        let line = text.lines().map(|line| line.trim().split(';').collect::<Vec<_>>()).find(|parts| parts[0] == name);
        if !self.present {
            let Some(parts) = line else { return Ok(Plan::unchanged()) };
            if parts.get(2) != Some(&"0") && !self.force {
                let message = format!("Refuse to remove non-empty volume group {name} without force=true");
                return Err(Failed::new(message));
            }
            let command = eyes.command(["vgremove", "--force", name]);
            return Ok(steps([(command, format!("Failed to remove volume group {name}"))].into()));
        }
        if self.devices.is_empty() {
            let missing = || Err(Failed::new("No physical volumes given."));
            return if line.is_none() { missing() } else { Ok(Plan::unchanged()) };
        }
        let devices: Vec<String> = self.devices.iter().map(|device| real(eyes, device)).collect::<Result<_, _>>()?;
        for device in &devices {
            if !eyes.exists(device)? {
                return Err(Failed::new(format!("Device {device} not found.")));
            }
        }
        let volumes = self.volumes(eyes)?;
        let foreign = volumes.iter().find(|(device, g)| devices.contains(device) && !g.is_empty() && g != name);
        if let Some((device, group)) = foreign {
            return Err(Failed::new(format!("Device {device} is already in {group} volume group.")));
        }
        if line.is_some() {
            return self.altered(eyes, &devices, &volumes);
        }
        let mut all: VecDeque<(Command, String)> = self.create(eyes, &devices).into();
        let words = ["vgcreate".to_owned()].into_iter().chain(self.vg_options.iter().cloned());
        let words = words.chain(["-s".to_owned(), self.extent.clone(), name.clone()]).chain(devices);
        all.push_back((eyes.command(words), format!("Creating volume group '{name}' failed")));
        Ok(steps(all))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::{Value as Json, json};

    fn machine() -> Fake {
        let pvs = "  /dev/a;data\n  /dev/b;data\n  /dev/c;\n  /dev/o;other\n";
        ["/dev/a", "/dev/b", "/dev/c", "/dev/o"]
            .iter()
            .fold(Fake::default(), |machine, device| machine.file(device, ""))
            .answer("vgs --noheadings -o vg_name,pv_count,lv_count --separator ;", 0, "  data;2;1\n  empty;1;0\n")
            .answer("pvs --noheadings -o pv_name,vg_name --separator ;", 0, pvs)
    }

    fn all(arguments: Json) -> Vec<String> {
        let mut done = Vec::new();
        let mut now = plan(&machine(), "lvg", arguments).expect("plan");
        while !now.changes.is_empty() {
            done.extend(changes(&now));
            now = follow(now, &machine(), &[(0, "", "")]).expect("next");
        }
        done
    }

    #[test]
    fn groups_are_made_of_devices() {
        assert_eq!(all(json!({"vg": "data", "pvs": ["/dev/a", "/dev/b"]})), Vec::<String>::new());
        let new = json!({"vg": "new", "pvs": "/dev/c", "pesize": "32", "vg_options": "--x y", "pv_options": "-q"});
        assert_eq!(all(new), ["pvcreate -q -f /dev/c", "vgcreate --x y -s 32 new /dev/c"]);
        assert_eq!(
            all(json!({"vg": "data", "pvs": "/dev/a,/dev/c"})),
            ["pvcreate -f /dev/c", "vgextend data /dev/c", "vgreduce --force data /dev/b"]
        );
        assert_eq!(all(json!({"vg": "data", "pvs": "/dev/a", "remove_extra_pvs": false})), Vec::<String>::new());
        assert_eq!(all(json!({"vg": "empty", "state": "absent"})), ["vgremove --force empty"]);
        assert_eq!(all(json!({"vg": "none", "state": "absent"})), Vec::<String>::new());
    }

    #[test]
    fn what_would_be_lost_is_kept() {
        let ask = |arguments| plan(&machine(), "lvg", arguments).err().expect("refused").message;
        let full = ask(json!({"vg": "data", "state": "absent"}));
        assert_eq!(full, "Refuse to remove non-empty volume group data without force=true");
        assert_eq!(ask(json!({"vg": "new", "pvs": "/dev/o"})), "Device /dev/o is already in other volume group.");
        assert_eq!(ask(json!({"vg": "new", "pvs": "/dev/z"})), "Device /dev/z not found.");
        assert_eq!(ask(json!({"vg": "new"})), "No physical volumes given.");
        let new = plan(&machine(), "lvg", json!({"vg": "new", "pvs": "/dev/c"})).expect("plan");
        let failed = follow(new, &machine(), &[(5, "", "busy")]).err().expect("failed");
        assert_eq!(failed.message, "Creating physical volume '/dev/c' failed");
    }
}
