//! Reads people out of a file, one line after the other, whatever is in it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use anyhow::{Context as _, bail};
use csv::ByteRecord;
use serde_json::Value;

use super::{
    Line,
    person::{FIELDS, Person},
};
use crate::cli::Format;

/// No line is longer, and no record.
const LONGEST: usize = 64 << 10;

/// Some programs write this before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file with people in it.
pub(super) struct Lines {
    file: Numbered,
    /// The names of the values, if they stand in the first line.
    columns: Option<Vec<String>>,
    has_ended: bool,
}

impl Lines {
    /// The lines of a file in a format.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or its columns are not those of people.
    pub(super) fn new(file: File, format: Format) -> anyhow::Result<Self> {
        let mut file = BufReader::new(file);
        if file.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            file.consume(BYTE_ORDER_MARK.len());
        }
        let mut file = Numbered { file, number: 0 };
        let columns = match format {
            Format::Ndjson => None,
            Format::Csv => Some(columns(&mut file)?),
        };
        Ok(Self {
            file,
            columns,
            has_ended: false,
        })
    }

    /// The next person, or why a line has none; nothing at the end.
    fn read(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            let (number, person) = match self.file.next()? {
                Next::End => return Ok(None),
                Next::TooLong => {
                    let refusal = Err(format!("is longer than {LONGEST} bytes"));
                    (self.file.number, refusal)
                }
                Next::Line(line) if line.trim_ascii().is_empty() => continue,
                Next::Line(line) => match &self.columns {
                    None => (self.file.number, object(&line)),
                    Some(columns) => {
                        let number = self.file.number;
                        let text = self.file.whole_record(line)?;
                        (number, record(columns, &text))
                    }
                },
            };
            return Ok(Some(Line { number, person }));
        }
    }
}

impl Iterator for Lines {
    type Item = anyhow::Result<Line>;

    fn next(&mut self) -> Option<anyhow::Result<Line>> {
        if self.has_ended {
            return None;
        }
        let line = self.read();
        self.has_ended = !matches!(line, Ok(Some(_)));
        line.transpose()
    }
}

/// A file that is read by lines.
struct Numbered {
    file: BufReader<File>,
    /// That of the last line.
    number: u64,
}

/// What comes next in a file.
enum Next {
    /// A line, with its end.
    Line(Vec<u8>),
    /// A line of which nothing was kept.
    TooLong,
    End,
}

impl Numbered {
    fn next(&mut self) -> io::Result<Next> {
        let mut line = Vec::new();
        let most = LONGEST as u64 + 1;
        let mut file = self.file.by_ref().take(most);
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        if line.len() <= LONGEST {
            return Ok(Next::Line(line));
        }
        if line.last() != Some(&b'\n') {
            self.file.skip_until(b'\n')?;
        }
        Ok(Next::TooLong)
    }

    /// A line, with those after it as long as a quote in it has not ended.
    fn whole_record(&mut self, mut record: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let begin = self.number;
        let is_open = |text: &[u8]| text.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        while is_open(&record) {
            match self.next()? {
                Next::Line(line) if record.len() + line.len() <= LONGEST => record.extend(line),
                // What comes after it cannot be told apart from what is in it.
                _ => bail!("line {begin} has a quote that does not end"),
            }
        }
        Ok(record)
    }
}

/// The names in the first line of a file of values separated by commas. They are
/// told by number: in a file without names, what is there may be a secret.
fn columns(file: &mut Numbered) -> anyhow::Result<Vec<String>> {
    let text = match file.next()? {
        Next::Line(line) => file.whole_record(line)?,
        Next::TooLong => bail!("line 1 is longer than {LONGEST} bytes"),
        Next::End => Vec::new(),
    };
    let mut columns: Vec<String> = Vec::new();
    for (number, column) in (1..).zip(&values(&text)) {
        let column = str::from_utf8(column).context("line 1 is not in UTF-8")?;
        let column = column.trim();
        if !FIELDS.contains(&column) {
            let names = FIELDS.join(", ");
            bail!("column {number} of line 1 is none of {names}");
        }
        if columns.iter().any(|known| known == column) {
            bail!("column {number} of line 1 is there twice");
        }
        columns.push(column.to_owned());
    }
    for column in ["email", "name"] {
        if !columns.iter().any(|known| known == column) {
            bail!("line 1 lacks the column `{column}`");
        }
    }
    Ok(columns)
}

/// The values of one record.
fn values(text: &[u8]) -> ByteRecord {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len().max(1))
        .from_reader(text);
    let mut record = ByteRecord::new();
    // Reading memory does not fail, and any number of values is a record.
    let _ = reader.read_byte_record(&mut record);
    record
}

fn record(columns: &[String], text: &[u8]) -> Result<Person, String> {
    let values = values(text);
    let (found, expected) = (values.len(), columns.len());
    if found != expected {
        return Err(format!("has {found} values instead of {expected}"));
    }
    let mut named = Vec::new();
    for (column, value) in columns.iter().zip(&values) {
        let value = str::from_utf8(value).map_err(|_| format!("{column}: is not in UTF-8"))?;
        named.push((&**column, value));
    }
    Person::of_values(named.into_iter())
}

fn object(line: &[u8]) -> Result<Person, String> {
    let line = str::from_utf8(line).map_err(|_| "is not in UTF-8")?;
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Person::of_object(object),
        _ => Err("is no object in JSON".to_owned()),
    }
}

#[cfg(test)]
mod tests;
