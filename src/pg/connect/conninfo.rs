//! Where and how to connect, with every question answered.
//!
//! Owns the resolved settings and their defaults. Never connects.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::ConnArgs;
use super::error::ConninfoError;
use super::host::{self, Host};
use super::merge::{Merged, merge};
use super::secret::Secret;
use super::tls::TlsWish;
use super::{defaults, passfile, values};

/// Which servers of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Any server.
    Any,
    /// One that takes writes by default.
    ReadWrite,
    /// One that does not.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One in recovery.
    Standby,
    /// One in recovery if there is one, else any.
    PreferStandby,
}

/// Whether the authentication is bound to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// How a dead peer is noticed; `None` leaves a value to the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keepalives {
    pub(super) idle: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) count: Option<u32>,
}

/// When a password may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Never,
    WhenMissing,
    Always,
}

/// A resolved connection string.
///
/// `Debug` and [`Conninfo::display`] show no secrets.
#[derive(Clone)]
pub struct Conninfo {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) password: Option<Secret>,
    pub(super) password_command: Option<Secret>,
    pub(super) passfile: Option<PathBuf>,
    pub(super) tls: TlsWish,
    pub(super) channel_binding: ChannelBinding,
    pub(super) target: TargetSessionAttrs,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) keepalives: Option<Keepalives>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) options: Option<String>,
    application_name: Option<String>,
    asking: Asking,
    notes: Vec<String>,
}

impl Conninfo {
    /// How long one attempt may take unless `connect_timeout` says otherwise.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Answers every question of a connection, with libpq's precedence: flags and connection string, then
    /// the service file, then `PG*` variables (through `env`), then defaults. `home` is the user's home
    /// directory. Reads the service file, `/etc/passwd` and the password file's permissions.
    ///
    /// One deviation: flags and connection string that contradict each other are refused, because the
    /// wrong server is worse than none.
    ///
    /// # Errors
    /// [`ConninfoError`] names the setting and where it came from.
    pub fn resolve(
        args: &ConnArgs,
        env: impl Fn(&str) -> Option<String>,
        home: Option<&Path>,
    ) -> Result<Conninfo, ConninfoError> {
        let merged = merge(args, &env, home)?;
        let user = match merged.value("user") {
            Some(user) => user.to_owned(),
            None => defaults::system_user(&env).ok_or(ConninfoError::NoUser)?,
        };
        let dbname = merged.value("dbname").unwrap_or(&user).to_owned();
        let passfile = match merged.value("passfile") {
            Some(path) => Some(PathBuf::from(path)),
            None => home.map(|home| home.join(".pgpass")),
        };
        let password = merged.value("password").map(Secret::new);
        let password_command = args.password_command.as_deref().map(Secret::new);
        let mut notes = merged.notes.clone();
        if password.is_none() && password_command.is_none() {
            notes.extend(passfile.as_deref().and_then(|path| passfile::read(path).err()));
        }
        Ok(Conninfo {
            hosts: host::list(&merged)?,
            user,
            dbname,
            password,
            password_command,
            passfile,
            tls: TlsWish::from_settings(&merged, home)?,
            channel_binding: values::choice(
                &merged,
                "channel_binding",
                CHANNEL_BINDINGS,
                ChannelBinding::Prefer,
            )?,
            target: values::choice(&merged, "target_session_attrs", TARGETS, TargetSessionAttrs::Any)?,
            connect_timeout: match values::integer(&merged, "connect_timeout")? {
                None => Some(Conninfo::CONNECT_TIMEOUT),
                Some(seconds) => u64::try_from(seconds).ok().filter(|&s| s > 0).map(Duration::from_secs),
            },
            keepalives: keepalives(&merged)?,
            tcp_user_timeout: values::unsigned(&merged, "tcp_user_timeout")?
                .filter(|&ms| ms > 0)
                .map(|ms| Duration::from_millis(u64::from(ms))),
            options: merged.value("options").map(str::to_owned),
            application_name: merged
                .value("application_name")
                .or_else(|| merged.value("fallback_application_name"))
                .map(str::to_owned),
            asking: match (args.ask_password, args.no_password) {
                (true, _) => Asking::Always,
                (false, true) => Asking::Never,
                (false, false) => Asking::WhenMissing,
            },
            notes,
        })
    }

