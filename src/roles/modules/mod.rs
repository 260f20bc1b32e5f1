//! Modules: one file each, one row each in [`TABLE`]. A module *is* its arguments; it looks, and says what to change.

mod alternatives;
mod apt;
mod apt_key;
mod apt_repository;
mod arg_error;
mod args;
mod authorized_key;
mod coerce;
mod command;
mod cron;
mod crypto;
mod deb822_repository;
mod debconf;
mod disks;
mod dnf;
mod dpkg;
mod dpkg_selections;
mod ec2_metadata_facts;
mod engine;
mod expect;
#[cfg(test)]
mod fake;
mod files;
mod firewalld;
mod getent;
mod git;
mod glob;
mod group;
#[cfg(test)]
mod idempotence;
mod iptables;
mod keys;
mod known_hosts;
mod locale_gen;
mod modprobe;
mod mount;
#[cfg(test)]
mod oracle;
mod package;
mod package_facts;
mod pam;
mod pip;
mod plan;
mod programs;
mod reboot;
mod release;
mod rhsm_repository;
mod rpm_key;
mod script;
mod selinux;
mod service_facts;
mod snap;
mod spec;
mod sysctl;
mod systemd;
mod timezone;
mod ufw;
mod user;
mod wait_for;
mod words;
mod yum_repository;

pub use arg_error::ArgError;
pub use args::Args;
pub use files::chattr::flagged;
pub use plan::{Diff, Eyes, Failed, Next, Plan, RenderOptions, Tree};
pub use spec::{Choices, FreeForm, Param, ParamKind, Spec, Support};

/// What a task asks for, with its arguments read.
pub trait Module: Send {
    /// Looks at the machine, and says what is to change and what the task's result is. Alters nothing.
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed>;
}

/// Who carries a module out.
#[derive(Clone, Copy)]
pub enum Actor {
    /// The module itself, over [`crate::host::Observe`]: reads its arguments into a [`Module`].
    Host(fn(&mut Args) -> Result<Box<dyn Module>, ArgError>),
    /// The engine: it needs the run's variables or the play's structure (`set_fact`, `include_tasks`, `meta`, ...).
    Engine,
}

/// A module's row.
pub struct Row {
    /// Name, arguments, documentation, examples.
    pub spec: &'static Spec,
    /// Who carries it out.
    pub actor: Actor,
}

