//! `user`: an account is there as described, or is not there.

mod home;
mod key;
mod shadow;
mod tools;

use super::programs::say_if_any;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec};
use crate::host::{Account, Attributes, Change, Command, Effect, UserEntry};
use crate::roles::value::{Key, Value};
use crate::secret::Secret;

const MACOS: &str = "muster runs on Linux";
const BSD: &str = "it has a meaning on BSD and Solaris only";

/// `user`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.user",
    aliases: &[],
    summary: "Adds, alters and removes users.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The user.").required().aliases(&["user"]),
        Param::new("state", ParamKind::Str, "Whether it is there.").default("present").choices(&["absent", "present"]),
        Param::new("uid", ParamKind::Int, "Its number."),
        Param::new("uid_min", ParamKind::Int, "The lowest number to choose."),
        Param::new("uid_max", ParamKind::Int, "The highest number to choose."),
        Param::new("non_unique", ParamKind::Bool, "Allow a number that another user has.").default("false"),
        Param::new("group", ParamKind::Str, "Its primary group."),
        Param::new("groups", ParamKind::StrList, "Its other groups."),
        Param::new("append", ParamKind::Bool, "Keep groups that are not named.").default("false"),
        Param::new("comment", ParamKind::Str, "Its description."),
        Param::new("home", ParamKind::Path, "Its home directory."),
        Param::new("create_home", ParamKind::Bool, "Make the home directory.").aliases(&["createhome"]).default("true"),
        Param::new("move_home", ParamKind::Bool, "Move the home directory to its new place.").default("false"),
        Param::new("skeleton", ParamKind::Str, "Where a new home's files come from."),
        Param::new("umask", ParamKind::Str, "The mask for a new home."),
        Param::new("shell", ParamKind::Path, "Its login shell."),
        Param::new("system", ParamKind::Bool, "Number a new user as a system account.").default("false"),
        Param::new("password", ParamKind::Str, "The hash of its password."),
        Param::new("update_password", ParamKind::Str, "When the hash is set.")
            .default("always")
            .choices(&["always", "on_create"]),
        Param::new("password_lock", ParamKind::Bool, "Whether the password is locked."),
        Param::new("password_expire_max", ParamKind::Int, "Days after which the password must be changed."),
        Param::new("password_expire_min", ParamKind::Int, "Days before which it cannot be changed."),
        Param::new("password_expire_warn", ParamKind::Int, "Days of warning before it expires."),
        Param::new("password_expire_account_disable", ParamKind::Int, "Days from its expiry to the account's."),
        Param::new("expires", ParamKind::Float, "When the account expires, in seconds since the epoch."),
        Param::new("force", ParamKind::Bool, "Remove it though it is logged in; overwrite its key.").default("false"),
        Param::new("remove", ParamKind::Bool, "Remove its home with it.").default("false"),
        Param::new("local", ParamKind::Bool, "Look only in the machine's own files.").default("false"),
        Param::new("generate_ssh_key", ParamKind::Bool, "Make a key pair for SSH.").default("false"),
        Param::new("ssh_key_bits", ParamKind::Int, "The key's size.").default("0"),
        Param::new("ssh_key_type", ParamKind::Str, "The key's type.").default("rsa"),
        Param::new("ssh_key_file", ParamKind::Path, "The key's file, relative to the home."),
        Param::new("ssh_key_comment", ParamKind::Str, "The key's comment."),
        Param::new("ssh_key_passphrase", ParamKind::Str, "The key's passphrase.")
            .unsupported("ssh-keygen takes it as an argument, which every process can see"),
        Param::new("seuser", ParamKind::Str, "Its SELinux user."),
        Param::new("hidden", ParamKind::Bool, "Hide it from the login window.").unsupported(MACOS),
        Param::new("login_class", ParamKind::Str, "Its login class.").unsupported(BSD),
        Param::new("profile", ParamKind::Str, "Its profiles.").unsupported(BSD),
        Param::new("authorization", ParamKind::Str, "Its authorizations.").unsupported(BSD),
        Param::new("role", ParamKind::Str, "Its roles.").unsupported(BSD),
    ],
    file_attributes: false,
    examples: &["user:\n  name: app\n  system: true\n  shell: /usr/sbin/nologin\n  home: /opt/app\n"],
};

