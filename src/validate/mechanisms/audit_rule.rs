//! `audit_rule`: what is audited, by whatever form of rule, in the files and in the kernel.

use super::{Mechanism, Words};
use crate::validate::machine::Machine;
use crate::validate::readers::audit::{Field, Loaded, Rule, Stored, bare, field};
use crate::validate::readers::audit_silence::Subject;
use crate::validate::readers::mounts::{Mounts, effective};
use crate::validate::readers::sudoers::Sudoers;
use crate::validate::readers::sweep::Sweep;
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// Something that is audited: a watch on a path, system calls, or runs of programs.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum AuditRule {
    /// A file, or a directory with all below it.
    Watch {
        /// One path or several; `@sudo_logfile` is what sudo's Defaults name.
        watch: Words,
        /// Of `rwxa`; more is right as well.
        perm: String,
    },
    /// System calls, in one rule or in several.
    Syscalls {
        /// Each has to be audited.
        syscalls: Vec<String>,
        /// `b64`, `b32`: for each of them.
        #[serde(default)]
        arches: Vec<String>,
        /// Conditions that a rule may have: fewer audit more.
        #[serde(default)]
        filters: Vec<String>,
        /// Results, for each of them: as `EACCES`.
        #[serde(default)]
        exit: Vec<String>,
    },
    /// Runs of a program by people.
    Program {
        /// One path or several.
        program: Words,
    },
    /// Runs by people of every program that gives privileges.
    Programs {
        /// `setuid`: setgid as well.
        programs: Privileged,
    },
}

/// Which programs.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Privileged {
    /// Those that are setuid or setgid.
    Setuid,
}

/// What people's actions have in common.
const PEOPLE: &[&str] = &["auid>=1000", "auid!=unset"];
/// Calls that an arm64 kernel does not have, where rules that name them cannot be loaded.
const NOT_ON_ARM: &[&str] = &[
    "chmod",
    "chown",
    "create_module",
    "creat",
    "get_kernel_syms",
    "lchown",
    "link",
    "mkdir",
    "open",
    "query_module",
    "rename",
    "rmdir",
    "stime",
    "symlink",
    "unlink",
    "utime",
    "utimes",
    "futimesat",
];

impl Mechanism for AuditRule {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        vec!["/etc/audit/rules.d/*.rules, else /etc/audit/audit.rules".into(), "auditctl -l".into()]
    }

    fn expects(&self) -> String {
        match self {
            Self::Watch { watch, perm } => format!("{perm} of {} is audited", watch.shown()),
            Self::Syscalls { syscalls, arches, filters, exit } => {
                let of = [&arches[..], filters, exit].concat().join(" ");
                format!("{} audited ({of})", syscalls.join(", "))
            }
            Self::Program { program } => format!("runs of {} are audited", program.shown()),
            Self::Programs { .. } => "runs of every setuid and setgid program are audited".into(),
        }
    }
}

/// One thing that some rules together have to cover.
struct Demand {
    /// For evidence.
    name: String,
    /// What rules must not keep back.
    subject: Subject,
    /// Whether a rule covers it on some architecture.
    covers: Box<dyn Fn(&Rule) -> bool>,
    /// On which; none where one architecture's rule is enough.
    arches: Vec<String>,
}

