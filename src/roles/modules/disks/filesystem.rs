//! `filesystem`: a device carries a filesystem, as large as the device, or none.

use crate::host::{Command, Kind};
use crate::roles::modules::files::draft::expand;
use crate::roles::modules::programs::{all_well, asked, ended_badly, run};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use std::path::Path;

/// `filesystem`.
pub static SPEC: Spec = Spec {
    name: "community.general.filesystem",
    aliases: &[],
    summary: "Makes filesystems.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("dev", ParamKind::Path, "The device, or a file that stands for one.")
            .required()
            .aliases(&["device"]),
        Param::new("state", ParamKind::Str, "Whether it carries one.")
            .default("present")
            .choices(&["present", "absent"]),
        Param::new("fstype", ParamKind::Str, "The kind of filesystem.")
            .aliases(&["type"])
            .choices(&[
                "bcachefs", "ext2", "ext3", "ext4", "ext4dev", "f2fs", "reiserfs", "xfs", "btrfs", "vfat", "ocfs2",
                "lvm", "swap", "ufs",
            ])
            .only(&["ext2", "ext3", "ext4", "ext4dev", "xfs", "btrfs", "vfat", "lvm", "swap"]),
        Param::new("opts", ParamKind::Str, "Options of the program that makes it."),
        Param::new("force", ParamKind::Bool, "Over another one.").default("false"),
        Param::new("resizefs", ParamKind::Bool, "Grow it to its device.").default("false"),
        Param::new("uuid", ParamKind::Str, "Its UUID.").unsupported("UUIDs of filesystems"),
    ],
    file_attributes: false,
    examples: &[],
};

/// How a kind of filesystem is made and grown.
struct Form {
    /// As `blkid` names it.
    name: &'static str,
    /// As the module's messages name it.
    class: &'static str,
    make: &'static [&'static str],
    grow: &'static [&'static str],
    /// Bytes that a device may be larger by.
    slack: u64,
    /// Whether it is grown where it is mounted.
    mounted: bool,
}

const fn form(name: &'static str, class: &'static str, make: &'static [&'static str]) -> Form {
    Form { name, class, make, grow: &[], slack: 0, mounted: false }
}

const RESIZE: &[&str] = &["resize2fs"];
static FORMS: [Form; 8] = [
    Form { grow: RESIZE, ..form("ext2", "Ext2", &["mkfs.ext2", "-F"]) },
    Form { grow: RESIZE, ..form("ext3", "Ext3", &["mkfs.ext3", "-F"]) },
    Form { grow: RESIZE, ..form("ext4", "Ext4", &["mkfs.ext4", "-F"]) },
    Form { grow: &["xfs_growfs"], slack: 64 * 4096 - 1, mounted: true, ..form("xfs", "XFS", &["mkfs.xfs", "-f"]) },
    Form {
        grow: &["btrfs", "filesystem", "resize", "max"],
        mounted: true,
        ..form("btrfs", "Btrfs", &["mkfs.btrfs", "-f"])
    },
    Form { grow: &["fatresize", "-s", "max"], ..form("vfat", "VFAT", &["mkfs.vfat"]) },
    Form { grow: &["pvresize"], ..form("LVM2_member", "LVM", &["pvcreate", "-f"]) },
    form("swap", "Swap", &["mkswap", "-f"]),
];

struct Filesystem {
    device: String,
    form: Option<&'static Form>,
    options: Vec<String>,
    force: bool,
    resize: bool,
}

/// Reads the arguments.
pub fn filesystem(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let present = args.must("state")? == "present";
    let kind = args.text("fstype");
    if present && kind.is_none() {
        return Err(args.together("state is present but all of the following are missing: fstype"));
    }
    let name = match kind.as_deref() {
        Some("ext4dev") => Some("ext4"),
        Some("lvm") => Some("LVM2_member"),
        other => other,
    };
    Ok(Box::new(Filesystem {
        device: args.must("dev")?,
        form: FORMS.iter().find(|form| present && Some(form.name) == name),
        options: args.text("opts").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        force: args.flag("force"),
        resize: args.flag("resizefs"),
    }))
}

