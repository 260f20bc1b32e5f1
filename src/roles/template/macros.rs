//! Macros: what they see, and what they are called with.

use super::args::Given;
use super::datum::{Datum, Object};
use super::error::TemplateError;
use super::eval::list_of;
use super::output::Output;
use super::place::Source;
use super::run::{Frame, Run};
use super::syntax::Macro;
use crate::roles::value::{Key, Map, Value};
use std::sync::Arc;

type Outcome<T = ()> = Result<T, TemplateError>;

impl Run<'_> {
    /// A macro of the running template: it sees that one's top-level variables as they are when it is called.
    pub(super) fn function(&self, it: Arc<Macro>) -> Datum {
        Datum::object(Object::Macro { it, source: self.source.clone(), module: None, alone: self.alone })
    }

    /// Every variable of the running template that is seen here.
    pub(super) fn around(&self) -> Frame {
        self.frames.iter().flatten().map(|(name, datum)| (name.clone(), datum.clone())).collect()
    }

    /// The body of `{% call %}` sees the variables around it.
    pub(super) fn closure(&self, it: Arc<Macro>) -> Datum {
        let around = self.around();
        let (source, module, alone) = (self.source.clone(), Some(Arc::new(around)), self.alone);
        Datum::object(Object::Macro { it, source, module, alone })
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
}
