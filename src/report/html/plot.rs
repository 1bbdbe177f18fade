//! The plots, as inline SVG.
//!
//! Owns which signals share a plot and how they look. Drawn by `kuva`, which writes texts as texts and takes
//! colours as CSS: they are variables of the page, so that one picture is right in light, dark and print. A
//! line is never drawn through what was not seen; such times are hatched. Each plot is drawn twice, for wide
//! and for narrow screens, and the style sheet shows one of them.

use std::cell::Cell;
use std::sync::Arc;

use kuva::backend::svg::SvgBackend;
use kuva::plot::LinePlot;
use kuva::render::annotations::{ReferenceLine, ShadedRegion};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, TextAnchor, render_multiple};
use kuva::render::theme::Theme;
use maud::{Markup, PreEscaped, html};

use super::scale::{Scale, axis};
use crate::report::plan::{Signal, Unit};
use crate::report::series::unseen;
use crate::report::story::{Kind, LimitLine, Series, Story, Window};
use crate::report::times::{Clock, signed};
use crate::report::words;

/// What a plot shows: its signals, the first one filled, and the guardrail whose limit belongs to it.
struct Panel {
    title: &'static str,
    signals: [Option<Signal>; 2],
    limit: Option<&'static str>,
    /// It is shown around trips too, not only for the whole flight.
    around: bool,
}

const PANELS: [Panel; 6] = [
    Panel {
        title: "Sessions that wait",
        signals: [Some(Signal::Victims), Some(Signal::Waiting)],
        limit: Some("queue_depth"),
        around: true,
    },
    Panel {
        title: "Longest wait",
        signals: [Some(Signal::OldestVictim), Some(Signal::OldestWait)],
        limit: Some("queue_age"),
        around: true,
    },
    Panel {
        title: "Transactions per second",
        signals: [Some(Signal::Commits), Some(Signal::Rollbacks)],
        limit: None,
        around: true,
    },
    Panel { title: "Replication lag", signals: [Some(Signal::ReplayLag), None], limit: None, around: true },
    Panel {
        title: "Sessions",
        signals: [Some(Signal::Active), Some(Signal::Connections)],
        limit: None,
        around: false,
    },
    Panel { title: "Cost of looking", signals: [Some(Signal::SampleCost), None], limit: None, around: false },
];

/// What the plots of the whole flight are called.
const WHOLE: &str = "over the whole flight";

/// A vertical line with a name.
struct Marker {
    at_ms: i64,
    label: String,
    colour: &'static str,
}

/// What all plots of a page share.
pub(super) struct Plots {
    markers: Vec<Marker>,
    drawn: Cell<u32>,
}

impl Plots {
    pub(super) fn of(story: &Story) -> Plots {
        let trips = story.trips.iter().enumerate().map(|(index, trip)| Marker {
            at_ms: signed(trip.at_ms),
            label: format!("T{}", index + 1),
            colour: "var(--bad)",
        });
        let remarks = story.timeline.iter().filter(|entry| entry.kind == Kind::Remark);
        let remarks = remarks.enumerate().map(|(index, entry)| Marker {
            at_ms: entry.at_ms,
            label: format!("R{}", index + 1),
            colour: "var(--note)",
        });
        let orders = story.timeline.iter().filter(|entry| entry.kind == Kind::Command);
        let orders =
            orders.map(|entry| Marker { at_ms: entry.at_ms, label: String::new(), colour: "var(--dim)" });
        let mut markers: Vec<Marker> = trips.chain(remarks).chain(orders).collect();
        markers.sort_by_key(|marker| marker.at_ms);
        Plots { markers, drawn: Cell::new(0) }
    }

    /// The plots around one moment.
    pub(super) fn around(&self, clock: &Clock, window: &Window, what: &str) -> Markup {
        let panels = PANELS.iter().filter(|panel| panel.around);
        html! { @for panel in panels { (self.panel(clock, window, panel, what)) } }
    }

    /// The plots of the whole flight; `is_shown` when those around one moment show all of it.
    pub(super) fn whole(&self, clock: &Clock, window: &Window, is_shown: bool) -> Markup {
        html! {
            p.small {
                "T1, T2, ... are trips and R1, R2, ... remarks that were added afterwards; a line without a name is an order. "
                span.key.gap {} "hatched: nothing was seen. Without a line and without a hatch the figure did not exist, such as victims without work under guard."
            }
            @if is_shown {
                p.small { "The plots above show the whole flight; here is the rest of it." }
            }
            @for panel in PANELS.iter().filter(|panel| !(is_shown && panel.around)) {
                (self.panel(clock, window, panel, WHOLE))
            }
        }
    }

