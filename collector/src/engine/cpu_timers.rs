//! The engine that is there everywhere: a timer on each thread's CPU clock, and the scout on the process's for threads that
//! nobody has seen yet. With perf events it is the same, only that threads get an event instead of a timer where they can.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use rustc_hash::{FxHashMap, FxHashSet};

use super::perf_events::PerfEvents;
use super::thread_clock::cpu_time;
use super::{Census, Engine, Started};
use crate::Error;
use crate::signal::memory::StackBounds;
use crate::signal::threads::{Stack, Thread, Timer};
use crate::signal::timer::{self, CALM_PERIODS, Clock, TimerId, scout_value};
use crate::signal::zone::{Visit, Zone};
use crate::signal::{asking, clock};
use crate::tasks;

/// How often threads are looked for, unless looking takes long.
const SCAN: Duration = Duration::from_millis(100);
/// How long threads must neither have come nor gone for the scout to come seldom: it interrupts, though it is passed over.
const CALM: Duration = Duration::from_secs(2);
/// How long the number of threads is trusted to tell whether they are the same.
const RECOUNT: Duration = Duration::from_secs(1);
/// How much longer than a look, in CPU time, the pause after it is: what looking costs is bounded by a thousandth …
const REST: u32 = 1000;
/// … unless there are so many threads that the pause would get longer than this. The scout samples new ones meanwhile.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// How often each thread is asked whether it uses CPU without being sampled.
const CHECK_UP: Duration = Duration::from_secs(1);

/// What the kernel keeps free below the main thread's stack, 256 pages: that far it may have grown since its memory was looked
/// at without having met anything else.
const GUARD_GAP: usize = 1 << 20;

/// The timers of all threads.
pub(crate) struct CpuTimers {
    zone: &'static Zone,
    interval: Duration,
    /// What threads get instead of timers.
    events: Option<PerfEvents>,
    scout: Scout,
    /// When threads were last seen to have come or gone.
    stirred: Instant,
    scan_due: Instant,
    /// How many threads there were at the last scan, and how many had an entry.
    counted: (Option<u64>, usize),
    recount_due: Instant,
    maps_due: Instant,
    check_up_due: Instant,
    health: FxHashMap<u32, Health>,
    blocked: FxHashSet<u32>,
    /// What threads had used when sampling began.
    used_before: FxHashMap<u32, Duration>,
    process_used_before: Duration,
    /// CPU time of threads that are gone and could not be sampled.
    written_off: Duration,
    /// The most threads at a time for which the table had no room.
    unplaced: u64,
    own_tid: u32,
}

/// The timer on the process's clock.
#[derive(Debug, Clone, Copy)]
struct Scout {
    timer: TimerId,
    is_calm: bool,
}

impl Scout {
    fn start(interval: Duration, is_calm: bool) -> Result<Scout, i32> {
        let period_ns = interval.as_nanos() as u64 * if is_calm { u64::from(CALM_PERIODS) } else { 1 };
        // At random, so that what it stands for is right on average however often it is changed.
        let first_ns = 1 + clock::random(period_ns) % period_ns;
        let timer = timer::start(Clock::Process, scout_value(is_calm), first_ns, period_ns)?;
        Ok(Scout { timer, is_calm })
    }
}

/// How a thread did at its last check-up.
#[derive(Debug, Clone, Copy)]
struct Health {
    cpu: Duration,
    samples: u32,
}

impl CpuTimers {
    /// Starts the scout and a timer for every thread but the calling one, or a perf event if `perf_events`.
    pub(crate) fn start(zone: &'static Zone, interval: Duration, perf_events: bool) -> Started {
        let events = if perf_events { Some(PerfEvents::new(interval)?) } else { None };
        let scout = Scout::start(interval, false)
            .map_err(|errno| Error::System { what: "timer_create", source: io::Error::from_raw_os_error(errno) })?;
        let now = Instant::now();
        let mut engine = CpuTimers {
            zone,
            interval,
            events,
            scout,
            stirred: now,
            scan_due: now,
            counted: (None, 0),
            recount_due: now,
            maps_due: now,
            check_up_due: now + CHECK_UP,
            health: FxHashMap::default(),
            blocked: FxHashSet::default(),
            used_before: FxHashMap::default(),
            process_used_before: cpu_time(Clock::Process).unwrap_or_default(),
            written_off: Duration::ZERO,
            unplaced: 0,
            own_tid: crate::signal::syscall::thread_id(),
        };
        for tid in tasks::list().unwrap_or_default() {
            engine.used_before.extend(cpu_time(Clock::Thread(tid)).map(|used| (tid, used)));
        }
        engine.scan();
        Ok(Box::new(engine))
    }

    /// Whether threads may have come or gone since this was last asked: their number is another, that of those which the scout has
    /// found is, one with a timer is gone, or it is [`RECOUNT`] ago. The list of threads takes ten times as long to read as their
    /// number.
    fn may_have_changed(&mut self, now: Instant) -> bool {
        let counted = (tasks::count(), self.zone.threads.taken().count());
        let is_steady = counted == self.counted && !self.zone.threads.taken().any(|(_, _, thread)| is_gone(thread));
        if is_steady && now < self.recount_due {
            return false;
        }
        if !is_steady {
            self.stirred = now;
        }
        (self.counted, self.recount_due) = (counted, now + RECOUNT);
        true
    }