    /// Where this connects to, for people and logs: `user@host:port/dbname`, without secrets; several hosts
    /// are separated by commas. Control characters are escaped.
    pub fn display(&self) -> String {
        self.display_hosts(&self.hosts)
    }

    /// The same for one of the hosts.
    pub(super) fn display_at(&self, host: &Host) -> String {
        self.display_hosts(std::slice::from_ref(host))
    }

    fn display_hosts(&self, hosts: &[Host]) -> String {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        printable(&format!("{}@{}/{}", self.user, hosts.join(","), self.dbname))
    }

    /// What was accepted without effect, and why: sentences for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The role that logs in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database that is connected to.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The `application_name` that was asked for; lockpit's sessions carry their own.
    pub fn application_name(&self) -> Option<&str> {
        self.application_name.as_deref()
    }

    /// Whether the password is to be asked for before connecting (`-W`).
    pub fn asks_password_first(&self) -> bool {
        self.asking == Asking::Always
    }

    /// Whether the password may be asked for when the server wants one and there is none (not with `-w`, nor
    /// where a command provides it).
    pub fn may_ask_password(&self) -> bool {
        self.asking != Asking::Never && self.password_command.is_none()
    }

    /// The same connection with this password, which is then the only one tried.
    #[must_use]
    pub fn with_password(self, password: Secret) -> Conninfo {
        Conninfo { password: Some(password), password_command: None, asking: Asking::Never, ..self }
    }

    /// The same connection to exactly the server of an earlier session: further connections of a flight
    /// must not reach another host of a list, nor another address of a name.
    #[must_use]
    pub fn pinned_to(&self, host: &Host) -> Conninfo {
        Conninfo { hosts: vec![host.clone()], ..self.clone() }
    }

    /// Whether `host` is among the servers this connects to.
    pub fn reaches(&self, host: &Host) -> bool {
        self.hosts.contains(host)
    }
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conninfo")
            .field("server", &self.display())
            .field("password", &self.password)
            .field("password_command", &self.password_command)
            .field("passfile", &self.passfile)
            .field("tls", &self.tls)
            .field("target", &self.target)
            .field("connect_timeout", &self.connect_timeout)
            .field("keepalives", &self.keepalives)
            .finish_non_exhaustive()
    }
}

/// The text with control characters escaped, so that a name cannot steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(escape).collect()
}

/// An address in the form of a host name, with brackets where its colons need them.
pub(super) fn bracketed(host: &str) -> String {
    if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) || host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

const CHANNEL_BINDINGS: values::Choices<ChannelBinding> = values::Choices {
    expected: "disable, prefer or require",
    of: &[
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ],
};

const TARGETS: values::Choices<TargetSessionAttrs> = values::Choices {
    expected: "any, read-write, read-only, primary, standby or prefer-standby",
    of: &[
        ("any", TargetSessionAttrs::Any),
        ("read-write", TargetSessionAttrs::ReadWrite),
        ("read-only", TargetSessionAttrs::ReadOnly),
        ("primary", TargetSessionAttrs::Primary),
        ("standby", TargetSessionAttrs::Standby),
        ("prefer-standby", TargetSessionAttrs::PreferStandby),
    ],
};

/// Keepalives of 1 s, 1 s and 3 unless told otherwise: a partition is to be noticed within seconds. An
/// explicit 0 is the operating system's value, as in libpq.
fn keepalives(merged: &Merged) -> Result<Option<Keepalives>, ConninfoError> {
    if values::integer(merged, "keepalives")? == Some(0) {
        return Ok(None);
    }
    let number = |keyword, ours| {
        let given = values::unsigned(merged, keyword)?;
        Ok::<_, ConninfoError>(Some(given.unwrap_or(ours)).filter(|&n| n > 0))
    };
    let seconds = |n: u32| Duration::from_secs(u64::from(n));
    Ok(Some(Keepalives {
        idle: number("keepalives_idle", 1)?.map(seconds),
        interval: number("keepalives_interval", 1)?.map(seconds),
        count: number("keepalives_count", 3)?,
    }))
}
