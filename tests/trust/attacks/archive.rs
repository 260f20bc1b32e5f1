//! Archives that lead out, hide, or never end. Each is refused whole, and nothing of it is left.

use muster::host::unpack::{Limits, Packing, Refusal, Unpack};
use muster::host::{Attributes, Change, Content, Host, HostError, Linux};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// One entry as bytes: header, data, padding.
pub struct Entry {
    pub header: tar::Header,
    data: Vec<u8>,
}

impl Entry {
    pub fn raw(name: &[u8], kind: u8, mode: u32, data: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(mode);
        header.set_size(data.len() as u64);
        Self { header, data: data.to_vec() }
    }

    fn file(name: &str, text: &str) -> Self {
        Self::raw(name.as_bytes(), b'0', 0o644, text.as_bytes())
    }

    fn directory(name: &str) -> Self {
        Self::raw(name.as_bytes(), b'5', 0o755, b"")
    }

    fn link(name: &str, target: &str) -> Self {
        let mut entry = Self::raw(name.as_bytes(), b'2', 0o777, b"");
        entry.header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        entry
    }

    /// An extended header for the next entry.
    pub fn extended(kind: u8, members: &[(&str, &str)]) -> Self {
        let mut data = Vec::new();
        for (key, value) in members {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length.to_string().len() + rest != length {
                length += 1;
            }
            data.extend(format!("{length} {key}={value}\n").bytes());
        }
        Self::raw(b"pax", kind, 0o644, &data)
    }

