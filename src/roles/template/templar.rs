//! The front of the room: renders values, texts and files, evaluates expressions and conditions.

use super::error::{TemplateError, TemplateTrouble};
use super::place::Source;
use super::run::{Output, Run, is_template};
use super::syntax::Program;
use super::{Decision, Scope, Services, lookups, parse, python};
use crate::failure::Place;
use crate::roles::modules::RenderOptions;
use crate::roles::value::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Evaluates templates, and keeps what it has parsed. One serves a whole run.
#[derive(Debug, Default)]
pub struct Templar {
    parsed: Mutex<HashMap<(Kind, String, Place), Arc<Program>>>,
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

    /// Renders a value: every template within is evaluated and keeps its native type, everything else is as it was.
    /// `omit` stays where it is, for the task to drop.
    pub fn render(&self, scope: &dyn Scope, services: &Services<'_>, value: &Value) -> Result<Value, TemplateError> {
        let run = Run::new(self, scope, services, Source::file("", ""));
        run.finish(value.clone())
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
        run.deep(datum).map_err(|error| error.at(place))
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
            Value::Str(text) => text.expose(),
            Value::Template(template) => return self.holds(scope, services, &template.text, &template.place),
            other => return Ok(python::truth(other)),
        };
        self.holds(scope, services, text, place)
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
            let datum = run.native(&program)?;
            return run.truth(datum).map_err(|error| error.at(place));
        }
        // Delimiters are not needed in a condition, and are tolerated. What they yield is never evaluated again.
        let program = self.template(text, place)?;
        let mut run = Run::new(self, scope, services, program.source.clone());
        let datum = run.native(&program)?;
        Ok(match run.deep(datum).map_err(|error| error.at(place))? {
            Value::Str(text) => !matches!(text.expose().trim(), "" | "False" | "false"),
            other => python::truth(&other),
        })
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

    /// Renders a template file to text.
    pub fn file(
        &self,
        scope: &dyn Scope,
        services: &Services<'_>,
        text: &str,
        name: &str,
        options: &RenderOptions,
    ) -> Result<Value, TemplateError> {
        let (text, options) = header(text, options);
        let normal = text.replace("\r\n", "\n").replace('\r', "\n");
        let program = parse::file(Source::file(&normal, name), &options)?;
        let mut run = Run::new(self, scope, services, program.source.clone());
        let mut out = Output::default();
        run.execute(&program, &mut out)?;
        Ok(match (options.newline_sequence.as_str(), out.text()) {
            ("\n" | "", value) => value,
            (sequence, Value::Str(text)) => {
                let changed = text.expose().replace('\n', sequence);
                if text.is_secret() { Value::secret(changed) } else { Value::str(changed) }
            }
            (_, other) => other,
        })
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
        lookups::run(&mut run, name, terms, options)
    }

    pub(super) fn template(&self, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        self.parsed(Kind::Template, text, place)
    }

    pub(super) fn expression_program(&self, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        self.parsed(Kind::Expression, text, place)
    }

    /// A template that another one includes, extends or imports: of the tree, with the usual delimiters.
    pub(super) fn included(&self, services: &Services<'_>, name: &str) -> Result<Arc<Program>, TemplateError> {
        let lost = |error: crate::roles::modules::Failed| {
            TemplateError::new(TemplateTrouble::Lookup, format!("template `{name}` is not found: {error}"))
        };
        let path = services.tree.resolve("templates", name).map_err(lost)?;
        let bytes = services.tree.read(&path).map_err(lost)?;
        let text = String::from_utf8_lossy(&bytes);
        let (text, options) = header(&text, &plain_options());
        parse::file(Source::file(text, &shown(&path)), &options).map(Arc::new)
    }

    fn parsed(&self, kind: Kind, text: &str, place: &Place) -> Result<Arc<Program>, TemplateError> {
        let key = (kind, text.to_owned(), place.clone());
        if let Some(program) = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(program.clone());
        }
        let source = Source::scalar(text, place);
        let program = Arc::new(match kind {
            Kind::Template => parse::template(source)?,
            Kind::Expression => parse::expression(source)?,
        });
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, program.clone());
        Ok(program)
    }

    /// Whether a text has anything to evaluate.
    pub fn is_template(text: &str) -> bool {
        is_template(text)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Ansible's defaults: a block's own newline goes, indentation stays.
pub(super) fn plain_options() -> RenderOptions {
    let pair = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    RenderOptions {
        trim_blocks: true,
        lstrip_blocks: false,
        newline_sequence: "\n".into(),
        variable: pair("{{", "}}"),
        block: pair("{%", "%}"),
        comment: pair("{#", "#}"),
        destination: std::path::PathBuf::new(),
    }
}

/// `#jinja2: trim_blocks:False, lstrip_blocks: True` on the first line overrides what the task says.
fn header<'t>(text: &'t str, options: &RenderOptions) -> (&'t str, RenderOptions) {
    let mut options = options.clone();
    let Some(rest) = text.strip_prefix("#jinja2:") else { return (text, options) };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    for setting in line.split(',') {
        let Some((key, value)) = setting.split_once(':') else { continue };
        let value = value.trim();
        let word = value.trim_matches(['\'', '"']).to_owned();
        let truth = value.eq_ignore_ascii_case("true");
        match key.trim() {
            "trim_blocks" => options.trim_blocks = truth,
            "lstrip_blocks" => options.lstrip_blocks = truth,
            "newline_sequence" => options.newline_sequence = word.replace("\\n", "\n").replace("\\r", "\r"),
            "variable_start_string" => options.variable.0 = word,
            "variable_end_string" => options.variable.1 = word,
            "block_start_string" => options.block.0 = word,
            "block_end_string" => options.block.1 = word,
            "comment_start_string" => options.comment.0 = word,
            "comment_end_string" => options.comment.1 = word,
            _ => {}
        }
    }
    (body, options)
}
