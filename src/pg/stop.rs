//! The word to end a task.
//!
//! Owns a signal that is never missed: given once, it stays given.

use tokio::sync::watch;

/// Gives the word.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Listens for the word.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A word that has not been given yet.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Gives the word.
    pub fn give(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until the word is given, or until nobody is left to give it.
    pub async fn given(&mut self) {
        // Without a sender there is nobody to work for.
        let _ = self.0.wait_for(|given| *given).await;
    }
}
