//! SELinux's file contexts: the label that the policy gives a path, as `matchpathcon` answers (`selabel_file(5)`).

use super::Kind;
use fancy_regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The extended attribute that holds a file's label.
pub const ATTRIBUTE: &str = "security.selinux";

/// What tells that SELinux runs: its own file system is mounted.
pub const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// The policy's files, those that win last.
const FILES: [&str; 3] = ["file_contexts", "file_contexts.homedirs", "file_contexts.local"];

/// Files of paths that are labelled as other paths are, in the order in which they are tried.
const ALIASES: [&str; 2] = ["file_contexts.subs", "file_contexts.subs_dist"];

/// Where the policy that `/etc/selinux/config` names keeps them.
pub fn directory(config: &str) -> PathBuf {
    let kind = config.lines().filter_map(|line| line.trim().strip_prefix("SELINUXTYPE=")).next_back();
    Path::new("/etc/selinux").join(kind.map_or("targeted", str::trim)).join("contexts/files")
}

/// Every file that a lookup rests on.
pub fn sources(directory: &Path) -> impl Iterator<Item = PathBuf> {
    FILES.iter().chain(&ALIASES).map(move |name| directory.join(name))
}

/// The policy's labels.
#[derive(Debug, Default)]
pub struct FileContexts {
    /// The last that fits wins.
    entries: Vec<Entry>,
    aliases: [Vec<(String, String)>; 2],
}

/// A line of `file_contexts(5)`.
#[derive(Debug)]
struct Entry {
    pattern: String,
    /// What every path that fits begins with.
    stem: String,
    /// Whether the stem is the whole path.
    exact: bool,
    kind: Option<Kind>,
    /// None for `<<none>>`: such a file keeps what it has.
    label: Option<String>,
    compiled: OnceLock<Option<Regex>>,
}

impl FileContexts {
    /// Reads the policy's files; those that are not there say nothing.
    pub fn read<E>(directory: &Path, mut text: impl FnMut(&Path) -> Result<Option<String>, E>) -> Result<Self, E> {
        let mut all = Self::default();
        for name in FILES {
            let text = text(&directory.join(name))?.unwrap_or_default();
            all.entries.extend(text.lines().filter_map(Entry::parse));
        }
        // A path without patterns goes before every pattern, whichever file has it.
        all.entries.sort_by_key(|entry| entry.exact);
        for (aliases, name) in all.aliases.iter_mut().zip(ALIASES) {
            let text = text(&directory.join(name))?.unwrap_or_default();
            aliases.extend(text.lines().filter_map(|line| {
                let mut words = line.split_whitespace();
                let (from, to) = (words.next().filter(|from| from.starts_with('/'))?, words.next()?);
                Some((from.trim_end_matches('/').to_owned(), to.trim_end_matches('/').to_owned()))
            }));
        }
        Ok(all)
    }

