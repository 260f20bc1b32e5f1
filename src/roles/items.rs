//! The items of a list, and what Python would have in its place.

use super::value::Value;
use std::ops::{Deref, DerefMut};

/// What a list is in Python. Only templates tell them apart: what leaves one is a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `list`.
    #[default]
    List,
    /// `tuple`: equal to no list.
    Tuple,
    /// What Jinja's `groupby` gives: a tuple whose members are `grouper` and `list`.
    Group,
}

/// The items of a list.
#[derive(Clone, Debug, Default)]
pub struct Items {
    items: Vec<Value>,
    form: Form,
}

impl Items {
    /// Items of a form.
    pub fn new(items: Vec<Value>, form: Form) -> Self {
        Self { items, form }
    }

    /// What it is in Python.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether it is a tuple of either kind.
    pub fn is_tuple(&self) -> bool {
        self.form != Form::List
    }

    /// A member of a group by its name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match (self.form, name) {
            (Form::Group, "grouper") => self.items.first(),
            (Form::Group, "list") => self.items.get(1),
            _ => None,
        }
    }

    /// Each item altered, in the same form.
    #[must_use]
    pub fn map(&self, alter: impl FnMut(Value) -> Value) -> Self {
        Self { items: self.items.iter().cloned().map(alter).collect(), form: self.form }
    }
}

impl Deref for Items {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.items
    }
}

impl DerefMut for Items {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.items
    }
}

impl From<Vec<Value>> for Items {
    fn from(items: Vec<Value>) -> Self {
        Self { items, form: Form::List }
    }
}

impl FromIterator<Value> for Items {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self { items: items.into_iter().collect(), form: Form::List }
    }
}

impl PartialEq for Items {
    fn eq(&self, other: &Self) -> bool {
        self.is_tuple() == other.is_tuple() && self.items == other.items
    }
}

impl Value {
    /// A list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(std::sync::Arc::new(items.into_iter().collect()))
    }

    /// A tuple, for templates.
    pub fn tuple(items: impl IntoIterator<Item = Self>) -> Self {
        Self::formed(items.into_iter().collect(), Form::Tuple)
    }

    /// Items of a form.
    pub fn formed(items: Vec<Self>, form: Form) -> Self {
        Self::List(std::sync::Arc::new(Items::new(items, form)))
    }

    /// Whether there is a tuple in it.
    pub fn has_tuple(&self) -> bool {
        match self {
            Self::List(items) => items.is_tuple() || items.iter().any(Self::has_tuple),
            Self::Map(map) => map.values().any(Self::has_tuple),
            _ => false,
        }
    }

    /// As it leaves a template: every tuple within is a list.
    #[must_use]
    pub fn without_tuples(self) -> Self {
        if !self.has_tuple() {
            return self;
        }
        match self {
            Self::List(items) => Self::list(items.iter().cloned().map(Self::without_tuples)),
            Self::Map(map) => {
                let members = map.iter().map(|(key, member)| (key.clone(), member.clone().without_tuples()));
                Self::Map(std::sync::Arc::new(members.collect()))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_equals_no_list_and_leaves_as_one() {
        let (tuple, list) = (Value::tuple([1.into()]), Value::list([Value::Int(1)]));
        assert!(tuple != list && tuple == tuple.clone());
        let nested = Value::map([("a", Value::list([tuple]))]);
        assert_eq!(nested.without_tuples(), Value::map([("a", Value::list([list]))]));
    }

    #[test]
    fn a_group_has_names() {
        let group = Items::new(vec![Value::Int(1), Value::list([])], Form::Group);
        assert_eq!((group.member("grouper"), group.member("list")), (Some(&Value::Int(1)), Some(&Value::list([]))));
        assert_eq!(Items::from(vec![Value::Int(1)]).member("grouper"), None);
    }
}
