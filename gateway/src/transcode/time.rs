//! `Timestamp` and `Duration` as text: RFC 3339, and seconds with an `s`.
//!
//! See the comments in `google/protobuf/{timestamp,duration}.proto`. The wire
//! format does not belong here.

use super::rejection::Code;

/// Seconds and nanoseconds, as both messages have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) seconds: i64,
    pub(crate) nanos: i32,
}

const DAY: i64 = 86_400;
const NANOS: i32 = 1_000_000_000;
/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;
/// Ten thousand years.
const MAX_DURATION: i64 = 315_576_000_000;

/// Reads an RFC 3339 timestamp: upper-case `T` and `Z`, or an offset.
pub(crate) fn parse_timestamp(text: &str) -> Result<Instant, Code> {
    let mut bytes = text.as_bytes();
    let date = (
        digits(&mut bytes, 4)?,
        field(&mut bytes, b'-')?,
        field(&mut bytes, b'-')?,
    );
    let clock = (
        field(&mut bytes, b'T')?,
        field(&mut bytes, b':')?,
        field(&mut bytes, b':')?,
    );
    let mut nanos = 0;
    if let Some(rest) = bytes.strip_prefix(b".") {
        bytes = rest;
        nanos = fraction(&mut bytes)?;
    }
    let offset = match bytes.split_off_first() {
        Some(b'Z') => 0,
        Some(b'+') => offset(&mut bytes)?,
        Some(b'-') => -offset(&mut bytes)?,
        _ => return Err(Code::WrongType),
    };
    let ((year, month, day), (hour, minute, second)) = (date, clock);
    let in_calendar = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !bytes.is_empty() || !in_calendar || hour > 23 || minute > 59 || second > 59 {
        return Err(Code::WrongType);
    }
    let seconds =
        days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    check(seconds, FIRST_SECOND..=LAST_SECOND)?;
    Ok(Instant { seconds, nanos })
}

/// Reads a duration: `-1.5s`.
pub(crate) fn parse_duration(text: &str) -> Result<Instant, Code> {
    let number = text.strip_suffix('s').ok_or(Code::WrongType)?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, number),
    };
    let (whole, nanos) = match number.split_once('.') {
        Some((whole, digits)) => {
            let mut bytes = digits.as_bytes();
            let nanos = fraction(&mut bytes)?;
            if !bytes.is_empty() {
                return Err(Code::WrongType);
            }
            (whole, nanos)
        }
        None => (number, 0),
    };
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Code::WrongType);
    }
    let seconds = whole.parse().map_err(|_| Code::OutOfRange)?;
    check(seconds, 0..=MAX_DURATION)?;
    Ok(Instant {
        seconds: sign * seconds,
        nanos: sign as i32 * nanos,
    })
}

