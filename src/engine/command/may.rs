//! Whether a command would be refused, and why.
//!
//! Owns every reason a person is told. Changes nothing: [`Cockpit::may`] is what greys a key out, and the same
//! answer decides once the command is given.

use super::{ArmScope, Command};
use crate::engine::Cockpit;
use crate::engine::effect::Rung;
use crate::engine::guard::blind::blindness;
use crate::engine::guard::seconds;
use crate::engine::ids::{At, Attempt, BackendId, Pid};
use crate::engine::overrides;
use crate::engine::rungs::first_rung;
use crate::engine::sample::{Backend, BackendKind, Sample, State};
use crate::engine::scene::Part;
use crate::engine::settings::{OnTrip, Selector};
use crate::engine::target::attempt_of;

impl Cockpit {
    /// Whether `command` would be carried out if it came now.
    ///
    /// # Errors
    /// Why it would be refused, in a sentence for people.
    pub fn may(&self, command: &Command) -> Result<(), String> {
        self.may_at(self.last_seen, command)
    }

    /// The same at the instant `at`, which is no earlier than the last input.
    ///
    /// # Errors
    /// Why it would be refused, in a sentence for people.
    pub fn may_at(&self, at: At, command: &Command) -> Result<(), String> {
        if self.over {
            return Err("the flight is over".to_owned());
        }
        match command {
            Command::Disarm
            | Command::End { .. }
            | Command::Mark { .. }
            | Command::FollowAuto
            | Command::Stick { .. } => Ok(()),
            Command::Plan(will) => match &self.steps {
                Some(steps) => steps.may(will),
                None => Err("this flight flies no plan".to_owned()),
            },
            Command::Arm { scope, for_ms, on_trip } => self.may_arm(at, *scope, *for_ms, *on_trip),
            Command::Follow { backend } => self.may_follow(*backend),
            Command::Abort { attempt } => self.may_abort(attempt),
            Command::Stop { attempt, rung } => self.may_stop(attempt, *rung),
            Command::Limit { guardrail, limit, for_ms } => {
                overrides::check(guardrail, *limit)?;
                some_time(*for_ms)
            }
        }
    }

    fn may_arm(
        &self,
        at: At,
        scope: ArmScope,
        for_ms: Option<u64>,
        on_trip: Option<OnTrip>,
    ) -> Result<(), String> {
        self.may_act()?;
        some_time(for_ms)?;
        let settings = self.begin.as_ref().map(|begin| &begin.settings);
        if let Some(OnTrip::Signal(pid)) = on_trip
            && settings.is_none_or(|settings| settings.on_trip != OnTrip::Signal(pid))
        {
            // Only a process that was held since the start is known not to be another one.
            return Err(format!("--on-trip signal:{pid} has to be given at the start of the flight"));
        }
        if let Some(without_ms) = blindness(&self.facts(at)) {
            return Err(format!("blind: no facts for {}", seconds(without_ms)));
        }
        self.last_sample()?;
        match (scope, settings.map(|settings| &settings.target)) {
            (ArmScope::Session(wanted), _) => match self.find(wanted)? {
                backend if backend.kind == BackendKind::Client => Ok(()),
                backend => Err(no_client(backend)),
            },
            (ArmScope::AsAtStart, None | Some(Selector::Auto)) => {
                Err("the flight follows whoever does most harm: arm on one session".to_owned())
            }
            (ArmScope::AsAtStart, Some(_)) if self.brake.consent().has_lost_its_pid() => {
                Err("the backend that the flight was for has ended".to_owned())
            }
            (ArmScope::AsAtStart, Some(_)) => Ok(()),
        }
    }

    fn may_follow(&self, wanted: BackendId) -> Result<(), String> {
        let backend = self.find(wanted)?;
        match self.scene.part(backend.pid) {
            Part::SchemaWork => Ok(()),
            Part::Client => Err(format!(
                "pid {} does no schema work: it holds and awaits nothing of SHARE UPDATE EXCLUSIVE or \
                 stronger on a permanent table",
                backend.pid
            )),
            _ => Err(no_client(backend)),
        }
    }

    fn may_abort(&self, attempt: &Attempt) -> Result<(), String> {
        self.may_act()?;
        self.no_stop_is_under_way()?;
        let Some(target) = &self.follow.target else { return Err("nothing is under guard".to_owned()) };
        let (asked, pid) = (attempt.backend.pid, target.pid());
        if asked != pid {
            return Err(format!("pid {pid} is under guard now, not pid {asked}: nobody is hit"));
        }
        is_still_there(attempt, &target.attempt)?;
        if self.brake.has_ended(&target.attempt) {
            return Err(format!("pid {pid} is stopped already"));
        }
        if let Some(Err(why)) = &target.right {
            return Err(format!("this login may not stop pid {pid}: {why}"));
        }
        match first_rung(target, self.brake.on_trip_at_start())? {
            (Rung::SignalRunner(_), _) => Ok(()),
            _ => can_be_checked(&target.attempt),
        }
    }

