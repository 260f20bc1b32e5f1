//! `git`: a working copy of a repository at a revision, by the host's own git.

mod asked;
mod remote;
mod submodules;
mod switch;
mod work;

pub use asked::git;

use super::{FreeForm, Param, ParamKind, Spec};

/// `git`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.git",
    aliases: &[],
    summary: "Checks out a repository.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("repo", ParamKind::Str, "The repository.").required().aliases(&["name"]),
        Param::new("dest", ParamKind::Path, "Where to."),
        Param::new("version", ParamKind::Str, "A branch, a tag, or a commit.").default("HEAD"),
        Param::new("remote", ParamKind::Str, "What the remote is called.").default("origin"),
        Param::new("refspec", ParamKind::Str, "What else is fetched."),
        Param::new("reference", ParamKind::Str, "A repository to borrow objects from."),
        Param::new("force", ParamKind::Bool, "Throw local changes away.").default("false"),
        Param::new("depth", ParamKind::Int, "How many commits are fetched."),
        Param::new("clone", ParamKind::Bool, "Clone where there is nothing.").default("true"),
        Param::new("update", ParamKind::Bool, "Fetch where there is something.").default("true"),
        Param::new("single_branch", ParamKind::Bool, "Clone one branch only.").default("false"),
        Param::new("bare", ParamKind::Bool, "Without a working copy.").default("false"),
        Param::new("recursive", ParamKind::Bool, "With submodules.").default("true"),
        Param::new("track_submodules", ParamKind::Bool, "Submodules at their remote's newest.").default("false"),
        Param::new("verify_commit", ParamKind::Bool, "Verify the commit's or tag's OpenPGP signature.")
            .default("false"),
        Param::new("gpg_allowlist", ParamKind::StrList, "Fingerprints that may have signed.")
            .aliases(&["gpg_whitelist"]),
        Param::new("accept_hostkey", ParamKind::Bool, "Accept any host key.").default("false"),
        Param::new("accept_newhostkey", ParamKind::Bool, "Accept host keys that are new.").default("false"),
        Param::new("key_file", ParamKind::Path, "The SSH key."),
        Param::new("ssh_opts", ParamKind::Str, "Options of ssh."),
        Param::new("executable", ParamKind::Path, "Which git."),
        Param::new("umask", ParamKind::Raw, "The mask for files, as quoted octal digits."),
        Param::new("separate_git_dir", ParamKind::Path, "Where `.git` lies when cloning."),
        Param::new("archive", ParamKind::Path, "An archive to make.").unsupported("archives of a repository"),
        Param::new("archive_prefix", ParamKind::Str, "A directory in it.").unsupported("archives of a repository"),
    ],
    file_attributes: false,
    examples: &["git:\n  repo: https://git.example.com/app.git\n  dest: /srv/app\n  version: v1\n"],
};

#[cfg(test)]
mod tests;
