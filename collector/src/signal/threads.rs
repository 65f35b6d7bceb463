//! The table of threads: for each its timer, its stack's bounds and its labels, found by tid without a lock.
//!
//! A tid belongs to one bucket of 16, which is one cache line; neighbouring tids share one, so a bucket rarely fills. A thread
//! that finds its bucket full is left to the scout. Entries are claimed by the thread itself, in the handler, or by the
//! collector's thread, and given back by the collector's thread only, once the thread is gone.

use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::memory::StackBounds;
use super::timer::TimerId;

const BUCKETS: usize = 1024;
const BUCKET: usize = 16;
/// How many threads the table can hold.
pub(crate) const SLOTS: usize = BUCKETS * BUCKET;

#[repr(align(64))]
struct Bucket([AtomicU32; BUCKET]);

/// The table. All zero is an empty one.
pub(crate) struct Threads {
    tids: [Bucket; BUCKETS],
    /// One bit for each slot that is taken, so that the collector's thread need not look at all of them.
    taken: [AtomicU64; SLOTS / 64],
    threads: [Thread; SLOTS],
}

/// What is known of one thread, on one cache line.
#[repr(align(64))]
pub(crate) struct Thread {
    /// [`Timer`] as a number; only who changes it from `UNARMED` to `ARMING` may go on to set it.
    timer: AtomicI64,
    /// Periods that samples of the thread stand for; written by its handler.
    samples: AtomicU32,
    /// The thread's label set; written by the thread, read by its handler.
    label: AtomicU32,
    /// [`Sight`] as a number.
    sight: AtomicU32,
    /// While seen: where the stack pointer was. Once known: where the stack begins.
    low: AtomicUsize,
    /// While seen: the thread pointer. Once known: where the stack ends.
    high: AtomicUsize,
    /// The thread's name as it was when it was first seen.
    name: [AtomicU64; 2],
    /// Under a perf event: how much of the thread's CPU time has been sampled. Written before the event begins and then by the
    /// thread's handler.
    sampled_ns: AtomicU64,
    /// Whether its event's first period, which is not a whole one, is over; as above.
    is_in_step: AtomicBool,
}

const UNARMED: i64 = 0;
const ARMING: i64 = -1;
const REFUSED: i64 = -2;
/// Plus a descriptor: an event.
const EVENT: i64 = 1 << 40;

/// Whether a thread has a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// None yet.
    Unarmed,
    /// Someone is about to start it.
    Arming,
    /// The kernel refused one.
    Refused,
    /// It has this one.
    Armed(TimerId),
    /// It has a perf event with this descriptor instead.
    Event(i32),
}

/// How far the bounds of a thread's stack are known.
const UNSEEN: u32 = 0;
/// Its handler is writing down where it stands.
const LOOKING: u32 = 1;
/// It has been sampled, its stack and thread pointer are written down.
const SEEN: u32 = 2;
/// The bounds are known, and its control block lies at the end.
const OWN: u32 = 3;
/// The bounds are known: it is the main thread's stack.
const MAIN: u32 = 4;
/// It runs on a stack whose lifetime nobody vouches for.
const UNKNOWABLE: u32 = 5;

/// The stack that a thread was on when it was first sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// The one that the process began with; it ends where its memory does.
    Main(StackBounds),
    /// One at whose end the thread's control block lies, so that it stays for as long as the thread does.
    Own(StackBounds),
    /// Any other, which may be unmapped while the thread lives.
    Unknowable,
}

const NOWHERE: StackBounds = StackBounds { low: 0, high: 0 };

impl Threads {
    /// The thread's slot, if it has one.
    ///
    /// # Signal safety
    /// Runs anywhere: 16 loads from one cache line.
    pub(crate) fn find(&self, tid: u32) -> Option<usize> {
        let (first, bucket) = self.bucket(tid)?;
        // Acquire pairs with the exchange in `claim` and the release store in `free`.
        let at = bucket.0.iter().position(|have| have.load(Ordering::Acquire) == tid)?;
        Some(first.wrapping_add(at))
    }

