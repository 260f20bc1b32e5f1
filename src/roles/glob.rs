//! `glob.glob` over what is observed: the files that a pattern names.

use crate::fnmatch::{is_pattern, matches};
use crate::host::{Kind, Observe};
use std::io;
use std::path::{Path, PathBuf};

/// The paths that a pattern names, sorted; a path without a pattern names itself where it exists.
pub fn paths(host: &dyn Observe, pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for base in found {
            if !is_pattern(&text) {
                next.push(base.join(part));
                continue;
            }
            for name in host.list(&base)?.unwrap_or_default() {
                let shown = name.to_string_lossy();
                if (!shown.starts_with('.') || text.starts_with('.')) && matches(&text, &shown) {
                    next.push(base.join(&name));
                }
            }
        }
        found = next;
    }
    let mut there = Vec::new();
    for path in found {
        if host.stat(&path, false)?.is_some() {
            there.push(path);
        }
    }
    Ok(there)
}

/// The regular files among them, links followed.
pub fn files(host: &dyn Observe, pattern: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in paths(host, Path::new(pattern))? {
        if host.stat(&path, true)?.is_some_and(|stat| stat.kind == Kind::File) {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::Fake;

    #[test]
    fn paths_are_found_below_directories() {
        let machine =
            Fake::default().file("/etc/a.d/one.conf", "").file("/etc/b.d/two.conf", "").file("/etc/a.d/.x", "");
        let found = |pattern: &str| paths(&machine, Path::new(pattern)).expect("paths");
        assert_eq!(found("/etc/*.d/*.conf"), [PathBuf::from("/etc/a.d/one.conf"), "/etc/b.d/two.conf".into()]);
        assert_eq!(found("/etc/a.d/*"), [PathBuf::from("/etc/a.d/one.conf")]);
        assert_eq!(found("/etc/a.d"), [PathBuf::from("/etc/a.d")]);
        assert!(found("/nope/*").is_empty() && found("/nope").is_empty());
    }
}
