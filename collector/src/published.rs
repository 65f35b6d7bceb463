//! The unwinder's tables as handlers find them: puts new ones in place when libraries come and go, and frees the old ones when
//! no handler can be reading them.

use std::time::{Duration, Instant};

use crate::signal::zone::Zone;
use crate::unwind::Tables;

/// How long to wait for handlers to finish: far longer than one takes to run once it gets a processor.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tables in place, and those that still wait to be freed.
pub(crate) struct Published {
    zone: &'static Zone,
    current: *mut Tables,
    retired: Vec<*mut Tables>,
}

// SAFETY: the pointers are owned by this value; handlers only read what they point to, and tables are plain data.
unsafe impl Send for Published {}

impl Published {
    /// Builds tables for what is loaded and puts them in place.
    pub(crate) fn new(zone: &'static Zone) -> Self {
        let mut published = Published { zone, current: std::ptr::null_mut(), retired: Vec::new() };
        published.refresh();
        published
    }

    /// Builds new tables if libraries came or went; says whether there are new ones.
    pub(crate) fn refresh(&mut self) -> bool {
        self.free_retired();
        let Some(tables) = Tables::build(self.current()) else { return false };
        self.current = Box::into_raw(Box::new(tables));
        let old = self.zone.swap_tables(self.current);
        if !old.is_null() {
            self.retired.push(old);
        }
        self.free_retired();
        true
    }

    /// The tables in place.
    pub(crate) fn current(&self) -> Option<&Tables> {
        // SAFETY: it is null or a box of ours that is freed only after it has been replaced.
        unsafe { self.current.as_ref() }
    }

    /// Frees what was replaced, if nobody is in the zone just now; otherwise that is for the next time.
    fn free_retired(&mut self) {
        if self.retired.is_empty() || !self.zone.is_quiet() {
            return;
        }
        for tables in self.retired.drain(..) {
            // SAFETY: it came from a box, was taken out of the zone, and nobody who may have found it there is left.
            drop(unsafe { Box::from_raw(tables) });
        }
    }

    /// Waits until nobody is in the zone; `false` if that takes too long.
    pub(crate) fn wait_for_quiet(zone: &Zone) -> bool {
        let begun = Instant::now();
        while !zone.is_quiet() {
            if begun.elapsed() > PATIENCE {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let last = self.zone.swap_tables(std::ptr::null_mut());
        if !last.is_null() {
            self.retired.push(last);
        }
        // A handler that does not finish, in a thread that a debugger holds perhaps, keeps its tables.
        if Self::wait_for_quiet(self.zone) {
            self.free_retired();
        }
    }
}
