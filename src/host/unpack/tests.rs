//! Entries as they are taken, and readers that never panic.

use super::*;
use proptest::prelude::*;
use std::io::Read;

/// Keeps what is taken, and reads each file to its end.
#[derive(Default)]
struct List(Vec<Item>);

impl Sink for List {
    fn take(&mut self, item: &Item, bytes: &mut dyn Read) -> Result<(), Refusal> {
        std::io::copy(bytes, &mut std::io::sink()).map_err(|error| Refusal::Malformed(error.to_string()))?;
        self.0.push(item.clone());
        Ok(())
    }
}

fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).expect("a name");
        header.set_mode(0o644);
        header.set_entry_type(*kind);
        header.set_size(if *kind == tar::EntryType::Regular { content.len() as u64 } else { 0 });
        if *kind == tar::EntryType::Symlink {
            header.set_link_name(content).expect("a target");
        }
        header.set_cksum();
        let content = if *kind == tar::EntryType::Regular { content.as_bytes() } else { b"" };
        builder.append(&header, content).expect("appended");
    }
    builder.into_inner().expect("an archive")
}

fn read(bytes: &[u8], packing: Packing) -> Result<Vec<Item>, Refusal> {
    let mut list = List::default();
    walk(bytes, bytes.len() as u64, packing, &Limits::default(), &mut list).map(|_| list.0)
}

#[test]
fn each_packing_gives_the_same_entries() {
    use tar::EntryType::{Directory, Regular, Symlink};
    let plain = archive(&[("./a/", Directory, ""), ("a/b", Regular, "text"), ("a/c", Symlink, "../a/b")]);
    let items = read(&plain, Packing::Tar).expect("taken");
    assert_eq!(items[1].kind, ItemKind::File(4));
    assert_eq!(items[2].kind, ItemKind::Link("../a/b".into()));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, &plain).expect("compressed");
    assert_eq!(read(&gzip.finish().expect("compressed"), Packing::Gzip).expect("taken"), items);
    let zstd = zstd::encode_all(plain.as_slice(), 3).expect("compressed");
    assert_eq!(read(&zstd, Packing::Zstd).expect("taken"), items);
    assert_eq!((Packing::of("a.tar.gz"), Packing::of("a.zip")), (Some(Packing::Gzip), None));
}

proptest! {
    #[test]
    fn random_bytes_are_refused_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        for packing in [Packing::Tar, Packing::Gzip, Packing::Zstd] {
            let _ = read(&bytes, packing);
        }
    }

    #[test]
    fn a_valid_archive_with_changed_bytes_never_panics(
        changes in proptest::collection::vec((0_usize..3072, any::<u8>()), 1..12),
        fix in any::<bool>(),
    ) {
        use tar::EntryType::{Directory, Regular, Symlink};
        let mut bytes = archive(&[("a/", Directory, ""), ("a/b", Regular, "text"), ("a/c", Symlink, "b")]);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        // With its checksum mended, the rest of a header is read too.
        if fix {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(&bytes[..512]);
            header.set_cksum();
            bytes[..512].copy_from_slice(header.as_bytes());
        }
        let _ = read(&bytes, Packing::Tar);
    }
}
