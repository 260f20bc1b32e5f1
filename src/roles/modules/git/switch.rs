//! Bringing a working copy to its revision, and judging that revision's signature.

use super::asked::ended;
use super::remote::Target;
use super::work::{Step, Work, head_branch, step};
use crate::roles::modules::{Eyes, Failed, Plan};
use std::collections::VecDeque;

impl Work {
    /// Whether the copy stands where it shall, so that nothing needs to be fetched.
    pub fn stands(&self, eyes: &Eyes<'_>, now: &str) -> Result<bool, Failed> {
        if now != self.target.commit() || self.asked.track_submodules || self.asked.verify {
            return Ok(false);
        }
        let own = self.asked.ask(eyes, Some(&self.dest), &["symbolic-ref", "--short", "-q", "HEAD"])?;
        let branch = own.ok().then(|| own.text().trim_end().to_owned());
        let right = match &self.target {
            _ if self.asked.bare => true,
            Target::Head(_) => branch.is_some(),
            Target::Branch(_) => branch.as_ref() == Some(&self.asked.version),
            Target::Tag(_) | Target::Commit(_) => branch.is_none(),
        };
        Ok(right && self.submodules_stand(eyes)?)
    }

    /// Switches to the revision that is asked for, whether or not anything was fetched.
    pub fn switch(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if self.asked.bare {
            return self.verify(eyes);
        }
        let steps = self.switching(eyes)?;
        self.run(eyes, steps, Self::verify)
    }

    fn switching(&self, eyes: &Eyes<'_>) -> Result<VecDeque<Step>, Failed> {
        let (version, remote) = (&self.asked.version, &self.asked.remote);
        let failed = |what: &str| Some(format!("Failed to checkout {what}"));
        let mut steps = VecDeque::new();
        match &self.target {
            Target::Head(_) => {
                let branch = head_branch(&self.asked, eyes, &self.dest)?;
                let branch = branch.ok_or_else(|| Failed::new(format!("{} has no branch to follow", self.dest)))?;
                let name = format!("branch {branch}");
                steps.push_back(step(["checkout", "--force", &branch], failed(&name)));
                steps.push_back(step(["reset", "--hard", &format!("{remote}/{branch}"), "--"], failed(&name)));
            }
            Target::Branch(_) => {
                let (own, theirs) = (format!("refs/heads/{version}"), format!("{remote}/{version}"));
                let mut local = self.asked.ask(eyes, Some(&self.dest), &["rev-parse", "--verify", "-q", &own])?.ok();
                if let Some(depth) = self.asked.depth.filter(|_| !local) {
                    // A shallow clone knows one branch only.
                    let words = [
                        "fetch".to_owned(),
                        format!("--depth={depth}"),
                        remote.clone(),
                        format!("+{own}:{own}"),
                        format!("+{own}:refs/remotes/{theirs}"),
                    ];
                    steps.push_back(step(words, Some(format!("Failed to fetch branch from remote: {version}"))));
                    local = true;
                }
                if local {
                    let name = format!("branch {version}");
                    steps.push_back(step(["checkout", "--force", version], failed(&name)));
                    steps.push_back(step(["reset", "--hard", &theirs], failed(version)));
                } else {
                    steps.push_back(step(["checkout", "--track", "-b", version, &theirs], failed(version)));
                }
            }
            Target::Tag(_) | Target::Commit(_) => {
                steps.push_back(step(["checkout", "--force", version], failed(version)));
            }
        }
        Ok(steps)
    }

    /// Judges the signature where asked, by the keys of the task's user.
    fn verify(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        if self.asked.verify {
            let version = &self.asked.version;
            let annotated = format!("refs/tags/{version}");
            let kind = self.asked.ask(eyes, Some(&self.dest), &["cat-file", "-t", &annotated])?;
            let verb = if kind.text().trim_end() == "tag" { "verify-tag" } else { "verify-commit" };
            let raw = (!self.asked.signers.is_empty()).then_some("--raw");
            let words: Vec<&str> = [verb, version].into_iter().chain(raw).collect();
            let output = self.asked.ask(eyes, Some(&self.dest), &words)?;
            if !output.ok() {
                let message = format!("Failed to verify GPG signature of commit/tag \"{version}\"");
                return Err(ended(&output, Some(message)));
            }
            if raw.is_some() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let signer = fingerprint(&said).unwrap_or_else(|| "None".into());
                if !self.asked.signers.contains(&signer) {
                    let message =
                        format!("The gpg_allowlist does not include the public key \"{signer}\" for this commit");
                    return Err(ended(&output, Some(message)));
                }
            }
        }
        self.submodules(eyes)
    }

    /// The end: what is checked out now.
    pub fn told_at_last(self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let after = self.asked.line(eyes, Some(&self.dest), &["rev-parse", "HEAD"])?;
        Ok(self.finished(&after, false))
    }
}

/// The primary key's fingerprint of a good signature (GnuPG's DETAILS, `VALIDSIG`).
fn fingerprint(said: &str) -> Option<String> {
    let line = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let words = line.into_iter().find(|words| words.get(1) == Some(&"VALIDSIG"))?;
    let at = if words.len() == 12 { 11 } else { 2 };
    words.get(at).map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_primary_key_signs_for_its_subkeys() {
        let line = "[GNUPG:] GOODSIG X\n[GNUPG:] VALIDSIG SUB 2026-01-01 1 0 4 0 1 10 00 PRIMARY\n";
        assert_eq!(fingerprint(line).as_deref(), Some("PRIMARY"));
        assert_eq!(fingerprint("[GNUPG:] VALIDSIG ONE 2026").as_deref(), Some("ONE"));
        assert_eq!(fingerprint("nothing"), None);
    }
}