/// An account as a task describes it.
#[derive(Clone)]
struct User {
    name: String,
    present: bool,
    uid: Option<i64>,
    range: Vec<String>,
    non_unique: bool,
    group: Option<String>,
    groups: Option<Vec<String>>,
    append: bool,
    comment: Option<String>,
    home: Option<String>,
    create_home: bool,
    move_home: bool,
    skeleton: Option<String>,
    umask: Option<String>,
    shell: Option<String>,
    system: bool,
    password: Option<Secret<String>>,
    always: bool,
    lock: Option<bool>,
    age: shadow::Age,
    inactive: Option<i64>,
    expires: Option<f64>,
    force: bool,
    remove: bool,
    local: bool,
    key: Option<key::KeyPair>,
    seuser: Option<String>,
}

/// Reads the arguments.
pub fn user(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    let bound = |name: &str, word: &str| args.int(name).map(|bound| format!("{word}={bound}"));
    let groups = args.texts("groups").into_iter().filter(|group| !group.is_empty()).collect();
    let user = User {
        name: args.must("name")?,
        present: args.must("state")? == "present",
        uid: args.int("uid"),
        range: bound("uid_min", "UID_MIN").into_iter().chain(bound("uid_max", "UID_MAX")).collect(),
        non_unique: args.flag("non_unique"),
        group: args.text("group"),
        groups: args.is_given("groups").then_some(groups),
        append: args.flag("append"),
        comment: args.text("comment"),
        home: args.text("home"),
        create_home: args.flag("create_home"),
        move_home: args.flag("move_home"),
        skeleton: args.text("skeleton"),
        umask: args.text("umask"),
        shell: args.text("shell"),
        system: args.flag("system"),
        password: args.text("password").map(Secret::new),
        always: args.must("update_password")? == "always",
        lock: args.maybe_flag("password_lock"),
        age: shadow::Age {
            min: args.int("password_expire_min"),
            max: args.int("password_expire_max"),
            warn: args.int("password_expire_warn"),
        },
        inactive: args.int("password_expire_account_disable"),
        expires: match args.value("expires") {
            Some(Value::Float(seconds)) => Some(*seconds),
            Some(other) => other.as_str().and_then(|text| text.parse().ok()),
            None => None,
        },
        force: args.flag("force"),
        remove: args.flag("remove"),
        local: args.flag("local"),
        key: args.flag("generate_ssh_key").then(|| key::KeyPair::read(args)).transpose()?,
        seuser: args.text("seuser"),
    };
    if user.local && (user.umask.is_some() || !user.range.is_empty()) {
        return Err(args.together("`local` does not go with `umask`, `uid_min` or `uid_max`"));
    }
    if user.password.as_ref().is_some_and(|hash| hash.expose().contains([':', '\n'])) {
        return Err(args.wrong("password", "a password hash holds no colon and no line end"));
    }
    Ok(Box::new(user))
}

