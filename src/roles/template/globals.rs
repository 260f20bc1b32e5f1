//! Functions that every template has: `lookup`, `range`, `namespace`, `now`, ...; and moments, which they yield.

use super::args::Given;
use super::datum::{Datum, Object};
use super::error::TemplateError;
use super::run::Run;
use super::syntax::{BinaryOp, Node};
use super::{lookups, python};
use crate::roles::value::{Key, Map, Value};
use indexmap::IndexMap;
use jiff::civil::DateTime;
use std::sync::{Arc, Mutex};

type Outcome = Result<Datum, TemplateError>;

/// Every global function.
pub(super) const NAMES: &[&str] =
    &["lookup", "query", "q", "range", "dict", "namespace", "now", "undef", "cycler", "joiner"];

/// A list that `range` makes is at most this long, as Jinja's sandbox has it.
const LONGEST_RANGE: i64 = 100_000;

/// Whether there is a global function of that name.
pub(super) fn known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls one.
pub(super) fn call(run: &mut Run<'_>, name: &str, given: Given) -> Outcome {
    match name {
        "lookup" => lookups::call(run, given, false),
        "query" | "q" => lookups::call(run, given, true),
        "range" => range(run, &given),
        "dict" => dict(run, given),
        "namespace" => {
            let mut members = IndexMap::new();
            for datum in given.positional {
                if let Value::Map(map) = run.force(datum)? {
                    for (key, value) in map.iter() {
                        members.insert(key.clone(), run.resolve(value.clone())?);
                    }
                }
            }
            members.extend(given.named.into_iter().map(|(name, datum)| (Key::Str(name), datum)));
            Ok(Datum::object(Object::Namespace(Mutex::new(members))))
        }
        "now" => now(run, &given),
        "undef" => {
            let hint = match given.get(0, "hint") {
                Some(hint) => python::text(&run.deep(hint.clone())?),
                None => "Mandatory variable has not been overridden".to_owned(),
            };
            Ok(Datum::missing(hint))
        }
        "cycler" => {
            let items = given.positional.into_iter().map(|d| run.deep(d)).collect::<Result<Vec<_>, _>>()?;
            if items.is_empty() {
                return Err(TemplateError::failed("at least one item has to be provided"));
            }
            Ok(Datum::object(Object::Cycler(items, Mutex::new(0))))
        }
        "joiner" => {
            let separator = match given.get(0, "sep") {
                Some(separator) => run.deep(separator.clone())?,
                None => Value::str(", "),
            };
            Ok(Datum::object(Object::Joiner(separator, Mutex::new(false))))
        }
        other => Err(TemplateError::failed(format!("there is no function `{other}`"))),
    }
}

fn range(run: &Run<'_>, given: &Given) -> Outcome {
    let mut numbers = Vec::new();
    for datum in &given.positional {
        match run.deep(datum.clone())? {
            Value::Int(int) => numbers.push(int),
            other => {
                return Err(TemplateError::failed(format!(
                    "'{}' object cannot be interpreted as an integer",
                    other.type_name()
                )));
            }
        }
    }
    let (start, stop, step) = match numbers.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step] if *step != 0 => (*start, *stop, *step),
        _ => return Err(TemplateError::failed("range() takes a stop, or start, stop and a step that is not zero")),
    };
    if (stop.saturating_sub(start) / step) > LONGEST_RANGE {
        return Err(TemplateError::failed(format!(
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LONGEST_RANGE})."
        )));
    }
    let mut items = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        items.push(Value::Int(at));
        at = at.saturating_add(step);
    }
    Ok(Datum::Value(Value::list(items)))
}

fn dict(run: &Run<'_>, given: Given) -> Outcome {
    let mut out = Map::new();
    for datum in given.positional {
        match run.deep(datum)? {
            Value::Map(map) => out.extend(map.iter().map(|(key, value)| (key.clone(), value.clone()))),
            Value::List(pairs) => {
                for pair in pairs.iter() {
                    let Some([key, value]) = pair.as_list() else {
                        return Err(TemplateError::failed("dict() takes pairs"));
                    };
                    let key = python::value_key(key).ok_or_else(|| TemplateError::failed("unhashable key"))?;
                    out.insert(key, value.clone());
                }
            }
            other => {
                return Err(TemplateError::failed(format!("'{}' object is not iterable", other.type_name())));
            }
        }
    }
    for (name, datum) in given.named {
        out.insert(Key::Str(name), run.deep(datum)?);
    }
    Ok(Datum::Value(Value::Map(Arc::new(out))))
}

