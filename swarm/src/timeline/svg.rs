//! The timeline as a picture that needs nothing but itself.

use std::fmt::Write as _;

use super::{Point, Timeline};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 40.0;
/// Lines of the time axis, about.
const TICKS: f64 = 10.0;

/// One line of a panel.
struct Line {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// Panels: who is back and who is held; the level; attempts for each second.
pub(crate) fn draw(title: &str, gateways: u32, timeline: &Timeline) -> String {
    let points = timeline.points();
    let longest = points.last().map_or(1.0, |point| point.seconds.max(1.0));
    let panels = [
        ("gateways", f64::from(gateways), clients(points)),
        ("slices", slices(points), level(points)),
        ("a second", 0.0, attempts(points)),
    ];
    let panels = panels.into_iter().filter(|(_, _, lines)| !lines.is_empty());
    let mut body = String::new();
    let mut top = TOP;
    for (unit, least, lines) in panels {
        // writing to a String cannot fail
        _ = panel(&mut body, unit, least, &lines, top, longest);
        top += PANEL + GAP;
    }
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{top}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{title}</text>\n{body}</svg>\n"
    )
}

fn clients(points: &[Point]) -> Vec<Line> {
    let settled = points
        .iter()
        .map(|point| (point.seconds, f64::from(point.settled)))
        .collect();
    let mut lines = vec![Line {
        name: "settled",
        colour: "#1a7f37",
        points: settled,
    }];
    let held = of_server(points, |server| server.held);
    if !held.is_empty() {
        lines.push(Line {
            name: "held",
            colour: "#bf8700",
            points: held,
        });
    }
    lines
}

fn slices(points: &[Point]) -> f64 {
    let last = points.iter().rev().find_map(|point| point.server.as_ref());
    last.map_or(0.0, |server| f64::from(server.slices))
}

fn level(points: &[Point]) -> Vec<Line> {
    let points = of_server(points, |server| server.level);
    let line = Line {
        name: "level",
        colour: "#0969da",
        points,
    };
    if line.points.is_empty() {
        Vec::new()
    } else {
        vec![line]
    }
}

/// From one point to the next.
fn attempts(points: &[Point]) -> Vec<Line> {
    let rate = |of: fn(&Point) -> u64| -> Vec<(f64, f64)> {
        points
            .windows(2)
            .map(|pair| {
                let more = of(&pair[1]).saturating_sub(of(&pair[0]));
                let seconds = (pair[1].seconds - pair[0].seconds).max(0.001);
                #[allow(clippy::cast_precision_loss)] // a picture
                (pair[1].seconds, more as f64 / seconds)
            })
            .collect()
    };
    vec![
        Line {
            name: "attempts",
            colour: "#8250df",
            points: rate(|point| point.attempts),
        },
        Line {
            name: "handshakes",
            colour: "#cf222e",
            points: rate(|point| point.handshakes),
        },
    ]
}

fn of_server(points: &[Point], of: fn(&crate::status::Status) -> u32) -> Vec<(f64, f64)> {
    points
        .iter()
        .filter_map(|point| Some((point.seconds, f64::from(of(point.server.as_ref()?)))))
        .collect()
}

fn panel(
    body: &mut String,
    unit: &str,
    least: f64,
    lines: &[Line],
    top: f64,
    longest: f64,
) -> std::fmt::Result {
    let values = lines.iter().flat_map(|line| &line.points);
    let most = values.fold(least.max(1.0), |most, (_, value)| most.max(*value));
    let (bottom, right) = (top + PANEL, WIDTH - RIGHT);
    let x = |seconds: f64| LEFT + seconds / longest * (right - LEFT);
    let y = |value: f64| bottom - value / most * PANEL;
    for tick in ticks(longest) {
        let at = x(tick);
        writeln!(
            body,
            "<line x1=\"{at:.1}\" y1=\"{top}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"#eee\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{tick} s</text>",
            bottom + 15.0
        )?;
    }
    writeln!(
        body,
        "<path d=\"M{LEFT} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#666\"/>\
         <text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"end\" fill=\"#666\">{most:.0}</text>\
         <text x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"end\" fill=\"#666\">{unit}</text>",
        LEFT - 5.0,
        top + 10.0,
        top + 25.0
    )?;
    for (at, line) in lines.iter().enumerate() {
        let path: Vec<_> = line
            .points
            .iter()
            .map(|(seconds, value)| format!("{:.1},{:.1}", x(*seconds), y(*value)))
            .collect();
        #[allow(clippy::cast_precision_loss)] // two or three
        let legend = LEFT + 10.0 + 110.0 * at as f64;
        writeln!(
            body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\
             <text x=\"{legend}\" y=\"{:.1}\" fill=\"{}\">{}</text>",
            path.join(" "),
            line.colour,
            top - 5.0,
            line.colour,
            line.name
        )?;
    }
    Ok(())
}

/// Round numbers of seconds.
fn ticks(longest: f64) -> impl Iterator<Item = f64> {
    let step = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0,
    ]
    .into_iter()
    .find(|step| longest / step <= TICKS)
    .unwrap_or(3_600.0);
    (0_u32..)
        .map(move |number| step * f64::from(number))
        .take_while(move |tick| *tick <= longest)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::point;
    use super::*;
    use crate::status::Status;

    fn timeline(server: Option<&Status>) -> Timeline {
        let mut timeline = Timeline::default();
        for (seconds, settled) in [(0.0, 0), (1.0, 40), (20.0, 100)] {
            timeline.add(point(seconds, settled, server.cloned()));
        }
        timeline
    }

    #[test]
    fn the_picture_has_every_line_and_nothing_from_elsewhere() {
        let server = Status {
            level: 128,
            slices: 256,
            held: 60,
            ..Status::default()
        };
        let svg = draw("a <herd> & more", 100, &timeline(Some(&server)));
        for name in ["settled", "held", "level", "attempts", "handshakes"] {
            assert!(svg.contains(&format!(">{name}</text>")), "{name}");
        }
        assert!(svg.contains("a &lt;herd&gt; &amp; more"));
        assert_eq!(svg.matches("<polyline").count(), 5);
        let elsewhere = svg.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http") && !elsewhere.contains("href"));
        // the last of 100 gateways stands at the top right of the first panel
        assert!(svg.contains("880.0,40.0\""), "{svg}");
    }

    #[test]
    fn a_server_that_says_nothing_of_itself_has_no_level() {
        let svg = draw("x", 100, &timeline(None));
        assert!(!svg.contains(">level<") && !svg.contains(">held<"));
        assert_eq!(svg.matches("<polyline").count(), 3);
    }

    #[test]
    fn no_points_make_an_empty_picture() {
        assert!(draw("x", 1, &Timeline::default()).ends_with("</svg>\n"));
    }
}