impl Module for User {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let have = self.find(eyes)?;
        let state = if self.present { "present" } else { "absent" };
        let mut plan = Plan::unchanged().with("name", self.name.as_str()).with("state", Value::str(state));
        if !self.present {
            if have.is_some() {
                plan.changes.push(tool(self.userdel()));
                plan = plan.with("force", self.force).with("remove", self.remove);
                plan.next = Some(Box::new(|_, effects| {
                    let mut plan = Plan { changed: Some(true), ..Plan::default() };
                    say_if_any(&mut plan.result, effects);
                    Ok(plan)
                }));
            }
            return Ok(plan);
        }
        let (changes, added) = match &have {
            None => (self.added(eyes)?, [("system", self.system), ("create_home", self.create_home)]),
            Some(have) => (self.altered(eyes, have)?, [("append", self.append), ("move_home", self.move_home)]),
        };
        for (name, value) in added {
            plan = plan.with(name, value);
        }
        if let Some(password) = &self.password {
            plan = plan.with("password", "NOT_LOGGING_PASSWORD");
            if !shadow::looks_hashed(password.expose()) {
                plan = plan.with("warnings", Value::list([Value::str(NOT_HASHED)]));
            }
        }
        if changes.is_empty() {
            let rest = self.finished(eyes, false)?;
            plan.result.extend(rest.result);
            return Ok(Plan { result: plan.result, ..rest });
        }
        let user = self.clone();
        let next = move |eyes: &Eyes<'_>, effects: &[Effect]| {
            let mut plan = user.finished(eyes, true)?;
            say_if_any(&mut plan.result, effects);
            Ok(plan)
        };
        Ok(Plan { changes, next: Some(Box::new(next)), ..plan })
    }
}

const NOT_HASHED: &str = "The input password appears not to have been hashed. The 'password' argument must be encrypted \
                          for this module to work properly.";

impl User {
    fn find(&self, eyes: &Eyes<'_>) -> Result<Option<UserEntry>, Failed> {
        let found = if self.local {
            eyes.host.users().map(|users| users.into_iter().find(|user| user.name == self.name))
        } else {
            // A number written as a name is a name here.
            eyes.host.user(&self.name).map(|user| user.filter(|user| user.name == self.name))
        };
        found.map_err(|error| Failed::new(format!("looking for user {}: {error}", self.name)))
    }

    /// The changes that add the user.
    fn added(&self, eyes: &Eyes<'_>) -> Result<Vec<Change>, Failed> {
        let mut changes = Vec::new();
        if let Some(home) = self.home.as_ref().filter(|_| self.create_home) {
            // useradd makes the last directory only.
            changes.extend(home::parents(eyes, home)?);
        }
        let lacked_parents = !changes.is_empty();
        changes.push(tool(self.useradd(eyes)?));
        if let Some(home) = self.home.as_ref().filter(|_| lacked_parents) {
            // Ansible makes such a home itself: its mode is that of login.defs, whatever `umask` says.
            let attributes = Attributes { mode: home::mode(eyes)?, ..Attributes::default() };
            changes.push(Change::SetAttributes { path: home.into(), attributes, follow: false });
        }
        changes.extend(self.password.as_ref().map(|hash| self.set_password(hash)));
        Ok(changes)
    }

    /// The changes that make an existing user as described.
    fn altered(&self, eyes: &Eyes<'_>, have: &UserEntry) -> Result<Vec<Change>, Failed> {
        let entry = shadow::Entry::read(eyes, &self.name)?;
        let bare = |hash: &str| hash.trim_start_matches('!').to_owned();
        let password = self.password.as_ref().filter(|want| self.always && bare(entry.hash()) != bare(want.expose()));
        let mut changes: Vec<Change> =
            self.usermod(eyes, have, &entry, password.is_some())?.map(tool).into_iter().collect();
        changes.extend(password.map(|hash| self.set_password(hash)));
        Ok(changes)
    }

    fn set_password(&self, hash: &Secret<String>) -> Change {
        let lock = if self.lock == Some(true) { "!" } else { "" };
        let hash = Secret::new(format!("{lock}{}", hash.expose()));
        Change::Account(Account::Password { user: self.name.clone(), hash })
    }

