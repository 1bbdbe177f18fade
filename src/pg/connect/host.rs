//! The servers of a connection string.
//!
//! Owns the lists of hosts, addresses and ports. Never looks up a name.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::conninfo::bracketed;
use super::defaults;
use super::error::ConninfoError;
use super::merge::{Merged, Setting};

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The Unix socket in this directory.
    Socket(PathBuf),
    /// All addresses of this name, in the resolver's order.
    Name(String),
    /// This address.
    Ip(IpAddr),
}

/// One server of the list.
///
/// `Display` is `host:port` as the operator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name that was given, or stands for what was not: what a certificate and `.pgpass` are asked for.
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) port: u16,
}

impl Host {
    /// Whether this is the default socket of a server here, which `.pgpass` calls `localhost`.
    pub(super) fn is_default_socket(&self) -> bool {
        matches!(&self.address, Address::Socket(dir) if defaults::is_socket_dir(dir))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", bracketed(&self.name), self.port)
    }
}

/// The servers in the order they are tried.
///
/// # Errors
/// [`ConninfoError::ListLength`] and [`ConninfoError::BadValue`].
pub(super) fn list(merged: &Merged) -> Result<Vec<Host>, ConninfoError> {
    let split =
        |keyword| merged.value(keyword).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (names, addresses, ports) = (split("host"), split("hostaddr"), split("port"));
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    for (keyword, list) in [("host", &names), ("port", &ports)] {
        let Some(given) = list.as_ref().map(Vec::len) else { continue };
        if given != count && !(keyword == "port" && given == 1) {
            let (keyword, given, hosts) =
                if keyword == "host" { ("hostaddr", count, given) } else { ("port", given, count) };
            return Err(ConninfoError::ListLength { keyword, given, hosts });
        }
    }
    let nth = |list: &Option<Vec<&str>>, i: usize| -> String {
        let list = list.as_deref().unwrap_or_default();
        list.get(i).or(list.first().filter(|_| list.len() == 1)).copied().unwrap_or_default().to_owned()
    };
    (0..count)
        .map(|i| {
            let port = match &*nth(&ports, i) {
                "" => defaults::PORT,
                text => match text.parse() {
                    Ok(port) if port != 0 => port,
                    _ => return Err(bad(merged.get("port"), "port", "a number from 1 to 65535")),
                },
            };
            host(merged, &nth(&names, i), &nth(&addresses, i), port)
        })
        .collect()
}

fn host(merged: &Merged, name: &str, hostaddr: &str, port: u16) -> Result<Host, ConninfoError> {
    let address = if !hostaddr.is_empty() {
        let ip = hostaddr
            .parse()
            .map_err(|_| bad(merged.get("hostaddr"), "hostaddr", "an IP address; names belong into host"))?;
        Address::Ip(ip)
    } else if name.starts_with('/') {
        Address::Socket(PathBuf::from(name))
    } else if name.starts_with('@') {
        return Err(bad(
            merged.get("host"),
            "host",
            "a name, an address or the directory of a socket that begins with \"/\"",
        ));
    } else if let Ok(ip) = name.parse() {
        Address::Ip(ip)
    } else if name.is_empty() {
        defaults::socket_dir(port).map_or_else(|| Address::Name("localhost".to_owned()), Address::Socket)
    } else {
        Address::Name(name.to_owned())
    };
    let name = match (&address, name) {
        (Address::Socket(dir), "") => dir.display().to_string(),
        (Address::Name(known), "") => known.clone(),
        (Address::Ip(ip), "") => ip.to_string(),
        (_, name) => name.to_owned(),
    };
    Ok(Host { name, address, port })
}

fn bad(setting: Option<&Setting>, keyword: &'static str, expected: &'static str) -> ConninfoError {
    let origin = setting.map_or(super::error::Origin::Conninfo, |setting| setting.origin.clone());
    ConninfoError::BadValue { keyword, origin, expected }
}
