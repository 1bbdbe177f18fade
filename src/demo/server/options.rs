//! How a throw-away server is set up.

use std::fmt;

/// Settings of a throw-away server: who may log in, its sockets, and lines of `postgresql.conf`.
///
/// Without any, everybody on this machine may log in, the port is chosen freely, and durability is off.
#[derive(Clone)]
pub struct ServerOptions {
    pub(super) auth: String,
    pub(super) password: Option<String>,
    pub(super) socket: bool,
    pub(super) settings: Vec<(String, String)>,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions { auth: "trust".to_owned(), password: None, socket: true, settings: Vec::new() }
    }
}

impl ServerOptions {
    /// Authentication for every login: a method of `pg_hba.conf` such as `scram-sha-256`, and the password of
    /// the superuser `postgres`.
    #[must_use]
    pub fn auth(mut self, method: &str, password: &str) -> ServerOptions {
        self.auth = method.to_owned();
        self.password = Some(password.to_owned());
        self
    }

    /// TCP only: no Unix socket.
    #[must_use]
    pub fn without_socket(mut self) -> ServerOptions {
        self.socket = false;
        self
    }

    /// A line of `postgresql.conf`; the last one for a name wins. `value` is quoted as needed.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> ServerOptions {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// These options with `other` over them: its authentication and sockets, and its settings last.
    #[must_use]
    pub fn and(mut self, other: ServerOptions) -> ServerOptions {
        self.settings.extend(other.settings);
        ServerOptions { settings: self.settings, ..other }
    }

    /// The text that is appended to `postgresql.conf`.
    pub(super) fn conf(&self) -> String {
        let own = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        DEFAULTS
            .iter()
            .copied()
            .chain(own)
            .map(|(name, value)| format!("{name} = {}\n", quoted(value)))
            .collect()
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("auth", &self.auth)
            .field("password", &self.password.as_ref().map(|_| "(not shown)"))
            .field("socket", &self.socket)
            .field("settings", &self.settings)
            .finish()
    }
}

/// Small, quick, and nothing left behind outside the data directory.
const DEFAULTS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "16MB"),
    // Shared memory segments as files of the data directory: removed with it even after a SIGKILL.
    ("dynamic_shared_memory_type", "mmap"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_checkpoints", "off"),
    ("log_min_error_statement", "panic"),
];

/// `value` as a quoted string of `postgresql.conf`, whose escapes are those of `E''` strings.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('\'');
    for c in value.chars() {
        match c {
            '\'' => text.push_str("''"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_the_own_come_last() {
        let conf = ServerOptions::default().set("fsync", "on").set("search_path", "\"a'b\\c\"\nx = y").conf();
        let lines: Vec<&str> = conf.lines().collect();
        assert_eq!(lines.first(), Some(&"fsync = 'off'"));
        assert_eq!(lines[lines.len() - 2..], ["fsync = 'on'", r#"search_path = '"a''b\\c"\nx = y'"#]);
    }

    #[test]
    fn options_lie_over_others() {
        let below = ServerOptions::default().set("a", "1").set("b", "1");
        let both = below.and(ServerOptions::default().auth("md5", "x").without_socket().set("a", "2"));
        assert!(both.conf().ends_with("a = '1'\nb = '1'\na = '2'\n"), "{}", both.conf());
        assert_eq!((both.auth.as_str(), both.socket), ("md5", false));
    }

    #[test]
    fn the_password_is_not_shown() {
        let options = ServerOptions::default().auth("scram-sha-256", "hunter2");
        let text = format!("{options:?}");
        assert!(text.contains("scram-sha-256") && !text.contains("hunter2"), "{text}");
    }
}
