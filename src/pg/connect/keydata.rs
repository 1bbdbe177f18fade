//! The ready-made CancelRequest of a session, and the process id in it.
//!
//! Owns the 16 bytes. tokio-postgres keeps the key to itself but writes the request to any stream, so it is
//! given one that remembers. Never sends anything.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::link::Shaken;

/// A CancelRequest message.
#[derive(Clone)]
pub(super) struct CancelRequest(Vec<u8>);

impl CancelRequest {
    /// The request that cancels what this session runs.
    pub(super) async fn of(token: &CancelToken) -> Result<CancelRequest, tokio_postgres::Error> {
        let mut bytes = Vec::with_capacity(16);
        token.cancel_query_raw(Memory(&mut bytes), Shaken).await?;
        Ok(CancelRequest(bytes))
    }

    /// The message, length included.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The process id that the server, or whoever stands between, announced.
    pub(super) fn pid(&self) -> Option<i32> {
        let bytes = self.0.get(8..12)?;
        Some(i32::from_be_bytes(bytes.try_into().expect("four bytes")))
    }
}

impl fmt::Debug for CancelRequest {
    /// Without the key: whoever has it can cancel.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelRequest").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// A stream that keeps what is written to it.
struct Memory<'a>(&'a mut Vec<u8>);

impl AsyncRead for Memory<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().0.extend(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Memory<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
