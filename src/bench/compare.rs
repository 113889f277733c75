//! Two reports side by side: what changed by more than chance.

use super::Report;

/// Differences below this share are never called a change: machines are not that steady from one
/// day to the next.
const NOISE_MIN: f64 = 0.02;

/// One way's time before and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The way.
    pub name: &'static str,
    /// Its median before, in nanoseconds.
    pub before: f64,
    /// And now.
    pub now: f64,
    /// How many times as long the best run takes now as the best one did.
    pub best_ratio: f64,
    /// The share by which medians may differ by chance.
    pub noise: f64,
}

impl Change {
    /// How many times as long it takes now.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.before > 0.0 {
            self.now / self.before
        } else {
            1.0
        }
    }

    /// `faster`, `slower`, or `same` when the difference may be chance. A machine that is busy
    /// while it measures moves the median, but hardly the best run: both must have changed.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        let (median, best) = (self.ratio(), self.best_ratio);
        let less = |ratio: f64, noise: f64| ratio * (1.0 + noise) < 1.0;
        if less(median, self.noise) && less(best, NOISE_MIN) {
            "faster"
        } else if median > 1.0 + self.noise && best > 1.0 + NOISE_MIN {
            "slower"
        } else {
            "same"
        }
    }
}

/// What changed in the ways that both reports have.
#[must_use]
pub fn changes(before: &Report, now: &Report) -> Vec<Change> {
    let old = before.rows();
    let mut found = Vec::new();
    for (name, series) in now.rows() {
        let Some((_, earlier)) = old.iter().find(|(n, _)| *n == name) else {
            continue;
        };
        // Independent errors add as squares.
        let noise = earlier.spread().hypot(series.spread()).max(NOISE_MIN);
        found.push(Change {
            name,
            before: earlier.median(),
            now: series.median(),
            best_ratio: match earlier.best() {
                best if best > 0.0 => series.best() / best,
                _ => 1.0,
            },
            noise,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::series::Series;

    fn report(samples: &[f64]) -> Report {
        Report {
            interpreter: Series::new(samples.to_vec()),
            ..Report::default()
        }
    }

    #[test]
    fn only_what_is_beyond_the_spread_is_a_change() {
        let verdict = |a: &[f64], b: &[f64]| changes(&report(a), &report(b))[0].verdict();
        assert_eq!(verdict(&[100.0; 5], &[101.0; 5]), "same");
        assert_eq!(verdict(&[100.0; 5], &[110.0; 5]), "slower");
        assert_eq!(verdict(&[110.0; 5], &[100.0; 5]), "faster");
        // The best runs were equal: the machine had other things to do.
        assert_eq!(
            verdict(&[100.0; 5], &[100.0, 130.0, 131.0, 130.0, 132.0]),
            "same"
        );
        let wide = [80.0, 90.0, 100.0, 110.0, 120.0];
        assert_eq!(verdict(&wide, &[108.0; 5]), "same");
        assert_eq!(verdict(&wide, &[150.0; 5]), "slower");
    }
}
