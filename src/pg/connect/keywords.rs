//! The keywords of connection strings: which exist, their environment variables, what becomes of each.
//!
//! Owns the one table. Never reads a value.

/// What lockpit does with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is honoured.
    Used,
    /// It is accepted, changes nothing here, and a note says why. Values in the list need no note.
    Ignored { why: &'static str, silent: &'static [&'static str] },
    /// Leaving it out would weaken what was asked for, so it is refused; values in the list are harmless.
    Refused { why: &'static str, harmless: &'static [&'static str] },
}

/// One keyword.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    /// The environment variable that gives its default.
    pub(super) env: Option<&'static str>,
    pub(super) treatment: Treatment,
}

const fn used(name: &'static str, env: Option<&'static str>) -> Keyword {
    Keyword { name, env, treatment: Treatment::Used }
}

const fn ignored(
    name: &'static str,
    env: Option<&'static str>,
    why: &'static str,
    silent: &'static [&'static str],
) -> Keyword {
    Keyword { name, env, treatment: Treatment::Ignored { why, silent } }
}

const fn refused(
    name: &'static str,
    env: Option<&'static str>,
    why: &'static str,
    harmless: &'static [&'static str],
) -> Keyword {
    Keyword { name, env, treatment: Treatment::Refused { why, harmless } }
}

const NO_GSS: &str = "GSSAPI is not supported";
const NO_CRL: &str =
    "revocation lists are not supported, and skipping one would accept a revoked certificate";
const NO_OAUTH: &str = "OAuth is not supported; pass the token with --password-command";

/// Every keyword of libpq up to 18.
pub(super) static KEYWORDS: &[Keyword] = &[
    used("host", Some("PGHOST")),
    used("hostaddr", Some("PGHOSTADDR")),
    used("port", Some("PGPORT")),
    used("user", Some("PGUSER")),
    used("password", Some("PGPASSWORD")),
    used("passfile", Some("PGPASSFILE")),
    used("dbname", Some("PGDATABASE")),
    used("service", Some("PGSERVICE")),
    used("servicefile", Some("PGSERVICEFILE")),
    used("options", Some("PGOPTIONS")),
    used("application_name", Some("PGAPPNAME")),
    used("fallback_application_name", None),
    used("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    used("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    used("channel_binding", Some("PGCHANNELBINDING")),
    used("keepalives", None),
    used("keepalives_idle", None),
    used("keepalives_interval", None),
    used("keepalives_count", None),
    used("tcp_user_timeout", None),
    used("sslmode", Some("PGSSLMODE")),
    used("sslrootcert", Some("PGSSLROOTCERT")),
    used("sslcert", Some("PGSSLCERT")),
    used("sslkey", Some("PGSSLKEY")),
    used("sslsni", Some("PGSSLSNI")),
    used("sslnegotiation", Some("PGSSLNEGOTIATION")),
    used("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    used("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ignored(
        "client_encoding",
        Some("PGCLIENTENCODING"),
        "lockpit always talks UTF-8",
        &["auto", "utf8", "utf-8"],
    ),
    ignored(
        "load_balance_hosts",
        Some("PGLOADBALANCEHOSTS"),
        "hosts are tried in the order given, because all connections of a flight must reach one server",
        &["disable"],
    ),
    ignored("sslcompression", Some("PGSSLCOMPRESSION"), "TLS compression does not exist any more", &["0"]),
    ignored("krbsrvname", Some("PGKRBSRVNAME"), NO_GSS, &[]),
    ignored("gsslib", Some("PGGSSLIB"), NO_GSS, &[]),
    ignored("gssdelegation", Some("PGGSSDELEGATION"), NO_GSS, &["0"]),
    ignored("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), "lockpit talks protocol 3.0", &["3.0"]),
    refused("gssencmode", Some("PGGSSENCMODE"), NO_GSS, &["disable", "prefer"]),
    refused("min_protocol_version", Some("PGMINPROTOCOLVERSION"), "lockpit talks protocol 3.0", &["3.0"]),
    refused(
        "sslcertmode",
        Some("PGSSLCERTMODE"),
        "a certificate is sent when there is one and the server asks for it",
        &["allow"],
    ),
    refused("sslcrl", Some("PGSSLCRL"), NO_CRL, &[]),
    refused("sslcrldir", Some("PGSSLCRLDIR"), NO_CRL, &[]),
    refused(
        "sslpassword",
        None,
        "encrypted keys are not supported; decrypt the key into a file of mode 0600",
        &[],
    ),
    refused("sslkeylogfile", None, "keys of TLS sessions are not written to files", &[]),
    refused(
        "require_auth",
        Some("PGREQUIREAUTH"),
        "restricting the method of authentication is not supported",
        &[],
    ),
    refused(
        "requirepeer",
        Some("PGREQUIREPEER"),
        "checking the owner of the server's socket is not supported",
        &[],
    ),
    refused(
        "replication",
        None,
        "lockpit does not open replication connections",
        &["false", "off", "no", "0"],
    ),
    refused("scram_client_key", None, "SCRAM keys are not supported; give the password", &[]),
    refused("scram_server_key", None, "SCRAM keys are not supported; give the password", &[]),
    refused("oauth_issuer", None, NO_OAUTH, &[]),
    refused("oauth_client_id", None, NO_OAUTH, &[]),
    refused("oauth_client_secret", None, NO_OAUTH, &[]),
    refused("oauth_scope", None, NO_OAUTH, &[]),
];

/// The keyword called `name`.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The keyword that `name` was probably meant to be: at most two edits away, and not more than half of it.
pub(super) fn near_miss(name: &str) -> Option<&'static str> {
    // Names other clients use, and a bound on the work below.
    match name {
        "username" => return Some("user"),
        "database" | "db" => return Some("dbname"),
        "hostname" => return Some("host"),
        _ if name.len() > 40 => return None,
        _ => {}
    }
    let folded = name.to_ascii_lowercase().replace('-', "_");
    KEYWORDS
        .iter()
        .map(|keyword| (edits(&folded, keyword.name), keyword.name))
        .filter(|&(distance, candidate)| distance <= 2 && distance * 2 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_named_and_far_ones_are_not() {
        let cases = [
            ("hots", Some("host")),
            ("ssl_mode", Some("sslmode")),
            ("SSLMODE", Some("sslmode")),
            ("db", Some("dbname")),
            ("username", Some("user")),
            ("target-session-attrs", Some("target_session_attrs")),
            ("passwrd", Some("password")),
            ("frobnicate", None),
            ("x", None),
            ("", None),
        ];
        for (given, meant) in cases {
            assert_eq!(near_miss(given), meant, "{given:?}");
        }
    }

    #[test]
    fn names_and_variables_are_unique() {
        for (i, keyword) in KEYWORDS.iter().enumerate() {
            for other in &KEYWORDS[..i] {
                assert_ne!(keyword.name, other.name);
                assert!(keyword.env.is_none() || keyword.env != other.env, "{}", keyword.name);
            }
        }
    }
}