/// The number after a label in a program's output.
fn number(text: &str, label: &str) -> Option<u64> {
    let rest = &text[text.find(label)? + label.len()..];
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn mountpoint(eyes: &Eyes<'_>, device: &str) -> Result<Option<String>, Failed> {
    let output = eyes.ask(["findmnt", "--mtab", "--noheadings", "--output", "TARGET", "--source", device])?;
    let text = output.text();
    Ok(text.lines().next().filter(|_| output.ok()).map(str::to_owned))
}

fn device_size(eyes: &Eyes<'_>, device: &str) -> Result<u64, Failed> {
    let stat = eyes.host.stat(Path::new(device), true);
    let stat = stat.map_err(|error| Failed::new(format!("looking at {device}: {error}")))?;
    match stat {
        Some(stat) if stat.kind == Kind::Block => {
            let text = asked(eyes, ["blockdev", "--getsize64", device])?.text();
            text.trim().parse().map_err(|_| Failed::new(format!("unable to process blockdev output for {device}")))
        }
        Some(stat) if stat.kind == Kind::File => Ok(stat.size),
        _ => Err(Failed::new(format!("Target device not supported: {device}"))),
    }
}

impl Form {
    fn size(&self, eyes: &Eyes<'_>, device: &str, mounted: Option<&str>) -> Result<u64, Failed> {
        let product = |text: &str, block: &str, count: &str| Some(number(text, block)? * number(text, count)?);
        let size = match self.name {
            "xfs" => {
                let text = asked(eyes, ["xfs_info", mounted.unwrap_or(device)])?.text();
                text.find("data").and_then(|at| product(&text[at..], "bsize=", "blocks="))
            }
            "btrfs" => {
                let target = mounted.ok_or_else(|| self.unmounted(device))?;
                number(&asked(eyes, ["btrfs", "filesystem", "usage", "-b", target])?.text(), "Device size:")
            }
            "vfat" => number(&asked(eyes, ["fatresize", "--info", device])?.text(), "ize:"),
            "LVM2_member" => {
                let words = ["pvs", "--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix", device];
                asked(eyes, words)?.text().trim().parse().ok()
            }
            _ => product(&asked(eyes, ["tune2fs", "-l", device])?.text(), "Block size:", "Block count:"),
        };
        size.ok_or_else(|| Failed::new(format!("unable to process {} size of {device}", self.class)))
    }

    fn unmounted(&self, device: &str) -> Failed {
        Failed::new(format!("{device} needs to be mounted for {} operations", self.class))
    }

    fn grown(&'static self, eyes: &Eyes<'_>, device: &str) -> Result<Plan, Failed> {
        if self.grow.is_empty() {
            return Err(Failed::new(format!("module does not support resizing {} filesystem yet.", self.name)));
        }
        let mounted = if self.mounted { mountpoint(eyes, device)? } else { None };
        if self.size(eyes, device, mounted.as_deref())? + self.slack >= device_size(eyes, device)? {
            let message = format!("{} filesystem is using the whole device {device}", self.class);
            return Ok(Plan::unchanged().with("msg", message));
        }
        let target = match &mounted {
            Some(place) => place.as_str(),
            None if self.mounted => return Err(self.unmounted(device)),
            None => device,
        };
        let command = eyes.command(self.grow.iter().copied().chain([target]));
        let planned = format!("resizing filesystem {} on device {device}", self.class);
        Ok(run(command.clone(), move |_, output| {
            let plan = Plan { changed: Some(true), ..Plan::default() };
            match output {
                None => Ok(plan.with("msg", planned)),
                Some(output) if output.ok() => Ok(plan.with("msg", output.text())),
                Some(output) => Err(ended_badly(&command, output)),
            }
        }))
    }
}

impl Module for Filesystem {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let device = expand(eyes, &self.device)?;
        if !eyes.exists(&device)? {
            let message = format!("Device {device} not found.");
            return if self.form.is_some() {
                Err(Failed::new(message))
            } else {
                Ok(Plan::unchanged().with("msg", message))
            };
        }
        let asked = eyes.ask(["blkid", "-c", "/dev/null", "-o", "value", "-s", "TYPE", &device])?;
        let have = asked.text().trim().to_owned();
        let changed = Plan { changed: Some(true), ..Plan::default() };
        let one = |words: Vec<String>| -> Plan { all_well([eyes.command(words)].into(), changed) };
        let Some(form) = self.form else {
            if have.is_empty() {
                return Ok(Plan::unchanged());
            }
            return Ok(one(vec!["wipefs".into(), "--all".into(), device]));
        };
        let same = have == form.name;
        if same && self.resize {
            return form.grown(eyes, &device);
        }
        if same && !self.force {
            return Ok(Plan::unchanged());
        }
        if !have.is_empty() && !self.force {
            let message = format!("'{device}' is already used as {have}, use force=true to overwrite");
            return Err(Failed::new(message).with("rc", i64::from(asked.code)));
        }
        let words = form.make.iter().map(ToString::to_string).chain(self.options.iter().cloned());
        let command: Command = eyes.command(words.chain([device]));
        Ok(all_well([command].into(), Plan { changed: Some(true), ..Plan::default() }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    fn machine(kind: &str) -> Fake {
        let code = if kind.is_empty() { 2 } else { 0 };
        Fake::default()
            .file("/dev/x", &"0".repeat(8192))
            .answer("blkid -c /dev/null -o value -s TYPE /dev/x", code, &format!("{kind}\n"))
            .answer("tune2fs -l /dev/x", 0, "Block count:              1\nFree: 3\nBlock size:               4096\n")
            .answer("findmnt --mtab --noheadings --output TARGET --source /dev/x", 0, "/mnt\n")
            .answer("xfs_info /mnt", 0, "meta-data=/dev/x isize=512\ndata     =   bsize=4096   blocks=2, imaxpct=25\n")
    }

    #[test]
    fn filesystems_are_made_grown_and_wiped() {
        let ask =
            |machine: &Fake, arguments| changes(&plan(machine, "filesystem", arguments).expect("plan")).join(", ");
        let ext4 = json!({"dev": "/dev/x", "fstype": "ext4"});
        assert_eq!(ask(&machine("ext4"), ext4.clone()), "");
        assert_eq!(ask(&machine(""), ext4), "mkfs.ext4 -F /dev/x");
        let over = json!({"dev": "/dev/x", "fstype": "xfs", "force": true, "opts": "-L data -q"});
        assert_eq!(ask(&machine("ext4"), over), "mkfs.xfs -f -L data -q /dev/x");
        let grow = json!({"dev": "/dev/x", "fstype": "ext4", "resizefs": true});
        assert_eq!(ask(&machine("ext4"), grow), "resize2fs /dev/x");
        assert_eq!(ask(&machine("xfs"), json!({"dev": "/dev/x", "fstype": "xfs", "resizefs": true})), "");
        assert_eq!(ask(&machine("LVM2_member"), json!({"dev": "/dev/x", "fstype": "lvm"})), "");
        assert_eq!(ask(&machine("ext4"), json!({"dev": "/dev/x", "state": "absent"})), "wipefs --all /dev/x");
        assert_eq!(ask(&machine(""), json!({"dev": "/dev/x", "state": "absent"})), "");
        assert_eq!(ask(&machine(""), json!({"dev": "/dev/none", "state": "absent"})), "");
    }

    #[test]
    fn what_would_be_lost_is_kept() {
        let ask = |arguments| plan(&machine("ext4"), "filesystem", arguments).err().expect("refused").message;
        let used = ask(json!({"dev": "/dev/x", "fstype": "xfs"}));
        assert_eq!(used, "'/dev/x' is already used as ext4, use force=true to overwrite");
        assert_eq!(ask(json!({"dev": "/dev/none", "fstype": "xfs"})), "Device /dev/none not found.");
        assert!(ask(json!({"dev": "/dev/x", "fstype": "ufs"})).contains("fstype: ufs"));
        assert!(ask(json!({"dev": "/dev/x"})).contains("missing: fstype"));
        let make = plan(&machine(""), "filesystem", json!({"dev": "/dev/x", "fstype": "ext4"})).expect("plan");
        let failed = follow(make, &machine(""), &[(1, "", "too small\n")]).err().expect("failed");
        assert_eq!(failed.message, "too small");
    }
}