    fn bytes(mut self) -> Vec<u8> {
        self.header.set_cksum();
        let mut bytes = self.header.as_bytes().to_vec();
        bytes.extend(&self.data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

pub fn benign() -> Vec<Entry> {
    vec![Entry::directory("./"), Entry::directory("bin/"), Entry::file("bin/app", "run"), Entry::link("app", "bin/app")]
}

pub fn archive(entries: Vec<Entry>) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.into_iter().flat_map(Entry::bytes).collect();
    bytes.extend([0; 1024]);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

/// A host to extract on, and whatever there is afterwards.
pub struct Stage {
    pub scratch: TempDir,
    pub limits: Limits,
}

impl Stage {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().expect("scratch");
        muster::host::durable::make_directory(&scratch.path().join("releases"), 0o755).expect("a directory");
        Self { scratch, limits: Limits::default() }
    }

    fn content(&self, content: Content, sha256: [u8; 32], packing: Packing) -> Result<(), HostError> {
        let mut host = Linux::new(self.scratch.path()).expect("a host");
        let path = Path::new("/releases/one").to_owned();
        let limits = self.limits;
        host.apply(&Change::Unpack(Unpack {
            path,
            content,
            sha256,
            packing,
            limits,
            attributes: Attributes::default(),
        }))
        .map(|_| ())
    }

    pub fn extract(&self, bytes: &[u8], packing: Packing) -> Result<(), Refusal> {
        let sha256 = *sigstore_crypto::sha256(bytes).as_bytes();
        match self.content(Content::Bytes(bytes.into()), sha256, packing) {
            Ok(()) => Ok(()),
            Err(HostError::Archive { refusal, .. }) => Err(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    pub fn left(&self) -> usize {
        std::fs::read_dir(self.scratch.path().join("releases")).expect("a directory").count()
    }
}

/// Extracts the benign twin, and then the altered one, which must be refused and leave nothing.
fn refused(packing: Packing, good: &[u8], bad: &[u8], limits: Limits) -> Refusal {
    let stage = Stage { limits, ..Stage::new() };
    stage.extract(good, packing).expect("the benign twin");
    let one = stage.scratch.path().join("releases/one");
    assert!(one.is_dir(), "it is there");
    muster::host::durable::remove_directory(&one).expect("removed");
    let refusal = stage.extract(bad, packing).expect_err("refused");
    assert_eq!(stage.left(), 0, "nothing is left");
    refusal
}

fn with(more: Vec<Entry>) -> Refusal {
    let bad = archive(benign().into_iter().chain(more).collect());
    refused(Packing::Tar, &archive(benign()), &bad, Limits::default())
}

#[test]
fn what_git_archive_writes_is_taken() {
    let stage = Stage::new();
    let comment = Entry::extended(b'g', &[("comment", "0123456789abcdef0123456789abcdef01234567")]);
    let bytes = archive([comment].into_iter().chain(benign()).collect());
    stage.extract(&bytes, Packing::Tar).expect("taken");
    let one = stage.scratch.path().join("releases/one");
    assert_eq!(std::fs::read_to_string(one.join("app")).expect("through the link"), "run");
}

#[test]
fn a_zstd_window_beyond_memory() {
    let wide = |log: u32| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
        encoder.window_log(log).expect("a window");
        encoder.write_all(&archive(benign())).expect("compressed");
        encoder.finish().expect("compressed")
    };
    let refusal = refused(Packing::Zstd, &wide(20), &wide(27), Limits::default());
    assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
}

#[test]
fn a_name_without_end() {
    let mut name = Entry::raw(b"././@LongLink", b'L', 0o644, &vec![b'a'; 1 << 20]);
    name.data.push(0);
    name.header.set_size(name.data.len() as u64);
    let refusal = with(vec![name, Entry::file("short", "x")]);
    assert!(matches!(refusal, Refusal::Limit { what: "bytes in one extended header", .. }), "{refusal:?}");
}

#[test]
fn a_path_that_is_too_long() {
    let long = |length: usize| {
        let path = format!("{}f", "d/".repeat(length));
        archive(vec![Entry::extended(b'x', &[("path", &path)]), Entry::file("f", "x")])
    };
    let limits = Limits { depth: 1000, ..Limits::default() };
    let refusal = refused(Packing::Tar, &long(100), &long(600), limits);
    assert!(matches!(refusal, Refusal::Limit { what: "bytes in one path", .. }), "{refusal:?}");
}

#[test]
fn a_path_that_is_too_deep() {
    let deep = |depth: usize| archive(vec![Entry::file(&format!("{}f", "d/".repeat(depth)), "x")]);
    let limits = Limits { depth: 20, ..Limits::default() };
    let refusal = refused(Packing::Tar, &deep(19), &deep(20), limits);
    assert!(matches!(refusal, Refusal::Limit { what: "names in one path", .. }), "{refusal:?}");
}

/// Verified, altered on disk, extracted: the digest is of what was extracted.
#[test]
fn bytes_that_were_swapped_after_they_were_verified() {
    let stage = Stage::new();
    let good = archive(benign());
    let sha256 = *sigstore_crypto::sha256(&good).as_bytes();
    let mut file = tempfile::tempfile().expect("scratch");
    file.write_all(&good).expect("written");
    let content = Content::Staged(Arc::new(file.try_clone().expect("a second descriptor")));
    stage.content(content.clone(), sha256, Packing::Tar).expect("the benign twin");
    muster::host::durable::remove_directory(&stage.scratch.path().join("releases/one")).expect("removed");
    let evil = archive(vec![Entry::file("bin/app", "evil")]);
    file.seek(SeekFrom::Start(0)).expect("rewound");
    file.write_all(&evil).expect("written");
    file.set_len(evil.len() as u64).expect("cut");
    let refusal = stage.content(content, sha256, Packing::Tar).expect_err("refused");
    assert!(matches!(refusal, HostError::Archive { refusal: Refusal::Digest { .. }, .. }), "{refusal:?}");
    assert_eq!(stage.left(), 0, "nothing is left");
}

#[test]
fn a_directory_that_is_there_is_never_replaced() {
    let stage = Stage::new();
    let good = archive(benign());
    stage.extract(&good, Packing::Tar).expect("the benign twin");
    let sha256 = *sigstore_crypto::sha256(&good).as_bytes();
    let refusal = stage.content(Content::Bytes(good.into()), sha256, Packing::Tar).expect_err("refused");
    assert!(matches!(refusal, HostError::Io { .. }), "{refusal:?}");
    assert_eq!(stage.left(), 1, "the first stays, and nothing beside it");
}

#[test]
fn what_is_extracted_is_nobody_else_s_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let open = vec![Entry::raw(b"d/", b'5', 0o777, b""), Entry::raw(b"d/f", b'0', 0o666, b"x")];
    stage.extract(&archive(open), Packing::Tar).expect("taken");
    let mode = |path: &str| {
        let path = stage.scratch.path().join("releases/one").join(path);
        std::fs::metadata(path).expect("there").permissions().mode() & 0o7777
    };
    assert_eq!((mode("d"), mode("d/f")), (0o755, 0o644));
}
