//! The calendar that effective dates follow.

use crate::types::Date;

/// China Standard Time is UTC+8 all year (no daylight saving since 1992), so no time zone database is needed.
const CHINA: jiff::tz::Offset = jiff::tz::Offset::constant(8);

/// Today in China.
pub fn today() -> Date {
    now().date()
}

/// The wall clock in China.
pub fn now() -> jiff::civil::DateTime {
    CHINA.to_datetime(jiff::Timestamp::now())
}

/// The day in China at an instant.
pub fn day_of(instant: jiff::Timestamp) -> Date {
    CHINA.to_datetime(instant).date()
}
