//! Connecting: hosts in order, their addresses in order, TLS as wanted, the login, the first statements.
//!
//! Owns what libpq does between a connection string and a session. Every attempt has a deadline.

use std::time::Duration;

use tokio_postgres::config::{self, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::Canceller;
use super::classify::{self, Verdict};
use super::conninfo::{ChannelBinding, Conninfo, TargetSessionAttrs};
use super::defaults;
use super::facts::Facts;
use super::failure::{ConnectError, ErrorKind, Failure};
use super::host::{Address, Host};
use super::keydata::CancelRequest;
use super::link::{Link, OpenError, Peer, Route, Shaken};
use super::password;
use super::secret::Secret;
use super::session::{Driver, Session};
use super::settings::{CHECK_CLIENT, SessionSettings, TAKE_BACK};
use super::tls::SslMode;

/// How far an attempt has come, for the message when its time is over.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Opening,
    Login,
    Setup,
}

impl Conninfo {
    /// Opens a session with this `application_name` and these settings on the first server that fits.
    ///
    /// Hosts and their addresses are tried in order. The next one is tried when one cannot be reached, is not
    /// ready or is not what `target_session_attrs` wants, but not when it refuses the login: as libpq does.
    /// A server behind a connection pooler is refused, because settings would leak to the pooler's other
    /// clients and process ids would not be this session's.
    ///
    /// # Errors
    /// [`ConnectError`] with a reason for every server that was tried.
    pub async fn connect(
        &self,
        application_name: &str,
        settings: &SessionSettings,
    ) -> Result<Session, ConnectError> {
        let fail = |kind, why| ConnectError::new(vec![Failure { kind, server: self.display(), why }]);
        let tls = match self.tls.mode {
            SslMode::Disable => None,
            _ if self.hosts.iter().all(|host| matches!(host.address, Address::Socket(_))) => None,
            _ => {
                let config =
                    self.tls.client_config().map_err(|e| fail(ErrorKind::TlsFiles, e.to_string()))?;
                Some(MakeRustlsConnect::new(config))
            }
        };
        let password =
            password::for_all_hosts(self).await.map_err(|why| fail(ErrorKind::PasswordCommand, why))?;
        let call = Call { conninfo: self, application_name, settings, tls, password };

        let mut failures = Vec::new();
        let passes: &[TargetSessionAttrs] = match self.target {
            TargetSessionAttrs::PreferStandby => &[TargetSessionAttrs::Standby, TargetSessionAttrs::Any],
            ref wanted => std::slice::from_ref(wanted),
        };
        for wanted in passes {
            failures.clear();
            for host in &self.hosts {
                match call.host(host, *wanted, &mut failures).await {
                    Ok(session) => return Ok(session),
                    Err(Next::Host) => {}
                    Err(Next::Nothing) => return Err(ConnectError::new(failures)),
                }
            }
        }
        Err(ConnectError::new(failures))
    }
}

/// What may be tried after a failure.
enum Next {
    Host,
    Nothing,
}

/// One call of `connect`.
struct Call<'a> {
    conninfo: &'a Conninfo,
    application_name: &'a str,
    settings: &'a SessionSettings,
    tls: Option<MakeRustlsConnect>,
    password: Option<Secret>,
}

