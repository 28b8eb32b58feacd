//! What stands around every answer of the API: `{success, data, meta}` or
//! `{success, error, meta}`, written into one buffer straight from wire bytes.

use portico_chassis::{clock::Timestamp, status::Error};
use serde::Serialize;

use crate::transcode::{FieldId, ListShape, MessageId, PrintError, Schema};

/// How the message of a successful answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it is, without an envelope.
    Bare,
    /// As no data.
    Empty,
    /// As an array, with where it stands in the list.
    List(ListShape),
    /// As an object; the field is its entity tag.
    Resource(Option<FieldId>),
}

/// What an answer says about itself.
pub(crate) struct Meta<'r> {
    pub(crate) timestamp: Timestamp,
    pub(crate) request_id: &'r str,
}

impl Shape {
    pub(crate) fn of(schema: &Schema, output: MessageId, is_enveloped: bool) -> Self {
        if !is_enveloped {
            return Self::Bare;
        }
        if schema.name(output) == "google.protobuf.Empty" {
            return Self::Empty;
        }
        match schema.list_shape(output) {
            Some(list) => Self::List(list),
            None => Self::Resource(schema.find_field(output, "etag")),
        }
    }
}

/// Writes a success.
///
/// # Errors
///
/// If the service answered with something else than such a message.
pub(crate) fn success(
    schema: &Schema,
    shape: Shape,
    output: MessageId,
    wire: &[u8],
    meta: &Meta<'_>,
) -> Result<Vec<u8>, PrintError> {
    let mut out = Vec::with_capacity(wire.len() * 2 + 384);
    if shape == Shape::Bare {
        schema.print(output, wire, &mut out)?;
        return Ok(out);
    }
    out.extend_from_slice(b"{\"success\":true,\"data\":");
    match shape {
        Shape::Bare | Shape::Resource(_) => schema.print(output, wire, &mut out)?,
        Shape::Empty => out.extend_from_slice(b"null"),
        Shape::List(list) => schema.print_field(output, list.items, wire, &mut out)?,
    }
    meta.write(&mut out);
    if let Shape::List(list) = shape {
        out.extend_from_slice(b",\"pagination\":");
        schema.print_field(output, list.page_info, wire, &mut out)?;
    }
    out.extend_from_slice(b"}}");
    Ok(out)
}

/// Writes a failure.
pub(crate) fn failure(error: &Error, meta: &Meta<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(384);
    out.extend_from_slice(b"{\"success\":false,\"error\":{\"code\":");
    json(&mut out, &error.reason);
    out.extend_from_slice(b",\"message\":");
    json(&mut out, &error.message);
    out.extend_from_slice(b",\"details\":");
    if error.violations.is_empty() {
        json(&mut out, &error.details);
    } else {
        let details = error.violations.iter().map(|violation| Detail {
            field: &violation.field,
            code: &violation.code,
            message: &violation.message,
        });
        json(&mut out, &details.collect::<Vec<_>>());
    }
    out.push(b'}');
    meta.write(&mut out);
    out.extend_from_slice(b"}}");
    out
}

#[derive(Serialize)]
struct Detail<'e> {
    field: &'e str,
    code: &'e str,
    message: &'e str,
}

/// Appends a value that is small and always has a form in JSON.
fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        tracing::error!(%error, "a part of a failure cannot be written");
        out.extend_from_slice(b"null");
    }
}

impl Meta<'_> {
    /// Everything but the end of the object.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"meta\":{\"timestamp\":\"");
        write_timestamp(out, self.timestamp);
        // A request id has only characters that need no escape.
        out.extend_from_slice(b"\",\"requestId\":\"");
        out.extend_from_slice(self.request_id.as_bytes());
        out.push(b'"');
    }
}

/// Appends a moment as RFC 3339 has it, in UTC with milliseconds. The calendar
/// is computed as in Howard Hinnant's "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`, for years from 1970 to 9999.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, moment: Timestamp) {
    let millis = moment.millis().clamp(0, 253_402_300_799_999).unsigned_abs();
    let (days, time) = (millis / 86_400_000 + 719_468, millis % 86_400_000);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (time / 3_600_000, 2, b':'),
        (time / 60_000 % 60, 2, b':'),
        (time / 1_000 % 60, 2, b'.'),
        (time % 1_000, 3, b'Z'),
    ];
    for (value, width, end) in parts {
        for place in (0..width).rev() {
            out.push(b'0' + (value / 10_u64.pow(place) % 10) as u8);
        }
        out.push(end);
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::status::Kind;
    use serde_json::{Value, json};

    use super::*;

    const META: Meta<'_> = Meta {
        timestamp: Timestamp::from_millis(1_700_000_000_123),
        request_id: "r-1",
    };

    fn read(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).expect("JSON")
    }

    #[test]
    fn a_failure_has_violations_or_an_object_or_nothing_as_details() {
        let plain = failure(
            &Error::new(Kind::NotFound, "USER_NOT_FOUND", "No \"such\" user."),
            &META,
        );
        assert_eq!(
            read(&plain),
            json!({
                "success": false,
                "error": {"code": "USER_NOT_FOUND", "message": "No \"such\" user.", "details": null},
                "meta": {"timestamp": "2023-11-14T22:13:20.123Z", "requestId": "r-1"},
            })
        );
        let invalid = failure(
            &Error::invalid_field("name", "TOO_LONG", "at most 100"),
            &META,
        );
        assert_eq!(
            read(&invalid)["error"]["details"],
            json!([{"field": "name", "code": "TOO_LONG", "message": "at most 100"}])
        );
        let details = json!({"projects": [{"id": "1"}]});
        let error = Error::new(Kind::FailedPrecondition, "LAST_OWNER", "No.")
            .with_details(details.as_object().expect("an object").clone());
        assert_eq!(read(&failure(&error, &META))["error"]["details"], details);
    }

    #[test]
    fn moments_are_written_by_the_calendar() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_709_251_200_001, "2024-03-01T00:00:00.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            let mut out = Vec::new();
            write_timestamp(&mut out, Timestamp::from_millis(millis));
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
