//! Filters on moments.

use super::{Filter, Outcome};
use crate::roles::template::args::Given;
use crate::roles::template::datum::{Datum, Object};
use crate::roles::template::error::TemplateError;
use crate::roles::template::run::Run;
use crate::roles::template::{globals, python};
use crate::roles::value::Value;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("strftime", &["second", "utc"], |v, args| {
        let zone = if args.flag(1, false) { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
        let moment = match args.get(0).filter(|v| !matches!(v, Value::Null)) {
            None => jiff::Timestamp::now(),
            Some(second) => {
                let second = python::to_float(second)
                    .ok_or_else(|| format!("Invalid value for epoch value ({})", python::text(second)))?;
                #[expect(clippy::cast_possible_truncation, reason = "a moment in this era fits")]
                jiff::Timestamp::from_millisecond((second * 1000.0) as i64).map_err(|error| error.to_string())?
            }
        };
        let text = v.as_str().ok_or_else(|| format!("strftime() argument 1 must be str, not {}", v.type_name()))?;
        globals::strftime(text, &moment.to_zoned(zone)).map(Value::str)
    }),
    Filter::run("to_datetime", to_datetime),
];

fn to_datetime(run: &mut Run<'_>, input: Datum, given: &Given) -> Outcome {
    let text = python::text(&run.deep(input)?);
    let format = match given.get(0, "format") {
        Some(format) => python::text(&run.deep(format.clone())?),
        None => "%Y-%m-%d %H:%M:%S".to_owned(),
    };
    let wrong = |error: jiff::Error| {
        TemplateError::failed(format!("filter `to_datetime`: `{text}` is not of the form `{format}`: {error}"))
    };
    let time = jiff::fmt::strtime::parse(&format, &text).map_err(wrong)?;
    let date = match (time.to_datetime(), time.to_date()) {
        (Ok(date), _) => date,
        (Err(_), Ok(day)) => day.at(0, 0, 0, 0),
        (Err(error), Err(_)) => return Err(wrong(error)),
    };
    Ok(Datum::object(Object::Date(date)))
}
