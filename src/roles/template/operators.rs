//! Arithmetic, comparison, subscripts and slices with Python's rules.

use super::python;
use super::syntax::{BinaryOp, CompareOp};
use crate::roles::items::{Form, Items};
use crate::roles::value::{Text, Value};
use std::cmp::Ordering;
use std::sync::Arc;

type Outcome = Result<Value, String>;

/// Longer texts and lists are not made by multiplication.
const LONGEST: usize = 1 << 24;

/// An arithmetic operation.
pub(super) fn binary(op: BinaryOp, a: &Value, b: &Value) -> Outcome {
    let value = match op {
        BinaryOp::Concat => Value::str(python::text(a) + &python::text(b)),
        BinaryOp::Add => add(a, b)?,
        BinaryOp::Mul => multiply(a, b)?,
        BinaryOp::Rem => match a {
            Value::Str(format) => Value::str(super::methods::percent(format.expose(), b)?),
            _ => number(op, a, b)?,
        },
        _ => number(op, a, b)?,
    };
    Ok(if a.has_secret() || b.has_secret() { value.into_secret() } else { value })
}

fn unsupported(sign: &str, a: &Value, b: &Value) -> String {
    format!("unsupported operand type(s) for {sign}: '{}' and '{}'", a.type_name(), b.type_name())
}

fn add(a: &Value, b: &Value) -> Outcome {
    let moment = |value: &Value| matches!(value, Value::Str(text) if text.is_moment());
    match (a, b) {
        (a, b) if moment(a) || moment(b) => Err(unsupported("+", a, b)),
        (Value::Str(a), Value::Str(b)) => Ok(Value::str(format!("{}{}", a.expose(), b.expose()))),
        (Value::List(a), Value::List(b)) if a.is_tuple() == b.is_tuple() => {
            Ok(Value::formed(a.iter().chain(b.iter()).cloned().collect(), plain(a)))
        }
        (Value::Str(_), other) => Err(format!("can only concatenate str (not \"{}\") to str", other.type_name())),
        (Value::List(_), other) => {
            let own = a.type_name();
            Err(format!("can only concatenate {own} (not \"{}\") to {own}", other.type_name()))
        }
        _ => number(BinaryOp::Add, a, b),
    }
}

/// What comes of a part or of several: a group's names are lost.
fn plain(items: &Items) -> Form {
    if items.is_tuple() { Form::Tuple } else { Form::List }
}

fn multiply(a: &Value, b: &Value) -> Outcome {
    let times = |int: i64, length: usize| match usize::try_from(int.max(0)) {
        Ok(times) if times.saturating_mul(length) <= LONGEST => Ok(times),
        _ => Err("the product is too long".to_owned()),
    };
    let counted = |value: &Value| match value {
        Value::Bool(truth) => Value::Int(i64::from(*truth)),
        other => other.clone(),
    };
    match (&counted(a), &counted(b)) {
        (Value::Str(text), Value::Int(int)) | (Value::Int(int), Value::Str(text)) => {
            Ok(Value::str(text.expose().repeat(times(*int, text.expose().len())?)))
        }
        (Value::List(items), Value::Int(int)) | (Value::Int(int), Value::List(items)) => {
            let times = times(*int, items.len())?;
            Ok(Value::formed(items.iter().cycle().take(items.len() * times).cloned().collect(), plain(items)))
        }
        (a, b) => number(BinaryOp::Mul, a, b),
    }
}

fn number(op: BinaryOp, a: &Value, b: &Value) -> Outcome {
    let sign = match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "** or pow()",
        BinaryOp::Concat => "~",
    };
    let numeric = |v: &Value| matches!(v, Value::Bool(_) | Value::Int(_) | Value::Float(_));
    if !numeric(a) || !numeric(b) {
        return Err(unsupported(sign, a, b));
    }
    if let (false, false) = (matches!(a, Value::Float(_)), matches!(b, Value::Float(_))) {
        let (x, y) = (python::to_int(a, 10).unwrap_or(0), python::to_int(b, 10).unwrap_or(0));
        if let Some(result) = whole(op, x, y) {
            return result?.map(Value::Int).ok_or_else(|| "the number is too large".to_owned());
        }
    }
    let (x, y) = (python::to_float(a).unwrap_or(0.0), python::to_float(b).unwrap_or(0.0));
    if y == 0.0 && matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem) {
        return Err("division by zero".into());
    }
    Ok(Value::Float(match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div => x / y,
        BinaryOp::FloorDiv => (x / y).floor(),
        BinaryOp::Rem => x - y * (x / y).floor(),
        BinaryOp::Pow => x.powf(y),
        BinaryOp::Concat => f64::NAN,
    }))
}

