//! Times of equal runs, and what is said about them.

/// Some times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    samples: Vec<f64>,
}

impl Series {
    /// Of these times.
    #[must_use]
    pub fn new(samples: Vec<f64>) -> Series {
        Series { samples }
    }

    /// One more.
    pub fn push(&mut self, ns: f64) {
        self.samples.push(ns);
    }

    /// All of them, as they came.
    #[must_use]
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The time below which the share `part` of the samples lies, between samples interpolated.
    fn quantile(&self, part: f64) -> f64 {
        let sorted = self.sorted();
        let Some(last) = sorted.len().checked_sub(1) else {
            return 0.0;
        };
        let place = part * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
    }

    /// The middle time.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The shortest time.
    #[must_use]
    pub fn best(&self) -> f64 {
        self.quantile(0.0)
    }

    /// Half the distance between the quartiles, as a share of the median: half of the samples are
    /// about this near.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let median = self.median();
        if median <= 0.0 {
            return 0.0;
        }
        (self.quantile(0.75) - self.quantile(0.25)) / 2.0 / median
    }
}

/// A time with a unit that suits it.
#[must_use]
pub fn time_text(ns: f64) -> String {
    let (value, unit) = match ns {
        _ if ns >= 1e9 => (ns / 1e9, "s"),
        _ if ns >= 1e6 => (ns / 1e6, "ms"),
        _ if ns >= 1e3 => (ns / 1e3, "µs"),
        _ => (ns, "ns"),
    };
    let digits = match value {
        _ if value >= 100.0 => 1,
        _ if value >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_spread() {
        let series = Series::new(vec![30.0, 10.0, 20.0, 50.0, 40.0]);
        assert_eq!(series.median(), 30.0);
        assert_eq!(series.best(), 10.0);
        assert!((series.spread() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(Series::new(vec![1.0, 3.0]).median(), 2.0);
        assert_eq!(Series::default().median(), 0.0);
        assert_eq!(Series::default().spread(), 0.0);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time_text(1_234_567_890.0), "1.235 s");
        assert_eq!(time_text(12_345_678.0), "12.35 ms");
        assert_eq!(time_text(123_456.0), "123.5 µs");
        assert_eq!(time_text(950.0), "950.0 ns");
    }
}
