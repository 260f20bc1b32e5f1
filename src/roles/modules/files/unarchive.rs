//! `unarchive`: an archive's entries are below a directory.

use super::archive::{Selection, read};
use super::draft::{Draft, expand};
use super::file::shown;
use super::wanted::Wanted;
use crate::host::{Content, Kind};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::remote::Request;
use crate::roles::value::Value;
use std::path::{Path, PathBuf};

/// `unarchive`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.unarchive",
    aliases: &[],
    summary: "Unpacks an archive below a directory.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("src", ParamKind::Path, "The archive: of the tree, of the machine, or a URL with `remote_src`.")
            .required(),
        Param::new("dest", ParamKind::Path, "An existing directory.").required(),
        Param::new("remote_src", ParamKind::Bool, "The archive is on the machine, or a URL.").default("false"),
        Param::new("copy", ParamKind::Bool, "The opposite of `remote_src`, as it was called."),
        Param::new("creates", ParamKind::Path, "Nothing is done where this is there."),
        Param::new("list_files", ParamKind::Bool, "Give the entries' names.").default("false"),
        Param::new("keep_newer", ParamKind::Bool, "Let files be that are newer.").default("false"),
        Param::new("exclude", ParamKind::StrList, "Entries to leave out."),
        Param::new("include", ParamKind::StrList, "The only entries to unpack."),
        Param::new(
            "extra_opts",
            ParamKind::StrList,
            "Options of tar: how leading directories and owners are dropped, and that `include` has patterns.",
        ),
        Param::new("validate_certs", ParamKind::Bool, "Verify the server's certificate.").default("true"),
        Param::new("io_buffer_size", ParamKind::Int, "muster chooses it.").default("65536"),
        Param::new("decrypt", ParamKind::Bool, "Decrypt a vaulted source.").default("true").only(&["True"]),
    ],
    file_attributes: true,
    examples: &[
        "unarchive:\n  src: app.tar.gz\n  dest: /etc\n  extra_opts: ['--strip-components=1']\n  mode: u=rwX,go=rX\n",
    ],
};

pub(super) struct Unarchive {
    src: String,
    dest: String,
    remote: bool,
    creates: Option<String>,
    list: bool,
    pub(super) keep_newer: bool,
    verify: bool,
    selection: Selection,
    pub(super) own_ids: bool,
    pub(super) masked: bool,
    pub(super) wanted: Wanted,
    pub(super) in_place: bool,
}

/// Reads the arguments.
pub fn unarchive(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    if args.is_given("copy") && args.is_given("remote_src") {
        return Err(args.together("parameters are mutually exclusive: ('copy', 'remote_src')"));
    }
    let mut module = Unarchive {
        src: args.must("src")?,
        dest: args.must("dest")?,
        remote: args.maybe_flag("copy").map_or(args.flag("remote_src"), |copy| !copy),
        creates: args.text("creates"),
        list: args.flag("list_files"),
        keep_newer: args.flag("keep_newer"),
        verify: args.flag("validate_certs"),
        selection: Selection { exclude: args.texts("exclude"), include: args.texts("include"), ..Selection::default() },
        own_ids: false,
        masked: false,
        wanted: Wanted::read(args)?,
        in_place: args.flag("unsafe_writes"),
    };
    if !module.selection.exclude.is_empty() && !module.selection.include.is_empty() {
        return Err(args.together("parameters are mutually exclusive: include|exclude"));
    }
    if !module.remote && module.src.contains("://") {
        return Err(args.wrong("src", "a URL is only supported when remote_src is true"));
    }
    options(&mut module, &args.texts("extra_opts"))?;
    Ok(Box::new(module))
}

/// tar's options: those whose effect is known are done, any other is refused by name.
fn options(module: &mut Unarchive, words: &[String]) -> Result<(), ArgError> {
    let refuse = |word: &str| ArgError::Unsupported {
        module: SPEC.name,
        name: format!("extra_opts: {word}"),
        why: "archives are unpacked natively; --strip-components, --wildcards, --no-same-owner and --no-same-permissions \
              are done",
    };
    let mut words = words.iter().flat_map(|word| word.split_whitespace());
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match name {
            "--strip-components" | "--strip" => {
                let count = value.or_else(|| words.next()).and_then(|count| count.parse().ok());
                module.selection.strip = count.ok_or_else(|| refuse(word))?;
            }
            "--exclude" => {
                module.selection.exclude.push(value.or_else(|| words.next()).ok_or_else(|| refuse(word))?.into())
            }
            "--no-same-owner" | "-o" => module.own_ids = true,
            "--no-same-permissions" => module.masked = true,
            "--wildcards" => module.selection.wildcards = true,
            "--no-wildcards" => module.selection.wildcards = false,
            // What happens anyway.
            "--overwrite"
            | "--no-overwrite-dir"
            | "--same-permissions"
            | "-p"
            | "--same-owner"
            | "-v"
            | "-q"
            | "--verbose"
            | "--show-transformed-names"
            | "--show-stored-names" => {}
            _ => return Err(refuse(word)),
        }
    }
    Ok(())
}

