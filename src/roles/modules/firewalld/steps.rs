//! What `firewall-cmd` is asked, and told.

use super::Firewall;
use super::subject::Subject;
use crate::roles::modules::{Eyes, Failed};

/// The tool to be asked: firewalld's own, or the one for when it does not run.
pub(super) struct Tool<'a> {
    pub(super) eyes: &'a Eyes<'a>,
    pub(super) offline: bool,
}

impl Tool<'_> {
    fn words(&self, permanent: bool, words: &[&str]) -> Vec<String> {
        let program = if self.offline { "firewall-offline-cmd" } else { "firewall-cmd" };
        let permanent = (permanent && !self.offline).then_some("--permanent");
        std::iter::once(program).chain(permanent).chain(words.iter().copied()).map(str::to_owned).collect()
    }

    /// The answer to a question, as text; one that is answered with an exit code is `yes` or `no`.
    pub(super) fn ask(&self, permanent: bool, words: &[&str]) -> Result<(bool, String), Failed> {
        let output = self.eyes.ask(self.words(permanent, words))?;
        // 1 is `no`; any other says that the question was wrong, 112 for instance that there is no such zone.
        if !matches!(output.code, 0 | 1) {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let said = if said.is_empty() { output.text().trim().to_owned() } else { said };
            return Err(Failed::new(format!("ERROR: Exception caught: {said}")));
        }
        Ok((output.ok(), output.text().trim().to_owned()))
    }
}

impl Firewall {
    fn is_on(&self) -> bool {
        matches!(self.state.as_str(), "enabled" | "present")
    }

    /// The commands that are needed for a subject, and what is said.
    pub(super) fn of_subject(
        &self,
        tool: &Tool<'_>,
        subject: &Subject,
        zone: &str,
    ) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let on = self.is_on() != subject.inverted;
        let immediate = self.immediate && !tool.offline;
        let zone_word = format!("--zone={zone}");
        let mut steps = Vec::new();
        for permanent in [true, false] {
            if if permanent { !self.permanent } else { !immediate } {
                continue;
            }
            let (have, _) = tool.ask(permanent, &[&zone_word, &format!("--query-{}", subject.option)])?;
            if have == on {
                continue;
            }
            let verb = match (on, subject.option.starts_with("interface=")) {
                (true, true) => "change",
                (true, false) => "add",
                (false, _) => "remove",
            };
            let option = format!("--{verb}-{}", subject.option);
            let timeout = format!("--timeout={}", self.timeout);
            let mut words = vec![zone_word.as_str(), &option];
            words.extend((on && !permanent && self.timeout > 0).then_some(timeout.as_str()));
            steps.push(tool.words(permanent, &words));
        }
        let mut said = vec![self.kind(immediate).to_owned()];
        if !steps.is_empty() {
            let told = if on { &subject.done.0 } else { &subject.done.1 };
            said.extend(told.iter().map(|text| text.replace("{zone}", zone)));
            said.extend(subject.changed.clone());
        }
        Ok((steps, said))
    }

    fn kind(&self, immediate: bool) -> &'static str {
        match (self.permanent, immediate) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation",
            (true, false) => "Permanent operation",
            _ => "Non-permanent operation",
        }
    }

    pub(super) fn of_zone(&self, tool: &Tool<'_>, zone: &str) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let (_, zones) = tool.ask(true, &["--get-zones"])?;
        let have = zones.split_whitespace().any(|one| one == zone);
        let mut said = vec![self.kind(false).to_owned()];
        if have == self.is_on() {
            return Ok((Vec::new(), said));
        }
        let (verb, told) = if have { ("delete", "Removed") } else { ("new", "Added") };
        said.push(format!("{told} zone {zone}"));
        said.push(format!("Changed zone {zone} to {}", self.state));
        Ok((vec![tool.words(true, &[&format!("--{verb}-zone={zone}")])], said))
    }

    pub(super) fn of_target(
        &self,
        tool: &Tool<'_>,
        zone: &str,
        target: &str,
    ) -> Result<(Vec<Vec<String>>, Vec<String>), Failed> {
        let zone_word = format!("--zone={zone}");
        let (_, have) = tool.ask(true, &[&zone_word, "--get-target"])?;
        let mut said = vec![self.kind(false).to_owned()];
        if (have == target) == self.is_on() {
            return Ok((Vec::new(), said));
        }
        let wanted = if self.is_on() { target } else { "default" };
        said.push(if self.is_on() {
            format!("Set zone {zone} target to {target}")
        } else {
            format!("Reset zone {zone} target to default")
        });
        Ok((vec![tool.words(true, &[&zone_word, &format!("--set-target={wanted}")])], said))
    }
}
