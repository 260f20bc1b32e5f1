//! What dnf said of a transaction, as Ansible's module tells it.

use super::{Failed, NOTHING, Plan, idle};
use crate::host::Output;
use crate::roles::value::Value;

/// The end of a transaction. `results` is what they begin with.
pub(super) fn judged(output: &Output, mut results: Vec<String>) -> Result<Plan, Failed> {
    let stdout = output.text();
    if output.code != 0 {
        let lost = lost(&stdout);
        let message = if lost.is_empty() {
            reason(&String::from_utf8_lossy(&output.stderr))
        } else {
            "Failed to install some of the specified packages".into()
        };
        return Err(Failed::new(message)
            .with("rc", Value::Int(output.code.into()))
            .with("failures", Value::list(lost.into_iter().map(Value::from)))
            .with("results", Value::list([])));
    }
    let changed = !stdout.contains(NOTHING);
    results.extend(told(&stdout));
    Ok(Plan { changed: Some(changed), ..idle(if changed { "" } else { NOTHING }, results) })
}

fn lost(stdout: &str) -> Vec<String> {
    let names = stdout.lines().filter_map(|line| line.strip_prefix("No match for argument: "));
    names.map(|name| format!("No package {} available.", name.trim())).collect()
}

/// The words of dnf's library, for which its command has its own.
fn reason(stderr: &str) -> String {
    let said = stderr.trim();
    if let Some(at) = said.find("Error: \n Problem") {
        return format!("Depsolve Error occurred: {}", &said[at + "Error: ".len()..]);
    }
    let group =
        |line: &str| Some(line.strip_prefix("Module or Group '")?.strip_suffix("' is not available.")?.to_owned());
    if let Some(group) = said.lines().find_map(group) {
        return format!("No group {group} available.");
    }
    if let Some(line) = said.lines().find(|line| line.starts_with("Could not open: ")) {
        return format!("Error occurred attempting remote rpm operation: {line}");
    }
    said.to_owned()
}

/// What a transaction did: the packages listed under each heading at its end, and those that others took the place of.
fn told(stdout: &str) -> Vec<String> {
    let mut results = Vec::new();
    let mut heading = None;
    for line in stdout.lines() {
        match line.strip_suffix(':') {
            Some("Installed" | "Upgraded" | "Downgraded" | "Reinstalled") => heading = Some("Installed"),
            Some("Removed") => heading = Some("Removed"),
            _ if line.trim().is_empty() || !line.starts_with(' ') => heading = None,
            _ => match heading {
                Some(heading) => {
                    results.extend(line.split_whitespace().map(|package| format!("{heading}: {package}")));
                }
                None => results.extend(replaced(line).map(|package| format!("Removed: {package}"))),
            },
        }
    }
    // What is gone is told last, as Ansible goes through a transaction; `false` is less.
    results.sort_by_key(|line| line.starts_with("Removed: "));
    results
}

/// `  Cleanup          : alpha-1.0-1.noarch       2/2`
fn replaced(line: &str) -> Option<&str> {
    let (step, package) = line.split_once(':')?;
    if step.trim() == "Cleanup" { package.split_whitespace().next() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::value::Key;
    use serde_json::json;

    fn end(code: i32, stdout: &str, stderr: &str) -> Result<Plan, Failed> {
        judged(&Output { code, stdout: stdout.into(), stderr: stderr.into(), ..Output::default() }, Vec::new())
    }

    /// dnf 4.14's own words, and what ansible-core 2.19 made of the same transactions.
    #[test]
    fn a_transaction_is_told_as_ansible_tells_it() {
        let results = |said: &str| {
            let done = end(0, said, "").expect("done");
            assert_eq!(done.changed, Some(true));
            done.result.get(&Key::from("results")).expect("results").to_json()
        };
        let said = "Dependencies resolved.\nInstalled:\n  jq-1.6-1.x86_64   oniguruma-6.9-1.x86_64\n\nComplete!\n";
        assert_eq!(results(said), json!(["Installed: jq-1.6-1.x86_64", "Installed: oniguruma-6.9-1.x86_64"]));
        let said = "Running transaction\n  Preparing        :                              1/1 \n  \
                    Upgrading        : alpha-2.0-1.noarch           1/2 \n  \
                    Cleanup          : alpha-1.0-1.noarch           2/2 \n  \
                    Verifying        : alpha-2.0-1.noarch           1/2 \n\nUpgraded:\n  alpha-2.0-1.noarch    \n\nComplete!\n";
        assert_eq!(results(said), json!(["Installed: alpha-2.0-1.noarch", "Removed: alpha-1.0-1.noarch"]));
        let idle = end(0, "Nothing to do.\nComplete!\n", "").expect("idle");
        assert_eq!(idle.changed, Some(false));
        assert_eq!(idle.result.get(&Key::from("msg")).expect("msg").to_json(), json!("Nothing to do"));
    }

    #[test]
    fn a_failure_has_the_words_of_the_library() {
        let message = |stdout, stderr| end(1, stdout, stderr).err().expect("failed").message;
        assert_eq!(
            message("No match for argument: jq\n", "Error: Unable to find a match: jq\n"),
            "Failed to install some of the specified packages"
        );
        assert_eq!(
            message(
                "",
                "Error: \n Problem: conflicting requests\n  - nothing provides x needed by delta-1.0-1.noarch\n"
            ),
            "Depsolve Error occurred: \n Problem: conflicting requests\n  - nothing provides x needed by delta-1.0-1.noarch"
        );
        assert_eq!(
            message("", "Module or Group 'none' is not available.\nError: Nothing to do.\n"),
            "No group none available."
        );
        assert_eq!(
            message("", "Can not load RPM file: /srv/none.rpm.\nCould not open: /srv/none.rpm\n"),
            "Error occurred attempting remote rpm operation: Could not open: /srv/none.rpm"
        );
        assert_eq!(message("", "Error: This command has to be run with superuser privileges\n").lines().count(), 1);
    }
}