    /// The label of something of that kind at that path; none where the policy has none for it.
    pub fn label(&self, path: &Path, kind: Kind) -> Option<&str> {
        let mut path = path.to_str()?.to_owned();
        for aliases in &self.aliases {
            let renamed = aliases.iter().find_map(|(from, to)| {
                let rest = path.strip_prefix(from.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
            });
            path = renamed.unwrap_or(path);
        }
        let fits = |entry: &&Entry| entry.kind.is_none_or(|only| only == kind) && entry.fits(&path);
        self.entries.iter().rev().find(fits)?.label.as_deref()
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let pattern = words.next().filter(|pattern| !pattern.starts_with('#'))?.to_owned();
        let mut label = words.next()?;
        let kind = match label {
            "--" => Some(Kind::File),
            "-d" => Some(Kind::Directory),
            "-l" => Some(Kind::Link),
            "-p" => Some(Kind::Fifo),
            "-s" => Some(Kind::Socket),
            "-c" => Some(Kind::Character),
            "-b" => Some(Kind::Block),
            _ => None,
        };
        if kind.is_some() {
            label = words.next()?;
        }
        let (stem, exact) = stem(&pattern);
        let label = (label != "<<none>>").then(|| label.to_owned());
        Some(Self { pattern, stem, exact, kind, label, compiled: OnceLock::new() })
    }

    fn fits(&self, path: &str) -> bool {
        if self.exact || !path.starts_with(self.stem.as_str()) {
            return self.exact && path == self.stem;
        }
        // There are thousands of patterns, and few are ever asked.
        let regex = self.compiled.get_or_init(|| Regex::new(&format!("(?s)^(?:{})$", self.pattern)).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(path).unwrap_or(false))
    }
}

/// What every path that fits a pattern begins with, and whether that is all of the pattern.
fn stem(pattern: &str) -> (String, bool) {
    let mut stem = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => stem.extend(letters.next()),
            // The letter before may be there or not.
            '?' | '*' | '{' => {
                stem.pop();
                return (stem, false);
            }
            // Either side of a bar may be meant.
            '|' => return (String::new(), false),
            '.' | '^' | '$' | '+' | '[' | '(' => return (stem, false),
            other => stem.push(other),
        }
    }
    (stem, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> FileContexts {
        let read = |path: &Path| -> Result<_, std::convert::Infallible> {
            Ok(match path.file_name().and_then(|name| name.to_str()) {
                Some("file_contexts") => Some(
                    "# a policy\n\
                     /.*\tsystem_u:object_r:default_t:s0\n\
                     /etc/.*\t\tsystem_u:object_r:etc_t:s0\n\
                     /etc/shadow.*\t--\tsystem_u:object_r:shadow_t:s0\n\
                     /etc/resolv\\.conf.*\tsystem_u:object_r:net_conf_t:s0\n\
                     /etc/rc\\.d/rc\t--\tsystem_u:object_r:initrc_exec_t:s0\n\
                     /usr/(local/)?bin(/.*)?\tsystem_u:object_r:bin_t:s0\n\
                     /run\t-d\tsystem_u:object_r:var_run_t:s0\n\
                     /run/.*\t<<none>>\n"
                        .to_owned(),
                ),
                Some("file_contexts.homedirs") => {
                    Some("/root/\\.ssh(/.*)?\tsystem_u:object_r:ssh_home_t:s0\n".to_owned())
                }
                Some("file_contexts.local") => Some("/etc/app(/.*)?  system_u:object_r:app_etc_t:s0\n".to_owned()),
                Some("file_contexts.subs_dist") => Some("/var/run /run\n/etc/init.d /etc/rc.d\n".to_owned()),
                _ => None,
            })
        };
        FileContexts::read(&directory("SELINUX=enforcing\nSELINUXTYPE=targeted\n"), read).expect("a policy")
    }

    #[test]
    fn the_last_that_fits_wins_and_kinds_count() {
        let policy = policy();
        let kind = |path: &str, kind| policy.label(Path::new(path), kind).and_then(|label| label.split(':').nth(2));
        assert_eq!(kind("/etc/hosts", Kind::File), Some("etc_t"));
        assert_eq!(kind("/etc/shadow-", Kind::File), Some("shadow_t"));
        assert_eq!(kind("/etc/shadow.d", Kind::Directory), Some("etc_t"));
        assert_eq!(kind("/etc/resolvXconf", Kind::File), Some("etc_t"));
        assert_eq!(kind("/etc/resolv.conf", Kind::Link), Some("net_conf_t"));
        assert_eq!(kind("/usr/bin", Kind::Directory), Some("bin_t"));
        assert_eq!(kind("/usr/local/bin/x", Kind::File), Some("bin_t"));
        assert_eq!(kind("/root/.ssh/authorized_keys", Kind::File), Some("ssh_home_t"));
        assert_eq!(kind("/etc/app/conf", Kind::File), Some("app_etc_t"));
        assert_eq!(kind("/srv/x", Kind::File), Some("default_t"));
    }

    #[test]
    fn aliases_are_followed_at_whole_names_and_none_is_none() {
        let policy = policy();
        let label = |path: &str, kind| policy.label(Path::new(path), kind);
        assert_eq!(label("/var/run/x", Kind::File), None);
        assert_eq!(label("/var/runner", Kind::File), Some("system_u:object_r:default_t:s0"));
        assert_eq!(label("/etc/init.d/rc", Kind::File), Some("system_u:object_r:initrc_exec_t:s0"));
        assert_eq!(label("/run", Kind::Directory), Some("system_u:object_r:var_run_t:s0"));
    }

    #[test]
    fn the_policy_is_the_last_that_the_settings_name() {
        assert_eq!(directory("SELINUXTYPE=mls\n"), Path::new("/etc/selinux/mls/contexts/files"));
        assert_eq!(directory(""), Path::new("/etc/selinux/targeted/contexts/files"));
        let named: Vec<_> = sources(Path::new("/p")).collect();
        assert!(named.contains(&PathBuf::from("/p/file_contexts.subs_dist")) && named.len() == 5, "{named:?}");
    }
}
