//! The wall clock: looks at each thread now and then, whether it runs or waits, and gives the time since the last look to the
//! place where the thread is.
//!
//! Where a thread is, it says itself: it is asked by a signal. That wakes a thread that waits, so one that has not run since
//! its last answer is not asked again; its CPU clock tells, which can be read from outside. It still is where it was, and that
//! place gets the time.
//!
//! Answering takes CPU time itself (a few microseconds: the thread wakes, walks its stack, and goes back to its wait), so right
//! after an answer the clock may have moved by [`SETTLING`] without the thread counting as having run. In that one interval it
//! can really have gone on to wait elsewhere, and the old place would get its time for as long as it then stands still. How
//! likely that is is the share of its waits that end in such an interval, so on average an answer gives about one interval to
//! the wrong place, however long the waits are. That no single error gets large, a thread that stands still is asked again when
//! [`FIRST_PATIENCE`] has passed, then after twice as long each time.

use std::time::{Duration, Instant};

use plop_profile::StackId;
use rustc_hash::{FxHashMap, FxHashSet};

use super::thread_clock::cpu_time;
use crate::signal::timer::Clock;
use crate::signal::zone::Zone;
use crate::signal::{asking, clock};
use crate::{Error, tasks};

/// How many threads are asked at a look, at most: what bounds how much the program is disturbed.
pub(crate) const MOST_ASKED: usize = 16;
/// How many threads are looked at, at most: what bounds what a look costs. Reading a thread's CPU clock takes about 0.4 µs.
const MOST_LOOKED_AT: usize = 256;
/// CPU time that answering takes at most, waking up and going back to sleep included; measured at 5 to 30 µs.
const SETTLING: Duration = Duration::from_micros(100);
/// How long an answer of a thread that stands still is trusted, at first and at last.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
const LAST_PATIENCE: Duration = Duration::from_secs(64);
/// How long an answer may take before it is looked whether the thread blocks the signal.
const SUSPICIOUS: Duration = Duration::from_secs(1);

/// The clock.
pub(crate) struct Wall {
    zone: &'static Zone,
    interval: Duration,
    pid: u32,
    due: Instant,
    /// Where in the list of threads the next look begins.
    next: usize,
    watched: FxHashMap<u32, Watched>,
    blocked: FxHashSet<u32>,
    pub(crate) figures: Figures,
}

/// What the self-check says of the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Time that samples stand for.
    pub(crate) sampled: Duration,
    /// Time that threads were watched for.
    pub(crate) watched: Duration,
    /// How often a thread was asked.
    pub(crate) asked: u64,
}

/// Where a thread was, and under which labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) tid: u32,
    pub(crate) stack: StackId,
    pub(crate) label: u32,
}

/// What is known of one thread.
#[derive(Debug)]
struct Watched {
    /// Its CPU clock at the last look.
    cpu: Duration,
    looked_at: Instant,
    /// Time that no place has got yet.
    pending: Duration,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
    /// Whether the last look was followed by a question, which costs the thread CPU time.
    settling: bool,
    answered: Option<(Place, Instant)>,
    patience: Duration,
    blocks: bool,
}

/// What to do about a thread.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is where it was: that place gets the time.
    Still(Place, Duration),
    Ask,
    /// There is nothing to do yet.
    Wait,
}

impl Wall {
    /// # Errors
    /// When the process may not send signals to its own threads with a value.
    pub(crate) fn new(zone: &'static Zone, interval: Duration) -> Result<Self, Error> {
        let pid = std::process::id();
        asking::may_ask(pid, crate::signal::syscall::thread_id())
            .map_err(|source| Error::System { what: "rt_tgsigqueueinfo", source })?;
        Ok(Wall {
            zone,
            interval,
            pid,
            due: Instant::now(),
            next: 0,
            watched: FxHashMap::default(),
            blocked: FxHashSet::default(),
            figures: Figures::default(),
        })
    }