/// Writes a timestamp in UTC, with milliseconds; finer digits are cut off.
pub(crate) fn print_timestamp(
    out: &mut Vec<u8>,
    Instant { seconds, nanos }: Instant,
) -> Result<(), Code> {
    check(seconds, FIRST_SECOND..=LAST_SECOND)?;
    if !(0..NANOS).contains(&nanos) {
        return Err(Code::OutOfRange);
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put_digits(&mut text[0..4], year);
    put_digits(&mut text[5..7], month);
    put_digits(&mut text[8..10], day);
    put_digits(&mut text[11..13], second / 3600);
    put_digits(&mut text[14..16], second / 60 % 60);
    put_digits(&mut text[17..19], second % 60);
    put_digits(&mut text[20..23], i64::from(nanos / 1_000_000));
    out.extend_from_slice(&text);
    Ok(())
}

/// Writes a duration with no, 3, 6 or 9 digits after the point.
pub(crate) fn print_duration(
    out: &mut Vec<u8>,
    Instant { seconds, nanos }: Instant,
) -> Result<(), Code> {
    check(seconds, -MAX_DURATION..=MAX_DURATION)?;
    if nanos <= -NANOS || nanos >= NANOS || seconds.signum() * i64::from(nanos.signum()) < 0 {
        return Err(Code::OutOfRange);
    }
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(
        itoa::Buffer::new()
            .format(seconds.unsigned_abs())
            .as_bytes(),
    );
    if nanos != 0 {
        let mut digits = *b".000000000";
        put_digits(&mut digits[1..], i64::from(nanos.abs()));
        let length = match nanos {
            nanos if nanos % 1_000_000 == 0 => 4,
            nanos if nanos % 1_000 == 0 => 7,
            _ => 10,
        };
        out.extend_from_slice(&digits[..length]);
    }
    out.push(b's');
    Ok(())
}

fn check(value: i64, range: std::ops::RangeInclusive<i64>) -> Result<(), Code> {
    if range.contains(&value) {
        Ok(())
    } else {
        Err(Code::OutOfRange)
    }
}

/// Takes exactly `count` digits.
fn digits(bytes: &mut &[u8], count: usize) -> Result<i64, Code> {
    let taken = bytes.split_off(..count).ok_or(Code::WrongType)?;
    let mut value = 0;
    for byte in taken {
        if !byte.is_ascii_digit() {
            return Err(Code::WrongType);
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Ok(value)
}

/// Takes a separator and two digits.
fn field(bytes: &mut &[u8], separator: u8) -> Result<i64, Code> {
    if bytes.split_off_first() != Some(&separator) {
        return Err(Code::WrongType);
    }
    digits(bytes, 2)
}

/// Takes `hh:mm`, in seconds.
fn offset(bytes: &mut &[u8]) -> Result<i64, Code> {
    let (hours, minutes) = (digits(bytes, 2)?, field(bytes, b':')?);
    if hours > 23 || minutes > 59 {
        return Err(Code::WrongType);
    }
    Ok(hours * 3600 + minutes * 60)
}

/// Takes one to nine digits after a point, in nanoseconds.
fn fraction(bytes: &mut &[u8]) -> Result<i32, Code> {
    let count = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(1..=9).contains(&count) {
        return Err(Code::WrongType);
    }
    let value = digits(bytes, count)?;
    Ok(value as i32 * 10_i32.pow(9 - count as u32))
}

fn put_digits(text: &mut [u8], mut value: i64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years begin in March here, so that the leap day is
/// their last, and come in eras of 400, which are all alike.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse: year, month and day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reprinted(text: &str) -> String {
        let mut out = Vec::new();
        print_timestamp(&mut out, parse_timestamp(text).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn reprinted_duration(text: &str) -> String {
        let mut out = Vec::new();
        print_duration(&mut out, parse_duration(text).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_are_printed_in_utc_with_milliseconds() {
        assert_eq!(
            reprinted("2026-11-22T10:00:00Z"),
            "2026-11-22T10:00:00.000Z"
        );
        assert_eq!(
            reprinted("2026-11-22T10:00:00.1239+02:30"),
            "2026-11-22T07:30:00.123Z"
        );
        assert_eq!(
            reprinted("1969-12-31T23:59:59.999999999Z"),
            "1969-12-31T23:59:59.999Z"
        );
        assert_eq!(
            reprinted("0001-01-01T00:00:00Z"),
            "0001-01-01T00:00:00.000Z"
        );
        assert_eq!(
            reprinted("9999-12-31T23:59:59.5Z"),
            "9999-12-31T23:59:59.500Z"
        );
    }

    #[test]
    fn every_day_of_the_calendar_survives_the_round_trip() {
        let (first, last) = (FIRST_SECOND / DAY, LAST_SECOND / DAY);
        for day in first..=last {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
            assert!((1..=days_in(year, month)).contains(&date));
        }
    }

    #[test]
    fn what_is_no_timestamp_is_the_wrong_type() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00Z",
            "2026-11-22 10:00:00Z",
            "2026-11-22t10:00:00Z",
            "2026-11-22T10:00:00z",
            "2026-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-00-01T10:00:00Z",
            "2026-01-00T10:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T23:60:00Z",
            "2026-11-22T23:59:60Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00.1234567890Z",
            "2026-11-22T10:00:00+24:00",
            "2026-11-22T10:00:00+0100",
            "2026-11-22T10:00:00Zx",
            "+026-11-22T10:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text), Err(Code::WrongType), "{text}");
        }
    }

    #[test]
    fn timestamps_beyond_the_calendar_are_out_of_range() {
        for text in [
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(parse_timestamp(text), Err(Code::OutOfRange), "{text}");
        }
        let mut out = Vec::new();
        for (seconds, nanos) in [
            (LAST_SECOND + 1, 0),
            (FIRST_SECOND - 1, 0),
            (0, -1),
            (0, NANOS),
            (i64::MIN, 0),
        ] {
            assert_eq!(
                print_timestamp(&mut out, Instant { seconds, nanos }),
                Err(Code::OutOfRange)
            );
        }
    }

    #[test]
    fn durations_keep_their_precision() {
        for text in [
            "0s",
            "1s",
            "-1s",
            "1.500s",
            "-0.000001s",
            "0.000000001s",
            "-315576000000.999999999s",
        ] {
            assert_eq!(reprinted_duration(text), text);
        }
        assert_eq!(reprinted_duration("1.5s"), "1.500s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "s",
            "1",
            "1.s",
            ".5s",
            "+1s",
            "--1s",
            "1 s",
            "1.0000000000s",
            "1m",
            "1.5.5s",
            "1e3s",
        ] {
            assert_eq!(parse_duration(text), Err(Code::WrongType), "{text}");
        }
        assert_eq!(parse_duration("315576000001s"), Err(Code::OutOfRange));
        assert_eq!(
            parse_duration("99999999999999999999s"),
            Err(Code::OutOfRange)
        );
        let mut out = Vec::new();
        assert_eq!(
            print_duration(
                &mut out,
                Instant {
                    seconds: 1,
                    nanos: -1
                }
            ),
            Err(Code::OutOfRange)
        );
        assert_eq!(
            print_duration(
                &mut out,
                Instant {
                    seconds: 0,
                    nanos: NANOS
                }
            ),
            Err(Code::OutOfRange)
        );
    }
}
