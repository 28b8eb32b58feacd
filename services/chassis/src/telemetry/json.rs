//! Log lines for machines: one JSON object each, with the fields of the event and
//! those of the span around it. A field of a span is written once, when it is
//! recorded, and copied into each line; the lines of tracing-subscriber are as
//! these are, but read a span's fields again for each field that is added and for
//! each line.

use std::fmt::{self, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// Writes lines.
pub(super) struct Lines;

/// Writes the fields of a span, each as `"name":value,`.
pub(super) struct Fields;

impl<S> FormatEvent<S, Fields> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // What comes from the crate `log` has its target in a field.
        let from_log = event.normalized_metadata();
        let metadata = from_log.as_ref().unwrap_or_else(|| event.metadata());
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\",", metadata.level())?;
        Fields.format_fields(writer.by_ref(), event)?;
        writer.write_str("\"target\":")?;
        write_text(&mut writer, metadata.target())?;
        let parent = event.parent().and_then(|id| context.span(id));
        if let Some(span) = parent.or_else(|| context.lookup_current()) {
            writer.write_str(",\"span\":{")?;
            if let Some(fields) = span.extensions().get::<FormattedFields<Fields>>() {
                writer.write_str(&fields.fields)?;
            }
            writer.write_str("\"name\":")?;
            write_text(&mut writer, span.name())?;
            writer.write_char('}')?;
        }
        writer.write_str("}\n")
    }
}

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = Visitor {
            writer,
            outcome: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.outcome
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        fields.record(&mut Replaced(&mut current.fields));
        self.format_fields(current.as_writer(), fields)
    }
}

/// Takes away what fields said before that are recorded anew.
struct Replaced<'f>(&'f mut String);

impl Visit for Replaced<'_> {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        let (name, mut start) = (name(field), 0);
        while start < self.0.len() {
            let rest = &self.0[start..];
            // Inside of a value, a quotation mark stands behind a backslash.
            let next = rest.as_bytes().windows(2).position(|pair| pair == b",\"");
            let end = start + next.map_or(rest.len(), |length| length + 1);
            let named = rest
                .strip_prefix('"')
                .and_then(|rest| rest.strip_prefix(name));
            if named.is_some_and(|value| value.starts_with("\":")) {
                self.0.replace_range(start..end, "");
                return;
            }
            start = end;
        }
    }
}

/// Writes fields as they are visited, until one cannot be written.
struct Visitor<'w> {
    writer: Writer<'w>,
    outcome: fmt::Result,
}

impl Visitor<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        // What the crate `log` says beside its message.
        if self.outcome.is_err() || field.name().starts_with("log.") {
            return;
        }
        self.outcome = write_text(&mut self.writer, name(field))
            .and_then(|()| self.writer.write_char(':'))
            .and_then(|()| value(&mut self.writer))
            .and_then(|()| self.writer.write_char(','));
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |writer| write_text(writer, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, |writer| match value.is_finite() {
            true => write!(writer, "{value:?}"),
            false => writer.write_str("null"),
        });
    }
}

/// The name of a field; one that is a keyword is written as `r#type`.
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

/// Writes a text as a JSON string (RFC 8259, section 7).
fn write_text(writer: &mut impl Write, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    Escaped(writer).write_str(text)?;
    writer.write_char('"')
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Writes what stands inside of a JSON string.
struct Escaped<'w, W>(&'w mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Most texts need no escape, and a look at all of one is a few instructions.
        if !text
            .bytes()
            .fold(false, |found, byte| found | is_special(byte))
        {
            return self.0.write_str(text);
        }
        let mut written = 0;
        for (at, byte) in text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| is_special(*byte))
        {
            self.0.write_str(&text[written..at])?;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                _ => write!(self.0, "\\u{byte:04x}")?,
            }
            written = at + 1;
        }
        self.0.write_str(&text[written..])
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are logged meanwhile, without their times.
    fn lines(logging: impl FnOnce()) -> Vec<Value> {
        let log = Log::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(Fields)
            .event_format(Lines)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, logging);
        let bytes = log.0.lock().expect("lock").clone();
        let text = String::from_utf8(bytes).expect("text");
        let read = |line| {
            let mut line: Value = serde_json::from_str(line).expect("a line of JSON");
            let time = line
                .as_object_mut()
                .and_then(|line| line.remove("timestamp"));
            assert_eq!(time.expect("a time").as_str().expect("text").len(), 27);
            line
        };
        text.lines().map(read).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_its_event_and_of_the_span_around_it() {
        let lines = lines(|| {
            let span = tracing::info_span!(
                "request", r#type = "a", http.route = Empty, status = Empty, id = %7
            );
            span.record("http.route", "/{id}").record("status", 200);
            span.in_scope(|| {
                tracing::info!(count = 3, least = -3, ms = 1.0, is_last = true, why = ?Some(1), "done");
            });
            tracing::warn!("alone");
        });
        let target = module_path!();
        let span = json!({"type": "a", "id": "7", "http.route": "/{id}", "status": 200, "name": "request"});
        assert_eq!(
            lines,
            [
                json!({
                    "level": "INFO", "message": "done", "count": 3, "least": -3, "ms": 1.0,
                    "is_last": true, "why": "Some(1)", "target": target, "span": span,
                }),
                json!({"level": "WARN", "message": "alone", "target": target}),
            ]
        );
    }

    #[test]
    fn the_last_that_is_recorded_of_a_field_counts() {
        let lines = lines(|| {
            let span = tracing::info_span!("span", a = ",\"b\":1", b = 1, c = 2);
            span.record("b", "x")
                .record("a", 3)
                .record("b", "y")
                .record("c", f64::NAN);
            let _entered = span.enter();
            tracing::info!("done");
        });
        assert_eq!(
            lines[0]["span"],
            json!({"a": 3, "b": "y", "c": null, "name": "span"})
        );
    }

    #[test]
    fn whatever_is_logged_stays_one_line_of_json() {
        let text = "\"quoted\" \\ \n\r\t\u{0}\u{1f} ü 😀 \u{2028}";
        let lines = lines(|| {
            let span = tracing::info_span!("span", text);
            let _entered = span.enter();
            tracing::info!(text, shown = %text, "{text}");
        });
        assert_eq!(lines.len(), 1);
        for field in ["text", "shown", "message"] {
            assert_eq!(lines[0][field], text, "{field}");
        }
        assert_eq!(lines[0]["span"]["text"], text);
    }
}
