//! `lvol`: a logical volume of a volume group, as large as asked.

mod found;
mod size;

use crate::host::{Command, Output};
use crate::roles::modules::programs::run;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, words};
use crate::roles::value::Value;
use found::{Group, Have};
use size::Size;

/// `lvol`.
pub static SPEC: Spec = Spec {
    name: "community.general.lvol",
    aliases: &[],
    summary: "Manages logical volumes.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("vg", ParamKind::Str, "The volume group.").required(),
        Param::new("lv", ParamKind::Str, "The logical volume."),
        Param::new("size", ParamKind::Str, "Its size: `512m`, `+10g`, `50%VG`, `+100%FREE`."),
        Param::new("opts", ParamKind::Str, "Options of `lvcreate`."),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("force", ParamKind::Bool, "Shrink or remove it.").default("false"),
        Param::new("shrink", ParamKind::Bool, "Whether a smaller size is asked for at all.").default("true"),
        Param::new("active", ParamKind::Bool, "Whether it can be used.").default("true"),
        Param::new("pvs", ParamKind::StrList, "The devices that it takes."),
        Param::new("resizefs", ParamKind::Bool, "Its filesystem as well.").default("false"),
        Param::new("thinpool", ParamKind::Str, "The thin pool that it is in, or that is to be made."),
        Param::new("snapshot", ParamKind::Str, "A snapshot of it.").unsupported("snapshots"),
    ],
    file_attributes: false,
    examples: &[],
};

#[derive(Clone)]
struct Volume {
    vg: String,
    lv: Option<String>,
    size: Option<Size>,
    options: Vec<String>,
    present: bool,
    force: bool,
    shrink: bool,
    active: bool,
    devices: Vec<String>,
    resize: bool,
    pool: Option<String>,
}

/// Reads the arguments.
pub fn volume(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let size = args.text("size").filter(|size| !size.is_empty());
    let size = size.map(|size| Size::read(&size)).transpose().map_err(|problem| args.wrong("size", problem))?;
    let volume = Volume {
        vg: args.must("vg")?,
        lv: args.text("lv"),
        size,
        options: words::split(&args.text("opts").unwrap_or_default()).map_err(|why| args.wrong("opts", why))?,
        present: args.must("state")? == "present",
        force: args.flag("force"),
        shrink: args.flag("shrink"),
        active: args.flag("active"),
        devices: args.texts("pvs"),
        resize: args.flag("resizefs"),
        pool: args.text("thinpool"),
    };
    if volume.lv.is_none() && volume.pool.is_none() {
        return Err(args.together("one of the following is required: lv, thinpool"));
    }
    Ok(Box::new(volume))
}

fn failed(message: String, output: &Output) -> Failed {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Failed::new(message).with("rc", i64::from(output.code)).with("err", stderr)
}

/// A number as Python writes a float.
fn shown(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.1}") } else { number.to_string() }
}

impl Volume {
    /// The path of the volume's name in messages.
    fn wanted(&self) -> &str {
        self.lv.as_deref().or(self.pool.as_deref()).unwrap_or_default()
    }

