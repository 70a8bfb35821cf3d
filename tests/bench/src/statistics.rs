//! Few values, none of them thrown away.

/// The middle and both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self {
            median: f64::midpoint(lower, upper),
            least: *values.first()?,
            most: *values.last()?,
        })
    }
}

/// Where the mean of more such values would lie, 19 times in 20.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Interval {
    /// By Student's t; `None` of fewer than two.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        /// 0.975 quantiles for 1, 2, ... degrees of freedom.
        const T: [f64; 20] = [
            12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
            2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        ];
        #[allow(clippy::cast_precision_loss)] // a few rounds
        let count = values.len() as f64;
        let freedom = values.len().checked_sub(2)?;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (count - 1.0) / count).sqrt();
        // beyond the table it only falls
        let t = T[freedom.min(T.len() - 1)];
        Some(Self {
            mean,
            from: mean - t * error,
            to: mean + t * error,
        })
    }
}

/// The value that `share` of all are not above; 0 of nothing.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    // counts of samples are far below what an f64 holds exactly
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    let rank = (values.len() as f64 * share).ceil() as usize;
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            spread,
            Some(Spread {
                median: 2.5,
                least: 1.0,
                most: 4.0
            })
        );
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([7.0]).map(|it| it.median), Some(7.0));
    }

    #[test]
    fn an_interval_is_wide_for_few_and_narrow_for_equal_values() {
        let of = |values: &[f64]| Interval::of(values).unwrap();
        assert_eq!(Interval::of(&[1.0]), None);
        assert!((of(&[1.0, 1.0, 1.0]).to - 1.0).abs() < 1e-12);
        // mean 2, deviation 1, three values: 2 ± 4.303 / √3
        let interval = of(&[1.0, 2.0, 3.0]);
        assert!((interval.mean - 2.0).abs() < 1e-9);
        assert!((interval.to - 4.484).abs() < 0.001, "{interval:?}");
        assert!((interval.from + 0.484).abs() < 0.001, "{interval:?}");
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let found = [
            quantile(&mut values, 0.99),
            quantile(&mut values, 0.5),
            quantile(&mut [], 0.5),
        ];
        assert_eq!(found.map(f64::to_bits), [99.0, 50.0, 0.0].map(f64::to_bits));
    }
}
