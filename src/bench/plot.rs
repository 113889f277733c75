//! A report as a picture: the warm-up curve beside the interpreter's time, as SVG.

use std::fmt::Write;

use super::Report;
use super::series::{Series, time_text};
use super::table::count;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// The area of the curves: left, top, right, bottom.
const AREA: (f64, f64, f64, f64) = (90.0, 70.0, 700.0, 350.0);
/// Lines across the area, about.
const GRID: f64 = 4.0;

/// Colours that can also be told apart without red and green.
const INTERPRETER: &str = "#d55e00";
const JIT: &str = "#0072b2";
const EARLIER: &str = "#999999";

struct Plot {
    out: String,
    top_ns: f64,
    runs: usize,
}

/// The picture; `earlier` is drawn in grey.
#[must_use]
pub fn render(report: &Report, earlier: Option<&Report>) -> String {
    let mut plot = Plot {
        out: String::new(),
        top_ns: highest(report).max(earlier.map_or(0.0, highest)) * 1.08,
        runs: report
            .jit
            .as_ref()
            .map_or(1, |jit| jit.warm_up.len())
            .max(2),
    };
    let _ = writeln!(
        plot.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>"
    );
    plot.text(20.0, 28.0, "start", 16, "black", &report.title());
    plot.text(20.0, 48.0, "start", 12, "#444444", &summary(report));
    plot.axes(report.jit.is_some());
    if let Some(earlier) = earlier {
        plot.curves(earlier, EARLIER, EARLIER);
        plot.text(AREA.2, 48.0, "end", 12, EARLIER, "grey: the earlier result");
    }
    plot.curves(report, INTERPRETER, JIT);
    plot.legend(report);
    plot.out.push_str("</svg>\n");
    plot.out
}

/// The longest median in a report.
fn highest(report: &Report) -> f64 {
    let curve = report.jit.iter().flat_map(|jit| &jit.warm_up);
    let rows = report.rows().into_iter().map(|(_, series)| series);
    curve.chain(rows).map(Series::median).fold(1.0, f64::max)
}

fn summary(report: &Report) -> String {
    let Some(jit) = &report.jit else {
        return format!("{} rounds; interpreter only", report.rounds);
    };
    let steady = jit.steady.median();
    let faster = match steady > 0.0 {
        true => report.interpreter.median() / steady,
        false => 0.0,
    };
    format!(
        "{} rounds; {faster:.2} × as fast when warm; {} and {}, {} bytes, compiled in {}",
        report.rounds,
        count(jit.compiled.functions, "cell"),
        count(jit.compiled.loops, "loop"),
        jit.compiled.code_bytes,
        time_text(jit.compiled.compile_ns as f64)
    )
}

/// The next larger 1, 2 or 5 times a power of ten.
fn round_step(ns: f64) -> f64 {
    let power = 10_f64.powf(ns.max(1.0).log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors.into_iter().find(|f| f * power >= ns);
    factor.unwrap_or(10.0) * power
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

impl Plot {
    /// Where run `run`, from 0, stands.
    fn x(&self, run: usize) -> f64 {
        AREA.0 + (AREA.2 - AREA.0) * (run as f64 + 0.5) / self.runs as f64
    }

    fn y(&self, ns: f64) -> f64 {
        AREA.3 - (AREA.3 - AREA.1) * ns / self.top_ns
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, size: u32, color: &str, text: &str) {
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
             fill=\"{color}\">{}</text>",
            escape(text)
        );
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let _ = writeln!(
            self.out,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
            from.0, from.1, to.0, to.1
        );
    }

    fn axes(&mut self, with_runs: bool) {
        let step = round_step(self.top_ns / GRID);
        let lines = (self.top_ns / step).floor() as usize;
        for n in 0..=lines {
            let ns = step * n as f64;
            let y = self.y(ns);
            let (color, label) = match n {
                0 => ("black", "0".to_owned()),
                _ => ("#dddddd", time_text(ns)),
            };
            self.line((AREA.0, y), (AREA.2, y), &format!("stroke=\"{color}\""));
            self.text(AREA.0 - 8.0, y + 4.0, "end", 12, "black", &label);
        }
        if with_runs {
            for run in 0..self.runs {
                let x = self.x(run);
                self.text(
                    x,
                    AREA.3 + 18.0,
                    "middle",
                    12,
                    "black",
                    &(run + 1).to_string(),
                );
            }
            let middle = (AREA.0 + AREA.2) / 2.0;
            let label = "run of a freshly loaded program";
            self.text(middle, AREA.3 + 36.0, "middle", 12, "black", label);
        }
    }

    /// The band between a way's best and worst time across the area, and a line at its median.
    fn level(&mut self, series: &Series, color: &str, dashes: &str) {
        let median = series.median();
        let (low, high) = (
            median * (1.0 - series.spread()),
            median * (1.0 + series.spread()),
        );
        let (top, bottom) = (self.y(high.min(self.top_ns)), self.y(low));
        let _ = writeln!(
            self.out,
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{color}\" \
             opacity=\"0.15\"/>",
            AREA.0,
            AREA.2 - AREA.0,
            (bottom - top).max(1.0)
        );
        let y = self.y(median);
        let style = format!("stroke=\"{color}\" stroke-width=\"1.5\" {dashes}");
        self.line((AREA.0, y), (AREA.2, y), &style);
    }

    fn curves(&mut self, report: &Report, interpreter: &str, jit_color: &str) {
        self.level(&report.interpreter, interpreter, "");
        let Some(jit) = &report.jit else {
            return;
        };
        self.level(&jit.steady, jit_color, "stroke-dasharray=\"5 4\"");
        let runs = jit.warm_up.iter().take(self.runs).enumerate();
        let points: Vec<(f64, f64, f64)> = runs
            .map(|(run, series)| (self.x(run), self.y(series.median()), series.median()))
            .collect();
        let path: Vec<String> = points
            .iter()
            .map(|p| format!("{:.1},{:.1}", p.0, p.1))
            .collect();
        let _ = writeln!(
            self.out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{jit_color}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for (x, y, ns) in points {
            let _ = writeln!(
                self.out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{jit_color}\">\
                 <title>{}</title></circle>",
                escape(&time_text(ns))
            );
        }
    }

    fn legend(&mut self, report: &Report) {
        let y = HEIGHT - 14.0;
        let text = format!("— interpreter, {}", time_text(report.interpreter.median()));
        self.text(AREA.0, y, "start", 12, INTERPRETER, &text);
        if let Some(jit) = &report.jit {
            let steady = time_text(jit.steady.median());
            let text = format!("•– becoming warm, - - warm, {steady}");
            self.text(AREA.0 + 230.0, y, "start", 12, JIT, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Jit;

    #[test]
    fn names_are_escaped_and_all_runs_have_a_point() {
        let report = Report {
            file: "a<b>&c.lm".into(),
            interpreter: Series::new(vec![10.0, 11.0, 12.0]),
            jit: Some(Jit {
                warm_up: vec![Series::new(vec![5.0]); 4],
                steady: Series::new(vec![2.0]),
                ..Jit::default()
            }),
            ..Report::default()
        };
        let text = render(&report, Some(&report));
        assert!(text.contains("a&lt;b&gt;&amp;c.lm"), "{text}");
        assert_eq!(text.matches("<circle").count(), 8);
        assert_eq!(
            (round_step(1.5e7), round_step(3e3), round_step(0.0)),
            (2e7, 5e3, 1.0)
        );
        assert!(text.starts_with("<svg") && text.ends_with("</svg>\n"));
    }
}
