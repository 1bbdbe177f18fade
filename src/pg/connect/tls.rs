//! What TLS is wanted, and the client configuration that follows.
//!
//! Owns `ssl*` settings and the files they name, which are read anew for every connection because
//! certificates are rotated. Never talks to a server.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, SupportedProtocolVersion, version};

use super::error::ConninfoError;
use super::merge::Merged;
use super::values;
use super::verify::{Checks, Verifier};

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// The certificates in this file; whether it was named or is the default.
    File { path: PathBuf, named: bool },
    /// Those of the operating system.
    System,
    /// There is no home directory to look into.
    Nowhere,
}

/// The TLS part of a resolved connection string.
#[derive(Debug, Clone)]
pub(super) struct TlsWish {
    pub(super) mode: SslMode,
    /// TLS from the first byte (`sslnegotiation=direct`).
    pub(super) direct: bool,
    roots: Roots,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    sni: bool,
    versions: &'static [&'static SupportedProtocolVersion],
}

/// Why the own side of TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsSetupError {
    #[error("root certificate file {} {why}; sslrootcert names it, or sslmode=require does without", .path.display())]
    Roots { path: PathBuf, why: String },
    #[error("no root certificate is known to verify the server with; give sslrootcert a file or \"system\"")]
    NoRoots,
    #[error("client certificate {} {why}", .path.display())]
    Cert { path: PathBuf, why: String },
    #[error("private key {} {why}", .path.display())]
    Key { path: PathBuf, why: String },
    #[error("the client certificate and its key cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

const MODES: values::Choices<SslMode> = values::Choices {
    expected: "disable, allow, prefer, require, verify-ca or verify-full",
    of: &[
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ],
};

