//! Mechanisms: what a control can ask of a machine. One file each, one row each in the table below.

mod aide;
mod apparmor;
mod audit_rule;
mod audit_state;
mod boot;
mod crypto_policy;
mod dconf;
mod file_absent;
mod file_content;
mod file_mode;
mod file_sweep;
mod firewalld;
mod home_dirs;
mod iptables;
mod kernel_module;
mod limits;
mod listening;
mod login_defs;
mod mount;
mod nft;
mod package;
mod packages_state;
mod pam_config;
mod pam_module;
mod patches;
mod path_dirs;
mod repositories;
mod rsyslog;
mod selinux;
mod service;
mod setting;
mod shell_config;
mod site;
mod sshd_option;
mod sudo;
mod sysctl;
mod time_servers;
mod timer_or_cron;
mod ufw;
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
    "aide" => aide::Aide, "What AIDE watches of a path, or that its database is there.",
        "{paths: [/usr/sbin/auditctl], attributes: [sha512]}";
    "apparmor" => apparmor::Apparmor, "Every profile of AppArmor is loaded and does so much at least.",
        "{state: enforce}";
    "audit_immutable" => audit_state::Immutable, "Nobody changes the audit rules until the next start.",
        "{}";
    "audit_loaded_equals_stored" => audit_state::Equal, "The kernel has the audit rules of the files, and no others.",
        "{}";
    "audit_rule" => audit_rule::AuditRule, "Something is audited, by whatever form of rule, stored and live.",
        "{watch: /etc/sudoers, perm: wa}";
    "boot_cmdline" => boot::BootCmdline, "A parameter that the kernel is started with, now and at the next start.",
        "{parameter: audit, value: 1}";
    "crypto_policy" => crypto_policy::CryptoPolicy, "The policy of the system for cryptography, as it is applied.",
        "{policy: {not: [LEGACY]}}";
    "dconf" => dconf::Dconf, "A default of GNOME for the whole system, or that users may not change it.",
        "{key: /org/gnome/login-screen/disable-user-list, value: 'true'}";
    "file_absent" => file_absent::FileAbsent, "None of these files, directories and links is there.",
        "{paths: ['/etc/ssh/ssh_host_*'], or_empty: true}";
    "file_content" => file_content::FileContent, "Files have lines that fit, and none that may not.",
        "{path: /etc/issue.net, lacks: ['\\\\[mrsv]']}";
    "file_mode" => file_mode::FileMode, "Files have these bits at most, and these owners and groups.",
        "{path: /etc/passwd, mode: 0o644, owner: root, group: root}";
    "file_sweep" => file_sweep::FileSweep, "One walk finds nothing of that sort in the local file systems.",
        "{what: unowned}";
    "file_tree_mode" => file_mode::FileTreeMode, "Files below a directory have these bits at most, and these owners.",
        "{path: /var/log, mode: 0o640, except: [wtmp, btmp, lastlog]}";
    "firewalld" => firewalld::Firewalld, "What the zones of firewalld let in.",
        "{what: services}";
    "gpgcheck" => repositories::Gpgcheck, "Signatures of packages, or of their lists, are checked everywhere.",
        "{metadata: true}";
    "grub_password" => boot::GrubPassword, "Nobody without a password edits the entries of GRUB.",
        "{}";
    "home_dirs" => home_dirs::HomeDirs, "Home directories of people, or the dot files in them.",
        "{what: directories}";
    "ini" => setting::Ini, "A key of a file with sections, after its drop-ins.",
        "{file: /etc/systemd/journald.conf, section: Journal, key: Storage, value: persistent}";
    "iptables" => iptables::Iptables, "Rules of iptables or ip6tables, stored and live.",
        "{what: drop, family: ipv4}";
    "kernel_module" => kernel_module::KernelModule, "A kernel module is denied, cannot be loaded by name, and is not loaded.",
        "{name: cramfs}";
    "key_value" => setting::KeyValue, "A key of a file without sections; a file of apt is its whole configuration.",
        "{file: /etc/audit/auditd.conf, key: max_log_file_action, value: keep_logs}";
    "limits" => limits::Limits, "A hard limit of pam_limits that holds for everybody.",
        "{item: core, value: 0}";
    "listening" => listening::Listening, "Ports that others reach on the running system.",
        "{only: site}";
    "login_defs" => login_defs::LoginDef, "A setting of login.defs, and the field of shadow that it fills.",
        "{key: PASS_MAX_DAYS, value: {at_least: 1, at_most: 365}, shadow: max}";
    "logrotate" => rsyslog::Logrotate, "Every log that rsyslog writes is rotated.",
        "{}";
    "mount" => mount::Mount, "A directory is a mount of its own.", "{path: /tmp}";
    "mount_option" => mount::MountOption, "A mount has these options, after all others.", "{path: /tmp, option: noexec}";
    "nft" => nft::Nft, "Rules of nftables, in the file of the next start and in the kernel.",
        "{what: drop}";
    "package_absent" => package::Absent, "None of the packages is installed; names may have `*`.", "[autofs]";
    "package_at_least" => packages_state::AtLeast, "A package is at least so new.",
        "{name: libpam-modules, version: '1.5.3-5'}";
    "package_keys" => repositories::PackageKeys, "Every key that signs packages is on the list of the site.",
        "{}";
    "package_present" => package::Present, "Every one of the packages is installed; `a|b` is either.", "[sudo]";
    "package_verify" => packages_state::Verify, "Files of the running system are as their packages shipped them.",
        "{}";
    "pam_config" => pam_config::PamConfig, "What faillock, pwquality or pwhistory go by, arguments before the file.",
        "{file: faillock, key: deny, value: {at_least: 1, at_most: 5}}";
    "pam_module" => pam_module::PamModule, "A module is reached in these stacks, and its answer counts.",
        "{stacks: [common-auth, common-account], module: pam_faillock.so, types: [auth, account]}";
    "patches" => patches::Patches, "No update is waiting on the running system.",
        "{}";
    "path_dirs" => path_dirs::PathDirs, "The directories that root looks for programs in are root's alone.",
        "{}";
    "process_label" => packages_state::ProcessLabel, "No daemon runs in the domain of SELinux that confines nothing.",
        "{}";
    "repositories" => repositories::Repositories, "Every repository is on the list of the site.",
        "{}";
    "rsyslog" => rsyslog::Rsyslog, "Where rsyslog writes, sends, and takes logs from.",
        "{what: create_mode}";
    "selinux" => selinux::Selinux, "The state and policy of SELinux, stored, at the next start and live.",
        "{state: enforcing}";
    "service_off" => service::Off, "None of the units runs or will be started.", "[autofs.service]";
    "service_on" => service::On, "The unit runs and will be started.", "cron.service";
    "shell_config" => shell_config::ShellConfig, "What login shells are given: TMOUT or umask.",
        "{variable: umask, value: '027', user: all}";
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
    "time_servers" => time_servers::TimeServers, "Every time server is on the list of the site.",
        "{}";
    "timer_or_cron" => timer_or_cron::TimerOrCron, "A command that a timer or cron starts again and again.",
        "{matches: '^.*aide'}";
    "ufw" => ufw::Ufw, "What ufw is told, and whether it is on.",
        "{what: defaults}";
    "user_db" => user_db::UserDb, "What has to hold of passwd, group and shadow as a whole.",
        "{what: uid0}";
    "useradd_default" => login_defs::UseraddDefault, "What useradd gives new accounts, and the field of shadow that it fills.",
        "{key: INACTIVE, value: {at_least: 0, at_most: 45}, shadow: inactive}";
    "wireless" => listening::Wireless, "No interface of the running system is wireless.",
        "{}";
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
