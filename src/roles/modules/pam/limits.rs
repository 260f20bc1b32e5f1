//! `pam_limits`: a limit of a session is in `limits.conf`.

use crate::host::{FileWrite, Kind};
use crate::roles::modules::files::draft::Draft;
use crate::roles::modules::files::edit::Coding;
use crate::roles::modules::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use std::path::{Path, PathBuf};

/// `pam_limits`.
pub static SPEC: Spec = Spec {
    name: "community.general.pam_limits",
    aliases: &[],
    summary: "Sets limits of sessions.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("domain", ParamKind::Str, "Whose limit: a user, `@group`, `*`.").required(),
        Param::new("limit_type", ParamKind::Str, "Which of its bounds.").required().choices(&["soft", "hard", "-"]),
        Param::new("limit_item", ParamKind::Str, "What is limited.").required().choices(&[
            "core",
            "data",
            "fsize",
            "memlock",
            "nofile",
            "rss",
            "stack",
            "cpu",
            "nproc",
            "as",
            "maxlogins",
            "maxsyslogins",
            "priority",
            "locks",
            "sigpending",
            "msgqueue",
            "nice",
            "rtprio",
            "chroot",
        ]),
        Param::new("value", ParamKind::Str, "The limit.").required(),
        Param::new("use_max", ParamKind::Bool, "The larger of this value and the one there.").default("false"),
        Param::new("use_min", ParamKind::Bool, "The smaller of this value and the one there.").default("false"),
        Param::new("backup", ParamKind::Bool, "Keep the old file.").default("false"),
        Param::new("dest", ParamKind::Str, "The file.").default("/etc/security/limits.conf"),
        Param::new("comment", ParamKind::Str, "A comment after the limit.").default(""),
    ],
    file_attributes: false,
    examples: &[
        "pam_limits:\n  domain: app\n  limit_type: hard\n  limit_item: nofile\n  value: 65536\n  dest: /etc/limits.conf\n",
    ],
};

struct Limit {
    domain: String,
    bound: String,
    item: String,
    value: String,
    use_max: bool,
    use_min: bool,
    backup: bool,
    dest: PathBuf,
    comment: String,
}

/// Reads the arguments.
pub fn limit(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let limit = Limit {
        domain: args.must("domain")?,
        bound: args.must("limit_type")?,
        item: args.must("limit_item")?,
        value: args.must("value")?,
        use_max: args.flag("use_max"),
        use_min: args.flag("use_min"),
        backup: args.flag("backup"),
        dest: args.must("dest")?.into(),
        comment: args.text("comment").unwrap_or_default(),
    };
    if limit.use_max && limit.use_min {
        return Err(args.together("Cannot use use_min and use_max at the same time."));
    }
    judge(&limit.item, &limit.value, "").map_err(|problem| args.wrong("value", problem.trim_start().to_owned()))?;
    Ok(Box::new(limit))
}

fn judge(item: &str, value: &str, prefix: &str) -> Result<(), String> {
    if matches!(item, "nice" | "priority") {
        let fits = value.parse::<i64>().is_ok_and(|number| (-20..=19).contains(&number));
        return if fits {
            Ok(())
        } else {
            Err(format!(
                "{prefix} Value of '{value}' for item '{item}' is invalid. Value must be a number in the range -20 to 19 \
                 inclusive. Refer to the limits.conf(5) manual pages for more details."
            ))
        };
    }
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_unlimited(value) || is_number {
        return Ok(());
    }
    Err(format!(
        "{prefix} Value of '{value}' for item '{item}' is invalid. Value must either be 'unlimited', 'infinity' or -1, \
         all of which indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more \
         details."
    ))
}

