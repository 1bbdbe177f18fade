//! What the counters of `pg_stat_get_progress_info()` mean.
//!
//! Owns the decoding of phases, lockers and amounts. **To add a command that reports progress, start here.**
//! The server numbers parameters from 1; so do these tables. The parameters read here mean the same on 14
//! to 18; a test compares them with the views of each server.

use crate::engine::ids::{Oid, Pid};
use crate::engine::phases::CREATE_INDEX;
use crate::engine::sample::Progress;

/// The counters of one command; index 0 is the server's `param1`. `None` where masked.
#[derive(Debug, Clone)]
pub struct Params(Vec<Option<i64>>);

impl Params {
    /// Reads the sampler's comma-separated form.
    pub fn parse(text: &str) -> Params {
        Params(text.split(',').map(|number| number.parse().ok()).collect())
    }

    fn get(&self, number: usize) -> Option<i64> {
        self.0.get(number - 1).copied().flatten()
    }

    fn amount(&self, number: usize) -> Option<u64> {
        self.get(number).and_then(|value| u64::try_from(value).ok())
    }
}

/// One command's progress in words and amounts.
pub fn decode(
    pid: Pid,
    command: &str,
    relation: Option<Oid>,
    params: &Params,
    subphase: Option<&str>,
) -> Progress {
    let mut progress = Progress {
        pid,
        command: command.to_owned(),
        relation,
        phase: None,
        locker_pid: None,
        lockers: None,
        done: None,
        total: None,
        unit: None,
    };
    match command {
        "CREATE INDEX" => create_index(&mut progress, params, subphase),
        "VACUUM" => vacuum(&mut progress, params),
        "ANALYZE" => {
            let phases = [
                "initializing",
                "acquiring sample rows",
                "acquiring inherited sample rows",
                "computing statistics",
                "computing extended statistics",
                "finalizing analyze",
            ];
            phase(&mut progress, params.get(1), &phases);
            amount(&mut progress, params, 3, 2, "blocks");
        }
        "CLUSTER" => {
            // param1 is the command (CLUSTER or VACUUM FULL), param2 the phase.
            let phases = [
                "initializing",
                "seq scanning heap",
                "index scanning heap",
                "sorting tuples",
                "writing new heap",
                "swapping relation files",
                "rebuilding index",
                "performing final cleanup",
            ];
            phase(&mut progress, params.get(2), &phases);
            amount(&mut progress, params, 7, 6, "blocks");
            self::command(&mut progress, params.get(1), &["CLUSTER", "VACUUM FULL"]);
        }
        "COPY" => {
            self::command(&mut progress, params.get(5), &["COPY FROM", "COPY TO"]);
            amount(&mut progress, params, 1, 2, "bytes");
        }
        "BASEBACKUP" => {
            let phases = [
                "initializing",
                "waiting for checkpoint to finish",
                "estimating backup size",
                "streaming database files",
                "waiting for wal archiving to finish",
                "transferring wal files",
            ];
            phase(&mut progress, params.get(1), &phases);
            amount(&mut progress, params, 3, 2, "bytes");
        }
        _ => {}
    }
    progress
}

fn create_index(progress: &mut Progress, params: &Params, subphase: Option<&str>) {
    phase(progress, params.get(10), &CREATE_INDEX);
    if let (Some(2), Some(phase), Some(subphase)) = (params.get(10), &mut progress.phase, subphase) {
        *phase = format!("{phase}: {subphase}");
    }
    command(
        progress,
        params.get(1),
        &["CREATE INDEX", "CREATE INDEX CONCURRENTLY", "REINDEX", "REINDEX CONCURRENTLY"],
    );
    progress.lockers = params.amount(5).zip(params.amount(4)).filter(|(_, total)| *total > 0);
    progress.locker_pid =
        params.get(6).and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid != 0).map(Pid);
    if params.amount(16).is_some_and(|blocks| blocks > 0) {
        amount(progress, params, 17, 16, "blocks");
    } else {
        amount(progress, params, 13, 12, "tuples");
    }
}

fn vacuum(progress: &mut Progress, params: &Params) {
    let phases = [
        "initializing",
        "scanning heap",
        "vacuuming indexes",
        "vacuuming heap",
        "cleaning up indexes",
        "truncating heap",
        "performing final cleanup",
    ];
    phase(progress, params.get(1), &phases);
    amount(progress, params, 3, 2, "blocks");
}

fn phase(progress: &mut Progress, number: Option<i64>, phases: &[&str]) {
    progress.phase = number.map(|number| {
        let known = usize::try_from(number).ok().and_then(|number| phases.get(number));
        known.map_or_else(|| format!("phase {number}"), |name| (*name).to_owned())
    });
}

/// The command's own name, where one kind of progress serves several; numbered from 1.
fn command(progress: &mut Progress, number: Option<i64>, commands: &[&str]) {
    let index = number.and_then(|number| usize::try_from(number - 1).ok());
    if let Some(name) = index.and_then(|index| commands.get(index)) {
        progress.command = (*name).to_owned();
    }
}

/// Nothing done of nothing is not progress: the command has not come that far.
fn amount(progress: &mut Progress, params: &Params, done: usize, total: usize, unit: &str) {
    let total = params.amount(total).filter(|total| *total > 0);
    progress.done = params.amount(done).filter(|done| *done > 0 || total.is_some());
    progress.total = total;
    progress.unit = progress.done.is_some().then(|| unit.to_owned());
}