/// Every module. Adding one is a file and a row.
pub static TABLE: &[Row] = &[
    Row { spec: &engine::SET_FACT, actor: Actor::Engine },
    Row { spec: &engine::INCLUDE_VARS, actor: Actor::Engine },
    Row { spec: &engine::INCLUDE_TASKS, actor: Actor::Engine },
    Row { spec: &engine::IMPORT_TASKS, actor: Actor::Engine },
    Row { spec: &engine::INCLUDE_ROLE, actor: Actor::Engine },
    Row { spec: &engine::IMPORT_ROLE, actor: Actor::Engine },
    Row { spec: &engine::META, actor: Actor::Engine },
    Row { spec: &engine::DEBUG, actor: Actor::Engine },
    Row { spec: &engine::ASSERT, actor: Actor::Engine },
    Row { spec: &engine::FAIL, actor: Actor::Engine },
    Row { spec: &engine::PAUSE, actor: Actor::Engine },
    Row { spec: &engine::SETUP, actor: Actor::Engine },
    Row { spec: &engine::ADD_HOST, actor: Actor::Engine },
    Row { spec: &engine::GROUP_BY, actor: Actor::Engine },
    Row { spec: &engine::ASYNC_STATUS, actor: Actor::Engine },
    Row { spec: &engine::VALIDATE_ARGUMENT_SPEC, actor: Actor::Engine },
    Row { spec: &files::file::SPEC, actor: Actor::Host(files::file::file) },
    Row { spec: &files::copy::SPEC, actor: Actor::Host(files::copy::copy) },
    Row { spec: &files::template::SPEC, actor: Actor::Host(files::template::template) },
    Row { spec: &files::stat::SPEC, actor: Actor::Host(files::stat::stat) },
    Row { spec: &files::lineinfile::SPEC, actor: Actor::Host(files::lineinfile::lineinfile) },
    Row { spec: &files::blockinfile::SPEC, actor: Actor::Host(files::blockinfile::blockinfile) },
    Row { spec: &files::replace::SPEC, actor: Actor::Host(files::replace::replace) },
    Row { spec: &files::find::SPEC, actor: Actor::Host(files::find::find) },
    Row { spec: &files::get_url::SPEC, actor: Actor::Host(files::get_url::get_url) },
    Row { spec: &files::s3_object::SPEC, actor: Actor::Host(files::s3_object::s3_object) },
    Row { spec: &files::unarchive::SPEC, actor: Actor::Host(files::unarchive::unarchive) },
    Row { spec: &files::slurp::SPEC, actor: Actor::Host(files::slurp::slurp) },
    Row { spec: &files::tempfile::SPEC, actor: Actor::Host(files::tempfile::tempfile) },
    Row { spec: &files::ini_file::SPEC, actor: Actor::Host(files::ini_file::ini_file) },
    Row { spec: &command::COMMAND, actor: Actor::Host(command::command) },
    Row { spec: &command::SHELL, actor: Actor::Host(command::shell) },
    Row { spec: &script::SCRIPT, actor: Actor::Host(script::script) },
    Row { spec: &script::RAW, actor: Actor::Host(script::raw) },
    Row { spec: &files::uri::SPEC, actor: Actor::Host(files::uri::uri) },
    Row { spec: &cron::SPEC, actor: Actor::Host(cron::cron) },
    Row { spec: &mount::SPEC, actor: Actor::Host(mount::mount) },
    Row { spec: &wait_for::SPEC, actor: Actor::Host(wait_for::wait_for) },
    Row { spec: &reboot::SPEC, actor: Actor::Host(reboot::reboot) },
    Row { spec: &files::assemble::SPEC, actor: Actor::Host(files::assemble::assemble) },
    Row { spec: &files::fetch::SPEC, actor: Actor::Host(files::fetch::fetch) },
    Row { spec: &known_hosts::SPEC, actor: Actor::Host(known_hosts::known_hosts) },
    Row { spec: &authorized_key::SPEC, actor: Actor::Host(authorized_key::authorized_key) },
    Row { spec: &deb822_repository::SPEC, actor: Actor::Host(deb822_repository::repository) },
    Row { spec: &yum_repository::SPEC, actor: Actor::Host(yum_repository::repository) },
    Row { spec: &debconf::SPEC, actor: Actor::Host(debconf::debconf) },
    Row { spec: &rpm_key::SPEC, actor: Actor::Host(rpm_key::rpm_key) },
    Row { spec: &apt_key::SPEC, actor: Actor::Host(apt_key::apt_key) },
    Row { spec: &pip::SPEC, actor: Actor::Host(pip::pip) },
    Row { spec: &expect::SPEC, actor: Actor::Host(expect::expect) },
    Row { spec: &git::SPEC, actor: Actor::Host(git::git) },
    Row { spec: &iptables::SPEC, actor: Actor::Host(iptables::iptables) },
    Row { spec: &wait_for::CONNECTION, actor: Actor::Host(wait_for::connection) },
    Row { spec: &systemd::SYSTEMD, actor: Actor::Host(systemd::unit) },
    Row { spec: &systemd::SERVICE, actor: Actor::Host(systemd::unit) },
    Row { spec: &group::SPEC, actor: Actor::Host(group::group) },
    Row { spec: &user::SPEC, actor: Actor::Host(user::user) },
    Row { spec: &apt::SPEC, actor: Actor::Host(apt::apt) },
    Row { spec: &apt_repository::SPEC, actor: Actor::Host(apt_repository::repository) },
    Row { spec: &dnf::SPEC, actor: Actor::Host(dnf::dnf) },
    Row { spec: &package::SPEC, actor: Actor::Host(package::package) },
    Row { spec: &package_facts::SPEC, actor: Actor::Host(package_facts::packages) },
    Row { spec: &modprobe::MODPROBE, actor: Actor::Host(modprobe::modprobe) },
    Row { spec: &modprobe::PING, actor: Actor::Host(modprobe::ping) },
    Row { spec: &sysctl::SPEC, actor: Actor::Host(sysctl::sysctl) },
    Row { spec: &dpkg_selections::SPEC, actor: Actor::Host(dpkg_selections::selection) },
    Row { spec: &getent::SPEC, actor: Actor::Host(getent::getent) },
    Row { spec: &service_facts::SPEC, actor: Actor::Host(service_facts::services) },
    Row { spec: &timezone::TIMEZONE, actor: Actor::Host(timezone::timezone) },
    Row { spec: &timezone::HOSTNAME, actor: Actor::Host(timezone::hostname) },
    Row { spec: &ufw::SPEC, actor: Actor::Host(ufw::firewall) },
    Row { spec: &ec2_metadata_facts::SPEC, actor: Actor::Host(ec2_metadata_facts::metadata) },
    Row { spec: &crypto::privatekey::SPEC, actor: Actor::Host(crypto::privatekey::privatekey) },
    Row { spec: &crypto::csr::SPEC, actor: Actor::Host(crypto::csr::csr) },
    Row { spec: &crypto::csr::PIPE, actor: Actor::Host(crypto::csr::pipe) },
    Row { spec: &crypto::certificate::SPEC, actor: Actor::Host(crypto::certificate::certificate) },
    Row { spec: &crypto::dhparam::SPEC, actor: Actor::Host(crypto::dhparam::dhparam) },
    Row { spec: &crypto::keypair::SPEC, actor: Actor::Host(crypto::keypair::keypair) },
    Row { spec: &pam::limits::SPEC, actor: Actor::Host(pam::limits::limit) },
    Row { spec: &pam::pamd::SPEC, actor: Actor::Host(pam::pamd::rule) },
    Row { spec: &locale_gen::SPEC, actor: Actor::Host(locale_gen::locales) },
    Row { spec: &alternatives::SPEC, actor: Actor::Host(alternatives::alternatives) },
    Row { spec: &files::capabilities::SPEC, actor: Actor::Host(files::capabilities::capability) },
    Row { spec: &dpkg::divert::SPEC, actor: Actor::Host(dpkg::divert::divert) },
    Row { spec: &files::acl::SPEC, actor: Actor::Host(files::acl::acl) },
    Row { spec: &snap::SPEC, actor: Actor::Host(snap::snaps) },
    Row { spec: &firewalld::SPEC, actor: Actor::Host(firewalld::firewall) },
    Row { spec: &selinux::mode::SPEC, actor: Actor::Host(selinux::mode::mode) },
    Row { spec: &selinux::boolean::SPEC, actor: Actor::Host(selinux::boolean::boolean) },
    Row { spec: &selinux::port::SPEC, actor: Actor::Host(selinux::port::ports) },
    Row { spec: &selinux::context::SPEC, actor: Actor::Host(selinux::context::context) },
    Row { spec: &rhsm_repository::SPEC, actor: Actor::Host(rhsm_repository::repositories) },
    Row { spec: &disks::filesystem::SPEC, actor: Actor::Host(disks::filesystem::filesystem) },
    Row { spec: &disks::parted::SPEC, actor: Actor::Host(disks::parted::parted) },
    Row { spec: &disks::lvol::SPEC, actor: Actor::Host(disks::lvol::volume) },
    Row { spec: &disks::lvg::SPEC, actor: Actor::Host(disks::lvg::group) },
    Row { spec: &release::SPEC, actor: Actor::Host(release::release) },
];

/// The row of a module by any name that Ansible accepts for it: fully qualified, short, or an alias.
pub fn find(name: &str) -> Option<&'static Row> {
    let short = |full: &str| full.rsplit('.').next().is_some_and(|last| last == name);
    let legacy = name.strip_prefix("ansible.legacy.").map(|rest| format!("ansible.builtin.{rest}"));
    let name = legacy.as_deref().unwrap_or(name);
    TABLE.iter().find(|row| {
        row.spec.name == name || short(row.spec.name) || row.spec.aliases.iter().any(|a| *a == name || short(a))
    })
}
