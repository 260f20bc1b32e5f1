//! Attributes of the file system, as `lsattr` tells of them and `chattr` sets them.

use crate::host::{Change, Effect};
use crate::roles::modules::{Eyes, Failed, Plan};
use std::path::Path;

/// Adds to a plan what sets a path's attributes: `A` exactly, `+A` and `-A` beside the others.
pub(super) fn set(eyes: &Eyes<'_>, path: &Path, flags: &str, mut plan: Plan) -> Result<Plan, Failed> {
    let (how, flags) = match flags.split_at_checked(1) {
        Some((how @ ("+" | "-" | "="), flags)) => (how, flags),
        _ => ("=", flags),
    };
    let path = path.display().to_string();
    if flags.is_empty() || how != "-" && have(eyes, &path) == flags {
        return Ok(plan);
    }
    let command = eyes.command(["chattr".to_owned(), format!("{how}{flags}"), path.clone()]);
    plan.changes.push(Change::Run(command));
    plan.changed = Some(true);
    plan.next = Some(Box::new(move |_: &Eyes<'_>, effects: &[Effect]| {
        let output = effects.last().and_then(|effect| effect.output.as_ref());
        match output {
            Some(output) if !output.ok() || !output.stderr.is_empty() => {
                let said = output.text() + &String::from_utf8_lossy(&output.stderr);
                let details = format!("Error while setting attributes: {}", said.trim_end());
                Err(Failed::new("chattr failed").with("path", path).with("details", details))
            }
            _ => Ok(Plan { changed: Some(true), ..Plan::unchanged() }),
        }
    }));
    Ok(plan)
}

/// The attributes that a path has; none where nobody can tell.
fn have(eyes: &Eyes<'_>, path: &str) -> String {
    let output = eyes.host.query(&eyes.command(["lsattr", "-d", path])).ok().filter(|output| output.ok());
    let text = output.map(|output| output.text()).unwrap_or_default();
    text.split_whitespace().next().unwrap_or_default().replace('-', "")
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    use serde_json::json;

    #[test]
    fn attributes_are_set_where_they_differ() {
        let machine = Fake::default().file("/f", "").answer("lsattr -d /f", 0, "-------A------e------- /f\n");
        let ask = |flags: &str| plan(&machine, "file", json!({"path": "/f", "attributes": flags})).expect("plan");
        assert_eq!(changes(&ask("A")), ["chattr =A /f"]);
        assert!(changes(&ask("Ae")).is_empty() && changes(&ask("")).is_empty());
        assert_eq!(changes(&ask("-A")), ["chattr -A /f"]);
        let failed = follow(ask("+i"), &machine, &[(1, "", "chattr: Operation not supported")]).err().expect("failed");
        assert_eq!(failed.message, "chattr failed");
    }
}