    fn creation(&self, eyes: &Eyes<'_>, have: &[Have]) -> Result<Plan, Failed> {
        let Some(size) = &self.size else { return Err(Failed::new("No size given.")) };
        if size.sign == Some('-') || size.sign.is_some() && !size.is_share() {
            let sign = size.sign.map(String::from).unwrap_or_default();
            return Err(Failed::new(format!("Bad size specification of '{sign}{}' for creating LV", size.digits)));
        }
        let unsigned = Size { sign: None, ..size.clone() };
        let mut words = vec!["lvcreate".to_owned(), "--yes".to_owned()];
        let vg = &self.vg;
        match (&self.pool, &self.lv) {
            (Some(pool), lv) => {
                if lv.is_some() && !have.iter().any(|have| have.name == *pool) {
                    return Err(Failed::new(format!("Thin pool LV {pool} does not exist in volume group {vg}.")));
                }
                if lv.is_some() && size.is_share() {
                    return Err(Failed::new("Thin volume sizing with percentage not supported."));
                }
                words.extend(lv.iter().flat_map(|lv| ["-n".to_owned(), lv.clone()]));
                words.extend(unsigned.words(lv.is_some().then_some("-V")));
                words.extend(self.options.iter().cloned());
                words.extend(["-T".to_owned(), format!("{vg}/{pool}")]);
            }
            (None, lv) => {
                words.extend(["-n".to_owned(), lv.clone().unwrap_or_default()]);
                words.extend(unsigned.words(None));
                words.extend(self.options.iter().cloned());
                words.push(vg.clone());
                words.extend(self.devices.iter().cloned());
            }
        }
        let name = self.lv.clone().unwrap_or_else(|| "None".into());
        Ok(run(eyes.command(words), move |_, output| match output {
            Some(output) if !output.ok() => Err(failed(format!("Creating logical volume '{name}' failed"), output)),
            _ => Ok(Plan { changed: Some(true), ..Plan::default() }.with("msg", "")),
        }))
    }

    /// The program that resizes, where the size differs.
    fn resizing(&self, group: &Group, have: &Have) -> Result<Option<Vec<String>>, Failed> {
        let Some(size) = &self.size else { return Ok(None) };
        let name = &have.name;
        let (wanted, margin) = if size.is_share() {
            let whole = if size.unit == "%FREE" { group.free } else { group.size };
            let share = size.number() * whole / 100.0;
            let wanted = match size.sign {
                Some('+') => share + have.size,
                Some(_) => have.size - share,
                None => share,
            };
            (wanted - wanted % group.extent, group.extent)
        } else {
            (size.number(), 0.0)
        };
        let extend = have.size < wanted || !size.is_share() && size.sign == Some('+');
        if extend {
            let needed = wanted - have.size;
            if size.is_share() && (group.free <= 0.0 || group.free < needed) {
                let (needed, free) = (shown(needed), shown(group.free));
                return Err(Failed::new(format!(
                    "Logical Volume {name} could not be extended. Not enough free space left ({needed}m required / \
                     {free}m available)"
                )));
            }
            return Ok(Some(vec!["lvextend".into()]));
        }
        let reduce = self.shrink && have.size > wanted + margin || !size.is_share() && size.sign == Some('-');
        if !reduce {
            return Ok(None);
        }
        if wanted < 1.0 && size.is_share() || wanted == 0.0 {
            return Err(Failed::new(format!("Sorry, no shrinking of {name} to 0 permitted.")));
        }
        if !self.force {
            let dot = if size.is_share() { "" } else { "." };
            return Err(Failed::new(format!("Sorry, no shrinking of {name} without force=true{dot}")));
        }
        Ok(Some(vec!["lvreduce".into(), "--force".into()]))
    }

    fn resized(self, eyes: &Eyes<'_>, have: Have, mut words: Vec<String>) -> Plan {
        words.extend(self.resize.then(|| "--resizefs".to_owned()));
        words.extend(self.size.iter().flat_map(|size| size.words(None)));
        words.push(format!("{}/{}", self.vg, have.name));
        words.extend(self.devices.iter().cloned());
        run(eyes.command(words), move |eyes, output| {
            let Some(output) = output else { return Ok(self.activated(eyes, &have, true)) };
            let both = output.text() + &String::from_utf8_lossy(&output.stderr);
            let plan = Plan { changed: Some(false), ..Plan::default() };
            if output.ok() && !both.contains("Reached maximum COW size") {
                return Ok(self.activated(eyes, &have, true));
            }
            if both.contains("matches existing size") {
                return Ok(self.told(plan, &have));
            }
            if both.contains("not larger than existing size") {
                return Ok(self.told(plan.with("msg", "Original size is larger than requested size"), &have));
            }
            let size = self.size.as_ref().map(|size| format!("{}{}", size.digits, size.unit)).unwrap_or_default();
            Err(failed(format!("Unable to resize {} to {size}", self.wanted()), output))
        })
    }

