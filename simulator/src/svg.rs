//! A reopening as a picture: who is back, who waits, how far the level is, how often was knocked.

use std::fmt::Write as _;

use herdgate_admission::simulator::{Outcome, Point, Scenario};

use crate::text::law_name;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;
/// Lines across, and marks below.
const GRID: u32 = 5;

/// Of which point, by its place in the timeline.
type Height<'a> = Box<dyn Fn(usize, &Point) -> f64 + 'a>;

/// One line of the picture: its name, its colour, and how high it is at a point, from 0 to 1.
struct Line<'a> {
    name: String,
    colour: &'static str,
    at: Height<'a>,
}

pub(crate) fn picture(scenario: &Scenario, outcome: &Outcome) -> String {
    let points = &outcome.timeline;
    let end = points
        .last()
        .map_or(1.0, |point| point.at.as_secs_f64())
        .max(0.001);
    let mut svg = String::new();
    // writing to a String cannot fail
    _ = frame(&mut svg, scenario, outcome, end);
    for (index, line) in lines(outcome).iter().enumerate() {
        _ = curve(&mut svg, index, line, points, end);
    }
    svg += "</svg>\n";
    svg
}

fn frame(svg: &mut String, scenario: &Scenario, outcome: &Outcome, end: f64) -> std::fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(
        svg,
        r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>"##
    )?;
    let took = outcome.took.map_or_else(
        || format!("{} of {} back", outcome.back, outcome.expected),
        |took| format!("{} back in {:.1} s", outcome.back, took.as_secs_f64()),
    );
    let title = format!("{}, {}: {took}", scenario.name, law_name(scenario.law));
    writeln!(
        svg,
        r#"<text x="{LEFT}" y="28" font-size="16">{}</text>"#,
        escape(&title)
    )?;
    for step in 0..=GRID {
        let part = f64::from(step) / f64::from(GRID);
        let (height, along) = (y(part), x(part));
        writeln!(
            svg,
            r##"<path d="M{LEFT} {height:.1}H{:.1}" stroke="#ddd"/>"##,
            WIDTH - RIGHT
        )?;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{:.0} %</text>"#,
            LEFT - 8.0,
            height + 4.0,
            part * 100.0
        )?;
        writeln!(
            svg,
            r#"<text x="{along:.1}" y="{:.1}" text-anchor="middle">{:.0} s</text>"#,
            HEIGHT - BOTTOM + 20.0,
            part * end
        )?;
    }
    Ok(())
}

fn curve(
    svg: &mut String,
    index: usize,
    line: &Line<'_>,
    points: &[Point],
    end: f64,
) -> std::fmt::Result {
    write!(
        svg,
        r#"<polyline fill="none" stroke-width="2" stroke="{}" points=""#,
        line.colour
    )?;
    for (at, point) in points.iter().enumerate() {
        write!(
            svg,
            "{:.1},{:.1} ",
            x(point.at.as_secs_f64() / end),
            y((line.at)(at, point))
        )?;
    }
    writeln!(svg, r#""/>"#)?;
    let below = TOP + 20.0 * f64::from(u32::try_from(index).unwrap_or(0));
    let beside = WIDTH - RIGHT + 12.0;
    writeln!(
        svg,
        r#"<text x="{beside}" y="{below}" fill="{}">{}</text>"#,
        line.colour,
        escape(&line.name)
    )
}

fn lines(outcome: &Outcome) -> Vec<Line<'_>> {
    let clients = outcome.expected.max(1);
    let slices = outcome.slices.max(1);
    let waiting = outcome
        .timeline
        .iter()
        .map(|point| point.held + point.door)
        .max()
        .unwrap_or(0)
        .max(1);
    let settling = outcome
        .timeline
        .iter()
        .map(|point| point.settling)
        .max()
        .unwrap_or(0)
        .max(1);
    let knocks = knocks(&outcome.timeline);
    let most = knocks.iter().copied().fold(1.0, f64::max);
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    vec![
        Line {
            name: format!("back (of {clients})"),
            colour: "#1a7f37",
            at: Box::new(move |_, point| share(point.back, clients)),
        },
        Line {
            name: format!("level (of {slices})"),
            colour: "#0550ae",
            at: Box::new(move |_, point| share(point.level, slices)),
        },
        Line {
            name: format!("waiting (of {waiting})"),
            colour: "#bc4c00",
            at: Box::new(move |_, point| share(point.held + point.door, waiting)),
        },
        Line {
            name: format!("settling (of {settling})"),
            colour: "#8250df",
            at: Box::new(move |_, point| share(point.settling, settling)),
        },
        Line {
            name: format!("knocks/s (of {most:.0})"),
            colour: "#999999",
            at: Box::new(move |at, _| knocks[at] / most),
        },
    ]
}

/// Arrivals a second, since the point before.
#[allow(clippy::cast_precision_loss)] // of a picture
fn knocks(points: &[Point]) -> Vec<f64> {
    let mut before = (0.0, 0);
    points
        .iter()
        .map(|point| {
            let (at, arrivals) = (point.at.as_secs_f64(), point.arrivals);
            let rate = (arrivals - before.1) as f64 / (at - before.0).max(0.001);
            let is_first = before == (0.0, 0);
            before = (at, arrivals);
            // what came before the first look has no rate
            if is_first { 0.0 } else { rate }
        })
        .collect()
}

fn x(part: f64) -> f64 {
    LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

fn y(part: f64) -> f64 {
    HEIGHT - BOTTOM - part.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_every_line_and_escapes_the_name() {
        let mut scenario = Scenario::founding();
        scenario.name = "a < b & c".to_owned();
        scenario.herd.clients = 200;
        let svg = picture(&scenario, &scenario.run().unwrap());
        assert_eq!(svg.matches("<polyline").count(), 5);
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("back (of 200)"));
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
    }
}
