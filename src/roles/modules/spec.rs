//! A module's arguments as data: checks, documentation and tests derive from it.

/// What a module is called and takes.
#[derive(Debug)]
pub struct Spec {
    /// The fully qualified name.
    pub name: &'static str,
    /// Other fully qualified names for it (`ansible.builtin.systemd_service`).
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// What free text after the module's name means.
    pub free_form: FreeForm,
    /// Every documented argument, supported or not: one that is not here is unknown, one that is here and not
    /// supported is refused by name with its reason.
    pub params: &'static [Param],
    /// Whether it takes `mode`, `owner`, `group`, `attributes`, `unsafe_writes`, `seuser`, ... beside its own.
    pub file_attributes: bool,
    /// Tasks as a user would write them, each converging: plan, apply, plan again is empty.
    pub examples: &'static [&'static str],
}

/// What text after the module's name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeForm {
    /// `key=value` pairs.
    Pairs,
    /// The text is this argument, after leading `creates=`, `removes=`, `chdir=`... pairs (`command`, `shell`).
    Command(&'static str),
    /// The text is this argument (`include_tasks: file.yml`).
    Argument(&'static str),
}

/// One argument.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Its type, which decides how values are coerced.
    pub kind: ParamKind,
    /// Whether it must be given.
    pub required: bool,
    /// The default as it would be written.
    pub default: Option<&'static str>,
    /// The only values allowed.
    pub choices: Choices,
    /// Whether muster does it.
    pub support: Support,
    /// One sentence.
    pub summary: &'static str,
}

/// Allowed values; empty allows any.
pub type Choices = &'static [&'static str];

/// An argument's type, with Ansible's coercions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Text; numbers and truth values are written out as Python would.
    Str,
    /// `yes`, `no`, `true`, `1`, ...
    Bool,
    /// A whole number, or text of one.
    Int,
    /// A fraction, or text of one.
    Float,
    /// A path: `~` and `$VAR` are expanded.
    Path,
    /// A list of texts; text is split at commas.
    StrList,
    /// A list of anything.
    AnyList,
    /// A mapping; text is read as JSON or `k=v` pairs.
    Dict,
    /// As given.
    Raw,
    /// A permission mode: octal number, octal text or symbolic text.
    Mode,
}

/// Whether muster does what an argument asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Full,
    /// Only these values; any other is refused by name.
    Only(Choices),
    /// It does not: why, in a few words. Given with its default value it is accepted.
    No(&'static str),
}

impl Param {
    /// An optional argument that is supported, of a type.
    pub const fn new(name: &'static str, kind: ParamKind, summary: &'static str) -> Self {
        Self { name, aliases: &[], kind, required: false, default: None, choices: &[], support: Support::Full, summary }
    }

    /// Must be given.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// With other names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// With a default, as it would be written.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// With only these values.
    #[must_use]
    pub const fn choices(mut self, choices: Choices) -> Self {
        self.choices = choices;
        self
    }

    /// Documented by Ansible, not done by muster.
    #[must_use]
    pub const fn unsupported(mut self, why: &'static str) -> Self {
        self.support = Support::No(why);
        self
    }

    /// Done only for these of its values.
    #[must_use]
    pub const fn only(mut self, values: Choices) -> Self {
        self.support = Support::Only(values);
        self
    }
}
