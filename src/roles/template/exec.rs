//! Statements.

use super::datum::{Datum, Looping, Object};
use super::error::{TemplateError, TemplateTrouble};
use super::output::Output;
use super::run::{Frame, Run};
use super::syntax::{Expr, For, Node, Stmt};
use crate::roles::value::{Key, Value};
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

    pub(super) fn statement(&mut self, statement: &Stmt, out: &mut Output) -> Outcome<Flow> {
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
                    let datum = self.tolerant(value)?;
                    if let Expr::Name(name) = &target.expr {
                        frame.insert(name.clone(), datum);
                    }
                }
                return self.within(frame, |run| run.body(body, out));
            }
            Stmt::Set { target, value } => {
                // What cannot be told because something in it is undefined is an error where it is used.
                let datum = self.tolerant(value)?;
                self.store(target, datum)?;
            }
            Stmt::SetBlock { target, filter, body } => {
                let mut inner = Output::default();
                let done = self.within(Frame::new(), |run| run.body(body, &mut inner));
                let mut datum = match done {
                    Err(error) if error.kind == TemplateTrouble::Undefined => Datum::Undefined(Arc::new(error.into())),
                    other => {
                        other?;
                        if inner.is_empty() { Datum::str("") } else { inner.native() }
                    }
                };
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

    /// Runs with a frame of its own, which is gone afterwards.
    pub(super) fn within<T>(&mut self, frame: Frame, body: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.frames.push(frame);
        let done = body(self);
        self.frames.pop();
        done
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
}
