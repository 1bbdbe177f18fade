//! Which rung of the abort ladder stops a target.
//!
//! Owns what is known of states, clients and consents. Never asks for a rung, and never knows whether one
//! worked: that is [`super::stop`].

use super::effect::{DeadMan, Rung};
use super::sample::State;
use super::settings::OnTrip;
use super::target::Target;

/// Applications that end their run when a statement fails, so that a cancel is enough. Names as the tools
/// and drivers set them by default.
const STOPS_ON_ERROR: [&str; 8] =
    ["PostgreSQL JDBC Driver", "flyway", "liquibase", "alembic", "dbmate", "sqlx", "golang-migrate", "rails"];

/// The sessions that run plans: an attempt ends with its first error.
const OWN_RUNNER: &str = "lockpit/run ";

/// Runs on after a failed statement unless it is told otherwise.
const PSQL: &str = "psql";

/// Whether `application` is a session of lockpit's that runs a plan.
pub fn is_own_runner(application: &str) -> bool {
    application.starts_with(OWN_RUNNER)
}

/// Whether clients called `application` are known to end their run when a statement fails.
pub fn ends_on_error(application: &str) -> bool {
    is_own_runner(application) || STOPS_ON_ERROR.iter().any(|known| known.eq_ignore_ascii_case(application))
}

/// Whether a decision depends on a client being called `application`: it is then the name of a well-known tool.
pub fn is_known_client(application: &str) -> bool {
    application == PSQL || ends_on_error(application)
}

/// What the server itself can do to stop `target` when nobody is left to watch it; `None` when the consent
/// does not reach that far.
pub fn dead_man(target: &Target, consent: OnTrip) -> Option<DeadMan> {
    let (rung, _) = first_rung(target, consent).ok()?;
    // There is nobody on the runner's machine any more.
    let rung = if let Rung::SignalRunner(_) = rung { Rung::Terminate } else { rung };
    Some(DeadMan { attempt: target.attempt, rung })
}

/// The rung for the state a target is in, with the reason; or why the consent does not reach it.
pub(super) fn first_rung(target: &Target, consent: OnTrip) -> Result<(Rung, String), String> {
    if let OnTrip::Signal(pid) = consent {
        return Ok((Rung::SignalRunner(pid), format!("its runner is process {pid}")));
    }
    match target.state {
        State::IdleInTransaction => match consent {
            OnTrip::Cancel => Err(format!(
                "pid {} is idle in transaction: a cancel does nothing there, and the consent does not \
                 reach pg_terminate_backend",
                target.pid()
            )),
            _ => Ok((Rung::Terminate, "it is idle in transaction, where a cancel does nothing".to_owned())),
        },
        _ if is_sync_rep(target) => Ok((Rung::Cancel, "it waits for a synchronous standby".to_owned())),
        _ => match consent {
            OnTrip::Cancel => Ok((Rung::Cancel, "the consent is to cancel".to_owned())),
            OnTrip::Terminate => Ok((Rung::Terminate, "the consent is to terminate".to_owned())),
            OnTrip::Auto | OnTrip::Signal(_) => Ok(automatic_rung(target)),
        },
    }
}

/// The rung for a session that goes on to its next statement after a cancel.
pub(super) fn rung_after_cancel(target: &Target, consent: OnTrip) -> Result<(Rung, String), String> {
    match consent {
        OnTrip::Auto | OnTrip::Terminate | OnTrip::Signal(_) if !is_sync_rep(target) => {
            Ok((Rung::Terminate, "it goes on to its next statement after the cancel".to_owned()))
        }
        _ => first_rung(target, consent),
    }
}

/// Whether it is committed, and waits for a synchronous standby.
pub(super) fn is_sync_rep(target: &Target) -> bool {
    super::sample::is_sync_rep(target.wait_event.as_deref())
}

/// Terminates where a cancel would let a script run on to its next statement.
fn automatic_rung(target: &Target) -> (Rung, String) {
    let client = target.application.as_str();
    if ends_on_error(client) {
        return (Rung::Cancel, format!("{client} ends its run when a statement fails"));
    }
    if client != PSQL && target.in_explicit_transaction() {
        return (Rung::Cancel, "its transaction fails as a whole".to_owned());
    }
    (Rung::Terminate, "after a cancel its client could run the next statement of a script".to_owned())
}

/// The rung after this one; `None` when there is none, or the consent does not reach it.
pub(super) fn next_rung(rung: Rung, consent: OnTrip, sync_rep: bool) -> Option<Rung> {
    match (rung, consent) {
        (_, OnTrip::Cancel) | (Rung::Terminate, _) => None,
        (Rung::Cancel, _) if sync_rep => None,
        (Rung::Cancel | Rung::SignalRunner(_), _) => Some(Rung::Terminate),
    }
}

/// The word for a rung, for people.
pub fn rung_name(rung: Rung) -> &'static str {
    match rung {
        Rung::Cancel => "cancel",
        Rung::Terminate => "terminate",
        Rung::SignalRunner(_) => "signal to the runner",
    }
}
