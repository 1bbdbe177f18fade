//! When a plan will end, as far as its author told how long its steps take.
//!
//! Owns that sum. A backfill goes on only while a window is open; every other step starts in one and runs through.
//! What people answer and how long locks are waited for is not in it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Compiled;
use crate::engine::plan::Work;

/// When a plan will end if it begins now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// When its first step may start, microseconds since 1970 UTC; `None` when no window is known.
    pub begins_utc_us: Option<i64>,
    /// When its last step ends; `None` when the windows that are known have not so much time.
    pub ends_utc_us: Option<i64>,
    /// Steps that do not say how long they take, by id.
    pub silent: Vec<String>,
    /// Some step says how long it takes.
    pub is_told: bool,
    now_utc_us: i64,
    tz: String,
}

impl Outlook {
    /// The outlook of a plan that begins at `utc_us`.
    pub fn of(compiled: &Compiled, utc_us: i64) -> Outlook {
        let plan = &compiled.plan;
        let mut at = Some(utc_us);
        let mut silent = Vec::new();
        let mut is_told = false;
        for (step, wishes) in plan.steps.iter().zip(&compiled.wishes) {
            let soak_ms = match &step.work {
                Work::Gate(gate) => gate.soak_ms,
                _ => None,
            };
            let Some(takes_ms) = wishes.expect_ms.or(soak_ms) else {
                silent.push(step.id.clone());
                continue;
            };
            is_told = true;
            let takes_us = i64::try_from(takes_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
            at = at.and_then(|at| match step.work {
                Work::Backfill { .. } => plan.ends(at, takes_us),
                _ => plan.opens(at)?.checked_add(takes_us),
            });
        }
        Outlook {
            begins_utc_us: plan.opens(utc_us),
            ends_utc_us: at,
            silent,
            is_told,
            now_utc_us: utc_us,
            tz: compiled.tz.clone(),
        }
    }

    /// `3.8 days, ends Tue 04:10 Europe/Berlin`, and what is not in it.
    pub fn sentence(&self) -> String {
        let Some(begins) = self.begins_utc_us else {
            return format!("no step may start within {} days: look at the windows", super::DAYS_AHEAD);
        };
        let mut said = match self.ends_utc_us {
            _ if !self.is_told => "how long it takes is not known".to_owned(),
            Some(ends) => format!("{}, ends {}", span(ends - self.now_utc_us), self.clock(ends)),
            None => format!("its windows within {} days have not enough time", super::DAYS_AHEAD),
        };
        if begins > self.now_utc_us {
            said = format!("begins {}; {said}", self.clock(begins));
        }
        match &self.silent[..] {
            [] => {}
            silent => {
                said += &format!(" (without what takes a time that is not told: {})", silent.join(", "))
            }
        }
        said
    }

    /// A time as a clock in the plan's time zone has it, with the date where a weekday says too little.
    fn clock(&self, utc_us: i64) -> String {
        /// Six days: a weekday names one day.
        const NEAR_US: i64 = 6 * 86_400_000_000;
        let zone = TimeZone::get(&self.tz).unwrap_or(TimeZone::UTC);
        let Ok(time) = Timestamp::from_microsecond(utc_us) else {
            return "at a time that is not known".to_owned();
        };
        let is_near = utc_us - self.now_utc_us < NEAR_US;
        let format = if is_near { "%a %H:%M" } else { "%a %Y-%m-%d %H:%M" };
        format!("{} {}", time.to_zoned(zone).strftime(format), self.tz)
    }
}

/// A span of time in words, with one decimal.
fn span(us: i64) -> String {
    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let (unit, name) = match us {
        DAY.. => (DAY, "days"),
        HOUR.. => (HOUR, "hours"),
        _ => (MINUTE, "minutes"),
    };
    let tenths = (us * 10 + unit / 2) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