/// Files in which operating systems keep the certificates they trust.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl TlsWish {
    /// Reads the `ssl*` settings.
    ///
    /// # Errors
    /// [`ConninfoError::BadValue`].
    pub(super) fn from_settings(merged: &Merged, home: Option<&Path>) -> Result<TlsWish, ConninfoError> {
        let system = merged.value("sslrootcert") == Some("system");
        let default_mode = if system { SslMode::VerifyFull } else { SslMode::Prefer };
        let mode = values::choice(merged, "sslmode", MODES, default_mode)?;
        let bad = |keyword: &'static str, expected: &'static str| {
            let origin = merged.get(keyword).map(|setting| setting.origin.clone());
            ConninfoError::BadValue {
                keyword,
                origin: origin.unwrap_or(super::error::Origin::Conninfo),
                expected,
            }
        };
        if system && mode < SslMode::VerifyFull {
            return Err(bad("sslmode", "verify-full when sslrootcert is \"system\""));
        }
        let negotiation =
            values::Choices { expected: "postgres or direct", of: &[("postgres", false), ("direct", true)] };
        let direct = values::choice(merged, "sslnegotiation", negotiation, false)?;
        if direct && mode < SslMode::Require {
            return Err(bad("sslnegotiation", "postgres unless sslmode is at least require"));
        }
        let yes_no = values::Choices { expected: "0 or 1", of: &[("0", false), ("1", true)] };
        let own = |name: &str| home.map(|home| home.join(".postgresql").join(name));
        let file = |keyword, name| merged.value(keyword).map(PathBuf::from).or_else(|| own(name));
        Ok(TlsWish {
            mode,
            direct,
            roots: match (merged.value("sslrootcert"), own("root.crt")) {
                (Some("system"), _) => Roots::System,
                (Some(path), _) => Roots::File { path: PathBuf::from(path), named: true },
                (None, Some(path)) => Roots::File { path, named: false },
                (None, None) => Roots::Nowhere,
            },
            cert: file("sslcert", "postgresql.crt"),
            key: file("sslkey", "postgresql.key"),
            sni: values::choice(merged, "sslsni", yes_no, true)?,
            versions: versions(merged)?,
        })
    }

    /// The client's side of TLS; `None` for a host that is reached without.
    ///
    /// # Errors
    /// [`TlsSetupError`] when a file that is needed cannot be used.
    pub(super) fn client_config(&self) -> Result<ClientConfig, TlsSetupError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new(self.checks()?, provider.signature_verification_algorithms);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match self.client_identity()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.sni;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(config)
    }

    /// What of the server's certificate is checked.
    fn checks(&self) -> Result<Checks, TlsSetupError> {
        let names = match self.mode {
            SslMode::Disable | SslMode::Allow | SslMode::Prefer => return Ok(Checks::Nothing),
            SslMode::Require | SslMode::VerifyCa => false,
            SslMode::VerifyFull => true,
        };
        let optional = self.mode == SslMode::Require;
        let (path, found) = match &self.roots {
            Roots::Nowhere if optional => return Ok(Checks::Nothing),
            Roots::Nowhere => return Err(TlsSetupError::NoRoots),
            Roots::File { path, .. } if optional && !path.exists() => return Ok(Checks::Nothing),
            Roots::File { path, .. } => (path.clone(), certificates(path)),
            Roots::System => {
                let path = SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
                let path = path.ok_or(TlsSetupError::NoRoots)?;
                let found = certificates(&path);
                (path, found)
            }
        };
        let named = matches!(self.roots, Roots::File { named: true, .. });
        let certificates = found.map_err(|why| TlsSetupError::Roots { path: path.clone(), why })?;
        let checks = Checks::chain(certificates, names);
        checks.ok_or_else(|| TlsSetupError::Roots {
            path,
            why: if named {
                "holds no usable certificate"
            } else {
                "(the default) holds no usable certificate"
            }
            .to_owned(),
        })
    }

    /// The client's certificates and key, when there is a certificate file.
    fn client_identity(
        &self,
    ) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsSetupError> {
        // A certificate file that is not there means none, even when it was named: as in libpq.
        let Some(cert) = self.cert.as_deref().filter(|path| path.exists()) else { return Ok(None) };
        let chain = certificates(cert).map_err(|why| TlsSetupError::Cert { path: cert.to_owned(), why })?;
        if chain.is_empty() {
            return Err(TlsSetupError::Cert {
                path: cert.to_owned(),
                why: "holds no certificate".to_owned(),
            });
        }
        let Some(key) = self.key.as_deref() else {
            return Err(TlsSetupError::Cert {
                path: cert.to_owned(),
                why: "has no key: give sslkey".to_owned(),
            });
        };
        let fail = |why: String| TlsSetupError::Key { path: key.to_owned(), why };
        let facts = std::fs::metadata(key).map_err(|e| fail(format!("cannot be read: {e}")))?;
        if !facts.is_file() {
            return Err(fail("is not a plain file".to_owned()));
        }
        let allowed = if facts.uid() == 0 { 0o640 } else { 0o600 };
        if facts.mode() & 0o7777 & !allowed & 0o077 != 0 {
            return Err(fail(format!(
                "is refused: its mode {:04o} lets others in; chmod 0600 it",
                facts.mode() & 0o7777
            )));
        }
        let parsed = PrivateKeyDer::from_pem_file(key).map_err(|e| {
            fail(format!("cannot be used: {}; it must be a PEM file and not encrypted", pem_error(&e)))
        })?;
        Ok(Some((chain, parsed)))
    }
}

/// All certificates of a PEM file, or why not.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|e| format!("cannot be used: {}", pem_error(&e)))
}

/// The error without the file's content, which some of its texts repeat.
fn pem_error(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(e) if e.kind() == io::ErrorKind::NotFound => "it does not exist".to_owned(),
        pem::Error::Io(e) => e.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of that kind".to_owned(),
        _ => "it is not valid PEM".to_owned(),
    }
}

static TLS13_AND_12: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];
static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];

/// The protocol versions between the wanted bounds.
fn versions(merged: &Merged) -> Result<&'static [&'static SupportedProtocolVersion], ConninfoError> {
    let of = &[("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let expected = "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3";
    let min = values::choice(merged, "ssl_min_protocol_version", values::Choices { expected, of }, 2)?;
    let max = values::choice(merged, "ssl_max_protocol_version", values::Choices { expected, of }, 3)?;
    match (min, max) {
        (0..=2, 3) => Ok(&TLS13_AND_12),
        (3, 3) => Ok(&TLS13),
        (0..=2, 2) => Ok(&TLS12),
        _ => Err(ConninfoError::BadValue {
            keyword: "ssl_max_protocol_version",
            origin: merged
                .get("ssl_max_protocol_version")
                .map_or(super::error::Origin::Conninfo, |setting| setting.origin.clone()),
            expected: "TLSv1.2 or TLSv1.3, and not below ssl_min_protocol_version",
        }),
    }
}
