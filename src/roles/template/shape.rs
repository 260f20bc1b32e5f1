//! What an expression yields, as far as its text alone tells: for conditions, which want a truth value.

use super::syntax::{BinaryOp, Expr, Node};
use crate::roles::value::Value;

/// Filters that never yield a truth value, and what they yield.
const FILTERS: &[(&str, &[&str])] = &[
    ("a number", &["length", "count", "int", "float", "abs", "round", "sum"]),
    (
        "text",
        &[
            "b64decode",
            "b64encode",
            "basename",
            "dirname",
            "join",
            "lower",
            "regex_replace",
            "replace",
            "string",
            "to_json",
            "to_nice_json",
            "trim",
            "upper",
        ],
    ),
    (
        "a list",
        &[
            "dict2items",
            "difference",
            "flatten",
            "intersect",
            "list",
            "map",
            "regex_findall",
            "reject",
            "rejectattr",
            "select",
            "selectattr",
            "sort",
            "split",
            "union",
            "unique",
        ],
    ),
    ("text or nothing", &["regex_search"]),
    ("a mapping", &["combine", "items2dict"]),
];

/// Members of a command's result.
const RESULTS: &[(&str, &[&str])] =
    &[("text", &["stdout", "stderr"]), ("a list", &["stdout_lines", "stderr_lines"]), ("a number", &["rc"])];

fn among(table: &[(&'static str, &[&str])], name: &str) -> Option<&'static str> {
    table.iter().find(|(_, names)| names.contains(&name)).map(|(what, _)| *what)
}

/// What an expression may yield that is no truth value; `None` where nothing of the kind is certain.
pub(super) fn no_truth_value(node: &Node) -> Option<&'static str> {
    match &node.expr {
        Expr::Const(value) => match value {
            Value::Str(_) => Some("text"),
            Value::Int(_) | Value::Float(_) => Some("a number"),
            _ => None,
        },
        Expr::List(_) | Expr::Tuple(_) => Some("a list"),
        Expr::Dict(_) => Some("a mapping"),
        Expr::Attr(_, name) => among(RESULTS, name),
        Expr::Filter { name, .. } => among(FILTERS, name.rsplit('.').next().unwrap_or(name)),
        Expr::Binary(BinaryOp::Concat, ..) => Some("text"),
        Expr::Binary(BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Pow, ..) => {
            Some("a number")
        }
        // What decides an `and` or `or` is one of its sides itself, as in Python.
        Expr::And(a, b) | Expr::Or(a, b) => no_truth_value(a).or_else(|| no_truth_value(b)),
        Expr::If { yes, no, .. } => no_truth_value(yes).or_else(|| no.as_deref().and_then(no_truth_value)),
        _ => None,
    }
}
