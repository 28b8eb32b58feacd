//! What several measurements of one thing come to.

/// The middle one, and how far they are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Middle {
    pub(crate) median: f64,
    /// From the least to the greatest, as a part of the median.
    pub(crate) spread: f64,
}

impl Middle {
    /// Nothing for no measurement.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (least, greatest) = (values.first()?, values.last()?);
        let half = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[half - 1], values[half])
        } else {
            values[half]
        };
        let spread = (greatest - least) / median.max(f64::MIN_POSITIVE);
        Some(Self { median, spread })
    }
}

/// The median of the ratios of what was measured side by side.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let pairs = ours.iter().zip(theirs).filter(|(_, theirs)| **theirs > 0.0);
    let middle = Middle::of(pairs.map(|(ours, theirs)| ours / theirs))?;
    Some(middle.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_around_it() {
        let middle = Middle::of([30.0, 10.0, 20.0]);
        let expected = Middle {
            median: 20.0,
            spread: 1.0,
        };
        assert_eq!(middle, Some(expected));
        let median = |values: &[f64]| Middle::of(values.iter().copied()).map(|it| it.median);
        assert_eq!(median(&[1.0, 2.0, 3.0, 10.0]), Some(2.5));
        assert_eq!(median(&[4.0]), Some(4.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn ratios_are_taken_side_by_side() {
        // The machine was half as fast the second time, for both.
        assert_eq!(ratio(&[100.0, 50.0, 90.0], &[10.0, 5.0, 10.0]), Some(10.0));
        assert_eq!(ratio(&[1.0], &[0.0]), None);
        assert_eq!(ratio(&[], &[]), None);
    }
}
