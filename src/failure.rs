//! What can go wrong: the stage, what was attempted on what, why, and what to do next.

use std::error::Error;
use std::fmt;

/// A named part of a run. Its number is the process's exit code, which is API: listed in `--help` and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The command line.
    Usage,
    /// muster.yaml, conf.d, user-data.
    Settings,
    /// Another muster holds the lock.
    Lock,
    /// Instance metadata and credentials.
    Identity,
    /// Parameters from SSM.
    Parameters,
    /// The deploy key from Secrets Manager.
    DeployKey,
    /// Fetching the config repository.
    Repository,
    /// Judging the repository's commit, and the trust root itself.
    Verify,
    /// Reading roles: syntax, unknown or unsupported modules, arguments, filters, handlers.
    Parse,
    /// Secrets and parameters that the tree names.
    Secrets,
    /// Applying roles.
    Converge,
    /// Resolving, verifying or activating an application release.
    Release,
    /// The update repository, the image's floor or the clock.
    Updates,
    /// A health check did not pass in time.
    Health,
    /// The outcome could not be reported.
    Signal,
    /// The run's deadline passed.
    Deadline,
    /// The run was stopped from outside.
    Interrupted,
    /// muster's own state could not be read or written.
    State,
    /// A benchmark, profile, waiver, report or root to validate by.
    Validate,
    /// The evidence on which an image is attested or promoted.
    Image,
    /// Writing the parameters that name a promoted image.
    Promote,
    /// A fault in muster itself.
    Internal,
}

/// One row a stage: name, exit code, meaning. `--help` and the README derive from it.
pub const STAGES: &[(Stage, &str, u8, &str)] = &[
    (Stage::Usage, "usage", 64, "the command line is wrong"),
    (Stage::Settings, "settings", 10, "settings or user-data are wrong"),
    (Stage::Lock, "lock", 11, "another muster is running"),
    (Stage::Identity, "identity", 12, "instance metadata or credentials are not to be had"),
    (Stage::Parameters, "parameters", 13, "a parameter could not be read"),
    (Stage::DeployKey, "deploy-key", 14, "the deploy key could not be read or is no key"),
    (Stage::Repository, "repository", 15, "the config repository could not be fetched"),
    (Stage::Verify, "verify", 16, "the config repository is not signed by an allowed signer"),
    (Stage::Parse, "parse", 17, "the roles cannot be run as written"),
    (Stage::Secrets, "secrets", 18, "a secret that the roles name could not be read"),
    (Stage::Converge, "converge", 19, "a task failed"),
    (Stage::Release, "release", 20, "a release could not be verified or activated"),
    (Stage::Updates, "updates", 26, "the update repository, the image's floor or the clock cannot be trusted"),
    (Stage::Health, "health", 21, "a health check did not pass"),
    (Stage::Signal, "signal", 22, "the outcome could not be reported"),
    (Stage::Deadline, "deadline", 23, "the run's deadline passed"),
    (Stage::Interrupted, "interrupted", 24, "the run was stopped from outside"),
    (Stage::State, "state", 25, "muster's own state could not be read or written"),
    (Stage::Validate, "validate", 27, "a profile, waiver, report or root cannot be judged by"),
    (Stage::Image, "image", 28, "an image may not be attested or promoted: a rule that is named is not met"),
    (Stage::Promote, "promote", 29, "a promoted image could not be published in every region"),
    (Stage::Internal, "internal", 70, "a fault in muster"),
];

impl Stage {
    fn row(self) -> &'static (Self, &'static str, u8, &'static str) {
        STAGES.iter().find(|row| row.0 == self).unwrap_or(&STAGES[STAGES.len() - 1])
    }

    /// The stage's name as printed.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The process's exit code when this stage fails.
    pub fn exit_code(self) -> u8 {
        self.row().2
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place in a source text: file, line and column from 1, and the line itself where it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The file as the user would name it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The text of that line, for the caret; absent where it may hold a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl Place {
    /// A file as a whole.
    pub fn top_of(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, excerpt: None }
    }

    /// The place with its line and a caret below, for a terminal.
    pub fn pointed(&self) -> String {
        let Some(line) = &self.excerpt else { return format!("  --> {self}") };
        let number = self.line.to_string();
        let pad = " ".repeat(number.len());
        let caret = " ".repeat((self.column as usize).saturating_sub(1));
        format!("  --> {self}\n{pad} |\n{number} | {line}\n{pad} | {caret}^")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What every room's error can add to its message.
pub trait Explain: Error + Send + Sync + 'static {
    /// What to do next.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Where in a source text.
    fn place(&self) -> Option<Place> {
        None
    }

    /// The structural rule that was broken, and where it is written.
    fn rule(&self) -> Option<&'static str> {
        None
    }
}

