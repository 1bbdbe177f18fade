//! The byte stream to a server: plain TCP, a Unix socket, or TLS over TCP.
//!
//! Owns opening one, and the first look at what comes back, so that something that is not PostgreSQL is
//! named at once instead of being waited for. Never authenticates.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::Keepalives;

type OverTls = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::Stream;

/// Where exactly a session is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// How to open a stream; kept by a session for its cancel requests.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) peer: Peer,
    /// TLS and the name the server is asked for.
    pub(super) tls: Option<(MakeRustlsConnect, String)>,
    /// TLS from the first byte.
    pub(super) direct: bool,
    pub(super) keepalives: Option<Keepalives>,
    pub(super) tcp_user_timeout_ms: Option<u32>,
}

/// Why a stream could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// No connection.
    Connect(io::Error),
    /// The connection broke before TLS.
    Broken(io::Error),
    /// The server answered that it has no TLS.
    NoTls,
    /// It answered something PostgreSQL never answers.
    NotPostgres,
    /// The TLS handshake failed.
    Handshake(io::Error),
}

/// The stream.
pub(super) struct Link {
    stream: Stream,
    /// The first bytes of the answer, until they are judged.
    unjudged: Option<Vec<u8>>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<OverTls>),
}

impl Link {
    /// Opens a stream along `route`.
    pub(super) async fn open(route: &Route) -> Result<Link, OpenError> {
        let stream = match &route.peer {
            Peer::Unix(path) => Stream::Unix(UnixStream::connect(path).await.map_err(OpenError::Connect)?),
            Peer::Tcp(address) => {
                let mut tcp = TcpStream::connect(address).await.map_err(OpenError::Connect)?;
                tune(&tcp, route).map_err(OpenError::Connect)?;
                match &route.tls {
                    None => Stream::Tcp(tcp),
                    Some((tls, name)) => {
                        if !route.direct {
                            ask_for_tls(&mut tcp).await?;
                        }
                        let Ok(connect) =
                            MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), name);
                        let tls = connect.connect(tcp).await.map_err(OpenError::Handshake)?;
                        Stream::Tls(Box::new(tls))
                    }
                }
            }
        };
        Ok(Link { stream, unjudged: Some(Vec::new()) })
    }

    /// Whether TLS protects it.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

/// Marks an answer that PostgreSQL never gives.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not PostgreSQL's")]
pub(super) struct NotPostgres;

fn tune(tcp: &TcpStream, route: &Route) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    if let Some(keepalives) = route.keepalives {
        sockopt::set_socket_keepalive(tcp, true)?;
        if let Some(idle) = keepalives.idle {
            sockopt::set_tcp_keepidle(tcp, idle)?;
        }
        if let Some(interval) = keepalives.interval {
            sockopt::set_tcp_keepintvl(tcp, interval)?;
        }
        if let Some(count) = keepalives.count {
            sockopt::set_tcp_keepcnt(tcp, count)?;
        }
    }
    #[cfg(target_os = "linux")]
    if let Some(timeout_ms) = route.tcp_user_timeout_ms {
        sockopt::set_tcp_user_timeout(tcp, timeout_ms)?;
    }
    Ok(())
}

/// Sends SSLRequest and reads the one byte of its answer; not more, so that nothing that was sent in clear
/// is taken for a part of the TLS stream.
async fn ask_for_tls(tcp: &mut TcpStream) -> Result<(), OpenError> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    tcp.write_all(&SSL_REQUEST).await.map_err(OpenError::Broken)?;
    match tcp.read_u8().await.map_err(OpenError::Broken)? {
        b'S' => Ok(()),
        b'N' => Err(OpenError::NoTls),
        b'E' => Err(OpenError::Broken(io::Error::other("the server could not start a process for it"))),
        _ => Err(OpenError::NotPostgres),
    }
}

/// Whether a server's first message may begin like this: authentication, an error, a notice or a protocol
/// version, of a sane length.
fn may_be_postgres(start: &[u8]) -> bool {
    let tag = start.first().is_none_or(|tag| b"REvN".contains(tag));
    let length = start.get(1..5).is_none_or(|bytes| {
        let bytes: [u8; 4] = bytes.try_into().expect("four bytes");
        (4..=30_000).contains(&u32::from_be_bytes(bytes))
    });
    tag && length
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if let Some(start) = &mut this.unjudged {
            start.extend(buf.filled()[before..].iter().take(5 - start.len()));
            if !may_be_postgres(start) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, NotPostgres)));
            }
            if start.len() == 5 {
                this.unjudged = None;
            }
        }
        polled
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl TlsStream for Link {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Stream::Tls(stream) => stream.channel_binding(),
            Stream::Tcp(_) | Stream::Unix(_) => ChannelBinding::none(),
        }
    }
}

/// Tells tokio-postgres that the handshake of the stream it is given is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shaken;

impl<S: TlsStream + Unpin> TlsConnect<S> for Shaken {
    type Stream = S;
    type Error = io::Error;
    type Future = Ready<Result<S, io::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_answers_are_told_apart_from_other_protocols() {
        let cases: [(&[u8], bool); 9] = [
            (b"", true),
            (b"R", true),
            (b"R\0\0\0\x08", true),
            (b"E\0\0\x01\0", true),
            (b"v\0\0\0\x10", true),
            (b"HTTP/", false),
            (b"SSH-2", false),
            (b"RTSP/", false),
            (b"J\0\0\0\n", false),
        ];
        for (start, may) in cases {
            assert_eq!(may_be_postgres(start), may, "{start:?}");
        }
    }
}
