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
pub(super) mod fake;
mod files;
mod firewalld;
mod getent;
mod git;
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
    Host(Reader),
    /// The engine: it needs the run's variables or the play's structure (`set_fact`, `include_tasks`, `meta`, ...).
    Engine,
}

/// A module's row.
pub struct Row {
    /// Name, arguments, documentation, examples.
    pub spec: &'static Spec,
    /// Who carries it out.
    pub actor: Actor,
    /// Its result is what it finds: in a plan that is no fact yet where an earlier program was not run.
    pub only_looks: bool,
    /// Whatever its programs do, packages and accounts stay as they are, and what a plan knows of those still holds.
    pub leaves_packages: bool,
}

/// Reads a task's arguments.
type Reader = fn(&mut Args) -> Result<Box<dyn Module>, ArgError>;

const fn host(spec: &'static Spec, reader: Reader) -> Row {
    Row { spec, actor: Actor::Host(reader), only_looks: false, leaves_packages: false }
}

const fn engine(spec: &'static Spec) -> Row {
    Row { spec, actor: Actor::Engine, only_looks: false, leaves_packages: false }
}

impl Row {
    const fn only_looks(self) -> Self {
        Self { only_looks: true, ..self }
    }

    const fn leaves_packages(self) -> Self {
        Self { leaves_packages: true, ..self }
    }
}

/// Every module. Adding one is a file and a row.
pub static TABLE: &[Row] = &[
    engine(&engine::SET_FACT),
    engine(&engine::INCLUDE_VARS),
    engine(&engine::INCLUDE_TASKS),
    engine(&engine::IMPORT_TASKS),
    engine(&engine::INCLUDE_ROLE),
    engine(&engine::IMPORT_ROLE),
    engine(&engine::META),
    engine(&engine::DEBUG),
    engine(&engine::ASSERT),
    engine(&engine::FAIL),
    engine(&engine::PAUSE),
    engine(&engine::SETUP).only_looks(),
    engine(&engine::ADD_HOST),
    engine(&engine::GROUP_BY),
    engine(&engine::ASYNC_STATUS),
    engine(&engine::VALIDATE_ARGUMENT_SPEC),
    host(&files::file::SPEC, files::file::file),
    host(&files::copy::SPEC, files::copy::copy),
    host(&files::template::SPEC, files::template::template),
    host(&files::stat::SPEC, files::stat::stat).leaves_packages(),
    host(&files::lineinfile::SPEC, files::lineinfile::lineinfile),
    host(&files::blockinfile::SPEC, files::blockinfile::blockinfile),
    host(&files::replace::SPEC, files::replace::replace),
    host(&files::find::SPEC, files::find::find).only_looks(),
    host(&files::get_url::SPEC, files::get_url::get_url).leaves_packages(),
    host(&files::s3_object::SPEC, files::s3_object::s3_object),
    host(&files::unarchive::SPEC, files::unarchive::unarchive),
    host(&files::slurp::SPEC, files::slurp::slurp).only_looks(),
    host(&files::tempfile::SPEC, files::tempfile::tempfile),
    host(&files::ini_file::SPEC, files::ini_file::ini_file),
    host(&command::COMMAND, command::command),
    host(&command::SHELL, command::shell),
    host(&script::SCRIPT, script::script),
    host(&script::RAW, script::raw),
    host(&files::uri::SPEC, files::uri::uri).leaves_packages(),
    host(&cron::SPEC, cron::cron),
    host(&mount::SPEC, mount::mount).leaves_packages(),
    host(&wait_for::SPEC, wait_for::wait_for).leaves_packages(),
    host(&reboot::SPEC, reboot::reboot),
    host(&files::assemble::SPEC, files::assemble::assemble),
    host(&files::fetch::SPEC, files::fetch::fetch),
    host(&known_hosts::SPEC, known_hosts::known_hosts),
    host(&authorized_key::SPEC, authorized_key::authorized_key),
    host(&deb822_repository::SPEC, deb822_repository::repository),
    host(&yum_repository::SPEC, yum_repository::repository),
    host(&debconf::SPEC, debconf::debconf),
    host(&rpm_key::SPEC, rpm_key::rpm_key),
    host(&apt_key::SPEC, apt_key::apt_key),
    host(&pip::SPEC, pip::pip),
    host(&expect::SPEC, expect::expect),
    host(&git::SPEC, git::git),
    host(&iptables::SPEC, iptables::iptables).leaves_packages(),
    host(&wait_for::CONNECTION, wait_for::connection),
    host(&systemd::SYSTEMD, systemd::unit).leaves_packages(),
    host(&systemd::SERVICE, systemd::unit).leaves_packages(),
    host(&group::SPEC, group::group),
    host(&user::SPEC, user::user),
    host(&apt::SPEC, apt::apt),
    host(&apt_repository::SPEC, apt_repository::repository),
    host(&dnf::SPEC, dnf::dnf),
    host(&package::SPEC, package::package),
    host(&package_facts::SPEC, package_facts::packages).only_looks(),
    host(&modprobe::MODPROBE, modprobe::modprobe).leaves_packages(),
    host(&modprobe::PING, modprobe::ping),
    host(&sysctl::SPEC, sysctl::sysctl).leaves_packages(),
    host(&dpkg_selections::SPEC, dpkg_selections::selection),
    host(&getent::SPEC, getent::getent).only_looks(),
    host(&service_facts::SPEC, service_facts::services).only_looks(),
    host(&timezone::TIMEZONE, timezone::timezone).leaves_packages(),
    host(&timezone::HOSTNAME, timezone::hostname).leaves_packages(),
    host(&ufw::SPEC, ufw::firewall).leaves_packages(),
    host(&ec2_metadata_facts::SPEC, ec2_metadata_facts::metadata),
    host(&crypto::privatekey::SPEC, crypto::privatekey::privatekey),
    host(&crypto::csr::SPEC, crypto::csr::csr),
    host(&crypto::csr::PIPE, crypto::csr::pipe),
    host(&crypto::certificate::SPEC, crypto::certificate::certificate),
    host(&crypto::dhparam::SPEC, crypto::dhparam::dhparam),
    host(&crypto::keypair::SPEC, crypto::keypair::keypair),
    host(&pam::limits::SPEC, pam::limits::limit),
    host(&pam::pamd::SPEC, pam::pamd::rule),
    host(&locale_gen::SPEC, locale_gen::locales).leaves_packages(),
    host(&alternatives::SPEC, alternatives::alternatives).leaves_packages(),
    host(&files::capabilities::SPEC, files::capabilities::capability),
    host(&dpkg::divert::SPEC, dpkg::divert::divert),
    host(&files::acl::SPEC, files::acl::acl),
    host(&snap::SPEC, snap::snaps),
    host(&firewalld::SPEC, firewalld::firewall).leaves_packages(),
    host(&selinux::mode::SPEC, selinux::mode::mode),
    host(&selinux::boolean::SPEC, selinux::boolean::boolean).leaves_packages(),
    host(&selinux::port::SPEC, selinux::port::ports),
    host(&selinux::context::SPEC, selinux::context::context),
    host(&rhsm_repository::SPEC, rhsm_repository::repositories),
    host(&disks::filesystem::SPEC, disks::filesystem::filesystem),
    host(&disks::parted::SPEC, disks::parted::parted),
    host(&disks::lvol::SPEC, disks::lvol::volume),
    host(&disks::lvg::SPEC, disks::lvg::group),
    host(&release::SPEC, release::release),
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
