//! Answers that are no metadata at all (CVE-2026-23991): each ends the refresh with an error, and none with a panic.

use crate::host::shop;
use crate::repository::Repository;
use muster::trust::tuf::TufError;

const REPLIES: [&[u8]; 12] = [
    b"",
    b"null",
    b"[]",
    b"0",
    b"\"text\"",
    b"{}",
    b"{\"signed\": null, \"signatures\": null}",
    b"{\"signed\": {}, \"signatures\": []}",
    b"{\"signed\": {\"_type\": 1, \"version\": -1}, \"signatures\": [{}]}",
    b"{\"signed\": {\"_type\": \"root\", \"roles\": [], \"keys\": null}, \"signatures\": {}}",
    b"<html><body>It works!</body></html>",
    b"\xef\xbb\xbf{}",
];

#[test]
fn what_is_no_metadata_is_refused_in_each_file() {
    let repository = Repository::new();
    for name in ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.shop.json", "2.root.json"] {
        let good = (name != "2.root.json").then(|| repository.server.read(name));
        for reply in REPLIES {
            repository.put(name, reply.to_vec());
            let refused = shop(&repository).unwrap_err();
            let shown = String::from_utf8_lossy(reply);
            assert!(
                matches!(refused, TufError::Json { .. } | TufError::Malformed { .. }),
                "{name} as {shown}: {refused:?}"
            );
        }
        match good {
            Some(good) => repository.put(name, good),
            None => repository.server.alter(|served| drop(served.metadata.remove(name))),
        }
        shop(&repository).unwrap();
    }
}
