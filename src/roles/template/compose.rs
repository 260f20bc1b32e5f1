//! Statements that bring several templates together: blocks, `extends`, `include`, `import`, and macros.

use super::datum::{Datum, Object};
use super::error::{TemplateError, TemplateTrouble};
use super::output::Output;
use super::run::{Frame, Run};
use super::syntax::{Expr, Node, Program, Stmt};
use crate::roles::value::{Key, Value};
use indexmap::IndexMap;
use std::sync::Arc;

type Outcome<T = ()> = Result<T, TemplateError>;

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

    /// Statements that bring macros, blocks and other templates in.
    pub(super) fn composition(&mut self, statement: &Stmt, out: &mut Output) -> Outcome {
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
            Stmt::Include { name, ignore_missing, context } => match self.included(name) {
                Ok(program) => {
                    let here = std::mem::replace(&mut self.source, program.source.clone());
                    let blocks = std::mem::take(&mut self.blocks);
                    let hidden = (!context).then(|| (std::mem::take(&mut self.frames), self.alone));
                    self.alone |= !context;
                    let done = self.deeper(|run| run.within(Frame::new(), |run| run.execute(&program, out)));
                    if let Some(hidden) = hidden {
                        (self.frames, self.alone) = hidden;
                    }
                    (self.source, self.blocks) = (here, blocks);
                    done?;
                }
                Err(error) if *ignore_missing && error.kind == TemplateTrouble::Lookup => {}
                Err(error) => return Err(error),
            },
            Stmt::Import { from, name, context } => {
                let module = self.import(from, *context)?;
                self.assign(name, Datum::object(Object::Module(module)));
            }
            Stmt::FromImport { from, names, context } => {
                let module = self.import(from, *context)?;
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

    /// A body of a block: the innermost template's, or with `super()` the next one's.
    pub(super) fn block(&mut self, name: &Arc<str>, level: usize, body: &Arc<Vec<Stmt>>, out: &mut Output) -> Outcome {
        let above = Datum::object(Object::Super(name.clone(), level + 1));
        let frame = Frame::from([(Arc::from("super"), above)]);
        self.within(frame, |run| run.body(body, out)).map(|_| ())
    }

    fn included(&mut self, name: &Node) -> Outcome<Arc<Program>> {
        let names = match self.finished(name)? {
            Value::List(names) => names.to_vec(),
            one => vec![one],
        };
        let mut last = TemplateError::failed("no template is named");
        for one in &names {
            match self.templar.included(self.services, one.as_str().unwrap_or_default(), self.beside.as_ref()) {
                Ok(program) => return Ok(program),
                Err(error) => last = error,
            }
        }
        Err(self.located(last, name.at))
    }

    /// What a template sets and defines at its top level. With the context it sees this one's variables, and else none.
    fn import(&mut self, from: &Node, context: bool) -> Outcome<IndexMap<Key, Datum>> {
        let program = self.included(from)?;
        let mut run = Run::new(self.templar, self.scope, self.services, program.source.clone());
        (run.depth, run.calls) = (self.depth + 1, self.calls);
        (run.alone, run.beside) = (self.alone || !context, self.beside.clone());
        if context {
            run.frames.insert(0, self.around());
        }
        run.deeper(|run| run.execute(&program, &mut Output::default()))?;
        let seen = Arc::new(run.around());
        let module = run.frames.pop().unwrap_or_default();
        let bound = |datum: &Datum| match datum {
            Datum::Object(object) => match &**object {
                Object::Macro { it, source, module: None, alone } => Datum::object(Object::Macro {
                    it: it.clone(),
                    source: source.clone(),
                    module: Some(seen.clone()),
                    alone: *alone,
                }),
                _ => datum.clone(),
            },
            _ => datum.clone(),
        };
        Ok(module.iter().map(|(name, datum)| (Key::Str(name.clone()), bound(datum))).collect())
    }
}
