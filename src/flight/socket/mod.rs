//! The flight's socket.
//!
//! Owns its name, its permissions and its removal ([`open`]), and the clients that connect ([`Socket::serve`]).
//! A client is never waited for by the flight: it asks through a queue of its own, one question at a time, and
//! one that does not read its answers is let go. Never decides what is answered.

mod guest;
mod open;

use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::desk::{Public, Question};
use crate::remote::protocol::{Greeting, Reply};
use crate::remote::{account_name, own_name};
pub(super) use open::{Wanted, open};

/// Clients at a time.
const GUESTS: usize = 32;
/// How long the last words may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long to wait after the system had no room for another client.
const NO_ROOM: Duration = Duration::from_millis(100);

/// A socket that listens. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Socket {
    listener: StdListener,
    path: PathBuf,
    /// The file's identity: a later one of the same name is not ours to remove.
    identity: Option<(u64, u64)>,
    /// Members of a group may connect, which the file's permissions see to.
    shared: bool,
}

impl Socket {
    /// The flight's name.
    pub(super) fn name(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Serves clients until the flight is over, then removes the socket.
    pub(super) async fn serve(
        self,
        greeting: Greeting,
        questions: mpsc::Sender<Question>,
        mut public: watch::Receiver<Public>,
    ) {
        let Ok(listener) = self.listener.try_clone().and_then(UnixListener::from_std) else { return };
        let greeting = Arc::new(greeting);
        let mut guests = JoinSet::new();
        let mut number = 0;
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => match self.admit(&stream, guests.len()) {
                        Ok(account) => {
                            number += 1;
                            let guest = guest::Guest::new(number, account, questions.clone());
                            guests.spawn(guest.serve(stream, Arc::clone(&greeting), public.clone()));
                        }
                        Err(reason) => turn_away(stream, reason),
                    },
                    Err(_) => tokio::time::sleep(NO_ROOM).await,
                },
                Some(_) = guests.join_next(), if !guests.is_empty() => {}
                changed = public.changed() => {
                    if changed.is_err() || public.borrow_and_update().ended.is_some() {
                        break;
                    }
                }
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(FAREWELL, async { while guests.join_next().await.is_some() {} }).await;
    }

    /// Whether the peer may speak, and whose process it is.
    fn admit(&self, stream: &UnixStream, guests: usize) -> Result<guest::Account, String> {
        let peer = stream.peer_cred().map_err(|error| format!("who you are is not known: {error}"))?;
        let own = rustix::process::geteuid().as_raw();
        if !self.shared && peer.uid() != own && peer.uid() != 0 {
            return Err("the flight belongs to another account".to_owned());
        }
        if guests >= GUESTS {
            return Err(format!("{GUESTS} clients are connected already"));
        }
        let is_foreign = peer.uid() != own;
        let name = if is_foreign { account_name(peer.uid()) } else { own_name() };
        Ok(guest::Account { name, is_foreign })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Says why, as far as that fits into the connection at once.
fn turn_away(mut stream: UnixStream, reason: String) {
    tokio::spawn(async move {
        let line = guest::line(&Reply::Error { reason });
        let _ = tokio::time::timeout(FAREWELL, stream.write_all(&line)).await;
    });
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
