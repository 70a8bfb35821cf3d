//! Threads beside the workers, which watch files or hash passwords.

use std::io;
use std::thread::Builder;

use tokio::sync::watch;

/// Whether such a thread still runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Life {
    name: String,
    /// Closed by the thread's end.
    alive: watch::Receiver<()>,
}

impl Life {
    /// Runs `work` on a thread of its own.
    pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (living, alive) = watch::channel(());
        let name = name.to_owned();
        Builder::new().name(name.clone()).spawn(move || {
            // dropped by a panic, too
            let _living = living;
            work();
        })?;
        Ok(Self { name, alive })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the thread ends, by itself or by a panic.
    pub async fn ended(mut self) {
        while self.alive.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_end() {
        let life = Life::start("broken", || panic!("as meant")).unwrap();
        life.ended().await;
    }
}
