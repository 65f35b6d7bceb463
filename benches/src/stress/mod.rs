//! What the stress program does to a process while the collector samples it: one hazard a function, each running until it
//! is told to stop and counting its rounds, so that a watchdog can see it stand still.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

mod collector;
mod libraries;
mod memory;
mod processes;
mod signals;

pub use collector::start_and_stop;

/// What a hazard needs to know.
#[derive(Debug)]
pub struct Course {
    /// Set once, when it is to end. Written and read relaxed: it carries no data.
    stop: AtomicBool,
    /// Rounds that the hazard has done. Relaxed: a count to look at.
    rounds: AtomicU64,
}

impl Course {
    /// A hazard at its beginning.
    pub const fn new() -> Self {
        Course { stop: AtomicBool::new(false), rounds: AtomicU64::new(0) }
    }

    /// Tells it to end.
    pub fn end(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// How many rounds it has done.
    pub fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Counts a round and says whether there is to be another.
    fn goes_on(&self) -> bool {
        self.rounds.fetch_add(1, Ordering::Relaxed);
        !self.stop.load(Ordering::Relaxed)
    }
}

impl Default for Course {
    fn default() -> Self {
        Course::new()
    }
}

/// A hazard: what it is called, and what it does.
pub struct Hazard {
    /// Its name.
    pub name: &'static str,
    /// Runs until the course ends.
    pub run: fn(&Course),
}

/// All that a process may do under a running collector.
pub const HAZARDS: [Hazard; 6] = [
    Hazard { name: "allocation", run: memory::allocate },
    Hazard { name: "thread churn", run: memory::churn_threads },
    Hazard { name: "dlopen and dlclose", run: libraries::load_and_unload },
    Hazard { name: "caught panics", run: memory::panic_and_catch },
    Hazard { name: "fork and exec", run: processes::fork_and_exec },
    Hazard { name: "signals of its own", run: signals::handle_signals },
];
