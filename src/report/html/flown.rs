//! The section about the plan.

use maud::{Markup, html};

use super::Page;
use crate::report::story::{FlownPlan, FlownStep};
use crate::report::times::signed;
use crate::report::words;

/// The plan, its steps, its gates, and what was left to be cleaned up; nothing for a flight without one.
pub(super) fn plan(page: &Page<'_>) -> Markup {
    let Some(plan) = &page.story.plan else { return html! {} };
    let tone = match plan.ending.as_str() {
        "complete" => "good",
        "held" | "halted" | "in_the_air" => "warn",
        _ => "bad",
    };
    html! {
        h2 { "The plan" }
        p {
            strong { (plan.name) }
            @for more in [&plan.version, &plan.owner].into_iter().flatten() { ", " (more) }
            " " span.dim.small { "sha256 " (words::digest(plan)) }
        }
        div class={ "box " (tone) } { (plan.sentence) }
        @if plan.is_resumed { p { "It went on where an earlier flight had been cut off; that one has a log of its own." } }
        (steps(page, plan))
        (gates(page, plan))
        (clean_ups(page, plan))
    }
}

fn steps(page: &Page<'_>, plan: &FlownPlan) -> Markup {
    html! {
        table.wrap {
            thead { tr {
                th.n { "" } th { "phase" } th { "step" } th { "stage" } th { "began" } th.n { "took" } th.n { "attempts" }
                th { "waited for longest" }
            } }
            @for step in &plan.steps { (one(page, step)) }
        }
    }
}

fn one(page: &Page<'_>, step: &FlownStep) -> Markup {
    let tone = match step.stage.as_str() {
        "done" => "good",
        "failed" | "stopped" => "bad",
        "ready" | "skipped" => "dim",
        _ => "warn",
    };
    html! {
        tr {
            td.n { (step.number) }
            td data-h="phase" { (step.phase.as_deref().unwrap_or("-")) }
            td data-h="step" { strong { (step.id) } br; span.dim.small { (step.what) } }
            td data-h="stage" {
                strong class=(tone) { (step.stage) } (words::items(step))
                @if let Some(reason) = words::reason(step) { ": " (reason) }
            }
            td.t data-h="began" { @match step.began_ms { Some(at_ms) => (page.time(signed(at_ms))), None => "-" } }
            td.n data-h="took" { (words::took(step)) }
            td.n data-h="attempts" { (step.attempts) }
            td data-h="waited for longest" { (words::waited(step).as_deref().unwrap_or("-")) }
        }
    }
}

fn gates(page: &Page<'_>, plan: &FlownPlan) -> Markup {
    html! {
        @if !plan.gates.is_empty() {
            h3 { "Gates" }
            table.wrap {
                @for gate in &plan.gates {
                    tr { td.t { (page.time(signed(gate.at_ms))) } td { strong { (gate.id) } } td { "opened by " (gate.by) } }
                }
            }
        }
    }
}

fn clean_ups(page: &Page<'_>, plan: &FlownPlan) -> Markup {
    html! {
        @if !plan.clean_ups.is_empty() { h3 { "Left behind" } }
        @for offer in &plan.clean_ups {
            p {
                (page.time(signed(offer.at_ms))) " "
                @if offer.hides_rows { strong.bad { "ROWS ARE HIDDEN: " } }
                (offer.sentence) ". To clean up, " strong { (words::clean_up(&offer.stage)) } ":"
            }
            pre { (offer.sql) }
        }
    }
}