    /// When the next look is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Looks at the next threads. Those that stand still are given to `still`, with the time to add to their place; others are
    /// asked, and give theirs with [`Wall::answer`].
    pub(crate) fn look(&mut self, mut still: impl FnMut(Place, Duration)) {
        let now = Instant::now();
        // By chance a quarter earlier or later, so that no habit of the program falls into step.
        let chance = clock::random(u64::from(self.pid)) % 1024;
        self.due = now + self.interval * 3 / 4 + self.interval * chance as u32 / 2048;
        let tids: Vec<u32> = self.zone.threads.taken().map(|(_, tid, _)| tid).filter(|&tid| tid != 0).collect();
        let mut asked = 0;
        for turn in 0..tids.len().min(MOST_LOOKED_AT) {
            let tid = tids[self.next % tids.len()];
            // The rest waits for the next look.
            if asked == MOST_ASKED {
                break;
            }
            self.next = if turn == 0 { self.next % tids.len() + 1 } else { self.next + 1 };
            let Some(cpu) = cpu_time(Clock::Thread(tid)) else { continue };
            let Some(watched) = self.watched.get_mut(&tid) else {
                self.watched.insert(tid, Watched::new(cpu, now));
                continue;
            };
            self.figures.watched += now - watched.looked_at;
            match watched.look(cpu, now) {
                Verdict::Still(place, time) => {
                    self.figures.sampled += time;
                    still(place, time);
                }
                Verdict::Ask => {
                    asked += 1;
                    self.figures.asked += 1;
                    // It may have ended since its clock was read.
                    let _ = asking::ask(self.pid, tid);
                }
                Verdict::Wait => {}
            }
            if watched.is_suspicious(now) && tasks::blocks(tid, asking::SIGNAL) {
                watched.blocks = true;
                self.blocked.insert(tid);
            }
        }
    }

    /// Takes a thread's answer; gives the time that goes to its place, or `None` if nobody has asked.
    pub(crate) fn answer(&mut self, tid: u32) -> Option<Duration> {
        let watched = self.watched.get_mut(&tid)?;
        watched.asked.take()?;
        watched.blocks = false;
        let time = std::mem::take(&mut watched.pending);
        self.figures.sampled += time;
        Some(time)
    }

    /// Says where a thread was that has answered.
    pub(crate) fn found(&mut self, place: Place) {
        if let Some(watched) = self.watched.get_mut(&place.tid) {
            watched.answered = Some((place, Instant::now()));
        }
    }

    /// Gives what time no place has got to the places where threads were last: at most the time between two looks for each.
    pub(crate) fn end(&mut self, mut add: impl FnMut(Place, Duration)) {
        let now = Instant::now();
        for watched in self.watched.values_mut() {
            let Some((place, _)) = watched.answered.filter(|_| !watched.blocks) else { continue };
            let since = now - watched.looked_at;
            // A thread may have gone meanwhile.
            if cpu_time(Clock::Thread(place.tid)).is_none() {
                continue;
            }
            let time = std::mem::take(&mut watched.pending) + since;
            watched.looked_at = now;
            self.figures.watched += since;
            self.figures.sampled += time;
            add(place, time);
        }
    }

    /// Forgets a thread that is gone.
    pub(crate) fn forget_thread(&mut self, tid: u32) {
        self.watched.remove(&tid);
    }

    /// Threads that block the signal.
    pub(crate) fn blocked(&self) -> &FxHashSet<u32> {
        &self.blocked
    }
}

impl Watched {
    fn new(cpu: Duration, now: Instant) -> Self {
        Watched {
            cpu,
            looked_at: now,
            pending: Duration::ZERO,
            asked: None,
            settling: false,
            answered: None,
            patience: FIRST_PATIENCE,
            blocks: false,
        }
    }