    fn panel(&self, clock: &Clock, window: &Window, panel: &Panel, what: &str) -> Markup {
        let of = |signal: Signal| window.series.iter().find(|series| series.signal == signal);
        let all: Vec<&Series> = panel.signals.into_iter().flatten().filter_map(of).collect();
        let highest = all.iter().filter_map(|series| words::extent(series)).map(|(_, highest)| highest).max();
        let Some(highest) = highest else {
            let names: Vec<&str> = panel.signals.into_iter().flatten().map(words::signal).collect();
            return html! {
                p.small { strong { (panel.title) } " " (what) ": " span.dim { (names.join(" and ")) ": not measured in this time" } }
            };
        };
        let limit = panel.limit.and_then(|name| window.limits.iter().find(|limit| limit.guardrail == name));
        // A limit far above everything would press the line to the floor.
        let drawn = limit.filter(|limit| limit.limit <= highest.saturating_mul(4).max(4));
        let unit = all.first().map_or(Unit::Sessions, |series| series.unit);
        let caption = html! {
            strong { (panel.title) } " " (what)
            @for (index, series) in all.iter().enumerate() {
                @match words::extent(series) {
                    Some((low, high)) => {
                        span class={ "key" (if index == 0 { "" } else { " second" }) } {}
                        (words::signal(series.signal)) span.dim { " (" (span_words(unit, low, high)) ")" }
                    },
                    None => span.dim { "; " (words::signal(series.signal)) ": not known in this time" },
                }
            }
            @if let Some(limit) = limit {
                @if drawn.is_some() { span.key.limit {} } @else { "; " }
                (if what == WHOLE { "last limit " } else { "limit " }) (words::amount(unit, limit.limit)) @if drawn.is_none() { ", above the plot" }
            }
        };
        let label = format!("{} {what}", panel.title);
        let picture =
            Picture { clock, window, all: &all, unit, highest, limit: drawn, markers: &self.markers };
        html! {
            figure {
                figcaption { (caption) }
                (PreEscaped(self.svg(&picture, 1_000.0, "wide", &label)))
                (PreEscaped(self.svg(&picture, 380.0, "narrow", &label)))
            }
        }
    }

    /// One picture. Everything in it is ours: no text of a server or a user gets here.
    fn svg(&self, picture: &Picture<'_>, width: f64, class: &str, label: &str) -> String {
        let height = if class == "wide" { 210.0 } else { 190.0 };
        let scene = picture.scene(width, height);
        let svg = SvgBackend::new().render_scene(&scene);
        // Identifiers are those of the whole page, not of one picture.
        let number = self.drawn.replace(self.drawn.get() + 1);
        let svg = svg.replace("kuva-clip-", &format!("clip-{number}-"));
        let head = format!(
            "<svg class=\"{class}\" role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {width} {height}\""
        );
        match svg.split_once(" width=") {
            Some((_, rest)) => format!("{head} width={rest}"),
            None => svg,
        }
    }
}

/// The hatch of times that were not seen, for all plots of a page.
pub(super) fn patterns() -> Markup {
    html! {
        svg width="0" height="0" style="position:absolute" aria-hidden="true" {
            defs {
                pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line x1="0" y1="0" x2="0" y2="7" stroke="var(--gap)" stroke-width="2" {}
                }
            }
        }
    }
}

/// What one picture is drawn from.
struct Picture<'a> {
    clock: &'a Clock,
    window: &'a Window,
    all: &'a [&'a Series],
    unit: Unit,
    highest: u64,
    limit: Option<&'a LimitLine>,
    markers: &'a [Marker],
}

