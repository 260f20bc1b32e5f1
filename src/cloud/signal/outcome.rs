//! What an answer to a signal means, as a table: delivered after all, worth waiting, or the end.
//!
//! The texts are AWS's own; where each was met is in the row's `because` and in the facts of the issue tracker:
//! aws-cloudformation-templates #34, amazon-ec2-auto-scaling-group-examples #3, kops #16582, elastic-ci-stack PR #388.

use super::super::{Answer, Kind};

/// Which request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `cloudformation:SignalResource`
    Stack,
    /// PUT to a wait-condition handle.
    WaitCondition,
    /// `autoscaling:CompleteLifecycleAction`
    Complete,
    /// `autoscaling:RecordLifecycleActionHeartbeat`
    Heartbeat,
    /// `autoscaling:SetInstanceHealth`
    Health,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nobody waits any more, or an earlier attempt arrived: as good as delivered.
    Settled,
    /// Wait, and send it again.
    Retry,
    /// It will never be accepted.
    Fatal,
}

/// Where an instance stands in its group's life, as far as a lifecycle action goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It could not be asked for.
    Unknown,
    /// Before or in a waiting state: an action is there or will be.
    Waiting,
    /// Past it: no action is open.
    Past,
}

impl Standing {
    /// Of a lifecycle state, as `DescribeAutoScalingInstances` and metadata name it.
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>
    pub fn of(state: &str) -> Self {
        match state {
            "" => Self::Unknown,
            "Pending" | "Warmed:Pending" => Self::Waiting,
            waiting if waiting.ends_with(":Wait") => Self::Waiting,
            _ => Self::Past,
        }
    }
}

/// One row: matches when all of it does, and the first that matches decides.
#[derive(Debug)]
pub struct Row {
    steps: &'static [Step],
    kind: Option<Kind>,
    /// Whether AWS gave a code of its own with its answer; a page that stands in between has none.
    coded: Option<bool>,
    says: &'static str,
    attempted: Option<bool>,
    standing: Option<Standing>,
    /// What to do.
    pub judgement: Judgement,
    /// Why.
    pub because: &'static str,
}

const ALL: &[Step] = &[Step::Stack, Step::WaitCondition, Step::Complete, Step::Heartbeat, Step::Health];
const HOOK: &[Step] = &[Step::Complete, Step::Heartbeat];
const NO_ACTION: &str = "No active Lifecycle Action found";

const fn row(steps: &'static [Step], says: &'static str, judgement: Judgement, because: &'static str) -> Row {
    Row { steps, kind: None, coded: None, says, attempted: None, standing: None, judgement, because }
}

const fn kind(kind: Kind, judgement: Judgement, because: &'static str) -> Row {
    Row { kind: Some(kind), ..row(ALL, "", judgement, because) }
}

use Judgement::{Fatal, Retry, Settled};

