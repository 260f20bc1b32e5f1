//! `parted`: a partition of a disk is there, with its place, name and flags, or is not.

use super::partitions::{Disk, quantity};
use crate::host::Command;
use crate::roles::modules::programs::run;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::Value;

const UNITS: &[&str] = &["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "s", "%", "cyl", "chs", "compact"];

/// `parted`.
pub static SPEC: Spec = Spec {
    name: "community.general.parted",
    aliases: &[],
    summary: "Manages partitions.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("device", ParamKind::Str, "The disk.").required(),
        Param::new("state", ParamKind::Str, "Whether the partition is there.")
            .default("info")
            .choices(&["absent", "info", "present"]),
        Param::new("number", ParamKind::Int, "The partition's number."),
        Param::new("label", ParamKind::Str, "The kind of partition table.")
            .default("msdos")
            .choices(&["aix", "amiga", "bsd", "dvh", "gpt", "loop", "mac", "msdos", "pc98", "sun"]),
        Param::new("part_type", ParamKind::Str, "The kind of partition.")
            .default("primary")
            .choices(&["extended", "logical", "primary"]),
        Param::new("part_start", ParamKind::Str, "Where it starts.").default("0%"),
        Param::new("part_end", ParamKind::Str, "Where it ends.").default("100%"),
        Param::new("fs_type", ParamKind::Str, "The filesystem that it is for."),
        Param::new("name", ParamKind::Str, "Its name."),
        Param::new("flags", ParamKind::StrList, "Its flags, all of them."),
        Param::new("align", ParamKind::Str, "How it is aligned.").default("optimal").choices(&[
            "cylinder",
            "minimal",
            "none",
            "optimal",
            "undefined",
        ]),
        Param::new("unit", ParamKind::Str, "The unit of sizes in the result.")
            .default("KiB")
            .choices(UNITS)
            .only(&["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "s", "%"]),
        Param::new("resize", ParamKind::Bool, "Move the end of a partition that is there.")
            .default("false")
            .unsupported("resizing partitions"),
    ],
    file_attributes: false,
    examples: &[],
};

#[derive(Clone)]
struct Parted {
    device: String,
    state: String,
    number: i64,
    label: String,
    kind: String,
    start: String,
    end: String,
    filesystem: Option<String>,
    name: Option<String>,
    flags: Vec<String>,
    align: String,
    unit: String,
}

/// Reads the arguments.
pub fn parted(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let (state, number) = (args.must("state")?, args.int("number"));
    if state != "info" && number.is_none() {
        return Err(args.together(format!("state is {state} but all of the following are missing: number")));
    }
    if number.is_some_and(|number| number < 1) {
        return Err(args.wrong("number", "The partition number must be greater then 0."));
    }
    for name in ["part_start", "part_end"] {
        let text = args.must(name)?;
        if !quantity(&text).is_some_and(|(_, unit)| unit.is_empty() || UNITS.contains(&unit)) {
            let problem =
                format!("The argument '{name}' doesn't respect required format. The size unit is case sensitive.");
            return Err(args.wrong(name, problem));
        }
    }
    let mut flags = args.texts("flags");
    // parted sets boot with esp.
    if flags.iter().any(|flag| flag == "esp") && !flags.iter().any(|flag| flag == "boot") {
        flags.push("boot".into());
    }
    Ok(Box::new(Parted {
        device: args.must("device")?,
        state,
        number: number.unwrap_or_default(),
        label: args.must("label")?,
        kind: args.must("part_type")?,
        start: args.must("part_start")?,
        end: args.must("part_end")?,
        filesystem: args.text("fs_type"),
        name: args.text("name"),
        flags,
        align: args.must("align")?,
        unit: args.must("unit")?,
    }))
}

impl Parted {
    fn look(&self, eyes: &Eyes<'_>) -> Result<Disk, Failed> {
        let words = ["parted", "-s", "-m", &self.device, "--", "unit", &self.unit, "print"];
        let output = eyes.ask(words)?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let failed = || {
            let script = words.join(" ");
            let message = format!("Error while getting device information with parted script: '{script}'");
            Failed::new(message).with("rc", i64::from(output.code)).with("err", stderr.clone())
        };
        // A disk without a table is told of as well, with a complaint.
        if !output.ok() && !stderr.contains("unrecognised disk label") {
            return Err(failed());
        }
        Disk::read(&output.text()).ok_or_else(failed)
    }

    fn command(&self, eyes: &Eyes<'_>, script: &[String]) -> Command {
        let mut words = vec!["parted", "-s", "-m"];
        if self.align != "undefined" {
            words.extend(["-a", &self.align]);
        }
        words.extend([self.device.as_str(), "--"]);
        eyes.command(words.into_iter().map(str::to_owned).chain(script.iter().cloned()))
    }

    /// What makes the table and the partition, where they are not there.
    fn making(&self, disk: &Disk) -> Vec<String> {
        let mut script = Vec::new();
        let relabel = disk.table != self.label;
        if relabel {
            script.extend(["mklabel".to_owned(), self.label.clone()]);
        }
        if relabel || disk.partition(self.number).is_none() {
            script.extend(["mkpart".to_owned(), self.kind.clone()]);
            script.extend(self.filesystem.clone());
            script.extend([self.start.clone(), self.end.clone()]);
        }
        self.with_unit(script)
    }

    fn with_unit(&self, script: Vec<String>) -> Vec<String> {
        if script.is_empty() {
            return script;
        }
        ["unit".to_owned(), self.unit.clone()].into_iter().chain(script).collect()
    }

    /// What gives the partition its name and flags.
    fn naming(&self, name: &str, flags: &[String]) -> Vec<String> {
        let number = self.number.to_string();
        let mut script = Vec::new();
        if let Some(wanted) = self.name.as_deref().filter(|wanted| *wanted != name) {
            // parted takes its arguments apart again.
            script.extend(["name".to_owned(), number.clone(), format!("\"{wanted}\"")]);
        }
        let mut set = |flag: &String, to: &str| {
            script.extend(["set".to_owned(), number.clone(), flag.clone(), to.to_owned()]);
        };
        if !self.flags.is_empty() {
            self.flags.iter().filter(|flag| !flags.contains(flag)).for_each(|flag| set(flag, "on"));
            flags.iter().filter(|flag| !self.flags.contains(flag)).for_each(|flag| set(flag, "off"));
        }
        self.with_unit(script)
    }

    fn told(&self, eyes: &Eyes<'_>, changed: bool, script: &[String]) -> Result<Plan, Failed> {
        let disk = self.look(eyes)?;
        Ok(Plan { changed: Some(changed), ..Plan::default() }
            .with("disk", disk.shown())
            .with("partitions", disk.shown_partitions())
            .with("script", Value::list(script.iter().map(|word| Value::str(word.as_str())))))
    }

    /// Runs a script, and goes on; `first` is what was run before it.
    fn scripted(
        self,
        eyes: &Eyes<'_>,
        first: Vec<String>,
        script: Vec<String>,
        then: impl FnOnce(&Self, &Eyes<'_>, bool, Vec<String>) -> Result<Plan, Failed> + 'static,
    ) -> Plan {
        let command = self.command(eyes, &script);
        run(command.clone(), move |eyes, output| {
            if let Some(output) = output.filter(|output| !output.ok()) {
                let message = format!("Error while running parted script: {}", command.shown());
                let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Failed::new(message).with("rc", i64::from(output.code)).with("err", stderr));
            }
            then(&self, eyes, output.is_some(), [first, script].concat())
        })
    }

    fn named(&self, eyes: &Eyes<'_>, ran: bool, first: Vec<String>) -> Result<Plan, Failed> {
        let made = !first.is_empty();
        let disk = self.look(eyes)?;
        let script = match disk.partition(self.number) {
            // Only planned so far: the partition will be a bare one.
            _ if made && !ran => self.naming("", &[]),
            Some(partition) => self.naming(&partition.name, &partition.flags),
            None => Vec::new(),
        };
        if script.is_empty() {
            return self.told(eyes, made, &first);
        }
        Ok(self.clone().scripted(eyes, first, script, |task, eyes, _, all| task.told(eyes, true, &all)))
    }
}

impl Module for Parted {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let disk = self.look(eyes)?;
        let there = disk.partition(self.number).is_some();
        match self.state.as_str() {
            "absent" if there => {
                let script = vec!["rm".to_owned(), self.number.to_string()];
                let told = |task: &Self, eyes: &Eyes<'_>, _: bool, all: Vec<String>| task.told(eyes, true, &all);
                Ok(self.clone().scripted(eyes, Vec::new(), script, told))
            }
            "absent" => self.told(eyes, false, &[]),
            "info" => self.told(eyes, false, &["unit".to_owned(), self.unit.clone(), "print".to_owned()]),
            _ => {
                let script = self.making(&disk);
                if script.is_empty() {
                    return self.named(eyes, true, Vec::new());
                }
                Ok(self.clone().scripted(eyes, Vec::new(), script, Self::named))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use crate::roles::value::Key;
    use serde_json::{Value as Json, json};

    const PRINT: &str = "parted -s -m /dev/x -- unit KiB print";

    fn machine(lines: &str) -> Fake {
        Fake::default().answer(PRINT, 0, &format!("BYT;\n/dev/x:1048576kiB:scsi:512:4096:{lines}"))
    }

    fn bare() -> Fake {
        machine("unknown:ATA DISK:;\n")
    }

    fn full() -> Fake {
        machine("gpt:ATA DISK:;\n1:1024kiB:512000kiB:510976kiB:ext4:root:boot, esp;\n")
    }

    fn ask(more: Json) -> Json {
        let mut all = json!({"device": "/dev/x", "number": 1, "state": "present", "label": "gpt"});
        for (key, value) in more.as_object().expect("object") {
            all[key] = value.clone();
        }
        all
    }

    #[test]
    fn partitions_are_made_named_and_removed() {
        let new = ask(json!({"name": "data", "flags": ["lvm"], "part_end": "50%"}));
        let new = plan(&bare(), "parted", new).expect("plan");
        assert_eq!(changes(&new), ["parted -s -m -a optimal /dev/x -- unit KiB mklabel gpt mkpart primary 0% 50%"]);
        let made = machine("gpt:ATA DISK:;\n1:1024kiB:512000kiB:510976kiB:::;\n");
        let named = follow(new, &made, &[(0, "", "")]).expect("named");
        let script = "parted -s -m -a optimal /dev/x -- unit KiB name 1 \"data\" set 1 lvm on";
        assert_eq!(changes(&named), [script]);
        let done = follow(named, &made, &[(0, "", "")]).expect("done");
        assert_eq!(
            (done.changed, done.result[&Key::from("script")].to_json().as_array().map(Vec::len)),
            (Some(true), Some(17))
        );
        let same = plan(&full(), "parted", ask(json!({"name": "root", "flags": ["esp"]}))).expect("same");
        assert!(same.changes.is_empty() && same.changed == Some(false));
        let flags = plan(&full(), "parted", ask(json!({"flags": ["boot"], "align": "undefined"}))).expect("flags");
        assert_eq!(changes(&flags), ["parted -s -m /dev/x -- unit KiB set 1 esp off"]);
        let gone = plan(&full(), "parted", ask(json!({"state": "absent"}))).expect("gone");
        assert_eq!(changes(&gone), ["parted -s -m -a optimal /dev/x -- rm 1"]);
        assert!(plan(&bare(), "parted", ask(json!({"state": "absent"}))).expect("none").changes.is_empty());
    }

    #[test]
    fn a_disk_is_described() {
        let info = plan(&full(), "parted", json!({"device": "/dev/x"})).expect("info");
        let disk = info.result[&Key::from("disk")].to_json();
        assert_eq!((&disk["size"], &disk["table"], &disk["unit"]), (&json!(1_048_576.0), &json!("gpt"), &json!("kib")));
        let parts = info.result[&Key::from("partitions")].to_json();
        assert_eq!((&parts[0]["num"], &parts[0]["flags"]), (&json!(1), &json!(["boot", "esp"])));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let cases = [
            (json!({"device": "/dev/x", "state": "present"}), "missing: number"),
            (ask(json!({"number": 0})), "greater then 0"),
            (ask(json!({"part_end": "1 furlong"})), "doesn't respect required format"),
            (ask(json!({"resize": true})), "resize"),
            (json!({"device": "/dev/y"}), "parted -s -m /dev/y"),
        ];
        for (arguments, words) in cases {
            let error = plan(&full(), "parted", arguments.clone()).err().expect("refused");
            assert!(error.message.contains(words), "{arguments}: {error}");
        }
        let new = plan(&bare(), "parted", ask(json!({}))).expect("plan");
        let failed = follow(new, &bare(), &[(1, "", "busy")]).err().expect("failed");
        assert!(failed.message.starts_with("Error while running parted script: parted"), "{failed}");
    }
}