    fn may_stop(&self, attempt: &Attempt, rung: Rung) -> Result<(), String> {
        self.may_act()?;
        self.no_stop_is_under_way()?;
        let pid = attempt.backend.pid;
        if let Rung::SignalRunner(_) = rung {
            return Err("a backend is cancelled or terminated, not its runner".to_owned());
        }
        if pid == Pid::PREPARED {
            return Err(
                "a prepared transaction has no process: COMMIT PREPARED or ROLLBACK PREPARED ends it"
                    .to_owned(),
            );
        }
        let backend = self.find(attempt.backend)?;
        let now = attempt_of(backend);
        if let BackendKind::Lockpit | BackendKind::Other | BackendKind::ParallelWorker = backend.kind {
            return Err(no_client(backend));
        }
        is_still_there(attempt, &now)?;
        let target = self.follow.target.as_ref().filter(|target| target.attempt.backend == now.backend);
        if let Some(Err(why)) = target.and_then(|target| target.right.as_ref()) {
            return Err(format!("this login may not stop pid {pid}: {why}"));
        }
        can_be_checked(&now)?;
        let name = backend.state.name();
        match (backend.state, rung) {
            (State::Idle, _) => Err(format!("pid {pid} is idle: there is nothing to stop")),
            (State::Active, _) | (_, Rung::Terminate | Rung::SignalRunner(_)) => Ok(()),
            (State::IdleInTransaction | State::IdleInTransactionAborted, Rung::Cancel) => {
                Err(format!("pid {pid} is {name}, where a cancel does nothing: terminate it"))
            }
            (_, Rung::Cancel) => Err(format!("pid {pid}: {name}, so nobody can say what a cancel would hit")),
        }
    }

    /// Whether this flight stops anything at all.
    fn may_act(&self) -> Result<(), String> {
        match &self.begin {
            None => Err("the flight has not begun".to_owned()),
            Some(begin) if begin.settings.read_only => Err("read-only flight: nothing is stopped".to_owned()),
            Some(_) => Ok(()),
        }
    }

    fn no_stop_is_under_way(&self) -> Result<(), String> {
        match self.brake.stop() {
            Some(stop) => Err(format!("a stop of pid {} is under way", stop.attempt().backend.pid)),
            None => Ok(()),
        }
    }

    fn last_sample(&self) -> Result<&Sample, String> {
        self.sample.as_deref().ok_or_else(|| "there is no sample yet: nobody is known".to_owned())
    }

    /// The row of a session in the last sample.
    fn find(&self, wanted: BackendId) -> Result<&Backend, String> {
        let pid = wanted.pid;
        match self.last_sample()?.backend(pid) {
            None => Err(format!("pid {pid} is not in the last sample")),
            Some(backend) if backend.id() != wanted => Err(another_session(pid)),
            Some(backend) => Ok(backend),
        }
    }
}

fn some_time(for_ms: Option<u64>) -> Result<(), String> {
    if for_ms == Some(0) { Err("it needs some time".to_owned()) } else { Ok(()) }
}

fn is_still_there(asked: &Attempt, now: &Attempt) -> Result<(), String> {
    let pid = asked.backend.pid;
    match (asked.backend == now.backend, asked.continues_as(now)) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("pid {pid} is at another statement now: nobody is hit")),
        (false, _) => Err(another_session(pid)),
    }
}

fn another_session(pid: Pid) -> String {
    format!("pid {pid} is another session now: nobody is hit")
}

/// A stop names start times; where these are hidden, the server would find nobody.
fn can_be_checked(attempt: &Attempt) -> Result<(), String> {
    let pid = attempt.backend.pid;
    match (attempt.backend.backend_start, attempt.query_start.or(attempt.xact_start)) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(format!(
            "start times of pid {pid} are hidden from this login, so nothing could be checked: it needs \
             pg_read_all_stats"
        )),
    }
}

fn no_client(backend: &Backend) -> String {
    let pid = backend.pid;
    match (backend.kind, backend.leader_pid) {
        (BackendKind::Lockpit, _) => format!("pid {pid} is lockpit's own"),
        (BackendKind::ParallelWorker, Some(leader)) => {
            format!("pid {pid} is a parallel worker of pid {leader}: name that one")
        }
        (BackendKind::Autovacuum, _) => format!("pid {pid} is an autovacuum worker"),
        (BackendKind::WalSender, _) => format!("pid {pid} is a WAL sender"),
        _ => format!("pid {pid} is a process of the server's own"),
    }
}
