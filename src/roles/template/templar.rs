//! The front of the room: renders values, texts and files, evaluates expressions and conditions.

use super::error::{TemplateError, TemplateTrouble};
use super::header::{header, plain_options};
use super::output::Output;
use super::place::Source;
use super::run::{Beside, Run, ended_as, is_template};
use super::syntax::Program;
use super::{Decision, Scope, Services, lookups, parse, python};
use crate::failure::Place;
use crate::roles::modules::RenderOptions;
use crate::roles::value::{Map, Value};
use crate::roles::vault::Vault;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Evaluates templates, and keeps what it has parsed. One serves a whole run.
#[derive(Default)]
pub struct Templar {
    parsed: Mutex<HashMap<(Kind, String, Place), Arc<Program>>>,
    pub(super) vault: Arc<Vault>,
    /// Files that lookups have made up, for who evaluates to write.
    owed: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Template,
    Expression,
}

impl Templar {
    /// One that has parsed nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With keys for encrypted values.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<Vault>) -> Self {
        self.vault = vault;
        self
    }

    /// Renders a value: every template within is evaluated and keeps its native type, everything else is as it was.
    /// `omit` stays where it is, for the task to drop.
    pub fn render(&self, scope: &dyn Scope, services: &Services<'_>, value: &Value) -> Result<Value, TemplateError> {
        let run = Run::new(self, scope, services, Source::file("", ""));
        let value = run.finish(value.clone()).map(Value::without_tuples)?;
        self.keep_from_sight(&value);
        Ok(value)
    }

    /// Makes what was derived from a secret known to the redactor: in a message, a path or a task's name it is text like
    /// any other, and taint ends there.
    pub(super) fn keep_from_sight(&self, value: &Value) {
        match value {
            Value::Str(text) if text.is_secret() => self.vault.derived(text.expose()),
            Value::List(items) => items.iter().for_each(|item| self.keep_from_sight(item)),
            Value::Map(map) => map.values().for_each(|value| self.keep_from_sight(value)),
            _ => {}
        }
    }

    /// Evaluates an expression, as `when` and `with_*` have them: without delimiters.
    pub fn expression(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        text: &str,
        place: &Place,
    ) -> Result<Value, TemplateError> {
        let program = self.parsed(Kind::Expression, text, place)?;
        let mut run = Run::new(self, scope, services, program.source.clone());
        let datum = run.native(&program)?;
        run.deep(datum).map(Value::without_tuples).map_err(|error| error.at(place))
    }

    /// Whether a condition holds: a truth value, an expression, a template, or a list of these that must all hold.
    pub fn condition(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        condition: &Value,
        place: &Place,
    ) -> Result<bool, TemplateError> {
        let text = match condition {
            Value::List(all) => {
                for one in all.iter() {
                    if !self.condition(scope, services, one, place)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
            // A condition that is written and empty holds, as in Ansible.
            Value::Null => return Ok(true),
            Value::Str(text) if text.expose().trim().is_empty() => return Ok(true),
            Value::Str(_) => condition,
            Value::Template(template) => return self.holds(scope, services, &template.text, &template.place),
            other => return Ok(python::truth(other)),
        };
        self.yielded(scope, services, text, place)
    }

    fn holds(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        text: &str,
        place: &Place,
    ) -> Result<bool, TemplateError> {
        if text.trim().is_empty() {
            return Ok(true);
        }
        if !text.trim_start().starts_with("{{") && !text.trim_start().starts_with("{%") {
            let program = self.parsed(Kind::Expression, text, place)?;
            let mut run = Run::new(self, scope, services, program.source.clone());
            run.condition = true;
            let datum = run.native(&program)?;
            return run.truth(datum).map_err(|error| error.at(place));
        }
        // Delimiters are not needed in a condition, and are tolerated. What they yield is evaluated where it stands so in
        // the tree: a condition that a variable holds.
        let program = self.template(text, place)?;
        let mut run = Run::new(self, scope, services, program.source.clone());
        let datum = run.native(&program)?;
        self.yielded(scope, services, &run.deep(datum).map_err(|error| error.at(place))?, place)
    }

    /// Whether what a condition's template yields holds.
    fn yielded(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        value: &Value,
        place: &Place,
    ) -> Result<bool, TemplateError> {
        match value {
            Value::Str(text) => match text.expose().trim() {
                "" | "False" | "false" => Ok(false),
                "True" | "true" => Ok(true),
                condition if text.is_trusted() => self.holds(scope, services, condition, place),
                _ => Err(untrusted(place)),
            },
            Value::List(all) => {
                for one in all.iter() {
                    if !self.yielded(scope, services, one, place)? {
                        return Ok(false);
                    }
                }
                Ok(!all.is_empty())
            }
            other => Ok(python::truth(other)),
        }
    }

    /// The same where values may be unknown: an expression that needs one is unknown.
    pub fn decide(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        condition: &Value,
        place: &Place,
    ) -> Result<Decision, TemplateError> {
        if let Value::List(all) = condition {
            // An unknown condition hides the failure of a later one, which it may guard; not that a later is false.
            let mut decision = Decision::True;
            for one in all.iter() {
                match self.decide(scope, services, one, place) {
                    Ok(Decision::False) => return Ok(Decision::False),
                    Ok(Decision::Unknown) => decision = Decision::Unknown,
                    Ok(Decision::True) => {}
                    Err(_) if decision == Decision::Unknown => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(decision);
        }
        match self.condition(scope, services, condition, place) {
            Ok(true) => Ok(Decision::True),
            Ok(false) => Ok(Decision::False),
            Err(error) if error.is_unknown() => Ok(Decision::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Renders a template file to text; `name` is for messages, `path` is where it lies.
    pub fn file(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        text: &str,
        (name, path): (&str, &Path),
        options: &RenderOptions,
    ) -> Result<Value, TemplateError> {
        let beside = Beside::of(path, false);
        Ok(match self.file_with(scope, services, text, (name, beside), options)?.0 {
            text @ Value::Str(_) => text,
            other if other.has_secret() => Value::secret(python::text(&other.without_tuples())),
            other => Value::str(python::text(&other.without_tuples())),
        })
    }

    /// The same with its native type where it is one thing, and whether it has printed anything at all, be it nothing.
    pub(super) fn file_with(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        text: &str,
        (name, beside): (&str, Option<Beside>),
        options: &RenderOptions,
    ) -> Result<(Value, bool), TemplateError> {
        let (text, options) = header(text, options)?;
        let normal = text.replace("\r\n", "\n").replace('\r', "\n");
        let program = parse::file(Source::file(one_end_less(&normal), name), &options)?;
        let mut run = Run::new(self, scope, services, program.source.clone());
        run.beside = beside;
        let mut out = Output::default();
        run.execute(&program, &mut out)?;
        // What is no text is written as it is: Ansible puts line ends back to text alone.
        let printed = out.has_printed();
        let value = match out.is_native() {
            true => run.force(out.native())?,
            false => ended_as(&normal, out.text()),
        };
        let value = match (options.newline_sequence.as_str(), value) {
            ("\n" | "", value) => value,
            (sequence, Value::Str(text)) => {
                let changed = text.expose().replace('\n', sequence);
                if text.is_secret() { Value::secret(changed) } else { Value::str(changed) }
            }
            (_, other) => other,
        };
        Ok((value, printed))
    }

    /// Runs a lookup, as `with_*` does.
    pub fn lookup(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        name: &str,
        terms: Vec<Value>,
        options: Map,
    ) -> Result<Vec<Value>, TemplateError> {
        let mut run = Run::new(self, scope, services, Source::file("", ""));
        let found = lookups::run(&mut run, name, terms, options)?;
        Ok(found.into_iter().map(Value::without_tuples).collect())
    }

    pub(super) fn template(&self, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        self.parsed(Kind::Template, text, place)
    }

    pub(super) fn expression_program(&self, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        self.parsed(Kind::Expression, text, place)
    }

    /// A template that another one includes, extends or imports: of the tree, with the usual delimiters.
    pub(super) fn included(
        &self,
        services: &Services<'_>,
        name: &str,
        beside: Option<&Beside>,
    ) -> Result<Arc<Program>, TemplateError> {
        let lost = |error: crate::roles::modules::Failed| {
            TemplateError::new(TemplateTrouble::Lookup, format!("template `{name}` is not found: {error}"))
        };
        let own = beside.and_then(|beside| {
            let path = beside.directory.join(name).to_str().map(str::to_owned)?;
            services.tree.resolve("templates", &path).ok()
        });
        let path = match (own, beside) {
            (Some(own), Some(Beside { first: true, .. })) => own,
            (own, _) => services.tree.resolve("templates", name).or_else(|error| own.ok_or(error)).map_err(lost)?,
        };
        let bytes = services.tree.read(&path).map_err(lost)?;
        let text = String::from_utf8_lossy(&bytes);
        let (text, options) = header(&text, &plain_options())?;
        parse::file(Source::file(one_end_less(text), &shown(&path)), &options).map(Arc::new)
    }

    fn parsed(&self, kind: Kind, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        let key = (kind, text.to_owned(), place.clone());
        if let Some(program) = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(program.clone());
        }
        let program = Arc::new(match kind {
            Kind::Template => parse::template(Source::scalar(one_end_less(text), place))?,
            Kind::Expression => parse::expression(Source::scalar(text, place))?,
        });
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, program.clone());
        Ok(program)
    }

    /// What a lookup has made up of a file that nobody has written yet.
    pub(super) fn owed(&self, path: &Path) -> Option<Vec<u8>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// A file is to be written.
    pub(super) fn owe(&self, path: PathBuf, content: Vec<u8>) {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).insert(path, content);
    }

    /// The files that lookups want written, once: for their owner alone, as are the directories that they lie in.
    pub fn take_owed(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        std::mem::take(&mut self.owed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a text has anything to evaluate.
    pub fn is_template(text: &str) -> bool {
        is_template(text)
    }
}

/// An expression that does not stand in the tree: a result, a fact, or what a template has put together.
pub(in crate::roles) fn untrusted(place: &Place) -> TemplateError {
    TemplateError::failed("Encountered untrusted template or expression.")
        .with_hint("write the condition where it stands, or in a variable that is read as it is")
        .at(place)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A template's text as Jinja reads it: without its last line end.
fn one_end_less(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Bare, Variables};
    use super::*;
    use crate::host::Void;
    use crate::roles::remote::Offline;
    use crate::roles::value::Template;

    fn place(line: &str) -> Place {
        Place { file: "tasks/main.yml".into(), line: 3, column: 1, excerpt: Some(line.to_owned()) }
    }

    fn with<T>(work: impl FnOnce(&Templar, &Variables, &Services<'_>) -> T) -> T {
        let template = |text: &str| Value::Template(Arc::new(Template::new(text, place(text))));
        let variables = Variables::default()
            .with("name", "web".into())
            .with("key", Value::secret("hunter2"))
            .with("later", "?".into())
            .with("outside", "{{ name }}".into())
            .with("loop_a", template("{{ loop_b }}"))
            .with("loop_b", template("{{ loop_a }}"))
            .with("derived", template("user:{{ key }}"));
        let host = Void::new();
        let services = Services { remote: &Offline, tree: &Bare, environment: &[], host: &host };
        work(&Templar::new(), &variables, &services)
    }

    fn render(text: &str) -> Result<Value, TemplateError> {
        let value = Value::Template(Arc::new(Template::new(text, place(text))));
        with(|templar, variables, services| templar.render(variables, services, &value))
    }

    fn file(text: &str) -> Result<Value, TemplateError> {
        with(|templar, variables, services| {
            templar.file(variables, services, text, ("x.j2", Path::new("x.j2")), &plain_options())
        })
    }

    #[test]
    fn what_touches_a_secret_is_secret() {
        for text in ["{{ key }}", "x{{ key }}", "{{ derived | upper }}", "{{ {'a': key} }}", "{{ [key] | to_json }}"] {
            assert!(render(text).expect(text).has_secret(), "{text}");
        }
        assert!(!render("{{ name }}").expect("open").has_secret());
    }

    #[test]
    fn values_from_outside_are_never_templated() {
        assert_eq!(render("{{ outside }}").expect("rendered"), Value::str("{{ name }}"));
    }

    #[test]
    fn unknown_values_decide_only_what_they_must() {
        let decide = |text: &str| {
            with(|templar, variables, services| {
                templar.decide(variables, services, &Value::trusted(text), &place(text)).expect(text)
            })
        };
        assert_eq!(decide("later.rc == 0"), Decision::Unknown);
        assert_eq!(decide("later.rc == 0 and name == 'db'"), Decision::False);
        assert_eq!(decide("later.rc == 0 or name == 'web'"), Decision::True);
        assert_eq!(decide("later is defined"), Decision::True);
        assert_eq!(decide("later | default('x') == 'x'"), Decision::Unknown);
    }

    #[test]
    fn errors_say_where_and_what_was_meant() {
        let error = render("a {{ nmae }}").expect_err("undefined");
        assert_eq!(error.to_string(), "'nmae' is undefined");
        assert_eq!(error.hint.as_deref(), Some("did you mean `name`?"));
        assert_eq!(error.place.map(|p| (p.line, p.column)), Some((3, 6)));
        let error = file("one\ntwo {{ name | uper }}\n").expect_err("no such filter");
        assert_eq!(error.to_string(), "there is no filter `uper`");
        assert_eq!(error.place.map(|p| p.line), Some(2));
        let looped = render("{{ loop_a }}").expect_err("endless");
        assert!(looped.to_string().contains("recursive"), "{looped}");
        assert_eq!(render("{{ name | }}").expect_err("syntax").kind, TemplateTrouble::Syntax);
    }

    #[test]
    fn files_are_laid_out_as_ansible_does() {
        for (text, out) in [
            ("{% if true %}\na\n{% endif %}\nb\n", "a\nb\n"),
            ("  {% if true %}\na\n  {% endif %}\n", "  a\n  \n"),
            ("#jinja2: lstrip_blocks: True\n  {% if true %}\na\n  {% endif %}\n", "a\n"),
            ("#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ name ]] {{ x }}", "web {{ x }}"),
            ("{% extends 'base.j2' %}{% block body %}{{ name }}{% endblock %}", "[web]"),
            ("{% extends 'base.j2' %}{% block body %}{{ name }}{% endblock %}\n", "[web]\n"),
            ("{% include 'part.j2' %}!", "part of web!"),
            ("{% include 'child.j2' %}", "[child base]"),
            ("{% import 'macros.j2' as m %}{{ m.twice(name) }}{{ m.one }}", "webweb1"),
            ("{% from 'macros.j2' import twice as t %}{{ t('x') }}", "xx"),
            ("{% include 'gone.j2' ignore missing %}ok", "ok"),
            ("{{ 'a\\nb' }}", "a\nb"),
        ] {
            assert_eq!(file(text).expect(text), Value::str(out), "{text}");
        }
    }

    #[test]
    fn tables_are_read_as_ansible_reads_them() {
        let long = "{{ [lookup('ini', 'user', file='app.ini'), lookup('ini', 'home', file='app.ini'), \
                    lookup('ini', 'multi', file='app.ini'), lookup('ini', 'pct', file='app.ini'), \
                    lookup('ini', 'user section=other file=app.ini'), lookup('ini', 'x', file='app.ini', default='d'), \
                    query('ini', '.*', section='other', file='app.ini', re=true), query('ini', 'x', file='app.ini'), \
                    lookup('ini', 'java.home', file='p.properties', type='properties')] | to_json }}";
        for (text, out) in [
            ("{{ lookup('csvfile', 'H', 'He', file='el.csv') }}", "1,2"),
            ("{{ lookup('csvfile', 'He', file='el.csv', col=2) }}", "4,\"x\""),
            ("{{ lookup('csvfile', 'no', file='el.csv', default='dd') }}", "dd"),
            ("{{ query('csvfile', 'no', file='el.csv') | to_json }}", "[]"),
            (long, r#"["app", "/srv/app", "one\ntwo", "50%", "o", "d", ["/srv", "o", "p"], [""], "/opt"]"#),
        ] {
            assert_eq!(render(text).expect(text), Value::str(out), "{text}");
        }
        let gone = render("{{ lookup('ini', 'x', section='gone', file='app.ini') }}").expect_err("no section");
        assert!(gone.to_string().contains("No section 'gone' in 'app.ini'."), "{gone}");
    }

    #[test]
    fn conditions_take_any_value_for_its_truth() {
        let template = |text: &str| Value::Template(Arc::new(Template::new(text, place(text))));
        let holds = |condition: &Value| {
            with(|templar, variables, services| templar.condition(variables, services, condition, &place("when")))
        };
        assert!(holds(&Value::trusted("name")).expect("truth"));
        assert!(!holds(&Value::list([Value::trusted("name == 'web'"), Value::trusted("name == 'db'")])).expect("all"));
        assert!(holds(&template("{{ name == 'web' }}")).expect("delimiters"));
        assert!(holds(&Value::trusted("nope")).expect_err("undefined").is_undefined());
        assert!(holds(&Value::trusted("nope is not defined")).expect("defined"));
        assert!(holds(&Value::trusted("name == '{{ name }}'")).expect("a quoted template"));
    }

    #[test]
    fn only_what_stands_in_the_tree_is_a_condition() {
        let holds = |condition: &Value| {
            with(|templar, variables, services| templar.condition(variables, services, condition, &place("when")))
        };
        let template = |text: &str| Value::Template(Arc::new(Template::new(text, place(text))));
        for outside in [Value::str("name == 'web'"), template("{{ outside }}"), template("{{ '1 == 1' }}")] {
            let error = holds(&outside).expect_err("refused");
            assert!(error.to_string().contains("untrusted template or expression"), "{error}");
        }
        // A truth value that was written out as text is one.
        assert!(holds(&template("{{ 'True' }}")).expect("true") && !holds(&template("{{ 'False' }}")).expect("false"));
        assert!(!holds(&template("{{ [true, false] }}")).expect("all of a list"));
    }

    #[test]
    fn an_inspection_names_what_does_not_exist() {
        let templar = Templar::new();
        let text =
            "{{ lookup('amazon.aws.aws_ssm', '/a/b', region=r) | lowr }}{% for x in xs %}{{ x is odd }}{% endfor %}";
        let seen = templar.inspect(text, &place(text)).expect("parsed");
        assert_eq!(seen.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), ["there is no filter `lowr`"]);
        assert_eq!(seen.variables.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["r", "xs"]);
        assert_eq!(seen.lookups[0].terms, [Some(Value::str("/a/b"))]);
        assert_eq!(seen.lookups[0].options[0], ("region".to_owned(), None));
    }
}
