//! Somebody who looks at the clock while a program runs: one that never ends cannot be measured,
//! and the user is to be told.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::exit::Exit;
use crate::report;

/// After so long the user hears that a run is still under way.
const NOTE: Duration = Duration::from_secs(10);
/// A run is given up after so many times what the whole was to take, but not before
/// [`LIMIT_MIN`].
const LIMIT: u32 = 10;
/// See [`LIMIT`].
const LIMIT_MIN: Duration = Duration::from_secs(60);

/// The watch. It ends with this.
pub(super) struct Watch {
    runs: Option<Sender<&'static str>>,
}

impl Watch {
    /// Of a measurement that is to take no longer than `budget`.
    pub(super) fn new(budget: Duration) -> Watch {
        let limit = (budget * LIMIT).max(LIMIT_MIN);
        let (runs, begun) = channel::<&'static str>();
        let look = move || {
            let mut way = match begun.recv() {
                Ok(way) => way,
                Err(_) => return,
            };
            let mut noted = false;
            loop {
                let wait = if noted { limit - NOTE } else { NOTE };
                way = match begun.recv_timeout(wait) {
                    Ok(next) => {
                        noted = false;
                        next
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if !noted => {
                        let seconds = NOTE.as_secs();
                        report::error_text(&format!(
                            "lumen bench: a run has taken {seconds} s so far ({way}); the program \
                             is run several times in each way, so give it less to do\n"
                        ));
                        noted = true;
                        way
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        report::error_text(&format!(
                            "lumen bench: given up: a run has not ended within {} s ({way}); a \
                             program that takes so long may be measured with a larger `--time`\n",
                            limit.as_secs()
                        ));
                        std::process::exit(Exit::Failed.code().into());
                    }
                };
            }
        };
        // Without a thread nobody looks.
        let thread = Builder::new().name("watch".into()).spawn(look);
        Watch {
            runs: thread.is_ok().then_some(runs),
        }
    }

    /// A run begins.
    pub(super) fn begins(&self, way: &'static str) {
        if let Some(runs) = &self.runs {
            let _ = runs.send(way);
        }
    }
}
