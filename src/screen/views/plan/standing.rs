//! What stands above all steps: what is left behind, and why a plan does not go on.
//!
//! Owns the loudest words of a plan, and which keys lead on.

use super::at_hand::{List, Ranked};
use crate::engine::steps::{Course, Ending, Offer, Stage, Steps, Will};
use crate::screen::action::Action;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;

/// What stands above all steps: what hides rows, what is left, why it does not go on and what a person can do.
pub(super) fn loud(steps: &Steps, shown: &Shown<'_>) -> Vec<Ranked> {
    let key = |action| shown.keymap.key(action);
    let mut list = List::new(shown);
    let open = steps.offers().iter().zip(1_u32..).filter(|(offer, _)| offer.stage != Stage::Done);
    let mut open: Vec<(&Offer, u32)> = open.collect();
    open.sort_by_key(|(offer, number)| (!offer.hides_rows, *number));
    for (offer, number) in open {
        left(&mut list, offer, number);
    }
    let may = |will| steps.may(&will).is_ok();
    let undo =
        steps.last_done().map(|step| step.id.clone()).filter(|step| may(Will::Undo { step: step.clone() }));
    let undo = undo.map(|step| format!(", {} undoes {step}", key(Action::Undo))).unwrap_or_default();
    match steps.course() {
        Course::Preparing => {
            let text = "its session is opened, and what always holds is asked";
            list.headed(0, "PREPARING", Meaning::Unknown, text);
        }
        Course::Flying => {
            if let Some(why) = steps.holds_after() {
                let text = format!("once what is under way is through: {}", shown.sentence(why));
                list.loud(0, "HELD", Meaning::Warn, text);
            }
        }
        Course::Held { why } => {
            let text = format!(
                "{}: {} goes on, {} aborts{undo}",
                shown.sentence(why),
                key(Action::Pause),
                key(Action::Abort)
            );
            list.loud(0, "HELD", Meaning::Warn, text);
        }
        Course::Halted { why, .. } => {
            list.loud(1, "HALTED", Meaning::Danger, shown.sentence(why));
            let skip = steps.current().and_then(|number| steps.mission().plan.steps.get(number));
            let skip = skip.map(|step| format!(", :skip {} leaves it out", step.id)).unwrap_or_default();
            let (again, end) = (key(Action::Pause), key(Action::Abort));
            let stage = steps.at_hand().map(|state| state.stage);
            let again = match stage {
                Some(Stage::Ready) => format!("{again} goes on"),
                _ if steps.next_offer().is_some() => {
                    format!("{} cleans up, then {again} tries it again", key(Action::CleanUp))
                }
                _ => format!("{again} tries it again"),
            };
            let text = format!("{again}{skip}{undo}, {end} ends the plan");
            list.push(1, "now", text, Meaning::Text);
        }
        Course::Over { ending, why } => {
            let meaning = match ending {
                Ending::Complete => Meaning::Ok,
                _ => Meaning::Danger,
            };
            let text = format!("the plan {}: {}", ending.words(), shown.sentence(why));
            list.headed(0, "OVER", meaning, text);
        }
    }
    list.into_facts()
}

/// Something that is left, and what cleans it up: the statement is read before the reason.
fn left(list: &mut List<'_>, offer: &Offer, number: u32) {
    let shown = list.shown;
    let sentence = match offer.sentence.as_str() {
        "" => offer.leftover.name.clone(),
        sentence => sentence.trim_end_matches('.').to_owned(),
    };
    let how = match offer.stage {
        Stage::Ready => format!("{} runs cleanup {number}", shown.keymap.key(Action::CleanUp)),
        Stage::Running => format!("cleanup {number} is under way"),
        stage => format!("cleanup {number} {}", stage.word()),
    };
    let how = format!("{how}: {}", offer.sql);
    if offer.hides_rows {
        list.loud(0, "ROWS ARE HIDDEN", Meaning::Danger, sentence);
        list.loud(0, "LEFT BEHIND", Meaning::Danger, how);
    } else {
        list.loud(0, "LEFT BEHIND", Meaning::Warn, how);
        list.push(3, "", sentence, Meaning::Text);
    }
}
