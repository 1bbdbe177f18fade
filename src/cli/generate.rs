//! `lockpit generate`: pages and files made from the program itself.
//!
//! Owns nothing but their printing: what they say is the command line's, the configuration's and the keys' own.

mod manual;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::{Exit, Failure};
use crate::config::Config;
use crate::plan::reference;
use crate::screen::keymap;

/// What `generate` is told.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(super) struct GenerateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Completions for a shell, on standard output
    Completions {
        /// The shell
        shell: Shell,
    },
    /// The manual's main page on standard output, or every page into a folder
    Man {
        /// Write lockpit.1 and a page for every command into this folder, which is made if need be
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// The configuration file with every setting at its default, on standard output
    Config,
    /// The table of all keys, in Markdown, on standard output
    Keys,
    /// The reference of the plan file, in Markdown, on standard output
    Plan,
}

pub(super) fn run(args: &GenerateArgs) -> Result<u8, Failure> {
    match &args.what {
        What::Completions { shell } => {
            let mut page = Vec::new();
            clap_complete::generate(*shell, &mut super::command(), "lockpit", &mut page);
            print(&page)
        }
        What::Man { out: None } => {
            print(&manual::main_page().map_err(|error| Failure::new(Exit::Usage, error))?)
        }
        What::Man { out: Some(folder) } => write_manual(folder),
        What::Config => print(Config::default_text().as_bytes()),
        What::Keys => print(keymap::table().as_bytes()),
        What::Plan => print(reference::text().as_bytes()),
    }
}

fn write_manual(folder: &Path) -> Result<u8, Failure> {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(super::command(), folder))
        .and_then(|()| std::fs::write(folder.join("lockpit.1"), manual::main_page()?));
    written.map_err(|error| {
        Failure::new(Exit::Usage, format!("the manual cannot be written to {}: {error}", folder.display()))
    })?;
    Ok(Exit::Done as u8)
}

/// Prints a page; a reader that has seen enough is no failure.
fn print(page: &[u8]) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(page).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Usage, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(Exit::Done as u8),
    }
}
