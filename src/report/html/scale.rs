//! The axes of the plots: their units, steps and labels.
//!
//! Owns how a figure becomes a place on an axis; draws nothing.

use kuva::DateTimeAxis;

use crate::report::plan::Unit;

/// How a signal is brought onto its axis.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    unit: Unit,
    /// One step of the axis, in the unit of the axis.
    pub(super) step: f64,
    /// Its highest value.
    pub(super) top: f64,
    divisor: f64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    pub(super) fn of(unit: Unit, highest: u64) -> Scale {
        let divisor = match unit {
            Unit::Sessions | Unit::PerSecond => 1.0,
            Unit::Milliseconds if highest >= 120_000 => 60_000.0,
            Unit::Milliseconds | Unit::Microseconds => 1_000.0,
            Unit::Bytes => (0..6)
                .map(|power| 1_024_f64.powi(power))
                .take_while(|size| *size <= highest.max(1) as f64)
                .last()
                .unwrap_or(1.0),
        };
        let most = (highest as f64 / divisor * 1.12).max(f64::MIN_POSITIVE);
        let rough = most / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|step| step * power);
        let whole = matches!(unit, Unit::Sessions | Unit::PerSecond);
        let step =
            nice.filter(|step| !whole || step.fract() == 0.0).find(|step| *step >= rough).unwrap_or(power);
        let step = if whole { step.max(1.0).ceil() } else { step };
        Scale { unit, step, top: (most / step).ceil() * step, divisor }
    }

    #[expect(clippy::cast_precision_loss, reason = "pixels")]
    pub(super) fn down(self, value: u64) -> f64 {
        value as f64 / self.divisor
    }

    pub(super) fn tick(self, value: f64) -> String {
        let number = format!("{value:.2}");
        let number = number.trim_end_matches('0').trim_end_matches('.');
        let unit = match self.unit {
            Unit::Sessions => "",
            Unit::PerSecond => "/s",
            Unit::Milliseconds if self.divisor > 1_000.0 => " min",
            Unit::Milliseconds => " s",
            Unit::Microseconds => " ms",
            Unit::Bytes => {
                let units = ["B", "kB", "MB", "GB", "TB", "PB"];
                let power = (0..6).rev().find(|power| 1_024_f64.powi(*power) <= self.divisor).unwrap_or(0);
                return format!("{number} {}", units[usize::try_from(power).unwrap_or(0)]);
            }
        };
        format!("{number}{unit}")
    }
}

/// Ticks of a time axis that is `ms` long: as many as have room.
pub(super) fn axis(ms: u64, width: f64) -> DateTimeAxis {
    let most = if width > 600.0 { 10 } else { 4 };
    let fits = |step_s: u64| ms / 1_000 / step_s <= most;
    for step in [1, 2, 5, 10, 15, 30] {
        if fits(step) {
            return DateTimeAxis {
                unit: kuva::DateUnit::Second,
                step: usize::try_from(step).unwrap_or(1),
                format: "%H:%M:%S".to_owned(),
            };
        }
    }
    for step in [1, 2, 5, 10, 15, 30] {
        if fits(step * 60) {
            return DateTimeAxis {
                unit: kuva::DateUnit::Minute,
                step: usize::try_from(step).unwrap_or(1),
                format: "%H:%M".to_owned(),
            };
        }
    }
    for step in [1, 2, 3, 6, 12] {
        if fits(step * 3_600) {
            return DateTimeAxis {
                unit: kuva::DateUnit::Hour,
                step: usize::try_from(step).unwrap_or(1),
                format: "%H:%M".to_owned(),
            };
        }
    }
    DateTimeAxis::days("%m-%d")
}