    fn look(&mut self, cpu: Duration, now: Instant) -> Verdict {
        self.pending += now - self.looked_at;
        self.looked_at = now;
        if self.blocks {
            // Nobody knows where it is.
            self.pending = Duration::ZERO;
            return Verdict::Wait;
        }
        let ran = cpu.checked_sub(self.cpu);
        self.cpu = cpu;
        if self.asked.is_some() {
            // The signal waits for the thread to go on, or the answer found no room. Asking twice does not hurt.
            return Verdict::Ask;
        }
        let slack = if std::mem::take(&mut self.settling) { SETTLING } else { Duration::ZERO };
        // A clock that went back is another thread's.
        let is_still = ran.is_some_and(|ran| ran <= slack);
        match self.answered {
            Some((place, at)) if is_still && now - at < self.patience => {
                return Verdict::Still(place, std::mem::take(&mut self.pending));
            }
            Some(_) if is_still => self.patience = (self.patience * 2).min(LAST_PATIENCE),
            _ => self.patience = FIRST_PATIENCE,
        }
        self.settling = true;
        self.asked = Some(now);
        Verdict::Ask
    }

    fn is_suspicious(&self, now: Instant) -> bool {
        !self.blocks && self.asked.is_some_and(|since| now - since > SUSPICIOUS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { tid: 1, stack: StackId(7), label: 0 };
    const STEP: Duration = Duration::from_millis(50);

    /// A thread that waits, looked at again and again; gives after how many looks it was asked.
    fn asked_at(looks: u32, mut cpu_at: impl FnMut(u32) -> Duration) -> Vec<u32> {
        let begun = Instant::now();
        let mut watched = Watched::new(cpu_at(0), begun);
        let mut given = Duration::ZERO;
        let mut asked = Vec::new();
        for look in 1..=looks {
            let now = begun + STEP * look;
            match watched.look(cpu_at(look), now) {
                Verdict::Ask => {
                    asked.push(look);
                    watched.asked = None;
                    given += std::mem::take(&mut watched.pending);
                    watched.answered = Some((PLACE, now));
                }
                Verdict::Still(place, time) => {
                    assert_eq!(place, PLACE);
                    given += time;
                }
                Verdict::Wait => {}
            }
        }
        assert_eq!(given, STEP * looks, "all time goes somewhere");
        asked
    }

    #[test]
    fn a_thread_that_stands_still_is_asked_less_and_less() {
        let mut cpu = Duration::ZERO;
        let mut after_answer = [1, 21, 61, 141].map(|look| look + 1).into_iter().peekable();
        let asked = asked_at(200, |look| {
            if after_answer.next_if_eq(&look).is_some() {
                cpu += SETTLING;
            }
            cpu
        });
        assert_eq!(asked, [1, 21, 61, 141], "after one second, two, four");
    }

    #[test]
    fn a_thread_that_runs_is_asked_at_every_look() {
        let asked = asked_at(20, |look| Duration::from_millis(u64::from(look)));
        assert_eq!(asked, (1..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_that_runs_for_a_moment_is_asked_where_it_is_now() {
        let asked = asked_at(9, |look| Duration::from_micros(u64::from(look / 4)));
        assert_eq!(asked, [1, 4, 8]);
    }

    #[test]
    fn a_tid_that_has_become_another_thread_s_is_asked_anew() {
        let asked = asked_at(8, |look| Duration::from_micros(if look < 5 { 9 } else { 0 }));
        assert_eq!(asked, [1, 5]);
    }

    #[test]
    fn time_without_an_answer_waits_for_one() {
        let begun = Instant::now();
        let mut watched = Watched::new(Duration::ZERO, begun);
        for look in 1..=30 {
            assert_eq!(watched.look(Duration::ZERO, begun + STEP * look), Verdict::Ask);
        }
        assert_eq!(watched.pending, STEP * 30);
        assert!(watched.is_suspicious(begun + STEP * 30));
        watched.blocks = true;
        assert_eq!(watched.look(Duration::ZERO, begun + STEP * 31), Verdict::Wait);
        assert_eq!(watched.pending, Duration::ZERO);
    }
}
