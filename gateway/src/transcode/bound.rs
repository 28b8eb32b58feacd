//! Which fields of a request are already taken by its path, so that its body
//! and query may not set them.

use super::schema::FieldId;

/// A tree of fields; its leaves are the ones that are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    children: Vec<(FieldId, Bound)>,
}

impl Bound {
    /// Nothing is taken.
    pub(crate) const NOTHING: &'static Bound = &Bound {
        children: Vec::new(),
    };

    /// Marks a field as taken.
    ///
    /// # Errors
    ///
    /// When it is taken already, or one is that contains it or that it contains.
    pub fn insert(&mut self, path: &[FieldId]) -> Result<(), AlreadyBound> {
        let Some((first, rest)) = path.split_first() else {
            return Err(AlreadyBound);
        };
        if let Some((_, child)) = self.children.iter_mut().find(|(field, _)| field == first) {
            return if child.is_empty() {
                Err(AlreadyBound)
            } else {
                child.insert(rest)
            };
        }
        let mut child = Self::default();
        if !rest.is_empty() {
            child.insert(rest)?;
        }
        self.children.push((*first, child));
        Ok(())
    }

    /// What is taken of a field: nothing (`None`), all of it (an empty tree), or
    /// fields inside it.
    pub(crate) fn get(&self, field: FieldId) -> Option<&Bound> {
        let child = self.children.iter().find(|(other, _)| *other == field)?;
        Some(&child.1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }
}

/// A field is to be taken twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyBound;

#[cfg(test)]
mod tests {
    use super::*;

    const A: FieldId = FieldId(0);
    const B: FieldId = FieldId(1);

    #[test]
    fn a_field_is_taken_once() {
        let mut bound = Bound::default();
        assert_eq!(bound.insert(&[A, B]), Ok(()));
        assert_eq!(bound.insert(&[A, A]), Ok(()));
        assert_eq!(bound.insert(&[A, B]), Err(AlreadyBound));
        assert_eq!(bound.insert(&[A]), Err(AlreadyBound));
        assert_eq!(bound.insert(&[A, B, A]), Err(AlreadyBound));
        assert_eq!(bound.get(B), None);
        assert!(
            bound
                .get(A)
                .is_some_and(|inner| inner.get(B).is_some_and(Bound::is_empty))
        );
    }
}
