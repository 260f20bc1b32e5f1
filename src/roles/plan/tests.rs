//! Plans of small playbooks: made, written, applied, refused.
#![expect(clippy::disallowed_methods, reason = "tests set the stage")]

use super::*;
use crate::host::{Host, Linux, Overlay};
use crate::roles::converge::{ConvergeError, Input, KnownNames, Machine, Observer, Outcome, Variables, converge};
use crate::roles::load::{Directory, Loader};
use crate::roles::remote::Offline;
use crate::roles::template::Templar;
use crate::roles::value::{Key, Map, Value};
use crate::secret::Redactor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Stage {
    tree: tempfile::TempDir,
    root: tempfile::TempDir,
}

impl Stage {
    fn new(tasks: &str) -> Self {
        let stage = Self { tree: tempfile::tempdir().expect("tree"), root: tempfile::tempdir().expect("root") };
        let text = format!("- hosts: all\n  gather_facts: no\n  {}\n", tasks.trim_end().replace('\n', "\n  "));
        std::fs::write(stage.tree.path().join("site.yml"), text).expect("playbook");
        std::fs::create_dir(stage.root.path().join("etc")).expect("etc");
        stage
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn run<'h>(
        &self,
        host: &'h mut (dyn Host + 'h),
        real: Option<&'h mut (dyn Host + 'h)>,
        check: bool,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let loader = Loader::new(Arc::new(Directory::new(self.tree.path()).expect("a tree")), &[]);
        let (templar, variables) = (Templar::new(), Variables::default());
        let playbook = {
            let host = host.observe();
            let names =
                KnownNames { loader: &loader, templar: &templar, host, remote: &Offline, variables: &variables };
            loader.playbook(Path::new("site.yml"), &names).expect("loads")
        };
        let input = Input { check, ..Input::default() };
        let real = real.map(|real| -> &mut dyn Host { real });
        converge(&input, &playbook, &loader, &templar, Machine { host, remote: &Offline, real }, observer)
    }

    fn host(&self) -> Linux {
        Linux::new(self.root.path()).expect("a host").allow_chroot()
    }

    fn plan(&self) -> (PlanFile, Outcome) {
        let (machine, mut real) = (self.host(), self.host());
        let mut overlay = Overlay::new(&machine);
        let mut nobody = ();
        let mut recorder = Recorder::new(&machine, &mut nobody);
        let outcome = self.run(&mut overlay, Some(&mut real), true, &mut recorder);
        let (steps, seen, recap) = (recorder.steps, recorder.seen, recorder.recap);
        let made = jiff::Timestamp::UNIX_EPOCH;
        (PlanFile { format: FORMAT.into(), made, inputs: Inputs::default(), steps, seen, recap }, outcome)
    }

    fn apply(&self, plan: &PlanFile) -> Outcome {
        let mut host = self.host();
        let mut nobody = ();
        let (mut guarded, mut guard) = Guard::new(&plan.steps, Redactor::default(), &mut host, &mut nobody);
        self.run(&mut guarded, None, false, &mut guard)
    }
}

const FILES: &str = "tasks:
- name: directory
  file: {path: /etc/app, state: directory, mode: '0750'}
- name: config
  copy: {dest: '/etc/app/{{ item }}', content: \"{{ item }}\\n\"}
  loop: [a, b]
  notify: told
- name: line
  lineinfile: {path: /etc/app/a, line: more}
handlers:
- name: told
  file: {path: /etc/app/told, state: touch}
";

#[test]
fn a_plan_changes_nothing_and_is_empty_once_it_is_applied() {
    let stage = Stage::new(FILES);
    let (plan, outcome) = stage.plan();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(!stage.at("etc/app").exists());
    let said: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["directory", "config (a)", "config (b)", "line", "told"]);
    assert_eq!(plan.steps[1].diff[0].after.as_deref(), Some("a\n"));
    assert_eq!(plan.seen["/etc/app/a"], "absent");
    let applied = stage.apply(&plan);
    assert!(applied.error.is_none(), "{:?}", applied.error);
    assert_eq!(std::fs::read_to_string(stage.at("etc/app/a")).expect("a"), "a\nmore\n");
    assert!(stage.at("etc/app/told").exists());
}