    fn told(&self, plan: Plan, have: &Have) -> Plan {
        plan.with("vg", self.vg.as_str()).with("lv", have.name.as_str()).with("size", Value::Float(have.size))
    }

    fn activated(&self, eyes: &Eyes<'_>, have: &Have, changed: bool) -> Plan {
        let last = self.told(Plan { changed: Some(changed || have.active != self.active), ..Plan::default() }, have);
        if have.active == self.active {
            return last;
        }
        let (flag, verb) = if self.active { ("-ay", "activate") } else { ("-an", "deactivate") };
        let command: Command =
            eyes.command(["lvchange".to_owned(), flag.to_owned(), format!("{}/{}", self.vg, have.name)]);
        let message = format!("Failed to {verb} logical volume {}", self.wanted());
        run(command, move |_, output| match output {
            Some(output) if !output.ok() => Err(failed(message, output)),
            _ => Ok(last),
        })
    }
}

impl Module for Volume {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let (group, volumes) = match self.look(eyes)? {
            Ok(found) => found,
            Err(output) => {
                let message = format!("Volume group {} does not exist.", self.vg);
                if self.present {
                    return Err(failed(message, &output));
                }
                return Ok(Plan::unchanged().with("stdout", message));
            }
        };
        let wanted = self.wanted();
        let last = wanted.rsplit('/').next().unwrap_or(wanted);
        let Some(have) = volumes.iter().find(|have| have.name == wanted || have.name == last).cloned() else {
            return if self.present { self.creation(eyes, &volumes) } else { Ok(Plan::unchanged().with("msg", "")) };
        };
        if !self.present {
            if !self.force {
                let message = format!("Sorry, no removal of logical volume {} without force=true.", have.name);
                return Err(Failed::new(message));
            }
            let command =
                eyes.command(["lvremove".to_owned(), "--force".to_owned(), format!("{}/{}", self.vg, have.name)]);
            let message = format!("Failed to remove logical volume {wanted}");
            return Ok(run(command, move |_, output| match output {
                Some(output) if !output.ok() => Err(failed(message, output)),
                _ => Ok(Plan { changed: Some(true), ..Plan::default() }),
            }));
        }
        match self.resizing(&group, &have)? {
            Some(tool) => Ok(self.clone().resized(eyes, have, tool)),
            None => Ok(self.activated(eyes, &have, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::{Value as Json, json};

    fn machine() -> Fake {
        let scale = |machine: Fake, unit: &str, by: f64| {
            let tail = format!("--units {unit} --separator ;");
            let vgs = format!("  data;{};{};{}\n", 1000.0 / by, 400.0 / by, 4.0 / by);
            let lvs = format!(
                "  log;{};-wi-a-----\n  off;{};-wi-------\n  pool;{};twi-a-tz--\n",
                600.0 / by,
                100.0 / by,
                8.0
            );
            machine
                .answer(
                    &format!("vgs --noheadings --nosuffix -o vg_name,size,free,vg_extent_size {tail} data"),
                    0,
                    &vgs,
                )
                .answer(&format!("lvs -a --noheadings --nosuffix -o lv_name,size,lv_attr {tail} data"), 0, &lvs)
                .answer(&format!("vgs --noheadings --nosuffix -o vg_name,size,free,vg_extent_size {tail} none"), 5, "")
        };
        scale(scale(Fake::default(), "m", 1.0), "g", 1024.0)
    }

    fn all(mut arguments: Json) -> Vec<String> {
        if arguments.get("vg").is_none() {
            arguments["vg"] = json!("data");
        }
        let mut done = Vec::new();
        let mut now = plan(&machine(), "lvol", arguments.clone()).unwrap_or_else(|e| panic!("{arguments}: {e}"));
        while !now.changes.is_empty() {
            done.extend(changes(&now));
            now = follow(now, &machine(), &[(0, "", "")]).expect("next");
        }
        done
    }

    #[test]
    fn volumes_are_made_and_resized() {
        let cases: &[(Json, &[&str])] = &[
            (json!({"lv": "log", "size": "600"}), &[]),
            (json!({"lv": "log", "size": "700m"}), &["lvextend -L 700m data/log"]),
            (json!({"lv": "log", "size": "2g", "resizefs": true}), &["lvextend --resizefs -L 2g data/log"]),
            (json!({"lv": "log", "size": "+50m"}), &["lvextend -L +50m data/log"]),
            (json!({"lv": "log", "size": "500", "force": true}), &["lvreduce --force -L 500m data/log"]),
            (json!({"lv": "log", "size": "500", "shrink": false}), &[]),
            (json!({"lv": "log", "size": "60%VG"}), &[]),
            (json!({"lv": "log", "size": "+100%FREE"}), &["lvextend -l +100%FREE data/log"]),
            (json!({"lv": "off"}), &["lvchange -ay data/off"]),
            (json!({"lv": "log", "active": false}), &["lvchange -an data/log"]),
            (
                json!({"lv": "new", "size": "100%FREE", "opts": "-i 2", "pvs": "/dev/a"}),
                &["lvcreate --yes -n new -l 100%FREE -i 2 data /dev/a"],
            ),
            (json!({"lv": "thin", "thinpool": "pool", "size": "1g"}), &["lvcreate --yes -n thin -V 1g -T data/pool"]),
            (json!({"thinpool": "p2", "size": "512m"}), &["lvcreate --yes -L 512m -T data/p2"]),
            (json!({"lv": "log", "state": "absent", "force": true}), &["lvremove --force data/log"]),
            (json!({"lv": "new", "state": "absent"}), &[]),
            (json!({"vg": "none", "lv": "x", "state": "absent"}), &[]),
        ];
        for (arguments, steps) in cases {
            assert_eq!(all(arguments.clone()), *steps, "{arguments}");
        }
    }

    #[test]
    fn what_would_be_lost_is_kept() {
        let cases = [
            (json!({"vg": "data", "lv": "log", "size": "500"}), "Sorry, no shrinking of log without force=true."),
            (json!({"vg": "data", "lv": "log", "state": "absent"}), "Sorry, no removal of logical volume log"),
            (
                json!({"vg": "data", "lv": "log", "size": "0", "force": true}),
                "Sorry, no shrinking of log to 0 permitted.",
            ),
            (json!({"vg": "data", "lv": "new"}), "No size given."),
            (json!({"vg": "none", "lv": "new", "size": "1"}), "Volume group none does not exist."),
            (json!({"vg": "data", "lv": "new", "size": "101%VG"}), "cannot be larger than 100%"),
            (json!({"vg": "data", "lv": "new", "size": "big"}), "Bad size specification"),
            (json!({"vg": "data", "lv": "t", "thinpool": "gone", "size": "1g"}), "Thin pool LV gone does not exist"),
            (json!({"vg": "data", "lv": "log", "size": "100%VG"}), ""),
        ];
        for (arguments, words) in cases {
            let done = plan(&machine(), "lvol", arguments.clone());
            if words.is_empty() {
                assert!(done.is_ok(), "{arguments}");
                continue;
            }
            let error = done.err().expect("refused");
            assert!(error.message.contains(words), "{arguments}: {error}");
        }
        let grow = plan(&machine(), "lvol", json!({"vg": "data", "lv": "log", "size": "700"})).expect("plan");
        let failed = follow(grow, &machine(), &[(5, "", "Insufficient free space")]).err().expect("failed");
        assert_eq!(failed.message, "Unable to resize log to 700m");
    }
}
