//! The deploy key in each way that Secrets Manager may hold it.

use crate::stage::{Plan, SECRET};
use emulator::Secret;
use muster::boot::Ended;
use muster::failure::Stage as At;

type Form = (&'static str, fn(&str) -> Secret);

fn field(key: &str) -> String {
    serde_json::json!({ "host": "git.example.com", "private": key }).to_string()
}

#[test]
fn a_deploy_key_is_text_bytes_or_a_field_at_the_stage_that_settings_name() {
    let forms: [Form; 5] = [
        ("{secret: platform/deploy-key}", |key| Secret::binary(SECRET, key.as_bytes())),
        ("{secret: platform/deploy-key, field: private}", |key| Secret::string(SECRET, &field(key))),
        ("{secret: platform/deploy-key, field: private}", |key| Secret::binary(SECRET, field(key).as_bytes())),
        ("{secret: platform/deploy-key, stage: AWSPREVIOUS}", |key| {
            Secret::string(SECRET, key).then("AWSCURRENT", "another")
        }),
        ("{secret: platform/deploy-key}", |key| Secret::string(SECRET, "another").then("AWSCURRENT", key)),
    ];
    for (written, secret) in forms {
        let mut plan = Plan { secret, ..Plan::new().unwrap() };
        plan.replace.push(("{secret: platform/deploy-key}".into(), written.into()));
        let ended = plan.set().unwrap().boot(false);
        assert!(matches!(ended, Ok(Ended::Converged { .. })), "{written}: {ended:?}");
    }
}

#[test]
fn a_field_or_stage_that_is_not_there_is_named_and_nothing_of_the_secret() {
    let forms: [Form; 2] = [
        ("{secret: platform/deploy-key, field: privat}", |key| Secret::string(SECRET, &field(key))),
        ("{secret: platform/deploy-key, stage: AWSPREVIOUS}", |key| Secret::string(SECRET, key)),
    ];
    for ((written, secret), says) in forms.into_iter().zip(["privat", "AWSPREVIOUS"]) {
        let mut plan = Plan { secret, ..Plan::new().unwrap() };
        plan.replace.push(("{secret: platform/deploy-key}".into(), written.into()));
        let failure = plan.set().unwrap().boot(false).unwrap_err();
        let said = failure.to_string();
        assert!(failure.stage == At::DeployKey && said.contains(says) && failure.hint.is_some(), "{said}");
        assert!(!said.contains("BEGIN") && !said.contains("b3BlbnNzaC1rZXk"), "{said}");
    }
}
