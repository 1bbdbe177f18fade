//! Checking the server's certificate as `sslmode` asks.
//!
//! Owns three degrees: nothing but the handshake's signature, the chain, the chain and the name. Accepts
//! what libpq accepts beyond rustls: a self-signed certificate that the root file holds itself, and a
//! common name where there is no alternative name. Never skips the signature: whoever presents a certificate must hold
//! its key.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate, Version};

/// A certificate that libpq could verify and lockpit cannot.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is of X.509 version 1, which lockpit encrypts with but cannot verify; issue it with a subjectAltName, or \
     use sslmode=require without a root certificate"
)]
pub(super) struct OldVersion;

/// What is checked besides the handshake's signature.
#[derive(Debug)]
pub(super) enum Checks {
    /// Nothing: encryption against listeners only.
    Nothing,
    /// The chain up to one of these, and perhaps the name.
    Chain { roots: RootCertStore, known: Vec<CertificateDer<'static>>, names: bool },
}

impl Checks {
    /// Trust in these certificates; `None` when none of them can be used.
    pub(super) fn chain(known: Vec<CertificateDer<'static>>, names: bool) -> Option<Checks> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(known.iter().cloned());
        let known: Vec<_> = known.into_iter().filter(|der| is_self_issued(der)).collect();
        (added > 0 || !known.is_empty()).then_some(Checks::Chain { roots, known, names })
    }
}

/// The verifier that rustls asks.
#[derive(Debug)]
pub(super) struct Verifier {
    checks: Checks,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// A verifier that makes these checks with these algorithms.
    pub(super) fn new(checks: Checks, algorithms: WebPkiSupportedAlgorithms) -> Verifier {
        Verifier { checks, algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Checks::Chain { roots, known, names } = &self.checks else {
            return Ok(ServerCertVerified::assertion());
        };
        if public_key_of_v1(end_entity).is_some() {
            return Err(CertificateError::Other(OtherError(Arc::new(OldVersion))).into());
        }
        let cert = ParsedCertificate::try_from(end_entity)?;
        let all = self.algorithms.all;
        if known.contains(end_entity) {
            check_dates(end_entity, now)?;
        } else {
            verify_server_cert_signed_by_trust_anchor(&cert, roots, intermediates, now, all).map_err(
                |error| {
                    // Of a stranger that signed itself rustls says that it is an authority; what matters is whose.
                    match error {
                        Error::InvalidCertificate(CertificateError::Other(_))
                            if is_self_issued(end_entity) =>
                        {
                            CertificateError::UnknownIssuer.into()
                        }
                        error => error,
                    }
                },
            )?;
        }
        if *names {
            verify_server_name(&cert, server_name)
                .or_else(|error| common_name_fits(end_entity, server_name).then_some(()).ok_or(error))?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match (&self.checks, public_key_of_v1(cert)) {
            (Checks::Nothing, Some(key)) => {
                verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
            }
            _ => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The key of a certificate of version 1, which rustls does not read. `openssl x509 -req` makes such without
/// an extension file; they can prove that the server has the key, and no more.
fn public_key_of_v1(der: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let cert = Certificate::from_der(der).ok().filter(|cert| cert.tbs_certificate.version == Version::V1)?;
    Some(SubjectPublicKeyInfoDer::from(cert.tbs_certificate.subject_public_key_info.to_der().ok()?))
}

/// Whether a certificate names itself as its issuer.
fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    Certificate::from_der(der).is_ok_and(|cert| cert.tbs_certificate.issuer == cert.tbs_certificate.subject)
}

fn check_dates(der: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let cert = Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
    let validity = cert.tbs_certificate.validity;
    let at = |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let (not_before, not_after) = (at(validity.not_before), at(validity.not_after));
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(())
}

/// Whether the certificate has no alternative name for hosts and its common name is this one; `*.` stands
/// for one label.
fn common_name_fits(der: &CertificateDer<'_>, server_name: &ServerName<'_>) -> bool {
    let Ok(cert) = Certificate::from_der(der) else { return false };
    let alternatives = match cert.tbs_certificate.get::<SubjectAltName>() {
        Ok(found) => found.map(|(_, names)| names.0).unwrap_or_default(),
        Err(_) => return false,
    };
    if alternatives.iter().any(|name| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_))) {
        return false;
    }
    let wanted = server_name.to_str();
    let names = cert.tbs_certificate.subject.0.iter().flat_map(|names| names.0.iter());
    let mut common = names.filter(|name| name.oid == CN).filter_map(|name| {
        let value = &name.value;
        (Utf8StringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| TeletexStringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .ok()
    });
    // libpq judges the first only.
    common
        .next()
        .is_some_and(|pattern| name_fits(&pattern, &wanted, matches!(server_name, ServerName::DnsName(_))))
}

fn name_fits(pattern: &str, wanted: &str, wildcards: bool) -> bool {
    if pattern.eq_ignore_ascii_case(wanted) {
        return !pattern.contains('*');
    }
    let Some(suffix) = pattern.strip_prefix("*.").filter(|_| wildcards) else { return false };
    wanted.split_once('.').is_some_and(|(label, rest)| {
        !label.is_empty() && !suffix.contains('*') && rest.eq_ignore_ascii_case(suffix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_exactly_one_label() {
        let cases = [
            ("db1.example.com", "db1.example.com", true),
            ("DB1.example.com", "db1.EXAMPLE.com", true),
            ("*.example.com", "db1.example.com", true),
            ("*.example.com", "a.db1.example.com", false),
            ("*.example.com", "example.com", false),
            ("*", "db1", false),
            ("*.*.com", "a.b.com", false),
            ("db1", "db2", false),
            ("", "db1", false),
        ];
        for (pattern, wanted, fits) in cases {
            assert_eq!(name_fits(pattern, wanted, true), fits, "{pattern} for {wanted}");
        }
        assert!(!name_fits("*.0.0.1", "127.0.0.1", false));
    }
}
