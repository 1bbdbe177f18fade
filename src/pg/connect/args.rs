//! The connection's part of the command line: psql's flags.
//!
//! Owns what was asked for, as text. Never resolves anything.

use std::fmt;

/// psql's connection flags and an optional connection string.
///
/// `-h` is the host, so the application must turn off clap's short flag for help.
#[derive(Clone, Default, PartialEq, Eq, clap::Args)]
pub struct ConnArgs {
    /// Where to connect: a URI (postgresql://...), a keyword string ("host=... dbname=..."), or a database
    #[arg(value_name = "CONNINFO")]
    pub conninfo: Option<String>,
    /// Server host, or the directory of its Unix socket
    #[arg(short = 'h', long, value_name = "HOST", help_heading = "Connection")]
    pub host: Option<String>,
    /// Server port
    #[arg(short = 'p', long, value_name = "PORT", help_heading = "Connection")]
    pub port: Option<String>,
    /// User to log in as
    #[arg(short = 'U', long, value_name = "USER", help_heading = "Connection")]
    pub username: Option<String>,
    /// Database, or a connection string
    #[arg(short = 'd', long, value_name = "DBNAME", help_heading = "Connection")]
    pub dbname: Option<String>,
    /// Ask for the password before connecting
    #[arg(short = 'W', long = "password", conflicts_with = "no_password", help_heading = "Connection")]
    pub ask_password: bool,
    /// Never ask for a password
    #[arg(short = 'w', long = "no-password", help_heading = "Connection")]
    pub no_password: bool,
    /// Run CMD by the shell for every connection; the first line it prints is the password
    #[arg(long, value_name = "CMD", conflicts_with = "ask_password", help_heading = "Connection")]
    pub password_command: Option<String>,
}

impl fmt::Debug for ConnArgs {
    /// Shows the harmless parts; a connection string or a command may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |text: &Option<String>| text.as_ref().map(|_| "<hidden>");
        f.debug_struct("ConnArgs")
            .field("conninfo", &hidden(&self.conninfo))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("username", &self.username)
            .field("dbname", &hidden(&self.dbname))
            .field("ask_password", &self.ask_password)
            .field("no_password", &self.no_password)
            .field("password_command", &hidden(&self.password_command))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    /// Watch a database
    #[derive(Parser)]
    #[command(disable_help_flag = true)]
    struct Attach {
        #[command(flatten)]
        connection: ConnArgs,
    }

    fn parse(words: &[&str]) -> Result<ConnArgs, clap::Error> {
        Attach::try_parse_from(words).map(|attach| attach.connection)
    }

    #[test]
    fn the_commands_own_description_stays() {
        let about = Attach::command().get_about().map(ToString::to_string);
        assert_eq!(about.as_deref(), Some("Watch a database"));
    }

    #[test]
    fn the_flags_are_those_of_psql() {
        let given =
            parse(&["attach", "-h", "db1", "-p5433", "-U", "ann", "-d", "shop", "-w", "sslmode=require"]);
        let expected = ConnArgs {
            conninfo: Some("sslmode=require".to_owned()),
            host: Some("db1".to_owned()),
            port: Some("5433".to_owned()),
            username: Some("ann".to_owned()),
            dbname: Some("shop".to_owned()),
            no_password: true,
            ..ConnArgs::default()
        };
        assert_eq!(given.expect("it parses"), expected);
        assert!(parse(&["attach", "-W"]).expect("it parses").ask_password);
        assert!(parse(&["attach", "-W", "-w"]).is_err());
        assert!(parse(&["attach", "-W", "--password-command", "x"]).is_err());
    }
}