fn now(run: &Run<'_>, given: &Given) -> Outcome {
    let text = |datum: Option<&Datum>| datum.map(|d| run.deep(d.clone())).transpose();
    let utc = text(given.get(0, "utc"))?.is_some_and(|v| python::truth(&v));
    let format = text(given.get(1, "fmt"))?;
    let zone = if utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let zoned = jiff::Timestamp::now().to_zoned(zone);
    match format {
        Some(format) if python::truth(&format) => {
            strftime(&python::text(&format), &zoned).map(Datum::str).map_err(TemplateError::failed)
        }
        _ => Ok(Datum::object(Object::Date(zoned.datetime()))),
    }
}

/// Python's `strftime`.
pub(super) fn strftime(format: &str, moment: &jiff::Zoned) -> Result<String, String> {
    let format = format.replace("%f", &format!("{:06}", moment.subsec_nanosecond() / 1000));
    let config = jiff::fmt::strtime::Config::new().lenient(true);
    let time = jiff::fmt::strtime::BrokenDownTime::from(moment);
    let mut text = String::new();
    time.format_with_config(&config, &format, &mut text)
        .map_err(|error| format!("the format is not understood: {error}"))?;
    Ok(text)
}

/// `str()` of a moment.
pub(super) fn date_text(date: DateTime) -> String {
    let micros = date.subsec_nanosecond() / 1000;
    let whole = date.strftime("%Y-%m-%d %H:%M:%S").to_string();
    if micros == 0 { whole } else { format!("{whole}.{micros:06}") }
}

/// `str()` of a difference.
pub(super) fn delta_text(seconds: i64, micros: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let lead = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    let tail = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{lead}{}:{:02}:{:02}{tail}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// An attribute of a moment.
pub(super) fn date_member(date: DateTime, name: &str) -> Option<Datum> {
    let number = match name {
        "year" => i64::from(date.year()),
        "month" => i64::from(date.month()),
        "day" => i64::from(date.day()),
        "hour" => i64::from(date.hour()),
        "minute" => i64::from(date.minute()),
        "second" => i64::from(date.second()),
        "microsecond" => i64::from(date.subsec_nanosecond() / 1000),
        _ => return None,
    };
    Some(Datum::Value(Value::Int(number)))
}

/// An attribute of a difference.
pub(super) fn delta_member(seconds: i64, micros: i64, name: &str) -> Option<Datum> {
    let number = match name {
        "days" => seconds.div_euclid(86_400),
        "seconds" => seconds.rem_euclid(86_400),
        "microseconds" => micros,
        _ => return None,
    };
    Some(Datum::Value(Value::Int(number)))
}

/// A method of a moment or a difference.
pub(super) fn date_method(object: &Object, method: &str, args: &[Value]) -> Option<Result<Value, String>> {
    match (object, method) {
        (Object::Date(date), "strftime") => {
            let zoned = date.to_zoned(jiff::tz::TimeZone::system()).ok()?;
            Some(strftime(&args.first().map(python::text).unwrap_or_default(), &zoned).map(Value::str))
        }
        (Object::Date(date), "isoformat") => Some(Ok(Value::str(date_text(*date).replacen(' ', "T", 1)))),
        #[expect(clippy::cast_precision_loss, reason = "a moment in this era fits")]
        (Object::Date(date), "timestamp") => {
            let zoned = date.to_zoned(jiff::tz::TimeZone::system()).ok()?;
            Some(Ok(Value::Float(zoned.timestamp().as_microsecond() as f64 / 1e6)))
        }
        (Object::Date(date), "weekday") => Some(Ok(Value::Int(i64::from(date.weekday().to_monday_zero_offset())))),
        (Object::Date(date), "date") => Some(Ok(Value::str(date.date().to_string()))),
        #[expect(clippy::cast_precision_loss, reason = "a difference in this era fits")]
        (Object::Delta(seconds, micros), "total_seconds") => {
            Some(Ok(Value::Float(*seconds as f64 + *micros as f64 / 1e6)))
        }
        _ => None,
    }
}

/// `date - date`, where both sides are moments.
pub(super) fn difference(
    run: &mut Run<'_>,
    op: BinaryOp,
    left: &Node,
    right: &Node,
) -> Result<Option<Datum>, TemplateError> {
    use super::syntax::Expr;
    let may_be = |node: &Node| {
        !matches!(node.expr, Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) | Expr::Dict(_) | Expr::Binary(..))
    };
    if op != BinaryOp::Sub || !may_be(left) || !may_be(right) {
        return Ok(None);
    }
    let date = |datum: &Datum| match datum {
        Datum::Object(object) => match &**object {
            Object::Date(date) => Some(*date),
            _ => None,
        },
        Datum::Value(Value::Str(text)) => text.moment_of(),
        _ => None,
    };
    let (Some(a), Some(b)) = (date(&run.eval(left)?), date(&run.eval(right)?)) else { return Ok(None) };
    let micros = a.duration_since(b).as_micros();
    let split = |n: i128| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Some(Datum::object(Object::Delta(split(micros.div_euclid(1_000_000)), split(micros.rem_euclid(1_000_000))))))
}
