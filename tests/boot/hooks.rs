//! Hooks: refused with everything else before the first change, run in order, and on_failure in time kept back for it.

use crate::files;
use crate::stage::Plan;
use muster::boot::{Ended, Mode, boot};
use muster::failure::Stage as At;

const MARK: &str = "- name: mark\n  copy:\n    content: \"{{ role_name }}\\n\"\n    dest: \"/etc/{{ role_name }}\"\n    mode: \"0644\"\n";

fn with(hooks: &str, tasks: &str) -> Plan {
    let mut plan = Plan::new().unwrap();
    for role in ["first", "last", "sorry"] {
        plan.tree = plan.tree.file(&format!("roles/{role}/tasks/main.yml"), MARK);
    }
    plan.tree = plan.tree.file("roles/odd/tasks/main.yml", tasks).file("hooks/plain.txt", "no program\n");
    plan.settings = format!("hooks: {hooks}\n");
    plan
}

#[test]
fn a_hook_that_cannot_be_run_is_refused_before_the_first_change() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("{on_failure: {role: odd}}", "- nothing: {}\n", &["hook on_failure", "nothing"]),
        ("{after: {role: odd}}", "- copy: {desst: /etc/x, content: x}\n", &["hook after", "desst"]),
        ("{after: {role: odd}}", "- copy: {dest: /etc/x, content: x}\n  notify: nobody\n", &["nobody"]),
        ("{on_failure: {role: odd}}", "- copy: {dest: /etc/x, content: \"{{ 1 | uper }}\"}\n", &["uper"]),
        ("{before: {role: elsewhere}}", "", &["hook before", "elsewhere"]),
        ("{on_failure: {program: hooks/plain.txt}}", "", &["hook on_failure", "root directory"]),
    ];
    for (hooks, tasks, says) in cases {
        let stage = with(hooks, tasks).set().unwrap();
        let before = files(&stage.root());
        let failure = stage.boot(false).unwrap_err();
        let said = failure.to_string();
        assert_eq!(failure.stage, At::Parse, "{hooks}: {said}");
        assert!(says.iter().all(|word| said.contains(word)), "{hooks}: {said}");
        assert_eq!(files(&stage.root()), before, "{hooks}: something was changed");
        assert!(!stage.aws.signals()[0].success);
    }
}

/// What muster refuses in the roles is refused before the hook that comes before them.
#[test]
fn the_roles_are_judged_before_the_first_hook_runs() {
    let plan = with("{before: {role: first}}", MARK);
    let tree = plan.tree.clone().replace(
        "roles/web/tasks/main.yml",
        "notify: tell that the configuration changed",
        "notify: tell nobody",
    );
    let stage = Plan { tree: tree.unwrap(), ..plan }.set().unwrap();
    assert_eq!(stage.boot(false).unwrap_err().stage, At::Parse);
    assert_eq!(stage.read("/etc/first"), "");
}

#[test]
fn hooks_run_before_and_after_and_on_failure_only_then() {
    let hooks = "{before: {role: first}, after: {role: last}, on_failure: {role: sorry}}";
    let stage = with(hooks, MARK).set().unwrap();
    assert!(matches!(stage.boot(false).unwrap(), Ended::Converged { .. }));
    assert_eq!((stage.read("/etc/first"), stage.read("/etc/last")), ("first\n".into(), "last\n".into()));
    assert_eq!(stage.read("/etc/sorry"), "");
    stage.set("port=8080", "port=9090");
    let failure = boot(&stage.request(Mode::Converge)).unwrap_err();
    assert_eq!(failure.stage, At::Health, "{failure}");
    assert_eq!(stage.read("/etc/sorry"), "sorry\n");
}

#[test]
fn on_failure_has_its_time_after_the_deadline() {
    let mut plan = with("{on_failure: {role: sorry}}", MARK);
    plan.replace.push(("port=8080".into(), "port=9090".into()));
    plan.replace.push(("deadline: 1s, interval: 100ms".into(), "deadline: 100s, interval: 100ms".into()));
    plan.replace.push(("deadline: 2m".into(), "deadline: 25s".into()));
    let stage = plan.set().unwrap();
    let failure = stage.boot(false).unwrap_err();
    assert!([At::Health, At::Deadline].contains(&failure.stage), "{failure}");
    assert_eq!(stage.read("/etc/sorry"), "sorry\n", "{failure}");
    assert!(!stage.aws.signals()[0].success);
}

/// Programs run on `/` alone: the state is the scratch directory's all the same, and the one role writes there too.
#[test]
fn a_program_of_the_tree_is_a_hook_and_one_that_is_missing_is_refused() {
    let boot_with = |program: &str| {
        let mut plan = Plan::new().unwrap();
        let script = "#!/bin/sh\necho \"hook says $2\" >&2\necho \"$2\" >\"$1/hooked\"\n";
        plan.tree = plan.tree.file("hooks/after.sh", script).file("hooks/plain.txt", "no program\n");
        plan.tree = plan.tree.file("roles/quiet/tasks/main.yml", "- debug: {msg: nothing}\n");
        plan.replace.push(("roles: [common, \"{{ tags.role }}\"]".into(), "roles: [quiet]".into()));
        let stage = plan.set().unwrap();
        let settings = stage.read("/etc/muster/muster.yaml");
        let kept =
            settings.lines().filter(|line| !line.starts_with("  - {") && !["releases:", "health:"].contains(line));
        let mut text: String = kept.map(|line| format!("{line}\n")).collect();
        let scratch = stage.scratch().display().to_string();
        text += &format!("hooks: {{after: {{program: {program}, arguments: [\"{scratch}\", done]}}}}\n");
        text += &format!("state_directory: {scratch}/state\nrun_directory: {scratch}/run\n");
        stage.put("root/etc/muster/muster.yaml", &text);
        let request = muster::boot::Request { root: "/".into(), ..stage.request(Mode::Boot) };
        (boot(&request), std::fs::read_to_string(stage.scratch().join("hooked")).unwrap_or_default())
    };
    let (ended, said) = boot_with("hooks/after.sh");
    assert_eq!((ended.map(drop).map_err(|failure| failure.to_string()), said.as_str()), (Ok(()), "done\n"));
    for (program, says) in [("hooks/none.sh", "not in the config repository"), ("hooks/plain.txt", "not executable")] {
        let failure = boot_with(program).0.unwrap_err();
        assert!(failure.stage == At::Parse && failure.to_string().contains(says), "{failure}");
    }
}
