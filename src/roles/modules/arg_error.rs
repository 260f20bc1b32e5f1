//! An argument that cannot be accepted, and why.

/// An argument that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgError {
    /// Not an argument of this module.
    #[error("`{module}` has no argument `{name}`")]
    Unknown {
        /// The module.
        module: &'static str,
        /// As written.
        name: String,
        /// The nearest that it has.
        nearest: Option<&'static str>,
    },
    /// An argument that Ansible documents and muster does not do.
    #[error("`{module}: {name}` is not supported: {why}")]
    Unsupported {
        /// The module.
        module: &'static str,
        /// The argument, with the value where only that is not supported.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A required argument that is not there.
    #[error("`{module}` needs the argument `{name}`")]
    Missing {
        /// The module.
        module: &'static str,
        /// The argument.
        name: &'static str,
    },
    /// A value of the wrong type, or none of the choices.
    #[error("`{module}: {name}`: {problem}")]
    Value {
        /// The module.
        module: &'static str,
        /// The argument.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Arguments that do not go together.
    #[error("`{module}`: {problem}")]
    Together {
        /// The module.
        module: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl ArgError {
    /// As Ansible says it when the task runs, for roles that look at the message.
    pub fn as_answered(&self) -> String {
        let short = |module: &'static str| module.rsplit('.').next().unwrap_or(module);
        match self {
            // This one is judged before its module is asked.
            Self::Unknown { module: "ansible.builtin.shell", name, .. } => {
                format!("Unsupported parameters for (shell) module: {name}")
            }
            Self::Unknown { module, name, .. } => {
                let known = super::find(module).map(|row| row.spec.all_params().map(|param| param.name));
                let known = known.into_iter().flatten().collect::<Vec<_>>().join(", ");
                let module = short(module);
                format!("Unsupported parameters for ({module}) module: {name}. Supported parameters include: {known}.")
            }
            Self::Missing { name, .. } => format!("missing required arguments: {name}"),
            Self::Together { problem, .. } => problem.clone(),
            other => other.to_string(),
        }
    }
}