    /// The thread's slot, a free one if it has none; `None` when its bucket is full.
    ///
    /// # Signal safety
    /// Runs anywhere: bounded by three passes over one cache line.
    pub(crate) fn claim(&self, tid: u32) -> Option<usize> {
        if let Some(slot) = self.find(tid) {
            return Some(slot);
        }
        let (first, bucket) = self.bucket(tid)?;
        for (at, have) in bucket.0.iter().enumerate() {
            // Sequentially consistent, as are the loads of the next pass: of two that claim slots for the same thread at the
            // same time, at least one sees the other's.
            match have.compare_exchange(0, tid, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => {
                    // While this pass went on, a slot before this one may have come free and been claimed for the same
                    // thread; the first one stays.
                    let earlier = bucket.0.iter().take(at).position(|have| have.load(Ordering::SeqCst) == tid);
                    if let Some(earlier) = earlier {
                        have.store(0, Ordering::SeqCst);
                        return Some(first.wrapping_add(earlier));
                    }
                    let slot = first.wrapping_add(at);
                    self.mark(slot, true);
                    return Some(slot);
                }
                Err(now) if now == tid => return Some(first.wrapping_add(at)),
                Err(_) => {}
            }
        }
        None
    }

    /// Gives a dead thread's slot back. Called by the collector's thread only.
    pub(crate) fn free(&self, slot: usize) {
        let Some(thread) = self.threads.get(slot) else { return };
        thread.forget();
        thread.label.store(0, Ordering::Relaxed);
        self.mark(slot, false);
        if let Some(tid) = self.tids.get(slot / BUCKET).and_then(|bucket| bucket.0.get(slot % BUCKET)) {
            // Release: whoever claims the slot finds the entry as new.
            tid.store(0, Ordering::Release);
        }
    }

    /// What is known of the thread in that slot.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn get(&self, slot: usize) -> Option<&Thread> {
        self.threads.get(slot)
    }

    /// The tid of the thread in that slot; 0 if it is free.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn tid(&self, slot: usize) -> u32 {
        let tid = self.tids.get(slot / BUCKET).and_then(|bucket| bucket.0.get(slot % BUCKET));
        // Acquire pairs with the exchange in `claim`.
        tid.map_or(0, |tid| tid.load(Ordering::Acquire))
    }

    /// All slots that are taken, each with its thread's tid.
    #[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "runs on the collector's thread")]
    pub(crate) fn taken(&self) -> impl Iterator<Item = (usize, u32, &Thread)> {
        self.taken.iter().enumerate().flat_map(move |(word, bits)| {
            // Acquire pairs with the release change in `mark`.
            let mut bits = bits.load(Ordering::Acquire);
            std::iter::from_fn(move || {
                let bit = bits.checked_ilog2()?;
                bits &= !(1 << bit);
                let slot = word * 64 + bit as usize;
                Some((slot, self.tid(slot), &self.threads[slot]))
            })
        })
    }

    /// # Signal safety
    /// Runs anywhere: one atomic change.
    fn mark(&self, slot: usize, taken: bool) {
        let Some(word) = self.taken.get(slot / 64) else { return };
        let bit = 1_u64 << (slot % 64);
        // Release pairs with the acquire load in `taken`.
        if taken {
            word.fetch_or(bit, Ordering::Release);
        } else {
            word.fetch_and(!bit, Ordering::Release);
        }
    }

    /// The bucket of a tid and the slot that it begins with. Eight neighbouring tids share the sixteen slots.
    ///
    /// # Signal safety
    /// Runs anywhere.
    fn bucket(&self, tid: u32) -> Option<(usize, &Bucket)> {
        let number = (tid as usize / (BUCKET / 2)) % BUCKETS;
        Some((number.wrapping_mul(BUCKET), self.tids.get(number)?))
    }

    /// Memory that the table has touched at most.
    pub(crate) const fn memory_bytes() -> usize {
        size_of::<Threads>()
    }
}