/// Whole numbers; `None` where the result is a fraction.
fn whole(op: BinaryOp, x: i64, y: i64) -> Option<Result<Option<i64>, String>> {
    if y == 0 && matches!(op, BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem) {
        return Some(Err("division by zero".into()));
    }
    Some(Ok(match op {
        BinaryOp::Add => x.checked_add(y),
        BinaryOp::Sub => x.checked_sub(y),
        BinaryOp::Mul => x.checked_mul(y),
        // Python rounds towards minus infinity, and the remainder has the divisor's sign.
        BinaryOp::FloorDiv => {
            x.checked_div(y).map(|q| if x.wrapping_rem(y) != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
        }
        BinaryOp::Rem => x.checked_rem(y).map(|r| if r != 0 && (r < 0) != (y < 0) { r + y } else { r }),
        BinaryOp::Pow if y >= 0 => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        _ => return None,
    }))
}

/// One comparison.
pub(super) fn compare(op: CompareOp, a: &Value, b: &Value) -> Result<bool, String> {
    let order = |sign: &str| {
        python::compare(a, b).ok_or_else(|| {
            format!("'{sign}' not supported between instances of '{}' and '{}'", a.type_name(), b.type_name())
        })
    };
    Ok(match op {
        CompareOp::Eq => a == b,
        CompareOp::Ne => a != b,
        CompareOp::Lt => order("<")? == Ordering::Less,
        CompareOp::Le => order("<=")? != Ordering::Greater,
        CompareOp::Gt => order(">")? == Ordering::Greater,
        CompareOp::Ge => order(">=")? != Ordering::Less,
        CompareOp::In => contains(b, a)?,
        CompareOp::NotIn => !contains(b, a)?,
    })
}

/// `item in container`.
pub(super) fn contains(container: &Value, item: &Value) -> Result<bool, String> {
    match (container, item) {
        (Value::Str(text), Value::Str(part)) if !text.is_moment() && !part.is_moment() => {
            Ok(text.expose().contains(part.expose()))
        }
        (Value::Str(text), other) if !text.is_moment() => {
            Err(format!("'in <string>' requires string as left operand, not {}", other.type_name()))
        }
        (Value::List(items), item) => Ok(items.contains(item)),
        (Value::Map(_), Value::Map(_)) => Err(format!("unhashable type: '{}'", item.type_name())),
        (Value::Map(_), Value::List(items)) if !items.is_tuple() => {
            Err(format!("unhashable type: '{}'", item.type_name()))
        }
        (Value::Map(map), item) => Ok(python::value_key(item).is_some_and(|key| map.contains_key(&key))),
        (other, _) => Err(format!("argument of type '{}' is not iterable", other.type_name())),
    }
}

/// `-x`.
pub(super) fn negate(value: &Value) -> Outcome {
    match value {
        Value::Bool(b) => Ok(Value::Int(-i64::from(*b))),
        Value::Int(int) => int.checked_neg().map(Value::Int).ok_or_else(|| "the number is too large".into()),
        Value::Float(float) => Ok(Value::Float(-float)),
        other => Err(format!("bad operand type for unary -: '{}'", other.type_name())),
    }
}

/// `+x`.
pub(super) fn affirm(value: &Value) -> Outcome {
    match value {
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Int(_) | Value::Float(_) => Ok(value.clone()),
        other => Err(format!("bad operand type for unary +: '{}'", other.type_name())),
    }
}

/// An index from the start, or from the end where it is negative.
pub(super) fn index(at: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if at < 0 { at + length } else { at };
    (0..length).contains(&at).then(|| usize::try_from(at).ok()).flatten()
}

/// `value[start:stop:step]`.
pub(super) fn slice(value: &Value, bounds: [Option<i64>; 3]) -> Outcome {
    match value {
        Value::List(items) => {
            let part = positions(bounds, items.len())?.into_iter().map(|at| items[at].clone());
            Ok(Value::formed(part.collect(), plain(items)))
        }
        Value::Str(text) if !text.is_moment() => {
            let chars: Vec<char> = text.expose().chars().collect();
            let part: String = positions(bounds, chars.len())?.into_iter().map(|at| chars[at]).collect();
            let part: Arc<str> = part.into();
            Ok(Value::Str(if text.is_secret() { Text::secret(part) } else { Text::open(part) }))
        }
        other => Err(format!("'{}' object is not subscriptable", other.type_name())),
    }
}

fn positions([start, stop, step]: [Option<i64>; 3], length: usize) -> Result<Vec<usize>, String> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".into());
    }
    let length = i64::try_from(length).map_err(|_| "too long")?;
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |at: i64| (if at < 0 { at + length } else { at }).clamp(low, high);
    let (mut at, end) = if step > 0 {
        (start.map_or(0, clamp), stop.map_or(length, clamp))
    } else {
        (start.map_or(length - 1, clamp), stop.map_or(-1, clamp))
    };
    let mut out = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        out.extend(usize::try_from(at));
        at = at.saturating_add(step);
    }
    Ok(out)
}
