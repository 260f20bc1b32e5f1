//! What a report must be before anybody signs it or acts on it.

use crate::boot::BOOT;
use crate::journal::{Record, State};
use crate::trust::image::{ImageError, ImageName};
use crate::validate::{Report, drift};
use serde_json::Value;

/// A validation report that is a pass of a whole profile. Its numbers are counted anew.
pub(super) fn sound(image: &ImageName, report: &[u8]) -> Result<Report, ImageError> {
    let refuse = |why: String| ImageError::new("image/validation", image, format!("the validation report {why}"));
    let mut report = drift::parse("it", report).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    report.count();
    let counts = &report.summary;
    if report.partial {
        return Err(refuse("is of single controls (--only), and not of the whole profile".into()));
    }
    if counts.fail + counts.could_not_look > 0 || counts.pass == 0 {
        let (pass, fail, unseen) = (counts.pass, counts.fail, counts.could_not_look);
        return Err(refuse(format!("is no pass: {pass} passed, {fail} failed, {unseen} could not be looked at")));
    }
    if report.binary.is_none() {
        return Err(refuse("does not say which program made it: validate again with this version".into()));
    }
    Ok(report)
}

/// The record of a boot that ended well, from `muster status --json` or as it is kept, and the instance's id.
pub(super) fn ran(subject: &str, record: &Value) -> Result<(Value, String), ImageError> {
    let refuse = |why: String| ImageError::new("image/run", subject, format!("the run report {why}"));
    let record = record.get("run").unwrap_or(record);
    let read: Record =
        serde_json::from_value(record.clone()).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if read.command != BOOT {
        return Err(refuse(format!("is of `{}`, and not of `{BOOT}`", read.command)));
    }
    if read.state != State::Done || read.failure.is_some() {
        let why = read.failure.map_or_else(|| format!("{:?}", read.state).to_lowercase(), |failure| failure.message);
        return Err(refuse(format!("says that the boot did not end well: {why}")));
    }
    match read.instance {
        Some(instance) if instance.starts_with("i-") => Ok((record.clone(), instance)),
        _ => Err(refuse("names no instance".into())),
    }
}
