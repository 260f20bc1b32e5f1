//! minijinja's tree as ours: what a node is is said once, and nothing borrows from the text.

use super::syntax::{Args, BinaryOp, CompareOp, Expr, For, Macro, Node, Stmt};
use crate::roles::value::Value;
use minijinja::machinery::{Span, ast};
use std::sync::Arc;

/// A text that is taken over.
pub(super) struct Lower<'s> {
    pub(super) text: &'s str,
    /// Where a `-` stands for a `+`.
    pub(super) pluses: &'s [u32],
    /// Ansible keeps backslashes in the string literals of `{{ }}` in YAML, where YAML has already read them
    /// (`AnsibleLexer`); in statements, conditions and template files Jinja's own escapes hold.
    pub(super) raw_strings: bool,
}

impl Lower<'_> {
    pub(super) fn body(&self, statements: &[ast::Stmt<'_>]) -> Vec<Stmt> {
        statements.iter().map(|statement| self.statement(statement)).collect()
    }

    /// Expressions of a statement, as opposed to those of `{{ }}`.
    fn cooked(&self) -> Self {
        Self { raw_strings: false, ..*self }
    }

    fn statement(&self, statement: &ast::Stmt<'_>) -> Stmt {
        let cooked = self.cooked();
        match statement {
            ast::Stmt::EmitExpr(emit) => Stmt::Emit(self.node(&emit.expr)),
            ast::Stmt::EmitRaw(raw) => Stmt::Text(raw.raw.into()),
            ast::Stmt::ForLoop(it) => Stmt::For(Arc::new(For {
                target: cooked.node(&it.target),
                iter: cooked.node(&it.iter),
                filter: it.filter_expr.as_ref().map(|e| cooked.node(e)),
                recursive: it.recursive,
                body: self.body(&it.body),
                otherwise: self.body(&it.else_body),
            })),
            ast::Stmt::IfCond(it) => {
                Stmt::If { test: cooked.node(&it.expr), yes: self.body(&it.true_body), no: self.body(&it.false_body) }
            }
            ast::Stmt::WithBlock(it) => Stmt::With {
                assignments: it.assignments.iter().map(|(t, v)| (cooked.node(t), cooked.node(v))).collect(),
                body: self.body(&it.body),
            },
            ast::Stmt::Set(it) => Stmt::Set { target: cooked.node(&it.target), value: cooked.node(&it.expr) },
            ast::Stmt::SetBlock(it) => Stmt::SetBlock {
                target: cooked.node(&it.target),
                filter: it.filter.as_ref().map(|e| cooked.node(e)),
                body: self.body(&it.body),
            },
            ast::Stmt::FilterBlock(it) => {
                Stmt::FilterBlock { filter: cooked.node(&it.filter), body: self.body(&it.body) }
            }
            ast::Stmt::Macro(it) => Stmt::Macro(Arc::new(self.function(it))),
            ast::Stmt::CallBlock(it) => {
                Stmt::CallBlock { call: cooked.call(&it.call), caller: Arc::new(self.function(&it.macro_decl)) }
            }
            ast::Stmt::Do(it) => Stmt::Do(cooked.call(&it.call)),
            other => self.composition(other),
        }
    }

    /// Statements that bring several templates together, and what needs no expression.
    fn composition(&self, statement: &ast::Stmt<'_>) -> Stmt {
        let cooked = self.cooked();
        let name = |expr: &ast::Expr<'_>| match expr {
            ast::Expr::Var(var) => Arc::from(var.id),
            _ => Arc::from(""),
        };
        match statement {
            ast::Stmt::Include(it) => Stmt::Include {
                name: cooked.node(&it.name),
                ignore_missing: it.ignore_missing,
                context: self.context(it.span()).unwrap_or(true),
            },
            ast::Stmt::Import(it) => Stmt::Import {
                from: cooked.node(&it.expr),
                name: name(&it.name),
                context: self.context(it.span()).unwrap_or(false),
            },
            ast::Stmt::FromImport(it) => Stmt::FromImport {
                context: self.context(it.span()).unwrap_or(false),
                from: cooked.node(&it.expr),
                names: it.names.iter().map(|(n, alias)| (name(n), name(alias.as_ref().unwrap_or(n)))).collect(),
            },
            ast::Stmt::Extends(it) => Stmt::Extends(cooked.node(&it.name)),
            ast::Stmt::Block(it) => Stmt::Block { name: it.name.into(), body: Arc::new(self.body(&it.body)) },
            ast::Stmt::AutoEscape(it) => Stmt::With { assignments: Vec::new(), body: self.body(&it.body) },
            ast::Stmt::Template(it) => Stmt::With { assignments: Vec::new(), body: self.body(&it.children) },
            ast::Stmt::Continue(_) => Stmt::Continue,
            ast::Stmt::Break(_) => Stmt::Break,
            // Every other kind was taken by `statement`.
            _ => Stmt::Text("".into()),
        }
    }

    /// What a statement ends with: `with context`, `without context`, or neither. minijinja reads and drops it.
    fn context(&self, span: minijinja::machinery::Span) -> Option<bool> {
        let text = self.text.get(span.start_offset as usize..span.end_offset as usize)?;
        let mut words = text.split_whitespace().rev().skip_while(|word| matches!(*word, "ignore" | "missing"));
        match (words.next(), words.next()) {
            (Some("context"), Some("with")) => Some(true),
            (Some("context"), Some("without")) => Some(false),
            _ => None,
        }
    }

    fn function(&self, it: &ast::Macro<'_>) -> Macro {
        Macro {
            name: it.name.into(),
            params: it.args.iter().map(|e| if let ast::Expr::Var(v) = e { v.id.into() } else { "".into() }).collect(),
            defaults: it.defaults.iter().map(|e| self.cooked().node(e)).collect(),
            body: self.body(&it.body),
        }
    }

    fn call(&self, call: &ast::Spanned<ast::Call<'_>>) -> Node {
        Node { at: call.span().start_offset, expr: Expr::Call(self.boxed(&call.expr), self.args(&call.args)) }
    }

    fn boxed(&self, expr: &ast::Expr<'_>) -> Box<Node> {
        Box::new(self.node(expr))
    }

    pub(super) fn node(&self, expr: &ast::Expr<'_>) -> Node {
        let span = expr.span();
        let option = |e: &Option<ast::Expr<'_>>| e.as_ref().map(|e| self.boxed(e));
        let lowered = match expr {
            ast::Expr::Var(it) => Expr::Name(it.id.into()),
            ast::Expr::Const(it) => Expr::Const(self.constant(&it.value, span)),
            ast::Expr::List(it) => Expr::List(it.items.iter().map(|e| self.node(e)).collect()),
            ast::Expr::Tuple(it) => Expr::Tuple(it.items.iter().map(|e| self.node(e)).collect()),
            ast::Expr::Map(it) => {
                Expr::Dict(it.keys.iter().zip(&it.values).map(|(k, v)| (self.node(k), self.node(v))).collect())
            }
            ast::Expr::GetAttr(it) => Expr::Attr(self.boxed(&it.expr), it.name.into()),
            ast::Expr::GetItem(it) => Expr::Item(self.boxed(&it.expr), self.boxed(&it.subscript_expr)),
            ast::Expr::Slice(it) => {
                Expr::Slice(self.boxed(&it.expr), [option(&it.start), option(&it.stop), option(&it.step)])
            }
            ast::Expr::UnaryOp(it) => match it.op {
                ast::UnaryOpKind::Not => Expr::Not(self.boxed(&it.expr)),
                ast::UnaryOpKind::Neg if self.pluses.contains(&span.start_offset) => Expr::Plus(self.boxed(&it.expr)),
                ast::UnaryOpKind::Neg => Expr::Neg(self.boxed(&it.expr)),
            },
            ast::Expr::BinOp(it) => self.binary(it),
            ast::Expr::Compare(it) => Expr::Compare(
                self.boxed(&it.expr),
                it.ops.iter().map(|op| (compare(op.op), self.node(&op.expr))).collect(),
            ),
            ast::Expr::IfExpr(it) => {
                Expr::If { test: self.boxed(&it.test_expr), yes: self.boxed(&it.true_expr), no: option(&it.false_expr) }
            }
            ast::Expr::Filter(it) => {
                Expr::Filter { name: it.name.into(), input: option(&it.expr), args: self.args(&it.args) }
            }
            ast::Expr::Test(it) => {
                Expr::Test { name: it.name.into(), input: self.boxed(&it.expr), args: self.args(&it.args) }
            }
            ast::Expr::Call(it) => Expr::Call(self.boxed(&it.expr), self.args(&it.args)),
        };
        Node { at: span.start_offset, expr: lowered }
    }

    fn binary(&self, it: &ast::BinOp<'_>) -> Expr {
        let (left, right) = (self.boxed(&it.left), self.boxed(&it.right));
        let compared = |op, left, right: Box<Node>| Expr::Compare(left, vec![(op, *right)]);
        match it.op {
            ast::BinOpKind::ScAnd => Expr::And(left, right),
            ast::BinOpKind::ScOr => Expr::Or(left, right),
            ast::BinOpKind::Eq => compared(CompareOp::Eq, left, right),
            ast::BinOpKind::Ne => compared(CompareOp::Ne, left, right),
            ast::BinOpKind::Lt => compared(CompareOp::Lt, left, right),
            ast::BinOpKind::Lte => compared(CompareOp::Le, left, right),
            ast::BinOpKind::Gt => compared(CompareOp::Gt, left, right),
            ast::BinOpKind::Gte => compared(CompareOp::Ge, left, right),
            ast::BinOpKind::In => compared(CompareOp::In, left, right),
            ast::BinOpKind::Add => Expr::Binary(BinaryOp::Add, left, right),
            ast::BinOpKind::Sub => Expr::Binary(BinaryOp::Sub, left, right),
            ast::BinOpKind::Mul => Expr::Binary(BinaryOp::Mul, left, right),
            ast::BinOpKind::Div => Expr::Binary(BinaryOp::Div, left, right),
            ast::BinOpKind::FloorDiv => Expr::Binary(BinaryOp::FloorDiv, left, right),
            ast::BinOpKind::Rem => Expr::Binary(BinaryOp::Rem, left, right),
            ast::BinOpKind::Pow => Expr::Binary(BinaryOp::Pow, left, right),
            ast::BinOpKind::Concat => Expr::Binary(BinaryOp::Concat, left, right),
        }
    }

    fn args(&self, args: &[ast::CallArg<'_>]) -> Args {
        let mut out = Args::default();
        for arg in args {
            match arg {
                ast::CallArg::Pos(e) => out.positional.push((false, self.node(e))),
                ast::CallArg::PosSplat(e) => out.positional.push((true, self.node(e))),
                ast::CallArg::Kwarg(name, e) => out.named.push((Some((*name).into()), self.node(e))),
                ast::CallArg::KwargSplat(e) => out.named.push((None, self.node(e))),
            }
        }
        out
    }

    fn constant(&self, value: &minijinja::Value, span: Span) -> Value {
        use minijinja::value::ValueKind;
        match value.kind() {
            ValueKind::Bool => Value::Bool(value.is_true()),
            ValueKind::Number => match value.as_i64() {
                Some(int) if value.is_integer() => Value::Int(int),
                _ => Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            },
            ValueKind::String => {
                let cooked = value.as_str().unwrap_or_default();
                let written = self.text.get(span.start_offset as usize..span.end_offset as usize);
                match written {
                    Some(written) if self.raw_strings && written.contains('\\') => Value::str(raw_literals(written)),
                    _ => Value::str(cooked),
                }
            }
            _ => Value::Null,
        }
    }
}

fn compare(op: ast::CompareOpKind) -> CompareOp {
    match op {
        ast::CompareOpKind::Eq => CompareOp::Eq,
        ast::CompareOpKind::Ne => CompareOp::Ne,
        ast::CompareOpKind::Lt => CompareOp::Lt,
        ast::CompareOpKind::Lte => CompareOp::Le,
        ast::CompareOpKind::Gt => CompareOp::Gt,
        ast::CompareOpKind::Gte => CompareOp::Ge,
        ast::CompareOpKind::In => CompareOp::In,
        ast::CompareOpKind::NotIn => CompareOp::NotIn,
    }
}

/// The text between the quotes of one or more adjacent string literals, backslashes as written.
fn raw_literals(written: &str) -> String {
    let (mut out, mut chars) = (String::new(), written.chars());
    while let Some(quote) = chars.find(|c| *c == '\'' || *c == '"') {
        while let Some(c) = chars.next() {
            match c {
                c if c == quote => break,
                '\\' => {
                    out.push('\\');
                    out.extend(chars.next());
                }
                c => out.push(c),
            }
        }
    }
    out
}