impl AuditRule {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let arm = machine.exists("/lib/ld-linux-aarch64.so.1")? || machine.exists("/usr/lib/ld-linux-aarch64.so.1")?;
        let mut demands = self.demands(machine, arm)?;
        for demand in demands.iter_mut().filter(|_| arm) {
            demand.arches.retain(|arch| arch != "b32");
        }
        if demands.is_empty() {
            return Ok(Finding::not_applicable("there is nothing of the kind to audit"));
        }
        let stored = machine.reader::<Stored>()?;
        let mut finding = Finding::new();
        for demand in &demands {
            demand.judge(Aspect::Stored, &stored.rules, &stored.from, &mut finding);
        }
        if let Some(at) = &stored.stopped {
            finding.show(Aspect::Stored, at, "auditctl cannot read this line, and loads nothing that follows");
        }
        if machine.running() {
            match machine.reader::<Loaded>() {
                Ok(loaded) => {
                    let at = At::file("auditctl -l");
                    demands.iter().for_each(|demand| demand.judge(Aspect::Live, &loaded.0, &at, &mut finding));
                }
                Err(unseen) => finding.could_not_look(Aspect::Live, &unseen),
            }
        }
        Ok(finding)
    }

    fn demands(&self, machine: &Machine<'_>, arm: bool) -> Result<Vec<Demand>, Unseen> {
        let both = || vec!["b64".to_owned(), "b32".to_owned()];
        Ok(match self {
            Self::Watch { watch, perm } => {
                let mut demands = Vec::new();
                for path in watch.iter() {
                    let path = &named(machine, path)?;
                    let directory = path.ends_with('/')
                        || path.starts_with('/')
                            && machine.stat(path, true)?.is_some_and(|stat| stat.kind == crate::host::Kind::Directory);
                    let (path, perm) = (bare(path), perm.clone());
                    let name = format!("{perm} of {path}");
                    let subject = Subject::Path { path: path.clone(), perm: perm.clone() };
                    let covers = move |rule: &Rule| watches(rule, &path, directory) && grants(rule, &perm, &[]);
                    demands.push(Demand { name, subject, covers: Box::new(covers), arches: both() });
                }
                demands
            }
            Self::Syscalls { syscalls, arches, filters, exit } => {
                let there = |name: &&String| !(arm && NOT_ON_ARM.contains(&name.as_str()));
                let allowed: Vec<Field> = filters.iter().filter_map(|filter| field(filter)).collect();
                let exits: Vec<Option<String>> =
                    if exit.is_empty() { vec![None] } else { exit.iter().cloned().map(Some).collect() };
                let mut demands = Vec::new();
                for syscall in syscalls.iter().filter(there) {
                    for exit in &exits {
                        let name = format!("{syscall}{}", exit.as_ref().map_or(String::new(), |e| format!(" -> {e}")));
                        let (syscall, exit, allowed) = (syscall.clone(), exit.clone(), allowed.clone());
                        let subject = Subject::Call(syscall.clone(), exit.clone());
                        let covers = move |rule: &Rule| calls(rule, &syscall, exit.as_deref(), &allowed);
                        demands.push(Demand { name, subject, covers: Box::new(covers), arches: arches.clone() });
                    }
                }
                demands
            }
            Self::Program { program } => program.iter().map(|path| runs(path)).collect(),
            Self::Programs { programs: Privileged::Setuid } => {
                privileged(machine)?.iter().map(|path| runs(path)).collect()
            }
        })
    }
}

/// Programs that run with their owner's or group's rights, by the one walk. Where nothing runs with them because of how
/// it is mounted, there is nothing to audit.
fn privileged(machine: &Machine<'_>) -> Result<Vec<String>, Unseen> {
    let sweep = machine.reader::<Sweep>()?;
    if let Some(unread) = sweep.unread.first() {
        return Err(unread.clone());
    }
    let found = &sweep.privileged;
    if found.count > found.some.len() {
        let why = format!("{} programs are setuid or setgid, more than are kept by name", found.count);
        return Err(Unseen::new("the local file systems", why));
    }
    let mounts = if machine.running() { Some(machine.reader::<Mounts>()?) } else { None };
    let without = |path: &str| {
        let over = mounts.as_ref().and_then(|mounts| mounts.over(path));
        over.is_some_and(|mount| effective(&mount.options, "nosuid") || effective(&mount.options, "noexec"))
    };
    Ok(found.some.iter().map(|(path, _)| path.clone()).filter(|path| !without(path)).collect())
}

/// The path that a name stands for.
fn named(machine: &Machine<'_>, path: &str) -> Result<String, Unseen> {
    if path != "@sudo_logfile" {
        return Ok(path.to_owned());
    }
    let sudoers = machine.reader::<Sudoers>()?;
    let set = sudoers.last("logfile").into_iter().find(|one| one.scope.is_empty() && !one.off);
    let file = set.and_then(|one| one.value.clone()).filter(|file| !file.is_empty());
    // A path that no rule can be on.
    Ok(file.unwrap_or_else(|| "sudo's log file, which it has none of".into()))
}

