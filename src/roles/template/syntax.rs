//! A parsed template: an owned tree, so that it can be kept for the whole run.

use super::place::Source;
use crate::roles::value::Value;
use std::sync::Arc;

/// An expression and the byte offset at which it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: u32,
    pub(super) expr: Expr,
}

impl Node {
    /// Whether it reads one of these variables.
    pub(super) fn is_named(&self, names: &[&str]) -> bool {
        matches!(&self.expr, Expr::Name(name) if names.contains(&&**name))
    }
}

/// An expression.
#[derive(Debug)]
pub(super) enum Expr {
    Name(Arc<str>),
    Const(Value),
    List(Vec<Node>),
    Tuple(Vec<Node>),
    Dict(Vec<(Node, Node)>),
    Attr(Box<Node>, Arc<str>),
    Item(Box<Node>, Box<Node>),
    Slice(Box<Node>, [Option<Box<Node>>; 3]),
    Not(Box<Node>),
    Neg(Box<Node>),
    Plus(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Binary(BinaryOp, Box<Node>, Box<Node>),
    Compare(Box<Node>, Vec<(CompareOp, Node)>),
    If {
        test: Box<Node>,
        yes: Box<Node>,
        no: Option<Box<Node>>,
    },
    /// Without an input where it stands at the head of a `{% filter %}` chain.
    Filter {
        name: Arc<str>,
        input: Option<Box<Node>>,
        args: Args,
    },
    Test {
        name: Arc<str>,
        input: Box<Node>,
        args: Args,
    },
    Call(Box<Node>, Args),
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
    Concat,
}

/// Comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// Arguments as written; `true` beside a positional one is `*splat`, no name beside a named one is `**splat`.
#[derive(Debug, Default)]
pub(super) struct Args {
    pub(super) positional: Vec<(bool, Node)>,
    pub(super) named: Vec<(Option<Arc<str>>, Node)>,
}

/// A statement.
#[derive(Debug)]
pub(super) enum Stmt {
    Text(Arc<str>),
    Emit(Node),
    For(Arc<For>),
    If { test: Node, yes: Vec<Stmt>, no: Vec<Stmt> },
    With { assignments: Vec<(Node, Node)>, body: Vec<Stmt> },
    Set { target: Node, value: Node },
    SetBlock { target: Node, filter: Option<Node>, body: Vec<Stmt> },
    FilterBlock { filter: Node, body: Vec<Stmt> },
    Macro(Arc<Macro>),
    CallBlock { call: Node, caller: Arc<Macro> },
    Include { name: Node, ignore_missing: bool, context: bool },
    Import { from: Node, name: Arc<str>, context: bool },
    FromImport { from: Node, names: Vec<(Arc<str>, Arc<str>)>, context: bool },
    Extends(Node),
    Block { name: Arc<str>, body: Arc<Vec<Stmt>> },
    Do(Node),
    Continue,
    Break,
}

/// `{% for %}`.
#[derive(Debug)]
pub(super) struct For {
    pub(super) target: Node,
    pub(super) iter: Node,
    pub(super) filter: Option<Node>,
    pub(super) recursive: bool,
    pub(super) body: Vec<Stmt>,
    pub(super) otherwise: Vec<Stmt>,
}

/// `{% macro %}`, and the body of `{% call %}`.
#[derive(Debug)]
pub(super) struct Macro {
    pub(super) name: Arc<str>,
    pub(super) params: Vec<Arc<str>>,
    /// For the last parameters, in order.
    pub(super) defaults: Vec<Node>,
    pub(super) body: Vec<Stmt>,
}

/// A parsed text.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) source: Source,
    pub(super) body: Vec<Stmt>,
}
