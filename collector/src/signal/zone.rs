//! The memory that handlers and the collector share: one mapping, made at the first start and never unmapped, since a late
//! signal may always come. A forked child finds it empty (MADV_WIPEONFORK).

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::buffer::Buffer;
use super::histogram::Histogram;
use super::scratch::Scratch;
use super::threads::{Thread, Threads, Timer};
use super::timer::{self, Clock};
use crate::unwind::Tables;

static ZONE: AtomicPtr<Zone> = AtomicPtr::new(ptr::null_mut());

/// All of it. All zero is a zone where nothing runs.
pub(crate) struct Zone {
    /// Whether a session wants samples. With `in_flight` this is a handshake: see [`Zone::enter`].
    running: AtomicBool,
    /// How many are inside the zone now.
    in_flight: AtomicU32,
    /// CPU time between two samples of a thread. Written while nothing runs.
    interval_ns: AtomicU64,
    /// Whether a thread that the scout finds starts a timer for itself. Written while nothing runs.
    self_arming: AtomicBool,
    /// The unwinder's tables. The session owns what this points to.
    tables: AtomicPtr<Tables>,
    /// Weight of samples that found no room. A statistic.
    pub(crate) lost: AtomicU64,
    /// Threads that the kernel refused a timer. A statistic.
    pub(crate) refused: AtomicU64,
    pub(crate) samples: Buffer,
    pub(crate) threads: Threads,
    pub(crate) scratch: Scratch,
    pub(crate) handler_time: Histogram,
}

/// Someone inside the zone: while it lives, a session that ends waits, and no table is freed.
pub(crate) struct Visit<'a>(&'a Zone);

impl Zone {
    /// The zone, if there was a first start.
    ///
    /// # Signal safety
    /// Runs anywhere: one load.
    pub(crate) fn get() -> Option<&'static Zone> {
        // Acquire pairs with the exchange in `map`.
        let zone = ZONE.load(Ordering::Acquire);
        // SAFETY: it is null or what `map` put there: a mapping of a zone's size that is never unmapped and whose bytes, zero at
        // first, are a zone.
        unsafe { zone.as_ref() }
    }

    /// The zone, mapped if this is the first time.
    #[expect(clippy::disallowed_methods, reason = "runs before there is a session")]
    pub(crate) fn map() -> std::io::Result<&'static Zone> {
        if let Some(zone) = Zone::get() {
            return Ok(zone);
        }
        let size = size_of::<Zone>();
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new anonymous mapping, placed by the kernel, takes nothing away from anyone.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size, access, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        // Without it (before Linux 4.14) a child finds the parent's figures, which `start` resets.
        // SAFETY: the range is the mapping just made, which nobody else knows.
        unsafe { libc::madvise(memory, size, libc::MADV_WIPEONFORK) };
        // Acquire and release: who finds this pointer finds the mapping in place.
        match ZONE.compare_exchange(ptr::null_mut(), memory.cast(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {}
            Err(_) => {
                // SAFETY: another thread's mapping has become the zone, so nobody knows this one.
                unsafe { libc::munmap(memory, size) };
            }
        }
        Zone::get().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::OutOfMemory))
    }

    /// Comes in, if a session runs.
    ///
    /// # Signal safety
    /// Runs anywhere: two atomic operations.
    pub(crate) fn enter(&self) -> Option<Visit<'_>> {
        // Sequentially consistent, as are `running` and the tables: either the one who stops sees us counted and waits, or we
        // see that it is over.
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let visit = Visit(self);
        self.running.load(Ordering::SeqCst).then_some(visit)
    }

    /// Begins a session. Nothing else may run, and nobody be inside but those who leave at once. `self_arming` says whether a
    /// thread that the scout finds starts a timer for itself.
    #[expect(clippy::disallowed_methods, reason = "runs on the collector's thread")]
    pub(crate) fn open(&self, interval_ns: u64, self_arming: bool) {
        self.samples.drain(|_, _| {});
        self.scratch.touch(std::thread::available_parallelism().map_or(1, usize::from));
        self.handler_time.reset();
        self.lost.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        self.interval_ns.store(interval_ns, Ordering::Relaxed);
        self.self_arming.store(self_arming, Ordering::Relaxed);
        // Publishes all of the above to whoever enters.
        self.running.store(true, Ordering::SeqCst);
    }

    /// Ends the session: nobody comes in from now on.
    pub(crate) fn close(&self) {
        self.running.store(false, Ordering::SeqCst);
    }

    /// Whether nobody is inside at this moment, so that what was taken out of reach before can be freed.
    pub(crate) fn is_quiet(&self) -> bool {
        // Pairs with `enter`: one who comes in later finds what was published before this load.
        self.in_flight.load(Ordering::SeqCst) == 0
    }

    /// Puts other tables in place; gives the old ones, which someone inside may still be reading.
    pub(crate) fn swap_tables(&self, tables: *mut Tables) -> *mut Tables {
        self.tables.swap(tables, Ordering::SeqCst)
    }

    /// Memory that the zone has touched at most.
    #[expect(clippy::arithmetic_side_effects, reason = "runs on the collector's thread")]
    pub(crate) const fn memory_bytes() -> usize {
        Buffer::memory_bytes() + Threads::memory_bytes() + Scratch::memory_bytes() + size_of::<Histogram>()
    }
}

impl<'a> Visit<'a> {
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn zone(&self) -> &'a Zone {
        self.0
    }

    /// The unwinder's tables, for as long as the visit lasts.
    ///
    /// # Signal safety
    /// Runs anywhere: one load.
    pub(crate) fn tables(&self) -> Option<&Tables> {
        let tables = self.0.tables.load(Ordering::SeqCst);
        // SAFETY: it is null or tables that the session frees only after it has put others in place and found nobody inside;
        // this visit was counted before the load.
        unsafe { tables.as_ref() }
    }

    /// CPU time between two samples of a thread.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn interval_ns(&self) -> u64 {
        self.0.interval_ns.load(Ordering::Relaxed).max(1)
    }

    /// Gives the calling thread its timer, unless the collector's thread will give it something better.
    ///
    /// # Signal safety
    /// Runs anywhere: as [`Visit::arm`].
    pub(crate) fn arm_itself(&self, slot: usize, thread: &Thread, tid: u32) {
        if self.0.self_arming.load(Ordering::Relaxed) {
            self.arm(slot, thread, tid);
        }
    }

    /// Gives the thread its timer, if it has none, nobody else is about to, and the kernel allows it.
    ///
    /// # Signal safety
    /// Runs anywhere: three system calls at most.
    pub(crate) fn arm(&self, slot: usize, thread: &Thread, tid: u32) {
        if !thread.begin_arming() {
            return;
        }
        let interval_ns = self.interval_ns();
        // The first sample comes at a random place in the period, so that CPU time is counted without bias however little of
        // it a thread uses.
        let first_ns = 1_u64.saturating_add(super::clock::random(u64::from(tid)).checked_rem(interval_ns).unwrap_or(0));
        let value = timer::value_of(slot as u32);
        match timer::start(Clock::Thread(tid), value, first_ns, interval_ns) {
            Ok(timer) => thread.set_timer(Timer::Armed(timer)),
            Err(_) => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                thread.set_timer(Timer::Refused);
            }
        }
    }
}

impl Drop for Visit<'_> {
    /// # Signal safety
    /// Runs anywhere: one atomic operation.
    fn drop(&mut self) {
        // Pairs with the load in `is_quiet`: all that was read inside was read before.
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