    /// What is left once the account is there: its home, its key, its password's age.
    fn finished(&self, eyes: &Eyes<'_>, changed: bool) -> Result<Plan, Failed> {
        let mut plan = Plan { changed: Some(changed), ..Plan::default() };
        // Only planned so far: nothing more is known of it.
        let Some(have) = self.find(eyes)? else { return Ok(plan) };
        plan = plan
            .with("uid", i64::from(have.uid))
            .with("group", i64::from(have.gid))
            .with("comment", have.gecos.as_str())
            .with("home", have.home.as_str())
            .with("shell", have.shell.as_str());
        if let Some(groups) = &self.groups {
            plan = plan.with("groups", groups.join(","));
        }
        let home = self.home.as_deref().unwrap_or(&have.home);
        if self.create_home && !eyes.exists(home)? {
            plan.changes.extend(home::made(eyes, home, self.skeleton.as_deref(), &have)?);
        }
        if let Some(key) = &self.key {
            let made = key.made(eyes, &have, self.force)?;
            plan.changes.extend(made.changes);
            plan.result.extend(made.result);
            plan.next = made.next;
        }
        if let Some(words) = self.age.differs(&shadow::Entry::read(eyes, &self.name)?) {
            let argv = [vec!["chage".to_owned()], words, vec![self.name.clone()]].concat();
            plan.changes.push(tool(Command::new(argv)));
        }
        plan.changed = Some(changed || !plan.changes.is_empty());
        Ok(plan)
    }
}

fn tool(command: Command) -> Change {
    Change::Account(Account::Tool(command))
}

