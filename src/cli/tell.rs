//! `lockpit tell`: a command for a flight in the air, from a script or another terminal.

use std::io::Write;

use clap::Args;

use super::lines::complain;
use super::{Exit, Failure};
use crate::remote::protocol::Reply;
use crate::remote::{FindError, InTheAir, Remote, RemoteError, find};

/// What `tell` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Commands:
  status     how the flight is doing, as JSON
  disarm     stop nothing from now on
  mark TEXT  put a remark on the timeline
  end        end the flight

Of a flight that flies a plan:
  pause      hold it once the statement under way is through; pause now cancels that statement
  resume     go on, or try again what failed
  abort      stop the statement under way, and the plan with it
  skip STEP  leave out a step
  undo [STEP]
             undo a step: the last one that is done, unless one is named
  answer STEP
             open the gate of this name
  cleanup N  run a clean-up that was offered

Exit codes:
  0  done
  2  no such flight, or it refused: standard error says why
  3  the flight cannot be reached, or did not answer: whether it was done is not known")]
pub(super) struct TellArgs {
    /// Who speaks [default: the account's name]
    #[arg(long, value_name = "NAME", env = "LOCKPIT_OPERATOR")]
    operator: Option<String>,
    /// Take the stick for this command when somebody else has it; nobody has it then
    #[arg(long)]
    take: bool,
    /// The flight: its name or a unique beginning of it, its database, its log, its socket, or - for the only one
    #[arg(value_name = "FLIGHT")]
    flight: String,
    /// The command
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(super) fn run(args: TellArgs) -> Result<u8, Failure> {
    let flight = find(Some(&args.flight)).map_err(unfound)?;
    let mut remote = Remote::connect(&flight.socket).map_err(|error| unreached(&flight, &error))?;
    let said = match args.operator {
        None => Ok(None),
        name => remote.hello(name, false).map(Some),
    };
    let said = said.and_then(|_| remote.say(&args.command.join(" "), args.take));
    let mut out = std::io::stdout().lock();
    // Who reads the answer may have gone; the command was given all the same.
    match said.map_err(|error| unreached(&flight, &error))? {
        Reply::Status(status) => {
            let text = serde_json::to_string_pretty(&status).unwrap_or_default();
            let _ = writeln!(out, "{text}");
        }
        Reply::Ok { text } => {
            let _ = writeln!(out, "ok: {text}");
        }
        Reply::Refused { reason } | Reply::Error { reason } => {
            complain(&format!("refused: {reason}"));
            return Ok(Exit::Usage as u8);
        }
        other @ (Reply::Stick { .. } | Reply::Ended { .. }) => {
            let error = RemoteError::Garbled(format!("{other:?}"));
            return Err(unreached(&flight, &error));
        }
    }
    Ok(Exit::Done as u8)
}

/// No flight, or no single one.
pub(super) fn unfound(error: FindError) -> Failure {
    let exit = match &error {
        FindError::Unreachable { .. } => Exit::Unreachable,
        FindError::None | FindError::Unknown { .. } | FindError::Ambiguous { .. } => Exit::Usage,
    };
    Failure::new(exit, error)
}

/// A flight that was found and then not reached.
pub(super) fn unreached(flight: &InTheAir, error: &RemoteError) -> Failure {
    Failure::new(Exit::Unreachable, format!("{}: {error}", flight.greeting.flight))
}
