//! Connection URIs: `postgresql://user:secret@[::1]:5432,db2/shop?sslmode=require`.
//!
//! Owns their grammar and percent-decoding. Never judges a keyword, and never repeats a part of the URI in
//! an error, because a password with `@` or `/` in it ends up in any part.

use super::error::ConninfoError;

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether `text` is a URI rather than a keyword string.
pub(super) fn is_uri(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Splits a URI into settings; several hosts become comma-separated lists, as in keyword strings.
///
/// # Errors
/// [`ConninfoError::Uri`] names the part that cannot be read.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, ConninfoError> {
    let rest = SCHEMES
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(ConninfoError::Uri { part: "scheme", what: "it must be postgresql:// or postgres://" })?;
    let mut settings = Vec::new();
    let mut push = |name: &str, value: String| settings.push((name.to_owned(), value));

    // The login ends at the first "@" unless a "/" comes before it; a "?" in it is part of the password.
    let (login, rest) = match rest.find(['@', '/']) {
        Some(at) if rest[at..].starts_with('@') => (Some(&rest[..at]), &rest[at + 1..]),
        _ => (None, rest),
    };
    if let Some(login) = login {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        if !user.is_empty() {
            push("user", decode(user, "user")?);
        }
        if !password.is_empty() {
            push("password", decode(password, "password")?);
        }
    }
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, path) = before_query.split_once('/').unwrap_or((before_query, ""));

    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = split_port(host)?;
        names.push(decode(name, "host")?);
        ports.push(port);
    }
    if names.iter().any(|name| !name.is_empty()) || names.len() > 1 {
        push("host", names.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        push("port", ports.join(","));
    }
    if !path.is_empty() {
        push("dbname", decode(path, "database")?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(ConninfoError::Uri { part: "parameters", what: "each needs the form name=value" });
        };
        let (name, value) = (decode(name, "parameters")?, decode(value, "parameters")?);
        // What JDBC writes, as in libpq.
        match (&*name, &*value) {
            ("ssl", "true") => push("sslmode", "require".to_owned()),
            _ => push(&name, value),
        }
    }
    Ok(settings)
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(host: &str) -> Result<(&str, &str), ConninfoError> {
    let bad_port = ConninfoError::Uri {
        part: "port",
        what: "it must be a number; a \"/\", \"@\" or \":\" in a password is written as %2F, %40 or %3A",
    };
    let (name, port) = if let Some(inner) = host.strip_prefix('[') {
        let Some((name, after)) = inner.split_once(']') else {
            return Err(ConninfoError::Uri { part: "host", what: "\"[\" without \"]\"" });
        };
        if name.is_empty() {
            return Err(ConninfoError::Uri { part: "host", what: "the brackets are empty" });
        }
        match after.strip_prefix(':') {
            Some(port) => (name, port),
            None if after.is_empty() => (name, ""),
            None => {
                return Err(ConninfoError::Uri { part: "host", what: "only \":port\" may follow \"]\"" });
            }
        }
    } else {
        host.split_once(':').unwrap_or((host, ""))
    };
    if name.contains('@') {
        return Err(ConninfoError::Uri {
            part: "host",
            what: "it contains \"@\"; a \"@\" in a user or password is written as %40",
        });
    }
    if port.is_empty() || port.parse::<u16>().is_ok_and(|port| port != 0) {
        Ok((name, port))
    } else {
        Err(bad_port)
    }
}

/// Percent-decoding; `+` stays a plus.
fn decode(text: &str, part: &'static str) -> Result<String, ConninfoError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        match digit().zip(digit()).map(|(high, low)| high * 16 + low) {
            Some(0) => return Err(ConninfoError::Uri { part, what: "%00 is not allowed" }),
            Some(code) => bytes.push(u8::try_from(code).expect("two hexadecimal digits are one byte")),
            None => {
                return Err(ConninfoError::Uri {
                    part,
                    what: "\"%\" needs two hexadecimal digits after it; a plain \"%\" is written as %25",
                });
            }
        }
    }
    if bytes.contains(&0) {
        return Err(ConninfoError::Uri { part, what: "a NUL character is not allowed" });
    }
    String::from_utf8(bytes).map_err(|_| ConninfoError::Uri { part, what: "it does not decode to UTF-8" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_as_libpq_reads_them() {
        let cases: [(&str, &[(&str, &str)]); 16] = [
            ("postgresql://", &[]),
            ("postgres://db1", &[("host", "db1")]),
            ("postgresql://db1:5433", &[("host", "db1"), ("port", "5433")]),
            ("postgresql://db1/shop", &[("host", "db1"), ("dbname", "shop")]),
            ("postgresql://ann@db1", &[("user", "ann"), ("host", "db1")]),
            (
                "postgresql://ann:p%40ss%2Fw%3Ard%25@db1/a%20b",
                &[("user", "ann"), ("password", "p@ss/w:rd%"), ("host", "db1"), ("dbname", "a b")],
            ),
            ("postgresql://ann:a:b@db1", &[("user", "ann"), ("password", "a:b"), ("host", "db1")]),
            ("postgres://ann:a?b#c@db1", &[("user", "ann"), ("password", "a?b#c"), ("host", "db1")]),
            ("postgresql://[::1]:5433/x", &[("host", "::1"), ("port", "5433"), ("dbname", "x")]),
            ("postgresql://[fe80::1]", &[("host", "fe80::1")]),
            ("postgresql://%2Fvar%2Frun%2Fpostgresql/x", &[("host", "/var/run/postgresql"), ("dbname", "x")]),
            ("postgresql:///x?host=/tmp&port=5433", &[("dbname", "x"), ("host", "/tmp"), ("port", "5433")]),
            (
                "postgresql://a:1,b:2,c/x?target_session_attrs=primary",
                &[("host", "a,b,c"), ("port", "1,2,"), ("dbname", "x"), ("target_session_attrs", "primary")],
            ),
            ("postgresql://db1?ssl=true", &[("host", "db1"), ("sslmode", "require")]),
            ("postgresql://@db1/?", &[("host", "db1")]),
            ("postgresql://db1?options=-c%20geqo%3Doff", &[("host", "db1"), ("options", "-c geqo=off")]),
        ];
        for (text, expected) in cases {
            let parsed = parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            let parsed: Vec<(&str, &str)> = parsed.iter().map(|(k, v)| (&**k, &**v)).collect();
            assert_eq!(parsed, expected, "{text:?}");
        }
    }

    #[test]
    fn malformed_uris_are_refused_without_repeating_them() {
        let cases = [
            ("postgresql://u:hunter2@x@db1/x", "host"),
            ("postgresql://u:hunter2/x@db1/x", "port"),
            ("postgresql://u:100%hunter2@db1", "password"),
            ("postgresql://u:%00hunter2@db1", "password"),
            ("postgresql://u:%ff@db1", "password"),
            ("postgresql://u:%4@db1", "password"),
            ("postgresql://[::1", "host"),
            ("postgresql://[]", "host"),
            ("postgresql://[::1]5432", "host"),
            ("postgresql://db1:x", "port"),
            ("postgresql://db1:0", "port"),
            ("postgresql://db1:65536", "port"),
            ("postgresql://db1?hunter2", "parameters"),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{error}");
            match error {
                ConninfoError::Uri { part, .. } => assert_eq!(part, expected, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}
