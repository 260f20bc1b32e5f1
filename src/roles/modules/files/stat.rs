//! `stat`: what a path is.

use super::draft::{Draft, expand};
use super::file::shown;
use crate::host::{Command, Digest, Kind, Observe, Stat as Found};
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::roles::value::{Key, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `stat`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.stat",
    aliases: &[],
    summary: "Tells what a path is.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("path", ParamKind::Path, "What is looked at.").required().aliases(&["dest", "name"]),
        Param::new("follow", ParamKind::Bool, "Look through a final link.").default("false"),
        Param::new("get_checksum", ParamKind::Bool, "Give a file's digest.").default("true"),
        Param::new("checksum_algorithm", ParamKind::Str, "Which digest.")
            .default("sha1")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .aliases(&["checksum", "checksum_algo"]),
        Param::new("get_mime", ParamKind::Bool, "Ask `file` for the kind of content.").default("true").aliases(&[
            "mime",
            "mime_type",
            "mime-type",
        ]),
        Param::new("get_attributes", ParamKind::Bool, "Ask `lsattr` for the filesystem's attributes.")
            .default("true")
            .aliases(&["attr", "attributes"]),
    ],
    file_attributes: false,
    examples: &["stat:\n  path: /etc\n  get_checksum: false\n"],
};

struct Stat {
    path: String,
    follow: bool,
    checksum: Option<Digest>,
    mime: bool,
    attributes: bool,
}

/// Reads the arguments.
pub fn stat(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Stat {
        path: args.must("path")?,
        follow: args.flag("follow"),
        checksum: if args.flag("get_checksum") { Some(algorithm(&args.must("checksum_algorithm")?)) } else { None },
        mime: args.flag("get_mime"),
        attributes: args.flag("get_attributes"),
    }))
}

/// A digest by Ansible's name for it.
pub fn algorithm(name: &str) -> Digest {
    match name {
        "md5" => Digest::Md5,
        "sha224" => Digest::Sha224,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        _ => Digest::Sha1,
    }
}

impl Module for Stat {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let draft = Draft::new(eyes, false);
        let path = PathBuf::from(expand(eyes, &self.path)?);
        let Some(found) = draft.stat(&path, self.follow)? else {
            // Nothing is told of what cannot be there, which is below a file.
            for above in path.ancestors().skip(1) {
                match draft.stat(above, true)? {
                    None => continue,
                    Some(above) if above.kind == Kind::Directory => break,
                    Some(_) => return Err(Failed::new("Not a directory")),
                }
            }
            return Ok(Plan::unchanged().with("stat", Value::map([("exists", false.into())])));
        };
        let mut members = Map::new();
        members.insert(Key::from("exists"), true.into());
        members.insert(Key::from("path"), self.path.as_str().into());
        members.extend(kernel_members(&found));
        let mut add = |key: &str, value: Value| members.insert(Key::from(key), value);
        add("blocks", Value::Int(found.blocks.cast_signed()));
        add("block_size", Value::Int(found.block_size.cast_signed()));
        add("device_type", Value::Int(found.device_type.cast_signed()));
        // muster is root: it may read and write all, and execute what anyone may.
        let target = draft.stat(&path, true)?;
        let executable = |stat: &Found| stat.kind == Kind::Directory || stat.mode & 0o111 != 0;
        add("readable", target.is_some().into());
        add("writeable", target.is_some().into());
        add("executable", target.as_ref().is_some_and(executable).into());
        if found.kind == Kind::Link {
            add("lnk_source", shown(&draft.canonical(&path)?).into());
            let target = eyes.host.read_link(&path).ok().flatten().unwrap_or_default();
            add("lnk_target", shown(&target).into());
        }
        if let Some(user) = eyes.host.user(&found.uid.to_string()).ok().flatten() {
            add("pw_name", user.name.into());
        }
        if let Some(group) = eyes.host.group(&found.gid.to_string()).ok().flatten() {
            add("gr_name", group.name.into());
        }
        if let (Some(algorithm), Kind::File) = (self.checksum, found.kind) {
            let sum = eyes.host.digest(&path, algorithm);
            let sum = sum.map_err(|error| Failed::new(format!("read {}: {error}", path.display())))?;
            add("checksum", sum.map_or(Value::Null, Value::from));
        }
        if self.mime {
            let (kind, charset) = mime(eyes.host, &path);
            add("mimetype", kind.into());
            add("charset", charset.into());
        }
        if self.attributes {
            let (version, flags) = attributes(eyes.host, &path);
            add("version", version.map_or(Value::Null, Value::from));
            add("attributes", Value::list(flags.chars().filter_map(attribute_name).map(Value::str)));
            add("attr_flags", flags.into());
        }
        Ok(Plan::unchanged().with("stat", Value::Map(Arc::new(members))))
    }
}

/// What `stat(2)` says, by Ansible's names; `find` gives the same.
pub fn kernel_members(found: &Found) -> Vec<(Key, Value)> {
    let mut members: Vec<(&str, Value)> = vec![("mode", format!("{:04o}", found.mode).into())];
    for (name, kind) in [
        ("isdir", Kind::Directory),
        ("ischr", Kind::Character),
        ("isblk", Kind::Block),
        ("isreg", Kind::File),
        ("isfifo", Kind::Fifo),
        ("islnk", Kind::Link),
        ("issock", Kind::Socket),
    ] {
        members.push((name, (found.kind == kind).into()));
    }
    for (name, number) in [
        ("uid", u64::from(found.uid)),
        ("gid", u64::from(found.gid)),
        ("size", found.size),
        ("inode", found.inode),
        ("dev", found.device),
        ("nlink", found.links),
    ] {
        members.push((name, Value::Int(number.cast_signed())));
    }
    for (name, time) in [("atime", found.atime), ("mtime", found.mtime), ("ctime", found.ctime)] {
        members.push((name, Value::Float(time)));
    }
    for (name, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        members.push((name, (found.mode & bit != 0).into()));
    }
    members.into_iter().map(|(name, value)| (Key::from(name), value)).collect()
}

fn ask(host: &dyn Observe, program: &str, arguments: &[&str], path: &Path) -> Option<String> {
    let program = host.find_program(program).ok()??;
    let mut argv = vec![shown(&program)];
    argv.extend(arguments.iter().map(|word| (*word).to_owned()));
    argv.push(shown(path));
    host.query(&Command::new(argv)).ok().filter(|output| output.ok()).map(|output| output.text())
}

fn mime(host: &dyn Observe, path: &Path) -> (String, String) {
    let said = ask(host, "file", &["--mime-type", "--mime-encoding"], path).unwrap_or_default();
    let parts = said.rsplit_once(':').and_then(|(_, rest)| rest.split_once(';'));
    let charset = parts.and_then(|(_, rest)| rest.split_once('='));
    match (parts, charset) {
        (Some((kind, _)), Some((_, charset))) => (kind.trim().into(), charset.trim().into()),
        _ => ("unknown".into(), "unknown".into()),
    }
}

fn attributes(host: &dyn Observe, path: &Path) -> (Option<String>, String) {
    let said = ask(host, "lsattr", &["-vd"], path).unwrap_or_default();
    let mut fields = said.split_whitespace();
    match (fields.next(), fields.next()) {
        (Some(version), Some(flags)) => (Some(version.into()), flags.replace('-', "")),
        _ => (None, String::new()),
    }
}

/// chattr(1)'s letters, as Ansible names them.
fn attribute_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}
