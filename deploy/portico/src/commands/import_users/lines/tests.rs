//! Files as people have them.

use std::io::{Seek as _, Write as _};

use super::*;

fn file(text: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(text).expect("written");
    file.rewind().expect("at the beginning");
    file
}

/// What each line is: its number, and an address or why it is refused.
fn read(format: Format, text: &[u8]) -> Vec<(u64, String)> {
    let lines = Lines::new(file(text), format).expect("readable");
    lines
        .map(|line| {
            let line = line.expect("a line");
            let told = match line.person {
                Ok(person) => person.email,
                Err(refusal) => refusal,
            };
            (line.number, told)
        })
        .collect()
}

fn told(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    let own = |(number, text): &(u64, &str)| (*number, (*text).to_owned());
    lines.iter().map(own).collect()
}

fn refusal(text: &[u8]) -> String {
    let Err(error) = Lines::new(file(text), Format::Csv) else {
        panic!("it can be read");
    };
    format!("{error:#}")
}

#[test]
fn objects_stand_one_a_line() {
    let text = "\u{feff}{\"email\":\"ada@x.org\",\"name\":\"Ada\"}\r\n\n  \n\
        {\"name\":\"Bob\",\"email\":\"bob@x.org\",\"role\":\"ADMIN\",\"emailVerified\":true,\
        \"createdAt\":\"2020-02-29T12:00:00+02:00\",\"passwordHash\":null}\n\
        {\"email\":\"eve@x.org\",\"name\":\"Eve\"}";
    let expected = told(&[(1, "ada@x.org"), (4, "bob@x.org"), (5, "eve@x.org")]);
    assert_eq!(read(Format::Ndjson, text.as_bytes()), expected);
}

#[test]
fn a_line_that_is_at_fault_is_told_and_the_next_one_read() {
    let mut text = Vec::new();
    for line in [
        &b"nonsense"[..],
        b"[1]",
        b"{\"email\":\"a@x.org\",\"name\":\"\xff\"}",
        b"{\"email\":\"a@x.org\"}",
        b"{\"name\":\"A\"}",
        b"{\"email\":1,\"name\":\"A\"}",
        b"{\"email\":\"a@x.org\",\"name\":\"A\",\"passwordhash\":\"secret\"}",
        b"{\"email\":\"a@x.org\",\"name\":\"A\",\"role\":\"secret\"}",
        b"{\"email\":\"a@x.org\",\"name\":\"A\",\"emailVerified\":\"secret\"}",
        b"{\"email\":\"a@x.org\",\"name\":\"A\",\"createdAt\":\"secret\"}",
        &[b'x'; 70_000],
        b"{\"email\":\"z@x.org\",\"name\":\"Z\"}",
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let fields = "email, name, role, emailVerified, createdAt, passwordHash";
    let unknown = format!("has another field than {fields}");
    let expected = told(&[
        (1, "is no object in JSON"),
        (2, "is no object in JSON"),
        (3, "is not in UTF-8"),
        (4, "name: is missing"),
        (5, "email: is missing"),
        (6, "email: must be a text"),
        (7, &unknown),
        (8, "role: must be ADMIN or MEMBER"),
        (9, "emailVerified: must be true or false"),
        (10, "createdAt: must be a time such as 2026-01-31T09:30:00Z"),
        (11, "is longer than 65536 bytes"),
        (12, "z@x.org"),
    ]);
    assert_eq!(read(Format::Ndjson, &text), expected);
}

#[test]
fn values_stand_under_the_names_of_their_columns() {
    let text = "\u{feff}name,email,emailVerified,createdAt,role,passwordHash\r\n\
        \"Lovelace, Ada\",ada@x.org,TRUE,2020-01-01T00:00:00Z,ADMIN,\"$argon2id$v=19$m=64,t=1,p=1$a$b\"\r\n\
        \r\n\
        \"Bob \"\"the\nbuilder\"\"\",bob@x.org,,,,\r\n\
        Eve,eve@x.org,false,,MEMBER,";
    let expected = told(&[(2, "ada@x.org"), (4, "bob@x.org"), (6, "eve@x.org")]);
    assert_eq!(read(Format::Csv, text.as_bytes()), expected);
}

#[test]
fn a_record_that_is_at_fault_is_told_and_the_next_one_read() {
    let text = b"email,name,role,emailVerified\n\
        a@x.org,A\n\
        b@x.org,B,MEMBER,true,secret\n\
        c@x.org,\xff,MEMBER,true\n\
        ,D,MEMBER,true\n\
        e@x.org,E,secret,true\n\
        f@x.org,F,MEMBER,secret\n\
        g@x.org,G,MEMBER,true\n";
    let expected = told(&[
        (2, "has 2 values instead of 4"),
        (3, "has 5 values instead of 4"),
        (4, "name: is not in UTF-8"),
        (5, "email: is missing"),
        (6, "role: must be ADMIN or MEMBER"),
        (7, "emailVerified: must be true or false"),
        (8, "g@x.org"),
    ]);
    assert_eq!(read(Format::Csv, text), expected);
}

#[test]
fn a_file_without_the_columns_of_people_is_refused_before_anything_is_imported() {
    for (text, expected) in [
        (&b"email,name,secret\n"[..], "column 3 of line 1 is none of"),
        (b"email,name,email\n", "column 3 of line 1 is there twice"),
        (b"email,role\n", "line 1 lacks the column `name`"),
        (b"", "line 1 lacks the column `email`"),
        (b"\xff,name\n", "line 1 is not in UTF-8"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}

#[test]
fn a_quote_that_does_not_end_ends_the_import_and_takes_no_memory() {
    let mut text = b"email,name\na@x.org,A\nb@x.org,\"B\n".to_vec();
    for number in 0..100_000 {
        text.extend_from_slice(format!("c{number}@x.org,C\n").as_bytes());
    }
    let mut lines = Lines::new(file(&text), Format::Csv).expect("readable");
    assert!(lines.next().expect("a line").is_ok());
    let Some(Err(error)) = lines.next() else {
        panic!("it is a line");
    };
    let error = format!("{error:#}");
    assert!(
        error.contains("line 3 has a quote that does not end"),
        "{error}"
    );
    assert!(lines.next().is_none());
}
