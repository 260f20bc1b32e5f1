//! Calls: functions, macros, and methods, which may alter what they are called on.

use super::args::Given;
use super::datum::{Datum, Looping, Object};
use super::error::{TemplateError, TemplateTrouble};
use super::output::Output;
use super::run::{Run, is_template};
use super::syntax::{Args, Expr, Node};
use super::{globals, methods, operators, python};
use crate::roles::value::{Key, Template, Value};
use std::sync::{Arc, PoisonError};

type Outcome = Result<Datum, TemplateError>;

impl Run<'_> {
    /// Calls what an expression names.
    pub(super) fn call(&mut self, callee: &Node, args: &Args) -> Outcome {
        let mut given = self.given(args)?;
        if matches!(&callee.expr, Expr::Name(name) if matches!(&**name, "lookup" | "query" | "q")) {
            // `lookup('file', '{{ base }}/x')`: Ansible templates a literal term too. It is the tree's own text.
            for (datum, (_, node)) in given.positional.iter_mut().zip(&args.positional) {
                match &node.expr {
                    Expr::Const(Value::Str(text)) if is_template(text.expose()) => {
                        let place = self.source.place(node.at);
                        let template = Template::new(text.expose(), place);
                        *datum = self.resolve(Value::Template(Arc::new(template)))?;
                    }
                    _ => {}
                }
            }
        }
        self.invoke_node(callee, given)
    }

    /// The same with arguments that are evaluated.
    pub(super) fn invoke_node(&mut self, callee: &Node, given: Given) -> Outcome {
        if let Expr::Attr(of, method) = &callee.expr {
            let receiver = self.eval(of)?;
            return self.method(Some(of), receiver, method, given);
        }
        let target = match &callee.expr {
            // A variable may hide a function's name (`dict`, `range`) without being meant to be called.
            Expr::Name(name) => match self.name(name, callee.at)? {
                Datum::Value(_) if globals::known(name) => Datum::object(Object::Function(name.clone())),
                other => other,
            },
            _ => self.eval(callee)?,
        };
        self.invoke(target, given)
    }

    fn invoke(&mut self, target: Datum, given: Given) -> Outcome {
        let object = match target {
            Datum::Object(object) => object,
            Datum::Undefined(missing) => return Err(self.undefined(&missing)),
            Datum::Unknown => return Ok(Datum::Unknown),
            other => return Err(TemplateError::failed(format!("'{}' object is not callable", other.type_name()))),
        };
        match &*object {
            Object::Function(name) => globals::call(self, name, given),
            Object::Macro { it, source, module, alone } => self.deeper(|run| {
                let before = std::mem::replace(&mut run.alone, *alone);
                let done = run.call_macro(it, source, module.as_ref(), &given);
                run.alone = before;
                done
            }),
            Object::Method(of, name) => self.method(None, Datum::Value(of.clone()), name, given),
            Object::Loop(Looping { recursive: Some(it), depth, .. }) => {
                let (it, depth) = (it.clone(), depth + 1);
                let items = given.positional.into_iter().next().unwrap_or(Datum::missing("loop() takes a list"));
                let items = self.items(items)?;
                let mut out = Output::default();
                // A text's characters are texts: a loop that goes down into them would never end.
                stacker::maybe_grow(256 << 10, 4 << 20, || {
                    self.deeper(|run| run.go_through(&it, items, depth, &mut out))
                })?;
                Ok(Datum::Value(out.text()))
            }
            Object::Loop(_) => {
                Err(TemplateError::failed("The loop must have the 'recursive' marker to be called recursively."))
            }
            Object::Super(name, level) => {
                let Some(body) = self.blocks.get(name).and_then(|bodies| bodies.get(*level)).cloned() else {
                    return Err(TemplateError::failed(format!("there is no parent block called '{name}'.")));
                };
                let mut out = Output::default();
                self.block(name, *level, &body, &mut out)?;
                Ok(Datum::Value(out.text()))
            }
            Object::Joiner(separator, used) => {
                let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(Datum::Value(if std::mem::replace(&mut *used, true) { separator.clone() } else { Value::str("") }))
            }
            _ => Err(TemplateError::failed(format!("'{}' object is not callable", Datum::Object(object).type_name()))),
        }
    }

    /// Calls a method; `of` is where its receiver is written, which an alteration goes back to.
    fn method(&mut self, of: Option<&Node>, receiver: Datum, method: &str, given: Given) -> Outcome {
        if let Datum::Object(object) = &receiver {
            return self.object_method(&object.clone(), method, given);
        }
        // Loading each of a mapping's members would fail where only one was asked for.
        if let (Datum::Value(Value::Map(_)), "get") = (&receiver, method) {
            return self.dict_get(receiver, given);
        }
        if matches!(receiver, Datum::Unknown) {
            return Ok(Datum::Unknown);
        }
        let value = self.force(receiver)?;
        if let Value::Str(text) = &value
            && let Some(moment) = text.moment_of()
        {
            let iso = (method == "isoformat").then(|| Ok(Datum::str(text.iso())));
            return iso.unwrap_or_else(|| self.object_method(&Arc::new(Object::Date(moment)), method, given));
        }
        let mut args = Vec::with_capacity(given.positional.len());
        for datum in given.positional {
            args.push(self.deep(datum)?);
        }
        let mut named = Vec::with_capacity(given.named.len());
        for (name, datum) in given.named {
            named.push((name, self.deep(datum)?));
        }
        if let Some((result, altered)) = methods::alter(&value, method, &args, &named) {
            let result = result.map_err(TemplateError::failed)?;
            if let Some(of) = of {
                self.write_back(of, altered)?;
            }
            return Ok(Datum::Value(result));
        }
        let lazy = matches!(method, "keys" | "items" | "values" | "copy");
        let value = if lazy { value } else { self.finish(value)? };
        let secret = value.has_secret() || args.iter().any(Value::has_secret);
        // A method that the type lacks is an attribute that is not there: `is defined` and `default` see it so.
        let lacking = format!("'{}' object has no attribute '{method}'", value.type_name());
        let result = methods::call(&value, method, &args, &named).map_err(|problem| match problem == lacking {
            true => TemplateError::new(TemplateTrouble::Undefined, problem),
            false => TemplateError::failed(problem),
        })?;
        Ok(Datum::Value(if secret && !lazy { result.into_secret() } else { result }))
    }

    fn dict_get(&mut self, receiver: Datum, given: Given) -> Outcome {
        let Some(key) = given.get(0, "key").cloned() else {
            return Err(TemplateError::failed("get expected at least 1 argument, got 0"));
        };
        let key = self.deep(key)?;
        match self.entry(receiver, &key)? {
            Datum::Undefined(_) => Ok(given.get(1, "default").cloned().unwrap_or(Datum::Value(Value::Null))),
            found => Ok(found),
        }
    }

    fn object_method(&mut self, object: &Arc<Object>, method: &str, given: Given) -> Outcome {
        let mut args = Vec::new();
        match (&**object, method) {
            (Object::Module(_) | Object::Namespace(_), _) => {
                let member = self.member(Datum::Object(object.clone()), &Value::str(method))?;
                return self.invoke(member, given);
            }
            (Object::Vars | Object::HostVars, "get") => {
                let Some(key) = given.get(0, "key").cloned() else {
                    return Err(TemplateError::failed("get expected at least 1 argument, got 0"));
                };
                let key = self.deep(key)?;
                return match self.member(Datum::Object(object.clone()), &key)? {
                    Datum::Undefined(_) => Ok(given.get(1, "default").cloned().unwrap_or(Datum::Value(Value::Null))),
                    found => Ok(found),
                };
            }
            (Object::Vars | Object::HostVars, _) => {
                let all = self.force(Datum::Object(object.clone()))?;
                return methods::call(&all, method, &[], &[]).map(Datum::Value).map_err(TemplateError::failed);
            }
            _ => {}
        }
        for datum in given.positional {
            args.push(self.deep(datum)?);
        }
        let done = match (&**object, method) {
            (Object::Loop(looping), "cycle") if !args.is_empty() => {
                return Ok(Datum::Value(args[looping.index % args.len()].clone()));
            }
            (Object::Loop(looping), "changed") => {
                let mut last = looping.last_changed.lock().unwrap_or_else(PoisonError::into_inner);
                let changed = last.as_ref() != Some(&args);
                *last = Some(args);
                Some(Ok(Value::Bool(changed)))
            }
            (Object::Cycler(items, at), "next") => {
                let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
                let item = items[*at].clone();
                *at = (*at + 1) % items.len();
                Some(Ok(item))
            }
            (Object::Cycler(_, at), "reset") => {
                *at.lock().unwrap_or_else(PoisonError::into_inner) = 0;
                Some(Ok(Value::Null))
            }
            (object, method) => globals::date_method(object, method, &args),
        };
        match done {
            Some(result) => result.map(Datum::Value).map_err(TemplateError::failed),
            None => Err(TemplateError::failed(format!(
                "'{}' object has no attribute '{method}'",
                Datum::Object(object.clone()).type_name()
            ))),
        }
    }

    /// Puts an altered list or mapping where it was read: values are shared, so a method cannot alter them in place.
    fn write_back(&mut self, of: &Node, altered: Value) -> Result<(), TemplateError> {
        let (parent, key) = match &of.expr {
            Expr::Name(name) => {
                let at = self.frames.iter().rposition(|frame| frame.contains_key(name)).unwrap_or(0);
                if let Some(frame) = self.frames.get_mut(at) {
                    frame.insert(name.clone(), Datum::Value(altered));
                }
                return Ok(());
            }
            Expr::Attr(parent, name) => (parent, Value::str(name.clone())),
            Expr::Item(parent, key) => (parent, self.finished(key)?),
            // A value that nothing names is altered and gone.
            _ => return Ok(()),
        };
        match self.eval(parent)? {
            Datum::Object(object) => {
                if let (Object::Namespace(members), Some(key)) = (&*object, python::value_key(&key)) {
                    let mut members = members.lock().unwrap_or_else(PoisonError::into_inner);
                    members.insert(key, Datum::Value(altered));
                }
                Ok(())
            }
            Datum::Value(Value::Map(map)) => {
                let mut map = (*map).clone();
                map.insert(python::value_key(&key).unwrap_or(Key::Null), altered);
                self.write_back(parent, Value::Map(Arc::new(map)))
            }
            Datum::Value(Value::List(items)) => {
                let mut items = (*items).clone();
                if let Some(at) = python::to_int(&key, 10).and_then(|at| operators::index(at, items.len())) {
                    items[at] = altered;
                }
                self.write_back(parent, Value::List(Arc::new(items)))
            }
            _ => Ok(()),
        }
    }
}

impl Looping {
    /// An attribute of `loop`.
    pub(super) fn member(&self, name: &str) -> Option<Datum> {
        let int = |n: usize| Some(Datum::Value(Value::Int(i64::try_from(n).unwrap_or(i64::MAX))));
        let truth = |b: bool| Some(Datum::Value(Value::Bool(b)));
        match name {
            "index" => int(self.index + 1),
            "index0" => int(self.index),
            "revindex" => int(self.length - self.index),
            "revindex0" => int(self.length - self.index - 1),
            "first" => truth(self.index == 0),
            "last" => truth(self.index + 1 == self.length),
            "length" => int(self.length),
            "depth" => int(self.depth + 1),
            "depth0" => int(self.depth),
            "previtem" => Some(self.previous.clone().unwrap_or_else(|| Datum::missing("there is no previous item"))),
            "nextitem" => Some(self.next.clone().unwrap_or_else(|| Datum::missing("there is no next item"))),
            _ => None,
        }
    }
}
