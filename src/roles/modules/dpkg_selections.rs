//! `dpkg_selections`: what dpkg is to do with a package (`hold`).

use super::programs::in_turn;
use super::{ArgError, Args, Eyes, Failed, FreeForm, Module, Param, ParamKind, Plan, Spec, dpkg::Database};
use crate::host::{Change, Command};
use crate::secret::Secret;

/// `dpkg_selections`.
pub static SPEC: Spec = Spec {
    name: "ansible.builtin.dpkg_selections",
    aliases: &[],
    summary: "Sets a package's selection.",
    free_form: FreeForm::Pairs,
    params: &[
        Param::new("name", ParamKind::Str, "The package.").required(),
        Param::new("selection", ParamKind::Str, "Its selection.").required().choices(&[
            "install",
            "hold",
            "deinstall",
            "purge",
        ]),
    ],
    file_attributes: false,
    examples: &["dpkg_selections:\n  name: tzdata\n  selection: hold\n"],
};

struct Selection {
    name: String,
    selection: String,
}

/// Reads the arguments.
pub fn selection(args: &mut Args) -> Result<Box<dyn Module>, ArgError> {
    Ok(Box::new(Selection { name: args.must("name")?, selection: args.must("selection")? }))
}

impl Module for Selection {
    fn plan(&self, eyes: &Eyes<'_>) -> Result<Plan, Failed> {
        let database = Database::read(eyes)?;
        let Some(package) = database.find(&self.name) else {
            let (name, selection) = (&self.name, &self.selection);
            let message = format!("Failed to find package '{name}' to perform selection '{selection}'.");
            return Err(Failed::new(message));
        };
        let plan = Plan::unchanged().with("before", package.want.as_str()).with("after", self.selection.as_str());
        if package.want == self.selection {
            return Ok(plan);
        }
        let line = format!("{} {}\n", self.name, self.selection);
        let command =
            Command { stdin: Some(Secret::new(line.into_bytes())), ..eyes.command(["dpkg", "--set-selections"]) };
        let steps = [(Change::Packages(command), "dpkg --set-selections failed".to_owned())];
        Ok(in_turn(steps.into(), Plan { changed: Some(true), ..plan }))
    }
}

#[cfg(test)]
mod tests {
    use crate::roles::modules::fake::{Fake, changes, plan};
    use serde_json::json;

    #[test]
    fn a_selection_is_set_where_it_differs() {
        let status = "Package: tzdata\nStatus: hold ok installed\nArchitecture: all\nVersion: 1\n";
        let machine = Fake::default().file("/var/lib/dpkg/status", status);
        let ask = |name: &str, selection: &str| {
            plan(&machine, "dpkg_selections", json!({"name": name, "selection": selection}))
        };
        assert!(ask("tzdata", "hold").expect("plan").changes.is_empty());
        assert_eq!(changes(&ask("tzdata", "install").expect("plan")), ["dpkg --set-selections"]);
        assert!(ask("nope", "hold").err().expect("failed").message.contains("Failed to find package 'nope'"));
    }
}