/// The table.
pub static ROWS: &[Row] = &[
    row(&[Step::Stack], "cannot be signaled", Settled, "the stack no longer waits for this resource"),
    row(&[Step::Stack], "already exists", Settled, "an earlier signal of this instance has arrived"),
    row(&[Step::Stack], "does not exist", Fatal, "the stack has no such resource, or there is no such stack"),
    Row { standing: Some(Standing::Past), ..row(HOOK, NO_ACTION, Settled, "the instance is past its lifecycle hook") },
    Row {
        standing: Some(Standing::Waiting),
        ..row(HOOK, NO_ACTION, Retry, "the hook has not taken hold of the instance yet")
    },
    Row { attempted: Some(true), ..row(HOOK, NO_ACTION, Settled, "an earlier attempt has arrived") },
    row(HOOK, NO_ACTION, Retry, "the hook may not have taken hold of the instance yet"),
    Row {
        standing: Some(Standing::Past),
        ..row(HOOK, "No Lifecycle Hook found", Settled, "the hook is gone, and the instance is past it")
    },
    row(HOOK, "No Lifecycle Hook found", Retry, "the hook may be attached to the group after its first instances"),
    row(&[Step::Health], "not found", Settled, "the instance is in no Auto Scaling group"),
    row(&[Step::Health], "No managed instance", Settled, "the instance is in no Auto Scaling group"),
    row(&[Step::WaitCondition], "Request has expired", Fatal, "the handle's URL has expired"),
    Row {
        kind: Some(Kind::Credentials),
        ..row(&[Step::WaitCondition], "", Fatal, "the handle's URL is not as CloudFormation made it")
    },
    Row {
        kind: Some(Kind::Denied),
        coded: Some(true),
        ..row(&[Step::WaitCondition], "", Fatal, "a handle's URL is its own permission, and no policy is added to it")
    },
    Row {
        coded: Some(false),
        ..row(
            &[Step::Stack, Step::Complete, Step::Heartbeat, Step::Health],
            "",
            Retry,
            "this is no answer of AWS: something in between gave it, a proxy or a portal",
        )
    },
    kind(Kind::Denied, Retry, "a policy that allows it may come"),
    kind(Kind::Throttled, Retry, "AWS is busy"),
    kind(Kind::Clock, Retry, "the clock may be set soon"),
    kind(Kind::Credentials, Retry, "credentials may come"),
    kind(Kind::Unreachable, Retry, "the network may come"),
    kind(Kind::Silent, Retry, "no answer came"),
    kind(Kind::Fault, Retry, "AWS had a fault"),
    kind(Kind::Untrusted, Fatal, "no trusted certificate is installed"),
    kind(Kind::Missing, Fatal, "there is no such thing to signal"),
    kind(Kind::Refused, Fatal, "AWS refuses the request as it stands"),
];

