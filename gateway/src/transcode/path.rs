//! Where in a request something is, for people: `items[2].displayName`.

use std::fmt;

/// The way to a value. It lives on the stack, each step pointing to the one
/// before it, and is written out only if something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

/// Names that clients made up are cut to this length.
const MAX_NAME: usize = 100;

impl<'p> Path<'p> {
    pub(crate) const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    pub(crate) fn field(&'p self, json_name: &'p str) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Field(json_name),
        }
    }

    pub(crate) fn index(&'p self, index: usize) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    pub(crate) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => {
                let dot = if self.parent.is_some_and(|parent| !parent.is_root()) {
                    "."
                } else {
                    ""
                };
                write!(f, "{dot}{}", short(name))
            }
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{:?}]", short(key)),
        }
    }
}

fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_it_would_be_written_in_code() {
        let root = Path::ROOT;
        let (a, b) = (root.field("a"), root.index(1));
        let (list, map) = (a.index(2), a.key("x y"));
        assert_eq!(list.field("c").to_string(), "a[2].c");
        assert_eq!(map.field("c").to_string(), r#"a["x y"].c"#);
        assert_eq!(b.field("c").to_string(), "[1].c");
        assert_eq!(root.to_string(), "");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let root = Path::ROOT;
        assert_eq!(root.field(&"ä".repeat(1000)).to_string(), "ä".repeat(50));
    }
}