impl Thread {
    /// Whether it has a timer.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn timer(&self) -> Timer {
        // Acquire pairs with the release store in `set_timer`.
        match self.timer.load(Ordering::Acquire) {
            UNARMED => Timer::Unarmed,
            ARMING => Timer::Arming,
            REFUSED => Timer::Refused,
            event if event >= EVENT => Timer::Event(event.wrapping_sub(EVENT) as i32),
            id => Timer::Armed(TimerId(id.wrapping_sub(1) as i32)),
        }
    }

    /// Takes the right to start the timer; `false` if it has one or someone else is about to start it.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn begin_arming(&self) -> bool {
        // Acquire pairs with the release store in `set_timer`.
        self.timer.compare_exchange(UNARMED, ARMING, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Says what came of starting the timer.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn set_timer(&self, timer: Timer) {
        let number = match timer {
            Timer::Unarmed => UNARMED,
            Timer::Arming => ARMING,
            Timer::Refused => REFUSED,
            Timer::Armed(TimerId(id)) => i64::from(id).wrapping_add(1),
            Timer::Event(descriptor) => EVENT.wrapping_add(i64::from(descriptor)),
        };
        // Release pairs with the acquire loads in `timer` and `begin_arming`.
        self.timer.store(number, Ordering::Release);
    }

    /// Says how much of the thread's CPU time needs no sample any more. Called before its event begins.
    pub(crate) fn begin_periods(&self, sampled_ns: u64) {
        // Published by the store in `set_timer`, without which the handler passes over the event.
        self.sampled_ns.store(sampled_ns, Ordering::Relaxed);
        self.is_in_step.store(false, Ordering::Relaxed);
    }

    /// Whether this is the first time that the thread's event has counted a period.
    ///
    /// # Signal safety
    /// Runs in the thread's handler, the only one to do so.
    pub(crate) fn falls_into_step(&self) -> bool {
        !self.is_in_step.swap(true, Ordering::Relaxed)
    }

    /// How many periods have passed on the thread's CPU clock since the last call.
    ///
    /// # Signal safety
    /// Runs in the thread's handler, the only one to do so.
    pub(crate) fn take_periods(&self, cpu_ns: u64, interval_ns: u64) -> u32 {
        let sampled_ns = self.sampled_ns.load(Ordering::Relaxed);
        // What was sampled at first may lie before the clock's beginning; a clock that went back is another thread's.
        let since = u64::try_from(cpu_ns.wrapping_sub(sampled_ns) as i64).unwrap_or(0);
        let periods = since.checked_div(interval_ns).unwrap_or(0);
        self.sampled_ns.store(sampled_ns.wrapping_add(periods.wrapping_mul(interval_ns)), Ordering::Relaxed);
        u32::try_from(periods).unwrap_or(u32::MAX)
    }

    /// Counts a sample of the thread, which stands for so many periods.
    ///
    /// # Signal safety
    /// Runs in the thread's handler, the only writer.
    pub(crate) fn count_sample(&self, weight: u32) {
        self.samples.store(self.samples.load(Ordering::Relaxed).wrapping_add(weight), Ordering::Relaxed);
    }

    /// How many periods samples of the thread stand for, modulo 2³².
    pub(crate) fn samples(&self) -> u32 {
        self.samples.load(Ordering::Relaxed)
    }

    /// The thread's label set.
    ///
    /// # Signal safety
    /// Runs anywhere.
    pub(crate) fn label(&self) -> u32 {
        // The thread itself writes it, and its handler sees its own thread's writes in order.
        self.label.load(Ordering::Relaxed)
    }

    /// Puts the calling thread under a label set.
    pub(crate) fn set_label(&self, label: u32) {
        // Written by the thread itself only, and read by its own handler.
        self.label.store(label, Ordering::Relaxed);
    }

    /// The bounds of the stack that `sp` is on, as far as they are known.
    ///
    /// # Signal safety
    /// Runs in the thread's handler. The first time it makes two system calls and writes down where the thread stands.
    pub(crate) fn stack(&self, sp: usize) -> StackBounds {
        // Acquire pairs with the release store in `settle`.
        let sight = self.sight.load(Ordering::Acquire);
        match sight {
            OWN | MAIN => {
                let (low, high) = (self.low.load(Ordering::Relaxed), self.high.load(Ordering::Relaxed));
                // On another stack, a coroutine's or a signal handler's, nothing is known; nor if the tid has come back as
                // another thread's before the collector noticed.
                let on_it = low <= sp && sp < high && (sight == MAIN || super::syscall::control_block() == high);
                if on_it { StackBounds { low, high } } else { NOWHERE }
            }
            UNSEEN => {
                self.look(sp);
                NOWHERE
            }
            _ => NOWHERE,
        }
    }

    /// # Signal safety
    /// Runs in the thread's handler: two system calls.
    fn look(&self, sp: usize) {
        self.sight.store(LOOKING, Ordering::Relaxed);
        self.low.store(sp, Ordering::Relaxed);
        self.high.store(super::syscall::thread_pointer(), Ordering::Relaxed);
        let name = super::syscall::thread_name();
        self.name.iter().zip(name).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
        // Release pairs with the acquire loads in `seen` and `name`.
        self.sight.store(SEEN, Ordering::Release);
    }

    /// Where the stack and the thread pointer were when the thread was first sampled, until [`Thread::settle`] is called.
    pub(crate) fn seen(&self) -> Option<(usize, usize)> {
        // Acquire pairs with the release store in `look`.
        let seen = self.sight.load(Ordering::Acquire) == SEEN;
        seen.then(|| (self.low.load(Ordering::Relaxed), self.high.load(Ordering::Relaxed)))
    }

    /// Says what stack a thread is on that has been seen.
    pub(crate) fn settle(&self, stack: Stack) {
        let (sight, StackBounds { low, high }) = match stack {
            Stack::Main(bounds) => (MAIN, bounds),
            Stack::Own(bounds) => (OWN, bounds),
            Stack::Unknowable => (UNKNOWABLE, NOWHERE),
        };
        self.low.store(low, Ordering::Relaxed);
        self.high.store(high, Ordering::Relaxed);
        // Release pairs with the acquire load in `stack`.
        self.sight.store(sight, Ordering::Release);
    }

    /// The thread's name as it was when it was first sampled.
    #[expect(clippy::disallowed_types, clippy::indexing_slicing, reason = "runs on the collector's thread")]
    pub(crate) fn name(&self) -> Option<String> {
        // Acquire pairs with the release store in `look`.
        if self.sight.load(Ordering::Acquire) < SEEN {
            return None;
        }
        let mut bytes = Vec::with_capacity(16);
        self.name.iter().for_each(|word| bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes()));
        let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Forgets everything but the label, when the thread or the session is over.
    pub(crate) fn forget(&self) {
        self.samples.store(0, Ordering::Relaxed);
        self.sight.store(UNSEEN, Ordering::Relaxed);
        self.set_timer(Timer::Unarmed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Box<Threads> {
        // SAFETY: the table is made of atomic integers only, for which all bits zero is a value.
        unsafe { Box::<Threads>::new_zeroed().assume_init() }
    }

    #[test]
    fn a_tid_keeps_its_slot_until_it_is_freed() {
        let threads = empty();
        let slots: Vec<usize> = (1000..3000).map(|tid| threads.claim(tid).expect("there is room")).collect();
        for (slot, tid) in slots.iter().zip(1000..) {
            assert_eq!(threads.find(tid), Some(*slot));
            assert_eq!(threads.claim(tid), Some(*slot));
        }
        assert_eq!(threads.taken().count(), 2000);
        threads.free(slots[5]);
        assert_eq!(threads.find(1005), None);
        assert_eq!(threads.taken().count(), 1999);
    }

    #[test]
    fn periods_are_counted_once_and_what_is_left_of_one_counts_later() {
        let threads = empty();
        let thread = threads.get(threads.claim(7).expect("there is room")).expect("a claimed slot exists");
        thread.begin_periods(5_000);
        let taken: Vec<_> =
            [5_999, 6_000, 6_999, 9_500, 9_999, 10_000].map(|cpu| thread.take_periods(cpu, 1_000)).into();
        assert_eq!(taken, [0, 1, 0, 3, 0, 1]);
        thread.begin_periods(200_u64.wrapping_sub(1_000));
        assert_eq!([100, 200, 300, 1_200].map(|cpu| thread.take_periods(cpu, 1_000)), [0, 1, 0, 1]);
        assert_eq!([true, false, false], [(); 3].map(|()| thread.falls_into_step()));
    }

    #[test]
    fn a_timer_is_what_it_was_set_to() {
        let threads = empty();
        let thread = threads.get(threads.claim(7).expect("there is room")).expect("a claimed slot exists");
        let all = [Timer::Armed(TimerId(0)), Timer::Armed(TimerId(i32::MAX)), Timer::Event(0), Timer::Event(i32::MAX)];
        for timer in all.into_iter().chain([Timer::Unarmed, Timer::Arming, Timer::Refused]) {
            thread.set_timer(timer);
            assert_eq!(thread.timer(), timer);
        }
    }

    #[test]
    fn a_full_bucket_refuses_and_others_do_not() {
        let threads = empty();
        let colliding = |n: u32| 8 + n * (BUCKETS as u32) * 8;
        for n in 0..BUCKET as u32 {
            assert!(threads.claim(colliding(n)).is_some());
        }
        assert_eq!(threads.claim(colliding(BUCKET as u32)), None);
        assert!(threads.claim(8000).is_some());
    }

    #[test]
    fn a_thread_that_two_claim_at_once_gets_one_slot() {
        let threads = empty();
        for tid in 1..2000 {
            let (ours, theirs) = std::thread::scope(|scope| {
                let other = scope.spawn(|| threads.claim(tid));
                (threads.claim(tid), other.join().expect("claiming does not panic"))
            });
            assert_eq!(ours, theirs);
            threads.free(ours.expect("there is room"));
        }
        assert_eq!(threads.taken().count(), 0);
    }

    #[test]
    fn only_the_stack_that_a_thread_was_first_seen_on_has_known_bounds() {
        let threads = empty();
        let thread = threads.get(threads.claim(7).expect("there is room")).expect("a claimed slot exists");
        assert_eq!(thread.stack(5000), NOWHERE);
        assert_eq!(thread.seen(), Some((5000, crate::signal::syscall::thread_pointer())));
        let main = StackBounds { low: 4000, high: 6000 };
        thread.settle(Stack::Main(main));
        assert_eq!(thread.stack(5500), main);
        assert_eq!(thread.stack(6500), NOWHERE);
    }

    #[test]
    fn a_stack_is_a_thread_s_own_for_as_long_as_its_control_block_is_at_the_end() {
        let threads = empty();
        let thread = threads.get(threads.claim(7).expect("there is room")).expect("a claimed slot exists");
        let own = StackBounds { low: 4096, high: crate::signal::syscall::thread_pointer() };
        thread.stack(5000);
        thread.settle(Stack::Own(own));
        assert_eq!(thread.stack(5000), own);
        std::thread::scope(|scope| {
            // Another thread with the same tid.
            let other = scope.spawn(|| thread.stack(5000));
            assert_eq!(other.join().expect("it does not panic"), NOWHERE);
        });
    }
}