/// Runs of a program by people.
fn runs(path: &str) -> Demand {
    let allowed: Vec<Field> = PEOPLE.iter().filter_map(|filter| field(filter)).collect();
    let name = format!("runs of {path}");
    // The places that a merged /usr has two names for.
    let other = path.strip_prefix("/usr").filter(|rest| rest.starts_with("/bin/") || rest.starts_with("/sbin/"));
    let paths: Vec<String> = other.into_iter().chain([path]).map(str::to_owned).collect();
    let subject = Subject::Path { path: path.to_owned(), perm: "x".to_owned() };
    let covers = move |rule: &Rule| paths.iter().any(|path| watches(rule, path, false)) && grants(rule, "x", &allowed);
    Demand { name, subject, covers: Box::new(covers), arches: vec!["b64".into(), "b32".into()] }
}

/// Whether a rule is on a path: its own, or that of a directory above it.
fn watches(rule: &Rule, path: &str, directory: bool) -> bool {
    let below =
        |dir: &str| path == dir || path.strip_prefix(dir.trim_end_matches('/')).is_some_and(|p| p.starts_with('/'));
    match (rule.equal("watch"), rule.equal("dir"), rule.equal("path")) {
        (Some(place), ..) | (_, Some(place), _) => below(place),
        // `path` on a directory does not tell of what is in it.
        (.., Some(place)) => place == path && !directory,
        _ => false,
    }
}

/// Whether a rule on a path tells of all that is to be told, with no condition but those.
fn grants(rule: &Rule, perm: &str, allowed: &[Field]) -> bool {
    let all = rule.equal("perm").is_none_or(|has| perm.chars().all(|letter| has.contains(letter)));
    let own = |field: &Field| matches!(field.name.as_str(), "watch" | "dir" | "path" | "perm" | "arch");
    let free = rule.fields.iter().all(|field| own(field) || fits(field, allowed));
    // Without system calls a rule on a path is about all of them.
    all && free && rule.syscalls.is_empty()
}

fn calls(rule: &Rule, syscall: &str, exit: Option<&str>, allowed: &[Field]) -> bool {
    let named = rule.syscalls.is_empty() || rule.syscalls.contains(syscall);
    named
        && rule.fields.iter().all(|field| match field.name.as_str() {
            "arch" => true,
            "exit" => field.op == "=" && Some(field.value.as_str()) == exit,
            _ => fits(field, allowed),
        })
}

/// Whether a condition is one of those that a rule may have, or leaves more through.
fn fits(field: &Field, allowed: &[Field]) -> bool {
    allowed.iter().any(|one| {
        let number = |field: &Field| field.value.parse::<u64>().ok();
        let wider = one.op == ">=" && field.op == ">=" && number(field).is_some() && number(field) <= number(one);
        field == one || field.name == one.name && wider
    })
}

impl Demand {
    fn judge(&self, aspect: Aspect, rules: &[Rule], from: &At, finding: &mut Finding) {
        let mut missing = self.arches.clone();
        let mut used: Option<&Rule> = None;
        // Of these lists any rule is enough, wherever it stands.
        let whole = |rule: &&Rule| rule.list != "exit" && self.subject.is_silenced_by(rule);
        let mut silence = rules.iter().find(whole);
        for rule in rules.iter().filter(|rule| rule.list == "exit") {
            let arch = rule.equal("arch");
            let fits = |wanted: &String| arch.is_none_or(|arch| arch == wanted);
            let open = if self.arches.is_empty() { used.is_none() } else { missing.iter().any(fits) };
            if open && self.subject.is_silenced_by(rule) {
                silence = silence.or(Some(rule));
            } else if rule.action == "always" && (self.covers)(rule) {
                used = used.or(Some(rule));
                missing.retain(|wanted| arch.is_some_and(|arch| arch != wanted));
                if missing.is_empty() {
                    break;
                }
            }
        }
        if let Some(rule) = silence {
            return finding.fact(aspect, false, &rule.at, format!("silenced: {}", rule.text), self.name.clone());
        }
        let (at, found) = match used {
            None => (from, format!("no rule audits {}", self.name)),
            Some(rule) if missing.is_empty() => (&rule.at, rule.text.clone()),
            Some(rule) => (&rule.at, format!("{}: not for {}", rule.text, missing.join(", "))),
        };
        finding.fact(aspect, used.is_some() && missing.is_empty(), at, found, self.name.clone());
    }
}