    /// Gives a timer to each thread that has none, and takes back what dead ones had; says who is gone and who was late.
    fn scan(&mut self) -> Census {
        // First those that have an entry, then those that live: a thread that is born in between is not taken for dead.
        let entries: Vec<_> = self.zone.threads.taken().collect();
        let mut census = Census::default();
        let Ok(mut alive) = tasks::list() else { return census };
        alive.sort_unstable();
        for (slot, tid, thread) in entries {
            let is_alive = alive.binary_search(&tid).is_ok();
            // The tid of one that is gone may be another's by now, which is without a timer then.
            if tid == 0 || is_alive && !is_gone(thread) {
                continue;
            }
            self.take_back(thread);
            if is_alive {
                thread.forget();
                census.late.extend(cpu_time(Clock::Thread(tid)).map(|used| (tid, used)));
            } else {
                self.zone.threads.free(slot);
            }
            let before = self.used_before.remove(&tid).unwrap_or_default();
            if let Some(health) = self.health.remove(&tid)
                && self.blocked.contains(&tid)
            {
                self.written_off += health.cpu.saturating_sub(before);
            }
            census.gone.push(tid);
        }
        let Some(visit) = self.zone.enter() else { return census };
        let (own_tid, mut unplaced) = (self.own_tid, 0);
        for &tid in alive.iter().filter(|&&tid| tid != own_tid) {
            let Some(slot) = self.zone.threads.claim(tid) else {
                unplaced += 1;
                continue;
            };
            if let Some(thread) = self.zone.threads.get(slot) {
                self.arm(&visit, slot, thread, tid);
            }
        }
        self.unplaced = self.unplaced.max(unplaced);
        census
    }

    /// Has the scout come each period while threads come and go, and seldom when they have long ceased to. Threads that can have no
    /// timer have none but the scout.
    fn pace_scout(&mut self, now: Instant) {
        let is_calm = now - self.stirred > CALM && self.unarmed() == 0;
        if is_calm != self.scout.is_calm
            && let Ok(scout) = Scout::start(self.interval, is_calm)
        {
            timer::delete(std::mem::replace(&mut self.scout, scout).timer);
        }
    }

    /// Completes a scan's [`Census`], right after it. The last one counts the living, too.
    fn take_census(&self, mut census: Census, is_last: bool) -> Option<Census> {
        // First the process's clock: what a thread uses in between then counts for the living, and is missing for a moment.
        let process = cpu_time(Clock::Process)?.saturating_sub(self.process_used_before);
        let mut left_out = self.written_off + self.used(self.own_tid).unwrap_or_default();
        for (_, tid, thread) in self.zone.threads.taken() {
            let Some(used) = self.used(tid) else { continue };
            if !is_last || self.blocked.contains(&tid) {
                left_out += used;
                census.sampled_of_living += u64::from(thread.samples());
            } else if used > self.interval * thread.samples() {
                census.stopped.push(tid);
            }
        }
        // Perf events do not wait for the tick: what they have not sampled yet is chance, which evens out by the end.
        if is_last || self.events.is_none() {
            census.used_by_others = process.saturating_sub(left_out);
        }
        Some(census)
    }

    /// The thread's CPU time since sampling began.
    fn used(&self, tid: u32) -> Option<Duration> {
        let before = self.used_before.get(&tid).copied().unwrap_or_default();
        Some(cpu_time(Clock::Thread(tid))?.saturating_sub(before))
    }

    /// Gives the thread a timer, or an event, if it has none.
    fn arm(&mut self, visit: &Visit<'_>, slot: usize, thread: &Thread, tid: u32) {
        let given = self.events.as_mut().is_some_and(|events| events.give(thread, tid));
        if !given {
            visit.arm(slot, thread, tid);
        }
    }

    /// Takes back what the thread has.
    fn take_back(&mut self, thread: &Thread) {
        match (thread.timer(), &mut self.events) {
            (Timer::Armed(timer), _) => timer::delete(timer),
            (Timer::Event(descriptor), Some(events)) => events.take_back(descriptor),
            _ => {}
        }
    }

    /// Finds the stacks of threads that have been sampled for the first time; says whether there were any.
    fn find_stacks(&self) -> bool {
        let seen: Vec<_> =
            self.zone.threads.taken().filter_map(|(_, _, thread)| Some((thread, thread.seen()?))).collect();
        if seen.is_empty() {
            return false;
        }
        let Ok(memory) = tasks::writable_memory() else { return false };
        for (thread, (sp, thread_pointer)) in seen {
            thread.settle(stack_around(&memory, sp, thread_pointer));
        }
        true
    }

