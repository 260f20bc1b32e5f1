//! Whether a clock may judge freshness: not before the image was baked, and not past the age that an image may have.

use super::{Floor, TufError};
use jiff::{SignedDuration, Timestamp};

/// Judges a clock by the floor. There is nothing that moves with time: a clock that was wrong once leaves no trace.
pub fn judge_clock(floor: &Floor, maximum_age: Option<SignedDuration>, now: Timestamp) -> Result<(), TufError> {
    let baked = floor.baked;
    if now < baked {
        return Err(TufError::ClockBehind { now, baked });
    }
    match maximum_age {
        Some(limit) if now.duration_since(baked) > limit => {
            Err(TufError::ImageTooOld { now, baked, days: limit.as_hours() / 24 })
        }
        _ => Ok(()),
    }
}