impl Call<'_> {
    /// Tries all addresses of one host.
    async fn host(
        &self,
        host: &Host,
        wanted: TargetSessionAttrs,
        failures: &mut Vec<Failure>,
    ) -> Result<Session, Next> {
        let mut failed = |at: &Host, (kind, why): Verdict| {
            let server = self.conninfo.display_at(at);
            let failure = Failure { kind, server, why };
            // Several addresses of one name mostly fail alike.
            if failures.last() != Some(&failure) {
                failures.push(failure);
            }
            match kind {
                ErrorKind::NameUnknown
                | ErrorKind::Refused
                | ErrorKind::SocketMissing
                | ErrorKind::Timeout
                | ErrorKind::Unreachable
                | ErrorKind::Closed
                | ErrorKind::NotReady
                | ErrorKind::WrongRole => Next::Host,
                _ => Next::Nothing,
            }
        };
        let peers = match self.peers(host).await {
            Ok(peers) => peers,
            Err(verdict) => return Err(failed(host, verdict)),
        };
        for peer in peers {
            let exact = match &peer {
                Peer::Tcp(address) => Host { address: Address::Ip(address.ip()), ..host.clone() },
                Peer::Unix(_) => host.clone(),
            };
            let mut stage = Stage::Opening;
            let attempt = self.attempt(&exact, peer, wanted, &mut stage);
            let result = match self.conninfo.connect_timeout {
                None => attempt.await,
                Some(limit) => match tokio::time::timeout(limit, attempt).await {
                    Ok(result) => result,
                    Err(_) => Err(out_of_time(stage, limit)),
                },
            };
            match result {
                Ok(session) => return Ok(session),
                Err(verdict) => match failed(host, verdict) {
                    Next::Host => {}
                    Next::Nothing => return Err(Next::Nothing),
                },
            }
        }
        Err(Next::Host)
    }

    /// The addresses of a host.
    async fn peers(&self, host: &Host) -> Result<Vec<Peer>, Verdict> {
        let name = match &host.address {
            Address::Socket(dir) => return Ok(vec![Peer::Unix(defaults::socket_in(dir, host.port))]),
            Address::Ip(ip) => return Ok(vec![Peer::Tcp((*ip, host.port).into())]),
            Address::Name(name) => name,
        };
        let look_up = tokio::net::lookup_host((name.as_str(), host.port));
        let limit = self.conninfo.connect_timeout.unwrap_or(Conninfo::CONNECT_TIMEOUT);
        let found = tokio::time::timeout(limit, look_up).await.map_err(|_| {
            (ErrorKind::Timeout, format!("no resolver answered within {} s", limit.as_secs()))
        })?;
        let peers: Vec<Peer> =
            found.map_err(|e| (ErrorKind::NameUnknown, e.to_string()))?.map(Peer::Tcp).collect();
        if peers.is_empty() {
            return Err((ErrorKind::NameUnknown, "the host's name has no address".to_owned()));
        }
        Ok(peers)
    }

    /// One address: with or without TLS, in the order that `sslmode` says.
    async fn attempt(
        &self,
        host: &Host,
        peer: Peer,
        wanted: TargetSessionAttrs,
        stage: &mut Stage,
    ) -> Result<Session, Verdict> {
        let tls = match &peer {
            Peer::Tcp(_) => self.tls.clone().map(|tls| (tls, self.server_name(host))),
            Peer::Unix(_) => None,
        };
        let route = |tls| Route {
            peer: peer.clone(),
            tls,
            direct: self.conninfo.tls.direct,
            keepalives: self.conninfo.keepalives,
            tcp_user_timeout_ms: self
                .conninfo
                .tcp_user_timeout
                .map(|t| u32::try_from(t.as_millis()).unwrap_or(u32::MAX)),
        };
        let Some(tls) = tls else {
            return self.login(host, route(None), wanted, stage).await.map_err(Refusal::verdict);
        };
        let order = match self.conninfo.tls.mode {
            SslMode::Allow => [None, Some(tls)],
            SslMode::Prefer => [Some(tls), None],
            _ => return self.login(host, route(Some(tls)), wanted, stage).await.map_err(Refusal::verdict),
        };
        let [first, second] = order.map(route);
        match self.login(host, first, wanted, stage).await {
            Err(refusal) if refusal.other_way_may_help() => {
                let result = self.login(host, second, wanted, stage).await;
                // The first refusal is the one about the way that was preferred.
                result.map_err(|again| match again {
                    Refusal::Open(OpenError::NoTls) => refusal.verdict(),
                    again => again.verdict(),
                })
            }
            result => result.map_err(Refusal::verdict),
        }
    }

    /// The name for TLS; one that no certificate can carry only matters where names are checked.
    fn server_name(&self, host: &Host) -> String {
        let name = host.name.strip_suffix('.').unwrap_or(&host.name);
        let usable = rustls::pki_types::ServerName::try_from(name).is_ok();
        match (usable, self.conninfo.tls.mode, &host.address) {
            (
                false,
                SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require | SslMode::VerifyCa,
                Address::Ip(ip),
            ) => ip.to_string(),
            _ => name.to_owned(),
        }
    }

    async fn login(
        &self,
        host: &Host,
        route: Route,
        wanted: TargetSessionAttrs,
        stage: &mut Stage,
    ) -> Result<Session, Refusal> {
        *stage = Stage::Opening;
        let link = Link::open(&route).await.map_err(Refusal::Open)?;
        let tls = link.is_tls();
        *stage = Stage::Login;
        let mut config = self.config(host);
        config.ssl_mode(if tls { config::SslMode::Require } else { config::SslMode::Disable });
        let (client, connection) = config.connect_raw(link, Shaken).await.map_err(Refusal::Login)?;
        *stage = Stage::Setup;
        let driver = Driver::spawn(connection);
        let request = CancelRequest::of(&client.cancel_token()).await.map_err(Refusal::Login)?;
        let facts = Facts::ask(&client).await.map_err(Refusal::Login)?;
        facts.judge(&request, wanted).map_err(Refusal::Verdict)?;
        let mut notes = Vec::new();
        let batch = self.settings.sql(facts.version_num, self.conninfo.keepalives);
        // Sent together: one round trip.
        let (set, check) = tokio::join!(client.batch_execute(&batch), async {
            if facts.version_num >= 140_000 { client.batch_execute(CHECK_CLIENT).await } else { Ok(()) }
        });
        set.map_err(Refusal::Login)?;
        if let Err(e) = check {
            notes.push(format!(
                "this server does not notice a client that is gone: {}",
                classify::postgres_error(&e).1
            ));
        }
        let checked = if facts.version_num >= 140_000 && notes.is_empty() { CHECK_CLIENT } else { "" };
        let reset = format!("{TAKE_BACK}{batch}{checked}");
        let server = self.conninfo.display_at(host);
        let canceller = Canceller { route, request, server };
        Ok(Session { client, driver, facts, host: host.clone(), tls, canceller, notes, reset })
    }

    fn config(&self, host: &Host) -> tokio_postgres::Config {
        let conninfo = self.conninfo;
        let mut config = tokio_postgres::Config::new();
        config.user(&conninfo.user).dbname(&conninfo.dbname).application_name(self.application_name);
        // The link has done the negotiation.
        config.ssl_negotiation(SslNegotiation::Direct);
        config.channel_binding(match conninfo.channel_binding {
            ChannelBinding::Disable => config::ChannelBinding::Disable,
            ChannelBinding::Prefer => config::ChannelBinding::Prefer,
            ChannelBinding::Require => config::ChannelBinding::Require,
        });
        if let Some(options) = &conninfo.options {
            config.options(options);
        }
        if let Some(password) = self.password.clone().or_else(|| password::for_host(conninfo, host)) {
            config.password(password.expose());
        }
        config
    }
}

