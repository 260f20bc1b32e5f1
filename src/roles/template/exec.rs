//! Statements.

use super::args::Given;
use super::datum::{Datum, Looping, Object};
use super::error::{TemplateError, TemplateTrouble};
use super::eval::list_of;
use super::place::Source;
use super::run::{Frame, Output, Run};
use super::syntax::{Expr, For, Macro, Node, Program, Stmt};
use crate::roles::value::{Key, Map, Value};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex};

type Outcome<T = ()> = Result<T, TemplateError>;

/// How a statement ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Run<'_> {
    /// Executes a whole text; where it extends another, that one's text with this one's blocks.
    pub(super) fn execute(&mut self, program: &Program, out: &mut Output) -> Outcome {
        let extends = program.body.iter().find_map(|s| if let Stmt::Extends(name) = s { Some(name) } else { None });
        self.collect_blocks(&program.body);
        let Some(parent) = extends else { return self.body(&program.body, out).map(|_| ()) };
        // Outside its blocks a child only sets variables and defines macros.
        for statement in program.body.iter().filter(|statement| !matches!(statement, Stmt::Block { .. })) {
            self.statement(statement, &mut Output::default())?;
        }
        let parent = self.included(parent)?;
        let child = std::mem::replace(&mut self.source, parent.source.clone());
        let done = self.deeper(|run| run.execute(&parent, out));
        self.source = child;
        done
    }

    fn collect_blocks(&mut self, body: &[Stmt]) {
        for statement in body {
            match statement {
                Stmt::Block { name, body } => {
                    self.blocks.entry(name.clone()).or_default().push(body.clone());
                    self.collect_blocks(body);
                }
                Stmt::If { yes, no, .. } => {
                    self.collect_blocks(yes);
                    self.collect_blocks(no);
                }
                Stmt::With { body, .. } => self.collect_blocks(body),
                Stmt::For(it) => self.collect_blocks(&it.body),
                _ => {}
            }
        }
    }

    /// Executes statements in order.
    pub(super) fn body(&mut self, body: &[Stmt], out: &mut Output) -> Outcome<Flow> {
        for statement in body {
            match self.statement(statement, out)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Stmt, out: &mut Output) -> Outcome<Flow> {
        match statement {
            Stmt::Text(text) => out.push(Value::str(text.clone())),
            Stmt::Emit(node) => {
                let value = self.finished(node)?;
                self.templar.keep_from_sight(&value);
                out.push(value);
            }
            Stmt::For(it) => return self.repeat(it, out),
            Stmt::If { test, yes, no } => {
                let datum = self.eval(test)?;
                let truth = self.truth(datum).map_err(|error| self.located(error, test.at))?;
                return self.body(if truth { yes } else { no }, out);
            }
            Stmt::With { assignments, body } => {
                let mut frame = Frame::new();
                for (target, value) in assignments {
                    let datum = self.eval(value)?;
                    if let Expr::Name(name) = &target.expr {
                        frame.insert(name.clone(), datum);
                    }
                }
                return self.within(frame, |run| run.body(body, out));
            }
            Stmt::Set { target, value } => {
                let datum = self.eval(value)?;
                self.store(target, datum)?;
            }
            Stmt::SetBlock { target, filter, body } => {
                let mut inner = Output::default();
                self.within(Frame::new(), |run| run.body(body, &mut inner))?;
                let mut datum = if inner.is_empty() { Datum::str("") } else { inner.native() };
                if let Some(filter) = filter {
                    datum = self.chain(filter, datum)?;
                }
                self.store(target, datum)?;
            }
            Stmt::FilterBlock { filter, body } => {
                let mut inner = Output::default();
                self.within(Frame::new(), |run| run.body(body, &mut inner))?;
                let datum = self.chain(filter, if inner.is_empty() { Datum::str("") } else { inner.native() })?;
                out.push(self.deep(datum)?);
            }
            Stmt::Do(node) => {
                self.eval(node)?;
            }
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Break => return Ok(Flow::Break),
            other => self.composition(other, out)?,
        }
        Ok(Flow::Next)
    }

    /// Statements that bring macros, blocks and other templates in.
    fn composition(&mut self, statement: &Stmt, out: &mut Output) -> Outcome {
        match statement {
            Stmt::Macro(it) => {
                let object = self.function(it.clone());
                self.assign(&it.name, object);
            }
            Stmt::CallBlock { call, caller } => {
                let caller = self.closure(caller.clone());
                let Expr::Call(callee, args) = &call.expr else { return Ok(()) };
                let mut given = self.given(args)?;
                given.named.push(("caller".into(), caller));
                let datum = self.invoke_node(callee, given)?;
                out.push(self.deep(datum)?);
            }
            Stmt::Block { name, body } => {
                let first = self.blocks.get(name).and_then(|bodies| bodies.first()).cloned();
                self.block(name, 0, &first.unwrap_or_else(|| body.clone()), out)?;
            }
            Stmt::Include { name, ignore_missing } => match self.included(name) {
                Ok(program) => {
                    let here = std::mem::replace(&mut self.source, program.source.clone());
                    let blocks = std::mem::take(&mut self.blocks);
                    let done = self.deeper(|run| run.within(Frame::new(), |run| run.execute(&program, out)));
                    (self.source, self.blocks) = (here, blocks);
                    done?;
                }
                Err(error) if *ignore_missing && error.kind == TemplateTrouble::Lookup => {}
                Err(error) => return Err(error),
            },
            Stmt::Import { from, name } => {
                let module = self.import(from)?;
                self.assign(name, Datum::object(Object::Module(module)));
            }
            Stmt::FromImport { from, names } => {
                let module = self.import(from)?;
                for (name, alias) in names {
                    let datum = module.get(&Key::Str(name.clone())).cloned();
                    let datum =
                        datum.unwrap_or_else(|| Datum::missing(format!("the imported template has no `{name}`")));
                    self.assign(alias, datum);
                }
            }
            // `execute` has seen to `extends`, and `statement` to the rest.
            _ => {}
        }
        Ok(())
    }

    /// Runs with a frame of its own, which is gone afterwards.
    pub(super) fn within<T>(&mut self, frame: Frame, body: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.frames.push(frame);
        let done = body(self);
        self.frames.pop();
        done
    }

    /// A body of a block: the innermost template's, or with `super()` the next one's.
    pub(super) fn block(&mut self, name: &Arc<str>, level: usize, body: &Arc<Vec<Stmt>>, out: &mut Output) -> Outcome {
        let above = Datum::object(Object::Super(name.clone(), level + 1));
        let frame = Frame::from([(Arc::from("super"), above)]);
        self.within(frame, |run| run.body(body, out)).map(|_| ())
    }

    /// A macro of the running template: it sees that one's top-level variables as they are when it is called.
    fn function(&self, it: Arc<Macro>) -> Datum {
        Datum::object(Object::Macro { it, source: self.source.clone(), module: None })
    }

    /// The body of `{% call %}` sees the variables around it.
    fn closure(&self, it: Arc<Macro>) -> Datum {
        let around: Frame = self.frames.iter().flatten().map(|(name, datum)| (name.clone(), datum.clone())).collect();
        Datum::object(Object::Macro { it, source: self.source.clone(), module: Some(Arc::new(around)) })
    }

    /// Calls a macro: its text.
    pub(super) fn call_macro(
        &mut self,
        it: &Macro,
        source: &Source,
        module: Option<&Arc<Frame>>,
        given: &Given,
    ) -> Outcome<Datum> {
        let base = module.map_or_else(|| self.frames.first().cloned().unwrap_or_default(), |frame| (**frame).clone());
        let frames = std::mem::replace(&mut self.frames, vec![base, Frame::new()]);
        let here = std::mem::replace(&mut self.source, source.clone());
        let mut out = Output::default();
        let done = self.macro_arguments(it, given).and_then(|()| self.body(&it.body, &mut out));
        (self.frames, self.source) = (frames, here);
        done.map(|_| if out.is_empty() { Datum::str("") } else { out.native() })
    }

    fn macro_arguments(&mut self, it: &Macro, given: &Given) -> Outcome {
        let required = it.params.len() - it.defaults.len().min(it.params.len());
        for (index, name) in it.params.iter().enumerate() {
            let datum = match given.get(index, name) {
                Some(datum) => datum.clone(),
                None if index >= required => self.eval(&it.defaults[index - required])?,
                None => Datum::missing(format!("parameter '{name}' was not provided")),
            };
            self.assign(name, datum);
        }
        let past = given.positional.len().min(it.params.len());
        self.assign(&"varargs".into(), list_of(given.positional[past..].to_vec()));
        let mut kwargs = Map::new();
        for (name, datum) in &given.named {
            if &**name == "caller" {
                self.assign(name, datum.clone());
            } else if !it.params.contains(name) {
                kwargs.insert(Key::Str(name.clone()), self.deep(datum.clone())?);
            }
        }
        self.assign(&"kwargs".into(), Datum::Value(Value::Map(Arc::new(kwargs))));
        Ok(())
    }

    fn repeat(&mut self, it: &Arc<For>, out: &mut Output) -> Outcome<Flow> {
        let datum = self.eval(&it.iter)?;
        let items = self.items(datum).map_err(|error| self.located(error, it.iter.at))?;
        self.go_through(it, items, 0, out)
    }

    /// Goes through items; `depth` counts recursive calls.
    pub(super) fn go_through(
        &mut self,
        it: &Arc<For>,
        items: Vec<Datum>,
        depth: usize,
        out: &mut Output,
    ) -> Outcome<Flow> {
        let mut chosen = Vec::with_capacity(items.len());
        for item in items {
            let keep = match &it.filter {
                None => true,
                Some(filter) => {
                    let frame = self.unpack(&it.target, &item)?;
                    self.within(frame, |run| {
                        let datum = run.eval(filter)?;
                        run.truth(datum).map_err(|error| run.located(error, filter.at))
                    })?
                }
            };
            if keep {
                chosen.push(item);
            }
        }
        if chosen.is_empty() {
            return self.body(&it.otherwise, out);
        }
        let last_changed = Arc::new(Mutex::new(None));
        for (index, item) in chosen.iter().enumerate() {
            let looping = Looping {
                index,
                length: chosen.len(),
                depth,
                previous: index.checked_sub(1).map(|at| chosen[at].clone()),
                next: chosen.get(index + 1).cloned(),
                last_changed: last_changed.clone(),
                recursive: it.recursive.then(|| it.clone()),
            };
            let mut frame = self.unpack(&it.target, item)?;
            frame.insert("loop".into(), Datum::object(Object::Loop(looping)));
            if self.within(frame, |run| run.body(&it.body, out))? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// The variables that a loop's target makes of an item.
    fn unpack(&mut self, target: &Node, item: &Datum) -> Outcome<Frame> {
        self.frames.push(Frame::new());
        let stored = self.store(target, item.clone());
        let frame = self.frames.pop().unwrap_or_default();
        stored.map(|()| frame)
    }

    /// Assigns to a name, several names, or a namespace's attribute.
    pub(super) fn store(&mut self, target: &Node, datum: Datum) -> Outcome {
        match &target.expr {
            Expr::Name(name) => self.assign(name, datum),
            Expr::List(targets) | Expr::Tuple(targets) => {
                let items = self.items(datum)?;
                if items.len() != targets.len() {
                    return Err(self.located(
                        TemplateError::failed(format!("{} values for {} names", items.len(), targets.len())),
                        target.at,
                    ));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.store(target, item)?;
                }
            }
            Expr::Attr(of, name) => match self.eval(of)? {
                Datum::Object(object) if matches!(&*object, Object::Namespace(_)) => {
                    if let Object::Namespace(members) = &*object {
                        let mut members = members.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        members.insert(Key::Str(name.clone()), datum);
                    }
                }
                _ => {
                    let error = TemplateError::failed("cannot assign attribute on non-namespace object");
                    return Err(self.located(error, target.at));
                }
            },
            _ => return Err(self.located(TemplateError::failed("this cannot be assigned to"), target.at)),
        }
        Ok(())
    }

    fn included(&mut self, name: &Node) -> Outcome<Arc<Program>> {
        let names = match self.finished(name)? {
            Value::List(names) => names.to_vec(),
            one => vec![one],
        };
        let mut last = TemplateError::failed("no template is named");
        for one in &names {
            match self.templar.included(self.services, one.as_str().unwrap_or_default()) {
                Ok(program) => return Ok(program),
                Err(error) => last = error,
            }
        }
        Err(self.located(last, name.at))
    }

    /// What a template sets and defines at its top level.
    fn import(&mut self, from: &Node) -> Outcome<IndexMap<Key, Datum>> {
        let program = self.included(from)?;
        let mut run = Run::new(self.templar, self.scope, self.services, program.source.clone());
        (run.depth, run.calls) = (self.depth + 1, self.calls);
        run.deeper(|run| run.execute(&program, &mut Output::default()))?;
        let module = Arc::new(run.frames.pop().unwrap_or_default());
        let bound = |datum: &Datum| match datum {
            Datum::Object(object) => match &**object {
                Object::Macro { it, source, module: None } => Datum::object(Object::Macro {
                    it: it.clone(),
                    source: source.clone(),
                    module: Some(module.clone()),
                }),
                _ => datum.clone(),
            },
            _ => datum.clone(),
        };
        Ok(module.iter().map(|(name, datum)| (Key::Str(name.clone()), bound(datum))).collect())
    }
}
