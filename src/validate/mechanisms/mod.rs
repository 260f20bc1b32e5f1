//! Mechanisms: what a control can ask of a machine. One file each, one row each in the table below.

mod audit_rule;
mod audit_state;
mod file_mode;
mod file_sweep;
mod home_dirs;
mod kernel_module;
mod login_defs;
mod mount;
mod package;
mod pam_config;
mod pam_module;
mod service;
mod site;
mod sshd_option;
mod sudo;
mod sysctl;
mod user_db;

use super::machine::Machine;
use super::verdict::Finding;
use serde::Deserialize;
use serde::de::{self, MapAccess};
use std::fmt::Debug;
use std::rc::Rc;

/// A question to a machine, with its parameters: it *is* its parameters.
pub trait Mechanism: Debug {
    /// Looks, and says what was found of which fact.
    fn judge(&self, machine: &Machine<'_>) -> Finding;
    /// What is looked at, for `--explain`.
    fn reads(&self) -> Vec<String>;
    /// What is expected, in a sentence, for `--explain`.
    fn expects(&self) -> String;
}

/// One mechanism: its name in benchmarks, what it does, and a check that uses it.
pub struct Row {
    /// As benchmarks write it.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Parameters as benchmarks write them.
    pub example: &'static str,
    /// Its parameters as JSON Schema, from its own definition.
    pub schema: fn() -> schemars::Schema,
}

/// Writes the table, and the one function that reads any of them.
macro_rules! table {
    ($($name:literal => $file:ident::$kind:ident, $summary:literal, $example:literal;)*) => {
        /// Every mechanism, in order of name.
        pub const TABLE: &[Row] = &[$(Row {
            name: $name,
            summary: $summary,
            example: $example,
            schema: || schemars::schema_for!($file::$kind),
        }),*];

        /// Reads a mechanism's parameters.
        pub fn parse<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Rc<dyn Mechanism>, A::Error> {
            const NAMES: &[&str] = &["all", "any", "not", $($name),*];
            match name {
                $($name => Ok(Rc::new(map.next_value::<$file::$kind>()?)),)*
                other => Err(de::Error::unknown_variant(other, NAMES)),
            }
        }
    };
}

table! {
    "audit_immutable" => audit_state::Immutable, "Nobody changes the audit rules until the next start.",
        "{}";
    "audit_loaded_equals_stored" => audit_state::Equal, "The kernel has the audit rules of the files, and no others.",
        "{}";
    "audit_rule" => audit_rule::AuditRule, "Something is audited, by whatever form of rule, stored and live.",
        "{watch: /etc/sudoers, perm: wa}";
    "file_mode" => file_mode::FileMode, "Files have these bits at most, and these owners and groups.",
        "{path: /etc/passwd, mode: 0o644, owner: root, group: root}";
    "file_sweep" => file_sweep::FileSweep, "One walk finds nothing of that sort in the local file systems.",
        "{what: unowned}";
    "file_tree_mode" => file_mode::FileTreeMode, "Files below a directory have these bits at most, and these owners.",
        "{path: /var/log, mode: 0o640, except: [wtmp, btmp, lastlog]}";
    "home_dirs" => home_dirs::HomeDirs, "Home directories of people, or the dot files in them.",
        "{what: directories}";
    "kernel_module" => kernel_module::KernelModule, "A kernel module is denied, cannot be loaded by name, and is not loaded.",
        "{name: cramfs}";
    "login_defs" => login_defs::LoginDef, "A setting of login.defs, and the field of shadow that it fills.",
        "{key: PASS_MAX_DAYS, value: {at_least: 1, at_most: 365}, shadow: max}";
    "mount" => mount::Mount, "A directory is a mount of its own.", "{path: /tmp}";
    "mount_option" => mount::MountOption, "A mount has these options, after all others.", "{path: /tmp, option: noexec}";
    "package_absent" => package::Absent, "None of the packages is installed; names may have `*`.", "[autofs]";
    "package_present" => package::Present, "Every one of the packages is installed; `a|b` is either.", "[sudo]";
    "pam_config" => pam_config::PamConfig, "What faillock, pwquality or pwhistory go by, arguments before the file.",
        "{file: faillock, key: deny, value: {at_least: 1, at_most: 5}}";
    "pam_module" => pam_module::PamModule, "A module is reached in these stacks, and its answer counts.",
        "{stacks: [common-auth, common-account], module: pam_faillock.so, types: [auth, account]}";
    "service_off" => service::Off, "None of the units runs or will be started.", "[autofs.service]";
    "service_on" => service::On, "The unit runs and will be started.", "cron.service";
    "site" => site::Choice, "The site has chosen this firewall, or keeps its logs so; for `when`.", "{firewall: ufw}";
    "sshd_option" => sshd_option::SshdOption, "An option of sshd, as it takes effect for every connection.",
        "{name: PermitRootLogin, value: 'no'}";
    "su_restricted" => pam_module::SuRestricted, "Only members of an empty group become somebody else with su.",
        "{}";
    "sudo_defaults" => sudo::SudoDefaults, "A setting of sudo is on for everybody.",
        "{has: use_pty}";
    "sudo_tag" => sudo::SudoTag, "No rule of sudo has the tag, or turns authentication off.",
        "{lacks: NOPASSWD}";
    "sudo_timeout" => sudo::SudoTimeout, "sudo remembers a password for so many minutes at most.",
        "{at_most: 15}";
    "sysctl" => sysctl::Sysctl, "Kernel parameters, stored and live.",
        "{keys: [net.ipv4.conf.all.rp_filter, net.ipv4.conf.default.rp_filter], value: 1}";
    "user_db" => user_db::UserDb, "What has to hold of passwd, group and shadow as a whole.",
        "{what: uid0}";
    "useradd_default" => login_defs::UseraddDefault, "What useradd gives new accounts, and the field of shadow that it fills.",
        "{key: INACTIVE, value: {at_least: 0, at_most: 45}, shadow: inactive}";
}

/// One word or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Words {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Words {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, String> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Several(several) => several.iter(),
        }
    }

    /// For a sentence about one of them.
    pub fn either(&self) -> String {
        self.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
    }

    /// For a sentence.
    pub fn shown(&self) -> String {
        self.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::control::Check;

    #[test]
    fn every_mechanism_reads_its_example_and_says_what_it_does() {
        let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        assert!(names.is_sorted());
        for row in TABLE {
            let check: Check = serde_yaml::from_str(&format!("{}: {}", row.name, row.example)).expect(row.name);
            let Check::Leaf(mechanism) = check else { panic!("{} is no mechanism", row.name) };
            assert!(!mechanism.expects().is_empty() && row.summary.ends_with('.'), "{}", row.name);
            assert!((row.schema)().as_value().is_object(), "{}", row.name);
        }
    }
}