#[test]
fn a_plan_goes_through_a_file_and_another_layout_is_refused() {
    let stage = Stage::new(FILES);
    let (plan, _) = stage.plan();
    let path = stage.at("plan.json");
    plan.write(&path).expect("written");
    assert_eq!(PlanFile::read(&path).expect("read"), plan);
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::write(&path, text.replace(FORMAT, "muster-plan/9")).expect("written");
    assert!(PlanFile::read(&path).expect_err("refused").to_string().contains("muster-plan/9"));
    std::fs::write(&path, "[]").expect("written");
    assert!(matches!(PlanFile::read(&path), Err(PlanError::Layout { .. })));
}

#[test]
fn what_moved_is_named() {
    let stage = Stage::new(FILES);
    let (plan, _) = stage.plan();
    assert_eq!(moved(&plan, &stage.plan().0), Vec::<String>::new());
    std::fs::create_dir(stage.at("etc/app")).expect("made");
    std::fs::write(stage.at("etc/app/a"), "other\n").expect("written");
    let named = moved(&plan, &stage.plan().0);
    assert!(named.iter().any(|text| text.starts_with("/etc/app/a was absent and is file")), "{named:?}");
    let mut other = plan.clone();
    other.inputs.tree = "another".into();
    assert_eq!(moved(&plan, &other), ["the tree was  and is another"]);
    let mut other = plan.clone();
    other.inputs.variables.insert("pw".into(), "12".into());
    let mut third = other.clone();
    third.inputs.variables.insert("pw".into(), "34".into());
    assert_eq!(moved(&other, &third), ["variable pw has changed (12, 34)"]);
}

