//! What can be said of a template without any values: syntax, unknown names, literal lookups, variables read.

use super::error::TemplateError;
use super::place::Source;
use super::run::is_template;
use super::syntax::{Args, CompareOp, Expr, Macro, Node, Program, Stmt};
use super::{Templar, filters, globals, lookups, parse, shape, tests};
use crate::failure::Place;
use crate::roles::value::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// What a text does.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Filters, tests and lookups that do not exist.
    pub problems: Vec<TemplateError>,
    /// Lookups whose name is literal.
    pub lookups: Vec<LookupUse>,
    /// Whether it also asks by a lookup whose name is not literal.
    pub opaque: bool,
    /// Variables read that the text does not set itself, with where; each once.
    pub variables: Vec<(String, Place)>,
    /// Variables that the text expects to be missing at times: tested by `is defined`, or given a default.
    pub guarded: Vec<String>,
    /// Names that the text sets.
    pub sets: Vec<String>,
    /// What an expression yields where it is certainly no truth value.
    pub no_truth_value: Option<&'static str>,
}

/// A lookup as written.
#[derive(Debug)]
pub struct LookupUse {
    /// Its name, as written.
    pub name: String,
    /// Its terms; `None` where one is not literal.
    pub terms: Vec<Option<Value>>,
    /// Its options; `None` where one is not literal.
    pub options: Vec<(String, Option<Value>)>,
    /// Where.
    pub place: Place,
}

impl Templar {
    /// Inspects a text of a YAML document.
    pub fn inspect(&self, text: &str, place: &Place) -> Result<Inspection, TemplateError> {
        if !is_template(text) {
            return Ok(Inspection::default());
        }
        Ok(inspect(&*self.template(text, place)?))
    }

    /// Inspects an expression without delimiters, as `when` has it; with them, the text that it then is.
    pub fn inspect_expression(&self, text: &str, place: &Place) -> Result<Inspection, TemplateError> {
        if text.trim().is_empty() {
            return Ok(Inspection::default());
        }
        if text.trim_start().starts_with("{{") || text.trim_start().starts_with("{%") {
            return self.inspect(text, place);
        }
        let program = self.expression_program(text, place)?;
        let mut inspection = inspect(&program);
        if let [Stmt::Emit(node)] = program.body.as_slice() {
            inspection.no_truth_value = shape::no_truth_value(node);
        }
        Ok(inspection)
    }

    /// Inspects a template file of which nothing but its first line overrides Ansible's defaults.
    pub fn inspect_file(&self, text: &str, name: &str) -> Result<Inspection, TemplateError> {
        let options = super::header::plain_options();
        // The line of settings stays, so that lines count from the file's top.
        let (_, options) = super::header::header(text, &options)?;
        Ok(inspect(&parse::file(Source::file(text, name), &options)?))
    }
}

fn inspect(program: &Program) -> Inspection {
    let mut walk =
        Walk { source: &program.source, out: Inspection::default(), set: HashSet::new(), read: HashSet::new() };
    walk.body(&program.body);
    walk.out.variables.retain(|(name, _)| !walk.set.contains(name.as_str()));
    walk.out.sets = walk.set.iter().map(ToString::to_string).collect();
    walk.out
}

struct Walk<'p> {
    source: &'p Source,
    out: Inspection,
    /// Names that the text sets anywhere: scopes are not told apart, so that nothing is reported in error.
    set: HashSet<Arc<str>>,
    read: HashSet<Arc<str>>,
}

