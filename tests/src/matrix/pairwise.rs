//! Rows that together contain each pair of values of any two columns, computed and the same each time.

/// How many values each column has; a row has an index for each.
pub struct Shape(pub Vec<usize>);

impl Shape {
    /// Every row, the last column fastest.
    pub fn every(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new()];
        for values in &self.0 {
            rows = rows
                .iter()
                .flat_map(|row| (0..*values).map(move |value| [row.as_slice(), &[value]].concat()))
                .collect();
        }
        rows
    }

    /// Takes the row with the most pairs that are still missing, the first of equals, until none is.
    pub fn covering(&self) -> Vec<Vec<usize>> {
        let every = self.every();
        let mut missing: Vec<Pair> = every.iter().flat_map(|row| pairs(row)).collect();
        missing.sort_unstable();
        missing.dedup();
        let mut rows = Vec::new();
        while !missing.is_empty() {
            let gain = |row: &Vec<usize>| {
                let found = |pair| missing.binary_search(pair).is_ok();
                pairs(row).iter().filter(|pair| found(pair)).count()
            };
            // `rev`, because of equals `max_by_key` takes the last
            let Some(best) = every.iter().rev().max_by_key(|row| gain(row)) else {
                break;
            };
            let covered = pairs(best);
            missing.retain(|pair| !covered.contains(pair));
            rows.push(best.clone());
        }
        rows
    }
}

/// Column and value, twice.
type Pair = [(usize, usize); 2];

fn pairs(row: &[usize]) -> Vec<Pair> {
    let at = |column: usize| (column, row[column]);
    (0..row.len())
        .flat_map(|first| (first + 1..row.len()).map(move |second| [at(first), at(second)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_cover_all_pairs() {
        for (columns, at_most) in [
            (vec![2, 3, 3, 2], 10),
            (vec![1, 3, 3, 2], 10),
            (vec![2, 2, 2], 5),
            (vec![3, 1], 3),
        ] {
            let shape = Shape(columns.clone());
            let rows = shape.covering();
            assert!(rows.len() <= at_most, "{columns:?}: {rows:?}");
            for wanted in shape.every().iter().flat_map(|row| pairs(row)) {
                let found = rows.iter().any(|row| pairs(row).contains(&wanted));
                assert!(found, "{columns:?}: {wanted:?} is missing");
            }
            assert_eq!(rows, shape.covering(), "the same each time");
        }
    }
}
