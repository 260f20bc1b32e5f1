//! Random arguments of modules that bring files.

use super::machine::Machine;
use super::random::{Case, FILE, Given, PLACES, arguments, mode, nothing, one, perhaps};
use crate::roles::modules::files::stage::{Stage, Web};
use proptest::prelude::*;
use serde_json::json;

pub const CASES: &[Case] = &[
    Case { module: "replace", given: replace, before: nothing },
    Case { module: "assemble", given: assemble, before: nothing },
    Case { module: "get_url", given: get_url, before: network },
    Case { module: "s3_object", given: s3_object, before: network },
    Case { module: "unarchive", given: unarchive, before: nothing },
    Case { module: "fetch", given: fetch, before: nothing },
];

fn replace() -> Given {
    let pairs =
        [("^a ?=.*$", "a=3"), ("^# ?(a=1)$", r"\1"), ("^b=(x) y$", r"b=\g<1>"), ("$^nothing", "x"), ("one", "three")];
    let after = perhaps(&[r"\[one\]", "nowhere"]);
    (prop::sample::select(pairs.to_vec()), after, perhaps(&[r"\[two\]"]), mode())
        .prop_map(|((regexp, replace), after, before, mode)| {
            let given = [("after", after), ("before", before), ("mode", mode)];
            arguments(given, json!({"path": FILE, "regexp": regexp, "replace": replace}))
        })
        .boxed()
}

fn assemble() -> Given {
    (one(PLACES), perhaps(&["^[0-9]", "b$"]), perhaps(&["### next\\n"]), mode(), any::<bool>())
        .prop_map(|(dest, regexp, delimiter, mode, hidden)| {
            let given = [("dest", Some(dest)), ("regexp", regexp), ("delimiter", delimiter), ("mode", mode)];
            arguments(given, json!({"src": "/srv/parts", "ignore_hidden": hidden}))
        })
        .boxed()
}

fn network(stage: &mut Stage<Machine>) {
    stage.remote = Box::new(Web::new([("https://e.example/a.txt", "one\n"), ("s3://b/k/a.txt", "two\n")]));
}

fn get_url() -> Given {
    // Of `one\n`.
    let sum = perhaps(&["sha1:c708d7ef841f7e1748436b8ef5670d0b2de1a227", "md5:5bbf5a52328e7439ae6e719dfe712200"]);
    (one(&["/srv/new", FILE, "/srv/directory"]), sum, mode(), any::<bool>())
        .prop_map(|(dest, checksum, mode, force)| {
            let given = [("dest", Some(dest)), ("checksum", checksum), ("mode", mode)];
            arguments(given, json!({"url": "https://e.example/a.txt", "force": force}))
        })
        .boxed()
}

fn s3_object() -> Given {
    (one(PLACES), perhaps(&["different", "always", "never"]))
        .prop_map(|(dest, overwrite)| {
            // What is always fetched counts as changed each time.
            let overwrite = overwrite.filter(|word| *word != "always");
            let given = [("dest", Some(dest)), ("overwrite", overwrite)];
            arguments(given, json!({"bucket": "b", "object": "k/a.txt", "mode": "get"}))
        })
        .boxed()
}

fn unarchive() -> Given {
    (one(&["/srv/directory", "/srv"]), mode(), any::<bool>())
        .prop_map(|(dest, mode, newer)| {
            let given = [("dest", Some(dest)), ("mode", mode)];
            arguments(given, json!({"src": "app.tar.gz", "keep_newer": newer}))
        })
        .boxed()
}

fn fetch() -> Given {
    (any::<bool>(), one(&["/srv/got", "/srv/directory/"]))
        .prop_map(|(flat, dest)| json!({"src": FILE, "dest": dest, "flat": flat}))
        .boxed()
}