/// A stage that failed: the one form in which errors leave a room for the user.
#[derive(Debug)]
pub struct Failure {
    /// Which part of the run.
    pub stage: Stage,
    /// What was attempted, on what, and what happened; its `source()` chain is printed after it.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do next.
    pub hint: Option<String>,
    /// Where in a source text.
    pub place: Option<Place>,
    /// The structural rule that was broken.
    pub rule: Option<&'static str>,
}

impl Failure {
    /// A room's error at a stage.
    pub fn new(stage: Stage, error: impl Explain) -> Self {
        let (hint, place, rule) = (error.hint(), error.place(), error.rule());
        Self { stage, error: Box::new(error), hint, place, rule }
    }

    /// A message without a typed error behind it.
    pub fn message(stage: Stage, message: impl Into<String>) -> Self {
        Self { stage, error: message.into().into(), hint: None, place: None, rule: None }
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, with a hint where it has none.
    #[must_use]
    pub fn or_hint(mut self, hint: &str) -> Self {
        self.hint.get_or_insert_with(|| hint.to_owned());
        self
    }

    /// The same failure with every text passed through a redactor: for one that leaves the run that knows its secrets.
    #[must_use]
    pub fn scrubbed(self, scrub: impl Fn(&str) -> String) -> Self {
        let (error, hint) = (scrub(&self.error_chain()).into(), self.hint.as_deref().map(&scrub));
        let place = self.place.map(|at| Place { excerpt: at.excerpt.as_deref().map(&scrub), ..at });
        Self { stage: self.stage, error, hint, place, rule: self.rule }
    }

    /// The same failure, with what was being done.
    #[must_use]
    pub fn during(self, what: &str) -> Self {
        let text = format!("{what}: {}", self.error_chain());
        Self { error: text.into(), ..self }
    }

    /// The same failure, and what followed from it.
    #[must_use]
    pub fn followed_by(self, more: &[String]) -> Self {
        if more.is_empty() {
            return self;
        }
        let text = format!("{}; {}", self.error_chain(), more.join("; "));
        Self { error: text.into(), ..self }
    }

    /// One line for a signal's reason: the stage, the place and the message with its causes.
    pub fn reason(&self) -> String {
        let place = self.place.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
        format!("{}: {place}{}", self.stage, self.error_chain())
    }

    fn error_chain(&self) -> String {
        let mut text = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // Many errors repeat their source in their own message; once is enough.
            if !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.stage, self.error_chain())?;
        if let Some(place) = &self.place {
            write!(f, "\n{}", place.pointed())?;
        }
        if let Some(rule) = self.rule {
            write!(f, "\n  rule: {rule}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_one_row_and_its_own_code() {
        let mut codes: Vec<u8> = STAGES.iter().map(|row| row.2).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), STAGES.len());
        assert_eq!(Stage::Verify.exit_code(), 16);
    }

    #[test]
    fn a_place_is_shown_with_its_line_and_a_caret() {
        let mut failure = Failure::message(Stage::Parse, "unknown module `fil`").with_hint("did you mean `file`?");
        failure.place =
            Some(Place { file: "roles/a/tasks/main.yml".into(), line: 12, column: 3, excerpt: Some("- fil:".into()) });
        assert_eq!(
            failure.to_string(),
            "error[parse]: unknown module `fil`\n  --> roles/a/tasks/main.yml:12:3\n   |\n12 | - fil:\n   |   ^\n  hint: did you mean `file`?"
        );
    }
}
