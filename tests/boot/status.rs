//! `muster status` of real boots: as JSON, waited for, with the failed stage's exit code.
#![expect(clippy::disallowed_methods, reason = "tests run the program")]

use crate::stage::{INSTANCE, Plan, Stage};
use std::process::Command;

fn status(stage: &Stage) -> (i32, serde_json::Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["status", "--wait", "--timeout", "20s", "--json", "--root"]).arg(stage.root());
    let output = command.output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_boot_that_ended_is_told_with_its_stages_changes_and_exit_code() {
    let stage = Plan::new().unwrap().set().unwrap();
    stage.boot(false).unwrap();
    let (code, said) = status(&stage);
    assert_eq!((code, &said["status"]["state"], &said["unsent"]), (0, &"done".into(), &serde_json::json!([])));
    assert_eq!(said["run"]["instance"], INSTANCE);
    let stages: Vec<&str> =
        said["run"]["stages"].as_array().unwrap().iter().filter_map(|one| one["stage"].as_str()).collect();
    assert_eq!(
        stages,
        [
            "identity",
            "settings",
            "identity",
            "parameters",
            "deploy-key",
            "repository",
            "verify",
            "parse",
            "secrets",
            "converge",
            "release",
            "health",
            "signal"
        ]
    );
    assert!(
        said["run"]["changes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| change.to_string().contains("web : configuration"))
    );

    let broken = Plan { signed: None, ..Plan::new().unwrap() }.set().unwrap();
    broken.boot(false).unwrap_err();
    let (code, said) = status(&broken);
    assert_eq!(
        (code, &said["status"]["state"], &said["status"]["failure"]["stage"]),
        (16, &"failed".into(), &"verify".into())
    );
    assert!(said["status"]["failure"]["hint"].is_string(), "{said}");
}