/// Adds to the warnings of a result.
fn warn(plan: &mut Plan, warning: String) {
    let key = Key::from("warnings");
    let have = plan.result.get(&key).and_then(Value::as_list).unwrap_or_default().to_vec();
    plan.result.insert(key, Value::list(have.into_iter().chain([Value::from(warning)])));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    const HASH: &str = "$6$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn machine() -> Fake {
        Fake::default()
            .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\napp:x:70:71:The app:/srv/app:/bin/sh\n")
            .file("/etc/group", "root:x:0:\napp:x:71:\nadm:x:4:app,x\nwww:x:33:\n")
            .file("/etc/shadow", &format!("root:*:1:0:99999:7:::\napp:{HASH}:1:0:99999:7:::\n"))
            .file("/srv/app/.profile", "")
            .file("/etc/skel/.profile", "hello")
            .file("/etc/login.defs", "UMASK\t022\nHOME_MODE 0750\n")
    }

    fn asked(arguments: serde_json::Value) -> String {
        changes(&plan(&machine(), "user", arguments).expect("plan")).join(", ")
    }

    #[test]
    fn a_new_user_is_added_and_its_hash_is_no_argument() {
        let line = asked(json!({"name": "new", "system": true, "shell": "/bin/false", "groups": ["adm", "www"],
            "password": HASH, "home": "/opt/a/new", "umask": "077"}));
        assert_eq!(
            line,
            "MakeDirectory { path: \"/opt\", attributes: Attributes { mode: None, uid: None, gid: None } }, \
             MakeDirectory { path: \"/opt/a\", attributes: Attributes { mode: None, uid: None, gid: None } }, \
             useradd -G adm,www -d /opt/a/new -s /bin/false -m -K UMASK=077 -r new, \
             SetAttributes { path: \"/opt/a/new\", attributes: Attributes { mode: Some(488), uid: None, gid: None }, \
             follow: false }, password of new"
        );
        assert_eq!(asked(json!({"name": "www", "create_home": false})), "useradd -N -M www");
        let error = plan(&machine(), "user", json!({"name": "new", "group": "nope"})).err().expect("failed");
        assert_eq!(error.message, "Group nope does not exist");
    }

    #[test]
    fn an_existing_user_is_altered_only_where_it_differs() {
        assert_eq!(
            asked(json!({"name": "app", "uid": 70, "group": "app", "comment": "The app", "shell": "/bin/sh",
            "home": "/srv/app", "groups": "adm", "password": HASH, "password_expire_max": 99999})),
            ""
        );
        assert_eq!(asked(json!({"name": "app", "groups": ["www"], "append": true})), "usermod -a -G www app");
        assert_eq!(asked(json!({"name": "app", "groups": ["adm"], "append": true})), "");
        assert_eq!(asked(json!({"name": "app", "groups": []})), "usermod -G  app");
        assert_eq!(asked(json!({"name": "app", "groups": ["www"]})), "usermod -G www app");
        assert_eq!(
            asked(json!({"name": "app", "home": "/x", "move_home": true, "create_home": false})),
            "usermod -d /x -m app"
        );
        assert_eq!(asked(json!({"name": "app", "password_lock": true})), "usermod -L app");
        assert_eq!(asked(json!({"name": "app", "password_lock": false})), "");
        assert_eq!(asked(json!({"name": "app", "password": "*", "password_lock": true})), "password of app");
        assert_eq!(asked(json!({"name": "app", "password": "*", "update_password": "on_create"})), "");
        assert_eq!(asked(json!({"name": "app", "expires": 1_000_000_000.5})), "usermod -e 2001-09-09 app");
        assert_eq!(asked(json!({"name": "app", "expires": -1})), "");
        assert_eq!(asked(json!({"name": "app", "password_expire_max": 90})), "chage -M 90 app");
    }

    #[test]
    fn a_user_is_removed() {
        assert_eq!(
            asked(json!({"name": "app", "state": "absent", "remove": true, "force": true})),
            "userdel -f -r app"
        );
        assert_eq!(asked(json!({"name": "gone", "state": "absent"})), "");
    }

    #[test]
    fn a_missing_home_is_made_from_the_skeleton() {
        let first = plan(&machine(), "user", json!({"name": "root", "comment": "x"})).expect("plan");
        assert_eq!(changes(&first), ["usermod -c x root"]);
        let second = follow(first, &machine(), &[(0, "", "")]).expect("second");
        let lines = changes(&second);
        assert!(lines[0].starts_with("MakeDirectory { path: \"/root\""), "{lines:?}");
        assert!(lines[0].contains("mode: Some(488)") && lines[1] == "write /root/.profile", "{lines:?}");
        assert_eq!(second.result.get(&Key::from("uid")), Some(&Value::Int(0)));
    }

    #[test]
    fn what_looks_unhashed_is_warned_about() {
        let plain = plan(&machine(), "user", json!({"name": "app", "password": "hunter2"})).expect("plan");
        assert!(plain.result.contains_key(&Key::from("warnings")));
        assert!(!format!("{:?}", plain.changes).contains("hunter2"));
        let hashed = plan(&machine(), "user", json!({"name": "app", "password": HASH})).expect("plan");
        assert!(!hashed.result.contains_key(&Key::from("warnings")));
    }

    #[test]
    fn a_key_pair_is_made_once() {
        let ask = json!({"name": "app", "generate_ssh_key": true, "ssh_key_type": "ed25519", "ssh_key_comment": "c"});
        let made = plan(&machine(), "user", ask.clone()).expect("plan");
        let lines = changes(&made);
        assert!(lines[0].contains("/srv/app/.ssh"), "{lines:?}");
        assert_eq!(lines[1], "ssh-keygen -t ed25519 -C c -f /srv/app/.ssh/id_ed25519 -N ");
        let there = machine()
            .file("/srv/app/.ssh/id_ed25519", "secret")
            .file("/srv/app/.ssh/id_ed25519.pub", "ssh-ed25519 AAAA c\n")
            .answer("ssh-keygen -l -f /srv/app/.ssh/id_ed25519", 0, "256 SHA256:x c (ED25519)\n");
        let again = plan(&there, "user", ask).expect("plan");
        assert!(again.changes.is_empty());
        assert_eq!(again.result.get(&Key::from("ssh_public_key")).and_then(Value::as_str), Some("ssh-ed25519 AAAA c"));
    }
}
