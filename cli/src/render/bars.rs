//! Slices filling up, drawn in a bounded number of characters.

use herdgate_admission::progress::PerSlice;

/// Characters in a row of slices.
const COLUMNS: usize = 64;
/// Rows at most: 256 slices have a character each.
const ROWS: usize = 4;
const CLOSED: char = '·';
/// From open and empty to full.
const FILLED: [char; 9] = ['_', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters of a bar of one number.
const BAR: u64 = 40;

/// One row each [`COLUMNS`] characters; each character stands for one slice, or for as many as it takes.
pub(super) fn slices(level: u32, slices: u32, per_slice: Option<&PerSlice>) -> Vec<String> {
    let (level, slices) = (level as usize, slices as usize);
    let each = slices.div_ceil(COLUMNS * ROWS).max(1);
    let cells: Vec<char> = (0..slices)
        .step_by(each)
        .map(|first| {
            let end = (first + each).min(slices);
            if first >= level {
                CLOSED
            } else {
                fill(first, end, per_slice)
            }
        })
        .collect();
    cells
        .chunks(COLUMNS)
        .map(|row| row.iter().collect())
        .collect()
}

/// Without a census nobody knows what full is: then one that is open is full.
fn fill(first: usize, end: usize, per_slice: Option<&PerSlice>) -> char {
    let sum = |counts: &[u32]| -> u64 {
        let part = counts.get(first..end.min(counts.len())).unwrap_or_default();
        part.iter().map(|count| u64::from(*count)).sum()
    };
    let steps = FILLED.len() as u64 - 1;
    let step = match per_slice.map(|per| (sum(&per.entered), sum(&per.expected))) {
        Some((entered, expected)) if expected > 0 => (entered * steps / expected).min(steps),
        _ => steps,
    };
    usize::try_from(step)
        .ok()
        .and_then(|step| FILLED.get(step))
        .copied()
        .unwrap_or(CLOSED)
}

/// `part` of `whole`.
pub(super) fn bar(part: u64, whole: u64) -> String {
    let filled = (part * BAR).checked_div(whole).unwrap_or(0).min(BAR);
    let cell = |at| if at < filled { '█' } else { CLOSED };
    (0..BAR).map(cell).collect()
}
