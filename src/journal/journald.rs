//! systemd's journal by its native protocol: fields beside the text, so that `journalctl MUSTER_RUN=...` finds a run.
//! <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// How grave, as syslog has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A run that failed.
    Error = 3,
    /// What should be known.
    Warning = 4,
    /// Stages and outcomes.
    Notice = 5,
    /// Tasks.
    Info = 6,
}

/// Longer values are cut: a datagram has an end.
const LONGEST: usize = 32 * 1024;

/// A way to the journal, which may be absent: a container, an image build, a test.
#[derive(Debug)]
pub(crate) struct Journald {
    socket: Option<UnixDatagram>,
    path: PathBuf,
}

impl Journald {
    /// To the journal of this machine.
    pub(crate) fn of_machine() -> Self {
        Self::at(Path::new("/run/systemd/journal/socket"))
    }

    pub(crate) fn at(path: &Path) -> Self {
        let socket = path.exists().then(UnixDatagram::unbound).and_then(Result::ok);
        if let Some(socket) = &socket {
            // A journal that does not read must not hold up a boot.
            let _ = socket.set_nonblocking(true);
        }
        Self { socket, path: path.to_owned() }
    }

    /// No journal at all.
    pub(crate) fn absent() -> Self {
        Self { socket: None, path: PathBuf::new() }
    }

    /// Sends an entry. That it does not arrive fails nothing.
    pub(crate) fn send(&self, fields: &[(&str, &str)]) {
        let Some(socket) = &self.socket else { return };
        let _ = socket.send_to(&datagram(fields), &self.path);
    }
}

/// A value with line breaks is sent with its length before it.
fn datagram(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        let mut end = value.len().min(LONGEST);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = &value.as_bytes()[..end];
        bytes.extend_from_slice(name.as_bytes());
        if value.contains(&b'\n') {
            bytes.push(b'\n');
            bytes.extend_from_slice(&u64::try_from(value.len()).unwrap_or_default().to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_arrive_as_the_protocol_has_them() {
        let directory = tempfile::tempdir().expect("scratch");
        let path = directory.path().join("socket");
        let journal = UnixDatagram::bind(&path).expect("binds");
        Journald::at(&path).send(&[("MESSAGE", "two\nlines"), ("PRIORITY", "6")]);
        let mut bytes = [0; 200];
        let length = journal.recv(&mut bytes).expect("arrives");
        assert_eq!(&bytes[..length], b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=6\n");
        Journald::at(&directory.path().join("none")).send(&[("MESSAGE", "nobody hears")]);
    }
}
