//! `semanage`: ports, contexts of files, and the booleans that a restart brings.

use super::Tool;
use crate::host::Output;
use crate::roles::modules::idempotence::machine::said;
use std::collections::BTreeMap;

/// What somebody has added to the policy.
#[derive(Default)]
pub struct Selinux {
    booleans: BTreeMap<String, bool>,
    /// By protocol and port.
    ports: BTreeMap<(String, String), String>,
    /// By path and type of file.
    contexts: BTreeMap<(String, String), String>,
    same: BTreeMap<String, String>,
}

/// The words without `--noreload`.
fn plain<'w>(words: &[&'w str]) -> Vec<&'w str> {
    words.iter().copied().filter(|word| *word != "--noreload").collect()
}

/// A type of file as `semanage` lists it.
fn listed(letter: &str) -> &'static str {
    match letter {
        "d" => "directory",
        "f" => "regular file",
        _ => "all files",
    }
}

impl Tool for Selinux {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        let text = match words {
            ["semanage", "boolean", "--list", "--noheading"] => {
                let line = |name: &str| {
                    let on = if self.booleans.get(name).copied().unwrap_or_default() { "on" } else { "off" };
                    format!("{name}   (off  ,  {on})  What it allows\n")
                };
                ["httpd_can_network_connect", "virt_use_nfs"].map(line).concat()
            }
            ["semanage", "port", "--list", "--noheading", local @ ..] => {
                let line = |((proto, port), kind): (&(String, String), &String)| format!("{kind}   {proto}   {port}\n");
                let own: String = self.ports.iter().map(line).collect();
                if local.is_empty() { format!("http_port_t   tcp   80, 443\n{own}") } else { own }
            }
            ["semanage", "fcontext", "--list", "--noheading"] => {
                let context = |((path, letter), context): (&(String, String), &String)| {
                    format!("{path}    {}    {context}\n", listed(letter))
                };
                let same = self.same.iter().map(|(path, of)| format!("{path} = {of}\n"));
                self.contexts.iter().map(context).chain(same).collect()
            }
            _ => return None,
        };
        Some(said(0, text))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        match plain(words)[..] {
            ["setsebool", "-P", name, value] => drop(self.booleans.insert(name.to_owned(), value == "1")),
            ["semanage", "port", "--add" | "--modify", "--type", kind, "--range", _, "--proto", proto, port] => {
                self.ports.insert((proto.to_owned(), port.to_owned()), kind.to_owned());
            }
            ["semanage", "port", "--delete", "--proto", proto, port] => {
                // What the policy itself has cannot go.
                return Some(said(i32::from(self.ports.remove(&(proto.to_owned(), port.to_owned())).is_none()), ""));
            }
            ["semanage", "fcontext", "--add" | "--modify", "--equal", of, path] => {
                self.same.insert(path.to_owned(), of.to_owned());
            }
            ["semanage", "fcontext", "--delete", "--equal", _, path] => drop(self.same.remove(path)),
            [
                "semanage",
                "fcontext",
                "--add" | "--modify",
                "--type",
                kind,
                "--ftype",
                files,
                "--range",
                range,
                "--seuser",
                user,
                path,
            ] => {
                let context = format!("{user}:object_r:{kind}:{range}");
                self.contexts.insert((path.to_owned(), files.to_owned()), context);
            }
            ["semanage", "fcontext", "--delete", "--ftype", files, path] => {
                self.contexts.remove(&(path.to_owned(), files.to_owned()));
            }
            _ => return None,
        }
        Some(said(0, ""))
    }
}