/// Why one way into one address did not work.
enum Refusal {
    Open(OpenError),
    Login(tokio_postgres::Error),
    Verdict(Verdict),
}

impl Refusal {
    fn verdict(self) -> Verdict {
        match self {
            Refusal::Open(e) => classify::open_error(&e),
            Refusal::Login(e) => classify::postgres_error(&e),
            Refusal::Verdict(verdict) => verdict,
        }
    }

    /// Whether the same address may let in with TLS instead of without, or the other way round.
    fn other_way_may_help(&self) -> bool {
        match self {
            Refusal::Open(OpenError::NoTls | OpenError::Broken(_)) => true,
            Refusal::Open(error @ OpenError::Handshake(_)) => {
                classify::open_error(error).0 != ErrorKind::NotPostgres
            }
            Refusal::Open(OpenError::Connect(_) | OpenError::NotPostgres) | Refusal::Verdict(_) => false,
            Refusal::Login(error) => classify::postgres_error(error).0 == ErrorKind::HbaReject,
        }
    }
}

fn out_of_time(stage: Stage, limit: Duration) -> Verdict {
    let limit_s = limit.as_secs();
    let why = match stage {
        Stage::Opening => format!("no connection within {limit_s} s"),
        Stage::Login => format!("the connection is open, but no login came about within {limit_s} s"),
        Stage::Setup => format!("the login worked, but the first statements took more than {limit_s} s"),
    };
    (ErrorKind::Timeout, why)
}
