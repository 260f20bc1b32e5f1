//! Lines of `fstab`: one for a mount point, brought to what is asked, or taken away.

/// A line as it shall be.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The device; `None` where the task does not say.
    pub source: Option<String>,
    /// The mount point.
    pub path: String,
    /// The filesystem's type.
    pub kind: String,
    /// Mount options.
    pub options: String,
    /// For dump(8).
    pub dump: String,
    /// For fsck(8).
    pub pass: String,
}

/// As fstab(5) writes what would end a field.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('&', "\\046")
}

/// Lines with their ends; a last line without one gets it.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive('\n').map(|line| if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") })
}

impl Entry {
    fn fields(&self) -> [String; 6] {
        let source = self.source.as_deref().unwrap_or_default();
        [source, &self.path, &self.kind, &self.options, &self.dump, &self.pass].map(escaped)
    }

    /// Whether a line's fields are this mount point's. Swap has none, and is told by its device.
    fn is(&self, fields: &[&str]) -> bool {
        let swap = fields[1] == "none" && fields[2] == "swap";
        fields[1] == escaped(&self.path) && !(swap && self.source.as_deref().is_some_and(|source| source != fields[0]))
    }

    /// The file with this entry, and whether that differs.
    pub fn set(&self, text: &str) -> (String, bool) {
        let wanted = self.fields();
        let (mut out, mut found, mut changed) = (String::new(), false, false);
        for line in lines(text) {
            let fields: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            if !(4..=6).contains(&fields.len()) || !self.is(&fields) {
                out.push_str(&line);
                continue;
            }
            found = true;
            // As in the module, a line without its last two fields differs whatever is asked.
            changed |= fields.len() < 6 || (0..6).any(|at| at != 1 && fields[at] != wanted[at]);
            if changed {
                out.push_str(&format!("{}\n", wanted.join(" ")));
            } else {
                out.push_str(&line);
            }
        }
        if !found {
            out.push_str(&format!("{}\n", wanted.join(" ")));
        }
        (out, changed || !found)
    }

    /// The file without this entry, and whether that differs.
    pub fn unset(&self, text: &str) -> (String, bool) {
        let (mut out, mut changed) = (String::new(), false);
        for line in text.split_inclusive('\n') {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let ours = fields.len() == 6 && !line.trim_start().starts_with('#') && self.is(&fields);
            changed |= ours;
            if !ours {
                out.push_str(line);
            }
        }
        (out, changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, source: &str) -> Entry {
        let text = |text: &str| text.to_owned();
        let source = Some(text(source));
        Entry {
            source,
            path: text(path),
            kind: text("ext4"),
            options: text("noatime"),
            dump: text("0"),
            pass: text("2"),
        }
    }

    #[test]
    fn a_mount_point_has_one_line() {
        let text = "# fstab\nUUID=1 / ext4 defaults 0 1\n/dev/sdb /srv  ext4 noatime 0 2 # data";
        assert!(!entry("/srv", "/dev/sdb").set(text).1);
        let (other, changed) = entry("/srv", "/dev/sdc").set(text);
        assert!(changed && other.ends_with("0 1\n/dev/sdc /srv ext4 noatime 0 2\n"), "{other}");
        let (new, _) = entry("/a b", "LABEL=x").set(text);
        assert!(new.ends_with("# data\nLABEL=x /a\\040b ext4 noatime 0 2\n"), "{new}");
        assert!(entry("/x", "/dev/x").set("/dev/x /x ext4 noatime\n").1);
    }

    #[test]
    fn swap_is_told_by_its_device() {
        let text = "/dev/a none swap sw 0 0\n/dev/b none swap sw 0 0\n";
        let swap = Entry { kind: "swap".into(), ..entry("none", "/dev/b") };
        assert_eq!(swap.unset(text), ("/dev/a none swap sw 0 0\n".into(), true));
        assert_eq!(entry("/x", "y").unset(text), (text.to_owned(), false));
    }
}
