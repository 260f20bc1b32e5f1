//! `kernel_module`: a module is denied, is not loaded by its name either, and is not loaded now.

use super::Mechanism;
use crate::validate::machine::Machine;
use crate::validate::readers::container::kernel_fact;
use crate::validate::readers::kernel::{Installed, loaded};
use crate::validate::readers::modprobe::{Modprobe, does_nothing};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A module that nothing may load.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// As modinfo(8) prints it; a dash is an underscore.
    name: String,
}

impl Mechanism for KernelModule {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        match self.look(machine) {
            Ok(finding) => finding,
            Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
        }
    }

    fn reads(&self) -> Vec<String> {
        let places = [
            "modprobe.d in /etc, /usr/local/lib and /usr/lib",
            "modules.dep and modules.builtin of each kernel",
            "/proc/modules",
        ];
        places.map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        format!("`blacklist {0}` and `install {0} /bin/false`, and {0} is not loaded", self.name)
    }
}

impl KernelModule {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let modprobe = machine.reader::<Modprobe>()?;
        let installed = machine.reader::<Installed>()?;
        let (denied, install) = (modprobe.denied(&self.name), modprobe.install(&self.name));
        let blocked = denied.is_some() && install.is_some_and(|(command, _)| does_nothing(command));
        if installed.built_in(&self.name) {
            return Ok(Finding::not_applicable(format!("{} is built into an installed kernel", self.name)));
        }
        let live = if machine.running() { Some(loaded(machine, &self.name)) } else { None };
        let is_loaded = matches!(live, Some(Ok((Some(true), _))));
        if !blocked && !is_loaded && !installed.kernels.is_empty() && !installed.loadable(&self.name) {
            let kernels = installed.kernels.join(", ");
            return Ok(Finding::not_applicable(format!("no installed kernel ({kernels}) has {}", self.name)));
        }
        let mut finding = Finding::new();
        self.stored(denied, install, &mut finding);
        match live {
            Some(Ok((state, at))) => {
                let found = match state {
                    Some(true) => format!("{} is loaded", self.name),
                    Some(false) => format!("{} is not loaded", self.name),
                    None => "the running kernel loads no modules".to_owned(),
                };
                let expected = format!("{} is not loaded", self.name);
                kernel_fact(machine, &mut finding, state != Some(true), &at, &found, &expected);
            }
            Some(Err(unseen)) => finding.could_not_look(Aspect::Live, &unseen),
            None => {}
        }
        Ok(finding)
    }

    fn stored(&self, denied: Option<&At>, install: Option<(&str, &At)>, finding: &mut Finding) {
        let nowhere = At::file("modprobe.d");
        let expected = format!("blacklist {}", self.name);
        let found = if denied.is_some() { expected.clone() } else { format!("{} is not denied", self.name) };
        finding.fact(Aspect::Stored, denied.is_some(), denied.unwrap_or(&nowhere), found, expected);
        let expected = format!("install {} /bin/false", self.name);
        let (found, holds, at) = match install {
            Some((command, at)) => (format!("install {} {command}", self.name), does_nothing(command), at),
            None => (format!("modprobe {} loads it", self.name), false, &nowhere),
        };
        finding.fact(Aspect::Stored, holds, at, found.clone(), expected.clone());
        finding.fact(Aspect::Reboot, holds && denied.is_some(), at, found, expected);
    }
}
