//! Audit rules that keep records back: `never` before what would tell, and records that are excluded altogether.
//!
//! The kernel takes the first rule of the list `exit` that fits; of the lists `task` and `exclude` any one is enough,
//! wherever it stands (auditctl(8)). What is narrowed to a program, a process, a security label or to what nobody logged in
//! for takes nothing away of what people do.

use super::audit::{Field, Rule};

/// What is to be told of.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A system call, and the result that is asked about.
    Call(String, Option<String>),
    /// Accesses to a path.
    Path {
        /// Which.
        path: String,
        /// Of `rwxa`.
        perm: String,
    },
}

/// Calls by which a file is opened, altered, or run.
const ON_FILES: &[(&str, &[char])] = &[
    ("open", &['r', 'w']),
    ("openat", &['r', 'w']),
    ("openat2", &['r', 'w']),
    ("creat", &['w']),
    ("truncate", &['w']),
    ("rename", &['w']),
    ("renameat", &['w']),
    ("renameat2", &['w']),
    ("unlink", &['w']),
    ("unlinkat", &['w']),
    ("chmod", &['a']),
    ("fchmodat", &['a']),
    ("chown", &['a']),
    ("fchownat", &['a']),
    ("execve", &['x']),
    ("execveat", &['x']),
];

impl Subject {
    /// Whether a rule keeps this back where the kernel comes to it.
    pub fn is_silenced_by(&self, rule: &Rule) -> bool {
        match rule.list.as_str() {
            "exclude" => self.excluded(rule),
            "task" => rule.action == "never" && !rule.fields.iter().any(|field| self.narrows(field)),
            "exit" => {
                let wide = !rule.fields.iter().any(|field| self.narrows(field));
                rule.action == "never" && wide && self.is_called_by(rule) && self.is_at(rule)
            }
            _ => false,
        }
    }

    /// Records of system calls carry the rest: without them nothing is told.
    fn excluded(&self, rule: &Rule) -> bool {
        const SYSCALL: u32 = 1300;
        let number = |value: &str| if value == "SYSCALL" { Some(SYSCALL) } else { value.parse().ok() };
        let all = |field: &Field| {
            let wanted = number(&field.value);
            field.name == "msgtype"
                && match field.op {
                    "=" => wanted == Some(SYSCALL),
                    "!=" => wanted != Some(SYSCALL),
                    ">=" => wanted.is_some_and(|least| least <= SYSCALL),
                    ">" => wanted.is_some_and(|least| least < SYSCALL),
                    "<=" => wanted.is_some_and(|most| most >= SYSCALL),
                    "<" => wanted.is_some_and(|most| most > SYSCALL),
                    _ => false,
                }
        };
        !rule.fields.is_empty() && rule.fields.iter().all(all)
    }

    fn is_called_by(&self, rule: &Rule) -> bool {
        rule.syscalls.is_empty()
            || match self {
                Self::Call(call, _) => rule.syscalls.contains(call),
                Self::Path { perm, .. } => ON_FILES
                    .iter()
                    .any(|(call, by)| rule.syscalls.contains(*call) && by.iter().any(|letter| perm.contains(*letter))),
            }
    }

    /// Whether a rule is about no path, or about this one.
    fn is_at(&self, rule: &Rule) -> bool {
        let above = |dir: &str, path: &str| {
            path == dir || path.strip_prefix(dir.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
        };
        let places = ["watch", "dir", "path"].iter().filter_map(|name| Some((*name, rule.equal(name)?)));
        places.into_iter().all(|(name, place)| match self {
            Self::Call(..) => place == "/",
            Self::Path { path, .. } => place == path || name != "path" && above(place, path),
        })
    }

    /// Whether a condition leaves people's actions to be told.
    fn narrows(&self, field: &Field) -> bool {
        let people = |field: &Field| match (field.op, field.value.parse::<u64>()) {
            _ if field.value == "unset" => field.op != "=",
            ("<" | "<=", Ok(most)) => most >= 1000,
            _ => true,
        };
        match field.name.as_str() {
            "arch" | "watch" | "dir" | "path" | "msgtype" => false,
            "auid" => !people(field),
            "uid" | "euid" | "suid" | "fsuid" | "gid" | "egid" | "sgid" | "fsgid" => {
                field.op == "=" && !matches!(field.value.as_str(), "0" | "root")
            }
            "perm" => match self {
                Self::Call(..) => false,
                Self::Path { perm, .. } => !field.value.chars().any(|letter| perm.contains(letter)),
            },
            "exit" => !matches!(self, Self::Call(_, Some(exit)) if *exit == field.value),
            "success" => !matches!(self, Self::Call(_, Some(_))) || !matches!(field.value.as_str(), "0" | "no"),
            _ => true,
        }
    }
}