impl Walk<'_> {
    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Emit(node) | Stmt::Do(node) | Stmt::Extends(node) => self.node(node),
            Stmt::For(it) => {
                self.set.insert("loop".into());
                self.target(&it.target);
                self.node(&it.iter);
                self.option(it.filter.as_ref());
                self.body(&it.body);
                self.body(&it.otherwise);
            }
            Stmt::If { test, yes, no } => {
                self.node(test);
                self.body(yes);
                self.body(no);
            }
            Stmt::With { assignments, body } => {
                for (target, value) in assignments {
                    self.target(target);
                    self.node(value);
                }
                self.body(body);
            }
            Stmt::Set { target, value } => {
                self.target(target);
                self.node(value);
            }
            Stmt::SetBlock { target, filter, body } => {
                self.target(target);
                self.option(filter.as_ref());
                self.body(body);
            }
            Stmt::FilterBlock { filter, body } => {
                self.node(filter);
                self.body(body);
            }
            Stmt::Macro(it) => {
                self.set.insert(it.name.clone());
                self.function(it);
            }
            Stmt::CallBlock { call, caller } => {
                self.node(call);
                self.function(caller);
            }
            Stmt::Include { name, .. } => self.node(name),
            Stmt::Import { from, name, .. } => {
                self.node(from);
                self.set.insert(name.clone());
            }
            Stmt::FromImport { from, names, .. } => {
                self.node(from);
                self.set.extend(names.iter().map(|(_, alias)| alias.clone()));
            }
            Stmt::Block { body, .. } => {
                self.set.insert("super".into());
                self.body(body);
            }
            Stmt::Text(_) | Stmt::Continue | Stmt::Break => {}
        }
    }

    fn function(&mut self, it: &Macro) {
        self.set.extend(it.params.iter().cloned());
        self.set.extend(["varargs".into(), "kwargs".into(), "caller".into()]);
        for default in &it.defaults {
            self.node(default);
        }
        self.body(&it.body);
    }

    fn option(&mut self, node: Option<&Node>) {
        if let Some(node) = node {
            self.node(node);
        }
    }

    fn target(&mut self, node: &Node) {
        match &node.expr {
            Expr::Name(name) => {
                self.set.insert(name.clone());
            }
            Expr::List(targets) | Expr::Tuple(targets) => targets.iter().for_each(|target| self.target(target)),
            _ => self.node(node),
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.expr {
            Expr::Name(name) => {
                if !globals::known(name) && self.read.insert(name.clone()) {
                    self.out.variables.push((name.to_string(), self.source.place(node.at)));
                }
            }
            Expr::Const(_) => {}
            Expr::List(items) | Expr::Tuple(items) => items.iter().for_each(|item| self.node(item)),
            Expr::Dict(members) => members.iter().for_each(|(key, value)| {
                self.node(key);
                self.node(value);
            }),
            Expr::Attr(of, _) | Expr::Not(of) | Expr::Neg(of) | Expr::Plus(of) => self.node(of),
            Expr::Item(a, b) | Expr::And(a, b) | Expr::Or(a, b) | Expr::Binary(_, a, b) => {
                self.node(a);
                self.node(b);
            }
            Expr::Slice(of, bounds) => {
                self.node(of);
                bounds.iter().for_each(|bound| self.option(bound.as_deref()));
            }
            Expr::Compare(first, rest) => {
                self.searched(first, rest);
                self.node(first);
                rest.iter().for_each(|(_, right)| self.node(right));
            }
            Expr::If { test, yes, no } => {
                self.node(test);
                self.node(yes);
                self.option(no.as_deref());
            }
            Expr::Filter { name, input, args } => {
                if matches!(plain(name), "default" | "d" | "mandatory") {
                    self.guard(input.as_deref());
                }
                self.option(input.as_deref());
                self.args(args);
                self.report(filters::TABLE.problem(name), node.at);
                if matches!(&**name, "map" | "select" | "reject") {
                    self.applied(name, args);
                }
            }
            Expr::Test { name, input, args } => {
                if matches!(plain(name), "defined" | "undefined") {
                    self.guard(Some(input));
                }
                self.node(input);
                self.args(args);
                self.report(tests::TABLE.problem(name), node.at);
            }
            Expr::Call(callee, args) => self.call(node, callee, args),
        }
    }

    /// The filter or test that `map`, `select` and `reject` apply, where it is literal.
    fn applied(&mut self, by: &str, args: &Args) {
        let Some((false, Node { at, expr: Expr::Const(name) })) = args.positional.first() else { return };
        let name = name.as_str().unwrap_or_default();
        if by == "map" {
            self.report(filters::TABLE.problem(name), *at);
        } else {
            self.report(tests::TABLE.problem(name), *at);
        }
    }

    /// The variable at the bottom of a chain of members may be missing.
    fn guard(&mut self, node: Option<&Node>) {
        match node.map(|node| &node.expr) {
            Some(Expr::Name(name)) => self.out.guarded.push(name.to_string()),
            Some(Expr::Attr(of, key)) => {
                if of.is_named(&["vars"]) {
                    self.out.guarded.push(key.to_string());
                }
                self.guard(Some(of));
            }
            Some(Expr::Item(of, _) | Expr::Slice(of, _)) => self.guard(Some(of)),
            Some(Expr::Filter { input, .. }) => self.guard(input.as_deref()),
            _ => {}
        }
    }

    /// `'name' in vars` asks whether there is such a variable.
    fn searched(&mut self, first: &Node, rest: &[(CompareOp, Node)]) {
        if let (Expr::Const(name), [(CompareOp::In | CompareOp::NotIn, within)]) = (&first.expr, rest)
            && let Some(name) = name.as_str()
            && (within.is_named(&["vars"]) || matches!(&within.expr, Expr::Item(of, _) if of.is_named(&["hostvars"])))
        {
            self.out.guarded.push(name.to_owned());
        }
    }

    fn args(&mut self, args: &Args) {
        args.positional.iter().for_each(|(_, node)| self.node(node));
        args.named.iter().for_each(|(_, node)| self.node(node));
    }

    fn call(&mut self, node: &Node, callee: &Node, args: &Args) {
        self.args(args);
        // `lookup('template', ..., template_vars={...})` brings variables along.
        for (name, value) in &args.named {
            if let (Some("template_vars"), Expr::Dict(members)) = (name.as_deref(), &value.expr) {
                let names = members.iter().filter_map(|(key, _)| literal(key)?.as_str().map(Arc::from));
                self.set.extend(names);
            }
        }
        let Expr::Name(function) = &callee.expr else { return self.node(callee) };
        if !matches!(&**function, "lookup" | "query" | "q") {
            return self.node(callee);
        }
        let Some((false, Node { expr: Expr::Const(name), at })) = args.positional.first() else {
            self.out.opaque = true;
            return;
        };
        let name = name.as_str().unwrap_or_default();
        self.report(lookups::problem(name), *at);
        // Two are every lookup's.
        for (option, node) in &args.named {
            if let Some(option) = option.as_deref().filter(|option| !matches!(*option, "errors" | "wantlist")) {
                self.report(lookups::option_problem(name, option), node.at);
            }
        }
        self.out.lookups.push(LookupUse {
            name: name.to_owned(),
            terms: args.positional[1..].iter().map(|(splat, node)| literal(node).filter(|_| !splat)).collect(),
            options: args
                .named
                .iter()
                .filter_map(|(name, node)| Some((name.as_ref()?.to_string(), literal(node))))
                .collect(),
            place: self.source.place(node.at),
        });
    }

    fn report(&mut self, problem: Option<TemplateError>, at: u32) {
        let place = self.source.place(at);
        self.out.problems.extend(problem.map(|error| error.at(&place)));
    }
}

/// A filter's or test's name without what may stand before it.
fn plain(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

/// The value of an expression that is made of constants only.
fn literal(node: &Node) -> Option<Value> {
    match &node.expr {
        Expr::Const(value) => Some(value.clone()),
        Expr::List(items) | Expr::Tuple(items) => {
            items.iter().map(literal).collect::<Option<Vec<_>>>().map(Value::list)
        }
        _ => None,
    }
}
