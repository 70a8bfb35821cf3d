//! Amounts as Kubernetes writes them: `500m`, `0.5`, `1Gi`, `1e3`.

/// Largest amount read, in billionths; far above the API server's own bound of 2^63.
const NANO: i128 = 1_000_000_000;

/// Billionths of the unit. `None` when the text is no amount, or finer or larger than Kubernetes keeps.
pub(crate) fn nanos(text: &str) -> Option<i128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    scaled(decimal(number)?, suffix)
}

/// Digits with at most one point, in billionths.
fn decimal(number: &str) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(NANO)?.checked_add(fraction)
}

fn scaled(nanos: i128, suffix: &str) -> Option<i128> {
    if let Some(exponent) = suffix
        .strip_prefix(['e', 'E'])
        .filter(|rest| !rest.is_empty())
    {
        let exponent: i32 = exponent.parse().ok()?;
        return shifted(nanos, exponent);
    }
    let binary = |power: u32| nanos.checked_mul(1_i128 << (10 * power));
    match suffix {
        "n" => shifted(nanos, -9),
        "u" => shifted(nanos, -6),
        "m" => shifted(nanos, -3),
        "" => Some(nanos),
        "k" => shifted(nanos, 3),
        "M" => shifted(nanos, 6),
        "G" => shifted(nanos, 9),
        "T" => shifted(nanos, 12),
        "P" => shifted(nanos, 15),
        "E" => shifted(nanos, 18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => None,
    }
}

/// Times ten to the power of `exponent`; what falls below a billionth is lost.
fn shifted(nanos: i128, exponent: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 {
        nanos.checked_div(factor)
    } else {
        nanos.checked_mul(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts_are_equal() {
        for (left, right) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1k", "1000"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("2E", "2e18"),
            ("+3", "3"),
            ("1000u", "1m"),
        ] {
            assert!(nanos(left).is_some(), "{left}");
            assert_eq!(nanos(left), nanos(right), "{left} {right}");
        }
        assert_ne!(nanos("1G"), nanos("1Gi"));
    }

    #[test]
    fn other_texts_are_no_amounts() {
        for text in [
            "",
            ".",
            "m",
            "-1",
            "1.2.3",
            "1kk",
            "1 Gi",
            "ten",
            "1e",
            "1e99",
            "99999999999999999999999999999Ei",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