#[test]
fn what_the_plan_does_not_have_is_not_done() {
    let stage = Stage::new(FILES);
    let (mut plan, _) = stage.plan();
    plan.steps.retain(|step| step.item.as_deref() != Some("b"));
    let applied = stage.apply(&plan);
    match &applied.error {
        Some(ConvergeError::NotReviewed(text)) => assert!(text.contains("task `config`"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(!stage.at("etc/app/b").exists());
    // The item before it was changed, and its handler is owed.
    let owed: Vec<&str> = applied.pending_handlers.iter().map(|handler| handler.name.as_str()).collect();
    assert_eq!((stage.at("etc/app/a").exists(), owed), (true, vec!["told"]));
    assert!(applied.completed.iter().any(|done| done.task == "directory"));
}

#[test]
fn what_depends_on_a_program_is_decided_at_apply() {
    let stage = Stage::new(
        "tasks:\n- name: ask\n  command: /bin/nothing\n  register: r\n- name: after\n  copy: {dest: /etc/x, content: x}\n  when: r.rc == 0\n- set_fact: {later: '{{ r.stdout }}'}\n- name: uses\n  copy: {dest: /etc/y, content: '{{ later }}'}\n  notify: told\n- name: free\n  copy: {dest: /etc/z, content: z}\n- name: guarded\n  command: {cmd: /bin/x, creates: /etc}\nhandlers:\n- name: told\n  command: /bin/x\n",
    );
    let (plan, outcome) = stage.plan();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let said: Vec<(String, bool)> = plan.steps.iter().map(|s| (s.task.clone(), s.undecided.is_some())).collect();
    let said: Vec<(&str, bool)> = said.iter().map(|(task, undecided)| (task.as_str(), *undecided)).collect();
    assert_eq!(
        said,
        [("ask", true), ("after", true), ("set_fact", true), ("uses", true), ("free", false), ("told", true)]
    );
    assert_eq!(plan.recap.undecided, 5);
}

#[test]
fn a_task_that_only_reads_runs_while_planning() {
    let stage = Stage::new(
        "tasks:\n- name: ask\n  command: /bin/nothing\n  check_mode: false\n  register: r\n  failed_when: false\n- name: after\n  copy: {dest: /etc/x, content: '{{ r.rc }}'}\n",
    );
    let (plan, outcome) = stage.plan();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let after = plan.steps.iter().find(|step| step.task == "after").expect("planned");
    assert_eq!(after.undecided, None);
    assert_eq!(after.diff[0].after.as_deref(), Some("2"));
}

#[test]
fn a_plan_holds_no_secret() {
    let stage = Stage::new(
        "tasks:\n- copy: {dest: /etc/x, content: '{{ key }}'}\n- copy: {dest: /etc/y, content: plain}\n  no_log: true\n",
    );
    let loader = Loader::new(Arc::new(Directory::new(stage.tree.path()).expect("a tree")), &[]);
    let (templar, variables) = (Templar::new(), Variables::default());
    let machine = stage.host();
    let mut overlay = Overlay::new(&machine);
    let names =
        KnownNames { loader: &loader, templar: &templar, host: &machine, remote: &Offline, variables: &variables };
    let playbook = loader.playbook(Path::new("site.yml"), &names).expect("loads");
    let extra = Map::from_iter([(Key::from("key"), Value::secret("hunter2"))]);
    let input = Input { check: true, extra, ..Input::default() };
    let mut nobody = ();
    let mut recorder = Recorder::new(&machine, &mut nobody);
    let on = Machine { host: &mut overlay, remote: &Offline, real: None };
    let outcome = converge(&input, &playbook, &loader, &templar, on, &mut recorder);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let text = serde_json::to_string(&recorder.steps).expect("json");
    assert!(text.contains("write /etc/x") && text.contains("write /etc/y"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("plain") && !text.contains("sha256"), "{text}");
}

/// What was seen of each thing that a plan names, compared with what is seen after `alter`.
fn moved_by(tasks: &str, set: impl Fn(&Stage), alter: impl Fn(&Stage)) -> Vec<String> {
    let stage = Stage::new(tasks);
    set(&stage);
    let (plan, outcome) = stage.plan();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(!plan.is_empty());
    assert_eq!(moved(&plan, &stage.plan().0), Vec::<String>::new(), "the benign twin");
    alter(&stage);
    moved(&plan, &stage.plan().0)
}

fn put(stage: &Stage, path: &str, text: &str) {
    std::fs::create_dir_all(stage.at(path).parent().expect("a directory")).expect("made");
    std::fs::write(stage.at(path), text).expect("written");
}

const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\nPackage: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.18\n";

#[test]
fn the_version_of_a_package_is_held() {
    let tasks = "tasks:\n- apt: {name: nginx, state: absent}\n";
    let status = |text: String| move |stage: &Stage| put(stage, "var/lib/dpkg/status", &text);
    let named = moved_by(tasks, status(STATUS.into()), status(STATUS.replace("1.18", "1.22")));
    let words = "package nginx was 1.18 amd64 (install ok installed) and is 1.22 amd64 (install ok installed)";
    assert_eq!(named, [words]);
}

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n";

#[test]
fn an_account_is_held() {
    let tasks =
        "tasks:\n- user: {name: deploy, comment: new, groups: wheel, append: true}\n- group: {name: wheel, gid: 50}\n";
    let group = "root:x:0:\ndeploy:x:1000:\nwheel:x:40:\n";
    let set = |passwd: String, group: String| {
        move |stage: &Stage| {
            put(stage, "etc/passwd", &passwd);
            put(stage, "etc/group", &group);
        }
    };
    let before = || set(PASSWD.into(), group.into());
    let named = moved_by(tasks, before(), set(PASSWD.replace("deploy:/bin/sh", "deploy:/bin/bash"), group.into()));
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with("user deploy was 1000:1000 /home/deploy /bin/sh"), "{named:?}");
    let named = moved_by(tasks, before(), set(PASSWD.into(), group.replace("40:", "40:deploy")));
    assert!(named.iter().any(|text| text.starts_with("group wheel was 40")), "{named:?}");
    assert!(named.iter().any(|text| text.starts_with("user deploy was") && text.ends_with("wheel")), "{named:?}");
}

#[test]
fn content_mode_and_what_is_in_a_tree_that_is_to_go_are_held() {
    use std::os::unix::fs::PermissionsExt;
    let file = "tasks:\n- copy: {dest: /etc/x, content: new}\n";
    let set = |stage: &Stage| put(stage, "etc/x", "old");
    let named = moved_by(file, set, |stage| put(stage, "etc/x", "OLD"));
    assert!(named[0].starts_with("/etc/x was file"), "{named:?}");
    let mode = |stage: &Stage| {
        std::fs::set_permissions(stage.at("etc/x"), std::fs::Permissions::from_mode(0o600)).expect("mode");
    };
    let named = moved_by(file, set, mode);
    assert!(named[0].contains("and is file 0600"), "{named:?}");
    let tree = "tasks:\n- file: {path: /etc/app, state: absent}\n";
    let named = moved_by(tree, |stage| put(stage, "etc/app/deep/a", "a"), |stage| put(stage, "etc/app/deep/b", "b"));
    assert!(named[0].contains("2 entries") && named[0].contains("and is directory"), "{named:?}");
}

/// A machine whose unit stands so.
fn unit_stands(active: &str) -> crate::host::Void {
    let show = format!("LoadState=loaded\nActiveState={active}\nUnitFileState=enabled\n");
    let held = "systemctl show --property=LoadState,ActiveState,UnitFileState web.service";
    crate::host::Void::new().answering(held, 0, &show)
}

#[test]
fn the_state_of_a_unit_is_held() {
    use crate::host::Subject;
    let web = Subject::Unit { name: "web.service", scope: None };
    let states = ["active", "failed"].map(|active| super::seen::state(&unit_stands(active), &web));
    assert_eq!(states, ["loaded active enabled", "loaded failed enabled"]);
    let plan = |active: &str| {
        let seen = std::collections::BTreeMap::from([(
            super::seen::name(&web),
            super::seen::state(&unit_stands(active), &web),
        )]);
        PlanFile { seen, ..Stage::new("tasks: []\n").plan().0 }
    };
    assert_eq!(moved(&plan("active"), &plan("active")), Vec::<String>::new());
    let named = moved(&plan("active"), &plan("failed"));
    assert_eq!(named, ["unit web.service was loaded active enabled and is loaded failed enabled"]);
}

#[test]
fn facts_that_a_program_may_move_are_unknown_and_others_are_known() {
    let tasks = |first: &str| {
        format!(
            "tasks:\n- name: first\n  {first}\n- package_facts:\n- name: after\n  copy: {{dest: /etc/x, content: x}}\n  when: \"'nginx' in ansible_facts['packages']\"\n"
        )
    };
    let after = |first: &str| {
        let stage = Stage::new(&tasks(first));
        put(&stage, "var/lib/dpkg/status", STATUS);
        let (plan, outcome) = stage.plan();
        assert!(outcome.error.is_none(), "{first}: {:?}", outcome.error);
        let step = plan.steps.iter().find(|step| step.task == "after").expect("planned");
        step.undecided.is_some()
    };
    // A program may install what it likes; lists of packages, and units, leave the packages as they are.
    assert!(after("command: /bin/anything"));
    assert!(after("apt: {name: nginx, state: absent}"));
    assert!(!after("copy: {dest: /etc/y, content: y}"));
    assert!(!after("apt: {update_cache: true}"));
}

#[test]
fn accounts_that_a_plan_makes_are_found_by_getent() {
    let stage = Stage::new(
        "tasks:\n- user: {name: deploy, uid: 1001, shell: /bin/sh}\n- user: {name: old, state: absent}\n- getent: {database: passwd}\n- name: after\n  copy: {dest: /etc/x, content: \"{{ ansible_facts['getent_passwd']['deploy'][1] }} {{ 'old' in ansible_facts['getent_passwd'] }}\"}\n",
    );
    put(&stage, "etc/passwd", "root:x:0:0::/root:/bin/sh\nold:x:1000:1000::/home/old:/bin/sh\n");
    put(&stage, "etc/group", "root:x:0:\nold:x:1000:\n");
    let machine = Linux::new(stage.root.path()).expect("a host");
    let mut overlay = Overlay::new(&machine);
    let mut nobody = ();
    let mut recorder = Recorder::new(&machine, &mut nobody);
    let outcome = stage.run(&mut overlay, None, true, &mut recorder);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let after = recorder.steps.iter().find(|step| step.task == "after").expect("planned");
    assert_eq!(after.diff[0].after.as_deref(), Some("1001 False"));
}
