//! Path templates, as the comments in `google/api/http.proto` define them:
//!
//! ```text
//! Template = "/" Segments [ Verb ] ;
//! Segments = Segment { "/" Segment } ;
//! Segment  = "*" | "**" | LITERAL | Variable ;
//! Variable = "{" FieldPath [ "=" Segments ] "}" ;
//! Verb     = ":" LITERAL ;
//! ```

/// A path template, with its variables beside its segments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
    pub(crate) verb: Option<Box<str>>,
    pub(crate) variables: Vec<Variable>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(Box<str>),
    /// `*`: any one segment.
    Any,
    /// `**`: all segments that are left; always the last one.
    Rest,
}

/// The segments that are the value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field, `a.b`.
    pub(crate) field: Box<str>,
    /// Its first segment.
    pub(crate) start: usize,
    /// How many segments it has; `None` for all that are left.
    pub(crate) length: Option<usize>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut template = Self {
            segments: Vec::new(),
            verb: None,
            variables: Vec::new(),
        };
        let mut rest = text;
        loop {
            rest = rest.strip_prefix('/').ok_or("expected '/'")?;
            rest = match rest.strip_prefix('{') {
                Some(variable) => {
                    let (variable, after) =
                        variable.split_once('}').ok_or("a variable has no '}'")?;
                    template.variable(variable)?;
                    after
                }
                None => {
                    let (segment, after) =
                        rest.split_at(rest.find(['/', ':']).unwrap_or(rest.len()));
                    template.segment(segment)?;
                    after
                }
            };
            if let Some(verb) = rest.strip_prefix(':') {
                template.verb = Some(literal(verb)?.into());
                return Ok(template);
            }
            if rest.is_empty() {
                return Ok(template);
            }
        }
    }

    /// Reads what stands between the braces.
    fn variable(&mut self, text: &str) -> Result<(), &'static str> {
        let (field, segments) = text.split_once('=').unwrap_or((text, "*"));
        let is_identifier = |name: &str| {
            let mut bytes = name.bytes();
            let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
            bytes.next().is_some_and(is_start)
                && bytes.all(|byte| is_start(byte) || byte.is_ascii_digit())
        };
        if !field.split('.').all(is_identifier) {
            return Err("a variable names no field");
        }
        let start = self.segments.len();
        for segment in segments.split('/') {
            self.segment(segment)?;
        }
        let is_open = self.segments.last() == Some(&Segment::Rest);
        let length = (!is_open).then(|| self.segments.len() - start);
        self.variables.push(Variable {
            field: field.into(),
            start,
            length,
        });
        Ok(())
    }

    fn segment(&mut self, text: &str) -> Result<(), &'static str> {
        if self.segments.last() == Some(&Segment::Rest) {
            return Err("nothing but a verb may follow '**'");
        }
        self.segments.push(match text {
            "*" => Segment::Any,
            "**" => Segment::Rest,
            _ => Segment::Literal(literal(text)?.into()),
        });
        Ok(())
    }
}

/// A literal: characters that stand for themselves in a path (RFC 3986, section
/// 3.3), without the ones that mean something in a template.
fn literal(text: &str) -> Result<&str, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;@%".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_plain) {
        return Err("a segment is neither a wildcard nor a literal");
    }
    if is_dots(text) {
        return Err("a segment is a dot segment");
    }
    Ok(text)
}

/// Whether a segment means "here" or "up" to some reader of URLs: `.`, `..`, and
/// both with escapes (WHATWG URL, section 4.1).
pub(crate) fn is_dots(segment: &str) -> bool {
    if !segment.starts_with(['.', '%']) {
        return false;
    }
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(field: &str, start: usize, length: Option<usize>) -> Variable {
        Variable {
            field: field.into(),
            start,
            length,
        }
    }

    #[test]
    fn every_form_of_the_grammar_is_read() {
        let template = Template::parse("/v1/*/{a.b=shelves/*/books/*}/{id}:read").unwrap();
        let literal = |text: &str| Segment::Literal(text.into());
        let expected = [
            literal("v1"),
            Segment::Any,
            literal("shelves"),
            Segment::Any,
            literal("books"),
            Segment::Any,
            Segment::Any,
        ];
        assert_eq!(template.segments, expected);
        assert_eq!(
            template.variables,
            [variable("a.b", 2, Some(4)), variable("id", 6, Some(1))]
        );
        assert_eq!(template.verb.as_deref(), Some("read"));
    }

    #[test]
    fn a_double_star_takes_the_rest() {
        let template = Template::parse("/v1/{name=files/**}:copy").unwrap();
        assert_eq!(template.segments.last(), Some(&Segment::Rest));
        assert_eq!(template.variables, [variable("name", 1, None)]);
    }

    #[test]
    fn broken_templates_are_refused() {
        for text in [
            "",
            "/",
            "v1",
            "/v1/",
            "//v1",
            "/{id",
            "/{}",
            "/{1a}",
            "/{a..b}",
            "/{a=}",
            "/{a=b/}",
            "/{a={b}}",
            "/a}b",
            "/**/x",
            "/{a=**}/x",
            "/x:",
            "/x:y/z",
            "/a b",
            "/x*",
            "/..",
            "/{a=.}",
            "/a?b",
            "/{a}b",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
