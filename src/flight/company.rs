//! Who may talk to a flight, and how they find it.
//!
//! Owns the flight's name and what it says of itself first. Never answers a question.

use std::path::Path;

use super::desk::Plate;
use super::socket::{Socket, Wanted, open};
use crate::clock::FlightClock;
use crate::engine::input::{Attached, Begin};
use crate::log::default_name;
use crate::remote::place;
use crate::remote::protocol::{Greeting, PROTOCOL};

/// Who may talk to a flight.
#[derive(Debug, Clone, Default)]
pub struct Company {
    /// The operator at the flight's own screen, who has the stick at first; `None` without a screen.
    pub screen: Option<String>,
    /// The group whose members may read the log, talk to the flight and take the stick.
    pub group: Option<u32>,
    /// The flight outlives the login it is started from, and so must its socket.
    pub lasting: bool,
}

/// The flight's name, and its socket or why there is none.
pub(super) fn listen(
    begin: &Begin,
    attached: &Attached,
    log: Option<&Path>,
    company: &Company,
) -> (String, Result<Socket, String>) {
    let stem = log.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| default_name(begin.utc_us, &attached.database_name));
    let dirs = if company.lasting { place::lasting_dirs() } else { place::dirs() };
    let socket = open(&Wanted { name: name.clone(), dirs, group: company.group });
    let name = socket.as_ref().map_or(name, Socket::name);
    (name, socket)
}

pub(super) fn greeting(plate: Plate, begin: &Begin, attached: &Attached, clock: FlightClock) -> Greeting {
    Greeting {
        lockpit: begin.lockpit.clone(),
        protocol: PROTOCOL,
        flight: plate.flight,
        log: plate.log,
        clock_zero_us: clock.zero_us(),
        database: attached.database_name.clone(),
        server: plate.server,
        label: begin.label.clone(),
        stick: None,
    }
}