fn is_unlimited(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

impl Limit {
    /// The value to set, where another one is there.
    fn wanted(&self, have: &str) -> String {
        let (unlimited, have_unlimited) = (is_unlimited(&self.value), is_unlimited(have));
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        let have_wins = if self.use_max {
            have_unlimited || !unlimited && number(have) >= number(&self.value)
        } else if self.use_min {
            unlimited || !have_unlimited && number(have) <= number(&self.value)
        } else {
            false
        };
        if have_wins { have.to_owned() } else { self.value.clone() }
    }

    fn line(&self, value: &str, comment: &mut String) -> String {
        if !comment.is_empty() {
            *comment = format!("\t#{comment}");
        }
        format!("{}\t{}\t{}\t{value}{comment}\n", self.domain, self.bound, self.item)
    }

    /// The new text and the result's message. As in the module, a comment that stands before the line is kept with it.
    fn edited(&self, text: &str) -> Result<(String, String), String> {
        let (mut after, mut said, mut found) = (String::new(), String::new(), false);
        let mut comment = self.comment.clone();
        let prefix = format!("Invalid configuration found in '{}'.", self.dest.display());
        for line in text.split_inclusive('\n') {
            if line.starts_with('#') || line.trim().is_empty() {
                after.push_str(line);
                continue;
            }
            let (fields, old_comment) = line.split_once('#').unwrap_or((line, ""));
            if comment.is_empty() {
                old_comment.clone_into(&mut comment);
            }
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let [domain, bound, item, value] = fields.as_slice() else {
                after.push_str(line);
                continue;
            };
            judge(item, value, &prefix)?;
            if (*domain, *bound, *item) != (&self.domain, &self.bound, &self.item) {
                after.push_str(line);
                continue;
            }
            found = true;
            let wanted = self.wanted(value);
            said = if wanted == *value { line.to_owned() } else { self.line(&wanted, &mut comment) };
            after.push_str(&said);
        }
        if !found {
            // A last line without its end would swallow the new one.
            if !after.is_empty() && !after.ends_with('\n') {
                after.push('\n');
            }
            said = self.line(&self.value, &mut comment);
            after.push_str(&said);
        }
        Ok((after, said))
    }
}

impl Module for Limit {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let mut draft = Draft::new(eyes, false);
        let directory = self.dest.parent().unwrap_or(Path::new("/"));
        if draft.stat(directory, true)?.is_none_or(|stat| stat.kind != Kind::Directory) {
            let shown = directory.display();
            let message = format!("directory {shown} is not writable (check presence, access rights, use sudo)");
            return Err(Failed::new(message));
        }
        let before = draft.read(&self.dest)?;
        let bytes = before.clone().unwrap_or_default();
        let coding = Coding::of(&bytes);
        let text = coding.decode(&bytes);
        let (after, said) = self.edited(&text).map_err(Failed::new)?;
        if before.is_none() || after != text {
            let file = FileWrite { backup: self.backup, ..FileWrite::new(&self.dest, coding.encode(&after)) };
            draft.show(&self.dest.display().to_string(), text, after);
            draft.write(file)?;
        }
        draft.set("msg", said);
        Ok(draft.finish(Some("backup_file")))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::files::stage::{Stage, converges};
    use serde_json::{Value as Json, json};

    const FILE: &str = "# limits\n*\tsoft\tcore\t0\n\napp hard nofile 1024 # few\napp\tsoft\tnproc\tunlimited\n";

    fn ask(limit: &[&str], more: Json) -> Json {
        let mut all = json!({"domain": limit[0], "limit_type": limit[1], "limit_item": limit[2], "value": limit[3],
            "dest": "/etc/l.conf"});
        for (key, value) in more.as_object().expect("object") {
            all[key] = value.clone();
        }
        all
    }

    /// The file after, and the message, as community.general gives them.
    #[test]
    fn limits_are_set() {
        let cases = [
            (ask(&["*", "soft", "core", "0"], json!({})), FILE.to_owned(), "*\tsoft\tcore\t0\n"),
            (
                ask(&["*", "soft", "core", "unlimited"], json!({})),
                FILE.replace("core\t0", "core\tunlimited"),
                "*\tsoft\tcore\tunlimited\n",
            ),
            (
                ask(&["db", "-", "nice", "-5"], json!({"comment": " mine"})),
                format!("{FILE}db\t-\tnice\t-5\t# mine\n"),
                "db\t-\tnice\t-5\t# mine\n",
            ),
            (
                ask(&["app", "hard", "nofile", "99"], json!({"use_max": true})),
                FILE.to_owned(),
                "app hard nofile 1024 # few\n",
            ),
            (
                ask(&["app", "hard", "nofile", "99"], json!({"use_min": true, "comment": "x"})),
                FILE.replace("app hard nofile 1024 # few", "app\thard\tnofile\t99\t#x"),
                "app\thard\tnofile\t99\t#x\n",
            ),
            (
                ask(&["app", "soft", "nproc", "7"], json!({"use_max": true})),
                FILE.to_owned(),
                "app\tsoft\tnproc\tunlimited\n",
            ),
        ];
        for (arguments, after, said) in cases {
            let mut stage = Stage::new().file("/etc/l.conf", FILE);
            let done = converges(&mut stage, "pam_limits", arguments.clone());
            assert_eq!((stage.text("/etc/l.conf"), &done.result["msg"]), (after, &json!(said)), "{arguments}");
        }
        let mut stage = Stage::new().file("/etc/", "");
        assert!(converges(&mut stage, "pam_limits", ask(&["a", "-", "as", "-1"], json!({}))).changed);
        assert_eq!(stage.text("/etc/l.conf"), "a\t-\tas\t-1\n");
    }

    #[test]
    fn values_that_are_none_are_refused() {
        let cases = [
            (ask(&["a", "-", "nice", "20"], json!({})), FILE, "-20 to 19"),
            (ask(&["a", "-", "core", "-2"], json!({})), FILE, "'unlimited', 'infinity' or -1"),
            (ask(&["a", "-", "core", "1"], json!({"use_max": true, "use_min": true})), FILE, "at the same time"),
            (
                ask(&["a", "-", "core", "1"], json!({})),
                "b - core much\n",
                "Invalid configuration found in '/etc/l.conf'",
            ),
        ];
        for (arguments, file, words) in cases {
            let mut stage = Stage::new().file("/etc/l.conf", file);
            let error = stage.run("pam_limits", arguments).err().expect("refused");
            assert!(error.message.contains(words), "{error}");
        }
        let error = Stage::new().run("pam_limits", ask(&["a", "-", "core", "1"], json!({}))).err().expect("refused");
        assert!(error.message.starts_with("directory /etc is not writable"), "{error}");
    }
}