/// The row that decides. `attempted`: an earlier attempt was made and its answer is not known.
pub fn judge(step: Step, answer: &Answer, attempted: bool, standing: Standing) -> &'static Row {
    let matches = |row: &&Row| {
        row.steps.contains(&step)
            && row.kind.is_none_or(|kind| kind == answer.kind)
            && row.coded.is_none_or(|coded| answer.status.is_some() && coded != answer.code.is_empty())
            && answer.message.contains(row.says)
            && row.attempted.is_none_or(|wanted| wanted == attempted)
            && row.standing.is_none_or(|wanted| wanted == standing)
    };
    // The last row is of a kind, and every kind has one: a test proves that nothing falls through to it wrongly.
    ROWS.iter().find(matches).unwrap_or(&ROWS[ROWS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validation(message: &str) -> Answer {
        Answer::answered(400, "ValidationError", message.into(), None)
    }

    #[test]
    fn every_row_of_the_table() {
        use Standing::{Past, Unknown, Waiting};
        let no_action = "No active Lifecycle Action found with instance ID i-0abc";
        let no_hook = "No Lifecycle Hook found with name: launch";
        let late =
            "Stack arn:aws:cloudformation:eu-west-1:1:stack/web/1 is in UPDATE_COMPLETE state and cannot be signaled";
        let twice =
            "Signal with ID i-0abc for resource web already exists. Signals may only be updated with a FAILURE status.";
        let cases: Vec<(Step, Answer, bool, Standing, Judgement)> = vec![
            (Step::Stack, validation(late), false, Unknown, Settled),
            (Step::Stack, validation(twice), false, Unknown, Settled),
            (Step::Stack, validation("Stack [web] does not exist"), false, Unknown, Fatal),
            (Step::Complete, validation(no_action), false, Past, Settled),
            (Step::Complete, validation(no_action), true, Waiting, Retry),
            (Step::Complete, validation(no_action), true, Unknown, Settled),
            (Step::Complete, validation(no_action), false, Unknown, Retry),
            (Step::Complete, validation(no_hook), false, Past, Settled),
            (Step::Complete, validation(no_hook), false, Unknown, Retry),
            (Step::Heartbeat, validation(no_action), false, Past, Settled),
            (Step::Health, validation("Instance Id not found: i-0abc"), false, Unknown, Settled),
            (Step::Health, validation("No managed instance found for instance ID: i-0abc"), false, Unknown, Settled),
            (
                Step::WaitCondition,
                Answer::answered(403, "AccessDenied", "Request has expired".into(), None),
                false,
                Unknown,
                Fatal,
            ),
            (
                Step::WaitCondition,
                Answer::answered(403, "SignatureDoesNotMatch", "does not match".into(), None),
                false,
                Unknown,
                Fatal,
            ),
            (Step::Stack, Answer::answered(403, "AccessDenied", "User: x".into(), None), false, Unknown, Retry),
            (Step::Complete, Answer::answered(400, "Throttling", "Rate exceeded".into(), None), false, Unknown, Retry),
            (Step::Stack, Answer::answered(403, "RequestTimeTooSkewed", String::new(), None), false, Unknown, Retry),
            (Step::Stack, Answer::answered(403, "InvalidClientTokenId", String::new(), None), false, Unknown, Retry),
            (Step::Stack, Answer::unanswered(Kind::Unreachable, "refused"), false, Unknown, Retry),
            (Step::Stack, Answer::unanswered(Kind::Silent, "timed out"), false, Unknown, Retry),
            (Step::WaitCondition, Answer::answered(503, "", String::new(), None), false, Unknown, Retry),
            (Step::Stack, Answer::unanswered(Kind::Untrusted, "no roots"), false, Unknown, Fatal),
            (Step::WaitCondition, Answer::answered(404, "NoSuchBucket", String::new(), None), false, Unknown, Fatal),
            (
                Step::WaitCondition,
                Answer::answered(403, "AccessDenied", "Access Denied".into(), None),
                false,
                Unknown,
                Fatal,
            ),
            (Step::Complete, validation("AutoScalingGroup name not known"), false, Unknown, Fatal),
            (Step::Stack, Answer::answered(403, "", "<html>login</html>".into(), None), false, Unknown, Retry),
            (Step::Health, Answer::answered(404, "", String::new(), None), false, Unknown, Retry),
            (Step::WaitCondition, Answer::answered(404, "", String::new(), None), false, Unknown, Fatal),
        ];
        let mut used = Vec::new();
        for (step, answer, attempted, standing, judgement) in cases {
            let row = judge(step, &answer, attempted, standing);
            assert_eq!(row.judgement, judgement, "{step:?} {answer:?} attempted={attempted} {standing:?}");
            used.push(std::ptr::from_ref(row));
        }
        for row in ROWS {
            assert!(used.contains(&std::ptr::from_ref(row)), "no case for {row:?}");
        }
    }

    #[test]
    fn no_answer_is_left_without_a_row_of_its_kind() {
        for kind in [
            Kind::Denied,
            Kind::Throttled,
            Kind::Clock,
            Kind::Missing,
            Kind::Credentials,
            Kind::Unreachable,
            Kind::Silent,
            Kind::Untrusted,
            Kind::Fault,
            Kind::Refused,
        ] {
            for step in ALL {
                let answer = Answer::unanswered(kind, "words that no row names");
                let row = judge(*step, &answer, false, Standing::Unknown);
                assert_eq!(row.kind, Some(kind), "{step:?}");
            }
        }
    }

    #[test]
    fn a_standing_is_read_from_the_lifecycle_state() {
        for (state, standing) in [
            ("", Standing::Unknown),
            ("Pending", Standing::Waiting),
            ("Pending:Wait", Standing::Waiting),
            ("Warmed:Pending:Wait", Standing::Waiting),
            ("ReplacingRootVolume:Wait", Standing::Waiting),
            ("Pending:Proceed", Standing::Past),
            ("InService", Standing::Past),
            ("Warmed:Stopped", Standing::Past),
            ("Terminating:Retained", Standing::Past),
        ] {
            assert_eq!(Standing::of(state), standing, "{state}");
        }
    }
}