impl Module for Unarchive {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        if let Some(creates) = &self.creates {
            let path = expand(eyes, creates)?;
            if draft.stat(Path::new(&path), true)?.is_some() {
                let said = format!("skipped, since {creates} exists");
                return Ok(Plan::unchanged().with("skipped", true).with("msg", said));
            }
        }
        let dest = PathBuf::from(expand(eyes, &self.dest)?);
        if draft.stat(&dest, true)?.is_none_or(|stat| stat.kind != Kind::Directory) {
            return Err(Failed::new(format!("dest '{}' must be an existing dir", self.dest)));
        }
        let (src, content) = self.source(&draft)?;
        let (handler, entries) = read(&content, &self.selection).map_err(|mut failed| {
            failed.message = format!("{src}: {}", failed.message);
            failed
        })?;
        for entry in &entries {
            self.unpack(&mut draft, &dest, entry)?;
        }
        draft.set("handler", handler);
        draft.set("src", src);
        draft.set("dest", shown(&dest));
        if self.list {
            draft.set("files", Value::list(entries.iter().map(|entry| Value::str(entry.name.as_str()))));
        }
        draft.set_path_members(&dest)?;
        Ok(draft.finish(None))
    }
}

impl Unarchive {
    fn source(&self, draft: &Draft<'_>) -> Result<(String, Content), Failed> {
        let eyes = draft.eyes;
        if !self.remote {
            let missing = match eyes.tree.resolve("files", &self.src) {
                Ok(path) => return Ok((shown(&path), Content::Bytes(eyes.tree.read(&path)?.into()))),
                Err(missing) => missing,
            };
            // A whole path that the tree does not have is this host's, as it is the controller's in Ansible.
            let path = Path::new(&self.src);
            let bytes = if path.is_absolute() { draft.read(path)? } else { None };
            return Ok((shown(path), Content::Bytes(bytes.ok_or(missing)?.into())));
        }
        if self.src.contains("://") {
            let request = Request {
                method: "GET".into(),
                url: self.src.clone(),
                verify: self.verify,
                follow: true,
                ..Request::default()
            };
            let response = eyes.remote.http(&request)?;
            if response.status != 200 {
                return Err(Failed::new(format!("Failure downloading {}, HTTP status {}", self.src, response.status)));
            }
            return Ok((self.src.clone(), response.body));
        }
        let path = expand(eyes, &self.src)?;
        let bytes = draft.read(Path::new(&path))?;
        let bytes = bytes.ok_or_else(|| Failed::new(format!("Source '{path}' does not exist")))?;
        Ok((path, Content::Bytes(bytes.into())))
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::stage::{Stage, converges};
    use serde_json::{Value as Json, json};
    use std::io::Write;
    use std::path::Path;

    fn tarball(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_mtime(1_600_000_000);
            header.set_uid(1);
            header.set_gid(1);
            // Names that the library itself would refuse to write.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            if *kind == tar::EntryType::Regular {
                header.set_size(text.len() as u64);
                header.set_cksum();
                builder.append(&header, text.as_bytes()).expect("entry");
            } else {
                header.set_size(0);
                header.as_mut_bytes()[157..157 + text.len()].copy_from_slice(text.as_bytes());
                header.set_cksum();
                builder.append(&header, std::io::empty()).expect("entry");
            }
        }
        builder.into_inner().expect("tar")
    }

    fn ordinary() -> Vec<u8> {
        use tar::EntryType::{Directory, Link, Regular, Symlink};
        tarball(&[
            ("app-1/", Directory, ""),
            ("app-1/bin/run", Regular, "#!/bin/sh\n"),
            ("app-1/README", Regular, "read me"),
            ("app-1/current", Symlink, "bin/run"),
            ("app-1/again", Link, "app-1/README"),
        ])
    }

    /// The same archive in a format.
    pub fn packed(name: &str) -> Vec<u8> {
        let tar = ordinary();
        match name {
            "gz" => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(&tar).expect("write");
                out.finish().expect("gz")
            }
            "bz2" => {
                let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                out.write_all(&tar).expect("write");
                out.finish().expect("bz2")
            }
            "zst" => zstd::stream::encode_all(&tar[..], 1).expect("zst"),
            "zip" => {
                let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                let options = zip::write::SimpleFileOptions::default().unix_permissions(0o640);
                out.start_file("app-1/README", options).expect("entry");
                out.write_all(b"read me").expect("write");
                out.finish().expect("zip").into_inner()
            }
            _ => tar,
        }
    }

    fn unpack(archive: &[u8], mut arguments: Json) -> (Stage, Json) {
        let mut stage = Stage::new().file("/to/", "").source("a", archive);
        arguments["src"] = json!("a");
        arguments["dest"] = json!("/to");
        let done = converges(&mut stage, "unarchive", arguments);
        assert!(done.changed);
        (stage, done.result)
    }

    #[test]
    fn every_format_is_unpacked_with_owner_mode_and_time() {
        for (name, handler) in [
            ("tar", "TarArchive"),
            ("gz", "TgzArchive"),
            ("bz2", "TarBzipArchive"),
            ("zst", "TarZstdArchive"),
            ("zip", "ZipArchive"),
        ] {
            let (stage, result) = unpack(&packed(name), json!({"list_files": true}));
            assert_eq!(result["handler"], handler);
            assert_eq!(stage.text("/to/app-1/README"), "read me", "{name}");
            let mode = if name == "zip" { 0o640 } else { 0o755 };
            assert_eq!(stage.mode("/to/app-1/README"), mode, "{name}");
        }
        let (stage, result) = unpack(&packed("gz"), json!({"owner": "bin", "list_files": true}));
        let stat = crate::host::Observe::stat(&stage.machine, Path::new("/to/app-1/README"), false).expect("stat");
        let stat = stat.expect("there");
        assert_eq!((stat.uid, stat.gid, stat.links), (2, 1, 2));
        assert!((stat.mtime - 1_600_000_000.0).abs() < 1.0);
        assert_eq!(stage.text("/to/app-1/current"), "#!/bin/sh\n");
        let link = crate::host::Observe::stat(&stage.machine, Path::new("/to/app-1/current"), false).expect("stat");
        assert_eq!(link.map(|link| (link.uid, link.gid)), Some((2, 1)));
        assert_eq!(result["files"][0], "app-1/");
    }

    #[test]
    fn entries_are_chosen_and_renamed() {
        let (stage, _) = unpack(&ordinary(), json!({"extra_opts": ["--strip-components=1"], "mode": "u=rwX,go="}));
        assert_eq!((stage.text("/to/README").as_str(), stage.mode("/to/bin/run")), ("read me", 0o700));
        let (_, result) = unpack(&ordinary(), json!({"include": ["app-1/bin"], "list_files": true}));
        assert_eq!(result["files"], json!(["app-1/bin/run"]));
        let mut stage = Stage::new().file("/to/", "").file("/from.tar", "no archive");
        let error = stage.run("unarchive", json!({"src": "/from.tar", "dest": "/to"})).err().expect("of the host");
        assert!(error.message.starts_with("/from.tar: "), "{error}");
        let error = stage.run("unarchive", json!({"src": "/none.tar", "dest": "/to"})).err().expect("nowhere");
        assert!(!error.message.starts_with("/none.tar: "), "{error}");
        let wild =
            json!({"include": ["*/bin"], "extra_opts": ["--wildcards", "--show-stored-names"], "list_files": true});
        let (_, result) = unpack(&ordinary(), wild);
        assert_eq!(result["files"], json!(["app-1/bin/run"]));
        let (_, result) = unpack(&ordinary(), json!({"exclude": ["bin", "current", "again"], "list_files": true}));
        assert_eq!(result["files"], json!(["app-1/", "app-1/README"]));
    }

    #[test]
    fn what_would_leave_the_destination_is_refused() {
        use tar::EntryType::{Fifo, Regular, Symlink};
        type Named<'a> = (&'a str, tar::EntryType, &'a str);
        let cases: [(&[Named<'_>], &str); 3] = [
            (&[("../etc/passwd", Regular, "x")], "leaves the destination"),
            (&[("l", Symlink, "/etc"), ("l/passwd", Regular, "x")], "below its own link"),
            (&[("pipe", Fifo, "")], "not unpacked"),
        ];
        for (entries, why) in cases {
            let mut stage = Stage::new().file("/to/", "").source("a", &tarball(entries));
            let error = stage.run("unarchive", json!({"src": "a", "dest": "/to"})).err().expect("refused");
            assert!(error.message.contains(why), "{error}");
        }
        unpack(&tarball(&[("/abs", Regular, "x"), ("l", Symlink, "/etc")]), json!({}));
    }

    #[test]
    fn other_refusals_and_creates() {
        let mut stage = Stage::new().file("/to/there", "").source("a", &ordinary()).source("bad", b"not an archive");
        let creates = json!({"src": "a", "dest": "/to", "creates": "/to/there"});
        assert_eq!(stage.run("unarchive", creates).expect("skipped").result["skipped"], true);
        for (arguments, why) in [
            (json!({"src": "a", "dest": "/none"}), "must be an existing dir"),
            (json!({"src": "bad", "dest": "/to"}), "archive"),
            (json!({"src": "a", "dest": "/to", "extra_opts": ["--transform=s/a/b/"]}), "--transform"),
            (json!({"src": "https://h/a", "dest": "/to"}), "remote_src"),
        ] {
            let error = stage.run("unarchive", arguments).err().expect("refused");
            assert!(error.message.contains(why), "{error}");
        }
    }
}
