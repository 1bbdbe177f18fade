//! What happens when lockpit panics: the terminal is given back, then the report is printed.
//!
//! Owns the panic hook. Never ends anything: a thread that panics ends alone, and a flight flies on without its
//! screen.

use std::io::IsTerminal;

use color_eyre::config::{HookBuilder, Theme};

use crate::screen::terminal;

/// How to report it, below the report.
const HOW_TO_REPORT: &str = "\
This is a bug in lockpit. Please report it with the text above, what was done last, and the version that
lockpit --version prints. A recorded flight replays what led here: lockpit replay LOG. It names hosts, roles,
relations and digested statements: look before you share it. RUST_BACKTRACE=1 makes the report longer.";

/// Installs the hook; whatever was installed before stays if that fails.
pub(super) fn install() {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || !std::io::stderr().is_terminal();
    let builder = HookBuilder::default()
        .theme(if is_plain { Theme::new() } else { Theme::dark() })
        .display_env_section(false)
        .panic_section(HOW_TO_REPORT);
    let Ok((report, _)) = builder.try_into_hooks() else { return };
    let report = report.into_panic_hook();
    std::panic::set_hook(Box::new(move |panic| {
        terminal::restore();
        report(panic);
    }));
}
