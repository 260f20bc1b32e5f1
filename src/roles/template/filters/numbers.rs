//! Filters on numbers and truth values.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("bool", &[], |v, _| Ok(Value::Bool(truth_word(v)))),
    Filter::values("int", &["default", "base"], int),
    Filter::values("float", &["default"], |v, args| {
        Ok(Value::Float(match python::to_float(v) {
            Some(float) => float,
            None => args.get(0).and_then(python::to_float).unwrap_or(0.0),
        }))
    }),
    Filter::values("abs", &[], |v, _| match v {
        Value::Float(float) => Ok(Value::Float(float.abs())),
        Value::Int(_) | Value::Bool(_) => Ok(Value::Int(python::to_int(v, 10).unwrap_or(0).saturating_abs())),
        other => Err(format!("bad operand type for abs(): '{}'", other.type_name())),
    }),
    Filter::values("round", &["precision", "method"], round),
    Filter::values("log", &["base"], |v, args| {
        let x = number(v)?;
        if x <= 0.0 {
            return Err("math domain error".into());
        }
        let result = match args.get(0).map(number).transpose()? {
            None => x.ln(),
            Some(10.0) => x.log10(),
            Some(base) => x.ln() / base.ln(),
        };
        finite(result)
    }),
    Filter::values("pow", &["y"], |v, args| finite(number(v)?.powf(number(args.need(0)?)?))),
    Filter::values("root", &["base"], |v, args| {
        let x = number(v)?;
        match args.get(0).map(number).transpose()? {
            None | Some(2.0) => finite(x.sqrt()),
            Some(base) => finite(x.powf(1.0 / base)),
        }
    }),
    Filter::values("filesizeformat", &["binary"], filesizeformat),
];

/// Ansible's words for truth; anything else is false.
pub(in crate::roles::template) fn truth_word(value: &Value) -> bool {
    match value {
        Value::Str(text) => matches!(text.expose().to_lowercase().as_str(), "yes" | "on" | "true" | "1"),
        Value::Bool(truth) => *truth,
        Value::Int(int) => *int == 1,
        Value::Float(float) => (*float - 1.0).abs() < f64::EPSILON,
        _ => false,
    }
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Str(_) => Err("takes numbers only".into()),
        other => python::to_float(other).ok_or_else(|| "takes numbers only".into()),
    }
}

fn finite(result: f64) -> Outcome {
    if result.is_nan() { Err("math domain error".into()) } else { Ok(Value::Float(result)) }
}

fn int(value: &Value, args: &Args) -> Outcome {
    let base = u32::try_from(args.int(1)?.unwrap_or(10)).unwrap_or(10);
    // A text that is a fraction is cut; one that is no number is the default.
    let whole = python::to_int(value, base).or_else(|| {
        let fraction = python::to_float(value).filter(|f| f.is_finite())?;
        python::to_int(&Value::Float(fraction), 10)
    });
    Ok(whole.map_or_else(|| args.get(0).cloned().unwrap_or(Value::Int(0)), Value::Int))
}

fn round(value: &Value, args: &Args) -> Outcome {
    let x = python::to_float(value).filter(|_| !matches!(value, Value::Str(_))).ok_or("takes a number")?;
    let precision = i32::try_from(args.int(0)?.unwrap_or(0)).unwrap_or(0);
    let common = args.text_or(1, "common") == "common";
    // Python's `round` leaves a whole number whole.
    match value {
        Value::Int(whole) if common => return Ok(Value::Int(round_whole(*whole, precision))),
        Value::Bool(truth) if common => return Ok(Value::Int(round_whole(i64::from(*truth), precision))),
        _ => {}
    }
    let scale = 10f64.powi(precision);
    Ok(Value::Float(match args.text_or(1, "common").as_str() {
        "common" if precision >= 0 => {
            // Written out and read back: Python rounds the exact decimal value, halves to even.
            format!("{x:.*}", usize::try_from(precision).unwrap_or(0).min(300)).parse().unwrap_or(x)
        }
        "common" => (x * scale).round_ties_even() / scale,
        "ceil" => (x * scale).ceil() / scale,
        "floor" => (x * scale).floor() / scale,
        _ => return Err("method must be common, ceil or floor".into()),
    }))
}

/// To tens, hundreds, ..., halves to even, where the precision is below zero.
fn round_whole(whole: i64, precision: i32) -> i64 {
    let Some(unit) = u32::try_from(-i64::from(precision)).ok().filter(|zeros| *zeros > 0) else { return whole };
    let Some(unit) = 10_i128.checked_pow(unit) else { return 0 };
    let whole = i128::from(whole);
    let (low, rest) = (whole.div_euclid(unit), whole.rem_euclid(unit));
    let up = rest * 2 > unit || rest * 2 == unit && low % 2 != 0;
    i64::try_from((low + i128::from(up)) * unit).unwrap_or(i64::MAX)
}

fn filesizeformat(value: &Value, args: &Args) -> Outcome {
    let bytes = python::to_float(value).ok_or("takes a number")?;
    let binary = args.flag(0, false);
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if (bytes - 1.0).abs() < f64::EPSILON {
        return Ok(Value::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::str(format!("{} Bytes", bytes.trunc())));
    }
    let units = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    let mut unit = base * base;
    let mut name = units[0];
    for next in units {
        name = next;
        if bytes < unit {
            break;
        }
        unit *= base;
    }
    Ok(Value::str(format!("{:.1} {name}", base * bytes / unit)))
}
