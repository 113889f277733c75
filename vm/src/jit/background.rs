//! The thread that compiles beside the program.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread::Builder;
use std::time::Duration;

use lumen_runtime::image::give_back_all_code;

use super::env::Unit;
use crate::load::image::Image;

/// The queue of requests. The thread starts with the first of them, and ends with the program.
#[derive(Default)]
pub(super) struct Background {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    image: Weak<Image>,
    queue: Option<Sender<Unit>>,
}

impl Background {
    /// Requests are for this program.
    pub(super) fn serve(&self, image: &Arc<Image>) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.image = Arc::downgrade(image);
    }

    /// Asks for native code of `unit`.
    pub(super) fn request(&self, unit: Unit) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if state.queue.is_none() {
            let (sender, receiver) = channel();
            let image = state.image.clone();
            let thread = Builder::new().name("jit".into());
            // Without a thread the program stays interpreted.
            if thread.spawn(move || work(&image, &receiver)).is_ok() {
                state.queue = Some(sender);
            }
        }
        if let Some(queue) = &state.queue {
            let _ = queue.send(unit);
        }
    }
}

/// How long nothing is asked for before the memory of the code generator's own code is given back:
/// some megabytes. It is read again (from the file cache) for what becomes hot later.
const QUIET: Duration = Duration::from_millis(2);

fn work(image: &Weak<Image>, requests: &Receiver<Unit>) {
    let mut next = requests.recv();
    // It comes in the place of the compiler of the language.
    give_back_all_code();
    // The sender goes with the image.
    while let Ok(unit) = next {
        let Some(image) = image.upgrade() else {
            return;
        };
        if let Some(jit) = &image.jit {
            jit.compile_later(&image, unit);
        }
        drop(image);
        next = match requests.recv_timeout(QUIET) {
            Err(RecvTimeoutError::Timeout) => {
                give_back_all_code();
                requests.recv()
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(unit) => Ok(unit),
        };
    }
}