impl Picture<'_> {
    fn scene(&self, width: f64, height: f64) -> kuva::render::render::Scene {
        let scale = Scale::of(self.unit, self.highest.max(self.limit.map_or(0, |limit| limit.limit)));
        let mut plots = Vec::new();
        for (index, series) in self.all.iter().enumerate().rev() {
            for run in runs(series) {
                let points: Vec<(f64, f64)> =
                    run.iter().map(|(at, value)| (self.clock.axis(*at), scale.down(*value))).collect();
                plots.push(Plot::Line(line(points, index == 0)));
            }
        }
        let (from, until) = (self.window.from_ms, self.window.until_ms.max(self.window.from_ms + 1_000));
        let theme = Theme {
            background: "none".into(),
            axis_color: "var(--dim)".into(),
            grid_color: "var(--line)".into(),
            tick_color: "var(--dim)".into(),
            text_color: "var(--ink)".into(),
            ..Theme::light()
        };
        let (left, right) = (62.0, 32.0);
        let scaled = Arc::new(move |value: f64| scale.tick(value));
        let mut layout = Layout::auto_from_plots(&plots)
            .with_width(width)
            .with_height(height)
            .with_theme(theme)
            .with_font_family("system-ui, sans-serif")
            .with_tick_size(13)
            .with_force_margins(left, right)
            .with_force_margins_y(20.0, 30.0)
            .with_x_axis_min(self.clock.axis(from))
            .with_x_axis_max(self.clock.axis(until))
            .with_y_axis_min(0.0)
            .with_y_axis_max(scale.top)
            .with_y_tick_step(scale.step)
            .with_y_tick_format(TickFormat::Custom(scaled))
            .with_x_datetime(axis(until - from, width));
        for (start, end) in unseen(self.window) {
            let region = ShadedRegion::vertical(self.clock.axis(start), self.clock.axis(end));
            layout = layout.with_shaded_region(region.with_color("url(#hatch)").with_opacity(0.9));
        }
        if let Some(limit) = self.limit {
            let label = format!("limit {}", words::amount(self.unit, limit.limit));
            let line = ReferenceLine::horizontal(scale.down(limit.limit)).with_color("var(--bad)");
            layout = layout.with_reference_line(line.with_stroke_width(1.5).with_label(label));
        }
        // Names that would lie upon each other are left away: their lines stand.
        #[expect(clippy::cast_precision_loss, reason = "pixels")]
        let ms_per_pixel = (until - from) as f64 / (width - left - right);
        let mut named_until = i64::MIN;
        for marker in self.markers {
            if marker.at_ms < signed(from) || marker.at_ms > signed(until) {
                continue;
            }
            let at = self.clock.axis(marker.at_ms.unsigned_abs());
            let mut line = ReferenceLine::vertical(at).with_color(marker.colour).with_stroke_width(1.5);
            line = line.with_dasharray(if marker.label.is_empty() { "2 4" } else { "none" });
            if !marker.label.is_empty() && marker.at_ms >= named_until {
                line = line.with_label(marker.label.clone());
                #[expect(clippy::cast_possible_truncation, reason = "pixels")]
                let room_ms = (ms_per_pixel * 26.0) as i64;
                named_until = marker.at_ms.saturating_add(room_ms);
            }
            layout = layout.with_reference_line(line);
        }
        let mut scene = render_multiple(plots, layout);
        // The first tick may stand before the axis begins, where it would be cut off.
        scene.elements.retain(|element| match element {
            Primitive::Text { x, anchor: TextAnchor::Middle, rotate: None, .. } => *x >= left - 1.0,
            Primitive::Line { x1, x2, .. } => x1.max(*x2) >= left - 1.0,
            _ => true,
        });
        scene
    }
}

fn line(points: Vec<(f64, f64)>, is_first: bool) -> LinePlot {
    let line = LinePlot::new().with_data(points);
    if is_first {
        line.with_color("var(--fill)").with_stroke_width(2.0).with_fill().with_fill_opacity(0.18)
    } else {
        line.with_color("var(--ink)").with_stroke_width(1.2).with_dashed()
    }
}

/// `0 to 32 sessions`.
fn span_words(unit: Unit, low: u64, high: u64) -> String {
    if low == high {
        return words::amount(unit, high);
    }
    let lowest = if unit == Unit::Sessions { low.to_string() } else { words::amount(unit, low) };
    format!("{lowest} to {}", words::amount(unit, high))
}

/// Known points without anything unknown between them. A single one gets some width, so that it is seen.
fn runs(series: &Series) -> Vec<Vec<(u64, u64)>> {
    let mut runs: Vec<Vec<(u64, u64)>> = vec![Vec::new()];
    for (at, value) in &series.points {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((*at, *value)),
            (None, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    for run in &mut runs {
        if let [(at, value)] = run[..] {
            run.push((at + 150, value));
        }
    }
    runs
}