    /// Looks for threads that use CPU and give no samples: they block the signal, or the kernel has lost their timer, as
    /// Linux 5.9 to 5.15 do now and then (golang/go#49065). Threads that were refused a timer get another try.
    fn check_up(&mut self) {
        let suspicious = self.interval.saturating_mul(4).max(Duration::from_millis(50));
        for (slot, tid, thread) in self.zone.threads.taken() {
            let signal = match thread.timer() {
                Timer::Armed(_) => timer::SIGNAL,
                Timer::Event(_) => asking::SIGNAL,
                Timer::Refused => {
                    self.zone.refused.fetch_sub(1, Relaxed);
                    self.rearm(slot, tid, thread);
                    continue;
                }
                Timer::Unarmed | Timer::Arming => continue,
            };
            let Some(cpu) = cpu_time(Clock::Thread(tid)) else { continue };
            let now = Health { cpu, samples: thread.samples() };
            let Some(before) = self.health.insert(tid, now) else { continue };
            if now.samples != before.samples {
                continue;
            }
            if now.cpu.saturating_sub(before.cpu) < suspicious {
                // Not enough to tell; let it add up.
                self.health.insert(tid, before);
                continue;
            }
            if tasks::blocks(tid, signal) {
                self.blocked.insert(tid);
                continue;
            }
            self.take_back(thread);
            self.rearm(slot, tid, thread);
        }
    }

    fn rearm(&mut self, slot: usize, tid: u32, thread: &Thread) {
        thread.set_timer(Timer::Unarmed);
        if let Some(visit) = self.zone.enter() {
            self.arm(&visit, slot, thread, tid);
        }
    }
}

impl Engine for CpuTimers {
    fn last_census(&mut self) -> Option<Census> {
        let census = self.scan();
        self.take_census(census, true)
    }

    fn tend(&mut self, now: Instant) -> Option<Census> {
        let mut census = None;
        if now >= self.scan_due {
            let rest = rest_after(|| {
                if self.may_have_changed(now) {
                    let scanned = self.scan();
                    if !scanned.gone.is_empty() {
                        self.stirred = now;
                    }
                    census = self.take_census(scanned, false);
                }
                self.pace_scout(now);
            });
            self.scan_due = now + rest.max(SCAN);
        }
        if now >= self.maps_due {
            let mut found = false;
            let rest = rest_after(|| found = self.find_stacks());
            if found {
                self.maps_due = now + rest.max(SCAN);
            }
        }
        if now >= self.check_up_due {
            let rest = rest_after(|| self.check_up());
            self.check_up_due = now + rest.max(CHECK_UP);
        }
        census
    }

    fn unarmed(&self) -> u64 {
        self.zone.refused.load(Relaxed) + self.unplaced
    }

    fn blocked(&self) -> &FxHashSet<u32> {
        &self.blocked
    }

    fn stop(&mut self) {
        timer::delete(self.scout.timer);
        for (_, _, thread) in self.zone.threads.taken() {
            self.take_back(thread);
            thread.forget();
        }
    }
}

/// Does some work; how long to rest from it.
fn rest_after(work: impl FnOnce()) -> Duration {
    let used = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default();
    let begun = used();
    work();
    (used().saturating_sub(begun) * REST).min(LONGEST_REST)
}

/// Whether the thread that a timer was made for is gone, by what the kernel says of the timer.
fn is_gone(thread: &Thread) -> bool {
    matches!(thread.timer(), Timer::Armed(timer) if timer::is_orphaned(timer))
}

/// The stack that `sp` is on: the main thread's, or one that the thread's control block lies at the end of, as C libraries
/// place it. Any other stack (a coroutine's, one for signals) may be unmapped while the thread lives.
fn stack_around(memory: &[tasks::Writable], sp: usize, thread_pointer: usize) -> Stack {
    let at = memory.partition_point(|stretch| stretch.limit <= sp);
    let Some(stretch) = memory.get(at).filter(|stretch| stretch.start <= sp) else { return Stack::Unknowable };
    if stretch.main_stack {
        return Stack::Main(StackBounds { low: stretch.start.saturating_sub(GUARD_GAP), high: stretch.limit });
    }
    if (sp..stretch.limit).contains(&thread_pointer) {
        return Stack::Own(StackBounds { low: stretch.start, high: thread_pointer });
    }
    Stack::Unknowable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stack_that_holds_the_thread_s_control_block_is_trusted() {
        let memory = [
            tasks::Writable { start: 1000, limit: 2000, main_stack: false },
            tasks::Writable { start: 3000, limit: 4000, main_stack: false },
        ];
        assert_eq!(stack_around(&memory, 1500, 1900), Stack::Own(StackBounds { low: 1000, high: 1900 }));
        assert_eq!(stack_around(&memory, 1500, 3900), Stack::Unknowable, "a coroutine's stack");
        assert_eq!(stack_around(&memory, 1500, 0), Stack::Unknowable);
        assert_eq!(stack_around(&memory, 2500, 2600), Stack::Unknowable, "no memory at all");
        let main = [tasks::Writable { start: 8 << 20, limit: 9 << 20, main_stack: true }];
        let bounds = StackBounds { low: 7 << 20, high: 9 << 20 };
        assert_eq!(stack_around(&main, (8 << 20) + 100, 1500), Stack::Main(bounds));
    }
}
